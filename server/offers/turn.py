"""Turns: offering a fulfilment order to a store, ending that, and finding the next one.

A fence grows with every assignment, in the same transaction as the change of
reservation and the decisions to both stores. An offer that nobody accepted ends at
once and its units are free at once. What a store owns is asked back: it stays the
store's until it says it has taken the withdrawal, or until `owner_until`.
"""

from __future__ import annotations

import json
from typing import Any

from server.db import Tx
from server.link.decide import decide
from server.offers.room import make_room
from server.offers.rows import (
    STANDS_IN_FOR,
    PartRow,
    TurnRow,
    lines_of,
    next_fence,
    part_of,
    state_when_over,
    turn_of,
)
from server.orders import parts
from server.outbox.events import happened
from server.policy.read import policy
from server.routing.choice import Need, Plan, Share, Wish, vector_of
from server.routing.map import map_of
from server.stock import book
from server.stock.cause import Cause
from server.stock.rebalance import ANSWER_MS, pull
from server.views import quota
from sync.rules.refusals import Why, refuse
from sync.texts import N_
from sync.wire import decisions as d

NOT_AGAIN = frozenset({"lapsed", "declined", "reassigned", "hold_over", "restored"})
"""Reasons after which a store is not asked again for this order."""

STORE_SAID_SO = frozenset({"declined", "short"})
"""Reasons that came from the store itself: it needs no withdrawal to know."""


def route(tx: Tx, fo: str, now: int) -> int:
    """Find a store (or, as last resort, several) and offer; the first fence, or 0 when it waits now."""
    part = part_of(tx, fo)
    if part.state in ("released", "cancelled"):
        return 0
    needs = parts.open_needs(tx, fo)
    if not needs:
        parts.cancel_part(tx, fo, now)
        parts.settle_order(tx, part.order_no, now)
        return 0
    excluded = _excluded(tx, part)
    # A store without a line is asked like any other the first time (its pool is promised all the same).
    # Once somebody has let it lapse, those who can hear come first: a dead region must not play ping-pong.
    down = _down(tx) if part.attempts else frozenset()
    return route_part(tx, part, needs, now, excluded=excluded, down=down)


def route_part(
    tx: Tx,
    part: PartRow,
    needs: tuple[Need, ...],
    now: int,
    *,
    excluded: frozenset[str] = frozenset(),
    down: frozenset[str] = frozenset(),
) -> int:
    """The same for a part already read; a new order comes in here and asks the database nothing."""
    if part.kind == "pickup" and part.pickup_store not in excluded:
        make_room(tx, part, needs, now)
    wish = _wish(tx, part, needs, excluded, down)
    for _ in range(2):
        plan = _plan(tx, wish, now)
        if not plan.shares:
            break
        fence = _carry_out(tx, part, plan, now, excluded)
        if fence:
            return fence
        # The map was behind the tables (a rollback): read again and choose once more.
        _read_again(tx, wish)
    if part.kind == "pickup" and part.pickup_store in excluded:
        parts.to_person(tx, part.fo, "pickup_stuck", now, order_no=part.order_no, store=part.pickup_store)
    else:
        _wait(tx, part, part.fo, now, excluded, first=not _has_case(tx, part.order_no, part.fo))
    return 0


def assign(
    tx: Tx, fo: str, store: str, now: int, *, distance_m: int = 0, opens_at: int = 0, answers: str = ""
) -> int:
    """Offer to this store under a new fence; 0 when its pool has not got the units any more.

    `answers`: the command of that store which called for it.
    """
    part = part_of(tx, fo)
    lines = tx.execute(
        "SELECT fl.line, fl.order_line, fl.sellable, fl.sku, fl.qty - fl.released - fl.cancelled AS qty,"
        " coalesce(missing.sellable, '') AS instead_of, own.substitutes"
        f" FROM fulfilment_line fl{STANDS_IN_FOR}"
        " WHERE fl.fo = ?1 AND fl.qty > fl.released + fl.cancelled ORDER BY fl.line",
        (fo, part.order_no),
    ).fetchall()
    assert lines, f"{fo} has nothing to offer"
    assert not part.fence, f"{fo} is under fence {part.fence} already"
    fence = next_fence(tx)
    if not book.promise(tx, store, [(row["sku"], row["qty"]) for row in lines], fence=fence, now=now):
        return 0
    attempt = part.attempts + 1
    accept_by = max(now, opens_at) + policy(tx, "accept_s", part.channel, part.kind) * 1000
    tx.execute(
        "INSERT INTO assignment (fence, fo, store, attempt, offered_at, accept_by, distance_m)"
        " VALUES (?,?,?,?,?,?,?)",
        (fence, fo, store, attempt, now, accept_by, distance_m),
    )
    tx.executemany(
        "INSERT INTO assignment_line (fence, line, sku, qty, reserved) VALUES (?,?,?,?,?)",
        [(fence, row["line"], row["sku"], row["qty"], row["qty"]) for row in lines],
    )
    tx.execute(
        "UPDATE fulfilment_order SET state = 'offered', fence = ?, store = ?, attempts = ?, next_try_at = 0"
        " WHERE fo = ?",
        (fence, store, attempt, fo),
    )
    pickup, shipment = part.kind == "pickup", part.kind != "pickup"
    decide(
        tx,
        store,
        d.Offered(
            fo=fo,
            order=part.order_no,
            kind=part.kind,
            accept_by=accept_by,
            lines=tuple(
                d.OfferLine(
                    row["line"],
                    row["sku"],
                    row["qty"],
                    row["order_line"],
                    row["sellable"],
                    row["instead_of"],
                    tuple(json.loads(row["substitutes"] or "[]")),
                )
                for row in lines
            ),
            promised_by=part.promised_by,
            channel=part.channel,
            shopper=masked(part.name),
            phone_tail=part.phone[-4:],
            code_salt=part.code_salt if pickup else "",
            code_hash=part.code_hash if pickup else "",
            address=part.address if shipment else "",
            note=part.note,
            attempt=attempt,
            substitution=part.substitution,
            answers=answers,
        ),
        at=now,
        fence=fence,
    )
    map_of(tx).count_offer(store, now)
    if not part.attempts:
        quota.promised_first(tx, fo, part.channel, [row["sku"] for row in lines], now)
    told = {"accept_by": accept_by, "attempt": attempt}
    common: dict[str, Any] = {"at": now, "store": store, "order_no": part.order_no, "fo": fo, "fence": fence}
    happened(tx, "offered", **common, channel=part.channel, data=told)
    if attempt > 1:
        happened(tx, "reassigned", **common, channel=part.channel)
    if pickup and store != part.pickup_store:
        happened(tx, "moved", **common, channel=part.channel, data={"from": part.pickup_store})
    return fence


def end_turn(
    tx: Tx,
    fence: int,
    reason: str,
    now: int,
    *,
    person: str = "",
    again: bool = True,
    cause: Cause | None = None,
) -> int:
    """End a turn, or ask it back from a store that owns it. The next fence, or 0.

    `cause`: the fact that made it so, where it was one of the goods and not of this turn; it is kept
    with the units that become free.
    """
    turn = turn_of(tx, fence)
    if turn is None or turn.ended_at:
        return 0
    if turn.owned and reason not in STORE_SAID_SO:
        ask_back(tx, turn, reason, now)
        return 0
    return finish(tx, turn, reason, now, person=person, again=again, cause=cause)


def ask_back(tx: Tx, turn: TurnRow, reason: str, now: int) -> None:
    """Request a withdrawal. Nothing is free and nothing is refunded before the store has taken it."""
    if turn.withdraw_requested_at:
        if reason == "cancelled" and turn.ended_reason != reason:  # a cancellation outweighs the rest
            tx.execute("UPDATE assignment SET ended_reason = ? WHERE fence = ?", (reason, turn.fence))
        return
    tx.execute(
        "UPDATE assignment SET withdraw_requested_at = ?, ended_reason = ? WHERE fence = ?",
        (now, reason, turn.fence),
    )
    decide(tx, turn.store, d.Withdrawn(reason), at=now, fence=turn.fence)
    tx.touched.add("board")


def finish(
    tx: Tx,
    turn: TurnRow,
    reason: str,
    now: int,
    *,
    person: str = "",
    again: bool = True,
    tell: bool | None = None,
    cause: Cause | None = None,
) -> int:
    """The turn is over. Units not in anybody's hands are free; what was picked stays reserved
    until it is put back. Then the next store, and the decision to the old one says who has it now.
    """
    in_hand = free_what_is_not_in_hand(tx, turn, now, cause)
    tx.execute(
        "UPDATE assignment SET state = ?, ownership = 'ended', ended_at = ?, ended_reason = ?"
        " WHERE fence = ?",
        (state_when_over(turn.state, in_hand, declined=reason == "declined"), now, reason, turn.fence),
    )
    if not turn.owned:
        map_of(tx).count_offer(turn.store, now, -1)
    if reason in NOT_AGAIN:
        exclude(tx, turn.fo, turn.store, reason, now)
    word = {"lapsed": "lapsed", "declined": "declined", "no_show": "no_show"}.get(reason)
    if word:
        happened(
            tx,
            word,
            at=now,
            store=turn.store,
            order_no=turn.order_no,
            fo=turn.fo,
            fence=turn.fence,
            person=person,
            channel=turn.channel,
        )
    new = 0
    if turn.fo_fence == turn.fence and turn.fo_state not in ("released", "cancelled"):
        tx.execute(
            "UPDATE fulfilment_order SET state = 'waiting', fence = 0, store = '' WHERE fo = ?", (turn.fo,)
        )
        if again:
            new = _again(tx, turn, now)
    if tell if tell is not None else reason not in STORE_SAID_SO:
        tell_withdrawn(tx, turn, reason, now)
    tx.touched.add("board")
    return new


def free_what_is_not_in_hand(tx: Tx, turn: TurnRow, now: int, cause: Cause | None = None) -> int:
    """Units that nobody has in hand are free at once. Returns the units that have to go back."""
    in_hand = 0
    for line in lines_of(tx, turn.fence).values():
        keep = min(line.reserved, line.in_hand)
        if line.reserved > keep:
            left = line.reserved - keep
            book.free(tx, turn.store, line.sku, left, fence=turn.fence, now=now, cause=cause)
            tx.execute(
                "UPDATE assignment_line SET reserved = ? WHERE fence = ? AND line = ?",
                (keep, turn.fence, line.line),
            )
        in_hand += line.in_hand
    return in_hand


def tell_withdrawn(tx: Tx, turn: TurnRow, reason: str, now: int) -> None:
    """Say who has it now, since when. Told again when a late acceptance shows that they have not heard."""
    row = tx.execute(
        "SELECT a.store, a.accepted_at, s.name_en FROM fulfilment_order f"
        " JOIN assignment a ON a.fence = f.fence JOIN store s ON s.code = a.store"
        " WHERE f.fo = ? AND f.fence <> ?",
        (turn.fo, turn.fence),
    ).fetchone()
    body = d.Withdrawn(reason) if row is None else d.Withdrawn(reason, row[0], row[2], row[1])
    decide(tx, turn.store, body, at=now, fence=turn.fence)


def exclude(tx: Tx, fo: str, store: str, reason: str, now: int) -> None:
    tx.execute(
        "INSERT INTO excluded (fo, store, reason, at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING",
        (fo, store, reason, now),
    )


def hand_to(tx: Tx, fo: str, store: str, now: int, *, person: str) -> int:
    """A person chooses the store. Overrules exclusions, caps and pauses, never the pool."""
    try:
        part = part_of(tx, fo)
    except KeyError:
        raise refuse(Why.UNKNOWN_ORDER, order=fo) from None
    if store not in map_of(tx).stores:
        raise refuse(Why.UNKNOWN_STORE, store=store)
    if part.state not in ("waiting", "person"):
        raise refuse(Why.NOT_NOW, fo=fo, state=part.state)
    fence = assign(tx, fo, store, now)
    if not fence:
        problem = N_("{store} has not got what {fo} needs.")
        raise refuse(Why.BAD_INPUT, problem={"say": problem, "store": store, "fo": fo})
    parts.found_store(tx, fo, now)
    tx.execute("UPDATE assignment SET person = ? WHERE fence = ?", (person, fence))
    return fence


def masked(name: str) -> str:
    """The least that staff need to call somebody: `L. Wang`, `王*`."""
    words = name.split()
    if not words:
        return ""
    if len(words) == 1:
        return words[0][0] + "*" * min(len(words[0]) - 1, 2)
    return f"{words[0][0]}. {words[-1]}"


def _again(tx: Tx, turn: TurnRow, now: int) -> int:
    if turn.cancelling:
        parts.cancel_part(tx, turn.fo, now)
        parts.settle_order(tx, turn.order_no, now)
        return 0
    if turn.attempt >= policy(tx, "max_attempts", turn.channel, turn.kind):
        parts.to_person(tx, turn.fo, "too_many_attempts", now, order_no=turn.order_no)
        return 0
    return route(tx, turn.fo, now)


def _excluded(tx: Tx, part: PartRow) -> frozenset[str]:
    """Stores that declined a part of this order or let it lapse; a short excludes for its own units only."""
    return frozenset(
        row[0]
        for row in tx.execute(
            "SELECT e.store FROM excluded e JOIN fulfilment_order f ON f.fo = e.fo"
            " WHERE f.order_no = ? AND (e.reason <> 'short' OR e.fo = ?)",
            (part.order_no, part.fo),
        )
    )


def may_go_elsewhere(tx: Tx, part: PartRow, needs: tuple[Need, ...], now: int, store: str) -> bool:
    """Whether one other store could do all of it now."""
    plan = _plan(tx, _wish(tx, part, needs, _excluded(tx, part) | {store}, _down(tx)), now)
    return len(plan.shares) == 1 and not plan.missing


def _wish(
    tx: Tx, part: PartRow, needs: tuple[Need, ...], excluded: frozenset[str], down: frozenset[str]
) -> Wish:
    channel, kind = part.channel, part.kind
    return Wish(
        kind=kind,
        needs=needs,
        at=vector_of(part.lat, part.lon),
        pickup_store=part.pickup_store,
        excluded=excluded,
        down=down,
        may_move_m=policy(tx, "may_move_km", channel, kind) * 1000,
        margin_m=policy(tx, "ship_margin_km", channel, kind) * 1000,
        may_split=bool(policy(tx, "may_split", channel, kind)),
        max_parts=policy(tx, "max_parts", channel, kind),
        partial=kind != "pickup" or bool(policy(tx, "pickup_partial", channel, kind)),
        channel=channel,
        again=part.attempts > 0,
    )


def _down(tx: Tx) -> frozenset[str]:
    return frozenset(row[0] for row in tx.execute("SELECT store FROM store_session WHERE closed_at > 0"))


def _plan(tx: Tx, wish: Wish, now: int) -> Plan:
    plan = map_of(tx).choose(wish, now)
    if plan.missing or len(plan.shares) > 1:
        # Before an order is split or called unroutable, the tables are asked, not only the memory.
        _read_again(tx, wish)
        plan = map_of(tx).choose(wish, now)
    return plan


def _read_again(tx: Tx, wish: Wish) -> None:
    pools = map_of(tx)
    for sku in {need.sku for need in wish.needs}:
        pools.read_again(sku)


def _carry_out(tx: Tx, part: PartRow, plan: Plan, now: int, excluded: frozenset[str]) -> int:
    """The first share stays in this fulfilment order, the others and what is missing get their own.

    Who declined the whole is not asked to give units for a part of it either.
    """
    first, rest = plan.shares[0], plan.shares[1:]
    others: list[tuple[str, Share]] = [(parts.split_off(tx, part.fo, one.lines, now), one) for one in rest]
    lacking = parts.split_off(tx, part.fo, plan.missing, now) if plan.missing else ""
    fence = assign(tx, part.fo, first.store, now, distance_m=first.distance_m, opens_at=first.opens_at)
    if fence and part.next_try_at:
        parts.found_store(tx, part.fo, now)
    for fo, one in others:
        # The tables were read just now inside this transaction, so the promise holds; if not, it waits.
        if not assign(tx, fo, one.store, now, distance_m=one.distance_m, opens_at=one.opens_at):
            _wait(tx, part, fo, now, excluded, first=True)
    if lacking:
        _wait(tx, part, lacking, now, excluded, first=True)
    return fence


def _wait(tx: Tx, part: PartRow, fo: str, now: int, excluded: frozenset[str], *, first: bool) -> None:
    """Nobody's pool has it: ask connected stores for units of their share, and wait.

    While they are asked nobody is told that there is nothing; they answer within a second or not at all.
    """
    needs: dict[str, int] = {}
    for need in parts.open_needs(tx, fo):
        needs[need.sku] = needs.get(need.sku, 0) + need.qty
    for sku in list(needs):
        # A store gives in vain what a view then hides: what its pool keeps back is asked on top.
        kept_back = map_of(tx).kept_back(part.channel, sku, now)
        if kept_back is None and not part.attempts:
            del needs[sku]
        else:
            needs[sku] += kept_back or 0
    only = part.pickup_store if part.kind == "pickup" else ""
    asked = pull(tx, list(needs.items()), now, only=only, excluded=excluded)
    parts.let_wait(
        tx,
        fo,
        now,
        channel=part.channel,
        kind=part.kind,
        order_no=part.order_no,
        first=first and not asked,
    )
    if asked:
        tx.execute("UPDATE fulfilment_order SET next_try_at = ? WHERE fo = ?", (now + ANSWER_MS, fo))


def _has_case(tx: Tx, order_no: str, fo: str) -> bool:
    return (
        tx.execute(
            "SELECT 1 FROM open_case WHERE order_no = ? AND fo = ? AND state = 'open' AND kind IN (?,?,?)",
            (order_no, fo, *parts.ROUTING_CASES),
        ).fetchone()
        is not None
    )


__all__ = [
    "ask_back", "assign", "end_turn", "exclude", "finish", "free_what_is_not_in_hand", "hand_to",
    "masked", "may_go_elsewhere", "route", "route_part", "tell_withdrawn",
]  # fmt: skip
