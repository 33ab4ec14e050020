"""How a store's tills treat what is not in its share is policy: for all stores, or for one."""

from __future__ import annotations

import json

import pytest

from server.policy.store import set_store_policy, till_mode
from server.stock.demand import FILE_DAYS
from sync.rules.sizing import need_at, share_of
from tests.kit_facts import centre


def test_a_store_may_differ_from_the_others_and_its_node_hears_of_it() -> None:
    c = centre()
    assert till_mode(c.tx, "S001") == "warn"
    set_store_policy(c.tx, "till_mode", "block")
    set_store_policy(c.tx, "till_mode", "file", "S002")
    assert [till_mode(c.tx, store) for store in ("S001", "S002")] == ["block", "file"]
    sent = c.tx.execute("SELECT body FROM stream_row WHERE key = 'till_mode:S002'").fetchone()
    assert json.loads(sent[0]) == {"value": "file"}


def test_where_tills_tell_at_night_more_is_the_stores_own() -> None:
    asks = need_at(0.5, 0.3, 0.3, 5, 0.1, may_insist=True)
    tells = need_at(0.5, 0.3, 0.3, 5, 0.1, may_insist=True, untold=FILE_DAYS)
    assert [share_of(free, tells) > share_of(free, asks) for free in (6, 12)] == [True, True]
    assert tells.online == asks.online


@pytest.mark.parametrize(
    ("name", "value", "store"),
    [("till_mode", "shout", ""), ("till_mode", "warn", "S404"), ("wave_max", "3", "S001")],
)
def test_what_cannot_be_is_refused(name: str, value: str, store: str) -> None:
    with pytest.raises(ValueError):
        set_store_policy(centre().tx, name, value, store)
