"""A SKU over all stores, and the ledger of one place. The rights always add up, so show all of them."""

from __future__ import annotations

import sqlite3
from typing import Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from server.pages import WebRequest, language_of, page, texts
from server.signin.web import check
from sync.rules.refusals import Why, refuse

SHOWN = 200


def items_now(db: sqlite3.Connection, asked: str) -> list[sqlite3.Row]:
    """Items whose SKU or name holds what was asked, with what the chain has of them."""
    return db.execute(
        "SELECT i.sku, i.name_en, i.name_zh, i.detail_en, i.detail_zh,"
        " COALESCE(SUM(k.on_hand), 0) AS on_hand,"
        " COALESCE(SUM(k.reserved), 0) AS reserved, COALESCE(SUM(k.share), 0) AS share,"
        " COALESCE(SUM(k.pool), 0) AS pool, COALESCE(SUM(k.debt), 0) AS debt"
        " FROM (SELECT * FROM item WHERE :q = '' OR sku LIKE :like OR name_en LIKE :like"
        "       OR name_zh LIKE :like"
        "       ORDER BY sku LIMIT :most) i LEFT JOIN stock k ON k.sku = i.sku GROUP BY i.sku ORDER BY i.sku",
        {"q": asked, "like": f"%{asked}%", "most": SHOWN},
    ).fetchall()


def sku_now(db: sqlite3.Connection, sku: str, region: str) -> dict[str, Any] | None:
    item = db.execute("SELECT * FROM item WHERE sku = ?", (sku,)).fetchone()
    if item is None:
        return None
    return {
        "item": item,
        "gtins": [row[0] for row in db.execute("SELECT gtin FROM gtin WHERE sku = ? ORDER BY gtin", (sku,))],
        "bundles": db.execute(
            "SELECT b.code, b.name_en, b.name_zh, p.qty FROM sellable_part p"
            " JOIN sellable b ON b.code = p.sellable"
            " WHERE p.sku = ? ORDER BY b.code",
            (sku,),
        ).fetchall(),
        "places": db.execute(
            "SELECT k.*, s.name_en, s.name_zh, s.region FROM stock k JOIN store s ON s.code = k.store"
            " WHERE k.sku = ? AND (? = '' OR s.region = ?) ORDER BY k.on_hand DESC, k.store",
            (sku, region, region),
        ).fetchall(),
    }


def ledger_now(db: sqlite3.Connection, store: str, sku: str, before: int) -> dict[str, Any] | None:
    place = db.execute(
        "SELECT s.code, s.name_en, s.name_zh, s.region, s.timezone FROM store s WHERE s.code = ?", (store,)
    ).fetchone()
    item = db.execute("SELECT * FROM item WHERE sku = ?", (sku,)).fetchone()
    if place is None or item is None:
        return None
    rows = db.execute(
        "SELECT g.*, f.kind AS fact_kind FROM stock_ledger g LEFT JOIN fact f ON f.store = g.store"
        " AND f.incarnation = g.incarnation AND f.number = g.number AND g.number > 0"
        " WHERE g.store = ? AND g.sku = ? AND (? = 0 OR g.id < ?) ORDER BY g.id DESC LIMIT ?",
        (store, sku, before, before, SHOWN),
    ).fetchall()
    return {
        "place": place,
        "item": item,
        "now_there": db.execute("SELECT * FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone(),
        "rows": rows,
        "more": rows[-1]["id"] if len(rows) == SHOWN else 0,
        "people": dict(db.execute("SELECT id, name FROM person").fetchall()) if rows else {},
        "orders": dict(
            db.execute(
                "SELECT a.fence, f.order_no FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo"
                f" WHERE a.fence IN ({','.join('?' * len(rows))})",
                [row["fence"] for row in rows],
            ).fetchall()
        )
        if rows
        else {},
    }


@get("/skus")
async def skus_page(request: WebRequest, q: FromQuery[str] = "") -> Response[str]:
    check(request, "stock.view", read=True)
    asked = q.strip()[:80]
    rows = await request.app.state.writer.read(lambda db: items_now(db, asked))
    return page(request, "stock/list.html", items=rows, q=asked, most=SHOWN)


@get("/skus/{sku:str}")
async def sku_page(request: WebRequest, sku: FromPath[str]) -> Response[str]:
    manager = check(request, "stock.view", read=True)
    found = await request.app.state.writer.read(lambda db: sku_now(db, sku, manager.scope_region))
    if found is None:
        raise refuse(Why.UNKNOWN_SKU, sku=sku)
    return page(request, "stock/sku.html", **found)


@get("/skus/{sku:str}/{store:str}")
async def ledger_page(
    request: WebRequest, sku: FromPath[str], store: FromPath[str], before: FromQuery[int] = 0
) -> Response[str]:
    found = await request.app.state.writer.read(lambda db: ledger_now(db, store, sku, before))
    if found is None:
        raise refuse(Why.UNKNOWN_SKU, sku=sku)
    check(request, "stock.view", store=store, region=found["place"]["region"], read=True)
    own = texts(language_of(request))
    return page(
        request,
        "stock/ledger.html",
        **found,
        zone=found["place"]["timezone"],
        why=lambda word: own.say(LEDGER[word]) if word in LEDGER else word.replace("_", " "),
    )


def _(text: str) -> str:
    return text


LEDGER: dict[str, str] = {
    "promise": _("promised to an order"),
    "free": _("promise given up"),
    "broken": _("promise broken: units had left beyond their rights"),
    "lost_rights": _("the store lost its record: counted first"),
    "consume": _("left the store"),
    "rereserve": _("promised again"),
    "grant": _("given to the store's share"),
    "granted": _("given to the store's share"),
    "load": _("stock file"),
    "stock_loaded": _("stock file"),
    "sold": _("sold at the till"),
    "received": _("received"),
    "transfer_sent": _("sent to another store"),
    "counted": _("counted"),
    "adjusted": _("adjusted"),
    "returned": _("came back"),
    "sale_returned": _("came back to the till"),
    "graded": _("graded"),
    "gave": _("share given to the pool"),
    "credited": _("debt was paid twice, credited"),
    "debt_paid": _("debt paid from the pool"),
    "pay_debt": _("debt paid from the pool"),
    "handed_over": _("handed over"),
    "shipped": _("given to the courier"),
    "handover_undone": _("hand-over taken back"),
    "shorted": _("short pick"),
    "suppressed": _("not found: not promised until counted"),
}

HANDLERS = [skus_page, sku_page, ledger_page]
