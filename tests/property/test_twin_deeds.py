"""A handheld alone comes to the same state as the store node that does the same commands later."""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pwa.courier import views as courier
from pwa.desk import Desk, Gone, View, Who
from pwa.handover import views as handover
from pwa.offers import views as offers
from pwa.packing import views as packing
from pwa.picking import views as picking
from pwa.putback import views as putback
from pwa.returns import views as returns
from pwa.texts import Texts
from pwa.twin import routes
from pwa.twin.deeds import DEEDS
from pwa.twin.deeds.counter import UNDO_MS
from pwa.twin.extract import extract
from pwa.twin.no import No
from pwa.twin.pages import MODULES
from pwa.twin.pages.base import find_turn
from pwa.web import gone_view, render
from sync.ids import made_of
from sync.rules.codes import scanned
from sync.rules.secrets import code_matches
from tests import kit_pwa as kit

pages = SimpleNamespace(**{key: made for module in MODULES for key, made in vars(module).items()})
SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)
SKUS = [SHIRT, JEANS, DRESS, CAP]
PEOPLE = ["p1", "p2"]
COURIER = ["open_manifest", "load", "load", "unload", "ship"]
SEQUENCES = int(os.environ.get("YIPAN_SEQUENCES", "40"))
"""Random days of work; more are a hunt."""


def a_day(path: Path, rng: random.Random) -> kit.DemoNode:
    """Offers in every kind, some already worked on, one taken away, one not confirmed."""
    node = kit.store(path)
    for fence in range(10, 10 + rng.randint(3, 8)):
        lines = [(sku, rng.randint(1, 3)) for sku in rng.sample(SKUS, rng.randint(1, 3))]
        kind = rng.choice(["pickup", "pickup", "shipment", "same_day"])
        put = rng.choice([node.offer, node.accepted, node.accepted, node.picked, node.packed])
        more = {}
        if rng.random() < 0.3:  # another article, as a further part of an order that is here
            missing = rng.choice([BAG, rng.choice(SKUS), "SKU-NOBODY-KNOWS"])
            more = {"order": f"YP-{1000 + rng.randint(10, fence)}", "instead_of": missing}
        put(fence, lines, kind=kind, **more)
        if rng.random() < 0.15:
            node.decide(kit.d.Withdrawn("late", "S002", "Huaihai Rd", kit.NOON), fence)
    node.do("open_manifest", courier="SF Express")
    node.acknowledge()
    with kit.sqlite.writing(node.db):  # a handheld knows no shopper by name, so neither do the pages compared
        node.db.execute("UPDATE assignment SET shopper = '', phone_tail = '', address = ''")
        node.db.execute("UPDATE item SET serialised = 1 WHERE sku = ?", (rng.choice(SKUS),))
    return node


def desk_at(node: kit.DemoNode, person: str = "p1", language: str = "en", **args: str) -> Desk:
    t = Texts(language, "Asia/Shanghai")
    who = Who(person, "Lin", "associate", language, "H1")
    return Desk(node.db, who, kit.STORE, "Store", node.status(), t, lambda: "ID", args=args)


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
    codes += [f"{turn['wave']}-{turn['tote']}".lower()] if turn["wave"] else []
    codes += [parcel["code"] for parcel in turn["parcels"]]
    item = state["items"][line["sku"]]
    codes += [f"01{gtin}21N{rng.randint(1, 9)}" for gtin in item["gtins"]] * (8 if item["serialised"] else 1)
    usual = {
        "offered": ["accept", "accept", "decline"],
        "accepted": ["start_wave", "start_wave", "pick", "scan", "decline"],
        "picking": ["scan", "scan", "scan", "pick", "undo_pick", "short", "pick_later", "start_wave"],
        "picked": ["pack", "pack", "undo_pick", "short"],
        "packed": ["stage", "stage", "pack", "hand_over", "load"],
        "staged": ["hand_over", "hand_over", "stage", "load"],
        "released": ["undo_hand_over", "take_return"],
        "put_back": ["put_back", "put_back", "scan", "load"],
    }
    every = sorted({name for names in usual.values() for name in names} | set(COURIER))
    fits = rng.random() < 0.85
    name = rng.choice(usual.get(turn["state"], every) if fits else every)
    if fits and turn["kind"] != "pickup" and turn["state"] in ("packed", "staged"):
        name = rng.choice(["ship", "unload"] if turn["manifest"] else ["load", "load", *COURIER])
    manifests = [one["code"] for one in state["manifests"]]
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
        case "open_manifest":
            args = {"courier": rng.choice(["SF Express", "JD", " "])}
        case "load":
            args = {"manifest": rng.choice([*manifests, *manifests, "M-NONE"])}
            parcels = [one["code"] for one in turn["parcels"]] or ["P-NONE"]
            args |= {"fence": fence} if rng.random() < 0.5 else {"parcel": rng.choice(parcels).lower()}
        case "ship":
            args = {"manifest": turn["manifest"] or rng.choice([*manifests, "M-NONE"])}
        case "take_return":
            args = {"order": turn["order_no"], "sku": rng.choice(codes), "qty": qty, "reason": "not_wanted"}
            args |= rng.choice([{}, {}, {"line": number}, {"elsewhere": True}])
            args |= rng.choice([{}, {}, {"order": "yp-elsewhere ", "elsewhere": True}, {"order": "YP-0"}])
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
    read = scanned(args.get("code", "") or args.get("sku", "") or "x")
    turn = next((one for one in state["turns"] if one["fence"] == args.get("fence")), None)
    moment = node.moment()
    ctx = {
        "now": moment.now,
        "earliest": moment.earliest,
        "latest": moment.latest,
        "person": person,
        "fresh": [made_of(command, 10, n) for n in range(12)],
        "read": {"gtin": read.gtin, "serial": read.serial, "raw": read.raw},
        "code_fits": turn is not None
        and code_matches(args.get("code", ""), turn["code_salt"], turn["code_hash"]),
    }
    before = copy.deepcopy(state)
    try:
        DEEDS[name](state, args, ctx)
    except No as no:
        for turn, old in zip(state["turns"], before["turns"], strict=True):
            old["code_tries"] = turn["code_tries"]
        assert state == before, f"a refused {name} left something behind"
        return no.reason
    return "ok"


def shown(turn: dict[str, Any], now: int) -> bool:
    """Turns that are over are no longer of interest to a handheld."""
    if turn["state"] == "released":
        return int(turn["released_at"]) > now - UNDO_MS
    return turn["state"] not in ("declined", "closed")


def compared(state: dict[str, Any], node: kit.DemoNode) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both states without what a handheld drops, and without sentences that the node alone makes."""
    theirs = extract(desk_at(node), SKUS)
    turns = [turn for turn in state["turns"] if shown(turn, node.now)]
    fences = [turn["fence"] for turn in turns]
    mine = {**state, "turns": turns, "picks": [one for one in state["picks"] if one["fence"] in fences]}
    lines = [line for turn in turns for line in turn["lines"]]
    items = {line["sku"] for line in lines} | {line["instead_of"] for line in lines} | set(SKUS)
    mine["items"] = {sku: item for sku, item in state["items"].items() if sku in items}
    mine["gtins"] = {gtin: sku for gtin, sku in state["gtins"].items() if sku in items}
    away = [turn for turn in state["turns"] if turn["fence"] not in fences]
    mine["manifests"] = [
        one | {"elsewhere": len(pages.parcels_in(away, one["code"], False))} for one in state["manifests"]
    ]
    for one in (mine, theirs):
        one["manifests"] = sorted(one["manifests"], key=lambda row: str(row["code"]))
        for key in ("notices", "whys", "locations", "left"):
            one.pop(key)
    return mine, theirs


class Shown(dict[str, Any]):
    """A handheld's data as a template sees it there: a key before a method."""

    def __getattribute__(self, name: str) -> Any:
        return self[name] if name in dict.keys(self) else super().__getattribute__(name)


def as_shown(value: Any) -> Any:
    if isinstance(value, dict):
        return Shown({key: as_shown(one) for key, one in value.items()})
    return [as_shown(one) for one in value] if isinstance(value, list) else value


def some_page(rng: random.Random, state: dict[str, Any]) -> tuple[str, tuple[Any, ...], dict[str, str]]:
    turn = rng.choice(state["turns"])
    fence, wave = turn["fence"], turn["wave"]
    tab = rng.choice(["offers", "work", "ready"])
    old = ",".join(str(one["fence"]) for one in rng.sample(state["turns"], min(2, len(state["turns"]))))
    line = rng.choice(turn["lines"])
    return rng.choice(
        [
            ("home", (tab,), rng.choice([{}, {"shown": old}, {"later": "1"}])),
            ("home", (tab,), {}),
            ("offer", (fence,), {}),
            ("decline", (fence,), {}),
            ("pick", (wave or "W-none",), rng.choice([{}, {"line": f"{fence}:{line['line']}"}])),
            ("pick", (wave or "W-none",), {}),
            ("short", (wave or "-", fence, line["line"]), rng.choice([{}, {"reason": "damaged"}])),
            ("pack", (fence,), rng.choice([{}, {"parcels": "3"}])),
            ("stage", (fence,), {}),
            ("find", ("",), {}),
            ("counter", (fence,), rng.choice([{}, {"override": "1"}])),
            ("tasks", (), {}),
            ("put_back", (fence,), {}),
            ("manifests", (), {}),
            ("manifest", (rng.choice([*[one["code"] for one in state["manifests"]], "M-NONE"]),), {}),
            ("returns", (), {}),
            ("return", (rng.choice([turn["order_no"], "yp-none"]),), {}),
        ]
    )


NODE_PAGES: dict[str, Any] = {
    "home": offers.home,
    "offer": offers.offer,
    "decline": offers.decline,
    "pick": picking.pick,
    "short": picking.short,
    "pack": packing.pack,
    "stage": packing.stage,
    "find": handover.find,
    "counter": handover.counter,
    "tasks": putback.tasks,
    "put_back": putback.order,
    "manifests": courier.manifests,
    "manifest": courier.manifest,
    "returns": returns.home,
    "return": returns.order,
}


def words(desk: Desk) -> Callable[..., str]:
    return lambda text, values=None: desk.t(text, **(values or {}))


def drawn_alone(state: dict[str, Any], name: str, given: tuple[Any, ...], desk: Desk) -> str:
    who = {"person": desk.who.person, "language": desk.who.language}
    args, now, t = desk.args, desk.now, words(desk)
    ctx = {"now": now, "latest": desk.line.moment.latest}
    match name:
        case "home":
            view = pages.home_page(state, {**args, "tab": given[0]}, who, now, t)
        case "offer":
            view = pages.offer_page(state, *given, args, who, now, t)
        case "decline" | "stage":
            view = getattr(pages, f"{name}_page")(state, *given, t)
        case "find":
            view = pages.find_page(state, *given, t)
        case "tasks":
            view = pages.put_back_tasks(state, t)
        case "manifests" | "returns":
            view = getattr(pages, f"{name}_page")(state, t)
        case "manifest":
            view = pages.manifest_page(state, *given, t)
        case "return":
            view = pages.return_page(state, *given, t)
        case "put_back":
            view = pages.put_back_page(state, *given, who, t)
        case "counter":
            view = pages.counter_page(state, *given, args, who, ctx, t)
        case _:
            view = getattr(pages, f"{name}_page")(state, *given, args, who, t)
    shown = View(**{key: as_shown(one) for key, one in view.items()})
    return render(desk, shown, csrf="x", whole=False)


def drawn_by_the_node(name: str, given: tuple[Any, ...], desk: Desk) -> str:
    try:
        view = NODE_PAGES[name](desk, *given)
    except Gone as gone:
        view = gone_view(desk, gone)
    return render(desk, view, csrf="x", whole=False)


def test_random_work_comes_to_the_same_state_on_both_sides(tmp_path: Path, rng: random.Random) -> None:
    done: Counter[tuple[str, bool]] = Counter()
    for run in range(SEQUENCES):
        node = a_day(tmp_path / f"{run}.db", rng)
        state = extract(desk_at(node), SKUS)
        for step in range(40):
            if not state["turns"]:
                break
            node.now += rng.choice([0, 700, 9_000, 61_000])
            name, args = some_command(rng, state)
            node.now += name == "open_manifest"  # which of one moment is the newer, nobody could say
            command, person = f"C{run}-{step}", rng.choice(PEOPLE)
            said = alone(state, name, args, command, person, node)
            with kit.sqlite.writing(node.db):
                outcome = kit.commands.perform(node.db, name, args, node.context(person, "H1", command))
            truth = "ok" if outcome.ok or outcome.refusal is None else str(outcome.refusal.reason)
            assert said == truth, (name, args, outcome.refusal)
            done[name, said == "ok"] += 1
            mine, theirs = compared(dict(state), node)
            assert mine == theirs, (name, args, said)
            page, given, asked = some_page(rng, state)
            desk = desk_at(node, person, rng.choice(["en", "zh"]), **asked)
            told = extract(desk)
            state["notices"], state["whys"] = told["notices"], {**state["whys"], **told["whys"]}
            if page != "offer" or find_turn(state, given[0])["state"] == "offered":
                assert drawn_alone(state, page, given, desk) == drawn_by_the_node(page, given, desk), page
        node.close()
    every = {
        *COURIER,
        "accept",
        "start_wave",
        "scan",
        "pick",
        "undo_pick",
        "short",
        "pack",
        "stage",
        "hand_over",
        "put_back",
        "take_return",
    }
    assert every <= {name for name, ok in done if ok}, done


def test_a_piece_with_a_number_of_its_own_is_picked_once_on_both_sides(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    for fence in (10, 11):
        node.accepted(fence, [(DRESS, 2)])
    wave = node.do("start_wave", fences=[10, 11])["wave"]
    with kit.sqlite.writing(node.db):
        node.db.execute("UPDATE item SET serialised = 1 WHERE sku = ?", (DRESS,))
    state = extract(desk_at(node), SKUS)
    gtin = kit.gtin_of(3).zfill(14)

    def both(step: int, name: str, **args: Any) -> str:
        node.now += 1000
        said = alone(state, name, args, f"PIECE-{step}", "p1", node)
        with kit.sqlite.writing(node.db):
            outcome = kit.commands.perform(node.db, name, args, node.context("p1", "H1", f"PIECE-{step}"))
        assert said == ("ok" if outcome.refusal is None else str(outcome.refusal.reason))
        mine, theirs = compared(dict(state), node)
        assert mine == theirs
        return said

    assert both(1, "scan", wave=wave, code=f"01{gtin}21A") == "ok"
    assert both(2, "scan", wave=wave, code=f"01{gtin}21A") == "serial_used"
    assert both(3, "scan", wave=wave, code=gtin) == "serial_wanted"
    assert both(4, "pick", fence=10, line=1) == "serial_wanted"
    assert both(5, "scan", wave=wave, code=f"01{gtin}21B") == "ok"
    assert both(6, "undo_pick", fence=10, line=1) == "ok"
    assert both(7, "scan", wave=wave, code=f"01{gtin}21A") == "serial_used"  # B was taken back
    assert both(8, "scan", wave=wave, code=f"01{gtin}21B") == "ok"
    node.close()


def test_a_wrong_item_is_named_in_the_same_words_on_both_sides(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(10, [(SHIRT, 1)])
    wave = node.do("start_wave", fences=[10])["wave"]
    for language in ("en", "zh"):
        for code in (CAP, SHIRT_L):  # another article, another size of the same
            desk = desk_at(node, language=language)
            args = {"wave": wave, "code": code}
            with kit.sqlite.writing(node.db):
                outcome = kit.commands.perform(
                    node.db, "scan", args, node.context("p1", "H1", f"W-{language}-{code}")
                )
            assert outcome.refusal is not None
            told = picking.wrong_item(desk, picking.pick(desk, wave), outcome.refusal).feedback
            assert told is not None
            state, who = extract(desk, [CAP, SHIRT_L]), {"person": "p1", "language": language}
            ask = {"method": "POST", "path": f"/waves/{wave}/scan", "args": {}, "fields": {"code": [code]}}
            refused = {"ok": False, "reason": "wrong_item", "facts": {"found_sku": code, "wanted_sku": SHIRT}}
            ctx = {"now": node.now, "clock": str}
            said = routes.shown(state, ask, [refused], who, ctx, words(desk))["say"]
            assert (said["text"], said["next_step"]) == (told.text, told.next_step)
    node.close()
