"""The kinds of cases: the sentence a person reads, and the remedies they may choose from.

Sentences are gettext message ids with named places for facts; `sync.texts` translates them. Other
rooms open cases of these kinds by name; a kind that is missing here still shows its facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.texts import N_


@dataclass(frozen=True)
class CaseKind:
    sentence: str
    remedies: tuple[str, ...]
    """Codes of REMEDIES, the suggested one first."""


REMEDIES: dict[str, str] = {
    "count": N_("Count this item at {store}."),
    "call_store": N_("Call {store} and ask what happened."),
    "contact_shopper": N_("Contact the shopper and agree what to do."),
    "refund": N_("Refund the shopper and close."),
    "refuse_refund": N_("Refuse the refund until both returns have been looked at."),
    "reassign": N_("Choose another store by hand."),
    "move_stock": N_("Send stock from another store, then close."),
    "upgrade": N_("Update the program at the centre; the fact is tried again then."),
    "upgrade_store": N_("Update the program at {store}; it goes on from there by itself."),
    "load_catalogue": N_("Add the item to the catalogue; the fact is tried again then."),
    "check_node": N_("Check the store's box and its key; ask security if nobody can explain it."),
    "choose_replica": N_("Find out which box is the store's own and close the other."),
    "look": N_("Look at the facts below and close the case with what you found."),
    "rebase": N_("Have the store start from a fresh snapshot."),
    "go_without": N_("Go on without {store}: what waits for it is decided as if it had nothing to tell."),
}

KINDS: dict[str, CaseKind] = {
    "released_twice": CaseKind(
        N_("{order_no} left two stores. {store} released it under an old assignment."),
        ("contact_shopper", "call_store", "count"),
    ),
    "released_stale": CaseKind(
        N_("{store} released {fo} after its turn was over. The newer assignment was withdrawn."),
        ("contact_shopper", "call_store"),
    ),
    "forced_release": CaseKind(
        N_("{store} released {fo} by a supervisor's override."),
        ("call_store", "look"),
    ),
    "unroutable": CaseKind(
        N_("No store can do {fo} of {order_no} now."),
        ("reassign", "move_stock", "contact_shopper", "refund"),
    ),
    "too_many_attempts": CaseKind(
        N_("{fo} was offered again and again and nobody took it."),
        ("reassign", "contact_shopper", "refund"),
    ),
    "pickup_stuck": CaseKind(
        N_("The pickup {fo} cannot be done at {store}, where the shopper wants it, and may not move."),
        ("contact_shopper", "reassign", "refund"),
    ),
    "released_cancelled": CaseKind(
        N_("{store} released {fo} although {order_no} was cancelled. The goods are with the shopper."),
        ("contact_shopper", "call_store"),
    ),
    "store_silent": CaseKind(
        N_("{store} still holds {fo} of {order_no} past its time and has not been heard since."),
        ("call_store", "contact_shopper"),
    ),
    "unheard_store": CaseKind(
        N_(
            "{store} has not been heard since the centre was put back from a backup. In the time that was"
            " lost it may have been given orders that other stores have now: {waiting} wait for its word."
        ),
        ("call_store", "go_without"),
    ),
    "no_show": CaseKind(
        N_("{order_no} was not collected within its hold."),
        ("contact_shopper", "refund"),
    ),
    "parked_fact": CaseKind(
        N_("A fact from {store} could not be understood ({kind}: {reason}). It is kept and waits."),
        ("upgrade", "look"),
    ),
    "unknown_sku": CaseKind(
        N_("{store} reported {kind} for {sku}, which the catalogue does not know. The fact waits."),
        ("load_catalogue", "call_store"),
    ),
    "till_unclear": CaseKind(
        N_("A till of {store} tells of {qty} of {code} that cannot be booked ({reason}; its row {row})."),
        ("load_catalogue", "call_store", "count"),
    ),
    "till_return": CaseKind(
        N_("{store} took back {qty} of {sku} at the till, and its sale does not say so ({sale}: {doubt})."),
        ("look", "call_store"),
    ),
    "forged_fact": CaseKind(
        N_("{store} reported {kind} under an assignment of {owner}. The fact is kept and changes nothing."),
        ("check_node", "call_store"),
    ),
    "unknown_fence": CaseKind(
        N_("{store} reported {kind} under an assignment that the centre does not know."),
        ("call_store", "count"),
    ),
    "beyond_rights": CaseKind(
        N_("{store} reported {kind} of {sku} beyond what it had a right to, by {qty}."),
        ("count", "call_store", "check_node"),
    ),
    "debt": CaseKind(
        N_("{store} owes {qty} of {sku}: units left beyond their rights and no open offer could be moved."),
        ("move_stock", "count", "contact_shopper"),
    ),
    "over_returned": CaseKind(
        N_("{returned} of {sku} came back for {order_no}; {sold} were sold. The goods are in a hold."),
        ("refuse_refund", "call_store", "look"),
    ),
    "unknown_order_return": CaseKind(
        N_("{store} took back {qty} of {sku} for order {order_no}, which is not known here."),
        ("look", "call_store"),
    ),
    "over_graded": CaseKind(
        N_("{store} graded {qty} of {sku} that no hold here accounts for."),
        ("count", "look"),
    ),
    "transfer_difference": CaseKind(
        N_("Transfer {transfer}: {sent} of {sku} were sent, {received} were received."),
        ("call_store", "count"),
    ),
    "transfer_short": CaseKind(
        N_("Transfer {transfer} from {sender} to {store}: {sent} of {sku} were sent, {received} arrived."),
        ("call_store", "count", "look"),
    ),
    "unknown_place": CaseKind(
        N_("{store} sent {qty} of {sku} to {to}, which is no store or warehouse here (transfer {transfer})."),
        ("call_store", "look"),
    ),
    "digest": CaseKind(
        N_("{store} and the centre do not agree about {bucket} at the same position."),
        ("rebase", "call_store"),
    ),
    "other_bytes": CaseKind(
        N_("{store} sent other contents under a number that was already taken. Its facts are held."),
        ("choose_replica", "call_store"),
    ),
    "two_replicas": CaseKind(
        N_("Two boxes say they are {store}. One was refused."),
        ("choose_replica", "call_store"),
    ),
    "replica_replaced": CaseKind(
        N_(
            "{store} started with an empty database in place of the one known here. Facts up to number"
            " {applied} had arrived, {unsent} more were known to wait. Its goods need counting."
        ),
        ("count", "call_store"),
    ),
    "centre_restored": CaseKind(
        N_("{store} knows more than the centre, which was restored from a backup. It is sending it again."),
        ("look",),
    ),
    "facts_missing": CaseKind(
        N_(
            "{store} has forgotten facts up to {upto} that the centre does not have. It is held. If no newer"
            " backup of the centre can be put back, let the box go on: its goods will be counted first."
        ),
        ("look", "choose_replica", "call_store"),
    ),
    "facts_lost": CaseKind(
        N_("{store} goes on without its facts {from} to {upto}, which nobody has. Its goods need counting."),
        ("count", "call_store"),
    ),
    "held_lane": CaseKind(
        N_("{store} cannot apply a message of the centre ({kind}: {reason}). That lane waits."),
        ("upgrade_store", "call_store"),
    ),
    "restored_copy": CaseKind(
        N_(
            "{store} came back with an older copy of its database. Facts up to number {upto} had arrived;"
            " what it did after them is lost. Its goods need counting."
        ),
        ("count", "call_store"),
    ),
}


OUTCOMES: dict[str, str] = {
    "applied": N_("The facts were applied."),
    "routed": N_("A store was found."),
    "reassigned": N_("Another store was chosen."),
    "escalated": N_("It went on as another case."),
    "cancelled": N_("The order was cancelled."),
    "order_over": N_("The order came to its end."),
    "paid": N_("The debt was paid."),
    "arrived": N_("The rest arrived."),
    "counted": N_("It was counted."),
    "booked": N_("The store has booked it."),
    "went_on": N_("The box goes on; what only it has is taken."),
    "rebased": N_("The store starts from a fresh snapshot."),
    "heard": N_("The store was heard."),
    "went_without": N_("It was decided without waiting for the store."),
}
"""Outcomes that the system writes; a person's are in their own words."""


def outcome(case: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    known = OUTCOMES.get(case["outcome"])
    return translate(known) if known else str(case["outcome"])


def sentence(case: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    """What happened, in the reader's language. `case` is a row of open_case."""
    kind = KINDS.get(case["kind"])
    if kind is None:
        return translate(N_("Something needs a person: {kind}.")).format(kind=case["kind"])
    return _filled(kind.sentence, case, translate)


def remedies(case: Mapping[str, Any], translate: Callable[[str], str]) -> list[tuple[str, str]]:
    """Codes and sentences of what may be done, the suggested one first."""
    kind = KINDS.get(case["kind"])
    codes = list(kind.remedies) if kind else ["look"]
    chosen = case["remedy"]
    if chosen in REMEDIES:
        codes = [chosen] + [code for code in codes if code != chosen]
    return [(code, _filled(REMEDIES[code], case, translate)) for code in codes]


class _Facts(dict[str, Any]):
    """A sentence with a fact missing is better than no sentence."""

    def __missing__(self, key: str) -> str:
        return "?"


def _filled(text: str, case: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    facts = _Facts(json.loads(case["params"] or "{}"))
    for key in ("store", "order_no", "fo", "sku", "fence"):
        # The store as the reader knows it, by name: a case's own params have its code.
        if case[key] and (key == "store" or key not in facts):
            facts[key] = case[key]
    return translate(text).format_map(facts)
