"""A store node in wrong hands sends anything, well signed: nobody else's goods or rights move.

Its facts speak of its own shelves, of other stores' assignments, of fences that never were, with numbers
that are possible and impossible. The centre never raises, keeps every fact, and all other stores stay as
they are; in its own row the rights still add up.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from sync.wire import facts as f
from tests.conftest import seed
from tests.kit_facts import Centre, centre, offer

OTHERS = ("S001", "S003")


def world() -> Centre:
    made = centre({(store, sku): 6 for store in ("S001", "S002", "S003") for sku in ("TEE", "CAP")})
    offer(made, "S001", 1, [("TEE", 1)])
    offer(made, "S001", 2, [("CAP", 2)], kind="pickup")
    assert made.report("S001", f.Accepted(), fence=2).name == "applied"
    offer(made, "S003", 3, [("TEE", 2)])
    assert made.report("S003", f.Accepted(), fence=3).name == "applied"
    return made


def others(made: Centre) -> dict[str, list[tuple[Any, ...]]]:
    """All that belongs to the other stores."""
    questions = {
        "stock": "SELECT * FROM stock WHERE store <> 'S002' ORDER BY store, sku",
        "assignment": "SELECT * FROM assignment WHERE store <> 'S002' ORDER BY fence",
        "lines": "SELECT * FROM assignment_line WHERE fence IN (1, 2, 3) ORDER BY fence, line",
        "orders": "SELECT * FROM shop_order ORDER BY no",
        "parts": "SELECT * FROM fulfilment_order WHERE store <> 'S002' ORDER BY fo",
        "store": "SELECT * FROM store WHERE code <> 'S002' ORDER BY code",
        "returns": "SELECT * FROM goods_return WHERE store <> 'S002'",
        "told": "SELECT * FROM decision WHERE store <> 'S002' AND kind <> 'transfer_announced'",
    }
    return {name: [tuple(row) for row in made.tx.execute(sql)] for name, sql in questions.items()}


def anything(rng: random.Random) -> tuple[f.Body, int]:
    def n() -> int:
        return rng.choice([0, 1, 1, 1, 2, 3, 7, 50, -1, -9, 999_999, 10**15, -(10**15)])

    def sku() -> str:
        return rng.choice(["TEE", "CAP", "SOCK", "GHOST", "", "x" * 500])

    def order() -> str:
        return rng.choice(["", "YP-000001", "YP-000002", "YP-404"])

    def sane() -> tuple[int, int, int]:
        share, debt = rng.randrange(0, 9), rng.randrange(0, 9)
        return share + debt, share, debt

    qty, share, debt = sane() if rng.random() < 0.7 else (n(), n(), n())
    line = rng.choice([1, 1, 1, 2, 0, -1, 99])
    body: f.Body = rng.choice(
        [
            lambda: f.Sold(sku(), qty, share, debt),
            lambda: f.SaleReturned(sku(), n(), "T", rng.choice(["", "R1"])),
            lambda: f.Received(sku(), qty, share=share, pool=debt, document=rng.choice(["", "X1"])),
            lambda: f.TransferSent("X1", rng.choice(["S001", "S002", "MOON", ""]), sku(), qty, share, debt),
            lambda: f.Counted(sku(), expected=qty, found=0, share=share, debt=debt),
            lambda: f.Counted(sku(), expected=n(), found=n(), share=n(), pool=n()),
            lambda: f.Adjusted(sku(), qty, share, debt),
            lambda: f.Returned(rng.choice(["R1", "R2"]), sku(), n(), order(), line),
            lambda: f.Graded(rng.choice(["R1", "R9"]), sku(), qty, "A", "restock", share=share, pool=debt),
            lambda: f.Graded("R1", sku(), n(), "A", "damaged"),
            lambda: f.Gave(sku(), n()),
            lambda: f.Credited(sku(), n()),
            lambda: f.StorePaused(rng.random() < 0.5, "why not"),
            lambda: f.Accepted(),
            lambda: f.Declined(rng.choice(["no_time", "not_found", "nonsense"]), sku=sku()),
            lambda: f.PickStarted("W", "A"),
            lambda: f.Picked(line, n()),
            lambda: f.PickUndone(line, n()),
            lambda: f.Shorted(
                line, n(), rng.choice(["not_found", "damaged", "label_mismatch", "?"]), "", sku()
            ),
            lambda: f.Packed((f.Parcel("P", ((line, n()),)),)),
            lambda: f.Staged("A"),
            lambda: f.HandedOver(((line, n()),), "code", refused=((line, n(), "size"),)),
            lambda: f.HandoverUndone(((line, n()),)),
            lambda: f.Shipped(((line, n()), (line, n())), "M", "SF"),
            lambda: f.PutBack(line, n()),
            lambda: f.WithdrawalTaken("staged", n()),
            lambda: f.HoldExpired("staged", n()),
        ]
    )()
    return body, rng.choice([0, 1, 2, 3, 3, 77, -1, 10**15])


@pytest.mark.parametrize("run", range(20))
def test_a_store_in_wrong_hands_moves_nobody_elses_goods(run: int):
    rng = random.Random(f"{seed()}:{run}")
    made = world()
    before = others(made)
    facts = made.tx.execute("SELECT count(*) FROM fact").fetchone()[0]
    for _ in range(120):
        body, fence = anything(rng)
        verdict = made.report("S002", body, fence=fence)
        if verdict.name in ("parked", "forced"):
            assert verdict.case, (body, verdict)
        for sku in ("TEE", "CAP"):
            made.stock("S002", sku)
    assert others(made) == before
    assert made.tx.execute("SELECT count(*) FROM fact").fetchone()[0] == facts + 120, "every fact is kept"
    assert made.ledger_adds_up()
    assert len(made.cases()) < 60, "one piece of work for each kind of trouble, not one for each fact"
