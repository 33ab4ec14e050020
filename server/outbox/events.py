"""History: one line for everything that happened, and the messages to channels that follow from it.

Both are rows of the transaction in which it happened, so nothing is told that was
not saved, and nothing saved goes untold. Sending is `sender.py`'s work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.db import Tx

TOLD = frozenset(
    {
        "offered",
        "accepted",
        "declined",
        "lapsed",
        "reassigned",
        "pick_started",
        "line_picked",
        "short_picked",
        "substituted",
        "picked",
        "packed",
        "label_failed",
        "staged",
        "ready",
        "reminder_sent",
        "handed_over",
        "refused",
        "no_show",
        "put_back",
        "return_received",
        "return_graded",
        "stock_adjusted",
        "count_closed",
        "store_offline",
        "store_online",
        "case_opened",
        "case_closed",
        "expiring_soon",
        "placed",
        "moved",
        "waiting",
        "shipped",
        "cancel_requested",
        "cancelled",
        "cancel_failed",
        "handover_undone",
    }
)
"""Kinds that integrators hear of: the glossary's list and the few that an order's own life adds."""


def happened(
    tx: Tx,
    kind: str,
    *,
    at: int,
    store: str = "",
    order_no: str = "",
    fo: str = "",
    fence: int = 0,
    person: str = "",
    data: Mapping[str, Any] | None = None,
    notify: bool = True,
    channel: str = "",
    secret: Mapping[str, Any] | None = None,
) -> int:
    """Write the event, and the message to the order's channel when there is one. Returns the event's id.

    `secret` goes into the message and never into the history that stores and boards show
    (the pickup code). `channel` saves a look-up where the caller knows it.
    """
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")) if data else "{}"
    cursor = tx.execute(
        "INSERT INTO event (at, kind, store, order_no, fo, fence, person, data) VALUES (?,?,?,?,?,?,?,?)",
        (at, kind, store, order_no, fo, fence, person, plain),
    )
    event = int(cursor.lastrowid or 0)
    tx.touched.add("board")
    if store:
        tx.touched.add(f"at:{store}")
    if order_no:
        tx.touched.add(f"order:{order_no}")
        if notify and kind in TOLD:
            _tell(tx, event, kind, at, store, order_no, fo, fence, data, secret, channel)
    return event


def _tell(
    tx: Tx,
    event: int,
    kind: str,
    at: int,
    store: str,
    order_no: str,
    fo: str,
    fence: int,
    data: Mapping[str, Any] | None,
    secret: Mapping[str, Any] | None,
    channel: str,
) -> None:
    if not channel:
        row = tx.execute("SELECT channel FROM shop_order WHERE no = ?", (order_no,)).fetchone()
        if row is None or not row[0]:
            return
        channel = row[0]
    when = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    body: dict[str, Any] = {"order": order_no}
    if fo:
        body["fulfilment_order"] = fo
    if store:
        body["store"] = store
    body.update(data or {})
    body.update(secret or {})
    payload = json.dumps(
        {"type": f"order.{kind}", "timestamp": when, "data": body},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    # The idempotency key follows from what happened and not from the row's number alone: a centre
    # restored from a backup gives numbers again, and a receiver must not take the new event for the old.
    key = hashlib.blake2b(f"{event}|{channel}|{fence}|{payload}".encode(), digest_size=12).hexdigest()
    # Without a receiver the message is shown in the log page, and no second commit is spent on saying so.
    tx.execute(
        "INSERT INTO outgoing (id, event_id, channel, kind, order_no, payload, state, next_at, at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN EXISTS (SELECT 1 FROM channel WHERE code = ?3"
        " AND webhook_url <> '' AND active) THEN 'waiting' ELSE 'shown' END, ?7, ?7)",
        (f"msg_{key}", event, channel, kind, order_no, payload, at),
    )
    tx.touched.add("outbox")
