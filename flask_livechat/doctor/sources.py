"""An app's templates and static files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from flask import Flask
from jinja2 import TemplateSyntaxError

from ..widget.secret_scanner import SecretScanner
from .findings import Place, Skipped
from .limits import Limits, within
from .reading import File, Template, template

TEXT = frozenset(
    """
    .bak .cjs .css .env .htm .html .js .json .jsx .map .mjs .svg .ts .tsx .txt .vue .webmanifest .xml .yaml .yml
    """.split()
)


def templates(app: Flask, limits: Limits, unseen: list[Skipped]) -> Iterator[Template]:
    environment = app.jinja_env
    try:
        names = environment.list_templates()
    except TypeError:
        unseen.append(Skipped("the templates", "their loader cannot list them"))
        return
    for name in names:
        try:
            source, filename, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
            if filename and "site-packages" in Path(filename).parts:
                continue  # another package's
            if len(source) > limits.size:
                raise ValueError("too long")
            document = within(
                limits.seconds, partial(template, name, source, place_in(app, filename, name), environment)
            )
        except TemplateSyntaxError as error:
            unseen.append(Skipped(name, f"is not a valid template (line {error.lineno})"))
        except Exception as error:  # binary files, files that vanish, loaders of all kinds
            unseen.append(Skipped(name, f"cannot be read ({type(error).__name__})"))
        else:
            yield document


def files(
    app: Flask, known: SecretScanner, limits: Limits, unseen: list[Skipped]
) -> tuple[tuple[File, ...], tuple[tuple[Place, str], ...]]:
    """The static files that are text, and of all of them those that hold a configured secret."""
    texts: list[File] = []
    leaking: list[tuple[Place, str]] = []
    for path in islice(_static(app), limits.files):
        place = place_in(app, str(path), path.name)
        try:
            if path.stat().st_size > limits.size:
                unseen.append(Skipped(place.name, f"is longer than {limits.size:,} bytes"))
                continue
            body = path.read_bytes()
        except OSError as error:
            unseen.append(Skipped(place.name, f"cannot be read ({type(error).__name__})"))
            continue
        if key := known.key_in(body):
            leaking.append((place, key))
        if (path.suffix or path.name).lower() in TEXT:
            texts.append(File(place, body.decode("utf-8", "replace")))
    if next(islice(_static(app), limits.files, None), None):
        unseen.append(Skipped("further static files", f"there are more than {limits.files:,}"))
    return tuple(texts), tuple(leaking)


def _static(app: Flask) -> Iterator[Path]:
    folders = [app.static_folder, *(blueprint.static_folder for blueprint in app.blueprints.values())]
    for folder in dict.fromkeys(filter(None, folders)):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not {"site-packages", "node_modules"} & {*path.parts}:
                yield path


def place_of(app: Flask) -> Place | None:
    """The file that the app is made in."""
    filename = getattr(sys.modules.get(app.import_name), "__file__", None)
    return place_in(app, filename, Path(filename).name) if filename else None


def place_in(app: Flask, filename: str | None, name: str) -> Place:
    """As an editor would open it: relative to where the command runs, or to the app."""
    if not filename:
        return Place(name, file=True)
    for root in (Path.cwd(), Path(app.root_path)):
        if Path(filename).is_relative_to(root):
            return Place(Path(filename).relative_to(root).as_posix(), file=True)
    return Place(name, file=True)
