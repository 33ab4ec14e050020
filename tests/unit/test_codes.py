"""Scanned codes: whatever form a GTIN comes in, 14 digits come out; what is none comes back as its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.codes import LONGEST, check_digit, gtin14, scanned, valid_gtin

GTIN = "06901234567892"


@pytest.mark.parametrize(
    ("code", "gtin", "serial"),
    [
        ("6901234567892", GTIN, ""),
        (" 6901234567892\n", GTIN, ""),
        ("036000291452", "00036000291452", ""),
        ("96385074", "00000096385074", ""),
        ("]E06901234567892", GTIN, ""),
        ("]C10106901234567892211234", GTIN, "1234"),
        ("]d2010690123456789217270131", GTIN, ""),
        ("0106901234567892" + "10LOT7\x1d21S-9", GTIN, "S-9"),
        ("0106901234567892" + "10LOT7~21S-9", GTIN, "S-9"),
        ("(01)06901234567892(21)S-9", GTIN, "S-9"),
        ("https://id.example.cn/01/06901234567892/21/S-9?x=1", GTIN, "S-9"),
        ("6901234567893", "", ""),
        ("TEE-M", "", ""),
        ("481216", "", ""),  # a pickup code, which biip would take for a UPC-E
        ("]C0TEE-M", "", ""),
        ("HTTPS://ID.EXAMPLE.CN/01/06901234567892/21/S-9", GTIN, "S-9"),
        ("]Q1https://x.cn/a/01/6901234567892?17=270131", GTIN, ""),
        ("", "", ""),
        ("٦٩٠١٢٣٤٥٦٧٨٩٢", "", ""),
    ],
)
def test_every_form_of_a_gtin(code: str, gtin: str, serial: str) -> None:
    read = scanned(code)
    assert (read.gtin, read.serial) == (gtin, serial)


def test_lot_and_expiry_come_along() -> None:
    read = scanned("0106901234567892" + "17270131" + "10L1")
    assert (read.lot, read.expiry) == ("L1", "2027-01-31")


def test_what_a_scanner_says_of_the_symbol_is_no_part_of_the_code() -> None:
    assert scanned("]C0TEE-M").raw == "TEE-M"
    assert scanned("]E06901234567892").raw == "6901234567892"


def test_a_parcel_that_somebody_else_packed_has_an_sscc() -> None:
    assert scanned("]C100" + "376104250021234569").sscc == "376104250021234569"
    assert scanned("]C100" + "376104250021234560").sscc == ""


@given(st.text(max_size=LONGEST + 50))
def test_no_text_makes_it_raise(text: str) -> None:
    scanned(text)


@given(st.text("0123456789", min_size=7, max_size=13).filter(lambda s: len(s) in (7, 11, 12, 13)))
def test_a_right_check_digit_is_the_only_right_one(digits: str) -> None:
    right = check_digit(digits)
    for last in range(10):
        assert valid_gtin(f"{digits}{last}") is (last == right)
    assert gtin14(f"{digits}{right}") == f"{digits}{right}".zfill(14)
