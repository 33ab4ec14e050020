"""A store's part of the world at this moment, for a replica that cannot be served from the log.

Read inside one transaction, so the cut is exact: all decisions made and all facts taken so far, and
nothing else. Detail that no table of the centre keeps (wave, tote, parcels, who collected) is read
back from the store's own facts. Only rows of this store are read: there is no filter to forget.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from server.db import Tx
from server.link.snapshot_turns import turns
from server.returns.book import returnable
from sync.rules.reasons import REASONS
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import (
    SnapReturn,
    SnapReturnable,
    SnapSale,
    SnapSheet,
    Snapshot,
    SnapTask,
    SnapTransfer,
    StockRow,
)

DAY = 24 * 3600 * 1000
RETURNS_FOR = 30 * DAY
"""How far back a store that lost its database still learns what it sold and took back."""
TASKS_FOR = 30 * DAY
SALES_FOR = 14 * DAY
"""A till that had no answer, or whose file came at night, has told its sales again by then."""

_decode_fact = msgspec.json.Decoder(f.Fact).decode
_decode_decision = msgspec.json.Decoder(d.Decision).decode


def snapshot(tx: Tx, store: str, *, now: int = 0) -> Snapshot:
    """Everything of one store at the cut. `now` defaults to the time of the last thing that happened."""
    made_at = now or _latest(tx, store)
    last = tx.execute(
        "SELECT number, chain FROM decision WHERE store = ? ORDER BY number DESC LIMIT 1", (store,)
    ).fetchone()
    live = tx.execute(
        "SELECT incarnation, applied, chain FROM replica WHERE store = ? AND state = 'live'"
        " ORDER BY opened_at DESC LIMIT 1",
        (store,),
    ).fetchone()
    place = tx.execute("SELECT paused FROM store WHERE code = ?", (store,)).fetchone()
    return Snapshot(
        store=store,
        made_at=made_at,
        decisions=last["number"] if last else 0,
        decisions_chain=last["chain"] if last else "",
        incarnation=live["incarnation"] if live else "",
        facts=live["applied"] if live else 0,
        facts_chain=live["chain"] if live else "",
        stock=_stock(tx, store),
        assignments=tuple(turns(tx, store)),
        returns=tuple(_returns(tx, store, made_at)),
        returnables=tuple(_returnables(tx, store, made_at)),
        transfers=tuple(_transfers(tx, store)),
        tasks=tuple(_tasks(tx, store, made_at)),
        sheets=tuple(_sheets(tx, store)),
        sales=tuple(_sales(tx, store, made_at)),
        paused=bool(place and place["paused"]),
    )


def _stock(tx: Tx, store: str) -> tuple[StockRow, ...]:
    return tuple(
        StockRow(sku, on_hand, share, debt, damaged, hold, bool(suppressed))
        for sku, on_hand, share, debt, damaged, hold, suppressed in tx.execute(
            "SELECT sku, on_hand, share, debt, damaged, hold, suppressed FROM stock WHERE store = ?"
            " ORDER BY sku",
            (store,),
        )
    )


def _returns(tx: Tx, store: str, now: int) -> Iterator[SnapReturn]:
    for row in tx.execute(
        "SELECT * FROM goods_return WHERE store = ? AND (graded < qty OR received_at > ?)"
        " ORDER BY received_at, id",
        (store, now - RETURNS_FOR),
    ):
        yield SnapReturn(
            row["id"],
            row["sku"],
            row["qty"],
            row["order_no"],
            row["line"],
            row["graded"],
            row["reason"],
            bool(row["bought_elsewhere"]),
            row["received_at"],
            row["person"],
            row["grade"],
            row["disposition"],
            row["sale"],
        )


def _returnables(tx: Tx, store: str, now: int) -> Iterator[SnapReturnable]:
    orders = tx.execute(
        "SELECT DISTINCT fo.order_no FROM assignment a JOIN fulfilment_order fo ON fo.fo = a.fo"
        " WHERE a.store = ? AND a.released_at > ? ORDER BY fo.order_no",
        (store, now - RETURNS_FOR),
    ).fetchall()
    for order in orders:
        for row in returnable(tx, order["order_no"]):
            yield SnapReturnable(order["order_no"], row.line, row.sku, row.left)


def _transfers(tx: Tx, store: str) -> Iterator[SnapTransfer]:
    for row in tx.execute(
        "SELECT * FROM transfer WHERE (receiver = ?1 OR sender = ?1) AND sent > received ORDER BY code, sku",
        (store,),
    ):
        here = row["receiver"] == store
        yield SnapTransfer(
            row["code"],
            "in" if here else "out",
            row["sender"] if here else row["receiver"],
            row["sku"],
            row["sent"],
            row["received"] if here else 0,
            row["at"],
        )


def _tasks(tx: Tx, store: str, now: int) -> Iterator[SnapTask]:
    """Counts that were asked for, by the centre or by a short pick here, and that no count answered."""
    since = now - TASKS_FOR
    asked: dict[str, SnapTask] = {}
    for row in tx.execute(
        "SELECT number, at, raw FROM decision WHERE store = ? AND kind = 'count_asked' AND at > ?"
        " ORDER BY number",
        (store, since),
    ):
        body = d.body_of(_decode_decision(row["raw"]))
        assert isinstance(body, d.CountAsked)
        if not body.sku:
            continue  # a full count has areas instead of tasks
        name = f"count:{row['number']}"
        asked[name] = SnapTask(name, "count", body.sku, body.reason, body.not_by, row["at"], body.sheet)
    for row in tx.execute(
        "SELECT raw FROM fact WHERE store = ? AND kind IN"
        " ('shorted', 'declined', 'counted', 'recount_asked', 'sheet_opened')"
        " AND verdict <> 'parked' AND received_at > ? ORDER BY rowid",
        (store, since),
    ):
        fact = _decode_fact(row["raw"])
        said = f.body_of(fact)
        if isinstance(said, f.Counted):
            for name in said.count.split():
                asked.pop(name, None)
        elif isinstance(said, (f.Shorted, f.Declined)):
            reason = REASONS.get(said.reason)
            for sku in _counted_for(tx, fact, said) if reason and reason.asks_count else ():
                # The same id that the store gave it, so that a store which still has it gets no second one.
                name = f"count:{fact.command}:{sku}"
                asked[name] = SnapTask(name, "count", sku, said.reason, fact.person, fact.at)
        elif isinstance(said, f.RecountAsked):
            name = f"count:{fact.command}:{said.sku}"
            asked[name] = SnapTask(name, "count", said.sku, "recount", said.not_by, fact.at, said.sheet)
        elif isinstance(said, f.SheetOpened):
            for sku in said.skus:
                name = f"count:{fact.command}:{sku}"
                asked[name] = SnapTask(name, "count", sku, "asked", "", fact.at, said.sheet)
    over = {
        row[0]
        for row in tx.execute("SELECT id FROM count_sheet WHERE store = ? AND state = 'cancelled'", (store,))
    }
    yield from (task for task in asked.values() if task.sheet not in over)


def _sales(tx: Tx, store: str, now: int) -> Iterator[SnapSale]:
    sold: dict[str, tuple[str, int, int]] = {}
    voids: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for (raw,) in tx.execute(
        "SELECT raw FROM fact WHERE store = ? AND kind IN ('sold', 'sale_voided') AND verdict <> 'parked'"
        " AND received_at > ? ORDER BY rowid",
        (store, now - SALES_FOR),
    ):
        fact = _decode_fact(raw)
        match f.body_of(fact):
            case f.Sold() as body if body.sale:
                sold.setdefault(body.sale, (body.sku, body.qty, body.sold_at or fact.at))
            case f.SaleVoided() as body:
                voids[body.sale].append((body.void, body.qty, body.voided_at or fact.at))
    for number, (sku, qty, at) in sold.items():
        yield SnapSale(number, sku, qty, at, tuple(voids[number]))


def _sheets(tx: Tx, store: str) -> Iterator[SnapSheet]:
    for row in tx.execute(
        "SELECT * FROM count_sheet WHERE store = ? AND state = 'open' ORDER BY made_at, id", (store,)
    ):
        areas = tuple(json.loads(row["areas"]))
        made_by = "" if row["by_centre"] else row["made_by"]
        yield SnapSheet(
            row["id"],
            row["kind"],
            row["name"],
            areas,
            row["scope"],
            bool(row["blind"]),
            row["made_at"],
            made_by,
        )


def _counted_for(tx: Tx, fact: f.Fact, said: f.Shorted | f.Declined) -> list[str]:
    if isinstance(said, f.Declined):
        return [said.sku] if said.sku else []
    row = tx.execute(
        "SELECT sku FROM assignment_line WHERE fence = ? AND line = ?", (fact.fence, said.line)
    ).fetchone()
    return [sku for sku in (row["sku"] if row else "", said.instead) if sku]


def _latest(tx: Tx, store: str) -> int:
    row = tx.execute(
        "SELECT max(coalesce((SELECT at FROM decision WHERE store = ?1 ORDER BY number DESC LIMIT 1), 0),"
        " coalesce((SELECT max(heard_at) FROM store_session WHERE store = ?1), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_seen_at'), 0))",
        (store,),
    ).fetchone()
    return int(row[0])
