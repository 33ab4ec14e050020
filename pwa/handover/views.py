"""Finding an order by number, last digits of a phone or a scan, and the counter's page."""

from __future__ import annotations

from pwa import notices, work
from pwa.desk import Desk, View
from sync.replica import printing, read
from sync.replica.commands.handover import UNDO_MS
from sync.rules.states import State, may_release
from sync.texts import N_

REFUSED = (
    ("not_wanted", N_("Does not want it any more")),
    ("does_not_fit", N_("Does not fit")),
    ("damaged", N_("Damaged")),
    ("wrong_item", N_("Not what was ordered")),
)
OVERRIDES = (
    ("no_code", N_("No code, identity checked")),
    ("not_confirmed", N_("The centre has not confirmed yet")),
    ("hold_over", N_("Came after the hold ended")),
)
HERE = "a.state IN ('staged', 'packed', 'released') AND a.kind = 'pickup'"


def find(desk: Desk, query: str) -> View:
    asked = query.strip()
    found: list[work.Card] = []
    if asked:
        digits = asked[-4:] if asked.isdigit() else ""
        found = work.cards(
            desk,
            f"({HERE}) AND (a.order_no = ? OR a.fo = ? OR a.order_no LIKE ? ESCAPE '!' OR (? <> ''"
            f" AND a.phone_tail = ?))",
            asked.upper(),
            asked.upper(),
            "%" + asked.upper().replace("!", "!!").replace("%", "!%").replace("_", "!_"),
            digits,
            digits,
            order="a.state = 'released', a.owner_until, a.fence",
        )
        if not found:
            row = desk.row("SELECT fence FROM parcel WHERE code = ?", asked.upper())
            found = [work.card(desk, row["fence"])] if row else []
    return View(
        "handover/find.html",
        desk.t("Hand over"),
        f"/handover?q={asked}" if asked else "/handover",
        {
            "query": asked,
            "found": found,
            "prints": printing.offered(desk.db),
            "waiting": []
            if asked
            else work.cards(desk, "a.state = 'staged' AND a.kind = 'pickup'", order="a.owner_until, a.fence"),
        },
        back="/orders?tab=ready",
    )


def counter(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    row = desk.row("SELECT * FROM assignment WHERE fence = ?", fence)
    assert row is not None
    free = may_release(
        ownership=row["ownership"],
        withdrawn=bool(row["withdrawn"]),
        owner_until=row["owner_until"],
        latest_now=desk.line.moment.latest,
    ) and not read.awaits_snapshot(desk.db)
    # What the shopper refused makes it a put-back, but the rest has been handed over.
    gone = bool(row["released_at"]) and card.state in (State.RELEASED, State.PUT_BACK)
    leads = desk.rows(
        "SELECT id, name FROM person WHERE active = 1 AND role = 'store_lead' AND id <> ? ORDER BY name",
        desk.who.person,
    )
    override = desk.args.get("override") == "1" or desk.args.get("action") == "override"
    return View(
        "handover/counter.html",
        card.order_no,
        f"/handover/{fence}",
        {
            "card": card,
            "row": row,
            "free": free,
            "has_code": bool(row["code_hash"]),
            "lines": [line for line in work.lines(desk, [fence]) if line.held or line.released],
            "beside": work.beside(desk, card),
            "leads": leads,
            "override": override or not free,
            "may_open": card.state in (State.STAGED, State.PACKED),
            "refused": REFUSED,
            "overrides": OVERRIDES,
            "gone": gone,
            "undo_until": row["released_at"] + UNDO_MS if gone else 0,
            "why": notices.why_ended(desk, fence),
            "released_by": work.people_names(desk).get(row["released_by"], row["released_by"]),
        },
        back="/handover",
    )
