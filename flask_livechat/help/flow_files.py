"""Flows out of TOML files and dicts, with everything that is wrong with all of them."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..safe_text import terminal_text
from .flows import NAME, TARGETS, Choice, Flow, Step, Text

KINDS = ("choices", "ask", "articles", "answer")
KEYS = ("say", *KINDS, "then")
LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")
RESERVED_FIELDS = ("help_path", "help_seen", "question")  # attributes that we send ourselves
MAX_LISTED = 20  # steps in one message
SAY = 'Write say = "…", or say = { en = "…", de = "…" }.'


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a flow: where, what, and what to do. With a warning the flow works all the same."""

    file: str  # "flows/support.toml", or "livechat.flow('support')"
    step: str | None
    what: str
    fix: str
    is_error: bool = True

    @property
    def where_and_what(self) -> str:
        return f"[{self.step}] {self.what}" if self.step else self.what

    def __str__(self) -> str:
        return f"{self.file}: {self.where_and_what}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of an app that can be run, by name; and what is wrong, also with those that cannot."""

    by_name: Mapping[str, Flow]
    problems: tuple[Problem, ...] = ()


def read_all(folder: Path | None, registered: Mapping[str, Mapping[str, Any]]) -> Flows:
    """Read a folder's files and the flows that an app has registered. What is wrong is in ``problems``."""
    tables: dict[str, tuple[str, Any]] = {name: (source(name), table) for name, table in registered.items()}
    problems: list[Problem] = []
    paths = sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
    if folder is not None and not paths:
        what = "the folder has no flows" if folder.is_dir() else "the folder does not exist"
        problems.append(Problem(str(folder), None, what, "LIVECHAT_FLOWS names a folder of TOML files."))
    for path in paths:
        file = f"{path.parent.name}/{path.name}"
        if path.stem in registered:
            problems.append(Problem(file, None, f"{source(path.stem)} has the same name", "Rename one of them."))
            continue
        try:
            tables[path.stem] = (file, tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            problems.append(Problem(file, None, f"it is not TOML: {error}", "https://toml.io explains the format."))
        except OSError as error:
            problems.append(Problem(file, None, f"it cannot be read: {error.strerror}", "Let the app read it."))
    flows: dict[str, Flow] = {}
    for name, (file, table) in tables.items():
        flow, wrong = read(name, file, table)
        problems += wrong
        if flow is not None:
            flows[name] = flow
    return Flows(flows, tuple(problems))


def source(name: str) -> str:
    """What a flow that an app has registered is called in messages."""
    return f"livechat.flow({name!r})"


def read(name: str, file: str, table: Any) -> tuple[Flow | None, list[Problem]]:
    """A flow out of its table. None where it has errors; all of them are listed."""
    problems = list[Problem]()
    if not NAME.fullmatch(name):
        fix = "A flow's name has at most 40 letters, digits, - and _."
        problems.append(Problem(file, None, f"{name[:60]!r} cannot be its name", fix))
    if not isinstance(table, Mapping):
        problems.append(Problem(file, None, "a flow is a table of steps", "docs/flows.rst has an example."))
        return None, problems
    steps = dict[str, Step]()
    for key, value in table.items():
        if key != "start":
            reader = _StepReader(file, str(key), problems)
            steps[str(key)] = reader.step(value)
    start = table.get("start")
    problems += _wrong_targets(file, start, steps)
    if any(problem.is_error for problem in problems):
        return None, problems
    digest = hashlib.sha256(json.dumps(table, default=str).encode()).hexdigest()[:12]
    return Flow(name, str(start), steps, file, tuple(_locales(steps)), digest), problems


def _wrong_targets(file: str, start: Any, steps: Mapping[str, Step]) -> Iterator[Problem]:
    known = f"The steps are: {', '.join([*steps][:MAX_LISTED]) or 'none'}"
    if not isinstance(start, str) or start not in steps:
        what = "start is missing" if start is None else f"start = {str(start)[:60]!r} is not a step"
        yield Problem(file, None, what, f"{known}.")
    for step in steps.values():
        for target in dict.fromkeys(step.targets()):
            if target not in steps and target not in TARGETS:
                near = difflib.get_close_matches(target, [*steps, *TARGETS], 1)
                fix = f"Did you mean {near[0]!r}?" if near else f"{known}; or human or done."
                yield Problem(file, step.name, f"{target[:60]!r} is not a step", fix)


def _locales(steps: Mapping[str, Step]) -> Iterator[str]:
    texts = (text for step in steps.values() for text in texts_of(step))
    yield from dict.fromkeys(tag for text in texts for tag in text if tag)


def texts_of(step: Step) -> Iterator[Text]:
    """All that a step says, in all languages."""
    yield from (text for text in (step.say, step.articles or {}) if text)
    yield from (choice.label for choice in step.choices)


class _StepReader:
    """One step out of a file. What is wrong goes to ``problems``, and reading goes on."""

    def __init__(self, file: str, name: str, problems: list[Problem]) -> None:
        self.file, self.name, self.problems = file, name, problems

    def wrong(self, what: str, fix: str) -> None:
        self.problems.append(Problem(self.file, self.name[:60], what, fix))

    def step(self, table: Any) -> Step:
        if not NAME.fullmatch(self.name) or self.name in TARGETS:
            self.wrong("this cannot be a step's name", "It has at most 40 letters, digits, - and _; not human or done.")
        if not isinstance(table, Mapping):
            self.wrong("a step is a table", f"Write [{self.name[:60]}] with say and one of {', '.join(KINDS)}.")
            return Step(self.name)
        for key in table:
            if key not in KEYS:
                near = difflib.get_close_matches(str(key), KEYS, 1)
                fix = f"Did you mean {near[0]!r}?" if near else f"A step has {', '.join(KEYS)}."
                self.wrong(f"there is no {str(key)[:60]!r} in a step", fix)
        kinds = [key for key in KINDS if key in table]
        if len(kinds) != 1:
            what = f"it has {' and '.join(kinds)}" if kinds else "it does not lead anywhere"
            self.wrong(what, f"A step has one of {', '.join(KINDS)}.")
        if "say" not in table and ("choices" in kinds or "ask" in kinds):
            self.wrong("say is missing", SAY)
        return Step(
            self.name,
            self.text("say", table["say"]) if "say" in table else {},
            tuple(self.choices(table["choices"])) if "choices" in table else (),
            self.word("ask", table["ask"]) if "ask" in table else None,
            self.text("articles", table["articles"]) if "articles" in table else None,
            self.word("answer", table["answer"]) if "answer" in table else None,
            self.then(table, kinds),
        )

    def then(self, table: Mapping[str, Any], kinds: list[str]) -> str | None:
        then = table.get("then")
        if "ask" in kinds and then is None:
            self.wrong("then is missing", 'Name the step after the field, such as then = "human".')
        if "choices" in kinds and then is not None:
            self.wrong("then cannot be combined with choices", "Remove it: each choice names its own step.")
        if then is not None and not isinstance(then, str):
            self.wrong("then must be a step's name", 'Such as then = "human".')
            return None
        return then

    def word(self, key: str, value: Any) -> str | None:
        if not isinstance(value, str) or not NAME.fullmatch(value) or (key == "ask" and value in RESERVED_FIELDS):
            reserved = f"; not {', '.join(RESERVED_FIELDS)}" if key == "ask" else ""
            self.wrong(f"{key} is not a valid name", f"It is a name of at most 40 letters, digits, - and _{reserved}.")
            return None
        return value

    def choices(self, value: Any) -> Iterator[Choice]:
        if isinstance(value, Mapping):
            value = [{"label": label, "to": to} for label, to in value.items()]
        if not isinstance(value, list | tuple) or not value:
            self.wrong("choices is empty, or not a table", 'Write choices = { "Billing" = "billing" }, or a list.')
            return
        seen = set[tuple[str, str]]()
        for entry in value:
            if not isinstance(entry, Mapping) or entry.keys() != {"label", "to"} or not isinstance(entry["to"], str):
                self.wrong("a choice has a label and to", 'Write { label = { en = "…", de = "…" }, to = "…" }.')
                continue
            label = self.text("a label", entry["label"])
            labels = {(tag, text.casefold()) for tag, text in label.items()}
            if labels & seen:
                self.wrong("two choices have the same label", "Give each its own label.")
            seen |= labels
            yield Choice(label, entry["to"])

    def text(self, what: str, value: Any) -> Text:
        """A text, or a table by locale."""
        table = value if isinstance(value, Mapping) else {"": value}
        result = {str(tag).lower().replace("_", "-"): text for tag, text in table.items()}
        if not result or (isinstance(value, Mapping) and not all(LOCALE.fullmatch(tag) for tag in result)):
            self.wrong(f"{what} has a key that is not a language", SAY)
        if not all(isinstance(text, str) and text.strip() for text in result.values()):
            self.wrong(f"{what} is empty, or not a text", SAY)
            return {}
        lines = [line for text in result.values() for line in (text.splitlines() if what == "say" else [text])]
        if not all(line == terminal_text(line) for line in lines):
            self.wrong(f"{what} has invisible characters", "Remove the characters that control, hide or turn text.")
        return result
