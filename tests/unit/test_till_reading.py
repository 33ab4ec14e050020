"""A till's file is read whatever it looks like; a broken line is named and takes nothing else with it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pwa.till.reading import DAY_MS, UNKNOWN_TIME_MS, Read, Unreadable, mapping, read_file

ZONE = ZoneInfo("Asia/Shanghai")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


NOW = ms("2026-11-22T23:30:00+08:00")
TWO = ms("2026-11-22T14:00:05+08:00")


def read(text: str | bytes, **columns: str) -> Read:
    data = text if isinstance(text, bytes) else text.encode()
    return read_file(data, zone=ZONE, now=NOW, columns=columns)


CHINESE = (
    "小票号,行号,商品条码,数量,销售时间,单价,款台\n815,1,6901234567892,2,2026-11-22 14:00:05,¥88.00,T1\n"
)


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode(),
        b"\xef\xbb\xbf" + CHINESE.encode(),
        CHINESE.encode("gbk", errors="replace").replace(b"?88", b"\xa3\xa488"),
        CHINESE.encode("utf-16"),
        CHINESE.replace(",", ";").replace("\n", "\r\n").encode(),
        CHINESE.replace(",", "\t").encode(),
    ],
    ids=["utf-8", "bom", "gbk", "utf-16", "semicolons", "tabs"],
)
def test_a_chinese_header_in_any_encoding(data: bytes) -> None:
    found = read(data)
    assert found.broken == []
    [(line, row)] = found.rows
    assert (line, row.sale, row.line, row.code, row.qty) == (2, "T1-815", "1", "6901234567892", 2)
    assert (row.at, row.within, row.price_fen, row.till) == (TWO, 0, 8800, "T1")


def test_a_broken_line_is_named_with_its_reason_and_takes_nothing_with_it() -> None:
    found = read(
        "sale,code,qty,at\n"
        "1,TEE,1,2026-11-22 14:00:05\n"
        '2,"TEE,1,2026-11-22 14:00:05\n'  # a quote that is never closed
        "3,TEE,two,2026-11-22 14:00:05\n"
        "4,TEE\n"
        ",TEE,1,2026-11-22 14:00:05\n"
        "6,TEE,1,2026-11-22 14:00:05,,extra\n"
        "7,,1,2026-11-22 14:00:05\n"
        f"{'8' * 60},TEE,1,2026-11-22 14:00:05\n"
        "\n"
        "10,TEE,0,2026-11-22 14:00:05\n"
        "11,TEE,1,2026-11-22 14:00:05\n"
    )
    assert [row.sale for _, row in found.rows] == ["1", "11"]
    assert [one.line for one in found.broken] == [3, 4, 5, 6, 7, 8, 9]
    assert found.skipped == 1
    assert found.broken[1].text.format(**found.broken[1].values) == "two is not a quantity."


def test_bytes_of_no_text_break_their_line_alone() -> None:
    found = read(b"sale,code,qty\n1,TEE,1\n2,\xff\xfe\xfd,1\n3,TEE,1\n")
    assert [row.sale for _, row in found.rows] == ["1", "3"]
    assert [one.line for one in found.broken] == [3]


def test_returns_and_voids_come_after_the_sales_whatever_their_place_in_the_file() -> None:
    found = read(
        "sale,kind,code,qty,original\n9,退货,TEE,1,5\n5,作废,,,\n5,销售,TEE,1,\n6,,TEE,-2,\n7,sale,TEE,-1,\n"
    )
    assert [(row.what, row.sale, row.qty, row.of) for _, row in found.rows] == [
        ("sale", "5", 1, ""),
        ("return", "9", 1, "5"),
        ("return", "6", 2, ""),
        ("return", "7", 1, ""),
        ("void", "5", 0, ""),
    ]


def test_lines_without_numbers_are_numbered_within_their_sale() -> None:
    found = read("sale,code,qty\n1,TEE,1\n1,HAT,1\n2,TEE,1\n")
    assert [(row.sale, row.line) for _, row in found.rows] == [("1", "1"), ("1", "2"), ("2", "1")]


@pytest.mark.parametrize(
    ("said", "at", "within"),
    [
        ("2026-11-22T14:00:05+08:00", TWO, 0),
        ("2026-11-22T06:00:05Z", TWO, 0),
        ("2026/11/22 14:00:05", TWO, 0),
        ("20261122140005", TWO, 0),
        (str(TWO), TWO, 0),
        ("2026-11-22", ms("2026-11-22T00:00:00+08:00"), DAY_MS - 1),
        ("1970-01-01 00:00:00", NOW - UNKNOWN_TIME_MS, UNKNOWN_TIME_MS),
        ("yesterday", NOW - UNKNOWN_TIME_MS, UNKNOWN_TIME_MS),
        ("", NOW - UNKNOWN_TIME_MS, UNKNOWN_TIME_MS),
    ],
)
def test_the_tills_time_is_the_stores_own_and_a_doubtful_one_is_a_span(
    said: str, at: int, within: int
) -> None:
    [(_, row)] = read(f"sale,code,qty,at\n1,TEE,1,{said}\n").rows
    assert (row.at, row.within) == (at, within)


def test_a_day_and_a_time_may_stand_in_two_columns() -> None:
    [(_, row)] = read("sale,code,qty,日期,时间\n1,TEE,1,2026-11-22,14:00:05\n").rows
    assert row.at == TWO


def test_lines_of_json_with_a_sale_of_several_rows() -> None:
    sale: dict[str, Any] = {
        "sale": "1",
        "at": "2026-11-22T14:00:05+08:00",
        "rows": [{"code": "TEE"}, {"code": "HAT", "qty": 2}],
    }
    sale["rows"][0]["qty"] = 1
    found = read(
        json.dumps(sale) + "\n{oops\n[1]\n" + json.dumps({"sale": "2", "code": "TEE", "qty": 1}) + "\n"
    )
    assert [(line, row.sale, row.line, row.code) for line, row in found.rows] == [
        (1, "1", "1", "TEE"),
        (1, "1", "2", "HAT"),
        (4, "2", "1", "TEE"),
    ]
    assert [one.line for one in found.broken] == [2, 3]


def test_parts_of_units_are_kept_for_a_person() -> None:
    [(_, weighed), (_, whole)] = read("sale,code,qty\n1,HAM,0.345\n2,TEE,2.000\n").rows
    assert (weighed.problem, whole.problem, whole.qty) == ("not_whole", "", 2)


def test_a_stores_own_names_of_columns() -> None:
    own = mapping("sale=Bon, code=Artikel, qty=Menge")
    [(_, row)] = read("Bon;Artikel;Menge\n1;TEE;3\n", **own).rows
    assert (row.sale, row.code, row.qty) == ("1", "TEE", 3)
    for wrong in ("bon=sale", "sale", "sale="):
        with pytest.raises(Unreadable):
            mapping(wrong)


def test_a_file_without_a_header_that_says_anything_is_refused_whole() -> None:
    with pytest.raises(Unreadable) as caught:
        read("a,b,c\n1,2,3\n")
    assert caught.value.values == {"columns": "sale, code, qty"}
    assert read("").rows == []
