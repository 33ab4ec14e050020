"""What lies here and whose it is; and the pages that change it."""

from __future__ import annotations

from typing import Any

from pwa import work
from pwa.counting import views as counting
from pwa.desk import Desk, Gone, View
from pwa.stock import why
from pwa.stock.find import search
from sync.replica import read
from sync.rules.states import State
from sync.texts import N_

ADJUST_REASONS = (
    ("broken", N_("Broken or stained")),
    ("stolen", N_("Stolen")),
    ("expired", N_("Too old to sell")),
    ("display", N_("Used for display")),
    ("lost", N_("Cannot be found anywhere")),
)


def lookup(desk: Desk, query: str) -> View:
    return View(
        "stock/lookup.html",
        desk.t("Stock"),
        f"/stock?q={query}" if query else "/stock",
        {"query": query, "found": search(desk, query) if query else []},
        back="/more",
    )


def item(desk: Desk, sku: str) -> View:
    row = desk.row("SELECT * FROM item WHERE sku = ?", sku)
    if row is None:
        raise Gone("{sku} is not in the catalogue.", "/stock", sku=sku)
    shelf = read.shelf(desk.db, sku)
    return View(
        "stock/item.html",
        desk.t.name(row),
        f"/stock/{sku}",
        {
            "item": row,
            "s": shelf,
            "place": read.shelf_place(desk.db, sku),
            # What is to be put back is promised to nobody here, and the centre keeps it reserved until it is.
            "pool": max(shelf.on_hand + shelf.debt - shelf.share - shelf.promised - shelf.stranded, 0),
            "promised_to": [
                {
                    "fence": one.fence,
                    "order": one.order,
                    "kind": one.kind,
                    "shopper": one.shopper,
                    "units": one.units,
                    "stage": desk.t(read.STATE_TEXTS[State(one.state)]),
                }
                for one in read.promised_to(desk.db, sku)
            ],
            "hidden": why.hidden(desk, sku) if shelf.suppressed else "",
            "to_grade": why.to_grade(desk, sku) if shelf.hold else "",
            "coming": why.on_the_way(desk, sku),
            "moved": why.movements(desk, sku),
            "gtins": [g["gtin"] for g in desk.rows("SELECT gtin FROM gtin WHERE sku = ? ORDER BY gtin", sku)],
            "tasks": read.count_tasks(desk.db, sku),
            "other": row["name_en"] if desk.t.language == "zh" else row["name_zh"],
        },
        back="/stock",
    )


def goods(desk: Desk, sku: str) -> dict[str, Any]:
    """Name, place and codes of the goods that a page works on."""
    row = desk.row("SELECT * FROM item WHERE sku = ?", sku)
    if row is None:
        raise Gone("{sku} is not in the catalogue.", "/stock", sku=sku)
    other = row["name_en"] if desk.t.language == "zh" else row["name_zh"]
    return {
        "sku": sku,
        "name": desk.t.name(row),
        "detail": desk.t.name(row, "detail"),
        "other": other if other != desk.t.name(row) else "",
        "place": read.shelf_place(desk.db, sku),
        "codes": [sku, *(g["gtin"] for g in desk.rows("SELECT gtin FROM gtin WHERE sku = ?", sku))],
    }


def counter_task(desk: Desk, codes: list[str]) -> dict[str, Any]:
    """A scan adds one to the number on the page; nothing is sent before the person says so."""
    t = desk.t
    return {
        "adds": "qty",
        "lines": [{"key": "qty", "codes": codes, "have": 0, "want": 1_000_000, "tote": "", "here": True}],
        "say": {
            "more": t("One more."),
            "last": t("One more."),
            "again": t("One more."),
            "wrong": t("Other goods. Finish these first, or go back."),
        },
    }


def counts(desk: Desk) -> View:
    tasks = desk.rows(
        "SELECT t.id, t.sku, t.reason, t.not_by, t.made_at, coalesce(i.name_en, t.sku) AS name_en,"
        " coalesce(i.name_zh, '') AS name_zh, coalesce(s.location, '') AS location FROM task t"
        " LEFT JOIN item i ON i.sku = t.sku LEFT JOIN shelf s ON s.sku = t.sku"
        " WHERE t.state = 'open' AND t.kind = 'count' AND (t.sheet = '' OR t.reason = 'recount')"
        " ORDER BY t.made_at, length(t.id), t.id LIMIT 200"
    )
    return View(
        "stock/counts.html",
        desk.t("Count"),
        "/count",
        {
            "tasks": tasks,
            "sheets": counting.open_sheets(desk),
            "waiting": counting.waiting(desk),
            "may_open": counting.may(desk, "stock.ask_count"),
            "names": work.people_names(desk),
            "query": desk.args.get("q", ""),
            "found": search(desk, desk.args.get("q", "")),
        },
        back="/more",
    )


def count(desk: Desk, sku: str, task: str = "") -> View:
    wares = goods(desk, sku)
    tasks = read.count_tasks(desk.db, sku)
    mine = next((row for row in tasks if row["id"] == task), tasks[0] if tasks else None)
    names = work.people_names(desk)
    of = desk.row("SELECT id, blind FROM count_sheet WHERE id = ?", mine["sheet"]) if mine else None
    blind = bool(of["blind"]) if of else read.policy(desk.db, "count_blind", "yes") != "no"
    shelf = read.shelf(desk.db, sku)
    return View(
        "stock/count.html",
        desk.t("Count"),
        f"/count/{sku}",
        {
            "g": wares,
            "task": counter_task(desk, wares["codes"]),
            "directed": mine,
            "not_by": names.get(mine["not_by"], mine["not_by"]) if mine else "",
            "mine": bool(mine and mine["not_by"] == desk.who.person),
            "sheet": of["id"] if of else "",
            "there": None if blind else shelf.there,
            "loose": shelf.loose,
        },
        back=f"/counts/{of['id']}" if of else "/count",
    )


def receive(desk: Desk, sku: str = "", document: str = "") -> View:
    rows = desk.rows(
        "SELECT code, other, sum(qty) AS qty, sum(received) AS received, max(at) AS at FROM transfer"
        " WHERE direction = 'in' GROUP BY code, other HAVING sum(received) < sum(qty) ORDER BY at LIMIT 50"
    )
    wares = goods(desk, sku) if sku else None
    document = document or desk.args.get("document", "")
    expected = (
        desk.rows(
            "SELECT t.sku, t.qty, t.received, coalesce(i.name_en, t.sku) AS name_en,"
            " coalesce(i.name_zh, '') AS name_zh"
            " FROM transfer t LEFT JOIN item i ON i.sku = t.sku WHERE t.code = ? AND t.direction ="
            " 'in' ORDER BY t.sku",
            document,
        )
        if document
        else []
    )
    return View(
        "stock/receive.html",
        desk.t("Receive"),
        f"/receive?document={document}" if document else "/receive",
        {
            "transfers": rows,
            "document": document,
            "expected": expected,
            "g": wares,
            "task": counter_task(desk, wares["codes"]) if wares else None,
            "query": desk.args.get("q", ""),
            "found": search(desk, desk.args.get("q", "")),
        },
        back="/receive" if wares or document else "/more",
    )


def transfer(desk: Desk, rows: list[tuple[str, int]], to: str) -> View:
    stores = desk.rows(
        "SELECT code, name_en, name_zh FROM store WHERE code <> ? ORDER BY code LIMIT 2000", desk.store
    )
    return View(
        "stock/transfer.html",
        desk.t("Send to another store"),
        "/transfer",
        {
            "rows": [
                {
                    "sku": sku,
                    "qty": qty,
                    "name": work.item_name(desk, sku),
                    "there": read.shelf(desk.db, sku).there,
                }
                for sku, qty in rows
            ],
            "to": to,
            "stores": stores,
        },
        back="/more",
    )


def adjust(desk: Desk, sku: str = "") -> View:
    wares = goods(desk, sku) if sku else None
    leads = desk.rows(
        "SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' AND id <> ? ORDER BY name",
        desk.who.person,
    )
    return View(
        "stock/adjust.html",
        desk.t("Take out of sale"),
        f"/adjust?sku={sku}" if sku else "/adjust",
        {
            "g": wares,
            "there": read.shelf(desk.db, sku).there if sku else 0,
            "task": counter_task(desk, wares["codes"]) if wares else None,
            "reasons": ADJUST_REASONS,
            "leads": leads if desk.who.role != "store_lead" else [],
            "query": desk.args.get("q", ""),
            "found": search(desk, desk.args.get("q", "")),
        },
        back="/adjust" if sku else "/more",
    )
