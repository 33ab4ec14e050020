"""What a case suggests is done on its page: by those who may, refused in plain words, closed when settled."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from server.cases.book import Evidence, open_case
from server.config import CentreConfig
from server.facts.apply import apply_fact
from server.timers import run_due
from sync.rules.permissions import GRANTS
from sync.sqlite import writing
from sync.wire import facts as f
from tests.kit_web import NOON, ORDER, PIN, api, client, database, new_centre, sign_in

Web = TestClient[Litestar]


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def post(web: Web, path: str, **form: Any) -> Any:
    data = {"_csrf_token": web.cookies["yipan_centre_csrf"], **form}
    return web.post(path, data=data, follow_redirects=False)


def write(centre: CentreConfig, sql: str, *values: Any) -> None:
    with database(centre) as db, writing(db):
        db.execute(sql, values)


def one(centre: CentreConfig, sql: str, *values: Any) -> Any:
    with database(centre) as db:
        return db.execute(sql, values).fetchone()


def case(centre: CentreConfig, kind: str, **more: Any) -> str:
    with database(centre) as db, writing(db):
        return open_case(db, kind, now=NOON, **more)


def state(centre: CentreConfig, case_id: str) -> tuple[str, str, str]:
    return tuple(one(centre, "SELECT state, closed_by, outcome FROM open_case WHERE id = ?", case_id))


def stuck_pickup(centre: CentreConfig) -> tuple[str, str]:
    """A pickup that its store let lapse: a person decides. (order, case)"""
    with api(centre) as web:
        order = str(web.post("/api/v1/orders", json=ORDER).json()["order_no"])
    with database(centre) as db, writing(db):
        run_due(db, NOON)  # the first look of a centre that just started lets nothing lapse
        run_due(db, NOON + 31 * 60_000)
    row = one(centre, "SELECT id, kind, state FROM open_case WHERE order_no = ?", order)
    assert (row["kind"], row["state"]) == ("pickup_stuck", "open")
    return order, row["id"]


# --- another store -------------------------------------------------------------------------


def test_another_store_is_chosen_from_those_that_could_and_the_case_is_settled(centre: CentreConfig) -> None:
    order, case_id = stuck_pickup(centre)
    write(centre, "UPDATE stock SET pool = 0, share = 10 WHERE store = 'S003' AND sku = 'TEE-WHITE-M'")
    with client(centre) as web:
        sign_in(web)
        page = web.get(f"/cases/{case_id}").text
        assert 'value="S002"' in page
        assert 'value="S003"' not in page, "its pool is empty"
        assert re.search(r"1[56]\d\.\d km", page), "from the chosen store"
        answer = post(web, f"/cases/{case_id}/do/reassign", store="S003")
        assert answer.status_code == 409
        assert "has not got what" in answer.text
        assert post(web, f"/cases/{case_id}/do/reassign", store="S002").status_code == 303
        page = web.get(f"/cases/{case_id}").text
        assert "offered to Hangzhou Lakeside by hand" in page
        again = post(web, f"/cases/{case_id}/do/reassign", store="S001")
        assert again.status_code == 409
        assert "settled this case" in again.text
    assert state(centre, case_id)[0] == "closed"
    fo = one(centre, "SELECT state, store FROM fulfilment_order WHERE order_no = ?", order)
    assert tuple(fo) == ("offered", "S002")
    event = one(centre, "SELECT person FROM event WHERE kind = 'chosen_by_hand'")
    assert event["person"] == "hq"


def test_a_regional_manager_chooses_stores_of_their_region_only(centre: CentreConfig) -> None:
    _, case_id = stuck_pickup(centre)
    with client(centre) as web:
        sign_in(web, "east")
        page = web.get(f"/cases/{case_id}").text
        assert 'value="S002"' in page
        assert 'value="S003"' not in page
        answer = post(web, f"/cases/{case_id}/do/reassign", store="S003")
        assert answer.status_code == 403
        assert post(web, f"/cases/{case_id}/do/reassign", store="NOWHERE").status_code == 409
        assert post(web, f"/cases/{case_id}/do/reassign", store="S002").status_code == 303


# --- cancelling ----------------------------------------------------------------------------


def test_headquarters_cancels_from_the_case_and_it_is_settled(centre: CentreConfig) -> None:
    order, case_id = stuck_pickup(centre)
    with client(centre) as web:
        sign_in(web)
        assert "second_pin" not in web.get(f"/cases/{case_id}").text
        assert post(web, f"/cases/{case_id}/do/cancel").status_code == 303
        assert "The order was cancelled." in web.get(f"/cases/{case_id}").text
    assert one(centre, "SELECT state FROM shop_order WHERE no = ?", order)[0] == "cancelled"


@pytest.mark.parametrize(
    ("second", "pin", "says"),
    [
        ("", "", "second person has to enter"),
        ("east", PIN, "cannot approve their own action"),
        ("hq", "000000", "do not belong together"),
        ("nobody", PIN, "do not belong together"),
        ("lin", PIN, "Lin may not do this"),
        ("west", PIN, "West may not do this|place of work"),
    ],
)
def test_a_regional_manager_needs_somebody_else_who_may(
    centre: CentreConfig, second: str, pin: str, says: str
) -> None:
    order, case_id = stuck_pickup(centre)
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO person (id, name, role, store, region, pin_hash, language, active)"
            " SELECT 'west', 'West', role, '', 'WEST', pin_hash, language, 1 FROM person WHERE id = 'east'"
        )
    with client(centre) as web:
        sign_in(web, "east")
        for path in (f"/cases/{case_id}/do/cancel", f"/orders/{order}/cancel"):
            answer = post(web, path, second=second, second_pin=pin)
            assert answer.status_code in (403, 409)
            assert any(one in answer.text for one in says.split("|"))
            assert 'name="second_pin"' in answer.text, "the next try starts on the same page"
    assert one(centre, "SELECT state FROM shop_order WHERE no = ?", order)[0] == "open"


def test_two_authorised_people_cancel_and_both_are_named(centre: CentreConfig) -> None:
    order, case_id = stuck_pickup(centre)
    with client(centre) as web:
        sign_in(web, "east")
        assert post(web, f"/cases/{case_id}/do/cancel", second="hq", second_pin=PIN).status_code == 303
        page = web.get(f"/orders/{order}").text
        assert "Min Zhao" in page
        assert "Wei Chen" in page
    with database(centre) as db:
        told = " ".join(row[0] for row in db.execute("SELECT payload FROM outgoing"))
    assert '"hq"' not in told, "who did it inside the house is not the channel's business"


def test_guessing_the_second_persons_pin_locks_it(centre: CentreConfig) -> None:
    order, _ = stuck_pickup(centre)
    with client(centre) as web:
        sign_in(web, "east")
        for _ in range(5):
            post(web, f"/orders/{order}/cancel", second="hq", second_pin="000000")
        answer = post(web, f"/orders/{order}/cancel", second="hq", second_pin=PIN)
        assert "Too many wrong PINs" in answer.text
    with client(centre) as web:
        assert sign_in(web, "hq").status_code == 429, "one count for both doors"


# --- counts --------------------------------------------------------------------------------


def test_a_count_is_asked_for_and_the_count_closes_the_case(centre: CentreConfig) -> None:
    case_id = case(centre, "beyond_rights", store="S001", sku="CAP-NAVY", params={"kind": "sold", "qty": 1})
    with client(centre) as web:
        sign_in(web, "east")
        page = web.get(f"/cases/{case_id}").text
        assert 'value="CAP-NAVY"' in page
        assert "reported “sold at the till” of CAP-NAVY" in page, "no code of ours in a sentence"
        answer = post(web, f"/cases/{case_id}/do/count")
        assert answer.status_code == 409
        assert "at least one item" in answer.text
        assert post(web, f"/cases/{case_id}/do/count", other="NO-SUCH").status_code == 409
        for _ in range(2):
            assert post(web, f"/cases/{case_id}/do/count", sku="CAP-NAVY").status_code == 303
        assert "waits for the count" in web.get(f"/cases/{case_id}").text
    asked = one(centre, "SELECT count(*) FROM decision WHERE store = 'S001' AND kind = 'count_asked'")
    assert asked[0] == 1, "asked once, however often the button was pressed"
    assert one(centre, "SELECT suppressed FROM stock WHERE store = 'S001' AND sku = 'CAP-NAVY'")[0] == 1
    report(centre, f.Counted("CAP-NAVY", expected=10, found=10))
    assert state(centre, case_id) == ("closed", "", "counted")
    assert one(centre, "SELECT suppressed FROM stock WHERE store = 'S001' AND sku = 'CAP-NAVY'")[0] == 0


def test_a_count_alone_does_not_close_what_is_not_about_numbers(centre: CentreConfig) -> None:
    case_id = case(centre, "released_twice", store="S001", sku="CAP-NAVY", order_no="YP-000001")
    with client(centre) as web:
        sign_in(web)
        assert post(web, f"/cases/{case_id}/do/count", sku="CAP-NAVY").status_code == 303
        report(centre, f.Counted("CAP-NAVY", expected=10, found=9, share=1))
        assert "counted: CAP-NAVY, 9 found, 10 expected" in web.get(f"/cases/{case_id}").text
    assert state(centre, case_id)[0] == "open"


def report(centre: CentreConfig, body: f.Body, number: int = 1) -> None:
    fact = f.Fact(
        kind=f.NAMES[type(body)], command=f"c{number}", person="lin", device="pda", at=NOON, fence=0,
        seen=one(centre, "SELECT max(number) FROM decision WHERE store = 'S001'")[0],
        body=msgspec.Raw(msgspec.json.encode(body)),
    )  # fmt: skip
    with database(centre) as db, writing(db):
        apply_fact(db, "S001", "i1", number, fact, now=NOON)


# --- parked facts, boxes, snapshots ----------------------------------------------------------


def parked(centre: CentreConfig, sku: str) -> str:
    body = f.Received(sku, 2, share=1, pool=1, document="D7")
    fact = f.Fact(
        kind="received", command="c9", person="lin", device="pda", at=NOON, fence=0,
        body=msgspec.Raw(msgspec.json.encode(body)),
    )  # fmt: skip
    with database(centre) as db, writing(db):
        verdict = apply_fact(db, "S001", "i1", 9, fact, now=NOON)
        assert verdict.name == "parked"
        db.execute(
            "INSERT INTO fact (store, incarnation, number, kind, received_at, verdict, note, chain, raw)"
            " VALUES ('S001', 'i1', 9, 'received', ?, 'parked', ?, 'x', ?)",
            (NOON, verdict.note, msgspec.json.encode(fact)),
        )
    return verdict.case


def test_parked_facts_are_tried_again_and_the_case_closes_when_none_waits(centre: CentreConfig) -> None:
    case_id = parked(centre, "NEW-SKU")
    with client(centre) as web:
        sign_in(web)
        assert post(web, f"/cases/{case_id}/do/retry").status_code == 303
        assert "0 applied, 1 still wait" in web.get(f"/cases/{case_id}").text
        write(centre, "INSERT INTO item (sku, name_en, name_zh) VALUES ('NEW-SKU', 'New', '新')")
        assert post(web, f"/cases/{case_id}/do/retry").status_code == 303
    assert state(centre, case_id)[0] == "closed"
    assert one(centre, "SELECT on_hand FROM stock WHERE store = 'S001' AND sku = 'NEW-SKU'")[0] == 2


def test_a_stopped_box_is_let_go_on_by_name(centre: CentreConfig) -> None:
    for name, host, box_state in (("i1", "box-a", "live"), ("i0", "box-b", "closed")):
        write(
            centre,
            "INSERT INTO replica (store, incarnation, state, host, opened_at, applied, chain)"
            " VALUES ('S001', ?, ?, ?, ?, 7, 'x')",
            name, box_state, host, NOON,
        )  # fmt: skip
    case_id = case(centre, "two_replicas", store="S001", params={"store": "S001", "host": "box-b"})
    with client(centre) as web:
        sign_in(web)
        page = web.get(f"/cases/{case_id}").text
        assert "box-b" in page
        assert 'value="i1"' not in page, "the box that works is not stopped"
        assert post(web, f"/cases/{case_id}/do/go-on", box="i1").status_code == 409
        assert post(web, f"/cases/{case_id}/do/go-on", box="i0").status_code == 303
    assert one(centre, "SELECT state FROM replica WHERE incarnation = 'i0'")[0] == "released"
    assert state(centre, case_id) == ("closed", "hq", "went_on")


def test_a_differing_digest_is_mended_by_a_fresh_snapshot(centre: CentreConfig) -> None:
    case_id = case(centre, "digest", store="S001", params={"store": "S001", "bucket": "stock"})
    with client(centre) as web:
        sign_in(web)
        assert post(web, f"/cases/{case_id}/do/rebase").status_code == 303
        assert "starts from a fresh snapshot" in web.get(f"/cases/{case_id}").text
    assert state(centre, case_id)[0] == "closed"


def test_headquarters_goes_on_without_a_store_that_is_silent_since_a_restore(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        db.execute("INSERT INTO unheard (store, since) VALUES ('S001', ?), ('S002', ?)", (NOON, NOON))
    case_id = case(centre, "unheard_store", store="S001", params={"waiting": 3})
    with client(centre) as web:
        sign_in(web)
        page = web.get(f"/cases/{case_id}").text
        assert "3 wait for its word" in page
        assert "leaves twice" in page
        assert post(web, f"/cases/{case_id}/do/go-without").status_code == 303
        assert "went on without the store" in web.get(f"/cases/{case_id}").text
        assert post(web, f"/cases/{case_id}/do/go-without").status_code == 409, "once"
    assert state(centre, case_id) == ("closed", "hq", "went_without")
    assert one(centre, "SELECT group_concat(store) FROM unheard")[0] == "S002"


# --- rights --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["reassign", "cancel", "count", "retry", "go-on", "rebase", "go-without"])
def test_who_may_only_look_is_refused_in_plain_words(centre: CentreConfig, what: str) -> None:
    assert "auditor" not in GRANTS["case.close"]
    _, case_id = stuck_pickup(centre)
    write(centre, "UPDATE person SET role = 'auditor', region = '' WHERE id = 'east'")
    with client(centre) as web:
        sign_in(web, "east")
        page = web.get(f"/cases/{case_id}").text
        assert f"/do/{what}" not in page
        answer = post(web, f"/cases/{case_id}/do/{what}", store="S002", sku="CAP-NAVY", box="i1")
        assert answer.status_code == 403
        assert "may not do this" in answer.text
        assert post(web, f"/cases/{case_id}/do/sing", store="S002").status_code == 403
    assert state(centre, case_id)[0] == "open"


def test_what_was_done_outlives_further_evidence(centre: CentreConfig) -> None:
    case_id = case(centre, "beyond_rights", store="S001", sku="CAP-NAVY", params={"kind": "sold", "qty": 1})
    with client(centre) as web:
        sign_in(web)
        post(web, f"/cases/{case_id}/do/count", sku="CAP-NAVY")
    more = {"kind": "sold", "qty": 2}
    joined = case(
        centre, "beyond_rights", store="S001", sku="CAP-NAVY", params=more, join=True,
        evidence=[Evidence("S001", "i1", 3, "sold")],
    )  # fmt: skip
    assert joined == case_id
    kept = json.loads(one(centre, "SELECT params FROM open_case")[0])
    assert (kept["qty"], kept["count_asked"]) == (2, ["CAP-NAVY"])


# --- the order's own page ------------------------------------------------------------------


def placed(centre: CentreConfig) -> str:
    with api(centre) as web:
        return str(web.post("/api/v1/orders", json=ORDER).json()["order_no"])


def test_an_offer_is_moved_to_a_chosen_store_and_the_first_store_is_told_who_has_it(
    centre: CentreConfig,
) -> None:
    order = placed(centre)
    with client(centre) as web:
        sign_in(web, "east")
        assert "Offer to another store" in web.get(f"/orders/{order}").text
        assert post(web, f"/orders/{order}/offer", fo=f"{order}-1", store="S003").status_code == 403
        assert post(web, f"/orders/{order}/offer", fo="YP-OTHER-1", store="S002").status_code == 409
        assert post(web, f"/orders/{order}/offer", fo=f"{order}-1", store="S002").status_code == 303
    turns = one(
        centre,
        "SELECT group_concat(store || ':' || ended_reason) FROM (SELECT * FROM assignment ORDER BY fence)",
    )
    assert turns[0] == "S001:reassigned,S002:"
    raw = one(centre, "SELECT raw FROM decision WHERE store = 'S001' AND kind = 'withdrawn'")[0]
    assert b"Hangzhou" in raw
    stock = one(centre, "SELECT reserved FROM stock WHERE store = 'S001' AND sku = 'TEE-WHITE-M'")
    assert stock[0] == 0


def test_what_a_store_owns_is_asked_back_once_and_stays_theirs_until_they_answer(
    centre: CentreConfig,
) -> None:
    order = placed(centre)
    fence = one(centre, "SELECT fence FROM assignment")[0]
    fact = f.Fact(
        kind="accepted", command="c1", person="lin", device="pda", at=NOON, fence=fence,
        body=msgspec.Raw(msgspec.json.encode(f.Accepted())),
    )  # fmt: skip
    with database(centre) as db, writing(db):
        assert apply_fact(db, "S001", "i1", 1, fact, now=NOON).name == "applied"
    with client(centre) as web:
        sign_in(web)
        assert "Ask Nanjing Road to give it back" in web.get(f"/orders/{order}").text
        answer = post(web, f"/orders/{order}/offer", fo=f"{order}-1", store="S002")
        assert answer.status_code == 409
        assert "owned by a store" in answer.text
        assert post(web, f"/orders/{order}/ask-back", fo=f"{order}-1").status_code == 303
        assert post(web, f"/orders/{order}/ask-back", fo=f"{order}-1").status_code == 409
    assert tuple(one(centre, "SELECT state, store FROM fulfilment_order")) == ("owned", "S001")
