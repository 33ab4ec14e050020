"""HQ and regional managers ask a store to count. The store does it when it can, line or no line."""

from __future__ import annotations

import json
from collections.abc import Iterable

from server.db import Tx
from server.link.decide import decide
from server.outbox.events import happened
from sync.rules.refusals import Why, refuse
from sync.texts import N_
from sync.wire import decisions as d

MOST_SKUS = 300
MOST_AREAS = 8
NOTHING_ASKED = N_("Name at least one SKU, or choose a count of everything.")
TOO_MANY = N_("One list holds at most 300 SKUs.")
NO_AREAS = N_("Name one to eight areas.")
GOES_ON = N_("A full count of this store is open already. Let it finish, or take it back.")


def ask_list(
    tx: Tx, store: str, codes: Iterable[str], *, name: str = "", blind: bool = True, now: int, person: str
) -> str:
    """These SKUs, each in one go. Goods stay for sale: nobody doubts them."""
    skus = list(dict.fromkeys(_sku(tx, code) for code in (c.strip() for c in codes) if code))
    if not skus:
        raise refuse(Why.BAD_INPUT, problem={"say": NOTHING_ASKED})
    if len(skus) > MOST_SKUS:
        raise refuse(Why.BAD_INPUT, problem={"say": TOO_MANY})
    sheet = _new(tx, store, "list", name, "", blind, (), len(skus), now, person)
    for sku in skus:
        decide(
            tx, store, d.CountAsked(sku, "asked", sheet=sheet, name=name.strip()[:40], blind=blind), at=now
        )
    return sheet


def ask_full(
    tx: Tx,
    store: str,
    areas: Iterable[str],
    *,
    scope: str = "",
    name: str = "",
    blind: bool = True,
    now: int,
    person: str,
) -> str:
    """Everything, or all that is kept on shelves whose place begins with `scope`, area by area."""
    places = tuple(dict.fromkeys(area.strip()[:40] for area in areas if area.strip()))
    if not 1 <= len(places) <= MOST_AREAS:
        raise refuse(Why.BAD_INPUT, problem={"say": NO_AREAS})
    if tx.execute(
        "SELECT 1 FROM count_sheet WHERE store = ? AND kind = 'full' AND state = 'open'", (store,)
    ).fetchone():
        raise refuse(Why.BAD_INPUT, problem={"say": GOES_ON})
    scope = scope.strip()[:24]
    sheet = _new(tx, store, "full", name, scope, blind, places, 0, now, person)
    body = d.CountAsked(
        "", "asked", sheet=sheet, name=name.strip()[:40], areas=places, scope=scope, blind=blind
    )
    decide(tx, store, body, at=now)
    return sheet


def take_back(tx: Tx, store: str, sheet: str, *, now: int, person: str) -> bool:
    """Nobody needs it any more. What was booked of it stays."""
    done = tx.execute(
        "UPDATE count_sheet SET state = 'cancelled', closed_at = ?, closed_by = ?"
        " WHERE store = ? AND id = ? AND state = 'open'",
        (now, person, store, sheet),
    ).rowcount
    if done:
        decide(tx, store, d.CountAsked("", "asked", sheet=sheet, cancelled=True), at=now)
        happened(tx, "count_taken_back", at=now, store=store, person=person, data={"sheet": sheet})
    return bool(done)


def _new(
    tx: Tx,
    store: str,
    kind: str,
    name: str,
    scope: str,
    blind: bool,
    areas: tuple[str, ...],
    lines: int,
    now: int,
    person: str,
) -> str:
    # By the clock, so that a centre put back from a backup does not give a name again.
    number = now
    while tx.execute(
        "SELECT 1 FROM count_sheet WHERE store = ? AND id = ?", (store, f"C{number}")
    ).fetchone():
        number += 1
    sheet = f"C{number}"
    tx.execute(
        "INSERT INTO count_sheet"
        " (store, id, kind, name, scope, blind, areas, lines, made_by, by_centre, made_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,1,?)",
        (
            store,
            sheet,
            kind,
            name.strip()[:40],
            scope,
            int(blind),
            json.dumps(areas, ensure_ascii=False),
            lines,
            person,
            now,
        ),
    )
    happened(tx, "count_asked", at=now, store=store, person=person, data={"sheet": name.strip() or sheet})
    return sheet


def _sku(tx: Tx, code: str) -> str:
    row = tx.execute(
        "SELECT sku FROM item WHERE sku = ?1 UNION ALL SELECT sku FROM gtin WHERE gtin = ?2 LIMIT 1",
        (code, code.zfill(14)),
    ).fetchone()
    if row is None:
        raise refuse(Why.UNKNOWN_SKU, sku=code[:40])
    return str(row[0])
