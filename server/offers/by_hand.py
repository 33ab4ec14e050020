"""A person decides where a fulfilment order goes: which stores could, moving an offer, asking one back.

Routing and the channel's views are overruled here, the pool never: a store is only listed, and only
taken, when the tables say that it has everything that is still wanted.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from server.db import Tx
from server.offers import turn
from server.offers.rows import part_of, turn_of
from server.outbox.events import happened
from server.routing.choice import distance_m, vector_of
from server.views.read import views_of
from sync.rules.refusals import Why, refuse
from sync.texts import N_

LISTED = 12

SAID: dict[str, str] = {
    "waiting": N_("waits for a store"),
    "offered": N_("offered"),
    "owned": N_("owned by a store"),
    "released": N_("has left"),
    "cancelled": N_("cancelled"),
    "person": N_("a person decides"),
}


@dataclass(frozen=True, slots=True)
class Able:
    """A store that could do it now, and what a person should know before choosing it."""

    store: str
    name_en: str
    name_zh: str
    region: str
    distance_m: int
    pool: int
    """Units in its pool of the SKU that it has least of."""
    line_down: bool
    paused: bool
    asked_before: bool
    kept_back: bool = False
    """The safety stock of the order's channel hides these units; a person may take them all the same."""

    @property
    def doubtful(self) -> bool:
        return self.line_down or self.paused or self.asked_before or self.kept_back


def who_could(db: sqlite3.Connection, fo: str, *, region: str = "", most: int = LISTED) -> list[Able]:
    """Stores whose pool has all that this part still needs: those without a doubt first, nearest first."""
    part = db.execute(
        "SELECT f.store, f.state, o.kind, o.lat, o.lon, o.pickup_store, o.no, o.channel"
        " FROM fulfilment_order f JOIN shop_order o ON o.no = f.order_no WHERE f.fo = ?",
        (fo,),
    ).fetchone()
    if part is None:
        return []
    needs = db.execute(
        "SELECT sku, sum(qty - released - cancelled) AS qty FROM fulfilment_line WHERE fo = ?"
        " AND qty > released + cancelled GROUP BY sku",
        (fo,),
    ).fetchall()
    pools: dict[str, int] | None = None
    views, hidden = views_of(db), set()
    for need in needs:
        here = dict(
            db.execute(
                "SELECT store, pool FROM stock WHERE sku = ? AND pool >= ? AND suppressed = 0",
                (need["sku"], need["qty"]),
            ).fetchall()
        )
        view = views.of(part["channel"], need["sku"])
        if view is not None:
            hidden |= {code for code, pool in here.items() if view.of_store(code, pool) < need["qty"]}
        pools = (
            here
            if pools is None
            else {code: min(pool, here[code]) for code, pool in pools.items() if code in here}
        )
    if not pools:
        return []
    can = {"pickup": "can_pickup", "same_day": "can_same_day"}.get(part["kind"], "can_ship")
    at = vector_of(part["lat"], part["lon"])
    chosen = db.execute("SELECT lat, lon FROM store WHERE code = ?", (part["pickup_store"],)).fetchone()
    if chosen is not None:
        at = vector_of(chosen["lat"], chosen["lon"])
    asked = {
        row[0]
        for row in db.execute(
            "SELECT e.store FROM excluded e JOIN fulfilment_order f ON f.fo = e.fo WHERE f.order_no = ?",
            (part["no"],),
        )
    }
    holder = part["store"] if part["state"] in ("offered", "owned") else ""
    found = [
        Able(
            store=row["code"],
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            region=row["region"],
            distance_m=distance_m(at, vector_of(row["lat"], row["lon"])),
            pool=pools[row["code"]],
            line_down=bool(row["down"]),
            paused=bool(row["paused"]),
            asked_before=row["code"] in asked,
            kept_back=row["code"] in hidden,
        )
        for row in db.execute(
            "SELECT s.code, s.name_en, s.name_zh, s.region, s.lat, s.lon, s.paused,"
            " coalesce(l.closed_at, 0) > 0 AS down FROM store s"
            f" LEFT JOIN store_session l ON l.store = s.code WHERE s.active AND s.{can}"
            " AND (?1 = '' OR s.region = ?1)",
            (region,),
        )
        if row["code"] in pools and row["code"] != holder
    ]
    return sorted(found, key=lambda one: (one.doubtful, one.distance_m, one.store))[:most]


def move_to(tx: Tx, fo: str, store: str, now: int, *, person: str) -> int:
    """Offer to this store: a part that waits, or one whose offer nobody has accepted yet."""
    try:
        part = part_of(tx, fo)
    except KeyError:
        raise refuse(Why.UNKNOWN_ORDER, order=fo) from None
    if part.state not in ("waiting", "person", "offered"):
        raise refuse(Why.NOT_NOW, fo=fo, state={"say": SAID.get(part.state, part.state)})
    if store not in {one.store for one in who_could(tx, fo, most=100_000)}:
        problem = N_("{store} has not got what {fo} needs.")
        raise refuse(Why.BAD_INPUT, problem={"say": problem, "store": store, "fo": fo})
    old = turn_of(tx, part.fence) if part.state == "offered" else None
    if old is not None:
        turn.finish(tx, old, "reassigned", now, person=person, again=False, tell=False)
    fence = turn.hand_to(tx, fo, store, now, person=person)
    if old is not None:
        turn.tell_withdrawn(tx, old, "reassigned", now)
    happened(
        tx,
        "chosen_by_hand",
        at=now,
        store=store,
        order_no=part.order_no,
        fo=fo,
        fence=fence,
        person=person,
        notify=False,
    )
    return fence


def ask_for_it(tx: Tx, fo: str, now: int, *, person: str) -> str:
    """Ask the store that owns it to give it back; it goes on when the store has answered. Its code."""
    try:
        part = part_of(tx, fo)
    except KeyError:
        raise refuse(Why.UNKNOWN_ORDER, order=fo) from None
    owner = turn_of(tx, part.fence) if part.state == "owned" else None
    if owner is None or owner.ended_at or owner.withdraw_requested_at:
        raise refuse(Why.NOT_NOW, fo=fo, state={"say": SAID.get(part.state, part.state)})
    turn.ask_back(tx, owner, "reassigned", now)
    happened(
        tx,
        "asked_back",
        at=now,
        store=owner.store,
        order_no=owner.order_no,
        fo=fo,
        fence=owner.fence,
        person=person,
        notify=False,
    )
    return owner.store
