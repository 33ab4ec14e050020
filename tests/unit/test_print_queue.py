"""The queue to the printers: once asked is once printed, and nothing waits without anybody seeing it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pwa.app import make_app
from pwa.printing import press as press_module
from pwa.printing.press import Press
from sync import sqlite
from sync.replica import commands, printing
from sync.rules.refusals import Why
from tests import kit_pwa as kit
from tests.kit_printers import FakePrinter, Label, Sheet, codes_on, printer

SHIRT = kit.GOODS[0][0]


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    return kit.store(tmp_path / "replica.db")


@pytest.fixture
async def fake() -> AsyncIterator[FakePrinter]:
    async with printer() as one:
        yield one


def add(node: kit.DemoNode, fake: FakePrinter, name: str = "desk", kind: str = "zpl") -> None:
    size = (210.0, 297.0, 300) if kind == "pdf" else (100.0, 60.0, 203)
    with sqlite.writing(node.db):
        printing.add_printer(node.db, printing.Printer(name, kind, "127.0.0.1", fake.port, *size))


async def run(node: kit.DemoNode) -> None:
    press = Press(node)
    await press.look()
    await press.settled()


def states(node: kit.DemoNode) -> list[str]:
    return [row["state"] for row in node.db.execute("SELECT state FROM print_job ORDER BY number")]


def refused(node: kit.DemoNode, name: str, **args: object) -> Why:
    with sqlite.writing(node.db):
        outcome = commands.perform(node.db, name, args, node.context("p1", "HDEMO1", node.new_id()))
    assert outcome.refusal is not None
    return outcome.refusal.reason


async def test_packing_prints_the_parcels_label(node: kit.DemoNode, fake: FakePrinter) -> None:
    add(node, fake)
    fence = node.packed(1, [(SHIRT, 1)])
    await run(node)
    code = node.db.execute("SELECT code FROM parcel WHERE fence = ?", (fence,)).fetchone()[0]
    assert [codes_on(Label(job).images[0]) for job in fake.jobs] == [{code}]
    assert states(node) == ["printed"]


async def test_packing_prints_nothing_without_a_printer_or_against_the_policy(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    node.packed(1, [(SHIRT, 1)])
    assert states(node) == []
    add(node, fake)
    node.rows("policy", [("print_parcel", {"value": "no"})])
    node.packed(2, [(SHIRT, 1)])
    assert states(node) == []


async def test_a_command_that_is_repeated_prints_once(node: kit.DemoNode, fake: FakePrinter) -> None:
    add(node, fake)
    fence = node.staged(1, [(SHIRT, 1)])
    await run(node)
    before = len(fake.jobs)
    for _ in range(3):
        await node.perform(
            "print",
            {"what": "pickup", "subject": str(fence)},
            command_id="same-one",
            person="p1",
            device="HDEMO1",
        )
        await run(node)
    assert len(fake.jobs) == before + 1


async def test_a_printer_that_is_off_gets_each_label_once_when_it_is_on_again(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    add(node, fake)
    await fake.off()
    for fence in (1, 2, 3):
        node.packed(fence, [(SHIRT, 1)])
    for _ in range(4):
        await run(node)
        node.now += 30_000
    assert states(node) == ["waiting"] * 3
    assert printing.printers(node.db)[0].trouble
    await fake.on()
    node.now += 60_000
    await run(node)
    codes = [row[0] for row in node.db.execute("SELECT code FROM parcel ORDER BY fence")]
    assert [codes_on(Label(job).images[0]) for job in fake.jobs] == [{code} for code in codes]
    assert states(node) == ["printed"] * 3
    assert printing.printers(node.db)[0].trouble == ""


async def test_tries_become_rarer_and_nobody_waits_longer_than_a_minute(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    add(node, fake)
    await fake.off()
    node.packed(1, [(SHIRT, 1)])
    waits = []
    for _ in range(9):
        await run(node)
        next_at = node.db.execute("SELECT next_at FROM print_job").fetchone()[0]
        waits.append(next_at - node.now)
        node.now = next_at
    assert waits == sorted(waits)
    assert waits[0] == printing.TRY_FIRST_MS
    assert waits[-1] == printing.TRY_MOST_MS


async def test_yesterdays_labels_do_not_come_out_today(node: kit.DemoNode, fake: FakePrinter) -> None:
    add(node, fake)
    await fake.off()
    node.packed(1, [(SHIRT, 1)])
    node.now += printing.DAY_MS + 1
    await run(node)
    await fake.on()
    node.now += printing.DAY_MS
    await run(node)
    assert states(node) == ["stopped"]
    assert fake.jobs == []


async def test_a_line_that_breaks_in_the_middle_is_for_a_person_to_judge(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    add(node, fake, kind="pdf")  # long enough that it cannot be gone in one go
    fake.breaks_after = 100
    node.offer(1, [(SHIRT, 1)])
    node.do("accept", fence=1)
    wave = node.do("start_wave", fences=[1])["wave"]
    with sqlite.writing(node.db):
        commands.perform(
            node.db,
            "print",
            {"what": "pick_list", "subject": wave, "copies": 20},
            node.context("p1", "HDEMO1", "ask"),
        )
    await run(node)
    node.now += 3_600_000
    fake.breaks_after = 0
    await run(node)
    assert (states(node), fake.jobs) == (["unsure"], [])
    assert printing.troubled(node.db) == 1
    node.do("print_again", job="ask")
    await run(node)
    assert states(node) == ["stopped", "printed"]
    assert len(Sheet(fake.jobs[0]).images) == 20


async def test_a_job_survives_the_node(node: kit.DemoNode, fake: FakePrinter, tmp_path: Path) -> None:
    add(node, fake)
    node.packed(1, [(SHIRT, 1)])
    node.packed(2, [(SHIRT, 1)])
    with sqlite.writing(node.db):
        assert printing.begin(node.db, 1, node.now)  # and then the power went
    node.close()
    again = kit.DemoNode(tmp_path / "replica.db")
    await run(again)
    assert states(again) == ["unsure", "printed"]
    assert len(fake.jobs) == 1


async def test_one_dead_printer_does_not_stop_another(
    node: kit.DemoNode, fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(node, fake, "alive")
    async with printer() as dead:
        add(node, dead, "dead")
    monkeypatch.setattr(press_module, "CONNECT_S", 0.2)
    for name in ("dead", "alive", "dead", "alive"):
        node.do("print", what="test", subject=name)
    await run(node)
    assert len(fake.jobs) == 2
    assert sorted(states(node)) == ["printed", "printed", "waiting", "waiting"]


async def test_what_has_left_the_record_is_not_printed_and_holds_nothing_up(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    add(node, fake)
    fence = node.packed(1, [(SHIRT, 1)])
    node.packed(2, [(SHIRT, 1)])
    node.do("pack", fence=fence)  # packed again: the first code is nobody's
    await run(node)
    assert states(node) == ["stopped", "printed", "printed"]
    assert len(fake.jobs) == 2


async def test_stopping_a_job_that_waits_keeps_it_off_the_paper(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    add(node, fake)
    node.packed(1, [(SHIRT, 1)])
    job = node.db.execute("SELECT id FROM print_job").fetchone()[0]
    node.do("stop_print", job=job)
    await run(node)
    assert (states(node), fake.jobs) == (["stopped"], [])


def test_what_cannot_be_printed_is_refused_in_words(node: kit.DemoNode) -> None:
    fence = node.packed(1, [(SHIRT, 1)])
    assert refused(node, "print", what="pickup", subject=str(fence)) == Why.NO_PRINTER
    assert refused(node, "print", what="parcel", subject="P-NONE") == Why.NOTHING_TO_PRINT
    assert refused(node, "print", what="poem", subject="x") == Why.NOT_UNDERSTOOD
    assert refused(node, "print", what="pickup", subject=str(fence), copies=1000) == Why.TOO_MANY
    assert refused(node, "print_again", job="none") == Why.NOTHING_TO_PRINT


async def test_a_list_goes_to_the_office_printer_and_a_label_to_the_label_printer(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    async with printer() as office:
        add(node, office, "a-office", "pdf")
        add(node, fake, "b-labels", "zpl")
        node.accepted(1, [(SHIRT, 1)])
        node.accepted(2, [(SHIRT, 1)])
        wave = node.do("start_wave", fences=[1, 2])["wave"]
        node.do("print", what="totes", subject=wave)
        node.do("print", what="pick_list", subject=wave)
        await run(node)
        await asyncio.sleep(0)
        found = [codes_on(Label(job).images[0]) for job in fake.jobs]
        assert found == [{f"{wave}-A"}, {f"{wave}-B"}]
        assert {f"{wave}-A", f"{wave}-B", SHIRT} == Sheet(office.jobs[0]).codes


async def test_the_pages_offer_what_can_be_printed_and_show_the_queue(
    node: kit.DemoNode, fake: FakePrinter
) -> None:
    app = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        await http.get("/sign-in")
        token = http.cookies["csrftoken"]
        await http.post("/sign-in", data={"person": "p1", "pin": kit.PIN, "_csrf_token": token})
        fence = node.staged(1, [(SHIRT, 1)])
        page = f"/orders/{fence}"
        assert 'action="/print"' not in (await http.get(page)).text
        assert "No printer here" in (await http.get("/printers")).text
        add(node, fake)
        assert 'value="pickup"' in (await http.get(page)).text
        form = {
            "what": "pickup", "subject": str(fence), "here": "order", "at": str(fence),
            "command": "a-command-1", "_csrf_token": token,
        }  # fmt: skip
        for _ in range(2):
            answer = await http.post("/print", data=form)
            assert answer.headers["x-outcome"] == "ok"
            assert "Goes to printer desk." in answer.text
        await fake.off()
        await run(node)
        shown = (await http.get("/printers")).text
        assert "Pickup label" in shown
        assert "takes nothing" in shown
        await fake.on()
        node.now += 60_000
        await run(node)
        assert len(fake.jobs) == 1
        assert "Print again" in (await http.get("/printers")).text
