"""A handheld alone comes to the same state as the store node that does the same commands later."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from pwa.twin import deeds
from pwa.twin.extract import extract
from pwa.twin.no import No
from sync.ids import made_of
from sync.rules.codes import scanned
from sync.rules.secrets import code_matches
from tests import kit_pwa as kit

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)
SKUS = [SHIRT, JEANS, DRESS, CAP]
PEOPLE = ["p1", "p2"]


def a_day(path: Path, rng: random.Random) -> kit.DemoNode:
    """Offers in every kind, some already worked on, one taken away, one not confirmed."""
    node = kit.store(path)
    for fence in range(10, 10 + rng.randint(3, 8)):
        lines = [(sku, rng.randint(1, 3)) for sku in rng.sample(SKUS, rng.randint(1, 3))]
        kind = rng.choice(["pickup", "pickup", "shipment", "same_day"])
        put = rng.choice([node.offer, node.accepted, node.accepted, node.picked, node.packed])
        put(fence, lines, kind=kind)
        if rng.random() < 0.15:
            node.decide(kit.d.Withdrawn("late", "S002", "Huaihai Rd", kit.NOON), fence)
    node.acknowledge()
    return node


def some_command(rng: random.Random, state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Mostly what the state allows, sometimes what it does not."""
    turn = rng.choice(state["turns"])
    line = rng.choice(turn["lines"])
    fence, number = turn["fence"], line["line"]
    qty = rng.choice([1, 1, 1, 2, 3, 0])
    codes = [
        line["sku"],
        line["sku"].lower(),
        *state["items"][line["sku"]]["gtins"],
        rng.choice(SKUS),
        "4006381333931",
    ]
    usual = {
        "offered": ["accept", "accept", "decline"],
        "accepted": ["start_wave", "start_wave", "pick", "scan", "decline"],
        "picking": ["scan", "scan", "scan", "pick", "undo_pick", "short", "pick_later", "start_wave"],
        "picked": ["pack", "pack", "undo_pick", "short"],
        "packed": ["stage", "stage", "pack", "hand_over"],
        "staged": ["hand_over", "hand_over", "stage"],
        "released": ["undo_hand_over"],
        "put_back": ["put_back", "put_back", "scan"],
    }
    every = sorted({name for names in usual.values() for name in names})
    name = rng.choice(usual.get(turn["state"], every)) if rng.random() < 0.85 else rng.choice(every)
    near = [one["fence"] for one in state["turns"] if one["state"] == turn["state"]]
    args: dict[str, Any] = {"fence": fence}
    match name:
        case "start_wave":
            args = {"fences": rng.sample(near, rng.randint(1, min(3, len(near))))}
        case "scan":
            args = {"code": rng.choice(codes), "wave": turn["wave"], "fence": 0 if turn["wave"] else fence}
        case "pick" | "undo_pick" | "short":
            args = {"fence": fence, "line": number, "qty": qty}
            if name == "short":
                args["reason"] = rng.choice(["not_found", "damaged"])
        case "pick_later":
            args = {"fence": fence, "line": number}
        case "decline":
            args = {"fence": fence, "reason": "damaged"}
        case "stage":
            args = {"fence": fence, "location": rng.choice(["P-1", " P-2 ", ""])}
        case "hand_over":
            args = {
                "fence": fence,
                "code": rng.choice([kit.CODE, kit.CODE, "000000", ""]),
                "collector": rng.choice(["", "Li"]),
            }
            if rng.random() < 0.2:
                args["refused"] = [[number, 1, "not_wanted"]]
        case "put_back":
            args = (
                {"fence": fence, "line": number, "qty": qty}
                if rng.random() < 0.5
                else {"fence": fence, "code": rng.choice(codes)}
            )
    return name, args


def alone(
    state: dict[str, Any], name: str, args: dict[str, Any], command: str, person: str, node: kit.DemoNode
) -> str:
    """What the handheld makes of it: 'ok' or the reason it refuses. A refusal changes nothing but tries."""
    read = scanned(args.get("code", "") or "x")
    turn = next((one for one in state["turns"] if one["fence"] == args.get("fence")), None)
    moment = node.moment()
    ctx = {
        "now": moment.now,
        "earliest": moment.earliest,
        "latest": moment.latest,
        "person": person,
        "fresh": [made_of(command, 10, n) for n in range(12)],
        "read": {"gtin": read.gtin, "serial": read.serial},
        "code_fits": turn is not None
        and code_matches(args.get("code", ""), turn["code_salt"], turn["code_hash"]),
    }
    before = copy.deepcopy(state)
    try:
        getattr(deeds, name)(state, args, ctx)
    except No as no:
        for turn, old in zip(state["turns"], before["turns"], strict=True):
            old["code_tries"] = turn["code_tries"]
        assert state == before, f"a refused {name} left something behind"
        return no.reason
    return "ok"


def shown(turn: dict[str, Any], now: int) -> bool:
    """Turns that are over are no longer of interest to a handheld."""
    if turn["state"] == "released":
        return int(turn["released_at"]) > now - deeds.UNDO_MS
    return turn["state"] not in ("declined", "closed")


def compared(state: dict[str, Any], node: kit.DemoNode) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both states without what a handheld drops or the node alone knows."""
    theirs = extract(node.db, node.now, SKUS)
    mine = {**state, "turns": [turn for turn in state["turns"] if shown(turn, node.now)]}
    items = {line["sku"] for turn in mine["turns"] for line in turn["lines"]} | set(SKUS)
    mine["items"] = {sku: item for sku, item in state["items"].items() if sku in items}
    mine["gtins"] = {gtin: sku for gtin, sku in state["gtins"].items() if sku in items}
    return mine, theirs


@pytest.mark.parametrize("chunk", range(10))
def test_random_work_comes_to_the_same_state_on_both_sides(
    chunk: int, tmp_path: Path, rng: random.Random
) -> None:
    done: dict[str, int] = {}
    for run in range(10):
        node = a_day(tmp_path / f"{run}.db", rng)
        state = extract(node.db, node.now, SKUS)
        for step in range(40):
            if not state["turns"]:
                break
            node.now += rng.choice([0, 700, 9_000, 61_000])
            name, args = some_command(rng, state)
            command, person = f"C{chunk}-{run}-{step}", rng.choice(PEOPLE)
            said = alone(state, name, args, command, person, node)
            with kit.sqlite.writing(node.db):
                outcome = kit.commands.perform(node.db, name, args, node.context(person, "H1", command))
            truth = "ok" if outcome.ok or outcome.refusal is None else str(outcome.refusal.reason)
            assert said == truth, (name, args, outcome.refusal)
            done[f"{name} {'ok' if said == 'ok' else 'refused'}"] = (
                done.get(f"{name} {'ok' if said == 'ok' else 'refused'}", 0) + 1
            )
            mine, theirs = compared(state, node)
            assert mine == theirs, (name, args, said)
        node.close()
    assert {"accept ok", "start_wave ok", "scan ok", "pack ok", "hand_over ok"} <= set(done), done
