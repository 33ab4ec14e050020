"""From a request to a page at a handheld alone: which commands a form asks for, and what is shown after.

The twin of the activities' `pages.py`, in the part of Python that `rules.py` compiles. The caller does
the commands between `plan` and `shown`, keeps them in its outbox, and draws what `shown` gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages import (
    counter_page,
    decline_page,
    find_page,
    help_page,
    home_page,
    kept_page,
    offer_page,
    order_page,
    pack_page,
    pick_page,
    put_back_page,
    put_back_tasks,
    return_page,
    returns_page,
    short_page,
    stage_page,
    view,
    what_now_page,
)

Data = dict[str, Any]

TOO_OLD = "This form is too old. Open the page again; nothing was recorded."


def text_of(fields: Data, name: str) -> str:
    values: list[str] = fields.get(name, [])
    return values[-1].strip() if values else ""


def number_of(fields: Data, name: str, otherwise: int) -> int:
    given = text_of(fields, name)
    return int(given) if given.isdigit() and len(given) < 17 else otherwise


def parts_of(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def fence_at(parts: list[str], at: int) -> int:
    given = parts[at] if len(parts) > at else ""
    return int(given) if given.isdigit() and len(given) < 17 else 0


def bad(text: str) -> Data:
    return {"known": True, "bad": text, "deeds": []}


def deeds_of(rows: list[Data]) -> Data:
    return {"known": True, "bad": "", "deeds": rows}


def one(name: str, args: Data) -> Data:
    return deeds_of([{"name": name, "args": args, "part": ""}])


def plan(method: str, path: str, fields: Data) -> Data:
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
    if first == "putback" and len(parts) > 1:
        return plan_put_back(parts, fields)
    if first == "returns" and draws(parts):
        return plan_return(fields)
    return {"known": False, "bad": "", "deeds": []}


def draws(parts: list[str]) -> bool:
    first = parts[0] if parts else "orders"
    if first == "returns":
        return len(parts) == 1 or parts[1] == "order"
    known = ["orders", "offers", "waves", "pack", "stage", "handover", "putback", "kept", "help", "what-now"]
    return first in known


def plan_offer(parts: list[str], fields: Data) -> Data:
    if len(parts) == 2 and parts[1] == "accept":
        fences = fences_of(fields)
        if not fences:
            return bad("Nothing was chosen.")
        return deeds_of(
            [{"name": "accept", "args": {"fence": fence}, "part": str(fence)} for fence in fences]
        )
    reason = text_of(fields, "reason")
    if not reason:
        return bad("Choose a reason first.")
    note = text_of(fields, "note")
    return one("decline", {"fence": fence_at(parts, 1), "reason": reason, "note": note})


def fences_of(fields: Data) -> list[int]:
    return [int(word) for word in fields.get("fence", []) if word.isdigit() and len(word) < 17]


def plan_wave(parts: list[str], fields: Data) -> Data:
    if len(parts) == 1:
        fences = fences_of(fields)
        return one("start_wave", {"fences": fences}) if fences else bad("Nothing was chosen.")
    wave = parts[1]
    what = parts[2] if len(parts) > 2 else ""
    line = {"fence": number_of(fields, "fence", 0), "line": number_of(fields, "line", 0)}
    qty = number_of(fields, "qty", 1)
    if what == "scan":
        code = text_of(fields, "code")
        return one("scan", {"code": code, "wave": wave}) if code else bad("Nothing was scanned.")
    if what == "pick":
        return one("pick", {**line, "qty": qty})
    if what == "undo":
        return one("undo_pick", {**line, "qty": qty})
    if what == "later":
        return one("pick_later", line)
    if what == "short":
        reason = text_of(fields, "reason")
        if not reason:
            return bad("Choose a reason first.")
        more = {"reason": reason, "note": text_of(fields, "note"), "instead": text_of(fields, "instead")}
        return one("short", {**line, "qty": qty, **more})
    return bad(TOO_OLD)


def plan_pack(parts: list[str], fields: Data) -> Data:
    """Fields `q_<line>_<parcel>` as parcels of (line, quantity); empty parcels are left out."""
    parcels: Data = {}
    for name in fields:
        if name.startswith("q_"):
            words = name.split("_")
            qty = number_of(fields, name, 0)
            if len(words) != 3 or not words[1].isdigit() or not words[2].isdigit():
                return bad(TOO_OLD)
            if qty:
                parcels.setdefault("p" + words[2], []).append([int(words[1]), qty])
    args: Data = {"fence": fence_at(parts, 1)}
    if parcels:
        named = sorted([[int(name[1:]), rows] for name, rows in parcels.items()], key=lambda row: row[0])
        args["parcels"] = [sorted(row[1]) for row in named]
    return one("pack", args)


def plan_stage(parts: list[str], fields: Data) -> Data:
    location = (text_of(fields, "location") or text_of(fields, "code")).upper()
    if not location:
        return bad("Scan the shelf, or type what is written on it.")
    if len(location) > 24:
        return bad("That is too long for a shelf. Scan the shelf's own label.")
    return one("stage", {"fence": fence_at(parts, 1), "location": location})


def plan_hand_over(parts: list[str], fields: Data) -> Data:
    fence = fence_at(parts, 1)
    if len(parts) > 2 and parts[2] == "undo":
        return one("undo_hand_over", {"fence": fence})
    if fence == 0:
        return {"known": True, "bad": "", "deeds": []}  # a scan that looks for an order
    args: Data = {"fence": fence}
    if text_of(fields, "action") == "override":
        args["override"] = True
    elif text_of(fields, "code"):
        args["code"] = text_of(fields, "code")
    if text_of(fields, "collector"):
        args["collector"] = text_of(fields, "collector")[:60]
    if text_of(fields, "proxy"):
        args["proxy"] = True
    refused = [
        [int(name[3:]), number_of(fields, name, 0), text_of(fields, f"why_{name[3:]}") or "not_wanted"]
        for name in fields
        if name.startswith("no_") and name[3:].isdigit() and number_of(fields, name, 0)
    ]
    if refused:
        args["refused"] = refused
    return one("hand_over", args)


def plan_put_back(parts: list[str], fields: Data) -> Data:
    args: Data = {"fence": fence_at(parts, 1)}
    if text_of(fields, "code"):
        return one("put_back", {**args, "code": text_of(fields, "code")})
    return one("put_back", {**args, "line": number_of(fields, "line", 0), "qty": number_of(fields, "qty", 1)})


def plan_return(fields: Data) -> Data:
    number = text_of(fields, "number").upper()
    code = text_of(fields, "sku") or text_of(fields, "code")
    if not number:
        return bad("Type the order's number first.")
    if not code:
        return bad("Choose the item, or scan it.")
    args: Data = {
        "order": number,
        "sku": code,
        "qty": number_of(fields, "qty", 1),
        "reason": text_of(fields, "reason") or "not_wanted",
    }
    if text_of(fields, "line"):
        args["line"] = number_of(fields, "line", 0)
    if text_of(fields, "elsewhere"):
        args["elsewhere"] = True
    return one("take_return", args)


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
    made = after(extract, parts, ask, outcomes, went, who, ctx, t)
    if refused and not went:
        made["say"] = refusal(extract, refused[0], who, ctx, t)
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
    if first == "kept":
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


def feedback(mood: str, text: str, next_step: str = "") -> Data:
    return {"mood": mood, "text": text, "next_step": next_step, "command": "", "undo": None}


def after(
    extract: Data,
    parts: list[str],
    ask: Data,
    outcomes: list[Data],
    went: bool,
    who: Data,
    ctx: Data,
    t: Callable[..., str],
) -> Data:
    first = parts[0]
    fence = fence_at(parts, 1)
    result = outcomes[0].get("result", {}) if outcomes else {}
    if first == "offers" and parts[1] == "accept":
        taken = len([outcome for outcome in outcomes if outcome["ok"]])
        text = (
            t("{n} order accepted.", {"n": taken}) if taken == 1 else t("{n} orders accepted.", {"n": taken})
        )
        next_step = t("The line is down, so the centre has yet to confirm it. Carry on with picking.")
        page = home_page(extract, {"tab": "work" if went else "offers"}, who, ctx["now"], t)
        return {"view": page, "say": feedback("good", text, next_step)}
    if first == "offers":
        page = (
            home_page(extract, {"tab": "offers"}, who, ctx["now"], t)
            if went
            else decline_page(extract, fence, t)
        )
        return {"view": page, "say": feedback("good", t("Declined. The centre looks for another store."))}
    if first == "waves":
        return after_wave(extract, parts, ask, result, went, who, ctx, t)
    if first == "pack":
        page = stage_page(extract, fence, t) if went else pack_page(extract, fence, ask["args"], who, t)
        return {"view": page, "say": feedback("good", t("Packed. Now put it on a shelf."))}
    if first == "stage":
        page = stage_page(extract, fence, t)
        if went:
            page = home_page(extract, {"tab": "ready"}, who, ctx["now"], t)
        place = result.get("location", "")
        return {"view": page, "say": feedback("good", t("On shelf {location}.", {"location": place}))}
    if first == "handover":
        return after_counter(extract, parts, ask, who, ctx, t)
    if first == "returns":
        page = returns_page(extract, t) if went else return_page(extract, text_of(ask["fields"], "number"), t)
        next_step = t("Grade it when the store box answers again.")
        return {"view": page, "say": feedback("good", t("Taken into the hold."), next_step)}
    text = t("Back on the shelf. It can be sold again.")
    if result.get("left", 0):
        text = t("Back on the shelf. {left} more.", {"left": result["left"]})
    return {"view": put_back_page(extract, fence, who, t), "say": feedback("good", text)}


def after_wave(
    extract: Data,
    parts: list[str],
    ask: Data,
    result: Data,
    went: bool,
    who: Data,
    ctx: Data,
    t: Callable[..., str],
) -> Data:
    if len(parts) == 1:
        if went:
            page = pick_page(extract, result["wave"], {}, who, t)
            return {"view": page, "say": feedback("info", t("Scan the first item at its shelf."))}
        return {"view": home_page(extract, {"tab": "work"}, who, ctx["now"], t), "say": feedback("info", "")}
    wave = parts[1]
    what = parts[2] if len(parts) > 2 else ""
    fields = ask["fields"]
    if what == "short" and (not went or wave == "-"):
        fence = number_of(fields, "fence", 0)
        number = number_of(fields, "line", 0)
        page = order_page(extract, fence, who, t)
        if not went:
            page = short_page(extract, wave, fence, number, ask["args"], who, t)
    else:
        page = pick_page(extract, wave, {}, who, t)
    texts = {
        "pick": t("Picked by hand."),
        "undo": t("Taken back. Put it on the shelf again, or scan it again."),
        "later": t("Put off: it comes at the end of the wave."),
        "short": t("Noted. The centre finds the missing units elsewhere."),
        "scan": "",
    }
    if what == "scan" and went:
        said = t("Right. Tote {tote}: line complete.", {"tote": result["tote"]})
        if result["left"]:
            said = t("Right. Tote {tote}: {left} more.", {"tote": result["tote"], "left": result["left"]})
        return {"view": page, "say": feedback("good", said)}
    return {"view": page, "say": feedback("good" if what == "pick" else "info", texts.get(what, ""))}


def after_counter(
    extract: Data, parts: list[str], ask: Data, who: Data, ctx: Data, t: Callable[..., str]
) -> Data:
    fence = fence_at(parts, 1)
    if fence == 0:
        code = text_of(ask["fields"], "code")
        found = named_by(extract, code.upper())
        if found:
            page = counter_page(extract, found, {}, who, ctx, t)
            return {"view": page, "say": feedback("good", t("Found."))}
        nothing = feedback("bad", t("No waiting order has this code."))
        return {"view": find_page(extract, code, t), "say": nothing}
    text = t("Handed over. Thank the shopper.")
    mood = "good"
    if len(parts) > 2:
        text = t("Taken back: the order waits on its shelf again.")
        mood = "info"
    args = {"action": text_of(ask["fields"], "action"), "collector": text_of(ask["fields"], "collector")}
    page = counter_page(extract, fence, args, who, ctx, t)
    return {"view": page, "say": feedback(mood, text)}


def named_by(extract: Data, code: str) -> int:
    found: list[int] = []
    for turn in extract["turns"]:
        if turn["state"] in ["staged", "packed"]:
            codes = [turn["order_no"], turn["fo"], *[parcel["code"] for parcel in turn["parcels"]]]
            if code in codes:
                found.append(turn["fence"])
    return found[0] if len(found) == 1 else 0


def refusal(extract: Data, outcome: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    """The rules' own words, with what this device knows of the facts."""
    texts = extract["refusals"].get(outcome["reason"], ["{reason}", ""])
    facts = words_for(extract, outcome["facts"], who, ctx, t)
    return feedback("bad", t(texts[0], facts), t(texts[1], facts) if texts[1] else "")


def words_for(extract: Data, facts: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    clock = ctx["clock"]
    names: Data = {
        "reason": "–",
        "fo": "–",
        "order": "–",
        "time": "–",
        "person": "–",
        "to": "–",
        "line": "–",
        "left": "–",
        "sku": "–",
        "qty": "–",
        "most": "–",
        "item": "–",
        "found": "–",
        "wanted": "–",
        "found_sku": "–",
        "wanted_sku": "–",
        "shelf": "–",
        "state": "–",
        "kind": "–",
        "code": "–",
        "tries": "–",
        "seconds": "–",
        "packed": "–",
        "picked": "–",
        "tote": "–",
        "problem": "–",
        "wave": "–",
        "fence": "–",
        "serial": "–",
    }
    for key, value in facts.items():
        names[key] = value if value != "" else "–"
    if "at" in facts:
        names["time"] = clock(facts["at"])
    if "person" in facts:
        names["person"] = extract["people"].get(facts["person"], facts["person"])
    if "state" in facts:
        state = extract["state_texts"][facts["state"]]
        names["state"] = t(state)
    if "kind" in facts:
        kind = extract["kind_texts"][facts["kind"]]
        names["kind"] = t(kind)
    if "sku" in facts:
        names["item"] = item_name(extract, facts["sku"], who)
    if "found_sku" in facts:
        names["found"] = item_name(extract, facts["found_sku"], who)
    if "wanted_sku" in facts:
        names["wanted"] = item_name(extract, facts["wanted_sku"], who)
        names["shelf"] = extract["items"].get(facts["wanted_sku"], {"shelf": ""})["shelf"] or "–"
    return names


def item_name(extract: Data, sku: str, who: Data) -> str:
    item = extract["items"].get(sku, {"name_en": sku, "name_zh": sku})
    return str(item["name_zh"] if who["language"] == "zh" and item["name_zh"] else item["name_en"])


def only_with_the_node(t: Callable[..., str], back: str) -> Data:
    """What a handheld cannot do alone, said plainly."""
    text = t("This needs the store box, which does not answer. What you did is kept on this device.")
    return view("gone.html", t("Not now"), back, {"text": text}, back, 503)


def stay_signed_in(waiting: int, t: Callable[..., str]) -> Data:
    """Whoever leaves now would leave their work behind."""
    text = t("{n} actions wait for the store box. Stay signed in until they are handed in.", {"n": waiting})
    return view("gone.html", t("Not now"), "/orders", {"text": text}, "/orders", 409)
