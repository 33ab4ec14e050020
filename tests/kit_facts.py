"""A small centre for tests of stock, facts and loading: three stores, four items, real SQLite."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

from server import schema
from server.catalogue.load import load_items, load_sellables
from server.db import Tx
from server.facts.verdict import Verdict
from server.people.load import load_channels
from server.stock.load import load
from server.stores.load import load_regions, load_stores
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.chain import EMPTY, next_chain

NOW = 1_790_000_000_000
EVERY_DAY: dict[str, Any] = {}


@dataclass
class Centre:
    tx: Tx
    now: int = NOW
    incarnation: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, itertools.count[int]] = field(default_factory=dict)
    chains: dict[str, str] = field(default_factory=dict)

    def report(
        self,
        store: str,
        body: f.Body | str,
        *,
        fence: int = 0,
        person: str = "lin",
        raw_body: bytes | None = None,
        seen: int | None = None,
    ) -> Verdict:
        """A fact arrives from a store's own node, as the link would hand it over and keep it."""
        incarnation = self.incarnation.setdefault(store, f"{store}-i1")
        number = next(self.numbers.setdefault(incarnation, itertools.count(1)))
        kind = body if isinstance(body, str) else f.NAMES[type(body)]
        content = raw_body if raw_body is not None else msgspec.json.encode(body if body != kind else {})
        fact = f.Fact(
            kind=kind,
            command=f"cmd-{store}-{number}",
            person=person,
            device="pda-1",
            at=self.now,
            seen=self.tx.execute(
                "SELECT coalesce(max(number), 0) FROM decision WHERE store = ?", (store,)
            ).fetchone()[0]
            if seen is None
            else seen,
            fence=fence,
            body=msgspec.Raw(content),
        )
        raw = msgspec.json.encode(fact)
        from server.facts.apply import apply_fact

        self.tx.execute("SAVEPOINT fact")
        verdict = apply_fact(self.tx, store, incarnation, number, fact, now=self.now)
        self.tx.execute("RELEASE fact")
        chain = self.chains[incarnation] = next_chain(self.chains.get(incarnation, EMPTY), raw)
        self.tx.execute(
            "INSERT INTO fact (store, incarnation, number, kind, fence, person, device, command, occurred_at,"
            " received_at, verdict, note, chain, raw) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                store, incarnation, number, kind, fence, person, "pda-1", fact.command, fact.at, self.now,
                verdict.name, verdict.note, chain, raw,
            ),
        )  # fmt: skip
        if self.tx.execute("SELECT 1 FROM store WHERE code = ?", (store,)).fetchone():
            self.tx.execute(
                "INSERT INTO replica (store, incarnation, opened_at, applied, chain) VALUES (?,?,?,?,?)"
                " ON CONFLICT (store, incarnation) DO UPDATE SET applied = excluded.applied,"
                " chain = excluded.chain",
                (store, incarnation, self.now, number, chain),
            )
        return verdict

    def stock(self, store: str, sku: str) -> dict[str, int]:
        row = self.tx.execute("SELECT * FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
        found = {key: row[key] for key in row.keys() if key not in ("store", "sku")}  # noqa: SIM118
        assert found["on_hand"] + found["debt"] == found["reserved"] + found["share"] + found["pool"]
        assert min(found["reserved"], found["share"], found["pool"]) >= 0
        return found

    def rights(self, store: str, sku: str) -> tuple[int, int, int, int, int]:
        """(on_hand, reserved, share, pool, debt)"""
        row = self.stock(store, sku)
        return row["on_hand"], row["reserved"], row["share"], row["pool"], row["debt"]

    def decisions(self, store: str) -> list[d.Body]:
        found = []
        for (raw,) in self.tx.execute("SELECT raw FROM decision WHERE store = ? ORDER BY number", (store,)):
            body = d.body_of(msgspec.json.decode(raw, type=d.Decision))
            assert body is not None
            found.append(body)
        return found

    def cases(self, kind: str = "") -> list[dict[str, Any]]:
        return [
            dict(row)
            for row in self.tx.execute(
                "SELECT * FROM open_case WHERE (?1 = '' OR kind = ?1) ORDER BY id", (kind,)
            )
        ]

    def ledger_adds_up(self) -> bool:
        """The ledger, added up from nothing, is the stock."""
        columns = ("on_hand", "reserved", "share", "pool", "debt", "damaged", "hold")
        sums = ", ".join(f"sum({column})" for column in columns)
        added = {
            (row[0], row[1]): tuple(row[2:])
            for row in self.tx.execute(f"SELECT store, sku, {sums} FROM stock_ledger GROUP BY store, sku")
        }
        there = {
            (row[0], row[1]): tuple(row[2:])
            for row in self.tx.execute(f"SELECT store, sku, {', '.join(columns)} FROM stock")
        }
        nothing = (0,) * len(columns)
        return all(added.get(key, nothing) == row for key, row in there.items()) and set(added) <= set(there)


def centre(stock: dict[tuple[str, str], int] | None = None) -> Centre:
    """Stores S001 to S003 in one region, items TEE, CAP, SOCK, COAT, bundle SET = TEE + 2 CAP."""
    tx = schema.fresh()
    tx.execute("BEGIN")
    dice = random.Random(7).randbytes
    assert not load_regions(tx, [{"code": "R1", "name_en": "North", "name_zh": "北区"}]).errors
    stores = [
        {"code": f"S00{n}", "name_en": f"Store {n}", "name_zh": f"{n}号店", "region": "R1",
         "lat": 31 + n / 10, "lon": 121.4, "timezone": "Asia/Shanghai"}
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert not load_stores(tx, stores).errors
    items = [{"sku": sku, "name_en": sku.title(), "name_zh": sku} for sku in ("TEE", "CAP", "SOCK", "COAT")]
    assert not load_items(tx, items, now=NOW).errors
    assert not load_sellables(tx, [{"code": "SET", "name_en": "Set", "parts": "TEE CAP*2"}]).errors
    assert not load_channels(tx, [{"code": "web", "name": "Web", "key": "k" * 26}]).errors
    made = Centre(tx)
    by_store: dict[str, list[tuple[str, int]]] = {}
    for (store, sku), qty in (stock or {}).items():
        by_store.setdefault(store, []).append((sku, qty))
    for store, rows in by_store.items():
        assert load(tx, store, rows, "OPENING", NOW)
    assert dice(1)
    return made


def offer(
    made: Centre, store: str, fence: int, rows: list[tuple[str, int]], *, kind: str = "shipment"
) -> None:
    """An order with one open offer, written by hand: these tests are about stock, not about routing."""
    from server.stock import book

    tx, no = made.tx, f"YP-{fence:06d}"
    tx.execute(
        "INSERT INTO shop_order (no, channel, external_id, kind, placed_at) VALUES (?,?,?,?,?)",
        (no, "web", no, kind, made.now),
    )
    fo = f"{no}-1"
    tx.execute(
        "INSERT INTO fulfilment_order (fo, order_no, state, fence, store, attempts, made_at)"
        " VALUES (?,?,'offered',?,?,1,?)",
        (fo, no, fence, store, made.now),
    )
    tx.execute(
        "INSERT INTO assignment (fence, fo, store, offered_at, accept_by) VALUES (?,?,?,?,?)",
        (fence, fo, store, made.now, made.now + 1_800_000),
    )
    assert book.promise(tx, store, rows, fence=fence, now=made.now)
    for line, (sku, qty) in enumerate(rows, start=1):
        tx.execute(
            "INSERT INTO shop_order_line (order_no, line, sellable, qty) VALUES (?,?,?,?)",
            (no, line, sku, qty),
        )
        tx.execute(
            "INSERT INTO fulfilment_line (fo, line, order_line, sku, qty) VALUES (?,?,?,?,?)",
            (fo, line, line, sku, qty),
        )
        tx.execute(
            "INSERT INTO assignment_line (fence, line, sku, qty, reserved) VALUES (?,?,?,?,?)",
            (fence, line, sku, qty, qty),
        )
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('fence', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), ?)",
        (str(fence), fence),
    )
