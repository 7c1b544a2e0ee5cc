"""For hatchling: the README as the description of the package, where links into the repository lead there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

HOME = "https://github.com/flask-livechat/flask-livechat"
IMAGE = re.compile(r"^(\.\. image:: )(?=docs/)", re.MULTILINE)
LINK = re.compile(r"^(\.\. _[^:]+: )(?!https?://|mailto:)", re.MULTILINE)


class Readme(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.rst").read_text("utf-8")
        version = metadata["version"]  # a release's tag is its version
        text = IMAGE.sub(rf"\g<1>{HOME}/raw/{version}/", text)
        text = LINK.sub(rf"\g<1>{HOME}/blob/{version}/", text)
        metadata["readme"] = {"content-type": "text/x-rst", "text": text}
