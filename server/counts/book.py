"""What stores say about their counts, kept at the centre. Only `counted` moves stock, and not here."""

from __future__ import annotations

import json

from server.db import Tx
from server.facts.source import Source
from server.outbox.events import happened
from sync.wire import facts as f


def count_fact(tx: Tx, source: Source, body: f.Body) -> None:
    """A fact about a count. Kinds that speak of something else are passed over."""
    match body:
        case f.Counted():
            _counted(tx, source, body)
        case f.VarianceFound():
            _waits(tx, source, body)
        case f.RecountAsked():
            _settle(tx, source, body.sku, "again")
            _say(tx, source, "recount_asked", sku=body.sku)
        case f.SheetOpened():
            _opened(tx, source, body)
        case f.CountEntered():
            tx.execute(
                "INSERT INTO count_look (store, sheet, sku, area, found, there, instead, person, at)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    source.store,
                    body.sheet,
                    body.sku,
                    body.area,
                    body.found,
                    body.there,
                    int(body.instead),
                    source.fact.person,
                    source.fact.at,
                ),
            )
        case f.AreaFinished():
            _finished(tx, source, body)
        case f.SheetClosed():
            state = "cancelled" if body.cancelled else "closed"
            tx.execute(
                "UPDATE count_sheet SET state = ?, closed_at = ?, closed_by = ?"
                " WHERE store = ? AND id = ? AND state = 'open'",
                (state, source.fact.at, source.fact.person, source.store, body.sheet),
            )
            _say(tx, source, "sheet_closed", sheet=_name(tx, source.store, body.sheet), state=state)


def _counted(tx: Tx, source: Source, body: f.Counted) -> None:
    waited = _settle(tx, source, body.sku, "applied" if body.allowed_by else "replaced", body.allowed_by)
    if not (waited and body.allowed_by):
        _row(tx, source, body, "applied")
    _close_list(tx, source, body.sheet)


def _waits(tx: Tx, source: Source, body: f.VarianceFound) -> None:
    _settle(tx, source, body.sku, "replaced")
    _row(tx, source, body, "open")
    _say(
        tx, source, "variance_found", sku=body.sku, expected=body.expected, found=body.found, moved=body.moved
    )


def _row(tx: Tx, source: Source, body: f.Counted | f.VarianceFound, state: str) -> None:
    settled = source.fact.at if state == "applied" else 0
    tx.execute(
        "INSERT INTO stock_count (store, sku, sheet, expected, found, state, moved, counted_by, allowed_by,"
        " looked_at, settled_at, incarnation, number) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            source.store,
            body.sku,
            body.sheet,
            body.expected,
            body.found,
            state,
            int(getattr(body, "moved", False)),
            " ".join(body.by) or source.fact.person,
            getattr(body, "allowed_by", ""),
            body.looked_at or source.fact.at,
            settled,
            source.incarnation,
            source.number,
        ),
    )


def _settle(tx: Tx, source: Source, sku: str, state: str, allowed_by: str = "") -> int:
    """The difference that waits for this SKU, if one does, is done with."""
    return tx.execute(
        "UPDATE stock_count SET state = ?, allowed_by = ?, settled_at = ?"
        " WHERE store = ? AND sku = ? AND state = 'open'",
        (state, allowed_by, source.fact.at, source.store, sku),
    ).rowcount


def _opened(tx: Tx, source: Source, body: f.SheetOpened) -> None:
    tx.execute(
        "INSERT INTO count_sheet (store, id, kind, name, scope, blind, areas, lines, made_by, made_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
        (
            source.store,
            body.sheet,
            body.kind,
            body.name,
            body.scope,
            int(body.blind),
            json.dumps(body.areas, ensure_ascii=False),
            len(body.skus),
            source.fact.person,
            source.fact.at,
        ),
    )
    _say(tx, source, "sheet_opened", sheet=body.name or body.sheet)


def _finished(tx: Tx, source: Source, body: f.AreaFinished) -> None:
    row = tx.execute(
        "SELECT finished FROM count_sheet WHERE store = ? AND id = ?", (source.store, body.sheet)
    ).fetchone()
    if row is None:
        return
    done = [area for area in json.loads(row[0]) if area != body.area]
    if not body.again:
        done.append(body.area)
    tx.execute(
        "UPDATE count_sheet SET finished = ? WHERE store = ? AND id = ?",
        (json.dumps(done, ensure_ascii=False), source.store, body.sheet),
    )


def _close_list(tx: Tx, source: Source, sheet: str) -> None:
    """A list is over when each of its SKUs was counted and no difference waits."""
    if not sheet:
        return
    tx.execute(
        "UPDATE count_sheet SET state = 'closed', closed_at = ?1, closed_by = ?2"
        " WHERE store = ?3 AND id = ?4 AND kind = 'list' AND state = 'open' AND lines <="
        " (SELECT count(DISTINCT sku) FROM stock_count"
        "   WHERE store = ?3 AND sheet = ?4 AND state = 'applied')",
        (source.fact.at, source.fact.person, source.store, sheet),
    )


def _name(tx: Tx, store: str, sheet: str) -> str:
    row = tx.execute("SELECT name FROM count_sheet WHERE store = ? AND id = ?", (store, sheet)).fetchone()
    return str(row[0] or sheet) if row else sheet


def _say(tx: Tx, source: Source, kind: str, **data: object) -> None:
    happened(tx, kind, at=source.now, store=source.store, person=source.fact.person, data=data)
