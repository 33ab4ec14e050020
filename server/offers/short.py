"""Declines and shorts: why a store cannot, and what follows for stock, routing and the shopper.

One catalogue of reasons (sync.rules.reasons, docs/glossary.md) says it all; here is
only what the centre does about each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.offers import returning, turn
from server.offers.mirror import LATE, finish_picking, step, tell
from server.offers.rows import LineRow, TurnRow, lines_of, part_of, turn_of
from server.orders import parts
from server.routing.map import leave_out
from server.stock import book
from server.stores.pause import pause
from sync.rules.reasons import REASONS, Reason
from sync.rules.states import Step
from sync.rules.stock import Move
from sync.wire import facts as f

GONE_ELSEWHERE = frozenset({"damaged", "sold_to_walk_in", "label_mismatch"})
"""Reasons by which the units left the good stock; by the others they are thought to be still there."""
NO_MORE_HERE = frozenset({"not_found", "sold_to_walk_in"})
"""Reasons that speak for the whole shelf: who is short here found no other unit either."""
UNKNOWN = Reason("", "", True, True, leaves_store_out_h=0)


def declined(tx: Tx, source: Source, row: TurnRow, body: f.Declined) -> Verdict:
    """The store says no. Its reason speaks of a SKU, of its people, or of the shopper."""
    now, person = source.now, source.fact.person
    reason = REASONS.get(body.reason, UNKNOWN)
    lines = lines_of(tx, row.fence).values()
    skus = {line.sku for line in lines}
    named = body.sku if body.sku in skus else next(iter(skus)) if len(skus) == 1 else ""
    if named:
        _blame(tx, source, row, named, reason)
    tx.execute("UPDATE assignment SET person = ? WHERE fence = ?", (person, row.fence))
    if row.current:
        cancelled = body.reason == "shopper_cancelled"
        turn.finish(tx, row, "declined", now, person=person, again=not cancelled)
        if cancelled:
            parts.cancel_part(tx, row.fo, now)
            parts.settle_order(tx, row.order_no, now)
        verdict = APPLIED
    else:
        tx.execute("UPDATE assignment SET state = 'declined' WHERE fence = ?", (row.fence,))
        returning.rest(tx, row, source)
        verdict = LATE
    if reason.pauses_store:
        _close_doors(tx, row.store, body.reason, now, person)
    return verdict


def shorted(tx: Tx, source: Source, row: TurnRow, body: f.Shorted) -> Verdict:
    """Units of a line that this store cannot bring. They become a fulfilment order of their own."""
    lines = lines_of(tx, row.fence)
    line = lines.get(body.line)
    if line is None:
        return Verdict("stale", "unknown_line")
    reason = REASONS.get(body.reason, UNKNOWN)
    # Before the reservation is lifted, so that what nobody finds is not promised again at once.
    _blame(tx, source, row, line.sku, reason)
    _off_the_books(tx, source, row, line, body)
    tx.execute(
        "UPDATE assignment_line SET short = short + ? WHERE fence = ? AND line = ?",
        (body.qty, row.fence, body.line),
    )
    told = {"line": body.line, "sku": line.sku, "qty": body.qty, "reason": body.reason}
    tell(tx, source, row, "short_picked", told, notify=row.current)
    fresh = turn_of(tx, row.fence)
    assert fresh is not None
    if not fresh.current:
        returning.rest(tx, fresh, source)
        verdict = LATE
    else:
        step(tx, fresh, Step.SHORT, person=source.fact.person)
        _bring_it_elsewhere(tx, source, fresh, body)
        verdict = APPLIED
    if body.reason in NO_MORE_HERE:
        _move_offers(tx, row.store, source.now, sku=line.sku)
    return verdict


def _off_the_books(tx: Tx, source: Source, row: TurnRow, line: LineRow, body: f.Shorted) -> None:
    """The reservation of these units ends; by some reasons they also left the good stock."""
    store, sku, now, cause = row.store, line.sku, source.now, source.cause(body.reason)
    # A turn that is over holds only what is in hand; a short beside that has no reservation to end.
    in_hand = replace(line, short=line.short + body.qty).in_hand
    reserved = min(body.qty, max(0, line.reserved - in_hand))
    rest = body.qty - reserved
    damaged = body.reason == "damaged"
    if body.reason in GONE_ELSEWHERE:
        if reserved:
            book.consume(
                tx, store, sku, reserved, fence=row.fence, now=now, cause=cause, damaged=damaged * reserved
            )
        if rest:  # an old turn, whose units are free or promised to others by now
            book.apply_moves(tx, store, [Move(sku, on_hand=-rest, damaged=damaged * rest)], cause)
    elif reserved:
        book.free(tx, store, sku, reserved, fence=row.fence, now=now, cause=cause)
    if body.instead and body.reason == "label_mismatch":
        # What it really is joins the centre's pool: nobody here had a right to it.
        book.apply_moves(tx, store, [Move(body.instead, on_hand=body.qty)], cause)
    tx.execute(
        "UPDATE assignment_line SET reserved = reserved - ? WHERE fence = ? AND line = ?",
        (reserved, row.fence, body.line),
    )


def _bring_it_elsewhere(tx: Tx, source: Source, row: TurnRow, body: f.Shorted) -> None:
    now = source.now
    left = tx.execute(
        "SELECT qty - released - cancelled FROM fulfilment_line WHERE fo = ? AND line = ?",
        (row.fo, body.line),
    ).fetchone()
    qty = min(body.qty, left[0] if left else 0)
    if qty > 0 and (row.cancelling or body.reason == "shopper_cancelled"):
        tx.execute(
            "UPDATE fulfilment_line SET cancelled = cancelled + ? WHERE fo = ? AND line = ?",
            (qty, row.fo, body.line),
        )
    elif qty > 0 and _agreed(tx, row, body):
        _bring_another(tx, source, row, body, qty)
    elif qty > 0:
        fo = parts.split_off(tx, row.fo, [(body.line, qty)], now)
        turn.exclude(tx, fo, row.store, "short", now)
        turn.route(tx, fo, now)
    now_row = turn_of(tx, row.fence)
    if now_row is None or not now_row.current:
        return
    if any(line.qty > line.short for line in lines_of(tx, row.fence).values()):
        finish_picking(tx, source, now_row)
    else:  # everything short: nothing is left to do here, and nothing to put back
        turn.finish(tx, now_row, "short", now, again=False)
        parts.cancel_part(tx, row.fo, now)
        parts.settle_order(tx, row.order_no, now)


def _agreed(tx: Tx, row: TurnRow, body: f.Shorted) -> bool:
    """Whether the shopper takes what the store offers instead: as the order says, not as the store says."""
    if not body.substitute:
        return False
    part = part_of(tx, row.fo)
    known = tx.execute("SELECT 1 FROM item WHERE sku = ?", (body.substitute,)).fetchone() is not None
    listed = tx.execute(
        "SELECT o.substitutes FROM fulfilment_line f JOIN shop_order_line o ON o.line = f.order_line"
        " WHERE f.fo = ? AND f.line = ? AND o.order_no = ? AND o.substitutes <> ''",
        (row.fo, body.line, row.order_no),
    ).fetchone()
    if listed is not None and body.substitute not in json.loads(listed[0]):
        return False
    asked = part.substitution == "ask" and body.consent == "asked" and bool(body.agreed_by)
    return known and (part.substitution == "allowed" or asked)


def _bring_another(tx: Tx, source: Source, row: TurnRow, body: f.Shorted, qty: int) -> None:
    """Another article stands in: a line and a part of the order like any other, first offered where it lies.

    So whatever may become of it (declined, withdrawn, put back, handed over, returned) goes by the rules of
    every part, and the store needs a turn of its own before it leaves.
    """
    order_line = tx.execute(
        "UPDATE fulfilment_line SET cancelled = cancelled + ? WHERE fo = ? AND line = ? RETURNING order_line",
        (qty, row.fo, body.line),
    ).fetchone()[0]
    fo = parts.stand_in(tx, row.order_no, order_line, body.substitute, qty, source.now)
    told = {"line": order_line, "substitute": body.substitute, "qty": qty, "consent": body.consent}
    told |= {"agreed_by": body.agreed_by, "asked_by": source.fact.person, "asked_at": source.fact.at}
    tell(tx, source, row, "substituted", told | {"part": fo}, notify=True)
    if not turn.assign(tx, fo, row.store, source.now, answers=source.fact.command):
        turn.route(tx, fo, source.now)


def _blame(tx: Tx, source: Source, row: TurnRow, sku: str, reason: Reason) -> None:
    store, now, person = row.store, source.now, source.fact.person
    if reason.suppresses_sku:
        # The store's own node asks for the count by itself, line or no line.
        book.suppress(tx, store, sku, reason=reason.code, now=now, not_by=person, ask_count=False)
    if reason.leaves_store_out_h:
        leave_out(tx, store, sku, now + reason.leaves_store_out_h * 3_600_000, reason.code)


def _close_doors(tx: Tx, store: str, reason: str, now: int, person: str) -> None:
    """The store closes: nothing new, and what it has not accepted goes to others."""
    pause(tx, store, True, reason, now=now, person=person)
    _move_offers(tx, store, now)


def _move_offers(tx: Tx, store: str, now: int, *, sku: str = "") -> None:
    """Other open offers here (of this SKU) that nobody accepted: they would be short or lapse as well."""
    fences: Iterable[int] = [
        fence
        for (fence,) in tx.execute(
            "SELECT DISTINCT a.fence FROM assignment a JOIN assignment_line l ON l.fence = a.fence"
            " WHERE a.store = ?1 AND a.ended_at = 0 AND a.ownership = 'none' AND (?2 = '' OR l.sku = ?2)"
            " ORDER BY a.fence DESC",
            (store, sku),
        ).fetchall()
    ]
    for fence in fences:
        turn.end_turn(tx, fence, "reassigned", now)
