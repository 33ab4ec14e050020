"""The turns of a store in its snapshot: columns of the centre, and detail from the store's own facts.

Turns about which nobody has to do anything any more are left out; the store keeps what it shows of them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from server.db import Tx
from server.offers.rows import STANDS_IN_FOR
from server.offers.turn import masked
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import SnapAssignment, SnapLine, SnapParcel

_STORE_SAID_SO = ("declined", "short", "done")

_decode_fact = msgspec.json.Decoder(f.Fact).decode
_decode_decision = msgspec.json.Decoder(d.Decision).decode


def turns(tx: Tx, store: str) -> Iterator[SnapAssignment]:
    """Open ones, and ended ones that the store has not answered or still holds goods of."""
    rows = tx.execute(
        """
        SELECT a.*, o.no AS order_no, o.kind, o.channel, o.promised_by, o.name, o.phone, o.address, o.note,
               o.code_salt, o.code_hash, o.language, o.substitution, fo.fence AS fo_fence
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
            line["instead_of"] or "",
            tuple(json.loads(line["substitutes"] or "[]")),
        )
        for line in tx.execute(
            "SELECT al.*, fl.order_line, fl.sellable, missing.sellable AS instead_of,"
            " own.substitutes FROM assignment_line al"
            " LEFT JOIN fulfilment_line fl ON fl.fo = ?1 AND fl.line = al.line"
            f"{STANDS_IN_FOR} WHERE al.fence = ?3 ORDER BY al.line",
            (row["fo"], row["order_no"], fence),
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
        substitution=row["substitution"],
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
