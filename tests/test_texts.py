"""What our button says, in the visitor's language."""

from __future__ import annotations

import re

import pytest

from flask_livechat.widget import texts

from .conftest import create_app

LANGUAGES = "ar bn de en es fr hi id pt ru ur zh".split()


def test_twelve_languages_have_every_sentence() -> None:
    assert sorted(texts.TEXTS) == LANGUAGES
    for words in texts.TEXTS.values():
        assert set(words) == set(texts.NAMES)
        assert all(0 < len(text) <= texts.MAX_CHARS for text in words.values())
        assert "{n}" in words["unread"]


def test_an_apps_own_words_stand_in_the_place_of_ours_and_the_rest_stays() -> None:
    merged = texts.merged({"de": {"chat": "Fragen?"}, "nl": {"chat": "Chat met ons"}, "pt_PT": {"contact": "Contacto"}})
    assert merged["de"] == {**texts.TEXTS["de"], "chat": "Fragen?"}
    assert merged["nl"] == {**texts.TEXTS["en"], "chat": "Chat met ons"}
    assert merged["pt-pt"] == {**texts.TEXTS["pt"], "contact": "Contacto"}


@pytest.mark.parametrize("config", [{}, {"LIVECHAT_TEXTS": {"nl": {"chat": "</script>"}, "en": {"chat": "Ask us"}}}])
def test_the_buttons_file_names_each_languages_file_and_all_are_there(config: dict[str, object]) -> None:
    client = create_app("crisp", **config).test_client()
    first = client.get(re.findall(r'src="([^"]+)"', client.get("/").text)[0]).text
    button = client.get("/livechat/" + re.findall(r'"(crisp-button\.[^"]+)"', first)[0]).text
    files = dict(re.findall(r'"([\w-]+)":"(texts-[^"]+)"', button))
    assert sorted(files) == sorted({*LANGUAGES, "nl"} if config else {*LANGUAGES} - {"en"})
    for address in files.values():
        response = client.get(f"/livechat/{address}")
        assert response.mimetype == "text/javascript"
        assert "immutable" in response.headers["Cache-Control"]
