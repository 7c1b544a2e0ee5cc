"""How Sphinx makes the documentation: ``make docs``. A warning is an error."""

from __future__ import annotations

from importlib.metadata import version as version_of
from itertools import pairwise
from typing import Any

project = "Flask-LiveChat"
author = "The Flask-LiveChat maintainers"
copyright = "The Flask-LiveChat maintainers"  # noqa: A001 - Sphinx's own name
version = release = version_of("flask-livechat")

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
default_role = "literal"
nitpicky = False  # annotations name types of other packages, which are not looked up while building

html_theme = "furo"
html_title = f"Flask-LiveChat {version}"
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "undoc-members": True}


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", mark_code)


def mark_code(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """In our docstrings what is indented is code, or a drawing: said to Sphinx, which would take it for a quotation."""
    begins = [n for n, (before, line) in enumerate(pairwise(["", *lines])) if not before and line.startswith("    ")]
    for n in reversed(begins):
        before = next((line for line in reversed(lines[:n]) if line), "")
        if not before.startswith("    "):
            lines[n:n] = ["::", ""]
