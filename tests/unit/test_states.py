"""The table of states, exhaustively, and the one question on which goods leave."""

from __future__ import annotations

import itertools

import pytest

from sync.rules.states import ENDED, NEXT, OPEN, Ownership, State, Step, after, allows, may_release


@pytest.mark.parametrize(
    ("ownership", "withdrawn", "now"), list(itertools.product(Ownership, (False, True), (99, 100, 101)))
)
def test_goods_leave_only_confirmed_not_withdrawn_and_before_the_end(
    ownership: Ownership, withdrawn: bool, now: int
) -> None:
    allowed = may_release(ownership=ownership, withdrawn=withdrawn, owner_until=100, latest_now=now)
    assert allowed is (ownership is Ownership.CONFIRMED and not withdrawn and now == 99)


def test_every_step_that_the_table_does_not_know_is_not_allowed() -> None:
    for state, step in itertools.product(State, Step):
        assert allows(state, step) is ((state, step) in NEXT)
        if allows(state, step):
            assert after(state, step) in State
        else:
            with pytest.raises(KeyError):
                after(state, step)


def test_nothing_is_released_before_it_is_packed() -> None:
    assert {state for state, step in NEXT if step is Step.RELEASE} == {State.PACKED, State.STAGED}


def test_every_open_state_can_be_taken_back_and_no_ended_one_can_be_worked() -> None:
    for state in OPEN:
        assert allows(state, Step.END)
        assert allows(state, Step.END_EMPTY)
    for state in ENDED:
        assert not any(allows(state, step) for step in (Step.ACCEPT, Step.PICK, Step.PACK, Step.RELEASE))


def test_every_state_is_reached_from_an_offer() -> None:
    reached, waiting = {State.OFFERED}, [State.OFFERED]
    while waiting:
        here = waiting.pop()
        for (state, _step), to in NEXT.items():
            if state is here and to not in reached:
                reached.add(to)
                waiting.append(to)
    assert reached == set(State)
