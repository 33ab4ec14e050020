"""What is being counted, how far it is, and what differs."""

from __future__ import annotations

from typing import Any

from pwa import work
from pwa.desk import Desk, Gone, View
from pwa.stock.find import search
from sync.replica import counting, read
from sync.rules.counting import REVIEW_UNITS, REVIEW_VALUE_FEN, needs_second_look
from sync.rules.permissions import grant, needs_second

SHOWN = 100
UNSEEN_SHOWN = 30
MOST = 1_000_000


def open_sheets(desk: Desk) -> list[dict[str, Any]]:
    """Counts that go on, the newest last, with how far they are."""
    rows = desk.rows(
        "SELECT s.*, (SELECT count(*) FROM task t WHERE t.sheet = s.id AND t.state = 'open') AS open,"
        " (SELECT count(*) FROM task t WHERE t.sheet = s.id) AS lines,"
        " (SELECT count(*) FROM count_area a WHERE a.sheet = s.id) AS areas,"
        " (SELECT count(*) FROM count_area a WHERE a.sheet = s.id AND a.finished) AS finished"
        " FROM count_sheet s WHERE s.state = 'open' ORDER BY s.made_at, s.id LIMIT ?",
        SHOWN,
    )
    return [dict(row) | {"title": title(desk, row["kind"], row["name"])} for row in rows]


def waiting(desk: Desk) -> int:
    return int(desk.value("SELECT count(*) FROM variance WHERE state = 'open'"))


def title(desk: Desk, kind: str, name: str) -> str:
    return name or (desk.t("Full count") if kind == "full" else desk.t("Count by list"))


def may(desk: Desk, permission: str) -> bool:
    given = grant(desk.who.role, permission)
    return given is not None and given.level in ("full", "second")


def new(desk: Desk) -> View:
    floor, back = desk.t("Shop floor"), desk.t("Back room")
    return View(
        "counting/new.html",
        desk.t("New count"),
        "/counts/new",
        {
            "may": may(desk, "stock.ask_count"),
            "areas": desk.args.get("areas") or f"{floor}\n{back}",
            "blind": read.policy(desk.db, "count_blind", "yes") != "no",
        },
        back="/count",
    )


def sheet(desk: Desk, wanted: str) -> View:
    at = _sheet(desk, wanted)
    data: dict[str, Any] = {"s": at, "may": may(desk, "stock.ask_count"), "names": work.people_names(desk)}
    if at.kind == "full":
        over = at.state == "open" and not at.open_areas
        nowhere = counting.unseen(desk.db, at) if over else {}
        data |= {"areas": list(at.areas.values()), "over": over, "unseen": _lines(desk, nowhere)}
        data |= {"unseen_skus": len(nowhere), "unseen_units": sum(nowhere.values())}
    else:
        data["tasks"] = desk.rows(
            "SELECT t.id, t.sku, t.state, t.not_by, coalesce(i.name_en, t.sku) AS name_en,"
            " coalesce(i.name_zh, '') AS name_zh, coalesce(s.location, '') AS location FROM task t"
            " LEFT JOIN item i ON i.sku = t.sku LEFT JOIN shelf s ON s.sku = t.sku"
            " WHERE t.sheet = ? ORDER BY t.state = 'done', s.location, t.sku LIMIT 400",
            at.id,
        )
    data["waiting"] = desk.value("SELECT count(*) FROM variance WHERE sheet = ? AND state = 'open'", at.id)
    name = "counting/full.html" if at.kind == "full" else "counting/list.html"
    return View(name, title(desk, at.kind, at.name), f"/counts/{at.id}", data, back="/count")


def area(desk: Desk, wanted: str, number: int, sku: str = "", qty: int = 0) -> View:
    """Where somebody counts: what the scanner said last is on the page, what was entered is below."""
    at = _sheet(desk, wanted)
    here = next((one for one in at.areas.values() if one.number == number), None)
    if here is None:
        raise Gone("This area is not part of the count.", f"/counts/{at.id}")
    entered = desk.rows(
        "SELECT e.sku, e.found, e.person, e.at, coalesce(i.name_en, e.sku) AS name_en,"
        " coalesce(i.name_zh, '') AS name_zh FROM count_entry e LEFT JOIN item i ON i.sku = e.sku"
        " WHERE e.sheet = ? AND e.area = ? AND e.void = 0 ORDER BY e.position DESC, e.command DESC LIMIT ?",
        at.id,
        here.area,
        SHOWN,
    )
    wares = goods(desk, sku) if sku and not here.finished else None
    before = [row for row in entered if row["sku"] == sku]
    shelf = read.shelf(desk.db, sku) if wares else None
    field = f"qty-{number}-{sku}"
    return View(
        "counting/area.html",
        here.area,
        f"/counts/{at.id}/{number}" + (f"?sku={sku}" if wares else ""),
        {
            "s": at,
            "a": here,
            "g": wares,
            "qty": qty,
            "field": field,
            "entered": entered,
            "before": sum(row["found"] for row in before),
            "names": work.people_names(desk),
            "task": _task(desk, field, wares["codes"]) if wares else None,
            "there": shelf.there if shelf and not at.blind else None,
            "loose": shelf.loose if shelf else 0,
            "query": desk.args.get("q", ""),
            "found": search(desk, desk.args.get("q", "")) if not wares else [],
        },
        back=f"/counts/{at.id}/{number}" if wares else f"/counts/{at.id}",
    )


def differences(desk: Desk) -> View:
    """What waits for a second person, the most valuable first."""
    names = work.people_names(desk)
    units = read.policy_number(desk.db, "count_review_units", REVIEW_UNITS)
    value = read.policy_number(desk.db, "count_review_value_fen", REVIEW_VALUE_FEN)
    rows = desk.rows(
        "SELECT v.*, coalesce(i.name_en, v.sku) AS name_en, coalesce(i.name_zh, '') AS name_zh,"
        " coalesce(i.price_fen, 0) AS price_fen, coalesce(s.location, '') AS location FROM variance v"
        " LEFT JOIN item i ON i.sku = v.sku LEFT JOIN shelf s ON s.sku = v.sku WHERE v.state = 'open'"
        " ORDER BY abs(v.found - v.expected) * max(coalesce(i.price_fen, 0), 1) DESC LIMIT ?",
        SHOWN,
    )
    found = []
    for row in rows:
        difference, by = row["found"] - row["expected"], row["counted_by"].split()
        above = needs_second_look(difference, row["price_fen"], most_units=units, most_value_fen=value)
        mine = above and desk.who.person in by
        counters = ", ".join(names.get(one, one) for one in by)
        found.append(dict(row) | {"difference": difference, "by": counters, "mine": mine, "above": above})
    leads = desk.rows(
        "SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' AND id <> ? ORDER BY name",
        desk.who.person,
    )
    return View(
        "counting/differences.html",
        desk.t("Differences"),
        "/counts/differences",
        {
            "rows": found,
            "leads": leads,
            "second": needs_second(desk.who.role, "stock.confirm_count"),
            "others": any(row["mine"] for row in found),
        },
        back="/count",
    )


def goods(desk: Desk, sku: str) -> dict[str, Any]:
    from pwa.stock.views import goods as wares

    return wares(desk, sku)


def _sheet(desk: Desk, wanted: str) -> counting.Sheet:
    at = counting.sheet(desk.db, wanted, sums=True)
    if at is None:
        raise Gone("This count is not known here.", "/count")
    return at


def _lines(desk: Desk, nowhere: dict[str, int]) -> list[dict[str, Any]]:
    shown = sorted(nowhere, key=lambda sku: -abs(nowhere[sku]))[:UNSEEN_SHOWN]
    rows = []
    for sku in shown:
        item = desk.row("SELECT * FROM item WHERE sku = ?", sku)
        name = desk.t.name(item) if item else sku
        rows.append({"sku": sku, "n": nowhere[sku], "name": name, "place": read.shelf_place(desk.db, sku)})
    return rows


def _task(desk: Desk, field: str, codes: list[str]) -> dict[str, Any]:
    """The same item again adds one on the page; another one writes this down and moves on."""
    t = desk.t
    more = t("One more.")
    line = {"key": field, "codes": codes, "have": 0, "want": MOST, "tote": "", "here": True}
    return {
        "adds": field,
        "lines": [line],
        "say": {"more": more, "last": more, "again": more, "wrong": "", "other": t("Next item.")},
    }
