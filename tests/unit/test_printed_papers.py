"""What comes out of a printer can be scanned back in, whatever stands in names and on whatever printer."""

from __future__ import annotations

from pathlib import Path

import pytest

from pwa.printing import escpos, letters, papers, pdf, zpl
from pwa.printing.paper import Bars, Paper, Say, Square, clean
from sync.replica.commands.printing import WAITING
from sync.replica.resolve import Item, ParcelCode, Tote, resolve
from tests import kit_pwa as kit
from tests.kit_printers import Label, Receipt, Sheet, bars_by_our_table, codes_on

SHIRT, JEANS = kit.GOODS[0][0], kit.GOODS[2][0]


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    return kit.store(tmp_path / "replica.db")


def paper(node: kit.DemoNode, what: str, subject: object, language: str = "en") -> Paper:
    return papers.made(node.db, what, str(subject), language, node.now)


def parcel_of(node: kit.DemoNode, fence: int) -> str:
    return str(node.db.execute("SELECT code FROM parcel WHERE fence = ?", (fence,)).fetchone()[0])


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("size", [(50, 30), (58, 40), (100, 50), (100, 150)])
def test_each_label_reads_back_on_usual_sizes_of_paper(
    node: kit.DemoNode, size: tuple[int, int], dpi: int
) -> None:
    fence = node.staged(1, [(SHIRT, 2)], order="YP-20261122-0001")
    wave = node.db.execute("SELECT wave FROM assignment").fetchone()[0]
    wanted = {"parcel": parcel_of(node, fence), "tote": f"{wave}-A", "pickup": "YP-20261122-0001"}
    subjects = {"parcel": wanted["parcel"], "tote": fence, "pickup": fence}
    for what, code in wanted.items():
        for language in ("en", "zh"):
            label = Label(zpl.label(paper(node, what, subjects[what], language), *size, dpi))
            found: set[str] = set().union(*(codes_on(image) for image in label.images))
            assert found == {code}, (what, language)
            assert not label.outside


def test_every_printed_code_means_something_to_a_scan(node: kit.DemoNode) -> None:
    fence = node.packed(1, [(SHIRT, 2)])
    wave = node.db.execute("SELECT wave FROM assignment").fetchone()[0]
    assert resolve(node.db, parcel_of(node, fence)) == ParcelCode(parcel_of(node, fence), fence)
    for block in paper(node, "pick_list", wave).blocks:
        if isinstance(block, Square):
            assert isinstance(resolve(node.db, block.code), Tote | Item)


def test_a_name_that_is_a_printer_command_is_printed_as_a_name(node: kit.DemoNode) -> None:
    evil = "A^XZ^XA^FDowned~JA_5E\x1b@\x1dk\r\n{B"
    fence = node.packed(1, [(SHIRT, 1)], kind="shipment", shopper=evil, order="YP>1{B")
    sent = zpl.label(paper(node, "parcel", parcel_of(node, fence)), 100, 150, 203)
    label = Label(sent)
    assert sent.count(b"^XA") == sent.count(b"^XZ") == 1
    assert not label.rest
    assert b"~" not in sent
    assert any(clean(evil)[:8] in text for text in label.texts)
    strip = Receipt(escpos.receipt(paper(node, "parcel", parcel_of(node, fence)), 80, 203))
    assert strip.cuts == 1
    assert any("A^XZ^XA" in text for text in strip.texts)
    assert codes_on(Label(zpl.label(paper(node, "pickup", fence), 100, 60, 203)).images[0]) == {"YP>1{B"}


def test_chinese_text_is_a_picture_where_a_font_is_and_the_english_name_where_none_is(
    node: kit.DemoNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.picked(1, [(SHIRT, 2)], left=1)
    node.accepted(2, [(SHIRT, 2)])
    wave = node.do("start_wave", fences=[2])["wave"]
    if letters.chinese_font():
        with_font = Label(zpl.label(paper(node, "pick_list", wave, "zh"), 100, 150, 203))
        assert "(picture)" in with_font.texts
        assert not any(name in with_font.texts for name in ("Linen shirt, sand",))
    monkeypatch.setattr(letters, "chinese_font", lambda: "")
    without = Label(zpl.label(paper(node, "pick_list", wave, "zh"), 100, 150, 203))
    assert "Linen shirt, sand" in without.texts
    assert "Pick list" in without.texts
    assert not any("?" in text for text in without.texts)


def test_a_receipt_has_the_same_codes(node: kit.DemoNode) -> None:
    fence = node.staged(1, [(SHIRT, 2)])
    for what, subject, code in (
        ("parcel", parcel_of(node, fence), parcel_of(node, fence)),
        ("pickup", fence, "YP-1001"),
        ("handover", WAITING, "YP-1001"),
    ):
        strip = Receipt(escpos.receipt(paper(node, what, subject, "zh"), 80, 203))
        assert code in codes_on(strip.image), what
        assert strip.cuts == 1


def test_the_sheets_of_an_office_printer_have_numbers_as_text_and_codes_that_read(node: kit.DemoNode) -> None:
    for fence in range(1, 24):
        node.offer(fence, [(SHIRT, 1), (JEANS, 1)])
        node.do("accept", fence=fence)
    waves = [node.do("start_wave", fences=list(range(n, n + 8))) for n in (1, 9)]
    wave = waves[0]["wave"]
    sheet = Sheet(pdf.sheets(paper(node, "pick_list", wave, "zh")))
    letters_of = [row[0] for row in node.db.execute("SELECT tote FROM assignment WHERE wave = ?", (wave,))]
    assert sheet.codes == {SHIRT, JEANS, *(f"{wave}-{tote}" for tote in letters_of)}
    assert all(f"YP-{1000 + fence}" in sheet.text for fence in range(1, 9))
    assert len(sheet.images) > 1


def test_the_handover_sheet_lists_what_the_courier_takes_and_who_is_waited_for(node: kit.DemoNode) -> None:
    parcels = [parcel_of(node, node.packed(n, [(SHIRT, 1)], kind="shipment")) for n in (1, 2, 3)]
    node.staged(4, [(SHIRT, 1)])
    manifest = node.do("open_manifest", courier="SF 顺丰")["manifest"]
    for code in parcels:
        node.do("load", manifest=manifest, parcel=code)
    sheet = Sheet(pdf.sheets(paper(node, "handover", manifest)))
    assert sheet.codes == set(parcels)
    waiting = Sheet(pdf.sheets(paper(node, "handover", WAITING)))
    assert waiting.codes == {"YP-1004"}
    assert "4821" in waiting.text


def test_no_paper_shows_the_pickup_code(node: kit.DemoNode) -> None:
    fence = node.staged(1, [(SHIRT, 1)])
    for what, subject in (("parcel", parcel_of(node, fence)), ("pickup", fence), ("handover", WAITING)):
        assert kit.CODE not in repr(paper(node, what, subject))


@pytest.mark.parametrize("code", ["A", "P0123ABCD", "YP-20261122-0001", " !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"])
def test_our_bars_read_as_another_program_reads_them(code: str) -> None:
    assert codes_on(bars_by_our_table(code)) == {code}


def test_a_code_that_is_too_long_for_bars_is_a_square() -> None:
    long = Paper("x", (Bars("YP-" + "0123456789" * 4),))
    label = Label(zpl.label(long, 50, 30, 203))
    assert codes_on(label.images[0]) == {"YP-" + "0123456789" * 4}


def test_what_has_no_room_on_a_label_goes_on_to_the_next() -> None:
    long = Paper("x", tuple(Say(f"line {n}") for n in range(30)))
    label = Label(zpl.label(long, 50, 30, 203))
    assert len(label.images) > 1
    assert not label.outside
    assert [text for text in label.texts if text.startswith("line")] == [f"line {n}" for n in range(30)]


def test_copies_are_copies() -> None:
    one = Paper("x", (Say("hello"),))
    assert b"^PQ3" in zpl.label(one, 50, 30, 203, 3)
    assert Receipt(escpos.receipt(one, 80, 203, 3)).cuts == 3
    assert len(Sheet(pdf.sheets(one, copies=3)).images) == 3
