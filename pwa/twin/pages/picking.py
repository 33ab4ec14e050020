"""A wave. The twin of pwa/picking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import cards_in, find_turn, gone, lines_of, named, view
from pwa.twin.pages.forms import TOO_OLD, bad, deed, feedback, fences_of, number_of, text_of, then
from pwa.twin.pages.offers import home_page, order_page

Data = dict[str, Any]

STEPS = ["accepted", "picking", "picked"]


def pick_page(extract: Data, wave: str, args: Data, who: Data, t: Callable[..., str]) -> Data:
    mine = [one for one in extract["turns"] if wave and one["wave"] == wave]
    turns: list[Data] = sorted(mine, key=lambda one: (one["accept_by"], one["fence"]))
    if not turns:
        return gone(t, t("This wave is over."), "/orders?tab=work")
    totes = cards_in(extract, turns)
    lines: list[Data] = []
    for turn in turns:
        if turn["state"] in STEPS:
            lines.extend(lines_of(extract, turn, who))
    lines = sorted(
        sorted(lines, key=lambda line: (line["fence"], line["line"])),
        key=lambda line: (line["later"], line["shelf"] == "", line["shelf"], line["tote"], line["line"]),
    )
    open_lines = [line for line in lines if line["left"]]
    chosen = [line for line in open_lines if line["key"] == args.get("line", "")]
    current = chosen[0] if chosen else open_lines[0] if open_lines else None
    data = {
        "wave": wave,
        "totes": totes,
        "lines": lines,
        "prints": {"label": False, "sheet": False},
        "current": current,
        "done": len([line for line in lines if not line["left"]]),
        "task": task(turns, lines, current, t),
        "last": last_pick(extract, turns, lines, who),
        "picked_totes": [tote for tote in totes if tote["state"] == "picked"],
        "ended": [tote for tote in totes if tote["state"] == "put_back" or tote["withdrawn"]],
    }
    title = t("All picked")
    if current is not None:
        title = t("Tote {tote} · {order}", {"tote": current["tote"] or "–", "order": current["order_no"]})
    return view("picking/pick.html", title, f"/waves/{wave}", data, "/orders?tab=work")


def task(turns: list[Data], lines: list[Data], current: Any, t: Callable[..., str]) -> Data:
    here = current["key"] if current is not None else ""
    ordered: list[Data] = []
    for turn in turns:
        ordered.extend(
            sorted([line for line in lines if line["fence"] == turn["fence"]], key=lambda line: line["line"])
        )
    return {
        "lines": [
            {
                "key": line["key"],
                "codes": line["codes"],
                "have": line["picked"],
                "want": line["qty"] - line["short"],
                "tote": line["tote"],
                "here": line["key"] == here,
            }
            for line in ordered
        ],
        "say": {
            "more": t("Right. Tote {tote}: {left} more."),
            "last": t("Right. Tote {tote}: line complete."),
            "again": t("Already complete: all {want} are picked."),
            "wrong": t("Wrong item. Not in this wave."),
        },
    }


def last_pick(extract: Data, turns: list[Data], lines: list[Data], who: Data) -> Any:
    """The newest pick of this person here, offered for undo."""
    fences = [line["fence"] for line in lines]
    newest = None
    for one in extract["picks"]:
        if one["person"] == who["person"] and one["fence"] in fences:
            newest = one
    if newest is None or newest["undone"]:
        return None
    key = f"{newest['fence']}:{newest['line']}"
    found = [line for line in lines if line["key"] == key]
    if not found or found[0]["picked"] == 0:
        return None
    return {"line": found[0], "qty": newest["qty"]}


def short_page(
    extract: Data, wave: str, fence: int, number: int, args: Data, who: Data, t: Callable[..., str]
) -> Data:
    turn = find_turn(extract, fence)
    lines = lines_of(extract, turn, who) if turn is not None else []
    found = [line for line in lines if line["line"] == number]
    if not found:
        return gone(t, t("This line is not in this store any more."), f"/waves/{wave}")
    data = {
        "wave": wave,
        "line": found[0],
        "reasons": [reason for reason in extract["reasons"] if reason["for_short"]],
        "first": args.get("reason", ""),
    }
    url = f"/waves/{wave}/short?fence={fence}&line={number}"
    back = f"/pack/{fence}" if wave == "-" else f"/waves/{wave}"
    return view("picking/short.html", t("Cannot pick"), url, data, back)


def wrong_item(extract: Data, current: Data, facts: Data, who: Data, t: Callable[..., str]) -> Data:
    """A wrong item against what the page shows, not against any line of the wave."""
    sku = facts["found_sku"]
    item = extract["items"].get(sku)
    name = named(item, "name", who) if item else sku
    detail = named(item, "detail", who) if item else ""
    text = t("Wrong item: this is {found}.", {"found": f"{name}, {detail}" if detail else name})
    if name == current["name"] and detail != current["detail"]:
        wanted = {"found": detail or sku, "wanted": current["detail"] or current["sku"]}
        text = t("Wrong kind: this is {found}. Take {wanted}.", wanted)
    return feedback("bad", text, t("Put it back. Wanted: {sku}", {"sku": current["sku"]}))


def plan_wave(parts: list[str], fields: Data) -> Data:
    if len(parts) == 1:
        fences = fences_of(fields)
        return deed("start_wave", {"fences": fences}) if fences else bad("Nothing was chosen.")
    wave = parts[1]
    what = parts[2] if len(parts) > 2 else ""
    line = {"fence": number_of(fields, "fence", 0), "line": number_of(fields, "line", 0)}
    qty = number_of(fields, "qty", 1)
    if what == "scan":
        code = text_of(fields, "code")
        return deed("scan", {"code": code, "wave": wave}) if code else bad("Nothing was scanned.")
    if what == "pick":
        return deed("pick", {**line, "qty": qty})
    if what == "undo":
        return deed("undo_pick", {**line, "qty": qty})
    if what == "later":
        return deed("pick_later", line)
    if what == "short":
        reason = text_of(fields, "reason")
        if not reason:
            return bad("Choose a reason first.")
        more = {"reason": reason, "note": text_of(fields, "note"), "instead": text_of(fields, "instead")}
        return deed("short", {**line, "qty": qty, **more})
    return bad(TOO_OLD)


def after_wave(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    wave = done["name"]
    what = done["what"]
    went = done["went"]
    fields = done["fields"]
    result = done["result"]
    if not wave:
        if went:
            page = pick_page(extract, result["wave"], {}, who, t)
            return then(page, "info", t("Scan the first item at its shelf."))
        return then(home_page(extract, {"tab": "work"}, who, ctx["now"], t), "info", "")
    if what == "short" and (not went or wave == "-"):
        fence = number_of(fields, "fence", 0)
        number = number_of(fields, "line", 0)
        page = order_page(extract, fence, who, t)
        if not went:
            page = short_page(extract, wave, fence, number, done["args"], who, t)
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
        if result["kind"] == "tote":
            page = pick_page(extract, result["wave"], {}, who, t)
            return then(page, "info", t("Tote {tote} is yours now.", {"tote": result["tote"]}))
        if result["kind"] != "picked":
            return then(page, "info", t("That is a parcel. Scan the item."))
        said = t("Right. Tote {tote}: line complete.", {"tote": result["tote"]})
        if result["left"]:
            said = t("Right. Tote {tote}: {left} more.", {"tote": result["tote"], "left": result["left"]})
        return then(page, "good", said)
    return then(page, "good" if what == "pick" else "info", texts.get(what, ""))
