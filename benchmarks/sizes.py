"""What a page loads of ours, in bytes on the wire: the same on every machine.

python -m benchmarks.sizes
"""

from __future__ import annotations

import gzip
import re

from benchmarks.render import IDS, User, app_of, visit
from flask_livechat.widget.assets import Script

FILES = {"": "before the vendor's moment", "-button": "where our own button is shown", "-session": "with the vendor"}


def wire(script: Script, encoding: str) -> int:
    return len(script.encoded({encoding: 1.0})[0])


def inline(vendor: str) -> int:
    """The data block and the script tag of an identified visitor, without the text of tokens."""
    with visit(app_of(vendor), User()) as tag:
        return len(gzip.compress(re.sub(r'"(jwt|token)":"[^"]*"', r'"\1":""', tag()).encode(), 9))


def main() -> None:
    print(f"{'bytes':<44}{'gzip':>8}{'brotli':>8}")
    for vendor in IDS:
        scripts = app_of(vendor).extensions["livechat"].scripts
        sizes = [(wire(scripts[vendor + part], "gzip"), wire(scripts[vendor + part], "br")) for part in FILES]
        for said, (zipped, brotli) in zip(FILES.values(), sizes, strict=True):
            print(f"{vendor + ', ' + said:<44}{zipped:8}{brotli:8}")
        print(f"{vendor + ', all of ours':<44}{sum(zipped for zipped, _ in sizes):8}{sum(br for _, br in sizes):8}")
        print(f"{vendor + ', in the page':<44}{inline(vendor):8}")
    print("targets: 3800 before the moment in one request, 12500 in all, 600 in the page (gzip)")


if __name__ == "__main__":
    main()
