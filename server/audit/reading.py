"""What the auditor has read so far: logs, ledgers and the sums they make."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.audit.arithmetic import Book, of_decision, of_fact
from server.audit.logs import Chain, Entry, StoreSide, reads
from server.audit.verdict import Audit

LEDGER_COLUMNS = ("on_hand", "reserved", "share", "pool", "debt", "damaged", "hold")
RELEASES = ("handed_over", "shipped", "handover_undone")
Place = tuple[str, str]
"""Store and SKU."""


def read_only(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{path}?mode=ro", uri=True, check_same_thread=False, timeout=10.0, isolation_level=None
    )


class Reading:
    def __init__(
        self,
        centre: Path | str | sqlite3.Connection,
        stores: Mapping[str, Path | str | sqlite3.Connection],
    ) -> None:
        self._opened: list[sqlite3.Connection] = []
        self.centre = self._open(centre)
        self.stores = {code: StoreSide(code, self._open(path)) for code, path in stores.items()}
        self.changed: list[StoreSide] = []
        self.first = True
        self.fact_logs: dict[Place, Chain] = defaultdict(Chain)
        """Per store and incarnation."""
        self.decision_logs: dict[str, Chain] = defaultdict(Chain)
        self.books: dict[str, Book] = defaultdict(Book)
        self.ledger: dict[Place, list[int]] = {}
        self.released: dict[tuple[str, int, str], int] = defaultdict(int)
        """Units that left, per order, order line and SKU, over all stores."""
        self.line_released: dict[tuple[int, int], int] = defaultdict(int)
        """The same per assignment and line."""
        self.newly_released: set[tuple[int, int]] = set()
        self.parked: dict[tuple[str, str, int], tuple[str, int, dict[str, Any]]] = {}
        self._fact_row = self._decision_row = self._ledger_row = 0
        self._line_at: dict[tuple[int, int], tuple[str, str, int, int]] = {}

    def _open(self, place: Path | str | sqlite3.Connection) -> sqlite3.Connection:
        if isinstance(place, sqlite3.Connection):
            return place
        db = read_only(place)
        self._opened.append(db)
        return db

    def close(self) -> None:
        for db in self._opened:
            db.close()
        self._opened = []

    @contextmanager
    def one_moment(self, *, everything: bool) -> Iterator[None]:
        """Each database is read as of one moment; the stores' moments come before the centre's.

        Unless `everything` is asked for, stores that have not written since the last look are passed over.
        """
        self.changed = [
            side for side in self.stores.values() if side.has_changed() or side.ahead or everything
        ]
        begun = [db for db in (*(s.db for s in self.changed), self.centre) if not db.in_transaction]
        for db in begun:
            db.execute("BEGIN")
        try:
            yield
        finally:
            for db in begun:
                db.execute("COMMIT")

    # -- stores -----------------------------------------------------------------------------

    def read_stores(self, found: Audit) -> None:
        for side in self.changed:
            side.incarnation = side.meta("incarnation")
            for fact in side.new_facts():
                self._store_fact(found, side, fact)
            for sentence in side.facts.complain():
                found.against("exactly_once", sentence)

    def _store_fact(self, found: Audit, side: StoreSide, fact: Entry) -> None:
        if fact.kind == "sold" and fact.body.get("sale"):
            sale = f"{fact.body['sale']} {fact.body.get('sku')}"
            if sale in side.sales:
                found.against(
                    "exactly_once",
                    f"store {side.code}: till sale {sale} is booked by {side.sales[sale]} and {fact.number}",
                )
            side.sales[sale] = fact.number
        try:
            for effect in of_fact(fact.kind, fact.body, lambda line: side.line_sku(fact.fence, line)):
                side.book.add(effect)
        except (KeyError, TypeError, ValueError):
            pass  # a body that nobody can read; the centre has to have parked it

    # -- the centre -------------------------------------------------------------------------

    def read_centre(self, found: Audit) -> set[Place]:
        """Reads on; the places whose stock somebody wrote about since the last look."""
        self._new_facts(found)
        self._new_decisions(found)
        touched = {(store, sku) for store, book in self.books.items() for sku in book.moved}
        for book in self.books.values():
            book.moved.clear()
        (top,) = self.centre.execute("SELECT COALESCE(MAX(id), 0) FROM stock_ledger").fetchone()
        sums = ", ".join(f"SUM({column})" for column in LEDGER_COLUMNS)
        for store, sku, *units in self.centre.execute(
            f"SELECT store, sku, {sums} FROM stock_ledger WHERE id > ? AND id <= ? GROUP BY store, sku",
            (self._ledger_row, top),
        ):
            known = self.ledger.setdefault((store, sku), [0] * len(LEDGER_COLUMNS))
            for column, difference in enumerate(units):
                known[column] += difference
            touched.add((store, sku))
        self._ledger_row = top
        return touched

    def _new_facts(self, found: Audit) -> None:
        for row in self.centre.execute(
            "SELECT rowid, store, incarnation, number, kind, fence, verdict, chain, raw FROM fact"
            " WHERE rowid > ? ORDER BY rowid",
            (self._fact_row,),
        ).fetchall():
            self._fact_row, store, incarnation, number, kind, fence, verdict, chain, raw = row
            log = self.fact_logs[store, incarnation]
            log.take(f"centre, facts of {store}/{incarnation}", number, chain, bytes(raw))
            _, body = reads(bytes(raw))
            if verdict == "parked":
                self.parked[store, incarnation, number] = (kind, fence, body)
            else:
                self._count_fact(found, store, kind, fence, body)
            for sentence in log.complain():
                found.against("exactly_once", sentence)
        for (store, incarnation, number), (kind, fence, body) in list(self.parked.items()):
            (verdict,) = self.centre.execute(
                "SELECT verdict FROM fact WHERE store = ? AND incarnation = ? AND number = ?",
                (store, incarnation, number),
            ).fetchone()
            if verdict != "parked":
                del self.parked[store, incarnation, number]
                self._count_fact(found, store, kind, fence, body)

    def _count_fact(self, found: Audit, store: str, kind: str, fence: int, body: dict[str, Any]) -> None:
        try:
            for effect in of_fact(kind, body, lambda line: self.line(fence, line)[1]):
                self.books[store].add(effect)
            if kind in RELEASES:
                sign = -1 if kind == "handover_undone" else 1
                for line, qty in body["lines"]:
                    order, sku, order_line, _ = self.line(fence, line)
                    self.released[order, order_line, sku] += sign * qty
                    self.line_released[fence, line] += sign * qty
                    self.newly_released.add((fence, line))
        except (KeyError, TypeError, ValueError):
            found.against("no_blockage", f"store {store}: a {kind} that nobody can read was not parked")

    def _new_decisions(self, found: Audit) -> None:
        for row in self.centre.execute(
            "SELECT rowid, store, number, kind, chain, raw FROM decision WHERE rowid > ? ORDER BY rowid",
            (self._decision_row,),
        ).fetchall():
            self._decision_row, store, number, kind, chain, raw = row
            log = self.decision_logs[store]
            log.take(f"centre, decisions for {store}", number, chain, bytes(raw))
            for sentence in log.complain():
                found.against("exactly_once", sentence)
            if kind in ("granted", "debt_paid", "stock_loaded"):
                _, body = reads(bytes(raw))
                for effect in of_decision(kind, body):
                    self.books[store].add(effect)
                if store in self.stores:
                    self.stores[store].ahead.append((number, kind, body))

    def line(self, fence: int, line: int) -> tuple[str, str, int, int]:
        """Order, SKU, order line and quantity of one line of an assignment."""
        known = self._line_at.get((fence, line))
        if known is None:
            row = self.centre.execute(
                "SELECT f.order_no, l.sku, COALESCE(fl.order_line, 0), l.qty"
                " FROM assignment_line l JOIN assignment a ON a.fence = l.fence"
                " JOIN fulfilment_order f ON f.fo = a.fo"
                " LEFT JOIN fulfilment_line fl ON fl.fo = a.fo AND fl.line = l.line"
                " WHERE l.fence = ? AND l.line = ?",
                (fence, line),
            ).fetchone()
            if row is None:
                return "", f"?{fence}/{line}", 0, 0
            known = self._line_at[fence, line] = (row[0], row[1], row[2], row[3])
        return known

    def adds_up_from_zero(self, store: str) -> bool:
        """Whether the whole history of this store's stock can be read.

        A second incarnation has a snapshot for a beginning, and old decisions are forgotten after a while.
        """
        (replicas,) = self.centre.execute("SELECT COUNT(*) FROM replica WHERE store = ?", (store,)).fetchone()
        logs = [log for (code, _), log in self.fact_logs.items() if code == store]
        if store in self.stores:
            logs.append(self.stores[store].facts)
        if store in self.decision_logs:
            logs.append(self.decision_logs[store])
        return replicas <= 1 and all(log.whole for log in logs)
