"""Taking a return of an order, one without receipt, and grading what waits in the hold."""

from __future__ import annotations

from pwa import work
from pwa.desk import Desk, Gone, View
from pwa.stock.find import find_sku
from sync.texts import N_

REASONS = (
    ("does_not_fit", N_("Does not fit")),
    ("not_wanted", N_("Does not want it any more")),
    ("damaged", N_("Damaged")),
    ("wrong_item", N_("Not what was ordered")),
    ("late", N_("Came too late")),
)
GRADES = (
    ("A", N_("As new, complete")),
    ("B", N_("Opened, small marks")),
    ("C", N_("Worn or stained")),
    ("D", N_("Broken")),
)
DISPOSITIONS = (
    ("restock", N_("Back to the shelf")),
    ("damaged", N_("Damaged, keep apart")),
    ("quarantine", N_("Keep apart, somebody decides")),
    ("vendor", N_("Back to the supplier")),
    ("destroy", N_("Destroy")),
)


def home(desk: Desk) -> View:
    held = desk.rows(
        "SELECT r.*, coalesce(i.name_en, r.sku) AS name_en, coalesce(i.name_zh, '') AS name_zh"
        " FROM goods_return r"
        " LEFT JOIN item i ON i.sku = r.sku WHERE r.graded < r.qty ORDER BY r.received_at, r.id LIMIT 200"
    )
    return View("returns/home.html", desk.t("Returns"), "/returns", {"held": held}, back="/more")


def order(desk: Desk, order_no: str) -> View:
    """What this order may bring back: from the centre's word, else from what left here."""
    number = order_no.strip().upper()
    rows = desk.rows(
        "SELECT r.line, r.sku, r.qty, coalesce(i.name_en, r.sku) AS name_en, coalesce(i.name_zh,"
        " '') AS name_zh,"
        " (SELECT coalesce(sum(g.qty), 0) FROM goods_return g WHERE g.order_no = r.order_no AND"
        " g.line = r.line"
        "  AND g.sku = r.sku) AS came FROM returnable r LEFT JOIN item i ON i.sku = r.sku WHERE"
        " r.order_no = ?"
        " ORDER BY r.line, r.sku",
        number,
    )
    known = bool(rows)
    if not rows:
        rows = desk.rows(
            "SELECT l.order_line AS line, l.sku, sum(l.released) AS qty, coalesce(i.name_en, l.sku)"
            " AS name_en,"
            " coalesce(i.name_zh, '') AS name_zh, (SELECT coalesce(sum(g.qty), 0) FROM goods_return g"
            "  WHERE g.order_no = a.order_no AND g.sku = l.sku) AS came FROM assignment a"
            " JOIN assignment_line l ON l.fence = a.fence LEFT JOIN item i ON i.sku = l.sku"
            " WHERE a.order_no = ? AND l.released > 0 GROUP BY l.order_line, l.sku"
            " ORDER BY l.order_line, l.sku",
            number,
        )
    return View(
        "returns/order.html",
        desk.t("Return for {order}", order=number),
        f"/returns/order?number={number}",
        {"number": number, "rows": rows, "known": known, "reasons": REASONS, "elsewhere": not rows},
        back="/returns",
    )


def blind(desk: Desk) -> View:
    sku = find_sku(desk.db, desk.args.get("code", ""))
    leads = desk.rows(
        "SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' AND id <> ? ORDER BY name",
        desk.who.person,
    )
    return View(
        "returns/blind.html",
        desk.t("Return without receipt"),
        "/returns/blind",
        {
            "sku": sku,
            "name": work.item_name(desk, sku) if sku else "",
            "asked": desk.args.get("code", ""),
            "reasons": REASONS,
            "leads": leads,
        },
        back="/returns",
    )


def grade(desk: Desk, return_id: str) -> View:
    row = desk.row(
        "SELECT r.*, coalesce(i.name_en, r.sku) AS name_en, coalesce(i.name_zh, '') AS name_zh"
        " FROM goods_return r"
        " LEFT JOIN item i ON i.sku = r.sku WHERE r.id = ?",
        return_id,
    )
    if row is None:
        raise Gone("This return is not in this store.", "/returns")
    shelf = desk.value("SELECT location FROM shelf WHERE sku = ?", row["sku"]) or ""
    leads = desk.rows(
        "SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' AND id <> ? ORDER BY name",
        desk.who.person,
    )
    return View(
        "returns/grade.html",
        desk.t("Grade"),
        f"/returns/{return_id}",
        {
            "r": row,
            "left": row["qty"] - row["graded"],
            "shelf": shelf,
            "grades": GRADES,
            "dispositions": DISPOSITIONS,
            # Nobody turns their own word into goods for sale: a lead needs another one for their own receipt.
            "leads": leads if desk.who.role != "store_lead" or row["received_by"] == desk.who.person else [],
        },
        back="/returns",
    )
