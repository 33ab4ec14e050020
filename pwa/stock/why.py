"""How a SKU's stock came to be what it is: the last movements here, one plain sentence each.

From the replica alone, so it reads the same with the line up or down. What is older, the centre has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pwa import work
from pwa.desk import Desk
from pwa.status.words import FACTS
from sync.replica import history, read
from sync.rules.reasons import REASONS
from sync.sqlite import Row
from sync.texts import N_

SENTENCES: dict[str, str] = {
    "sold": N_("{n} sold at the till"),
    "sale_returned": N_("{n} came back to the till, to be graded"),
    "received": N_("{n} received"),
    "returned": N_("{n} came back, to be graded"),
    "gave": N_("{n} given from the share to the pool"),
    "credited": N_("{n} back in the share: a debt was paid twice"),
    "granted": N_("{n} given to the share by the centre"),
    "stock_loaded": N_("{n} by a stock file of headquarters"),
    "offered": N_("{n} promised to {order}"),
    "withdrawn": N_("{n} no longer promised to {order}"),
    "picked": N_("{n} picked for {order}"),
    "pick_undone": N_("{n} taken out of the tote of {order}"),
    "put_back": N_("{n} put back on the shelf"),
    "handed_over": N_("{n} handed over, {order}"),
    "handover_undone": N_("{n} taken back over the counter, {order}"),
    "shipped": N_("{n} given to the courier, {order}"),
}
"""The number stands in front and the words are alike for one unit and for more."""
DISPOSED: dict[str, str] = {
    "restock": N_("{n} graded: for sale again"),
    "damaged": N_("{n} graded: damaged"),
    "quarantine": N_("{n} graded: kept apart"),
}
GRADED_AWAY = N_("{n} graded: leaves the store")


@dataclass(frozen=True)
class Moved:
    """One movement as the page shows it."""

    at: int
    text: str
    detail: str
    """Who, and which paper; empty where nobody here did it."""
    on_hand: str
    url: str


def movements(desk: Desk, sku: str) -> list[Moved]:
    """The newest first."""
    names = work.people_names(desk)
    return [_moved(desk, row, names) for row in history.last(desk.db, sku)]


def hidden(desk: Desk, sku: str) -> str:
    """Why the SKU is not offered online; for a SKU that is suppressed."""
    row = history.why_suppressed(desk.db, sku)
    if row is None:
        return desk.t("Not found last time: not offered online until it has been counted.")
    return desk.t(
        "Not found {when} by {name}: not offered online until it has been counted.",
        when=desk.t.when(row["at"], desk.now),
        name=work.people_names(desk).get(row["person"], row["person"] or "–"),
    )


def on_the_way(desk: Desk, sku: str) -> list[dict[str, Any]]:
    """Goods that were sent to this store and are on nobody's hand."""
    return [
        {
            "code": row["code"],
            "units": row["units"],
            "at": row["at"],
            "sender": desk.t.name(row) or row["other"],
        }
        for row in desk.rows(
            "SELECT t.code, t.other, t.qty - t.received AS units, t.at, coalesce(s.name_en, '') AS name_en,"
            " coalesce(s.name_zh, '') AS name_zh FROM transfer t LEFT JOIN store s ON s.code = t.other"
            " WHERE t.direction = 'in' AND t.sku = ? AND t.received < t.qty ORDER BY t.at LIMIT 20",
            sku,
        )
    ]


def to_grade(desk: Desk, sku: str) -> str:
    """Where the units of this SKU that wait to be graded are graded; empty when none does."""
    found = desk.value(
        "SELECT id FROM goods_return WHERE sku = ? AND graded < qty ORDER BY received_at LIMIT 1", sku
    )
    return f"/returns/{found}" if found else ""


def _moved(desk: Desk, row: Row, names: dict[str, str]) -> Moved:
    person = names.get(row["person"], row["person"])
    paper = row["note"] if row["kind"] in ("received", "stock_loaded") else ""
    return Moved(
        at=row["at"],
        text=_sentence(desk, row),
        detail=" · ".join(word for word in (person or desk.t("the centre"), paper) if word),
        on_hand=f"+{row['on_hand']}"
        if row["on_hand"] > 0
        else f"−{-row['on_hand']}"
        if row["on_hand"]
        else "",
        url=f"/orders/{row['fence']}" if row["fo"] else "",
    )


def _sentence(desk: Desk, row: Row) -> str:
    t, kind, units, note = desk.t, row["kind"], row["units"], row["note"]
    facts = {"order": row["order_no"] or row["fo"] or "–"}
    match kind:
        case "sold" if row["debt"] > 0:
            return t(N_("{n} sold at the till, {debt} of them beyond the share"), n=units, debt=row["debt"])
        case "counted":
            return _counted(desk, units, row["on_hand"])
        case "adjusted":
            return t(
                N_("{n} taken out of sale: gone") if note == "gone" else N_("{n} taken out of sale: damaged"),
                n=units,
            )
        case "graded":
            return t(DISPOSED.get(note, GRADED_AWAY), n=units)
        case "transfer_sent" | "transfer_announced":
            said = N_("{n} sent to {store}") if kind == "transfer_sent" else N_("{n} on the way from {store}")
            return t(said, n=units, store=_store(desk, note))
        case "shorted" | "declined":
            return _short(desk, kind, units, note, facts["order"])
        case "debt_paid":
            if units < 0:
                return t(N_("Debt of {n} found by the centre"), n=-units)
            return t(N_("Debt of {n} paid by the centre"), n=units)
    if kind in SENTENCES:
        return t(SENTENCES[kind], n=units, **facts)
    return f"{units} · {t(FACTS.get(kind, kind))}"


def _counted(desk: Desk, found: int, more: int) -> str:
    if more > 0:
        return desk.t(N_("Counted: {n} on the shelf, {more} more than thought"), n=found, more=more)
    if more < 0:
        return desk.t(N_("Counted: {n} on the shelf, {less} fewer than thought"), n=found, less=-more)
    return desk.t(N_("Counted: {n} on the shelf, as thought"), n=found)


def _short(desk: Desk, kind: str, units: int, note: str, order: str) -> str:
    if note == "found_instead":
        return desk.t(N_("{n} found under another label, {order}"), n=units, order=order)
    reason = desk.t.translate(REASONS[note].text) if note in REASONS else note
    if kind == "declined":
        return desk.t(N_("{order} declined: {reason}"), order=order, reason=reason)
    return desk.t(N_("{n} short for {order}: {reason}"), n=units, order=order, reason=reason)


def _store(desk: Desk, code: str) -> str:
    names = read.store_name(desk.db, code)
    return names.get(desk.t.language) or code
