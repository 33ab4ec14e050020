"""What of a case's remedies can be done on its page, by this manager, and what the form needs to offer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.cases.kinds import KINDS
from server.cases.notes import kept
from server.cases.settle import MOST_SKUS
from server.offers.by_hand import Able, who_could
from server.signin.session import Manager
from sync.rules.permissions import may, needs_second
from sync.rules.refusals import Refusal

DOES: dict[str, str] = {
    "reassign": "reassign",
    "refund": "cancel",
    "count": "count",
    "upgrade": "retry",
    "load_catalogue": "retry",
    "choose_replica": "go-on",
    "rebase": "rebase",
    "go_without": "go-without",
}
"""What the centre can do about a remedy; the others happen between people."""

PERMISSION: dict[str, str] = {
    "reassign": "order.reassign",
    "cancel": "order.cancel",
    "count": "stock.ask_count",
    "retry": "case.close",
    "go-on": "case.close",
    "rebase": "case.close",
    "go-without": "case.close",
}


@dataclass(frozen=True)
class Form:
    what: str
    refusal: Refusal | None = None
    """Why this manager may not; the form is not shown then, the reason is."""
    second: bool = False
    """A second person has to enter their PIN."""
    stores: list[Able] = field(default_factory=list)
    pickup: bool = False
    skus: list[sqlite3.Row] = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)


def forms(db: sqlite3.Connection, case: Mapping[str, Any], manager: Manager) -> dict[str, Form]:
    """By code of the remedy. Nothing for a case that is settled."""
    if case["state"] != "open":
        return {}
    kind = KINDS.get(case["kind"])
    codes = set(kind.remedies if kind else ()) | {case["remedy"]}
    found: dict[str, Form] = {}
    for code in codes & set(DOES):
        what = DOES[code]
        refusal = refused(manager, what, case)
        second = needs_second(manager.role, PERMISSION[what])
        form = _form(db, what, case, manager, refusal, second)
        if form is not None:
            found[code] = form
    return found


def refused(manager: Manager, what: str, case: Mapping[str, Any]) -> Refusal | None:
    return may(
        manager.actor,
        PERMISSION[what],
        store=case["store"],
        region=case["region"] or manager.scope_region,
    )


def _form(
    db: sqlite3.Connection,
    what: str,
    case: Mapping[str, Any],
    manager: Manager,
    refusal: Refusal | None,
    second: bool,
) -> Form | None:
    match what:
        case "reassign":
            part = db.execute(
                "SELECT f.state, o.kind FROM fulfilment_order f JOIN shop_order o ON o.no = f.order_no"
                " WHERE f.fo = ?",
                (case["fo"],),
            ).fetchone()
            if part is None or part["state"] not in ("waiting", "person", "offered"):
                return None
            stores = who_could(db, case["fo"], region=manager.scope_region) if refusal is None else []
            return Form(what, refusal, stores=stores, pickup=part["kind"] == "pickup")
        case "cancel":
            order = db.execute("SELECT state FROM shop_order WHERE no = ?", (case["order_no"],)).fetchone()
            return Form(what, refusal, second) if order is not None and order["state"] == "open" else None
        case "count":
            return Form(what, refusal, skus=_countable(db, case)) if case["store"] else None
        case "retry":
            return Form(what, refusal) if _parked(db, case["id"]) else None
        case "go-on":
            boxes = _boxes(db, case)
            return Form(what, refusal, boxes=boxes) if boxes else None
        case "go-without":
            return Form(what, refusal)
        case _:
            return Form(what, refusal) if case["kind"] == "digest" else None


def _countable(db: sqlite3.Connection, case: Mapping[str, Any]) -> list[sqlite3.Row]:
    """The goods this case speaks of and nobody was asked to count yet."""
    skus = {case["sku"]}
    skus |= {row[0] for row in db.execute("SELECT sku FROM fulfilment_line WHERE fo = ?", (case["fo"],))}
    for (raw,) in db.execute(
        "SELECT f.raw FROM open_case c, json_each(c.evidence) e JOIN fact f ON f.store = e.value ->> 'store'"
        " AND f.incarnation = e.value ->> 'incarnation' AND f.number = e.value ->> 'number' WHERE c.id = ?",
        (case["id"],),
    ):
        try:
            said = json.loads(raw).get("b", {}).get("sku", "")
        except (ValueError, AttributeError):
            continue
        skus.add(said if isinstance(said, str) else "")
    asked = set(kept(case).get("count_asked", []))
    wanted = sorted(skus - asked - {""})[:MOST_SKUS]
    return db.execute(
        f"SELECT sku, name_en, name_zh FROM item WHERE sku IN ({','.join('?' * len(wanted))}) ORDER BY sku",
        wanted,
    ).fetchall()


def _parked(db: sqlite3.Connection, case: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM open_case c, json_each(c.evidence) e JOIN fact f ON f.store = e.value ->> 'store'"
        " AND f.incarnation = e.value ->> 'incarnation' AND f.number = e.value ->> 'number'"
        " WHERE c.id = ? AND f.verdict = 'parked' LIMIT 1",
        (case,),
    ).fetchone()
    return row is not None


def _boxes(db: sqlite3.Connection, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Boxes that were stopped: the one this case names first, then the newest."""
    named = kept(case).get("host", "")
    rows = db.execute(
        "SELECT incarnation, host, state, applied, opened_at FROM replica WHERE store = ?"
        " AND state IN ('held', 'closed')"
        " ORDER BY state = 'held' DESC, host = ? DESC, opened_at DESC LIMIT 5",
        (case["store"], named),
    ).fetchall()
    return [dict(row) for row in rows]
