"""A pytest plugin: the vendors of a folder stand beside the package's own, before any test is collected."""

from __future__ import annotations

import os

from flask_livechat import providers

if "VENDORS" in os.environ:
    providers.__path__.append(os.environ["VENDORS"])
