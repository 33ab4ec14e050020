"""Cases: opened by rules, settled by people. A case names the facts that cannot both stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.cases.kinds import KINDS
from server.db import Tx
from server.outbox.events import happened


@dataclass(frozen=True)
class Evidence:
    """A fact, named by its place in the logs, so that a person can look at both."""

    store: str
    incarnation: str
    number: int
    kind: str = ""
    note: str = ""


def open_case(
    tx: Tx,
    kind: str,
    *,
    now: int,
    store: str = "",
    order_no: str = "",
    fo: str = "",
    fence: int = 0,
    sku: str = "",
    params: Mapping[str, Any] | None = None,
    evidence: Iterable[Evidence | Mapping[str, Any]] = (),
    remedy: str = "",
    join: bool = False,
) -> str:
    """Open a case and return its id.

    With `join` the evidence goes to an open case of the same kind, store, order and SKU, if there is
    one: a store that reports the same trouble a hundred times is one piece of work, not a hundred.
    """
    found = [_plain(one) for one in evidence]
    if join:
        row = tx.execute(
            "SELECT id, evidence, params FROM open_case WHERE state = 'open' AND kind = ? AND store = ?"
            " AND order_no = ? AND sku = ? AND fence = ? LIMIT 1",
            (kind, store, order_no, sku, fence),
        ).fetchone()
        if row is not None:
            tx.execute(
                "UPDATE open_case SET evidence = ?, params = ? WHERE id = ?",
                (
                    json.dumps((json.loads(row["evidence"]) + found)[-_MOST_EVIDENCE:], ensure_ascii=False),
                    # What people did about it so far stays with it.
                    json.dumps(json.loads(row["params"]) | dict(params or {}), ensure_ascii=False),
                    row["id"],
                ),
            )
            tx.touched.add("board")
            return str(row["id"])
    case = _next_id(tx)
    tx.execute(
        "INSERT INTO open_case (id, kind, store, order_no, fo, fence, sku, params, evidence, remedy,"
        " opened_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            case,
            kind,
            store,
            order_no,
            fo,
            fence,
            sku,
            json.dumps(dict(params or {}), ensure_ascii=False),
            json.dumps(found, ensure_ascii=False),
            remedy or (KINDS[kind].remedies[0] if kind in KINDS else ""),
            now,
        ),
    )
    _tell(tx, "case_opened", case, kind, store, order_no, fo, fence, now)
    return case


def close_case(tx: Tx, case: str, *, now: int, by: str, outcome: str) -> bool:
    """Close a case; False when it is not open (somebody was faster)."""
    row = tx.execute(
        "UPDATE open_case SET state = 'closed', closed_at = ?, closed_by = ?, outcome = ?"
        " WHERE id = ? AND state = 'open' RETURNING kind, store, order_no, fo, fence",
        (now, by, outcome, case),
    ).fetchone()
    if row is None:
        return False
    _tell(tx, "case_closed", case, row["kind"], row["store"], row["order_no"], row["fo"], row["fence"], now)
    return True


def close_cases(tx: Tx, kind: str, *, store: str, sku: str, now: int, outcome: str) -> int:
    """Close what has settled itself, such as a debt that was paid. Returns how many."""
    rows = tx.execute(
        "SELECT id FROM open_case WHERE state = 'open' AND kind = ? AND store = ? AND sku = ?",
        (kind, store, sku),
    ).fetchall()
    return sum(close_case(tx, row["id"], now=now, by="", outcome=outcome) for row in rows)


_MOST_EVIDENCE = 50


def _plain(one: Evidence | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(one, Evidence):
        plain: dict[str, Any] = {
            "store": one.store,
            "incarnation": one.incarnation,
            "number": one.number,
            "kind": one.kind,
        }
        return plain | ({"note": one.note} if one.note else {})
    return dict(one)


def _next_id(tx: Tx) -> str:
    row = tx.execute(
        "INSERT INTO meta (key, value) VALUES ('case_no', '1')"
        " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchone()
    return f"CASE-{int(row[0]):06d}"


def _tell(
    tx: Tx, word: str, case: str, kind: str, store: str, order_no: str, fo: str, fence: int, now: int
) -> None:
    tx.touched.add("board")
    happened(
        tx,
        word,
        at=now,
        store=store,
        order_no=order_no,
        fo=fo,
        fence=fence,
        data={"case": case, "kind": kind},
        notify=False,
    )
