"""The lists and one order, read from the replica."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from pwa import notices, work
from pwa.desk import Desk, View
from pwa.status.words import FACTS
from sync.replica import printing, read
from sync.replica.commands.handover import UNDO_MS
from sync.rules.reasons import REASONS
from sync.rules.states import State
from sync.wire.facts import Fact

TABS = ("offers", "work", "ready")
SOON_MS = 10 * 60_000
LATE_MS = 5 * 60_000
FIRST, MORE = 20, 60
"""Cards of a long list that are drawn at first, and as many more each time somebody comes to the end: two
hundred cards take a handheld twice as long as the page without them."""


@dataclass(frozen=True)
class Seen:
    """A card as it stands in the list: in its place, new, or left behind as a note."""

    card: work.Card
    tone: str
    new: bool = False
    gone: bool = False


def tone(left_ms: int) -> str:
    return "bad" if left_ms < LATE_MS else "warn" if left_ms < SOON_MS else ""


def seen(desk: Desk, card: work.Card, *, new: bool = False, gone: bool = False) -> Seen:
    return Seen(card, tone(card.accept_by - desk.now), new, gone)


def in_place(desk: Desk, found: list[work.Card], shown: str) -> list[Seen]:
    """The order of work never jumps under the thumb.

    What the person sees stays where it is, also when it has gone elsewhere meanwhile;
    what is new stands at the end until the list is opened again.
    """
    by_fence = {card.fence: card for card in found}
    rows: list[Seen] = []
    for word in shown.split(",")[: work.MOST] if shown else []:
        fence = int(word) if word.isdigit() and len(word) < 18 else 0
        if fence in by_fence:
            rows.append(seen(desk, by_fence.pop(fence)))
        elif fence:
            left = work.cards(desk, "a.fence = ?", fence)
            if left:
                rows.append(seen(desk, left[0], gone=True))
    return rows + [seen(desk, card, new=bool(shown)) for card in found if card.fence in by_fence]


def drawn(asked: str, cards: int) -> int:
    """So many of the cards are drawn now. The last few are not worth another look."""
    most = max(FIRST, int(asked)) if asked.isdigit() and len(asked) < 5 else FIRST
    return cards if cards <= most + FIRST // 2 else most


def home(desk: Desk, tab: str) -> View:
    counted = work.counts(desk)
    waiting = notices.open_notices(desk)
    if tab not in TABS:
        tab = next((name for name in TABS if counted[name]), "offers")
    found = {"offers": work.offers, "work": work.work, "ready": work.ready}[tab](desk)
    cards = in_place(desk, found, desk.args.get("shown", ""))
    here = [row.card for row in cards if not row.gone]
    wave = desk.value(
        "SELECT wave FROM assignment WHERE state = 'picking' AND wave <> '' AND picker IN (?, '')"
        " ORDER BY picker = '', fence LIMIT 1",
        desk.who.person,
    )
    later = desk.args.get("later") == "1"
    now_drawn = drawn(desk.args.get("drawn", ""), len(cards))
    return View(
        "offers/home.html",
        desk.t("Orders"),
        f"/orders?tab={tab}",
        {
            "tab": tab,
            "counts": counted,
            "cards": cards[:now_drawn],
            "left": len(cards) - now_drawn,
            "drawn": now_drawn,
            "next": now_drawn + MORE,
            "shown": ",".join(str(row.card.fence) for row in cards),
            "to_accept": [card.fence for card in here if card.state == State.OFFERED],
            "to_pick": [card.fence for card in here if card.state == State.ACCEPTED][:10],
            "wave": wave or "",
            "notices": waiting,
            "sheet": None if later or not waiting else waiting[0],
            "later": later,
            "paused": notices.paused(desk),
        },
    )


def offer(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    if card.state != State.OFFERED:
        return order(desk, fence)
    row = desk.row("SELECT note, channel, offered_at, attempt FROM assignment WHERE fence = ?", fence)
    return View(
        "offers/offer.html",
        card.order_no,
        f"/offers/{fence}",
        {
            "card": card,
            "lines": work.lines(desk, [fence]),
            "beside": work.beside(desk, card),
            "row": row,
            "tone": tone(card.accept_by - desk.now),
        },
        back="/orders?tab=offers",
    )


def decline(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    reasons = [reason for reason in REASONS.values() if reason.for_decline]
    return View(
        "offers/decline.html",
        desk.t("Decline {order}", order=card.order_no),
        f"/offers/{fence}/decline",
        {"card": card, "reasons": reasons},
        back=card.url,
    )


def order(desk: Desk, fence: int) -> View:
    """One order in any state: its lines, what was done, and the one next step."""
    card = work.card(desk, fence)
    row = desk.row("SELECT * FROM assignment WHERE fence = ?", fence)
    assert row is not None
    parcels = desk.rows("SELECT code, lines, manifest FROM parcel WHERE fence = ? ORDER BY code", fence)
    return View(
        "offers/order.html",
        card.order_no,
        f"/orders/{fence}",
        {
            "card": card,
            "row": row,
            "lines": work.lines(desk, [fence]),
            "beside": work.beside(desk, card),
            "history": history(desk, fence),
            "parcels": [
                {"code": p["code"], "units": sum(q for _, q in json.loads(p["lines"]))} for p in parcels
            ],
            "undo_until": row["released_at"] + UNDO_MS if card.state == State.RELEASED else 0,
            "prints": printing.offered(desk.db),
            "state_text": read.STATE_TEXTS[State(card.state)],
            "why": notices.why_ended(desk, fence),
        },
        back="/orders",
    )


def history(desk: Desk, fence: int) -> list[dict[str, Any]]:
    """What was recorded here about an assignment, in words."""
    names = work.people_names(desk)
    said = []
    for row in desk.rows(
        "SELECT number, kind, person, raw, verdict FROM fact WHERE fence = ? ORDER BY number DESC LIMIT 60",
        fence,
    ):
        fact = msgspec.json.decode(row["raw"], type=Fact)
        said.append(
            {
                "at": fact.at,
                "text": fact_words(desk, row["kind"]),
                "person": names.get(row["person"], row["person"]),
                "sent": bool(row["verdict"]),
                "verdict": row["verdict"],
            }
        )
    return said


def fact_words(desk: Desk, kind: str) -> str:
    return desk.t(FACTS[kind]) if kind in FACTS else kind


def with_args(desk: Desk, **args: str) -> Desk:
    return replace(desk, args={**desk.args, **args})
