"""Ownership begins: an acceptance is confirmed, and what has waited for the end of a doubt goes on.

The confirmation is what lets a store release. It is given with the acceptance itself, except after a restore
of this centre while another store may hold the same order under a lost turn (`doubt`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from server.cases.book import open_case
from server.db import Tx
from server.link.decide import decide
from server.offers import doubt, returning
from server.offers.rows import TurnRow, turn_of
from server.orders import parts
from server.outbox.events import happened
from server.policy.read import policy
from sync.rules.states import State
from sync.wire import decisions as d


def confirm(tx: Tx, turn: TurnRow, now: int) -> None:
    """The store owns it from here on: work and release are its own."""
    owner_until = own(tx, turn, now)
    decide(tx, turn.store, d.Confirmed(owner_until), at=now, fence=turn.fence)


def own(tx: Tx, turn: TurnRow, now: int) -> int:
    """The same without a word to the store, which knows it already. Until when it owns it."""
    owner_until = now + policy(tx, "hold_s", turn.channel, turn.kind) * 1000
    tx.execute(
        "UPDATE assignment SET ownership = 'confirmed', confirmed_at = ?, owner_until = ? WHERE fence = ?",
        (now, owner_until, turn.fence),
    )
    tx.execute("UPDATE fulfilment_order SET state = 'owned' WHERE fo = ?", (turn.fo,))
    turn.ownership, turn.confirmed_at, turn.owner_until = "confirmed", now, owner_until
    return owner_until


def ready(tx: Tx, turn: TurnRow, now: int, person: str) -> None:
    """The shopper's time to come begins when they are told, so the hold is counted from here."""
    until = now + policy(tx, "hold_s", turn.channel, turn.kind) * 1000
    if turn.owned and until > turn.owner_until:
        tx.execute("UPDATE assignment SET owner_until = ? WHERE fence = ?", (until, turn.fence))
        decide(tx, turn.store, d.Extended(owner_until=until), at=now, fence=turn.fence)
    code = tx.execute("SELECT pickup_code FROM shop_order WHERE no = ?", (turn.order_no,)).fetchone()[0]
    happened(
        tx,
        "ready",
        at=now,
        store=turn.store,
        order_no=turn.order_no,
        fo=turn.fo,
        fence=turn.fence,
        person=person,
        channel=turn.channel,
        data={"until": until},
        secret={"pickup_code": code},
    )


# -- after a restore of this centre ------------------------------------------------------------------


def next_due(tx: Tx) -> int | None:
    """0 when something that waited for the end of a doubt may go on."""
    if next(_sure(tx), 0) or (_held(tx) and not doubt.silent(tx)):
        return 0
    return None


def go_on(tx: Tx, now: int, most: int) -> int:
    """Acceptances that no store can contradict any more are confirmed; orders that were to end, end."""
    sure = list(islice(_sure(tx), most))
    for fence in sure:
        turn = turn_of(tx, fence)
        assert turn is not None
        confirm(tx, turn, now)
        if turn.kind == "pickup" and turn.state == State.STAGED:
            ready(tx, turn, now, "")  # said now, because it was not sure when it was put on the shelf
        tx.touched.add(f"order:{turn.order_no}")
    if sure:
        tx.touched.add("board")
    if not _held(tx) or doubt.silent(tx):
        return len(sure)
    tx.execute("DELETE FROM meta WHERE key = ?", (doubt.HELD,))
    held = tx.execute(
        "SELECT o.no FROM shop_order o WHERE o.state IN ('open', 'cancel_requested') AND NOT EXISTS (SELECT 1"
        " FROM fulfilment_order f WHERE f.order_no = o.no AND f.state NOT IN ('released', 'cancelled'))"
    ).fetchall()
    for (no,) in held:
        parts.settle_order(tx, no, now)
    return len(sure) + len(held)


def go_on_without(tx: Tx, store: str, now: int, *, person: str) -> bool:
    """A person has decided that this store lets nothing go, or that what waits may not wait for it.

    Its own old offers may lapse, and what was asked back from it only because of the doubt is over.
    """
    fences = tx.execute(
        "SELECT a.fence FROM assignment a JOIN unheard u ON u.store = a.store AND a.confirmed_at = u.since"
        " WHERE a.store = ? AND a.ended_at = 0 AND a.ownership = 'confirmed' AND a.accepted_at = 0",
        (store,),
    ).fetchall()
    if not doubt.heard(tx, store, now, by=person, outcome="went_without"):
        return False
    for (fence,) in fences:
        turn = turn_of(tx, fence)
        assert turn is not None
        returning.over_hold(tx, turn, now, person=person)
    return True


def ask_about_the_silent(tx: Tx, now: int, most: int) -> int:
    """Something waits for stores that have not been heard since the restore, for long: a person decides."""
    wait = policy(tx, "unheard_s") * 1000
    for (store,) in tx.execute(
        "SELECT u.store FROM unheard u JOIN store s ON s.code = u.store WHERE NOT s.active"
    ).fetchall():
        go_on_without(tx, store, now, person="")  # closed for good: nobody waits for it
    rows = tx.execute(
        "SELECT u.store FROM unheard u WHERE u.since <= ?1 AND NOT EXISTS (SELECT 1 FROM open_case c"
        " WHERE c.kind = ?2 AND c.store = u.store AND (c.state = 'open' OR c.closed_at > ?1)) LIMIT ?3",
        (now - wait, doubt.CASE, most),
    ).fetchall()
    asked = 0
    for (store,) in rows:
        waiting = _waiting_for(tx, store, now)
        if waiting:
            open_case(tx, doubt.CASE, now=now, store=store, params={"waiting": waiting})
            asked += 1
    return asked


def waiting(tx: Tx) -> int:
    """Acceptances that are not confirmed for doubt."""
    sql = "SELECT count(*) FROM assignment WHERE ended_at = 0 AND ownership = 'provisional'"
    return int(tx.execute(sql).fetchone()[0])


def _waiting_for(tx: Tx, store: str, now: int) -> int:
    """Acceptances elsewhere, orders to be called cancelled, and old offers of its own."""
    return int(
        tx.execute(
            "SELECT (SELECT count(*) FROM assignment WHERE ended_at = 0 AND ownership = 'provisional'"
            "  AND store <> ?1) + (SELECT count(*) FROM meta WHERE key = ?2)"
            " + (SELECT count(*) FROM assignment a WHERE a.ended_at = 0 AND a.ownership = 'none'"
            f"  AND a.store = ?1 AND a.accept_by <= ?3 AND {doubt.IN_DOUBT})",
            (store, doubt.HELD, now),
        ).fetchone()[0]
    )


def _sure(tx: Tx) -> Iterator[int]:
    """Fences whose acceptance is in no doubt any more. With two stores silent, both wait for each other."""
    silent = doubt.silent(tx)
    if len(silent) > 1:
        return
    for (fence,) in tx.execute(
        "SELECT fence FROM assignment WHERE ended_at = 0 AND ownership = 'provisional'"
        " AND withdraw_requested_at = 0 AND (?1 = '' OR store = ?1) ORDER BY fence",
        (next(iter(silent), ""),),
    ).fetchall():
        yield fence


def _held(tx: Tx) -> bool:
    return tx.execute("SELECT 1 FROM meta WHERE key = ?", (doubt.HELD,)).fetchone() is not None
