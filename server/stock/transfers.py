"""Goods between two locations. Sent is not received: what is in transit is on nobody's hand.

The two ends report on their own, in any order: a receiver may be heard before a sender whose line
is down. A difference that both ends together prove is a case.
"""

from __future__ import annotations

import sqlite3

from server.cases.book import open_case
from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.link.decide import decide
from sync.wire import decisions as d
from sync.wire import facts as f


def sent(tx: Tx, source: Source, body: f.TransferSent) -> Verdict:
    """Goods left a store: the receiver is told that they are on their way."""
    row = tx.execute(
        "INSERT INTO transfer (code, sku, sender, receiver, sent, received, at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (code, sku) DO UPDATE SET sent = sent + ?5 RETURNING *",
        (
            body.transfer,
            body.sku,
            source.store,
            body.to,
            body.qty,
            _received_before(tx, body.to, body.sku, body.transfer),
            source.now,
        ),
    ).fetchone()
    known = tx.execute("SELECT 1 FROM store WHERE code = ?", (body.to,)).fetchone()
    if not known or body.to == source.store:
        case = open_case(
            tx,
            "unknown_place",
            now=source.now,
            store=source.store,
            sku=body.sku,
            params={"qty": body.qty, "to": body.to, "transfer": body.transfer},
            evidence=[source.evidence()],
        )
        return Verdict("applied", "unknown_place", case)
    decide(
        tx,
        body.to,
        d.TransferAnnounced(body.transfer, source.store, ((body.sku, body.qty),)),
        at=source.now,
    )
    return _judge(tx, source, row)


def arrived(tx: Tx, source: Source, body: f.Received) -> Verdict:
    """Goods came in with a paper; if the paper is a transfer that is known, it is a step nearer its end."""
    if not body.document:
        return APPLIED
    row = tx.execute(
        "UPDATE transfer SET received = received + ? WHERE code = ? AND sku = ? RETURNING *",
        (body.qty, body.document, body.sku),
    ).fetchone()
    return APPLIED if row is None else _judge(tx, source, row)


def in_transit(tx: Tx, store: str = "") -> list[sqlite3.Row]:
    """What was sent and has not been received, towards one store or all."""
    return tx.execute(
        "SELECT code, sku, sender, receiver, sent, received, sent - received AS on_the_way, at FROM transfer"
        " WHERE received < sent AND (?1 = '' OR receiver = ?1) ORDER BY at, code, sku",
        (store,),
    ).fetchall()


def _judge(tx: Tx, source: Source, row: sqlite3.Row) -> Verdict:
    # Fewer received may still be in the van; more than were sent, or at another place, never add up.
    at_the_wrong_place = source.store not in (row["sender"], row["receiver"])
    if row["received"] <= row["sent"] and not at_the_wrong_place:
        return APPLIED
    case = open_case(
        tx,
        "transfer_difference",
        now=source.now,
        store=source.store,
        sku=row["sku"],
        params={"transfer": row["code"], "sent": row["sent"], "received": row["received"]},
        evidence=[source.evidence()],
        join=True,
    )
    return Verdict("applied", "transfer_difference", case)


def _received_before(tx: Tx, store: str, sku: str, document: str) -> int:
    row = tx.execute(
        "SELECT coalesce(sum(on_hand), 0) FROM stock_ledger"
        " WHERE store = ? AND sku = ? AND reason = 'received' AND note = ?",
        (store, sku, document),
    ).fetchone()
    return int(row[0])
