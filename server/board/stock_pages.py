"""A SKU over all stores, and the ledger of one place. The rights always add up, so show all of them."""

from __future__ import annotations

import sqlite3
from typing import Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from server.board.sku_now import LEDGER_SHOWN, ledger_rows, named_in, sku_now
from server.board.words import state
from server.db import Tx
from server.pages import Texts, WebRequest, language_of, page, texts
from server.signin.web import check
from sync.rules.reasons import REASONS
from sync.rules.refusals import Why, refuse

SHOWN = 200
PLACES_SHOWN = 100


def items_now(db: sqlite3.Connection, asked: str, region: str = "") -> list[sqlite3.Row]:
    """Items whose SKU or name holds what was asked, with what the chain (or a region of it) has of them."""
    return db.execute(
        "SELECT i.sku, i.name_en, i.name_zh, i.detail_en, i.detail_zh,"
        " COALESCE(SUM(k.on_hand), 0) AS on_hand,"
        " COALESCE(SUM(k.reserved), 0) AS reserved, COALESCE(SUM(k.share), 0) AS share,"
        " COALESCE(SUM(k.pool), 0) AS pool, COALESCE(SUM(k.debt), 0) AS debt"
        " FROM (SELECT * FROM item WHERE :q = '' OR sku LIKE :like OR name_en LIKE :like"
        "       OR name_zh LIKE :like"
        "       ORDER BY sku LIMIT :most) i LEFT JOIN stock k ON k.sku = i.sku"
        " AND (:region = '' OR k.store IN (SELECT code FROM store WHERE region = :region))"
        " GROUP BY i.sku ORDER BY i.sku",
        {"q": asked, "like": f"%{asked}%", "most": SHOWN, "region": region},
    ).fetchall()


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
    manager = check(request, "stock.view", read=True)
    asked = q.strip()[:80]
    rows = await request.app.state.writer.read(lambda db: items_now(db, asked, manager.scope_region))
    return page(request, "stock/list.html", items=rows, q=asked, most=SHOWN)


@get("/skus/{sku:str}")
async def sku_page(
    request: WebRequest,
    sku: FromPath[str],
    store: FromQuery[str] = "",
    before: FromQuery[int] = 0,
    all: FromQuery[bool] = False,
) -> Response[str]:
    """A SKU over all stores that the reader may see; `store` and `before` turn the ledger's pages."""
    manager = check(request, "stock.view", read=True)
    now = request.app.state.clock()

    def read(db: Tx) -> dict[str, Any] | None:
        found = sku_now(db, sku, manager.scope_region, now)
        if found is None:
            return None
        codes = [place["code"] for place in found["places"]]
        rows = ledger_rows(db, sku, [store] if store in codes else codes, before)
        spoken = [*rows, *(debt.row for debt in found["debts"])]
        spoken += [one.by for debt in found["debts"] for one in debt.paid]
        names = {row["code"]: row for row in db.execute("SELECT code, name_en, name_zh FROM store")}
        return found | {"rows": rows, "names": names} | named_in(db, spoken)

    found = await request.app.state.writer.read(read)
    if found is None:
        raise refuse(Why.UNKNOWN_SKU, sku=sku)
    own = texts(language_of(request))
    rows, places = found["rows"], found["places"]
    return page(
        request,
        "stock/sku.html",
        **found,
        store=store,
        before=before,
        shown=places if all else places[:PLACES_SHOWN],
        more=rows[-1]["id"] if len(rows) == LEDGER_SHOWN else 0,
        zones={place["code"]: place["timezone"] for place in places},
        why=lambda word: ledger_word(word, own),
        noted=lambda note: note_words(note, own),
        state=lambda word: state(word, own),
    )


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
        why=lambda word: ledger_word(word, own),
        noted=lambda note: note_words(note, own),
    )


def _(text: str) -> str:
    return text


LEDGER: dict[str, str] = {
    "promise": _("promised to an order"),
    "free": _("promise given up"),
    "broken": _("promise broken: units had left beyond their rights"),
    "lost_rights": _("the store lost its record: counted first"),
    "consume": _("left the store"),
    "released": _("left the store"),
    "put_back": _("put back on the shelf"),
    "picked": _("picked"),
    "declined": _("declined"),
    "withdrawal_taken": _("withdrawal taken note of"),
    "hold_expired": _("pickup hold ended"),
    "debt": _("a debt was looked at again"),
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
    "sale_voided": _("sale taken back at the till"),
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


def ledger_word(word: str, own: Texts) -> str:
    """Why stock moved, in words."""
    return own.say(LEDGER[word]) if word in LEDGER else word.replace("_", " ")


NOTES: dict[str, str] = {
    "broken": _("broken or stained"),
    "stolen": _("stolen"),
    "expired": _("too old to sell"),
    "display": _("used for display"),
    "lost": _("cannot be found anywhere"),
}
"""Why a store took goods out of sale."""


def note_words(note: str, own: Texts) -> str:
    """A movement's note: a reason or a kind in words, a paper's number as it is."""
    if note in NOTES:
        return own.say(NOTES[note])
    if note in REASONS:
        return own.translate(REASONS[note].text)
    return ledger_word(note, own) if note in LEDGER else note


HANDLERS = [skus_page, sku_page, ledger_page]
