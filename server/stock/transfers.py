"""Goods between two locations. Sent is not received: what is in transit is on nobody's hand.

The two ends report on their own, in any order: a receiver may be heard before a sender whose line
is down. A difference that both ends together prove is a case. Fewer received than sent may still be
in the van: it becomes a case only when the time a van takes (policy `transfer_s`) is over.
"""

from __future__ import annotations

import sqlite3

from server.cases.book import Evidence, close_case, open_case
from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.link.decide import decide
from server.policy.read import policy
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
        tx.execute(
            "UPDATE transfer SET asked_at = ? WHERE code = ? AND sku = ?",
            (source.now, body.transfer, body.sku),
        )
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
    if row is None:
        return APPLIED
    if row["asked_at"] and row["received"] >= row["sent"]:
        _arrived_after_all(tx, row, source.now)
    return _judge(tx, source, row)


def in_transit(tx: Tx, store: str = "") -> list[sqlite3.Row]:
    """What was sent and has not been received, towards one store or all."""
    return tx.execute(
        "SELECT code, sku, sender, receiver, sent, received, sent - received AS on_the_way, at FROM transfer"
        " WHERE received < sent AND (?1 = '' OR receiver = ?1) ORDER BY at, code, sku",
        (store,),
    ).fetchall()


def overdue(tx: Tx, now: int) -> int:
    """Transfers that have not arrived whole in the time a van takes: a person looks, with both ends' facts.

    A receiver whose line is down since before that may have the goods and cannot say so; it gets as much
    time more as silent stores get.
    """
    wait, silence = policy(tx, "transfer_s") * 1000, policy(tx, "silence_s") * 1000
    rows = tx.execute(
        "SELECT t.* FROM transfer t LEFT JOIN store_session s ON s.store = t.receiver"
        " WHERE t.received < t.sent AND t.asked_at = 0 AND t.at <= ?1"
        " AND (t.at <= ?2 OR NOT (coalesce(s.closed_at, 0) > 0 AND s.heard_at < t.at + ?3))"
        " ORDER BY t.at LIMIT ?4",
        (now - wait, now - wait - silence, wait, BITE),
    ).fetchall()
    for row in rows:
        tx.execute(
            "UPDATE transfer SET asked_at = ? WHERE code = ? AND sku = ?", (now, row["code"], row["sku"])
        )
        open_case(
            tx,
            "transfer_short",
            now=now,
            store=row["receiver"],
            sku=row["sku"],
            params={
                "transfer": row["code"],
                "sender": row["sender"],
                "sent": row["sent"],
                "received": row["received"],
            },
            evidence=_facts_of(tx, row),
        )
    return len(rows)


def next_overdue(tx: Tx) -> int | None:
    """When the oldest transfer that is on its way is looked for."""
    first = tx.execute("SELECT min(at) FROM transfer WHERE received < sent AND asked_at = 0").fetchone()[0]
    return None if first is None else int(first) + policy(tx, "transfer_s") * 1000


BITE = 100


def _facts_of(tx: Tx, row: sqlite3.Row) -> list[Evidence]:
    """What both ends said of it, as the ledger remembers."""
    return [
        Evidence(one["store"], one["incarnation"], one["number"], one["reason"])
        for one in tx.execute(
            "SELECT store, incarnation, number, reason FROM stock_ledger WHERE sku = ?1 AND note = ?2"
            " AND ((store = ?3 AND reason = 'transfer_sent') OR (store = ?4 AND reason = 'received'))"
            " AND number > 0 ORDER BY id LIMIT 20",
            (row["sku"], row["code"], row["sender"], row["receiver"]),
        )
    ]


def _arrived_after_all(tx: Tx, row: sqlite3.Row, now: int) -> None:
    for case in tx.execute(
        "SELECT id FROM open_case WHERE state = 'open' AND kind = 'transfer_short' AND store = ? AND sku = ?"
        " AND params ->> 'transfer' = ?",
        (row["receiver"], row["sku"], row["code"]),
    ).fetchall():
        close_case(tx, case["id"], now=now, by="", outcome="arrived")


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
