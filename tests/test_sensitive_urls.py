"""Which addresses look as if they carried a secret: two lists of made-up ones, random tokens, and hostile input."""

from __future__ import annotations

import base64
import random
import string
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_livechat.widget.sensitive_urls import MAX_ADDRESS_CHARS, Address, secret_in

from .conftest import chat_of

MakeApp = Callable[..., Flask]


def _lines(name: str) -> list[str]:
    lines = (Path(__file__).parent / "addresses" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _address(text: str) -> Address:
    path, _, query = text.partition("#")[0].partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return Address(unquote(path), None, tuple(name for name, _ in pairs), (), tuple(value for _, value in pairs))


@pytest.mark.parametrize("text", _lines("secret"))
def test_an_address_that_carries_a_secret_is_noticed_and_not_repeated(text: str) -> None:
    reason = secret_in(_address(text))
    assert reason is not None
    for secret in ("hunter2", "Zm9v", "9f86", "3f9a1c", "k3j9", "550e8400", "abc123", "aA5Yuvrxzpv8Tau1cYQ7"):
        assert secret not in reason


def test_of_ordinary_addresses_fewer_than_one_in_two_hundred_is_an_alarm() -> None:
    ordinary = _lines("ordinary")
    assert len(ordinary) >= 400
    alarms = {text: reason for text in ordinary if (reason := secret_in(_address(text)))}
    assert len(alarms) < len(ordinary) / 200, alarms


LOWER_AND_DIGITS = string.ascii_lowercase + string.digits
MAKERS: dict[str, Callable[[random.Random], str]] = {
    "base64url of 16 bytes": lambda rng: base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("="),
    "base64url of 32 bytes": lambda rng: base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("="),
    "hex of 16 bytes": lambda rng: rng.randbytes(16).hex(),
    "hex of 14 bytes": lambda rng: rng.randbytes(14).hex(),
    "base32 of 20 bytes": lambda rng: base64.b32encode(rng.randbytes(20)).decode(),
    "24 small letters and digits": lambda rng: "".join(rng.choices(LOWER_AND_DIGITS, k=24)),
    "24 letters and digits": lambda rng: "".join(rng.choices(string.ascii_letters + string.digits, k=24)),
    "32 letters": lambda rng: "".join(rng.choices(string.ascii_letters, k=32)),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_nineteen_of_twenty_random_tokens_are_noticed_in_path_and_query(kind: str) -> None:
    rng = random.Random(16)  # noqa: S311 - not for secrecy: the same tokens in each run
    tokens = [MAKERS[kind](rng) for _ in range(500)]
    for addresses in ([f"/s/{token}" for token in tokens], [f"/page?x={quote(token)}" for token in tokens]):
        assert sum(secret_in(_address(text)) is not None for text in addresses) >= 475


@given(st.lists(st.sampled_from("order ship mountain yellow reset token pass winter guide pin".split()), min_size=3))
def test_a_slug_of_words_is_no_token(words: list[str]) -> None:
    assert secret_in(_address("/news/" + "-".join([*words, "2026"]))) is None


@pytest.mark.parametrize("key", "next url return_to redirect_uri anything".split())
def test_an_address_in_a_value_is_judged_however_often_it_is_encoded(key: str) -> None:
    inner = "/page?invite=3f9a1c"
    for _ in range(12):
        inner = quote(inner, safe="")
        assert secret_in(_address(f"/login?{key}={inner}")) is not None


def test_an_address_in_an_address_in_an_address_is_judged() -> None:
    inner = "/page?invite=3f9a1c"
    for _ in range(8):
        inner = f"/login?next={quote(inner, safe='')}"
        assert secret_in(_address(inner)) is not None


def test_an_ordinary_address_in_an_address_in_an_address_is_no_alarm() -> None:
    inner = "/pricing?plan=team"
    for _ in range(3):
        inner = f"/page?next={quote(inner, safe='')}"
        assert secret_in(_address(inner)) is None


@settings(deadline=None)
@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=80)), max_size=5),
    st.lists(st.text(max_size=20), max_size=2),
)
def test_no_address_makes_the_judge_raise(path: str, pairs: list[tuple[str, str]], arguments: list[str]) -> None:
    names, values = tuple(name for name, _ in pairs), tuple(value for _, value in pairs)
    assert isinstance(secret_in(Address(path, path, names, tuple(arguments), values)), str | None)
    assert isinstance(secret_in(Address(path, None, names, (), values[:1])), str | None)


HOSTILE = "//: : aaaaa. a- /x?a= %25 reset-password/ a; ;a= .aaaa aB # eyJa. / Aa-b".split()


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_address_that_is_judged_takes_a_fraction_of_a_second(piece: str) -> None:
    text = (piece * MAX_ADDRESS_CHARS)[: MAX_ADDRESS_CHARS - 10]
    start = time.process_time()
    for address in (Address("/" + text), Address("/x", None, ("q",), (), (text,)), Address("/x", None, (text,))):
        secret_in(address)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "address",
    [
        Address("/x", None, ("q",), (), ("a b " * 250_000,)),
        Address("/x", None, ("a",) * 300_000, (), ("b",) * 300_000),
        Address("/segment" * 10_000),
    ],
)
def test_what_is_too_long_to_be_judged_gets_no_chat_at_once(address: Address) -> None:
    start = time.process_time()
    assert "longer" in str(secret_in(address))
    assert time.process_time() - start < 0.1


def test_a_request_is_judged_by_its_names_and_values_together(make_app: MakeApp) -> None:
    client = make_app().test_client()
    for query in ("?invite=3f9a1c", "?a=1&a=2&ticket=9f31ac", "?next=%2Fx%3Fpin%3D4711", "?" + "a" * 5000):
        assert "livechat" not in client.get("/" + query).text, query
    for query in ("?ticket=42", "?a=1&a=9f31ac&ticket=42", "?next=%2Forders%2F10042"):
        assert 'id="livechat"' in client.get("/" + query).text, query


def test_a_path_given_to_decide_is_judged_with_its_values(make_app: MakeApp) -> None:
    app = make_app()
    with app.app_context():
        assert chat_of(app).decide(path="/?ticket=42").show
        assert not chat_of(app).decide(path="/?ticket=9f31ac").show
