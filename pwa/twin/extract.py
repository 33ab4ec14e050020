"""What a handheld takes with it: the store's open tasks and the goods in them, and no shopper's name.

Made by the store node, kept by the handheld, changed there by `deeds.py`. A shopper is known by the
order's number alone; the pickup code travels as its salted hash, as the store node itself keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sized
from dataclasses import replace
from typing import Any

import msgspec

from pwa import notices
from pwa.courier.views import ON
from pwa.desk import Desk
from pwa.handover.views import OVERRIDES, REFUSED
from pwa.returns.views import REASONS as RETURN_REASONS
from pwa.texts import LANGUAGES, Texts
from pwa.twin.plain import plain
from sync.replica import read
from sync.replica.commands.handover import UNDO_MS
from sync.replica.commands.picking import LETTERS, WAVE_MOST
from sync.rules.reasons import REASONS
from sync.rules.refusals import TEXTS
from sync.sqlite import Connection, Row
from sync.texts import N_
from sync.wire.facts import Fact, Picked, PickUndone, body_of

NEEDS_NODE = [
    N_("This needs the PIN of a store lead, and only the store box can check it."),
    N_("Go where the store box is reached, or wait until it answers."),
]
PIN_NEEDS_NODE = [
    N_("That was the last try for {person} on this handheld."),
    N_("Sign in when the store box answers."),
]
"""What a handheld refuses that a store node would not."""

OPEN = (
    "state IN ('offered', 'accepted', 'picking', 'picked', 'packed', 'staged', 'put_back')"
    " OR (state = 'released' AND released_at > ?)"
)
MOST_RETURNS = 100
"""Orders of each kind whose goods a handheld alone can take back by what it knows."""
MOST = 400
"""Turns on one handheld; the most urgent come first. A list longer than this stays with the node."""

TURN = (
    "fence", "fo", "order_no", "kind", "channel", "state", "progress", "ownership", "confirmed", "withdrawn",
    "withdrawn_at", "withdrawn_to", "expired", "ended_at", "offered_at", "accept_by", "promised_by",
    "owner_until", "accepted_at", "accepted_by", "attempt", "location", "tote", "wave", "picker", "manifest",
    "released_at", "released_by", "collector", "code_salt", "code_hash", "code_tries", "note", "changed_at",
)  # fmt: skip
LINE = ("line", "sku", "qty", "picked", "short", "released", "put_back", "later", "order_line", "instead_of")
RETURNED = ("id", "order_no", "line", "sku", "qty", "graded", "bought_elsewhere", "received_at")
ITEM = ("name_en", "name_zh", "detail_en", "detail_zh", "serialised")


def extract(desk: Desk, skus: Iterable[str] = ()) -> dict[str, Any]:
    """Open turns with their lines and parcels, the goods in them and in `skus`, and what pages say."""
    db, now = desk.db, desk.now
    rows = db.execute(
        f"SELECT * FROM assignment WHERE {OPEN} ORDER BY accept_by, fence LIMIT {MOST}", (now - UNDO_MS,)
    ).fetchall()
    fences = [row["fence"] for row in rows]
    lines = _by_fence(db, "SELECT * FROM assignment_line WHERE fence IN ({}) ORDER BY fence, line", fences)
    parcels = _by_fence(db, "SELECT * FROM parcel WHERE fence IN ({}) ORDER BY fence, code", fences)
    serials = _by_fence(db, "SELECT * FROM serial WHERE fence IN ({}) ORDER BY at, serial", fences)
    turns = [
        _picked_from(row, TURN)
        | {"lines": [_picked_from(line, LINE) for line in lines.get(row["fence"], [])]}
        | {"parcels": [_parcel(parcel) for parcel in parcels.get(row["fence"], [])]}
        | {"serials": [[one["line"], one["serial"], one["at"]] for one in serials.get(row["fence"], [])]}
        for row in rows
    ]
    back = _returns(db, fences)
    wanted = {line["sku"] for turn in turns for line in turn["lines"]} | set(skus)
    wanted |= {line["instead_of"] for turn in turns for line in turn["lines"]} - {""}
    wanted |= {one["sku"] for one in back["returned"]}
    wanted |= {sku for rows in back["left"].values() for _, sku, _ in rows}
    wanted |= {sku for told in back["returnable"].values() for _, sku, _ in told["lines"]}
    items = {sku: found for sku in sorted(wanted) if (found := _item(db, sku)) is not None}
    return (
        {
            "turns": turns,
            "items": items,
            "gtins": {gtin: sku for sku, item in items.items() for gtin in item["gtins"]},
            "picks": _picks(db, fences),
            "locations": _locations(db, fences),
            "shoppers": {},
            "paused": bool(read.meta(db, "pause")),
            "awaits": read.awaits_snapshot(db),
            "people": {row[0]: row[1] for row in db.execute("SELECT id, name FROM person")},
            "leads": _leads(db),
            "wave_max": min(read.policy_number(db, "wave_max", WAVE_MOST), len(LETTERS)),
        }
        | back
        | _manifests(db, fences)
        | _words(desk, fences)
    )


def _words(desk: Desk, fences: list[int]) -> dict[str, Any]:
    """What pages say in each language, made here: a handheld has the words of its pages, not these."""
    readers = {name: replace(desk, t=Texts(name, str(desk.t.zone))) for name in LANGUAGES}
    whys: dict[str, dict[str, str]] = {}
    for fence in fences:
        said = {name: notices.why_ended(reader, fence) for name, reader in readers.items()}
        if any(said.values()):
            whys[str(fence)] = said
    return {
        "notices": {name: plain(notices.open_notices(reader)) for name, reader in readers.items()},
        "whys": whys,
        "reasons": plain(list(REASONS.values())),
        "refused": plain(REFUSED),
        "return_reasons": plain(RETURN_REASONS),
        "overrides": plain(OVERRIDES),
        "refusals": {str(why): [text, step] for why, (text, step) in TEXTS.items()}
        | {"needs_node": NEEDS_NODE, "pin_needs_node": PIN_NEEDS_NODE},
        "kind_texts": dict(read.KIND_TEXTS),
        "state_texts": {str(state): text for state, text in read.STATE_TEXTS.items()},
    }


def _picks(db: Connection, fences: list[int]) -> list[dict[str, Any]]:
    """The newest pick or undo of each person in each turn, the oldest first: what may be undone."""
    marks = _marks(fences)
    found = db.execute(
        f"SELECT raw, max(number) AS newest FROM fact WHERE kind IN ('picked', 'pick_undone')"
        f" AND fence IN ({marks}) GROUP BY fence, person ORDER BY newest",
        fences,
    ).fetchall()
    picks = []
    for row in found:
        fact = msgspec.json.decode(row["raw"], type=Fact)
        body = body_of(fact)
        if isinstance(body, Picked | PickUndone):
            undone = isinstance(body, PickUndone)
            picks.append(
                {
                    "person": fact.person,
                    "fence": fact.fence,
                    "line": body.line,
                    "qty": body.qty,
                    "undone": undone,
                }
            )
    return picks


def _returns(db: Connection, fences: list[int]) -> dict[str, Any]:
    """Orders whose goods may come back, as sync/replica/commands/returns.py judges them: the newest ones."""
    told: dict[str, dict[str, Any]] = {}
    newest = f"SELECT order_no FROM returnable GROUP BY 1 ORDER BY max(told_at) DESC LIMIT {MOST_RETURNS}"
    for row in db.execute(f"SELECT * FROM returnable WHERE order_no IN ({newest}) ORDER BY line, sku"):
        order = told.setdefault(row["order_no"], {"since": row["told_at"], "lines": []})
        order["since"] = min(order["since"], row["told_at"])
        order["lines"].append([row["line"], row["sku"], row["qty"]])
    left: dict[str, list[Any]] = {}
    gone = (
        "SELECT fence, order_no FROM assignment WHERE released_at > 0 AND fence NOT IN"
        f" ({_marks(fences)}) ORDER BY released_at DESC LIMIT {MOST_RETURNS}"
    )
    rows = db.execute(
        f"SELECT g.order_no, l.order_line, l.sku, sum(l.released) AS qty FROM ({gone}) g"
        " JOIN assignment_line l USING (fence) GROUP BY 1, 2, 3 HAVING sum(l.released) > 0 ORDER BY 2, 3",
        fences,
    )
    for row in rows:
        left.setdefault(row["order_no"], []).append([row["order_line"], row["sku"], row["qty"]])
    # All that came back for these orders counts against them; else only what waits to be graded is shown.
    orders = [*told, *left]
    came = db.execute(
        f"SELECT * FROM goods_return WHERE graded < qty OR (order_no <> '' AND (order_no IN"
        f" ({_marks(orders)}) OR order_no IN (SELECT order_no FROM assignment WHERE fence IN"
        f" ({_marks(fences)})))) ORDER BY received_at, id LIMIT 400",
        [*orders, *fences],
    )
    return {"returnable": told, "left": left, "returned": [_picked_from(row, RETURNED) for row in came]}


def _manifests(db: Connection, fences: list[int]) -> dict[str, Any]:
    """The couriers' manifests; `elsewhere` counts the parcels of turns that are not taken along."""
    newest = "SELECT * FROM manifest ORDER BY state = 'handed_over', opened_at DESC, code LIMIT 30"
    rows = [dict(row) for row in db.execute(newest)]
    codes = [row["code"] for row in rows]
    counted = db.execute(
        f"SELECT {ON} AS code, count(*) AS parcels FROM assignment a"
        f" JOIN parcel p USING (fence) WHERE a.manifest <> '' AND a.manifest IN ({_marks(codes)})"
        f" AND fence NOT IN ({_marks(fences)}) GROUP BY 1",
        [*codes, *fences],
    )
    elsewhere = {row["code"]: row["parcels"] for row in counted}
    known = "SELECT courier FROM manifest GROUP BY courier ORDER BY max(opened_at) DESC, courier LIMIT 6"
    return {
        "manifests": [row | {"elsewhere": elsewhere.get(row["code"], 0)} for row in rows],
        "couriers": [row["courier"] for row in db.execute(known)],
    }


def _marks(values: Sized) -> str:
    return ",".join("?" * len(values))


def _locations(db: Connection, fences: list[int]) -> list[str]:
    """Shelves that orders of old used; those of the open turns stand with them."""
    rows = db.execute(
        "SELECT DISTINCT location FROM assignment WHERE location <> ''"
        f" AND fence NOT IN ({_marks(fences)}) ORDER BY location",
        fences,
    )
    return [row["location"] for row in rows]


def _leads(db: Connection) -> list[dict[str, Any]]:
    rows = db.execute("SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' ORDER BY name")
    return [{"id": row["id"], "name": row["name"]} for row in rows]


def _by_fence(db: Connection, sql: str, fences: list[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in db.execute(sql.format(_marks(fences)), fences):
        found.setdefault(row["fence"], []).append(row)
    return found


def _picked_from(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _parcel(row: Row) -> dict[str, Any]:
    return {"code": row["code"], "lines": json.loads(row["lines"]), "manifest": row["manifest"]}


def _item(db: Connection, sku: str) -> dict[str, Any] | None:
    row = db.execute("SELECT * FROM item WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    gtins = [one[0] for one in db.execute("SELECT gtin FROM gtin WHERE sku = ? ORDER BY gtin", (sku,))]
    return _picked_from(row, ITEM) | {"gtins": gtins, "shelf": read.shelf_place(db, sku)}
