"""No text of this room is missing in Chinese, and every sentence takes the facts it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

from sync import texts
from sync.rules.refusals import TEXTS, Refusal, Why
from sync.texts import translator

SYNC = Path(texts.__file__).parent


def message_ids() -> set[str]:
    found = set()
    for path in SYNC.rglob("*.py"):
        for _line, message, _comments, _context in extract_from_file(
            "python", path, keywords={"_": None, "N_": None}
        ):
            if isinstance(message, str) and message:
                found.add(message)
    return found


def test_every_text_has_a_chinese_one_and_no_stale_ones_are_kept() -> None:
    path = texts.po_path("sync", "zh")
    assert path is not None
    assert set(texts.read_po(path)) == message_ids()


def test_translations_name_the_same_facts_as_their_message_ids() -> None:
    path = texts.po_path("sync", "zh")
    assert path is not None
    for message, forms in texts.read_po(path).items():
        for form in forms:
            assert sorted(re.findall(r"{(\w+)}", form)) == sorted(re.findall(r"{(\w+)}", message)), message


@pytest.mark.parametrize("why", list(Why))
@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_every_refusal_says_what_is_wrong_and_what_to_do_next(why: Why, lang: str) -> None:
    refusal = Refusal(
        why, {name: name.upper() for text in TEXTS[why] for name in re.findall(r"{(\w+)}", text)}
    )
    shown = refusal.sentence(translator(lang)), refusal.next_step(translator(lang))
    assert all(shown)
    assert "{" not in "".join(shown)
    assert "–" not in "".join(shown)


def test_a_missing_fact_leaves_a_dash_and_not_an_error() -> None:
    assert Refusal(Why.UNKNOWN_SKU).sentence(translator("en")) == "The SKU – is not in the catalogue."


def test_names_come_in_the_readers_language_and_braces_in_them_do_no_harm() -> None:
    refusal = Refusal(
        Why.NO_SHARE, {"item": {"en": "T{x}", "zh": "恤{x}"}, "sku": "{sku}", "share": 0, "qty": 1}
    )
    assert "T{x} ({sku})" in refusal.sentence(translator("en"))
    assert "恤{x}" in refusal.sentence(translator("zh-CN"))


def test_an_unknown_language_is_english() -> None:
    assert translator("fr").lang == "en"
    assert translator("fr")("Damaged") == "Damaged"
