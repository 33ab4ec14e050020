"""Whatever stands in a name or a code, a printer is told nothing but to print it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pwa.printing import escpos, pdf, zpl
from pwa.printing.paper import Bars, Paper, Rule, Say, Square, clean, plain
from tests.kit_printers import Label, Receipt, Sheet, codes_on

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
ANY = st.text(max_size=80) | st.text(st.sampled_from("^~_\\>{}\x1b\x1d\x10\n\r XZFDA()"), max_size=40)


def paper(name: str, code: str) -> Paper:
    says = (Say(clean(name)), Say(code))
    return Paper("x", (Say(clean(name), 5.0, True, "instead"), Rule(), Bars(code), Square(code, 14.0, says)))


@settings(max_examples=60, deadline=None)
@given(name=ANY, code=ASCII)
@example(name="^XZ^XA~JR", code="^XZ")
@example(name="\x1b@\x1dV\x42\x00", code="{{B{")
@example(name="ok) Tj ET (\\", code=">0>:>")
@example(name="王\u202e小\ud800明🛍", code="_5E")
def test_labels_and_receipts_hold_exactly_what_was_given(name: str, code: str) -> None:
    sent = zpl.label(paper(name, code), 100, 150, 203)
    label = Label(sent)
    assert sent.count(b"^XA") == sent.count(b"^XZ") == len(label.images) == 1
    assert not label.rest
    assert b"~" not in sent
    assert code in label.texts
    if plain(clean(name)) and 0 < len(clean(name)) < 25:
        assert clean(name) in label.texts
    assert Receipt(escpos.receipt(paper(name, code), 80, 203)).cuts == 1


@settings(max_examples=15, deadline=None)
@given(name=ANY, code=ASCII)
@example(name="ok) Tj ET (\\", code="()\\")
def test_codes_read_back_to_the_letter_from_every_printer(name: str, code: str) -> None:
    assert codes_on(Label(zpl.label(paper(name, code), 100, 150, 300)).images[0]) == {code}
    sheet = Sheet(pdf.sheets(paper(name, code)))
    assert sheet.codes == {code}
    assert code in sheet.text


@pytest.mark.parametrize("text", ["", " ", "\n", "\x00"])
def test_nothing_to_say_is_no_trouble(text: str) -> None:
    for made in (zpl.label(paper(text, "A"), 50, 30, 203), escpos.receipt(paper(text, "A"), 58, 203)):
        assert made
    assert Sheet(pdf.sheets(paper(text, "A"))).codes == {"A"}
