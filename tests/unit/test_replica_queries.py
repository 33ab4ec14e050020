"""A store with 50,000 SKUs and months of orders answers like an empty one: no question scans a big table."""

from __future__ import annotations

import re

from sync import sqlite
from sync.replica import decisions, log, notices, read, till, timers
from sync.replica.digest import digest
from sync.texts import translator
from sync.wire import decisions as d
from tests.kit_replica import HOUR, Shop

BIG = (
    "assignment",
    "assignment_line",
    "stock",
    "item",
    "gtin",
    "fact",
    "command",
    "goods_return",
    "till_sale",
    "parcel",
    "task",
    "notice",
    "transfer",
    "serial",
    "returnable",
    "shelf",
)


ALIASES = ("a", "l", "s")


def a_day(shop: Shop) -> None:
    """Every kind of work once."""
    shop.stock(TEE_M=(20, 9), JEANS=(6, 3))
    fence = shop.owned([("TEE-M", 2), ("JEANS", 1)])
    wave = shop.ok("start_wave", fences=[fence])
    for code in ("6901234567892", "6901234567892", "JEANS"):
        shop.ok("scan", code=code, wave=wave["wave"])
    shop.do("scan", code="SOCKS", wave=wave["wave"])
    shop.ok("pick_later", fence=shop.owned(), line=1)
    parcel = shop.ok("pack", fence=fence)["parcels"][0]
    shop.ok("scan", code=parcel)
    shop.ok("stage", fence=fence, location="W-1")
    shop.do("hand_over", fence=fence, code="000000")
    shop.ok("hand_over", fence=fence, code="428913", refused=[[2, 1, "size"]])
    shop.ok("put_back", fence=fence, code="JEANS")
    shipment = shop.staged(kind="shipment", code="")
    manifest = shop.ok("open_manifest", courier="SF")["manifest"]
    shop.ok("load", manifest=manifest, fence=shipment)
    shop.ok("ship", manifest=manifest)
    shop.ok("count", sku="TEE-M", found=3)
    shop.ok("receive", code="TEE-M", qty=9, document="T1")
    shop.ok("send_transfer", to="S002", rows=[["TEE-M", 1]])
    shop.ok("adjust", sku="TEE-M", qty=1, reason="torn")
    shop.ok("till_sale", "till", sale="A1", rows=[["TEE-M", 1]], insist=True)
    shop.ok("till_return", "till", sale="A1", sku="TEE-M", qty=1)
    goods = shop.ok("take_return", order="YP-000001", sku="TEE-M", qty=1, reason="x")["return_id"]
    shop.ok("grade", "amy", return_id=goods, qty=1, grade="A", disposition="restock")
    shop.decide(d.Withdrawn("cancelled", "S002"), shop.owned())
    shop.decide(d.CountAsked("TEE-M", "doubt"))
    shop.decide(d.Asked("TEE-M", 1))
    shop.decide(d.TransferAnnounced("T1", "S002", (("TEE-M", 9),)))
    shop.decide(d.VerdictGiven(1, "late", "accepted"), fence)
    till.question(shop.db, "6901234567892", 2)
    read.promised_to(shop.db, "TEE-M")
    read.count_tasks(shop.db, "TEE-M")
    notices.open_notices(shop.db, translator("zh"), shop.now)
    timers.next_due(shop.db)
    shop.now += 72 * HOUR
    with sqlite.writing(shop.db):
        timers.run_due(shop.db, shop.context("node", command="auto:1"))
    log.head(shop.db)


def test_no_question_of_a_working_day_scans_a_table_that_grows() -> None:
    shop = Shop()
    asked: set[str] = set()
    shop.db.set_trace_callback(asked.add)
    a_day(shop)
    shop.db.set_trace_callback(None)
    partial = {  # small by their condition: open tasks, loose units, owned assignments, …
        row[0]
        for row in shop.db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"
        )
    }
    scans = []
    for sql in sorted(asked):
        if not re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)", sql) or sql.endswith("DESC LIMIT 1"):
            continue
        for row in shop.db.execute(f"EXPLAIN QUERY PLAN {sql}"):
            found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row["detail"])
            if found and found[1] in (*BIG, *ALIASES) and found[2] not in partial:
                scans.append((row["detail"], sql[:300]))
    assert len(asked) > 100
    assert scans == []


def test_the_digest_alone_reads_everything_and_stays_below_a_second() -> None:
    shop = Shop()
    rows = tuple((f"SKU-{n:05}", 3, 1) for n in range(50_000))
    for start in range(0, len(rows), 5_000):
        shop.decide(d.StockLoaded(f"d{start}", rows[start : start + 5_000]))
    sums = digest(shop.db)
    assert sum(int(count) for count, _ in sums.values()) == 50_000


def test_catalogue_rows_of_a_removed_item_go_with_their_codes() -> None:
    shop = Shop()
    with sqlite.writing(shop.db):
        decisions.apply_rows(shop.db, "catalogue", [{"key": "JEANS", "body": None}])
    assert shop.count("SELECT count(*) FROM gtin WHERE sku = 'JEANS'") == 0
    assert shop.count("SELECT count(*) FROM item") == 3
