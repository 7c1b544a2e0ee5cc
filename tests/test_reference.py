"""The reference describes every argument of a rule and every field of a record, and shows no internals."""

from __future__ import annotations

import dataclasses
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from flask_livechat import LiveChat
from flask_livechat.widget import rules

REFERENCE = (Path(__file__).parent.parent / "docs" / "reference.rst").read_text("utf-8")
CLASS = re.compile(r"^\.\. auto(?:class|exception):: (flask_livechat[\w.]*)\.(\w+).*\n((?:   .*\n)*)", re.MULTILINE)
INTERNALS = {"has_visitor_loader", "account", "handle", "count", "rate"}  # which no app calls


def documented() -> dict[str, tuple[Any, set[str]]]:
    """The classes of the page by their names, each with the members that are left out."""
    result = {}
    for module, name, options in CLASS.findall(REFERENCE):
        left_out = re.search(r":exclude-members: (.*)", options)
        result[f"{module}.{name}"] = (
            getattr(import_module(module), name),
            set(left_out[1].split(", ")) if left_out else set(),
        )
    return result


RECORDS = {name: (kind, left_out) for name, (kind, left_out) in documented().items() if dataclasses.is_dataclass(kind)}


def descriptions(kind: type) -> dict[str, str]:
    """The comments with a colon above the fields of a class, or behind them: autodoc reads these, too."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if comment := re.fullmatch(r"    #: (.+)", line):
            above.append(comment[1])
            continue
        if field := re.match(r"    (\w+): ", line):
            _, _, behind = line.partition("  #: ")
            if text := behind or " ".join(above):
                found[field[1]] = text
        above = []
    return found


@dataclasses.dataclass
class Example:
    #: Above.
    first: int
    second: int  #: Behind.
    third: int  # no description


def test_a_field_without_a_description_is_noticed() -> None:
    assert descriptions(Example) == {"first": "Above.", "second": "Behind."}


def test_the_page_has_the_records_that_matter() -> None:
    names = {name.rpartition(".")[2] for name in RECORDS}
    assert {"Visitor", "Company", "Decision", "Answer", "Event", "Provider", "Key", "Conversation", "Metrics"} <= names
    assert len(RECORDS) > 35


@pytest.mark.parametrize("name", RECORDS)
def test_each_field_of_a_record_is_described(name: str) -> None:
    kind, left_out = RECORDS[name]
    described = descriptions(kind)
    fields = {field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")} - left_out
    assert fields - described.keys() == set()
    assert all(text[0].isupper() or text.startswith("``") for text in described.values())
    assert all(text.endswith((".", "…")) for text in described.values())


@pytest.mark.parametrize("name", documented())
def test_each_method_and_property_of_a_class_is_described(name: str) -> None:
    kind, left_out = documented()[name]
    own = [member for member in vars(kind) if not member.startswith("_") and member not in left_out]
    called = [member for member in own if isinstance(vars(kind)[member], property) or callable(vars(kind)[member])]
    assert [member for member in called if not inspect.getdoc(getattr(kind, member))] == []


def parameters(method: Any) -> dict[str, str]:
    """What a docstring says of each parameter."""
    parts = re.split(r"^:param (\w+): ", inspect.getdoc(method) or "", flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_argument_of_a_rule_is_described_with_its_default() -> None:
    described = parameters(LiveChat.rule)
    assert described.keys() == {"when", *rules.CHECKS}
    assert [name for name, text in described.items() if not re.search(r"[Dd]efault", text)] == []
    assert parameters(LiveChat.rule_for).keys() == {"blueprint", "fields"}


@pytest.mark.parametrize(
    ("name", "choices"),
    [("load", rules.STRATEGIES), ("mobile", rules.MOBILE), ("offline", rules.OFFLINE), ("help", rules.HELP)],
)
def test_the_description_of_an_argument_names_each_value(name: str, choices: tuple[str, ...]) -> None:
    text = " ".join(parameters(LiveChat.rule)[name].split())
    assert [choice for choice in choices if f'``"{choice}"``' not in text] == []


def test_the_description_of_start_names_each_kind() -> None:
    text = parameters(LiveChat.rule)["start"]
    assert [kind for kind in rules.KINDS if f"``{kind}``" not in text] == []
    assert f"at most {rules.MAX_ID_CHARS} characters" in text


def test_internals_are_not_in_the_reference() -> None:
    methods = set(
        re.findall(r"^\.\. auto(?:method|property):: flask_livechat\.LiveChat\.(\w+)", REFERENCE, re.MULTILINE)
    )
    assert methods & INTERNALS == set()
    shown = [name for name, (kind, left_out) in documented().items() if hasattr(kind, "cache_key") and not left_out]
    assert shown == []
