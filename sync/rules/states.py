"""Where an assignment (one store's turn at a fulfilment order) may go next.

The centre, the store node and the handheld all read this one table, so work
done offline can never reach a state the others have no name for. Ownership is
kept beside it: a provisional acceptance allows all work up to the waiting
shelf, and no release.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    PICKING = "picking"
    PICKED = "picked"
    PACKED = "packed"
    STAGED = "staged"
    RELEASED = "released"
    DECLINED = "declined"
    PUT_BACK = "put_back"
    """Withdrawn, refused or expired, with goods that have to go back to the shelf."""
    CLOSED = "closed"
    """Nothing left to do here, and nothing was released."""


class Ownership(StrEnum):
    NONE = "none"
    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Step(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    PICK = "pick"
    UNDO_PICK = "undo_pick"
    SHORT = "short"
    FINISH_PICK = "finish_pick"
    PACK = "pack"
    STAGE = "stage"
    RELEASE = "release"
    UNDO_RELEASE = "undo_release"
    END = "end"
    """The turn is over: withdrawn, expired, or everything short."""
    END_EMPTY = "end_empty"
    """The turn is over and nothing has to go back."""
    FINISH_PUT_BACK = "finish_put_back"


class Kind(StrEnum):
    PICKUP = "pickup"
    SHIPMENT = "shipment"
    SAME_DAY = "same_day"


S, T = State, Step

NEXT: dict[tuple[State, Step], State] = {
    (S.OFFERED, T.ACCEPT): S.ACCEPTED,
    (S.OFFERED, T.DECLINE): S.DECLINED,
    (S.ACCEPTED, T.DECLINE): S.DECLINED,  # nothing touched yet; the acceptance was a mistake
    (S.ACCEPTED, T.START): S.PICKING,
    (S.ACCEPTED, T.PICK): S.PICKING,
    (S.ACCEPTED, T.SHORT): S.PICKING,
    (S.PICKING, T.START): S.PICKING,
    (S.PICKING, T.PICK): S.PICKING,
    (S.PICKING, T.SHORT): S.PICKING,
    (S.PICKING, T.UNDO_PICK): S.PICKING,
    (S.PICKING, T.FINISH_PICK): S.PICKED,
    (S.PICKED, T.UNDO_PICK): S.PICKING,
    (S.PICKED, T.SHORT): S.PICKED,  # found broken while packing
    (S.PICKED, T.PACK): S.PACKED,
    (S.PACKED, T.PACK): S.PACKED,
    (S.PACKED, T.STAGE): S.STAGED,
    (S.STAGED, T.STAGE): S.STAGED,  # moved to another shelf
    (S.PACKED, T.RELEASE): S.RELEASED,
    (S.STAGED, T.RELEASE): S.RELEASED,
    (S.RELEASED, T.UNDO_RELEASE): S.STAGED,
    (S.PUT_BACK, T.FINISH_PUT_BACK): S.CLOSED,
}

for _state in (S.OFFERED, S.ACCEPTED, S.PICKING, S.PICKED, S.PACKED, S.STAGED):
    NEXT[_state, T.END] = S.PUT_BACK
    NEXT[_state, T.END_EMPTY] = S.CLOSED
NEXT[S.RELEASED, T.END] = S.PUT_BACK  # part of it was refused at the counter

OPEN = frozenset({S.OFFERED, S.ACCEPTED, S.PICKING, S.PICKED, S.PACKED, S.STAGED})
ENDED = frozenset({S.RELEASED, S.DECLINED, S.CLOSED})


def allows(state: State | str, step: Step) -> bool:
    return (State(state), step) in NEXT


def after(state: State | str, step: Step) -> State:
    """The next state. KeyError is a bug in the caller: ask `allows` first."""
    return NEXT[State(state), step]


def may_release(*, ownership: Ownership | str, withdrawn: bool, owner_until: int, latest_now: int) -> bool:
    """Whether goods may leave: ownership applied, no withdrawal applied, before `owner_until`.

    `latest_now` is the upper bound of the centre's time: a store whose clock is in
    doubt stops early rather than hand over what the centre has sold again.
    """
    return Ownership(ownership) is Ownership.CONFIRMED and not withdrawn and latest_now < owner_until
