"""Stock uploads: opening stock, deliveries and corrections by HQ, for one store or many.

On the wire a load is always differences (`stock_loaded`), so that it can be applied before or after
facts the centre has not seen. A file of absolute figures is turned into differences against what
the centre knows: right for an opening stock and for a store at rest; elsewhere a count is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from server.db import Tx
from server.link.decide import decide
from server.loading.cells import code, text, whole
from server.loading.rows import BadRow, Loaded, Row, Rows, each
from server.routing.map import on_share, on_stock
from server.stock import book
from server.stock.cause import Cause
from sync.rules.stock import Move, half_target, split_gain
from sync.texts import N_
from sync.wire import decisions as d

ROWS_OF_A_DECISION = 500
_MOST = 10_000_000


def load_stock(
    tx: Tx,
    rows: Rows | Iterable[Row],
    *,
    document: str,
    now: int,
    store: str = "",
    absolute: bool = False,
    person: str = "",
) -> Loaded:
    """Columns: store (unless given), sku, qty. A row of a document is booked once."""
    stores = {row[0] for row in tx.execute("SELECT code FROM store")}
    skus = {row[0] for row in tx.execute("SELECT sku FROM item")}
    wanted: dict[str, dict[str, int]] = {}

    def take(row: Row) -> None:
        place = store or code(row, "store")
        sku = code(row, "sku")
        qty = whole(row, "qty", least=0 if absolute else -_MOST, most=_MOST)
        text(row, "note", "")
        if place not in stores:
            raise BadRow(N_("There is no store {store}."), store=place)
        if sku not in skus:
            raise BadRow(N_("{sku} is not in the catalogue."), sku=sku)
        mine = wanted.setdefault(place, {})
        if absolute and sku in mine:
            raise BadRow(N_("{sku} is in this file twice."), sku=sku)
        mine[sku] = mine.get(sku, 0) + qty

    loaded = each(rows, take)
    repeated = [
        place
        for place, of in wanted.items()
        if not load(tx, place, list(of.items()), document, now, absolute=absolute, person=person)
    ]
    return Loaded(loaded.good, loaded.errors, repeated=bool(repeated))


def load(
    tx: Tx,
    store: str,
    rows: list[tuple[str, int]],
    document: str,
    now: int,
    *,
    absolute: bool = False,
    person: str = "",
) -> bool:
    """Book one document's rows at one store. False: all of it was booked here before.

    A row is booked once per document. So a file with a bad line can be mended and sent again whole: the
    lines that took the first time are left alone, the mended one is booked.
    """
    if document and not _first_time(tx, store, document, now):
        rows = [(sku, qty) for sku, qty in rows if not _booked(tx, store, sku, document)]
        if not rows:
            return False
    old = {
        row["sku"]: row
        for row in tx.execute(
            "SELECT sku, on_hand, reserved, share, pool, debt, suppressed FROM stock WHERE store = ?",
            (store,),
        )
    }
    told: list[tuple[str, int, int]] = []
    quick: list[tuple[int, int, int, str, str]] = []
    ledger: list[tuple[str, str, int, str, int, int, int, str, str]] = []
    losses: list[tuple[str, int]] = []
    seen: set[str] = set()
    for sku, qty in rows:
        assert sku not in seen, f"{sku} twice in one load"
        seen.add(sku)
        row = old.get(sku)
        on_hand, reserved, share, debt = (
            (row["on_hand"], row["reserved"], row["share"], row["debt"]) if row else (0, 0, 0, 0)
        )
        more = qty - on_hand if absolute else qty
        if more == 0:
            continue
        if more < 0 or debt:
            losses.append((sku, more))
            continue
        target = half_target(on_hand + more - reserved)
        own = split_gain(more, share=share, debt=0, target=target).share
        quick.append((more, own, more - own, store, sku))
        ledger.append((store, sku, now, "stock_loaded", more, own, more - own, person, document))
        told.append((sku, more, own))
    # Gains without debt, the whole of an opening stock, in three statements instead of five a row.
    tx.executemany(
        "INSERT INTO stock (store, sku) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(store, sku) for *_, sku in quick],
    )
    tx.executemany(
        "UPDATE stock SET on_hand = on_hand + ?, share = share + ?, pool = pool + ?"
        " WHERE store = ? AND sku = ?",
        quick,
    )
    tx.executemany(
        "INSERT INTO stock_ledger (store, sku, at, reason, on_hand, share, pool, person, note)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        ledger,
    )
    for _, own, to_pool, _, sku in quick:
        row = old.get(sku)
        if own:
            on_share(tx, store, sku, own + (row["share"] if row else 0))
        if to_pool:
            on_stock(tx, store, sku, to_pool + (row["pool"] if row else 0), bool(row and row["suppressed"]))
    cause = Cause("stock_loaded", now, person=person, note=document)
    for sku, more in losses:
        # HQ cannot take from a share that the store may have sold already: the pool gives, the rest is debt.
        told.append((sku, more, 0))
        book.apply_moves(tx, store, [Move(sku, on_hand=more)], cause)
    for at in range(0, len(told), ROWS_OF_A_DECISION):
        part = tuple(told[at : at + ROWS_OF_A_DECISION])
        decide(tx, store, d.StockLoaded(document, part), at=now)
    if told:
        tx.touched.update((f"stock:{store}", "board"))
    return True


def _booked(tx: Tx, store: str, sku: str, document: str) -> bool:
    return (
        tx.execute(
            "SELECT 1 FROM stock_ledger WHERE store = ? AND sku = ? AND reason = 'stock_loaded' AND note = ?",
            (store, sku, document),
        ).fetchone()
        is not None
    )


def _first_time(tx: Tx, store: str, document: str, now: int) -> bool:
    cursor = tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (f"document:{store}:{document}", json.dumps({"at": now})),
    )
    return cursor.rowcount == 1
