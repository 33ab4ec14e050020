"""What a handheld did alone is handed in: once, in order, each command in the name of who did it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa.app import make_app
from pwa.twin.deeds import DEEDS
from pwa.twin.handing_in import MOST
from pwa.twin.seals import LIFE_MS
from sync.replica.commands import COMMANDS
from sync.rules.permissions import GRANTS, Level
from tests import kit_pwa as kit

SHIRT, CAP = kit.GOODS[0][0], kit.GOODS[4][0]
Row = dict[str, Any]


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 1), (CAP, 1)])
    node.accepted(14, [(CAP, 1)])
    node.acknowledge()
    return node


@pytest.fixture
async def http(node: kit.DemoNode) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(node, store=kit.STORE, secret="kept")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


async def sign_in(http: httpx.AsyncClient, person: str) -> Row:
    """Signed in on this handheld; what the box gives it to seal with."""
    await http.get("/sign-in")
    form = {"person": person, "pin": kit.PIN, "_csrf_token": http.cookies["csrftoken"]}
    assert (await http.post("/sign-in", data=form)).status_code == 303
    given: Row = (await http.get("/twin/extract")).json()["seal"]
    return given


async def hand_in(http: httpx.AsyncClient, rows: list[Row]) -> list[Row]:
    headers = {"x-csrftoken": http.cookies["csrftoken"]}
    answer = await http.post("/twin/commands", json={"commands": rows}, headers=headers)
    assert answer.status_code == 200, answer.text
    outcomes: list[Row] = answer.json()["outcomes"]
    return outcomes


def row(n: int, name: str, person: str = "p1", **args: Any) -> Row:
    return {"id": f"COMMAND-{n:04d}", "name": name, "args": args, "person": person, "at": kit.NOON}


def sealed(given: Row, command: Row) -> Row:
    """As pwa/static/persons.js does it."""
    text = json.dumps([command["id"], command["name"], command["args"], command["at"]])
    mac = hmac.new(bytes.fromhex(given["key"]), text.encode(), hashlib.sha256).hexdigest()
    return {key: given[key] for key in ("person", "since")} | {"id": command["id"], "text": text, "seal": mac}


def facts(node: kit.DemoNode) -> list[tuple[str, str]]:
    rows = node.db.execute("SELECT kind, person FROM fact WHERE command LIKE 'COMMAND-%' ORDER BY number")
    return [tuple(row) for row in rows]


def to_and_fro(count: int) -> list[Row]:
    """A pick, taken back, picked again …: only in this order is each of them allowed."""
    return [row(n, ("pick", "undo_pick")[n % 2], fence=13, line=1) for n in range(count)]


async def test_500_commands_are_done_once_and_in_their_order_whatever_is_sent_again(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http, "p1")
    rows = to_and_fro(500)
    for at in range(0, len(rows), MOST):
        first = await hand_in(http, rows[at : at + MOST])
        again = await hand_in(http, rows[at : at + MOST])
        assert first == again
        assert [one["id"] for one in first if one["ok"]] == [one["id"] for one in rows[at : at + MOST]]
    assert facts(node) == [("picked", "p1"), ("pick_undone", "p1")] * 250


async def test_more_than_a_batch_is_answered_as_far_as_the_batch_goes(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http, "p1")
    assert len(await hand_in(http, to_and_fro(MOST + 7))) == MOST


async def test_what_is_refused_or_not_understood_in_the_middle_holds_nothing_up(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http, "p1")
    odd = [
        row(1, "pick", fence=99, line=1),
        row(2, "adjust", sku=SHIRT),
        {**row(3, "pick"), "args": "x"},
        {**row(4, "pick", fence=13, line=1), "id": "a b"},
        {"id": "COMMAND-0005", "person": "p1", "seal": "00"},
    ]
    first, last = row(0, "pick", fence=13, line=1), row(9, "undo_pick", fence=13, line=1)
    told = await hand_in(http, [first, *odd, last])
    assert [one["ok"] for one in told] == [True, False, False, False, False, False, True]
    assert all(one["sentence"] and one["reason"] for one in told[1:-1])
    assert facts(node) == [("picked", "p1"), ("pick_undone", "p1")]


async def test_a_box_that_dies_in_the_middle_has_done_each_once_when_all_is_sent_again(
    http: httpx.AsyncClient, node: kit.DemoNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(http, "p1")
    rows, right, done = to_and_fro(60), node.perform, 0

    async def dying(name: str, args: Row, **more: str) -> Any:
        nonlocal done
        done += 1
        if done > 37:
            raise OSError("the power is gone")
        return await right(name, args, **more)

    monkeypatch.setattr(node, "perform", dying)
    headers = {"x-csrftoken": http.cookies["csrftoken"]}
    broken = await http.post("/twin/commands", json={"commands": rows}, headers=headers)
    assert broken.status_code == 500
    monkeypatch.setattr(node, "perform", right)
    assert len(facts(node)) == 37
    assert all(one["ok"] for one in await hand_in(http, rows))
    assert facts(node) == [("picked", "p1"), ("pick_undone", "p1")] * 30


async def test_sealed_work_of_one_person_is_handed_in_in_their_name_while_another_is_signed_in(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first = await sign_in(http, "p1")
    node.now += kit.MIN
    await sign_in(http, "p2")
    mixed = [
        sealed(first, row(0, "pick", fence=13, line=1)),
        sealed(first, row(1, "pick", fence=13, line=2)),
        row(2, "pack", "p2", fence=13),
    ]
    assert [one["ok"] for one in await hand_in(http, mixed)] == [True, True, True]
    assert facts(node) == [("picked", "p1"), ("picked", "p1"), ("packed", "p2")]


async def test_without_a_seal_of_that_person_on_that_handheld_nothing_is_done_in_their_name(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first = await sign_in(http, "p1")
    node.now += kit.MIN
    mine = await sign_in(http, "p2")
    good = sealed(first, row(0, "pick", fence=13, line=1))
    other = {**row(0, "pick", fence=13, line=2)}
    forged = [
        row(0, "pick", fence=13, line=1),
        {**good, "seal": "0" * 64},
        {**good, "text": sealed(first, other)["text"]},
        {**good, "since": good["since"] + 1},
        {**good, "person": "p3"},
        sealed({**mine, "person": "p1"}, row(0, "pick", fence=13, line=1)),
    ]
    for one in forged:
        assert await hand_in(http, [one]) == [{"id": one["id"], "held": True}], one
    del http.cookies["device"]
    await sign_in(http, "p2")
    assert (await hand_in(http, [good]))[0] == {"id": good["id"], "held": True}, "of another handheld"
    assert facts(node) == []


async def test_a_seal_ends_and_what_was_kept_with_it_waits_for_its_person(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first = await sign_in(http, "p1")
    kept = row(0, "pick", fence=13, line=1)
    node.now += LIFE_MS
    await sign_in(http, "p2")
    assert await hand_in(http, [sealed(first, kept)]) == [{"id": kept["id"], "held": True}]
    await sign_in(http, "p1")
    assert (await hand_in(http, [kept]))[0]["ok"]


async def test_somebody_who_does_not_work_here_any_more_is_refused_in_plain_words(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first = await sign_in(http, "p1")
    await sign_in(http, "p2")
    gone = {"name": "Lin", "role": "associate", "pin_hash": "x", "active": 0}
    node.rows("people:" + kit.STORE, [("p1", gone)])
    [told] = await hand_in(http, [sealed(first, row(0, "pick", fence=13, line=1))])
    assert (told["ok"], told["reason"]) == (False, "not_allowed")
    assert told["sentence"]


async def test_a_seal_stands_for_one_command_and_not_for_another_id(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first = await sign_in(http, "p1")
    await sign_in(http, "p2")
    twice = {**sealed(first, row(0, "pick", fence=13, line=1)), "id": "COMMAND-0001"}
    assert (await hand_in(http, [twice]))[0]["ok"] is False
    assert facts(node) == []


def test_what_a_handheld_does_alone_is_allowed_to_everybody_who_works_in_a_store_with_the_line_down() -> None:
    """So the device needs no table of its own of who may do what."""
    for name in DEEDS:
        grants = GRANTS[COMMANDS[name].permission]
        for role in ("associate", "store_lead"):
            assert grants[role].level is Level.FULL, (name, role)
            assert grants[role].offline, (name, role)
