"""A store's part of the world at this moment, for a replica that cannot be served from the log.

Read inside one transaction, so the cut is exact: all decisions made and all facts taken so far, and
nothing else. Detail that no table of the centre keeps (wave, tote, parcels, who collected) is read
back from the store's own facts. Only rows of this store are read: there is no filter to forget.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from server.db import Tx
from server.offers.turn import masked
from server.returns.book import returnable
from sync.rules.reasons import REASONS
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import (
    SnapAssignment,
    SnapLine,
    SnapParcel,
    SnapReturn,
    SnapReturnable,
    Snapshot,
    SnapTask,
    SnapTransfer,
    StockRow,
)

DAY = 24 * 3600 * 1000
RETURNS_FOR = 30 * DAY
"""How far back a store that lost its database still learns what it sold and took back."""
TASKS_FOR = 30 * DAY

_STORE_SAID_SO = ("declined", "short", "done")

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
        assignments=tuple(_assignments(tx, store)),
        returns=tuple(_returns(tx, store, made_at)),
        returnables=tuple(_returnables(tx, store, made_at)),
        transfers=tuple(_transfers(tx, store)),
        tasks=tuple(_tasks(tx, store, made_at)),
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


@dataclass
class _Progress:
    """What the store's facts said about one assignment, beyond what the centre keeps in columns."""

    accepted_by: str = ""
    wave: str = ""
    tote: str = ""
    picker: str = ""
    location: str = ""
    manifest: str = ""
    released_by: str = ""
    released_at: int = 0
    collector: str = ""
    ended_at: int = 0
    parcels: list[f.Parcel] = field(default_factory=list)
    loaded: dict[str, str] = field(default_factory=dict)

    def see(self, fact: f.Fact, body: f.Body | None) -> None:
        match body:
            case f.Accepted():
                self.accepted_by = fact.person
            case f.PickStarted():
                self.wave, self.tote, self.picker = body.wave, body.tote, fact.person
            case f.Picked():
                self.picker = self.picker or fact.person
            case f.Packed():
                self.parcels = list(body.parcels)
            case f.Staged():
                self.location = body.location
            case f.HandedOver():
                self.released_by, self.collector = fact.person, body.collector
                self.released_at = fact.at
            case f.HandoverUndone():
                self.released_by = self.collector = ""
                self.released_at = 0
            case f.Shipped():
                self.released_by, self.collector = fact.person, body.courier
                self.released_at = fact.at
                self.manifest = body.manifest
                self.loaded.update(dict.fromkeys(body.parcels, body.manifest))
            case f.WithdrawalTaken() | f.HoldExpired():
                self.ended_at = fact.at
            case _:
                pass


def _assignments(tx: Tx, store: str) -> Iterator[SnapAssignment]:
    rows = tx.execute(
        """
        SELECT a.*, o.no AS order_no, o.kind, o.channel, o.promised_by, o.name, o.phone, o.address, o.note,
               o.code_salt, o.code_hash, o.language, fo.fence AS fo_fence
        FROM assignment a
        JOIN fulfilment_order fo ON fo.fo = a.fo
        JOIN shop_order o ON o.no = fo.order_no
        WHERE a.store = ?1 AND (a.ended_at = 0 OR a.state = 'put_back'
          OR (a.ended_reason NOT IN ('declined', 'short', 'done')
              AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.fence = a.fence AND f.store = ?1
                              AND f.kind IN ('withdrawal_taken', 'hold_expired'))))
          AND (a.state NOT IN ('released', 'closed', 'declined')
               OR (a.ended_at > 0 AND a.ended_reason NOT IN ('declined', 'short', 'done')))
        ORDER BY a.fence
        """,
        (store,),
    ).fetchall()
    withdrawals = _withdrawals(tx, store) if rows else {}
    for row in rows:
        yield _assignment(tx, store, row, withdrawals.get(row["fence"]))


def _withdrawals(tx: Tx, store: str) -> dict[int, d.Withdrawn]:
    """The last word of the centre about each turn that it ended."""
    found: dict[int, d.Withdrawn] = {}
    for row in tx.execute(
        "SELECT fence, raw FROM decision WHERE store = ? AND kind = 'withdrawn' ORDER BY number", (store,)
    ):
        body = d.body_of(_decode_decision(row["raw"]))
        assert isinstance(body, d.Withdrawn)
        found[row["fence"]] = body
    return found


def _assignment(tx: Tx, store: str, row: sqlite3.Row, said: d.Withdrawn | None) -> SnapAssignment:
    fence = row["fence"]
    seen = _Progress()
    for (raw,) in tx.execute(
        "SELECT raw FROM fact WHERE fence = ? AND store = ? AND verdict <> 'parked' ORDER BY rowid",
        (fence, store),
    ):
        fact = _decode_fact(raw)
        seen.see(fact, f.body_of(fact))
    ended_here = row["ended_at"] > 0 and row["ended_reason"] not in _STORE_SAID_SO
    withdrawn = said is not None or bool(row["withdraw_requested_at"]) or ended_here
    if withdrawn and said is None:  # the decision has been forgotten; the columns tell as much
        said = d.Withdrawn(row["ended_reason"])
    told = said or d.Withdrawn("")
    pickup = row["kind"] == "pickup"
    lines = tuple(
        SnapLine(
            line["line"],
            line["sku"],
            line["qty"],
            line["order_line"] or 0,
            line["sellable"] or "",
            line["picked"],
            line["short"],
            line["released"],
            line["put_back"],
        )
        for line in tx.execute(
            "SELECT al.*, fl.order_line, fl.sellable FROM assignment_line al"
            " LEFT JOIN fulfilment_line fl ON fl.fo = ? AND fl.line = al.line"
            " WHERE al.fence = ? ORDER BY al.line",
            (row["fo"], fence),
        )
    )
    return SnapAssignment(
        fence=fence,
        fo=row["fo"],
        order=row["order_no"],
        kind=row["kind"],
        offered_at=row["offered_at"],
        accept_by=row["accept_by"],
        lines=lines,
        channel=row["channel"],
        promised_by=row["promised_by"],
        attempt=row["attempt"],
        shopper=masked(row["name"]),
        phone_tail=row["phone"][-4:],
        code_salt=row["code_salt"] if pickup else "",
        code_hash=row["code_hash"] if pickup else "",
        address="" if pickup else row["address"],
        note=row["note"],
        confirmed=row["confirmed_at"] > 0,
        owner_until=row["owner_until"],
        withdrawn=withdrawn,
        withdrawn_at=(row["withdraw_requested_at"] or row["ended_at"]) if withdrawn else 0,
        withdrawn_reason=told.reason,
        withdrawn_to=told.to_name or told.to_store,
        withdrawn_to_at=told.accepted_at,
        state=row["state"],
        ended_at=seen.ended_at,
        accepted_at=row["accepted_at"],
        accepted_by=seen.accepted_by,
        wave=seen.wave,
        tote=seen.tote,
        picker=seen.picker,
        location=seen.location or row["location"],
        manifest=seen.manifest,
        released_at=seen.released_at,
        released_by=seen.released_by,
        collector=seen.collector,
        parcels=tuple(
            SnapParcel(parcel.code, parcel.lines, seen.loaded.get(parcel.code, "")) for parcel in seen.parcels
        ),
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
        name = f"count:{row['number']}"
        asked[name] = SnapTask(name, "count", body.sku, body.reason, body.not_by, row["at"])
    for row in tx.execute(
        "SELECT raw FROM fact WHERE store = ? AND kind IN ('shorted', 'declined', 'counted')"
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
    yield from asked.values()


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
