"""Not found, suppressed, counted, confirmed, sold again: both sides, the real link, a line that is cut."""

from __future__ import annotations

from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.stock import book
from sync import sqlite
from sync.replica.commands import perform
from sync.replica.context import Context
from tests.kit_pool import Box, World


def as_lead(box: Box, name: str, **args: object) -> None:
    world = box.world
    world.commands += 1
    now = box.end.clock.moment(world.reading())
    command = f"lead-{world.commands}"
    with sqlite.writing(box.db):
        ctx = Context(now, "amy", "store_lead", "pda", command, box.end.up, world.id)
        outcome = perform(box.db, name, dict(args), ctx)
        assert outcome.ok, outcome.refusal
        frames = box.end.recorded(box.db, world.reading())
    if box.line is not None:
        box.line.up += frames


def order(world: World, name: str) -> str:
    new = NewOrder(
        channel="web", external_id=name, lines=(NewLine("TEE", 1),), kind="pickup", pickup_store="S001",
        lat=31.2, lon=121.4,
    )  # fmt: skip
    with sqlite.writing(world.db):
        placed = place(world.db, new, now=world.now, dice=world.rng.randbytes)
    return str(placed.order_no)


def on_both(world: World, box: Box) -> tuple[int, int]:
    [(store,)] = box.rows("SELECT suppressed FROM stock WHERE sku = 'TEE'")
    return int(book.is_suppressed(world.db, "S001", "TEE")), store


def left_out(world: World) -> int:
    row = world.db.execute("SELECT count(*) FROM left_out WHERE store = 'S001' AND sku = 'TEE'").fetchone()
    return int(row[0])


def test_goods_that_were_not_found_are_sold_again_when_the_count_comes_home() -> None:
    world = World("a count comes home")
    world.calm_down()
    box = world.boxes["S001"]
    order(world, "first")
    world._drain()
    [(fence,)] = box.rows("SELECT fence FROM assignment WHERE state = 'offered'")
    assert box.do("accept", fence=fence).ok
    world._drain()
    assert box.do("short", fence=fence, line=1, qty=1, reason="not_found").ok
    world._drain()
    assert on_both(world, box) == (1, 1)
    assert left_out(world) == 1

    # The task is at the store; with the line cut somebody else counts far less, and it waits.
    world.do_cut(box)
    [(task,)] = box.rows("SELECT id FROM task WHERE state = 'open' AND sku = 'TEE'")
    [(before,)] = box.rows("SELECT on_hand FROM stock WHERE sku = 'TEE'")
    assert not box.do("count", sku="TEE", found=3, task=task).ok, "nobody counts their own finding"
    assert box.do("count", "wei", sku="TEE", found=3, task=task).result["waits"]
    world._drain()
    assert on_both(world, box) == (1, 1)
    assert world.db.execute("SELECT state FROM stock_count WHERE sku = 'TEE'").fetchone()[0] == "open"
    assert world.db.execute(
        "SELECT on_hand FROM stock WHERE store = 'S001' AND sku = 'TEE'"
    ).fetchone()[0] == before  # fmt: skip

    # A second person stands by it, the line is cut again; it comes home and the goods are sold again.
    world.do_cut(box)
    as_lead(box, "confirm_variances", skus=["TEE"])
    assert on_both(world, box) == (1, 0)
    world._drain()
    assert on_both(world, box) == (0, 0)
    assert left_out(world) == 0, "routing asks the store for it again"
    [mine] = box.rows("SELECT on_hand, share, debt FROM stock WHERE sku = 'TEE'")
    theirs = world.db.execute(
        "SELECT on_hand, share, debt FROM stock WHERE store = 'S001' AND sku = 'TEE'"
    ).fetchone()
    assert (mine[0], mine) == (3, tuple(theirs))
    asked = order(world, "second")
    world._drain()
    offered = box.rows("SELECT order_no FROM assignment WHERE state = 'offered'")
    assert (asked,) in offered, "the store is asked for this SKU again"
