"""The map of pools beside the one writer: what is taken back in the tables is taken back in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.db import Tx
from server.routing.map import map_of
from server.stock import book
from server.stock.load import load_stock
from server.timers import run_due
from sync.sqlite import writing
from tests.kit_web import NOON, ORDER, api, database, new_centre


def test_a_job_that_failed_leaves_nothing_behind_in_the_map_of_pools(tmp_path: Path) -> None:
    config = new_centre(tmp_path)
    with api(config) as web:
        writer = web.app.state.writer

        def takes_all_and_fails(tx: Tx) -> None:
            map_of(tx).load_all()
            assert book.promise(tx, "S001", [("CAP-NAVY", 5)], fence=1, now=NOON)
            raise ValueError("the rest of it failed")

        with pytest.raises(ValueError, match="the rest"):
            writer.do_now(takes_all_and_fails)
        assert writer.do_now(lambda tx: dict(map_of(tx).pool_of("CAP-NAVY")))["S001"] == 5


def test_parts_that_wait_are_tried_again_when_another_process_has_loaded_stock(tmp_path: Path) -> None:
    config = new_centre(tmp_path, stock=0)
    with api(config) as web:
        writer = web.app.state.writer
        answer = web.post("/api/v1/orders", json=ORDER)
        assert answer.json()["parts"][0]["state"] == "waiting"
        writer.do_now(lambda tx: run_due(tx, NOON))
        with database(config) as other, writing(other):
            load_stock(other, [{"sku": "TEE-WHITE-M", "qty": 4}], document="D1", now=NOON, store="S001")
        writer.do_now(lambda tx: run_due(tx, NOON + 1_000))
        parts = web.get(f"/api/v1/orders/{answer.json()['order_no']}").json()["parts"]
        assert parts[0]["state"] == "offered"
