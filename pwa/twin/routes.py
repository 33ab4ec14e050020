"""From a request to a page at a handheld alone: which commands a form asks for, and what is shown after.

The twin of the activities' `pages.py`, in the part of Python that `rules.py` compiles. The caller does
the commands between `plan` and `shown`, keeps them in its outbox, and draws what `shown` gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.anywhere import after_scan
from pwa.twin.pages.counter import after_counter, counter_page, find_page, plan_hand_over
from pwa.twin.pages.courier import after_courier, manifest_page, manifests_page, plan_courier
from pwa.twin.pages.forms import deeds_of, fence_at, number_of, parts_of
from pwa.twin.pages.kept import help_page, kept_page, what_now_page
from pwa.twin.pages.offers import after_offer, decline_page, home_page, offer_page, order_page, plan_offer
from pwa.twin.pages.packing import after_pack, after_stage, pack_page, plan_pack, plan_stage, stage_page
from pwa.twin.pages.picking import after_wave, pick_page, plan_wave, short_page, wrong_item
from pwa.twin.pages.putback import after_put_back, plan_put_back, put_back_page, put_back_tasks
from pwa.twin.pages.refused import refusal
from pwa.twin.pages.returns import after_return, plan_return, return_page, returns_page

Data = dict[str, Any]

DRAWN = [
    "orders",
    "offers",
    "waves",
    "pack",
    "stage",
    "handover",
    "courier",
    "putback",
    "kept",
    "more",
    "help",
    "what-now",
]


def plan(extract: Data, method: str, path: str, fields: Data) -> Data:
    """The commands of a form. `known` is false for what only the store node can do."""
    parts = parts_of(path)
    if method != "POST":
        return {"known": draws(parts), "bad": "", "deeds": []}
    first = parts[0] if parts else ""
    if first == "offers":
        return plan_offer(parts, fields)
    if first == "waves":
        return plan_wave(parts, fields)
    if first == "pack":
        return plan_pack(parts, fields)
    if first == "stage":
        return plan_stage(parts, fields)
    if first == "handover" and len(parts) > 1:
        return plan_hand_over(parts, fields)
    if first == "scan" and len(parts) == 1:
        return deeds_of([])
    if first == "courier":
        return plan_courier(extract, parts, fields)
    if first == "putback" and len(parts) > 1:
        return plan_put_back(parts, fields)
    if first == "returns" and draws(parts):
        return plan_return(fields)
    return {"known": False, "bad": "", "deeds": []}


def draws(parts: list[str]) -> bool:
    first = parts[0] if parts else "orders"
    if first == "returns":
        return len(parts) == 1 or parts[1] == "order"
    return first in DRAWN


# --- what is shown


def shown(
    extract: Data, ask: Data, outcomes: list[Data], who: Data, ctx: Data, t: Callable[..., str]
) -> Data:
    """The page after a request, and what to say on it.

    `ask`: `method`, `path`, `args` (of the address) and `fields` (of the form). `outcomes`: what became of
    the planned commands, each `{ok, result}` or `{ok, reason, facts}`.
    """
    parts = parts_of(ask["path"])
    if ask["method"] != "POST":
        return {"view": page_at(extract, parts, ask["args"], who, ctx, t), "say": None}
    refused = [outcome for outcome in outcomes if not outcome["ok"]]
    went = not refused or len(refused) < len(outcomes)
    made = after(parts[0], extract, done_of(parts, ask, outcomes, went), who, ctx, t)
    if refused and not went:
        made["say"] = refusal(extract, refused[0], who, ctx, t)
        if (
            parts[0] == "waves"
            and refused[0]["reason"] == "wrong_item"
            and made["view"]["data"].get("current")
        ):
            made["say"] = wrong_item(extract, made["view"]["data"]["current"], refused[0]["facts"], who, t)
        made["view"]["status"] = 409
    elif refused and made["say"] is not None:
        made["say"] = {
            **made["say"],
            "mood": "info",
            "next_step": refusal(extract, refused[0], who, ctx, t)["text"],
        }
    return made


def page_at(extract: Data, parts: list[str], args: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    first = parts[0] if parts else "orders"
    fence = fence_at(parts, 1)
    if first == "orders":
        return order_page(extract, fence, who, t) if fence else home_page(extract, args, who, ctx["now"], t)
    if first == "offers":
        if len(parts) > 2:
            return decline_page(extract, fence, t)
        return offer_page(extract, fence, args, who, ctx["now"], t)
    if first == "waves":
        wave = parts[1] if len(parts) > 1 else ""
        if len(parts) > 2:
            line = {"fence": [args.get("fence", "")], "line": [args.get("line", "")]}
            return short_page(
                extract, wave, number_of(line, "fence", 0), number_of(line, "line", 0), args, who, t
            )
        return pick_page(extract, wave, args, who, t)
    if first == "courier":
        return manifest_page(extract, parts[1], t) if len(parts) > 1 else manifests_page(extract, t)
    if first in ["kept", "more"]:
        return kept_page(t)
    if first == "help":
        return help_page(t)
    if first == "what-now":
        return what_now_page(t)
    if first == "pack":
        return pack_page(extract, fence, args, who, t)
    if first == "stage":
        return stage_page(extract, fence, t)
    if first == "returns":
        return return_page(extract, args.get("number", ""), t) if len(parts) > 1 else returns_page(extract, t)
    if first == "handover":
        if fence:
            return counter_page(extract, fence, args, who, ctx, t)
        return find_page(extract, args.get("q", ""), t)
    return put_back_page(extract, fence, who, t) if fence else put_back_tasks(extract, t)


def done_of(parts: list[str], ask: Data, outcomes: list[Data], went: bool) -> Data:
    """What was asked and what came of it.

    `name` and `what` are the second and third part of the address, `fence` is the second as a number;
    `went`: not all of it was refused; `result` is the first command's, empty where it was refused.
    """
    return {
        **ask,
        "name": parts[1] if len(parts) > 1 else "",
        "what": parts[2] if len(parts) > 2 else "",
        "fence": fence_at(parts, 1),
        "outcomes": outcomes,
        "went": went,
        "result": outcomes[0].get("result", {}) if outcomes else {},
    }


def after(first: str, extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    if first == "offers":
        return after_offer(extract, done, who, ctx, t)
    if first == "waves":
        return after_wave(extract, done, who, ctx, t)
    if first == "pack":
        return after_pack(extract, done, who, ctx, t)
    if first == "stage":
        return after_stage(extract, done, who, ctx, t)
    if first == "handover":
        return after_counter(extract, done, who, ctx, t)
    if first == "courier":
        return after_courier(extract, done, who, ctx, t)
    if first == "scan":
        return after_scan(extract, done, who, ctx, t)
    if first == "returns":
        return after_return(extract, done, who, ctx, t)
    return after_put_back(extract, done, who, ctx, t)
