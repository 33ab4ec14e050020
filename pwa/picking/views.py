"""The wave as the picker sees it: where to go, what to take, how many, into which tote."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from pwa import work
from pwa.desk import Desk, Feedback, Gone, View
from sync.replica import printing
from sync.rules.reasons import REASONS
from sync.rules.refusals import Refusal, Why
from sync.rules.states import State
from sync.texts import N_
from sync.wire.facts import Fact, Picked, PickUndone, body_of

RIGHT_MORE = N_("Right. Tote {tote}: {left} more.")
RIGHT_LAST = N_("Right. Tote {tote}: line complete.")


@dataclass(frozen=True)
class Step:
    """A line in the order of walking, and what to say when it is scanned."""

    line: work.Line
    current: bool
    finished: bool


def fences_of(desk: Desk, wave: str) -> list[int]:
    return [
        row["fence"]
        for row in desk.rows("SELECT fence FROM assignment WHERE wave = ? ORDER BY accept_by, fence", wave)
    ]


def walk(lines: list[work.Line]) -> list[work.Line]:
    """Shelf by shelf; what was put off comes last, what has no shelf before it."""
    return sorted(lines, key=lambda line: (line.later, line.shelf == "", line.shelf, line.tote, line.line))


def pick(desk: Desk, wave: str) -> View:
    fences = fences_of(desk, wave)
    if not fences:
        raise Gone("This wave is over.", "/orders?tab=work")
    totes = [work.card(desk, fence) for fence in fences]
    lines = walk([line for line in work.lines(desk, fences) if not gone(totes, line.fence)])
    open_lines = [line for line in lines if line.left]
    current = chosen(open_lines, desk.args.get("line", "")) or (open_lines[0] if open_lines else None)
    data: dict[str, Any] = {
        "wave": wave,
        "totes": totes,
        "prints": printing.offered(desk.db),
        "lines": lines,
        "current": current,
        "done": sum(1 for line in lines if not line.left),
        "task": task(desk, fences, lines, current),
        "last": last_pick(desk, lines),
        "picked_totes": [tote for tote in totes if tote.state == State.PICKED],
        "ended": [tote for tote in totes if tote.state == State.PUT_BACK or tote.withdrawn],
    }
    title = (
        desk.t("Tote {tote} · {order}", tote=current.tote or "–", order=current.order_no)
        if current
        else desk.t("All picked")
    )
    return View("picking/pick.html", title, f"/waves/{wave}", data, back="/orders?tab=work")


def wrong_item(desk: Desk, view: View, refusal: Refusal) -> View:
    """A wrong item against what the page shows, not against any line of the wave."""
    current: work.Line | None = view.data["current"]
    if current is None or refusal.reason is not Why.WRONG_ITEM:
        return view
    t = desk.t
    sku = str(refusal.facts.get("found_sku", ""))
    row = desk.row("SELECT * FROM item WHERE sku = ?", sku)
    name, detail = (t.name(row), t.name(row, "detail")) if row else (sku, "")
    if name == current.name and detail != current.detail:
        text = t(
            "Wrong kind: this is {found}. Take {wanted}.",
            found=detail or sku,
            wanted=current.detail or current.sku,
        )
    else:
        text = t("Wrong item: this is {found}.", found=f"{name}, {detail}" if detail else name)
    told = Feedback(
        "bad",
        text,
        t("Put it back. Wanted: {sku}", sku=current.sku),
        desk.feedback.command if desk.feedback else "",
    )
    return replace(view, feedback=told)


def gone(totes: list[work.Card], fence: int) -> bool:
    return any(
        tote.fence == fence and tote.state not in (State.ACCEPTED, State.PICKING, State.PICKED)
        for tote in totes
    )


def chosen(lines: list[work.Line], key: str) -> work.Line | None:
    return next((line for line in lines if line.key == key), None)


def task(desk: Desk, fences: list[int], lines: list[work.Line], current: work.Line | None) -> dict[str, Any]:
    """What the page holds to answer a scan before the store node does (see static/scan.js)."""
    t = desk.t
    # The order in which the command chooses (sync/replica/commands/scanning.py), so that both
    # put the same scan into the same tote.
    turn = {fence: n for n, fence in enumerate(fences)}
    ordered = sorted(lines, key=lambda line: (turn[line.fence], line.line))
    return {
        "lines": [
            {
                "key": line.key,
                "codes": [*line.codes],
                "have": line.picked,
                "want": line.qty - line.short,
                "tote": line.tote,
                "here": line is current,
            }
            for line in ordered
        ],
        "say": {
            "more": t(RIGHT_MORE),
            "last": t(RIGHT_LAST),
            "again": t("Already complete: all {want} are picked."),
            "wrong": t("Wrong item. Not in this wave."),
        },
    }


def last_pick(desk: Desk, lines: list[work.Line]) -> dict[str, Any] | None:
    """The newest pick of this person here, offered for undo."""
    if not lines:
        return None
    fences = sorted({line.fence for line in lines})
    row = desk.row(
        f"SELECT raw FROM fact WHERE kind IN ('picked', 'pick_undone') AND person = ?"
        f" AND fence IN ({','.join('?' * len(fences))}) ORDER BY number DESC LIMIT 1",
        desk.who.person,
        *fences,
    )
    if row is None:
        return None
    fact = msgspec.json.decode(row["raw"], type=Fact)
    body = body_of(fact)
    if isinstance(body, PickUndone) or not isinstance(body, Picked):
        return None
    line = next((line for line in lines if line.fence == fact.fence and line.line == body.line), None)
    if line is None or line.picked == 0:
        return None
    return {"line": line, "qty": body.qty}


def instead(desk: Desk, wave: str, fence: int, line_no: int) -> View:
    """Another article for a line that is short, as far as the order lets a store offer one."""
    line = next((line for line in work.lines(desk, [fence]) if line.line == line_no), None)
    if line is None:
        raise Gone("This line is not in this store any more.", f"/waves/{wave}")
    mode = desk.value("SELECT substitution FROM assignment WHERE fence = ?", fence)
    listed = desk.value(
        "SELECT substitutes FROM assignment_line WHERE fence = ? AND line = ?", fence, line_no
    )
    reasons = [one for one in REASONS.values() if one.for_short and one.code != "shopper_cancelled"]
    at = f"fence={fence}&line={line_no}"
    return View(
        "picking/instead.html",
        desk.t("Another article instead"),
        f"/waves/{wave}/instead?{at}",
        {
            "wave": wave,
            "line": line,
            "reasons": reasons,
            "mode": mode,
            "first": desk.args.get("reason", ""),
            "others": [other(desk, sku) for sku in json.loads(listed or "[]")],
        },
        back=f"/waves/{wave}/short?{at}",
    )


def other(desk: Desk, sku: str) -> dict[str, Any]:
    """An article of the shopper's list: where it lies, and how many this store may give by itself."""
    row = desk.row(
        "SELECT i.*, coalesce(h.location, '') AS shelf,"
        " CASE WHEN s.suppressed = 0 THEN s.share ELSE 0 END AS there FROM (SELECT ? AS wanted) w"
        " LEFT JOIN item i ON i.sku = w.wanted LEFT JOIN shelf h ON h.sku = w.wanted"
        " LEFT JOIN stock s ON s.sku = w.wanted",
        sku,
    )
    assert row is not None
    detail = desk.t.name(row, "detail")
    return {
        "sku": sku,
        "name": desk.t.name(row) or sku,
        "detail": detail,
        "shelf": row["shelf"],
        "there": max(row["there"] or 0, 0),
    }


def short(desk: Desk, wave: str, fence: int, line_no: int) -> View:
    line = next((line for line in work.lines(desk, [fence]) if line.line == line_no), None)
    if line is None:
        raise Gone("This line is not in this store any more.", f"/waves/{wave}")
    first = desk.args.get("reason", "")
    reasons = [reason for reason in REASONS.values() if reason.for_short]
    return View(
        "picking/short.html",
        desk.t("Cannot pick"),
        f"/waves/{wave}/short?fence={fence}&line={line_no}",
        {"wave": wave, "line": line, "reasons": reasons, "first": first},
        back=f"/waves/{wave}" if wave != "-" else f"/pack/{fence}",
    )
