"""What a handheld may have to say alone is in the catalogue that it takes along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pwa.desk import Desk, Who
from pwa.statics import ROOT
from pwa.texts import ROOMS, Texts
from pwa.twin.extract import extract
from pwa.twin.made import PARTS, catalogue, made
from sync.texts import translator
from tests import kit_pwa as kit

ZH = translator("zh", ROOMS)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def test_every_number_has_its_text_in_each_language() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    assert english["texts"] == made().messages.texts
    assert english["by"] == {}
    pairs = list(zip(english["texts"], chinese["texts"], strict=True))
    assert len(pairs) > 250
    assert [text for text, zh in pairs if zh != ZH(text)] == []
    assert [text for text, zh in pairs if zh == text and re.search(r"[a-z]{3}", text)] == []


def test_what_comes_with_the_work_is_there_by_its_english(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    kit.catalogue(node)
    kit.busy(node)
    who = Who("p1", "Lin", "associate", "zh", "H1")
    desk = Desk(node.db, who, kit.STORE, "Store", node.status(), Texts("zh", "Asia/Shanghai"), lambda: "ID")
    work = extract(desk)
    for told in ("notices", "whys"):  # made by the store node in each language
        del work[told]
    found = {text for text in texts_in(work) if ZH(text) != text}
    assert len(found) > 60, "refusals, reasons, states"
    assert found - set(catalogue("zh")["by"]) == set()


@pytest.mark.parametrize("name", [*PARTS, "alone.js", "worker.js"])
def test_what_the_workers_scripts_say_is_there(name: str) -> None:
    said = set(re.findall(r'\b(?:t|say)\("([^"]+)"', (ROOT / name).read_text()))
    assert {text for text in said if ZH(text) != text} - set(catalogue("zh")["by"]) == set()
