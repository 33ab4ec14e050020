"""What the pages do and say, from the first offer to the return, with the line up and down."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa.app import make_app
from pwa.offers import views
from pwa.offers.views import in_place
from pwa.status.changes import news, stream
from pwa.twin.pages import offers as twin_offers
from tests import kit_pwa as kit

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)


class Hand:
    """A signed-in handheld."""

    def __init__(self, http: httpx.AsyncClient, node: kit.DemoNode) -> None:
        self.http = http
        self.node = node

    async def sign_in(self, person: str = "p1") -> Hand:
        await self.http.get("/sign-in")
        pin = kit.LEAD_PIN if person == "p3" else kit.PIN
        form = {"person": person, "pin": pin, "_csrf_token": self.http.cookies["csrftoken"]}
        await self.http.post("/sign-in", data=form)
        return self

    async def see(self, path: str) -> str:
        return words((await self.http.get(path)).text)

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        data = {"command": self.node.new_id(), **{k: str(v) for k, v in fields.items()}}
        headers = {"x-csrftoken": self.http.cookies["csrftoken"], "HX-Request": "true"}
        return await self.http.post(path, data=data, headers=headers)


def words(page: str) -> str:
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    return kit.store(tmp_path / "replica.db")


@pytest.fixture
async def hand(node: kit.DemoNode) -> AsyncIterator[Hand]:
    app = make_app(node, store=kit.STORE, secret="kept", till_key=kit.TILL_KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        yield await Hand(http, node).sign_in()


def state(node: kit.DemoNode, fence: int) -> str:
    return str(node.db.execute("SELECT state FROM assignment WHERE fence = ?", (fence,)).fetchone()[0])


async def test_an_order_goes_through_the_store_by_its_pages(hand: Hand, node: kit.DemoNode) -> None:
    node.offer(1, [(SHIRT, 2), (CAP, 1)])
    assert "To accept" in await hand.see("/offers/1")
    assert (await hand.send("/offers/accept", fence=1)).headers["x-outcome"] == "ok"
    node.confirm(1)
    wave = (await hand.send("/waves", fence=1)).headers["hx-push-url"]
    for code in (kit.gtin_of(0), f"]C101{kit.gtin_of(0).zfill(14)}", CAP.lower()):
        answer = await hand.send(f"{wave}/scan", code=code)
        assert answer.headers["x-outcome"] == "ok", words(answer.text)
    assert "All picked" in words(answer.text)
    answer = await hand.send("/pack/1")
    assert answer.headers["hx-push-url"] == "/stage/1"
    answer = await hand.send("/stage/1", location="p-3")
    assert "On shelf P-3." in words(answer.text)
    assert "YP-1001" in await hand.see("/handover?q=4821")
    answer = await hand.send("/handover/1", code="000000")
    assert answer.status_code == 409
    assert "Tries left: 4" in words(answer.text)
    answer = await hand.send("/handover/1", code=kit.CODE)
    assert "Handed over. Thank the shopper." in words(answer.text)
    assert state(node, 1) == "released"
    assert (await hand.send("/handover/1/undo")).headers["x-outcome"] == "ok"
    assert state(node, 1) == "staged"


async def test_with_the_line_down_accepting_is_told_as_not_confirmed(hand: Hand, node: kit.DemoNode) -> None:
    node.up, node.since = False, node.now
    node.offer(1, [(SHIRT, 1)])
    assert "Line down since 12:00 · carry on" in await hand.see("/orders?tab=offers")
    said = words((await hand.send("/offers/accept", fence=1)).text)
    assert "the centre has yet to confirm it" in said
    assert "Not confirmed yet" in said
    assert "1 to send" in said
    wave = (await hand.send("/waves", fence=1)).headers["hx-push-url"]
    await hand.send(f"{wave}/scan", code=SHIRT)
    await hand.send("/pack/1")
    await hand.send("/stage/1", location="P-9")
    answer = await hand.send("/handover/1", code=kit.CODE)
    assert answer.headers["x-outcome"] == "refused not_confirmed"
    assert "must not leave" in words(answer.text)


async def test_the_lead_may_hand_over_what_the_rules_do_not(hand: Hand, node: kit.DemoNode) -> None:
    node.staged(1, [(SHIRT, 1)])
    form = {"action": "override", "lead": "p3", "reason": "no_code"}
    assert (await hand.send("/handover/1", **form, pin="0000")).status_code == 409
    assert (await hand.send("/handover/1", **form)).status_code == 422, "no PIN, no try"
    assert (await hand.send("/handover/1", **form, pin=kit.LEAD_PIN)).headers["x-outcome"] == "ok"


async def test_a_wrong_item_is_named_against_what_the_page_shows(hand: Hand, node: kit.DemoNode) -> None:
    node.accepted(1, [(SHIRT, 1)])
    wave = node.do("start_wave", fences=[1])["wave"]
    said = words((await hand.send(f"/waves/{wave}/scan", code=SHIRT_L)).text)
    assert "Wrong kind: this is Size L. Take Size M." in said
    said = words((await hand.send(f"/waves/{wave}/scan", code=CAP)).text)
    assert "Wrong item: this is Wool cap, grey, One size." in said
    said = words((await hand.send(f"/waves/{wave}/scan", code="what-is-this")).text)
    assert "Nothing here has the code what-is-this." in said


async def test_the_pick_page_holds_the_task_that_answers_scans(hand: Hand, node: kit.DemoNode) -> None:
    node.accepted(1, [(SHIRT, 2)])
    node.accepted(2, [(SHIRT, 1), (CAP, 1)])
    wave = node.do("start_wave", fences=[1, 2])["wave"]
    page = (await hand.http.get(f"/waves/{wave}")).text
    found = re.search(r'data-task="([^"]*)"', page)
    assert found
    task = json.loads(html.unescape(found[1]))
    by_key = {line["key"]: line for line in task["lines"]}
    assert by_key["1:1"]["codes"] == [SHIRT, kit.gtin_of(0).zfill(14)]
    assert by_key["1:1"]["want"] == 2
    # The page must choose the same tote for a SKU of two orders as the command does.
    first = next(line["key"] for line in task["lines"] if SHIRT in line["codes"])
    await hand.send(f"/waves/{wave}/scan", code=SHIRT)
    row = node.db.execute("SELECT fence, line FROM assignment_line WHERE picked = 1").fetchone()
    assert first == f"{row['fence']}:{row['line']}"


async def test_short_later_undo_and_by_hand(hand: Hand, node: kit.DemoNode) -> None:
    node.accepted(1, [(SHIRT, 2), (CAP, 1)])
    wave = node.do("start_wave", fences=[1])["wave"]
    await hand.send(f"/waves/{wave}/pick", fence=1, line=1, qty=2)
    assert "Undo: Linen shirt, sand" in await hand.see(f"/waves/{wave}")
    await hand.send(f"/waves/{wave}/undo", fence=1, line=1, qty=2)
    await hand.send(f"/waves/{wave}/later", fence=1, line=1)
    assert "Wool cap" in (await hand.see(f"/waves/{wave}")).split("This wave")[0]
    answer = await hand.send(f"/waves/{wave}/short", fence=1, line=2, qty=1, reason="not_found")
    assert "The centre finds the missing units elsewhere" in words(answer.text)
    row = node.db.execute("SELECT picked, short FROM assignment_line WHERE fence = 1 AND line = 2").fetchone()
    assert tuple(row) == (0, 1)


async def test_several_parcels(hand: Hand, node: kit.DemoNode) -> None:
    node.picked(1, [(SHIRT, 2), (CAP, 1)])
    answer = await hand.send("/pack/1", q_1_1=1, q_1_2=1, q_2_1=0, q_2_2=1)
    assert answer.headers["x-outcome"] == "ok"
    parcels = [json.loads(r[0]) for r in node.db.execute("SELECT lines FROM parcel WHERE fence = 1")]
    assert sorted(parcels) == sorted([[[1, 1]], [[1, 1], [2, 1]]])


async def test_the_courier_takes_parcels_by_code_and_by_order_number(hand: Hand, node: kit.DemoNode) -> None:
    node.packed(1, [(SHIRT, 1)], kind="shipment")
    node.packed(2, [(CAP, 1)], kind="same_day")
    url = (await hand.send("/courier", courier="SF")).headers["hx-push-url"]
    parcel = node.db.execute("SELECT code FROM parcel WHERE fence = 1").fetchone()[0]
    assert (await hand.send(f"{url}/load", code=parcel)).headers["x-outcome"] == "ok"
    assert (await hand.send(f"{url}/load", code="yp-1002")).headers["x-outcome"] == "ok"
    assert (await hand.send(f"{url}/load", code="nothing")).status_code == 409
    assert (await hand.send(f"{url}/ship")).headers["x-outcome"] == "ok"
    assert {state(node, 1), state(node, 2)} == {"released"}


async def test_a_parcel_that_was_not_scanned_is_not_shown_as_loaded(hand: Hand, node: kit.DemoNode) -> None:
    node.picked(1, [(SHIRT, 2)], kind="shipment")
    node.do("pack", fence=1, parcels=[[[1, 1]], [[1, 1]]])
    codes = [row[0] for row in node.db.execute("SELECT code FROM parcel ORDER BY code")]
    url = (await hand.send("/courier", courier="SF")).headers["hx-push-url"]
    answer = await hand.send(f"{url}/load", code=codes[0])
    assert "Loaded 1 Still waits 1" in words(answer.text)
    answer = await hand.send(f"{url}/load", code=codes[0])
    assert "Already on this manifest." in words(answer.text)
    answer = await hand.send(f"{url}/ship")
    assert answer.headers["x-outcome"] == "refused parcel_missing"
    await hand.send(f"{url}/load", code=codes[1])
    assert (await hand.send(f"{url}/ship")).headers["x-outcome"] == "ok"


async def test_an_order_that_may_not_go_is_taken_off_and_the_courier_leaves_with_the_rest(
    hand: Hand, node: kit.DemoNode
) -> None:
    from sync.wire.decisions import Withdrawn

    node.packed(1, [(SHIRT, 1)], kind="shipment")
    node.packed(2, [(CAP, 1)], kind="shipment")
    url = (await hand.send("/courier", courier="SF")).headers["hx-push-url"]
    for order in ("YP-1001", "YP-1002"):
        await hand.send(f"{url}/load", code=order)
    node.decide(Withdrawn("late", "S002", "Huaihai Rd", kit.NOON), 1)
    assert (await hand.send(f"{url}/ship")).headers["x-outcome"] == "refused withdrawn"
    answer = await hand.send(f"{url}/unload", fence=1)
    assert "Taken off this manifest." in words(answer.text)
    assert (await hand.send(f"{url}/ship")).headers["x-outcome"] == "ok"
    assert (state(node, 1), state(node, 2)) == ("put_back", "released")
    assert (await hand.send(f"{url}/unload", fence=2)).headers["x-outcome"] == "refused manifest_closed"


async def test_an_order_taken_away_is_told_in_plain_words_with_the_next_step(
    hand: Hand, node: kit.DemoNode
) -> None:
    node.picked(1, [(SHIRT, 1)], order="YP-1039")
    from sync.wire.decisions import Withdrawn

    node.decide(Withdrawn("late", "S002", "Huaihai Rd", kit.NOON - 20 * kit.MIN), 1)
    said = await hand.see("/orders?tab=work")
    assert "YP-1039 went to Huaihai Rd" in said
    assert "Put back 1 item" in said
    assert "Nothing is lost" in said
    answer = await hand.send("/putback/1", code=SHIRT)
    assert "All back" in words(answer.text)
    assert state(node, 1) == "closed"


async def test_returns_of_orders_bought_here_elsewhere_and_without_receipt(
    hand: Hand, node: kit.DemoNode
) -> None:
    node.staged(1, [(DRESS, 2)])
    node.do("hand_over", fence=1, code=kit.CODE)
    assert "can come back" in await hand.see("/returns/order?number=yp-1001")
    answer = await hand.send("/returns/order", number="YP-1001", sku=DRESS, qty=1, reason="does_not_fit")
    assert answer.headers["x-outcome"] == "ok"
    assert "bought elsewhere" in await hand.see("/returns/order?number=YP-7")
    answer = await hand.send("/returns/order", number="YP-7", code=kit.gtin_of(4), qty=1, elsewhere=1)
    assert answer.headers["x-outcome"] == "ok"
    blind = {"code": JEANS, "qty": 1, "reason": "damaged", "lead": "p3"}
    assert (await hand.send("/returns/blind", **blind)).status_code == 422
    assert (await hand.send("/returns/blind", **blind, pin="0000")).headers[
        "x-outcome"
    ] == "refused wrong_pin"
    assert (await hand.send("/returns/blind", **blind, pin=kit.LEAD_PIN)).headers["x-outcome"] == "ok"
    assert node.db.execute("SELECT count(*) FROM goods_return").fetchone()[0] == 3
    held = node.db.execute("SELECT id FROM goods_return WHERE sku = ?", (JEANS,)).fetchone()[0]
    answer = await hand.send(f"/returns/{held}", qty=1, grade="C", disposition="damaged")
    assert answer.headers["x-outcome"] == "ok"


async def test_counting_receiving_sending_and_taking_out(hand: Hand, node: kit.DemoNode) -> None:

    def on_hand(sku: str) -> int:
        return int(node.db.execute("SELECT on_hand FROM stock WHERE sku = ?", (sku,)).fetchone()[0])

    await hand.send(f"/count/{CAP}", qty=18)
    assert on_hand(CAP) == 18
    await hand.send("/receive", sku=CAP, qty=5)
    assert on_hand(CAP) == 23
    page = (await hand.send("/transfer/scan", code=kit.gtin_of(4), to="S002")).text
    assert f'name="n_{CAP}"' in page
    answer = await hand.send("/transfer", to="S002", **{f"n_{CAP}": 3})
    assert answer.headers["x-outcome"] == "ok"
    assert on_hand(CAP) == 20
    out = {"sku": CAP, "qty": 3, "reason": "broken", "to": "damaged"}
    assert (await hand.send("/adjust", **out)).headers["x-outcome"] == "refused needs_lead"
    answer = await hand.send("/adjust", **out, lead="p3", pin=kit.LEAD_PIN)
    assert answer.headers["x-outcome"] == "ok"
    assert on_hand(CAP) == 17


async def test_a_refused_form_keeps_what_was_typed_but_no_secret(hand: Hand, node: kit.DemoNode) -> None:
    out = {"sku": CAP, "qty": 7, "reason": "stolen", "to": "gone", "lead": "p3", "pin": "9753"}
    page = (await hand.send("/adjust", **out)).text
    assert 'value="7"' in page
    assert re.search(r'value="stolen" checked', page)
    assert "9753" not in page


async def test_a_form_that_cannot_be_read_is_told_over_the_page(hand: Hand, node: kit.DemoNode) -> None:
    answer = await hand.send("/receive", sku=CAP, qty="many")
    assert answer.headers["hx-reswap"] == "none"
    assert "“many” is not a number" in answer.text
    assert 'hx-swap-oob="outerHTML"' in answer.text


@pytest.mark.parametrize("given", ["-3", "1e9", "99999999", "<b>", "3.5"])
async def test_a_number_that_is_none_is_told_and_nothing_is_recorded(
    hand: Hand, node: kit.DemoNode, given: str
) -> None:
    answer = await hand.send("/receive", sku=CAP, qty=given)
    assert answer.status_code == 422
    assert node.performed == []
    assert "<b>" not in answer.text.replace("<b>Not done", "").split("<p>")[-1]


async def test_stock_says_what_is_whose(hand: Hand, node: kit.DemoNode) -> None:
    node.offer(1, [(CAP, 3)], shopper="W. Li")
    said = await hand.see(f"/stock/{CAP}")
    assert "May sell here at once 10" in said
    assert "Promised to orders here 3" in said
    assert "W. Li" in said
    assert "Linen shirt" in await hand.see("/stock?q=亚麻")


async def test_a_scan_on_any_page_leads_somewhere(hand: Hand, node: kit.DemoNode) -> None:
    node.packed(1, [(SHIRT, 1)])
    parcel = node.db.execute("SELECT code FROM parcel").fetchone()[0]
    assert (await hand.send("/scan", code=kit.gtin_of(4))).headers["hx-push-url"] == f"/stock/{CAP}"
    assert (await hand.send("/scan", code=parcel)).headers["hx-push-url"] == "/orders/1"
    assert (await hand.send("/scan", code="YP-1001")).headers["hx-push-url"] == "/orders/1"
    assert "Nothing here has the code zzz" in words((await hand.send("/scan", code="zzz")).text)


async def test_accept_all_takes_what_can_be_taken_and_tells_the_rest(hand: Hand, node: kit.DemoNode) -> None:
    node.offer(1, [(SHIRT, 1)])
    node.offer(2, [(CAP, 1)], left=1000)
    node.now += 2000
    data = {"command": node.new_id(), "fence": ["1", "2"]}
    answer = await hand.http.post(
        "/offers/accept", data=data, headers={"x-csrftoken": hand.http.cookies["csrftoken"]}
    )
    said = words(answer.text)
    assert "1 order accepted." in said
    assert "ran out" in said
    assert state(node, 1) == "accepted"


async def test_accept_all_takes_as_many_as_the_list_shows(hand: Hand, node: kit.DemoNode) -> None:
    fences = [str(node.offer(n, [(CAP, 1)])) for n in range(1, 121)]
    data = {"command": node.new_id(), "fence": fences}
    answer = await hand.http.post(
        "/offers/accept", data=data, headers={"x-csrftoken": hand.http.cookies["csrftoken"]}
    )
    assert "120 orders accepted." in words(answer.text)


def test_the_order_of_work_never_jumps_under_the_thumb(node: kit.DemoNode) -> None:
    from pwa.desk import Desk, Who
    from pwa.texts import Texts
    from pwa.work import offers

    for fence, left in ((1, 20), (2, 10), (3, 5)):
        node.offer(fence, [(CAP, 1)], left=left * kit.MIN)
    desk = Desk(
        node.db,
        Who("p1", "Lin", "associate", "en", "H1"),
        kit.STORE,
        "",
        node.status(),
        Texts("en"),
        node.new_id,
    )
    shown = [(seen.card.fence, seen.new) for seen in in_place(desk, offers(desk), "1,2")]
    assert shown == [(1, False), (2, False), (3, True)]
    assert [seen.card.fence for seen in in_place(desk, offers(desk), "")] == [3, 2, 1]
    node.do("accept", fence=1)
    first = in_place(desk, offers(desk), "1,2")[0]
    assert (first.card.fence, first.gone) == (1, True), "its place is kept, and says that it has gone"
    assert [seen.card.fence for seen in in_place(desk, offers(desk), "x,,9" + "9" * 30)] == [3, 2]


def test_a_long_list_is_drawn_in_parts_that_box_and_device_agree_on() -> None:
    assert [views.drawn("", cards) for cards in (0, 20, 30, 31, 200)] == [0, 20, 30, 20, 20]
    assert [views.drawn(asked, 200) for asked in ("80", "140", "190", "7", "x", "99999", "-5")] == [
        80, 140, 200, 20, 20, 20, 20,
    ]  # fmt: skip
    asked = ("", "0", "29", "30", "90", "210", "9999", "10000", "x", "-1", "9" * 30)
    for cards in range(0, 260, 3):
        for words in asked:
            assert twin_offers.drawn(words, cards) == views.drawn(words, cards)


async def test_the_stream_tells_the_line_and_that_work_changed(node: kit.DemoNode) -> None:
    from pwa.desk import Who

    told = stream(node, Who("p1", "Lin", "associate", "zh", "H1"), kit.STORE)
    first = [(await anext(told)).decode() for _ in range(3)]
    assert "线路正常" in first[1]
    assert first[2].startswith("event: work")
    node.offer(1, [(CAP, 1)])
    assert (await anext(told)).decode().startswith("event: work")
    await told.aclose()
    assert node.listeners.queues == set(), "a page that has gone is forgotten"
    assert news({"stock:X"}) == ["stock"]
    assert news({"line"}) == []


async def test_a_page_that_missed_nothing_is_not_told_to_look_again(node: kit.DemoNode) -> None:
    from pwa.desk import Who

    async def first_two(mark: str) -> list[str]:
        told = stream(node, Who("p1", "Lin", "associate", "en", "H1"), kit.STORE, mark=mark)
        said = [(await anext(told)).decode() for _ in range(2)]
        node.offer(int(node.now) + len(node.performed), [(CAP, 1)])
        said.append((await anext(told)).decode())
        await told.aclose()
        node.now += 1
        return said

    drawn = node.listeners.mark
    assert "changed" in (await first_two(drawn))[2], "only what came after it was drawn"
    assert "again" in (await first_two(drawn))[2], "an offer has come between the page and its stream"
    node.listeners.tell({"stock:X", "line"})
    assert "changed" in (await first_two(node.listeners.mark))[2], "a sale at the till is no news of work"
    assert "again" in (await first_two(""))[2], "a page that the device drew, or a stream that was lost"


async def test_the_stream_ends_with_the_session(
    hand: Hand, node: kit.DemoNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pwa.desk import Who
    from pwa.status import changes

    monkeypatch.setattr(changes, "BEAT_S", 0.02)
    token = hand.http.cookies["session"]
    told = stream(node, Who("p1", "Lin", "associate", "en", "H1"), kit.STORE, token)
    first = [(await anext(told)).decode() for _ in range(4)]
    assert "signed_out" not in "".join(first)
    node.now += 11 * kit.MIN
    assert (await anext(told)).decode().startswith("event: signed_out")
    with pytest.raises(StopAsyncIteration):
        await anext(told)


async def test_a_till_sells_from_the_share_and_is_told_whom_the_rest_is_promised_to(
    hand: Hand, node: kit.DemoNode
) -> None:
    key = {"Authorization": f"Bearer {kit.TILL_KEY}", "X-Till": "till-1", "Accept-Language": "zh-CN"}
    http = hand.http
    assert (await http.get(f"/till/may-sell?code={CAP}")).status_code == 401
    answer = await http.get(f"/till/may-sell?code={kit.gtin_of(4)}&qty=2", headers=key)
    assert (answer.json()["says"], answer.json()["share"]) == ("yes", 10)
    sale = {"sale": "R-1", "rows": [{"code": CAP, "qty": 10}]}
    first = await http.post("/till/sales", json=sale, headers=key)
    again = await http.post("/till/sales", json=sale, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert node.db.execute("SELECT on_hand FROM stock WHERE sku = ?", (CAP,)).fetchone()[0] == 10
    # The share is empty; ten more lie there that are the centre's. It grants some while the shopper waits.
    node.grants[CAP] = 3
    two = {"sale": "R-1b", "rows": [{"code": CAP, "qty": 2}]}
    granted = await http.post("/till/sales", json=two, headers=key)
    assert (granted.status_code, granted.json()["debt"]) == (201, 0)
    assert node.grants[CAP] == 1
    node.up = False
    one = {"sale": "R-1c", "rows": [{"code": CAP, "qty": 1}]}
    alone = await http.post("/till/sales", json=one, headers=key)
    assert (alone.status_code, alone.json()["reason"]) == (409, "no_share")
    node.up = True
    node.offer(1, [(CAP, 8)], shopper="W. Li")
    sale = {"sale": "R-2", "rows": [{"code": CAP, "qty": 1}]}
    refused = await http.post("/till/sales", json=sale, headers=key)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["reason"] == "promised"
    insisted = await http.post("/till/sales", json=sale | {"insist": True}, headers=key)
    assert insisted.json()["debt"] == 1
    back = {"sale": "R-1", "sku": CAP, "qty": 1, "return_id": "B-1"}
    assert (await http.post("/till/returns", json=back, headers=key)).status_code == 201
    for body in (b"{", b'{"sale": 3}', b'{"sale": "x", "rows": 1}'):
        bad = await http.post("/till/sales", content=body, headers=key)
        assert bad.status_code == 422
        assert "无法识别" in bad.json()["detail"]
