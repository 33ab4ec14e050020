"""Uploads: a bad line is told with its number and its reason, good lines are kept, nothing is lost."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from server.catalogue.load import load_items, load_listings, load_sellables, load_shelves
from server.loading.load import load, parse
from server.loading.rows import read_csv, read_json
from server.people.load import channel_of_key, load_channels, load_people, new_channel_key, set_pin
from server.secret import hash_key
from server.stores.load import load_stores, new_token
from sync.rules.secrets import pin_matches
from tests.kit_facts import NOW, Centre, centre


def rows_of(c: Centre, stream: str) -> dict[str, Any]:
    found = c.tx.execute("SELECT key, body FROM stream_row WHERE stream = ?", (stream,)).fetchall()
    return {key: json.loads(body) for key, body in found}


# --- reading -------------------------------------------------------------------------------


def test_a_csv_is_read_with_or_without_a_byte_order_mark():
    for data in ("sku,qty\nTEE,2\n".encode("utf-8-sig"), b"sku,qty\nTEE,2\n"):
        assert read_csv(data).lines == ((2, {"sku": "TEE", "qty": "2"}),)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_may_be_cut_by_comma_semicolon_or_tab(mark: str):
    data = mark.join(("SKU ", "qty")) + "\r\n" + mark.join(('"TEE, white"', "2"))
    assert read_csv(data).lines == ((2, {"sku": "TEE, white", "qty": "2"}),)


def test_a_broken_line_costs_its_own_line_only():
    data = b'sku,name_en\nTEE,Tee\nCAP,"never closed\nSOCK,Sock\nX,1,2,3\nCOAT,Co\xff\xfeat\nHAT,Hat\n'
    read = read_csv(data)
    assert [(line, row["sku"]) for line, row in read.lines] == [(2, "TEE"), (4, "SOCK"), (7, "HAT")]
    assert [(error.line, error.text.split(" ")[0]) for error in read.errors] == [
        (3, "A"),
        (5, "This"),
        (6, "This"),
    ]
    assert read.errors[1].sentence() == "This line has 4 columns, the header has 2."
    assert read.errors[2].sentence() == "This line is not UTF-8."


def test_two_open_quotes_do_not_swallow_the_good_lines_between_them():
    data = 'sku,name_en\nA,"open\nB,good\nC,good\nD,open"again\nE,good\n'
    read = read_csv(data)
    assert {row["sku"] for _, row in read.lines} >= {"B", "C", "E"}
    assert 2 in {error.line for error in read.errors}


def test_a_note_with_a_line_break_in_quotes_is_one_row():
    read = read_csv('sku,name_en\nTEE,"two\nlines"\nCAP,Cap\n')
    assert read.lines == ((2, {"sku": "TEE", "name_en": "two\nlines"}), (4, {"sku": "CAP", "name_en": "Cap"}))
    assert not read.errors


def test_every_line_of_a_file_is_either_a_row_or_an_error(rng: random.Random):
    """Nothing is lost without a word, whatever a file looks like."""
    for _ in range(300):
        alphabet = ["a", "1", ",", '"', "\n", " ", ";", "é", "\udcff"]
        text = "sku,qty\n" + "".join(rng.choices(alphabet, k=rng.randrange(60)))
        read = read_csv(text.encode("utf-8", "surrogateescape"))
        told = {error.line for error in read.errors} | {line for line, _ in read.lines}
        physical = text.splitlines()
        for number, line in enumerate(physical[1:], start=2):
            inside = any(start < number <= start + str(row).count("\\n") for start, row in read.lines)
            empty = not line.replace(",", "").replace('"', "").strip()
            assert number in told or inside or empty, (text, number, read)


def test_an_empty_file_and_one_without_a_header_say_so():
    assert read_csv(b"").errors[0].sentence() == "The file is empty."
    assert not read_csv(b"sku,qty\n").errors


def test_json_may_be_a_list_an_object_around_it_or_lines():
    for data in (b'[{"sku":"A"}]', b'{"items":[{"sku":"A"}]}', b'{"sku":"A"}', b'\n{"sku":"A"}\n'):
        assert [row for _, row in read_json(data).lines] == [{"sku": "A"}], data
    lines = read_json(b'{"sku":"A"}\n{broken\n{"sku":"B"}\n')
    assert [line for line, _ in lines.lines] == [1, 3]
    assert [error.line for error in lines.errors] == [2]


@pytest.mark.parametrize("data", [b"{", b"3", b'"x"', b"[1, {}]", b"\xff", b"[" * 100_000])
def test_what_is_no_such_json_is_told_and_never_raises(data: bytes):
    assert read_json(data).errors


# --- catalogue -----------------------------------------------------------------------------


def test_a_catalogue_file_keeps_its_good_lines_and_tells_the_bad_ones():
    c = centre()
    data = (
        "sku,name_en,name_zh,gtins,price_fen\n"
        "POLO,Polo,马球衫,4006381333931,9900\n"
        "BAD-PRICE,Bad,坏,,12.5x\n"
        "BAD-GTIN,Bad,坏,4006381333932,1\n"
        ",No code,无,,1\n"
        "SET,A bundle's code,组合,,1\n"
        "STOLEN,Other,其他,4006381333931,1\n"
        "BELT,Belt,腰带,,5900\n"
    )
    loaded = load(c.tx, "items", parse(data, "csv"), now=NOW, dice=bytes)
    assert loaded.good == 2
    assert [(error.line, error.sentence()) for error in loaded.errors] == [
        (3, "price_fen “12.5x” is not a whole number."),
        (4, "“4006381333932” is no GTIN: its check digit or length is wrong."),
        (5, "sku is missing."),
        (6, "SET is the code of a bundle already."),
        (7, "GTIN 04006381333931 belongs to POLO already."),
    ]
    assert c.tx.execute("SELECT sku FROM gtin WHERE gtin = '04006381333931'").fetchone()[0] == "POLO"
    assert rows_of(c, "catalogue")["POLO"] == {
        "name_en": "Polo",
        "name_zh": "马球衫",
        "detail_en": "",
        "detail_zh": "",
        "gtins": ["04006381333931"],
        "price_fen": 9900,
        "serialised": False,
    }
    assert "BELT" in rows_of(c, "catalogue")
    assert "STOLEN" not in rows_of(c, "catalogue")


def test_errors_are_told_in_the_readers_language():
    c = centre()
    from sync.texts import translator

    error = load_items(c.tx, [{"name": "x"}], now=NOW).errors[0]
    assert error.sentence(translator("zh")) == "缺少 sku。"


def test_a_catalogue_loaded_again_is_not_sent_again():
    c = centre()
    rows = [{"sku": "POLO", "name_en": "Polo"}, {"sku": "BELT", "name_en": "Belt"}]
    load_items(c.tx, rows, now=NOW)
    before = dict(c.tx.execute("SELECT key, seq FROM stream_row WHERE stream = 'catalogue'").fetchall())
    load_items(c.tx, [rows[0], {"sku": "BELT", "name_en": "Leather belt"}], now=NOW)
    after = dict(c.tx.execute("SELECT key, seq FROM stream_row WHERE stream = 'catalogue'").fetchall())
    assert {key for key in after if after[key] != before[key]} == {"BELT"}
    assert after["BELT"] > max(before.values())


def test_a_bundle_needs_parts_that_exist():
    c = centre()
    loaded = load_sellables(
        c.tx,
        [
            {"code": "DUO", "name_en": "Duo", "parts": [["TEE", 1], ["CAP", 2]]},
            {"code": "GHOST", "name_en": "Ghost", "parts": "TEE NOBODY*2"},
            {"code": "TEE", "name_en": "Tee", "parts": "CAP"},
            {"code": "VOID", "name_en": "Void", "parts": ""},
        ],
    )
    assert loaded.good == 1
    assert [error.line for error in loaded.errors] == [2, 3, 4]
    assert rows_of(c, "sellables")["DUO"] == {
        "name_en": "Duo",
        "name_zh": "Duo",
        "parts": [["TEE", 1], ["CAP", 2]],
    }


def test_a_listing_names_a_channel_and_a_sellable_that_exist():
    c = centre()
    loaded = load_listings(
        c.tx,
        [
            {"channel": "web", "external_sku": "w-1", "sellable": "SET"},
            {"channel": "nowhere", "external_sku": "w-2", "sellable": "SET"},
            {"channel": "web", "external_sku": "w-3", "sellable": "GHOST"},
        ],
    )
    assert (loaded.good, [error.line for error in loaded.errors]) == (1, [2, 3])


def test_shelves_are_published_to_their_own_store_only():
    c = centre()
    data = "store,sku,location\nS001,TEE,A-01\nS002,TEE,B-02\nS009,TEE,X\nS001,GHOST,X\n"
    loaded = load_shelves(c.tx, read_csv(data))
    assert (loaded.good, [error.line for error in loaded.errors]) == (2, [4, 5])
    assert rows_of(c, "shelves:S001") == {"TEE": {"location": "A-01"}}
    assert rows_of(c, "shelves:S002") == {"TEE": {"location": "B-02"}}


# --- stores and people ---------------------------------------------------------------------


def test_a_store_file_tells_what_a_store_cannot_be():
    c = centre()
    loaded = load_stores(
        c.tx,
        [
            {"code": "S010", "name": "New", "region": "R1", "opening_hours": "10:00-22:00", "rank": "5"},
            {"code": "S011", "name": "New", "region": "R9"},
            {"code": "S012", "name": "New", "region": "R1", "timezone": "Mars/Base"},
            {"code": "S013", "name": "New", "region": "R1", "lat": "91"},
            {"code": "S 14", "name": "New", "region": "R1"},
            {"code": "S015", "name": "New", "region": "R1", "opening_hours": "late"},
        ],
    )
    assert (loaded.good, [error.line for error in loaded.errors]) == (1, [2, 3, 4, 5, 6])
    hours = c.tx.execute("SELECT opening_hours FROM store WHERE code = 'S010'").fetchone()[0]
    assert json.loads(hours)["mon"] == ["10:00", "22:00"]
    assert rows_of(c, "stores")["S010"]["region"] == "R1"


def test_a_nodes_token_is_kept_as_a_hash_only():
    c = centre()
    token = new_token(c.tx, "S001", random.Random(1).randbytes)
    assert token is not None
    assert len(token) == 26
    assert c.tx.execute("SELECT token_hash FROM store WHERE code = 'S001'").fetchone()[0] == hash_key(token)
    assert new_token(c.tx, "S999", random.Random(1).randbytes) is None


def test_a_pin_is_hashed_and_goes_to_the_persons_own_store():
    c = centre()
    dice = random.Random(3).randbytes
    loaded = load_people(
        c.tx,
        [
            {
                "id": "lin",
                "name": "Lin",
                "role": "associate",
                "store": "S001",
                "pin": "123456",
                "language": "zh",
            },
            {"id": "mei", "name": "Mei", "role": "regional_manager", "region": "R1", "pin": "777777"},
            {"id": "bad1", "name": "B", "role": "king", "pin": "123456"},
            {"id": "bad2", "name": "B", "role": "associate", "pin": "123456"},
            {"id": "bad3", "name": "B", "role": "associate", "store": "S001", "pin": "12"},
            {"id": "bad4", "name": "B", "role": "associate", "store": "S001"},
            {"id": "bad5", "name": "B", "role": "associate", "store": "S404", "pin": "123456"},
        ],
        dice=dice,
    )
    assert (loaded.good, [error.line for error in loaded.errors]) == (2, [3, 4, 5, 6, 7])
    people = rows_of(c, "people:S001")
    assert list(people) == ["lin"]
    assert pin_matches(people["lin"]["pin_hash"], "123456")
    assert "123456" not in json.dumps(people)
    assert not rows_of(c, "people:S002")


def test_a_person_who_moves_is_taken_off_the_old_store_and_keeps_the_pin():
    c = centre()
    dice = random.Random(3).randbytes
    row = {"id": "lin", "name": "Lin", "role": "associate", "store": "S001", "pin": "123456"}
    load_people(c.tx, [row], dice=dice)
    assert load_people(c.tx, [{**row, "store": "S002", "pin": ""}], dice=dice).good == 1
    assert rows_of(c, "people:S001") == {"lin": None}
    assert pin_matches(rows_of(c, "people:S002")["lin"]["pin_hash"], "123456")
    assert set_pin(c.tx, "lin", "654321", dice)
    assert pin_matches(rows_of(c, "people:S002")["lin"]["pin_hash"], "654321")
    assert not set_pin(c.tx, "nobody", "654321", dice)


def test_a_channel_key_is_kept_as_a_hash_and_found_again():
    c = centre()
    assert channel_of_key(c.tx, "k" * 26) == "web"
    assert channel_of_key(c.tx, "x" * 26) is None
    assert channel_of_key(c.tx, "") is None
    new = new_channel_key(c.tx, "web", random.Random(4).randbytes)
    assert new is not None
    assert channel_of_key(c.tx, "k" * 26) is None
    assert channel_of_key(c.tx, new) == "web"
    kept = c.tx.execute("SELECT * FROM channel").fetchone()
    assert new not in tuple(kept)
    wrong = load_channels(c.tx, [{"code": "x", "key": "short"}, {"code": "y", "scopes": "orders root"}])
    assert [error.line for error in wrong.errors] == [1, 2]


# --- stock ---------------------------------------------------------------------------------


def test_a_stock_file_with_an_unknown_sku_tells_it_and_books_the_rest():
    c = centre()
    data = "store,sku,qty\nS001,TEE,10\nS001,GHOST,3\nS001,CAP,ten\nS404,CAP,1\nS001,TEE,2\n"
    loaded = load(c.tx, "stock", parse(data, "csv"), now=NOW, dice=bytes, document="D-1")
    assert (loaded.good, [error.line for error in loaded.errors]) == (2, [3, 4, 5])
    assert loaded.errors[0].sentence() == "GHOST is not in the catalogue."
    assert c.rights("S001", "TEE") == (12, 0, 6, 6, 0)


def test_a_whole_assortment_is_loaded_in_one_go():
    c = centre()
    items = [{"sku": f"SKU{n:06d}", "name_en": f"Item {n}", "name_zh": f"商品{n}"} for n in range(12_000)]
    assert load_items(c.tx, items, now=NOW).good == 12_000
    shelves = [{"sku": item["sku"], "location": "A"} for item in items]
    assert load_shelves(c.tx, shelves, store="S001").good == 12_000
    stock = [{"sku": item["sku"], "qty": 3} for item in items]
    assert (
        load(c.tx, "stock", parse(json.dumps(stock), "json"), now=NOW, dice=bytes, store="S001").good
        == 12_000
    )


def test_nothing_is_called_that():
    with pytest.raises(ValueError, match="choose one of"):
        load(centre().tx, "ghosts", parse("[]", "json"), now=NOW, dice=bytes)
