"""Refusals: the rules say no to a command. A closed list, each with a plain sentence and a next step.

Staff read what happened, with facts, and what to do now. The sentences are message ids with
named places; a value in `facts` may be plain, a dict by language (`{"en": …, "zh": …}`, for
names of goods and stores), or `{"say": message id}` for a text that is itself translated.
A refusal is stored with its command and told again to every repeat, so facts are plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sync.texts import N_

Translate = Callable[[str], str]


class Why(StrEnum):
    NOT_UNDERSTOOD = "not_understood"
    UNKNOWN_COMMAND = "unknown_command"
    NOT_ALLOWED = "not_allowed"
    OUT_OF_SCOPE = "out_of_scope"
    NEEDS_LINE = "needs_line"
    NEEDS_LEAD = "needs_lead"
    SAME_PERSON = "same_person"
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_LINE = "unknown_line"
    UNKNOWN_REASON = "unknown_reason"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_SKU = "unknown_sku"
    UNKNOWN_STORE = "unknown_store"
    BAD_QUANTITY = "bad_quantity"
    NOT_NOW = "not_now"
    OFFER_LAPSED = "offer_lapsed"
    WITHDRAWN = "withdrawn"
    ALREADY_DONE = "already_done"
    HANDED_OVER = "handed_over"
    CLAIMED = "claimed"
    WAVE_FULL = "wave_full"
    WRONG_ITEM = "wrong_item"
    ENOUGH_PICKED = "enough_picked"
    TOO_MANY = "too_many"
    SERIAL_WANTED = "serial_wanted"
    SERIAL_USED = "serial_used"
    PARCELS_DIFFER = "parcels_differ"
    CODE_WANTED = "code_wanted"
    WRONG_PICKUP_CODE = "wrong_pickup_code"
    CODE_LOCKED = "code_locked"
    NAME_WANTED = "name_wanted"
    NOT_CONFIRMED = "not_confirmed"
    HOLD_OVER = "hold_over"
    TOO_LATE_TO_UNDO = "too_late_to_undo"
    WRONG_WAY_OUT = "wrong_way_out"
    UNKNOWN_MANIFEST = "unknown_manifest"
    MANIFEST_CLOSED = "manifest_closed"
    MANIFEST_EMPTY = "manifest_empty"
    PARCEL_MISSING = "parcel_missing"
    OWN_FINDING = "own_finding"
    OWN_RECEIPT = "own_receipt"
    OWN_COUNT = "own_count"
    NO_VARIANCE = "no_variance"
    UNKNOWN_SHEET = "unknown_sheet"
    COUNT_GOES_ON = "count_goes_on"
    NOT_IN_COUNT = "not_in_count"
    AREA_FINISHED = "area_finished"
    AREAS_OPEN = "areas_open"
    GOODS_UNSEEN = "goods_unseen"
    LESS_THAN_THERE = "less_than_there"
    PROMISED = "promised"
    NO_SHARE = "no_share"
    NO_SUBSTITUTE = "no_substitute"
    NOT_LISTED = "not_listed"
    CONSENT_WANTED = "consent_wanted"
    SALE_DIFFERS = "sale_differs"
    UNKNOWN_SALE = "unknown_sale"
    RETURN_TOO_MANY = "return_too_many"
    NOTHING_TO_VOID = "nothing_to_void"
    UNKNOWN_RETURN = "unknown_return"
    ORDER_NOT_HERE = "order_not_here"
    UNKNOWN_NOTICE = "unknown_notice"
    NO_PRINTER = "no_printer"
    NOTHING_TO_PRINT = "nothing_to_print"
    START_CODE_UNKNOWN = "start_code_unknown"
    START_CODE_USED = "start_code_used"
    START_CODE_OVER = "start_code_over"
    START_CODE_ELSEWHERE = "start_code_elsewhere"
    HANDHELD_ENDED = "handheld_ended"
    HANDHELD_NOT_LISTED = "handheld_not_listed"
    # Of the centre and its API:
    ORDER_DIFFERS = "order_differs"
    UNKNOWN_ORDER = "unknown_order"
    BAD_INPUT = "bad_input"


TEXTS: dict[Why, tuple[str, str]] = {
    Why.NOT_UNDERSTOOD: (
        N_("The device sent something the store node does not understand: {problem}."),
        N_("Reload the page and try again."),
    ),
    Why.UNKNOWN_COMMAND: (
        N_("The store node does not know the action {name}."),
        N_("Reload the page and try again."),
    ),
    Why.NOT_ALLOWED: (
        N_("{person} may not do this."),
        N_("Ask a colleague whose role allows it, usually the store lead."),
    ),
    Why.OUT_OF_SCOPE: (
        N_("{place} is not {person}'s place of work."),
        N_("Ask somebody who works for that store."),
    ),
    Why.NEEDS_LINE: (
        N_("This needs the line to the centre, and the line is down."),
        N_("Try again when the line is back."),
    ),
    Why.NEEDS_LEAD: (
        N_("This needs the PIN of a store lead."),
        N_("Ask the store lead to enter their PIN on this screen."),
    ),
    Why.SAME_PERSON: (
        N_("{person} cannot approve their own action."),
        N_("Ask a second person to enter their PIN."),
    ),
    Why.WRONG_PIN: (
        N_("The PIN of {person} is wrong. Tries left: {left}."),
        N_("Type the PIN again."),
    ),
    Why.PIN_LOCKED: (
        N_("Too many wrong PINs for {person}. Locked until {time}."),
        N_("Wait, or ask the store lead to reset the PIN."),
    ),
    Why.UNKNOWN_PERSON: (
        N_("Nobody named {person} works in this store now."),
        N_("Choose a person from the list."),
    ),
    Why.UNKNOWN_TASK: (
        N_("This task is not known in this store."),
        N_("Go back to the list of work."),
    ),
    Why.UNKNOWN_LINE: (
        N_("{order} has no line {line}."),
        N_("Open the task again."),
    ),
    Why.UNKNOWN_REASON: (
        N_("{reason} is not a reason that fits here."),
        N_("Choose a reason from the list."),
    ),
    Why.UNKNOWN_CODE: (
        N_("Nothing here has the code {code}."),
        N_("Scan again, or type the SKU from the label."),
    ),
    Why.UNKNOWN_SKU: (
        N_("The SKU {sku} is not in the catalogue."),
        N_("Check the label, or put the goods aside for the store lead."),
    ),
    Why.UNKNOWN_STORE: (
        N_("{store} is no other store of this chain."),
        N_("Choose a store from the list."),
    ),
    Why.BAD_QUANTITY: (
        N_("{qty} is not a quantity that fits here."),
        N_("Enter a whole number, 1 or more."),
    ),
    Why.NOT_NOW: (
        N_("{order} is {state} now, so this cannot be done."),
        N_("Open the task to see its next step."),
    ),
    Why.OFFER_LAPSED: (
        N_("The offer of {order} ran out at {time}. Another store is asked now."),
        N_("Take the next offer from the list."),
    ),
    Why.WITHDRAWN: (
        N_("{order} is no longer this store's: it was taken back at {time}."),
        N_("Put the goods back on the shelf."),
    ),
    Why.ALREADY_DONE: (
        N_("{order} was already {state} at {time} by {person}."),
        N_("Nothing more to do. Go back to the list of work."),
    ),
    Why.HANDED_OVER: (
        N_("{order} was handed over at {time} by {person}."),
        N_("Ask the shopper for the newer code."),
    ),
    Why.CLAIMED: (
        N_("{person} is picking {order} already."),
        N_("Take another task, or scan its tote {tote} to take it over."),
    ),
    Why.WAVE_FULL: (
        N_("A wave holds at most {most} orders."),
        N_("Choose fewer orders."),
    ),
    Why.WRONG_ITEM: (
        N_("Wrong item: this is {found} ({found_sku}). Wanted: {wanted} ({wanted_sku})."),
        N_("Put it back and scan {wanted_sku}, shelf {shelf}."),
    ),
    Why.ENOUGH_PICKED: (
        N_("{item} ({sku}) is complete: {qty} picked."),
        N_("Put this one back on the shelf."),
    ),
    Why.TOO_MANY: (
        N_("Only {left} of {sku} are left for this, not {qty}."),
        N_("Enter {left} or less."),
    ),
    Why.SERIAL_WANTED: (
        N_("{item} ({sku}) carries a serial number on each piece."),
        N_("Scan the code on the piece itself."),
    ),
    Why.SERIAL_USED: (
        N_("Piece {serial} of {sku} was picked already for {order}."),
        N_("Scan another piece."),
    ),
    Why.PARCELS_DIFFER: (
        N_("The parcels hold {packed} of line {line}, but {picked} were picked."),
        N_("Put every picked unit into exactly one parcel."),
    ),
    Why.CODE_WANTED: (
        N_("{order} is handed over against its pickup code."),
        N_("Ask the shopper for the code in their message."),
    ),
    Why.WRONG_PICKUP_CODE: (
        N_("This is not the pickup code of {order}. Tries left: {left}."),
        N_("Ask the shopper to show the newest message."),
    ),
    Why.CODE_LOCKED: (
        N_("{tries} wrong codes were tried for {order}. No more codes are taken."),
        N_("Check who collects, then ask the store lead for an override."),
    ),
    Why.NAME_WANTED: (
        N_("{order} has no pickup code, so the collector's name is needed."),
        N_("Enter the name of the person who collects."),
    ),
    Why.NOT_CONFIRMED: (
        N_("{order} is not confirmed by the centre yet, so it must not leave the store."),
        N_("Wait for the line, or ask the store lead for an override."),
    ),
    Why.HOLD_OVER: (
        N_("The hold of {order} ended at {time}. It may be sold again elsewhere."),
        N_("Put it back, or ask the store lead for an override."),
    ),
    Why.TOO_LATE_TO_UNDO: (
        N_("{order} left at {time}. That can be taken back for {seconds} seconds only."),
        N_("Take the goods as a return."),
    ),
    Why.WRONG_WAY_OUT: (
        N_("{order} is a {kind}. It does not leave this way."),
        N_("A pickup is handed over at the counter, a shipment goes with the courier."),
    ),
    Why.UNKNOWN_MANIFEST: (
        N_("There is no manifest {manifest} here."),
        N_("Open a manifest for the courier first."),
    ),
    Why.MANIFEST_CLOSED: (
        N_("Manifest {manifest} went with {courier} at {time}."),
        N_("Open a new manifest."),
    ),
    Why.MANIFEST_EMPTY: (
        N_("Manifest {manifest} has nothing on it."),
        N_("Scan the parcels that the courier takes."),
    ),
    Why.PARCEL_MISSING: (
        N_("Parcel {parcel} of {order} is not on manifest {manifest}."),
        N_("Scan it, or take {order} off the manifest."),
    ),
    Why.OWN_FINDING: (
        N_("{person} reported this, so somebody else has to count {sku}."),
        N_("Ask a colleague to count it."),
    ),
    Why.OWN_RECEIPT: (
        N_("{person} took this return, so somebody else has to release it for sale."),
        N_("Ask the store lead."),
    ),
    Why.OWN_COUNT: (
        N_("{person} counted {item} ({sku}), and the difference is above what one person may book."),
        N_("Ask a store lead who did not count it to confirm, or have it counted again."),
    ),
    Why.NO_VARIANCE: (
        N_("No difference of {item} ({sku}) is waiting any more."),
        N_("Go back to the list. Somebody confirmed it or counted it again."),
    ),
    Why.UNKNOWN_SHEET: (
        N_("This count is closed, or not known here."),
        N_("Go back to the list of counts."),
    ),
    Why.COUNT_GOES_ON: (
        N_("A full count is open already: {name}."),
        N_("Join it, or close it before you begin another."),
    ),
    Why.NOT_IN_COUNT: (
        N_("{item} ({sku}) belongs to shelf {shelf}; this count is about {scope} only."),
        N_("Take it to its shelf, and leave it out here."),
    ),
    Why.AREA_FINISHED: (
        N_("{area} was finished. Nothing more can be entered there."),
        N_("Open the area again if something was forgotten."),
    ),
    Why.AREAS_OPEN: (
        N_("Not finished yet: {areas}."),
        N_("Close the count when every area is finished."),
    ),
    Why.GOODS_UNSEEN: (
        N_("{skus} items of the books were not seen in any area."),
        N_("Say whether there are none of them, or whether the books stay as they are."),
    ),
    Why.LESS_THAN_THERE: (
        N_("Only {there} of {sku} should be on the shelf, not {qty}."),
        N_("Count the shelf first if there are more."),
    ),
    Why.PROMISED: (
        N_("{item} ({sku}) is promised to {promised}."),
        N_("Offer another piece, or ask the store lead."),
    ),
    Why.NO_SHARE: (
        N_("The store may sell {share} of {item} ({sku}) by itself; {qty} are wanted."),
        N_("Offer another piece, or ask the store lead."),
    ),
    Why.NO_SUBSTITUTE: (
        N_("Nothing may come instead of {item} ({sku}) in order {order}."),
        N_("Say that it is missing; the centre finds it elsewhere or tells the shopper."),
    ),
    Why.NOT_LISTED: (
        N_("{found} ({found_sku}) is not among what the shopper takes instead of {item}."),
        N_("Take one of the list, or say that it is missing."),
    ),
    Why.CONSENT_WANTED: (
        N_("The shopper of order {order} wants to be asked first."),
        N_("Ask them, and write down who agreed."),
    ),
    Why.SALE_DIFFERS: (
        N_("Sale {sale} was booked before with other goods."),
        N_("Give this sale a number of its own."),
    ),
    Why.UNKNOWN_SALE: (
        N_("Sale {sale} with {sku} is not known in this store."),
        N_("Take it as a return without receipt, with the store lead."),
    ),
    Why.RETURN_TOO_MANY: (
        N_("Only {left} of {sku} can still come back for {order}."),
        N_("Check the order number and what came back before."),
    ),
    Why.NOTHING_TO_VOID: (
        N_("Sale {sale} is not booked in this store, so there is nothing to take back."),
        N_("Check the number, or send the sale first."),
    ),
    Why.ORDER_NOT_HERE: (
        N_("This store knows no order {order} whose goods could come back."),
        N_("Check the number. If it was bought elsewhere, say so and take the goods."),
    ),
    Why.UNKNOWN_RETURN: (
        N_("There is no return {return_id} with units to grade."),
        N_("Go back to the list of returns."),
    ),
    Why.UNKNOWN_NOTICE: (
        N_("This notice is not known here."),
        N_("Go back to the list of work."),
    ),
    Why.NO_PRINTER: (
        N_("This store has no printer for that."),
        N_("Write the code on the parcel by hand. Who looks after the store box can add a printer."),
    ),
    Why.NOTHING_TO_PRINT: (
        N_("What was to be printed is not here any more."),
        N_("Open the page again and look what is there now."),
    ),
    Why.START_CODE_UNKNOWN: (
        N_("{code} is not a code of this store for a new handheld."),
        N_("Check the letters, or ask the store lead for a new code: Menu, Handhelds, Add."),
    ),
    Why.START_CODE_USED: (
        N_("This code was used at {time}, for {name}. It works once."),
        N_("Ask the store lead for a new code. If nobody here used it, tell the lead."),
    ),
    Why.START_CODE_OVER: (
        N_("This code has ended: it worked until {time}, or too many wrong ones were tried."),
        N_("Ask the store lead for a new code. It works for ten minutes."),
    ),
    Why.START_CODE_ELSEWHERE: (
        N_("This code is for store {place}. This page belongs to store {store}."),
        N_("Join the network of your store, and scan the code again."),
    ),
    Why.HANDHELD_ENDED: (
        N_("This handheld ({device}) was reported lost or given away. Nobody can sign in on it."),
        N_("Give it to the store lead: a new code sets it up again."),
    ),
    Why.HANDHELD_NOT_LISTED: (
        N_("This device is not a handheld of the store yet."),
        N_("Ask the store lead for a code: Menu, Handhelds, Add. Then open /start here."),
    ),
    Why.ORDER_DIFFERS: (
        N_("Order {external_id} was placed before with other content."),
        N_("Give a new order an id of its own."),
    ),
    Why.UNKNOWN_ORDER: (
        N_("There is no order {order}."),
        N_("Check the order number."),
    ),
    Why.BAD_INPUT: (
        N_("{problem}"),
        N_("Correct the input and send it again."),
    ),
}


class _Blank(dict[str, Any]):
    """A fact that is missing shows a dash instead of breaking the sentence."""

    def __missing__(self, key: str) -> str:
        return "–"


@dataclass(frozen=True)
class Refusal:
    reason: Why
    facts: dict[str, Any] = field(default_factory=dict)

    def sentence(self, translate: Translate) -> str:
        """What the rules say, with the facts."""
        return say(TEXTS[self.reason][0], self.facts, translate)

    def next_step(self, translate: Translate) -> str:
        """What to do now."""
        return say(TEXTS[self.reason][1], self.facts, translate)


def say(text: str, facts: dict[str, Any], translate: Translate) -> str:
    """A message id with its facts filled in, in the translator's language."""
    return translate(text).format_map(_Blank({key: _shown(v, translate) for key, v in facts.items()}))


def _shown(value: Any, translate: Translate) -> Any:
    if isinstance(value, dict):
        if "say" in value:
            return say(value["say"], value, translate) if len(value) > 1 else translate(value["say"])
        lang = getattr(translate, "lang", "en")
        return value.get(lang) or value.get("en") or next(iter(value.values()), "–")
    if isinstance(value, list | tuple):
        return ", ".join(str(_shown(part, translate)) for part in value)
    return value if value != "" else "–"


class Refused(Exception):
    """Carries a refusal to the edge of a command or request. Leaves no effect behind."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason}: {refusal.facts}")
        self.refusal = refusal


def refuse(why: Why, **facts: Any) -> Refused:
    return Refused(Refusal(why, facts))
