"""What happened, as a person reads it: one sentence per kind of event."""

from __future__ import annotations

import json
from typing import Any

from server.board.pulse import Happening
from server.cases.kinds import sentence as _case_sentence
from server.pages import Texts
from sync.rules.reasons import REASONS
from sync.texts import N_

SENTENCES: dict[str, str] = {
    "placed": N_("placed"),
    "offered": N_("offered"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "lapsed": N_("not accepted in time"),
    "reassigned": N_("moved to another store"),
    "moved": N_("moved to another store"),
    "waiting": N_("waits: no store can do it now"),
    "pick_started": N_("picking started"),
    "line_picked": N_("one line picked"),
    "short_picked": N_("short pick"),
    "substituted": N_("another article instead"),
    "picked": N_("picked"),
    "packed": N_("packed"),
    "label_failed": N_("label could not be printed"),
    "staged": N_("on the waiting shelf"),
    "ready": N_("ready for pickup"),
    "reminder_sent": N_("shopper reminded"),
    "handed_over": N_("handed over"),
    "handover_undone": N_("hand-over taken back"),
    "shipped": N_("given to the courier"),
    "released": N_("all of it has left"),
    "refused": N_("refused by the shopper"),
    "no_show": N_("not collected in time"),
    "put_back": N_("put back on the shelf"),
    "withdrawn": N_("taken back from the store"),
    "cancel_requested": N_("cancellation asked for, the store has not answered yet"),
    "cancelled": N_("cancelled"),
    "cancel_failed": N_("too late to cancel: the goods had left"),
    "return_received": N_("came back, waits for grading"),
    "return_graded": N_("return graded"),
    "stock_adjusted": N_("stock adjusted"),
    "count_asked": N_("count asked"),
    "count_closed": N_("counted"),
    "sheet_opened": N_("a count was begun"),
    "sheet_closed": N_("a count was closed"),
    "count_taken_back": N_("a count was taken back"),
    "variance_found": N_("a count differs and waits for a second person"),
    "recount_asked": N_("counted again: the difference is doubted"),
    "store_offline": N_("line down"),
    "store_online": N_("line is back"),
    "store_paused": N_("takes no new offers"),
    "store_resumed": N_("takes offers again"),
    "case_opened": N_("a case was opened"),
    "case_closed": N_("a case was settled"),
    "chosen_by_hand": N_("chosen by hand"),
    "asked_back": N_("asked to give it back"),
    "seconded": N_("a second person stood by it"),
    "expiring_soon": N_("pickup hold ends soon"),
    "late": N_("came too late"),
    "extended": N_("deadline moved"),
}

FACTS: dict[str, str] = {
    "sold": N_("sold at the till"),
    "sale_returned": N_("came back to the till"),
    "sale_voided": N_("sale taken back at the till"),
    "till_unclear": N_("told by a till, cannot be booked"),
    "received": N_("received"),
    "transfer_sent": N_("sent to another store"),
    "counted": N_("counted"),
    "adjusted": N_("adjusted"),
    "returned": N_("came back"),
    "graded": N_("graded"),
    "gave": N_("share given to the pool"),
    "credited": N_("debt was paid twice, credited"),
    "shorted": N_("short pick"),
    "pick_undone": N_("pick taken back"),
    "withdrawal_taken": N_("withdrawal taken note of"),
    "hold_expired": N_("pickup hold ended"),
    "owned_before": N_("owned it before the centre was restored"),
}
"""Kinds of facts that are no events by that name."""

FIELDS: dict[str, str] = {
    "sku": N_("Item"),
    "qty": N_("Units"),
    "expected": N_("Expected"),
    "found": N_("Found"),
    "share": N_("From or to the store's share"),
    "pool": N_("From or to the pool"),
    "debt": N_("Debt"),
    "sale": N_("Sale"),
    "document": N_("Document"),
    "transfer": N_("Transfer"),
    "to": N_("To"),
    "order": N_("Order"),
    "line": N_("Line of the order"),
    "reason": N_("Reason"),
    "location": N_("Shelf"),
    "note": N_("Note"),
    "how": N_("How"),
    "collector": N_("Collected by"),
    "courier": N_("Courier"),
    "manifest": N_("Manifest"),
    "serial": N_("Serial number"),
    "grade": N_("Grade"),
    "disposition": N_("What becomes of it"),
    "return_id": N_("Return"),
}
"""Fields of facts, for whoever settles a case."""

STATES: dict[str, str] = {
    "offered": N_("offered"),
    "accepted": N_("accepted"),
    "picking": N_("being picked"),
    "picked": N_("picked"),
    "packed": N_("packed"),
    "staged": N_("on the waiting shelf"),
    "released": N_("has left"),
    "declined": N_("declined"),
    "put_back": N_("to put back"),
    "closed": N_("closed"),
    "waiting": N_("waits for a store"),
    "owned": N_("owned by a store"),
    "cancelled": N_("cancelled"),
    "person": N_("a person decides"),
    "open": N_("open"),
    "done": N_("done"),
    "cancel_requested": N_("cancellation asked for"),
    "held": N_("waits for grading"),
    "graded": N_("graded"),
    "flagged": N_("flagged"),
    "shown": N_("shown here, no receiver"),
    "delivered": N_("delivered"),
    "given_up": N_("given up"),
    "none": N_("not owned"),
    "provisional": N_("accepted, not confirmed"),
    "confirmed": N_("owned"),
    "ended": N_("ended"),
    "applied": N_("applied"),
    "late": N_("late"),
    "stale": N_("stale"),
    "forced": N_("forced"),
    "parked": N_("parked"),
}
"""States of orders, fulfilment orders, assignments, returns and messages, for people."""

ENDINGS: dict[str, str] = {
    "lapsed": N_("not accepted in time"),
    "late": N_("accepted too late"),
    "declined": N_("declined"),
    "cancelled": N_("cancelled"),
    "reassigned": N_("given to another store"),
    "no_show": N_("not collected in time"),
    "short": N_("nothing could be picked"),
    "debt": N_("the goods had left"),
    "done": N_("done"),
    "restored": N_("the centre was restored from a backup"),
}

KINDS: dict[str, str] = {
    "pickup": N_("pickup"),
    "shipment": N_("shipment"),
    "same_day": N_("same-day delivery"),
}


def sentence(e: Happening, own: Texts) -> str:
    """The event in words, with its reason where it has one."""
    known = SENTENCES.get(e.kind)
    said = own.say(known) if known else e.kind.replace("_", " ")
    reason = e.data.get("reason")
    if isinstance(reason, str) and reason:
        words = REASONS[reason].text if reason in REASONS else ENDINGS.get(reason, "")
        if words and words != known:
            said = f"{said}: {own.translate(words)}"
    return said


def case_words(case: Any, own: Texts, store: str = "") -> str:
    """What a case says, with the store's name where the reader knows it by name."""
    named = dict(case)
    name = store or (own.name(case) if "name_en" in named else "")
    params = json.loads(named["params"] or "{}")
    if params.get("kind"):
        named["params"] = json.dumps(params | {"kind": f"“{happened_word(str(params['kind']), own)}”"})
    return _case_sentence({**named, "store": name or named["store"]}, own.translate)


def happened_word(kind: str, own: Texts) -> str:
    """The kind of an event or fact, in words where there are any."""
    known = SENTENCES.get(kind) or FACTS.get(kind)
    return own.say(known) if known else kind.replace("_", " ")


DONE: dict[str, str] = {
    "reassign": N_("offered to {store} by hand"),
    "cancel": N_("cancellation asked for"),
    "count": N_("count asked: {skus}"),
    "counted": N_("counted: {skus}, {found} found, {expected} expected"),
    "retry": N_("tried again: {settled} applied, {waiting} still wait"),
    "go_on": N_("let the box go on"),
    "rebase": N_("fresh snapshot ordered"),
    "go_without": N_("went on without the store"),
}


def done_words(one: dict[str, Any], own: Texts, stores: dict[str, Any], people: dict[str, str]) -> str:
    """What somebody did about a case, and who stood by it."""
    known = DONE.get(one.get("what", ""))
    if known is None:
        return str(one.get("what", "")).replace("_", " ")
    store = one.get("store", "")
    facts = {
        **one,
        "store": own.name(stores[store]) if store in stores else store,
        "skus": ", ".join(one.get("skus", [])),
    }
    said = own.say(known, **facts)
    second = one.get("second", "")
    return own.say("{said}, with {second}", said=said, second=people.get(second, second)) if second else said


def state(code: str, own: Texts) -> str:
    return own.say(STATES[code]) if code in STATES else code
