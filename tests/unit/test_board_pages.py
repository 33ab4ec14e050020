"""The pages of managers: who gets in, what their region lets them see, what they may do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from httpx import Response
from jinja2 import Environment, nodes
from litestar import Litestar
from litestar.testing import TestClient

from server.board.order_page import masked_name, masked_phone
from server.cases.book import Evidence, open_case
from server.config import CentreConfig
from server.signin import session
from sync.sqlite import writing
from sync.texts import po_path, read_po
from tests.kit_web import NOON, ORDER, PIN, api, client, clock_of, csrf, database, new_centre, sign_in

SERVER = Path(__file__).resolve().parents[2] / "server"
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def at(centre: CentreConfig, minutes: int) -> None:
    clock_of(centre).now = NOON + minutes * 60_000


def placed(centre: CentreConfig, store: str = "S001", external_id: str = "A-1") -> str:
    with api(centre) as web:
        answer = web.post("/api/v1/orders", json={**ORDER, "pickup_store": store, "external_id": external_id})
        return str(answer.json()["order_no"])


def a_case(centre: CentreConfig, store: str = "S001") -> str:
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO fact (store, incarnation, number, kind, received_at, verdict, chain, raw)"
            " VALUES (?, 'I1', 7, 'handed_over', ?, 'late', 'x', ?)",
            (store, NOON, b'{"k":"handed_over"}'),
        )
        evidence = [Evidence(store, "I1", 7, "handed_over"), Evidence(store, "I1", 99, "accepted")]
        return open_case(db, "released_stale", now=NOON, store=store, fo="YP-000001-1", evidence=evidence)


def post(web: TestClient[Litestar], path: str, **form: str) -> Response:
    token = web.cookies["yipan_centre_csrf"]
    return web.post(path, data={"_csrf_token": token, **form}, follow_redirects=False)


# -- getting in ---------------------------------------------------------------------------


def test_a_manager_signs_in_and_out(centre: CentreConfig) -> None:
    with client(centre) as web:
        answer = sign_in(web)
        assert (answer.status_code, answer.headers["location"]) == (303, "/board")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert web.get("/board").status_code == 200
        assert post(web, "/sign-out").headers["location"] == "/sign-in"
        assert web.get("/board", follow_redirects=False).status_code == 303


def test_the_cookies_secret_is_not_in_the_database(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web)
        secret = web.cookies["yipan_manager"]
    with database(centre) as db:
        assert db.execute("SELECT token FROM web_session").fetchall()[0][0] == session.hashed(secret)


def test_store_staff_are_sent_to_their_stores_own_address(centre: CentreConfig) -> None:
    with client(centre) as web:
        answer = sign_in(web, "lin")
    assert answer.status_code == 403
    assert "store" in answer.text
    assert "yipan_manager" not in answer.headers.get("set-cookie", "")


def test_guessing_a_pin_is_locked_after_five_and_the_lock_outlives_a_restart(centre: CentreConfig) -> None:
    with client(centre) as web:
        for _ in range(5):
            assert sign_in(web, pin="000000").status_code == 403
        assert sign_in(web, pin=PIN).status_code == 429
    with client(centre) as web:
        assert sign_in(web, pin=PIN).status_code == 429
        at(centre, 6)
        assert sign_in(web, pin="000000").status_code == 403
        assert sign_in(web, pin=PIN).status_code == 429
        at(centre, 30)
        assert sign_in(web, pin=PIN).status_code == 303


def test_an_id_that_nobody_has_is_answered_like_one_that_somebody_has(centre: CentreConfig) -> None:
    with client(centre) as web:
        known = [sign_in(web, "hq", "000000") for _ in range(6)]
        unknown = [sign_in(web, "nobody", "000000") for _ in range(6)]
    assert [a.status_code for a in known] == [a.status_code for a in unknown] == [403] * 5 + [429]
    plain = [re.sub("hq|nobody|[0-9a-f]{40,}", "", a.text) for a in (known[0], unknown[0])]
    assert plain[0] == plain[1]


def test_one_address_may_not_try_everybodys_pin(centre: CentreConfig) -> None:
    with client(centre) as web:
        answers = [sign_in(web, f"person-{n}", "000000").status_code for n in range(31)]
        assert answers == [403] * 30 + [429]
        assert sign_in(web, "hq", PIN).status_code == 429
        at(centre, 11)
        assert sign_in(web, "hq", PIN).status_code == 303


def test_a_session_ends_when_it_was_not_used_and_when_the_person_leaves(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web)
        at(centre, 11 * 60)
        assert web.get("/board").status_code == 200
        at(centre, 22 * 60)
        assert web.get("/board").status_code == 200
        at(centre, 35 * 60)
        assert web.get("/board", follow_redirects=False).status_code == 303
        sign_in(web)
        with database(centre) as db, writing(db):
            db.execute("UPDATE person SET active = 0 WHERE id = 'hq'")
        at(centre, 35 * 60 + 1)
        assert web.get("/board", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "back", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""]
)
def test_a_sign_in_link_leads_nowhere_else(centre: CentreConfig, back: str) -> None:
    with client(centre) as web:
        csrf(web)
        answer = post(web, "/sign-in", person="hq", pin=PIN, back=back)
    assert answer.headers["location"] == "/board"


# -- seeing and doing ---------------------------------------------------------------------


def test_a_regional_manager_sees_their_region_and_nothing_of_another(centre: CentreConfig) -> None:
    east, west = placed(centre, "S001", "A-1"), placed(centre, "S003", "A-2")
    case_west = a_case(centre, "S003")
    with client(centre) as web:
        sign_in(web, "east")
        board = web.get("/board").text
        assert "Nanjing Road" in board
        assert "Chengdu" not in board
        assert west not in board
        for path in (f"/orders/{east}", "/stores/S001", "/skus/CAP-NAVY", "/skus/CAP-NAVY/S001", "/cases"):
            assert web.get(path).status_code == 200, path
        for path in (
            f"/orders/{west}", f"/orders/{west}/changes", "/stores/S003", "/stores/S003/changes",
            "/skus/CAP-NAVY/S003", f"/cases/{case_west}",
        ):  # fmt: skip
            assert web.get(path).status_code == 403, path
        assert "Chengdu" not in web.get("/skus/CAP-NAVY").text
        assert case_west not in web.get("/cases").text
        assert west not in web.get("/outbox").text
        for path in ("/stores/S003/pause?paused=1", f"/cases/{case_west}/close", f"/orders/{west}/cancel"):
            assert post(web, path, outcome="done with it").status_code == 403, path
    with database(centre) as db:
        assert db.execute("SELECT paused FROM store WHERE code = 'S003'").fetchone()[0] == 0
        assert db.execute("SELECT state FROM open_case").fetchone()[0] == "open"


def test_an_orders_page_tells_its_history_and_keeps_the_shoppers_data_masked(centre: CentreConfig) -> None:
    number = placed(centre)
    with client(centre) as web:
        sign_in(web)
        text = web.get(f"/orders/{number}").text
        with database(centre) as db:
            code = db.execute("SELECT pickup_code FROM shop_order").fetchone()[0]
        for secret in ("13800001111", "Li Wang", code):
            assert secret not in text
            assert secret not in web.get("/outbox").text
    assert "1111" in text
    assert "offered" in text
    assert "Nanjing Road" in text


def test_headquarters_cancels_an_order_from_its_page(centre: CentreConfig) -> None:
    number = placed(centre)
    with client(centre) as web:
        sign_in(web)
        assert post(web, f"/orders/{number}/cancel").status_code == 303
        assert "cancelled" in web.get(f"/orders/{number}").text


def test_a_case_is_closed_with_its_outcome_once(centre: CentreConfig) -> None:
    case = a_case(centre)
    with client(centre) as web:
        sign_in(web)
        page = web.get(f"/cases/{case}").text
        assert "Nanjing Road released YP-000001-1" in page
        assert "handed over" in page
        assert "not kept here" in page
        assert post(web, f"/cases/{case}/close", outcome=" ").status_code == 422
        assert post(web, f"/cases/{case}/close", outcome="Shopper has it; refunded.").status_code == 303
        assert "Shopper has it; refunded." in web.get(f"/cases/{case}").text
        again = post(web, f"/cases/{case}/close", outcome="another story")
        assert again.status_code == 409
    with database(centre) as db:
        row = db.execute("SELECT state, closed_by, outcome FROM open_case").fetchone()
        assert tuple(row) == ("closed", "hq", "Shopper has it; refunded.")


def test_a_store_is_paused_and_asked_again(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web, "east")
        for paused in (1, 0):
            assert post(web, f"/stores/S001/pause?paused={paused}").status_code == 200
            with database(centre) as db:
                assert db.execute("SELECT paused FROM store WHERE code = 'S001'").fetchone()[0] == paused


def test_lines_are_cut_only_in_a_demonstration(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web)
        assert "Cut the line" not in web.get("/board").text
        assert post(web, "/stores/S001/line?cut=1").status_code == 403


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("yp-000001", "/orders/YP-000001"), ("YP-000001-1", "/orders/YP-000001"),
        ("A-1", "/orders/YP-000001"),
        ("CAP-NAVY", "/skus/CAP-NAVY"), ("6901234567892", "/skus/TEE-WHITE-M"), ("s002", "/stores/S002"),
        ("湖滨", "/stores/S002"), ("coat", "/skus?q=coat"),
    ],
)  # fmt: skip
def test_one_field_finds_everything(centre: CentreConfig, asked: str, place: str) -> None:
    placed(centre)
    with client(centre) as web:
        sign_in(web)
        answer = web.get("/find", params={"q": asked}, follow_redirects=False)
    assert answer.headers["location"] == place


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/stores/NOPE", "There is no store NOPE."),
        ("/orders/NOPE", "NOPE"),
        ("/skus/NOPE", "NOPE"),
        ("/cases/NOPE", "There is no such case."),
        ("/skus/CAP-NAVY/NOPE", "CAP-NAVY"),
    ],
)
def test_what_is_not_there_is_said_with_a_way_on(centre: CentreConfig, path: str, said: str) -> None:
    with client(centre) as web:
        sign_in(web)
        answer = web.get(path)
    assert answer.status_code == 404
    assert said in answer.text
    assert "this store" not in answer.text
    assert "store lead" not in answer.text
    assert "/board" in answer.text


# -- texts --------------------------------------------------------------------------------


def test_every_page_speaks_chinese_to_who_asks_for_it(centre: CentreConfig) -> None:
    number, case = placed(centre), a_case(centre)
    with client(centre, **{"accept-language": "zh-CN"}) as web:
        assert "登录" in web.get("/sign-in").text
        sign_in(web)
        post(web, "/preferences", language="zh", theme="dark", back="/board")
        for path in ("/board", "/stores/S001", "/stores/S001/counts", f"/orders/{number}", "/cases",
                     f"/cases/{case}", "/skus", "/skus/CAP-NAVY", "/skus/CAP-NAVY/S001", "/outbox",
                     "/find?q=zz"):  # fmt: skip
            text = web.get(path).text
            assert 'lang="zh-Hans"' in text
            assert 'class="dark"' in text
            words = re.sub(
                r"<(script|style|pre)[^>]*>.*?</\1>|<option[^>]*>[^<]*|<[^>]+>", " ", text, flags=re.S
            )
            english = {
                word
                for word in re.findall(r"\b[a-z]{4,}\b", words)
                if word not in {"yipan", "shop", "done", "placed", "offered", "ready"}
            }
            assert not english, (path, english)


def message_ids() -> dict[str, str]:
    found: dict[str, str] = {}
    environment = Environment(autoescape=True)
    for path in SERVER.rglob("*.html"):
        for call in environment.parse(path.read_text()).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("_", "_n"):
                for one in call.args[: 2 if call.node.name == "_n" else 1]:
                    assert isinstance(one, nodes.Const), f"{path}: a text that is no constant"
                    found[one.value] = path.name
    for path in SERVER.rglob("*.py"):
        if path.parts[len(SERVER.parts)] in ("demo", "replay", "audit", "shell"):
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if name in ("_", "N_", "say", "say_n"):
                for arg in call.args[: 2 if name == "say_n" else 1]:
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                        found[arg.value] = path.name
    return found


def test_no_text_of_the_centre_lacks_its_chinese() -> None:
    path = po_path("server", "zh")
    assert path is not None
    chinese = read_po(path)
    ids = message_ids()
    assert len(ids) > 300
    missing = {
        text: where for text, where in ids.items() if text not in chinese and text not in ("{said}", "{next}")
    }
    assert not missing


def test_translations_keep_every_place_for_a_fact() -> None:
    path = po_path("server", "zh")
    assert path is not None
    for text, forms in read_po(path).items():
        for form in forms:
            assert set(re.findall(r"{(\w+)}", form)) == set(re.findall(r"{(\w+)}", text)), text


def test_no_template_brings_a_script_a_style_or_unescaped_data() -> None:
    for path in SERVER.rglob("*.html"):
        text = path.read_text()
        for ban in (
            "|safe",
            "autoescape false",
            "style=",
            "onclick",
            "hx-on",
            "js:",
            "javascript:",
            "<style",
        ):
            assert ban not in text, (path.name, ban)
        assert not re.findall(r"<script(?![^>]*\bsrc=)", text), path.name


def test_names_and_numbers_of_shoppers_are_masked() -> None:
    assert masked_name("Li Wang") == "L. W**"
    assert masked_name("王磊") == "王**"
    assert masked_name("") == ""
    assert masked_phone("+86 138-0000-1111") == "•••• 1111"
    assert masked_phone("12") == ""


# -- counts -------------------------------------------------------------------------------


def test_a_manager_asks_a_store_to_count_and_takes_it_back(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web)
        page = web.get("/stores/S001/counts")
        assert page.status_code == 200
        answer = post(
            web, "/stores/S001/counts", kind="list", skus="CAP-NAVY, CAP-NAVY", name="Caps", blind="1"
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/stores/S001/counts")
        assert "Caps" in web.get("/stores/S001/counts").text
        wrong = post(web, "/stores/S001/counts", kind="list", skus="NO-SUCH-THING", name="Kept")
        assert wrong.status_code == 409
        assert "NO-SUCH-THING" in wrong.text
        assert 'value="Kept"' in wrong.text
        assert post(web, "/stores/S001/counts", kind="full", areas="Floor\nBack").status_code == 303
        assert post(web, "/stores/S001/counts", kind="full", areas="Floor").status_code == 409
    with database(centre) as db:
        told = [row[0] for row in db.execute("SELECT kind FROM decision WHERE store = 'S001'")]
        sheets = [row[0] for row in db.execute("SELECT id FROM count_sheet ORDER BY made_at, id")]
    assert told.count("count_asked") == 2
    with client(centre) as web:
        sign_in(web)
        post(web, f"/stores/S001/counts/{sheets[0]}/take-back")
    with database(centre) as db:
        assert (
            db.execute("SELECT state FROM count_sheet WHERE id = ?", (sheets[0],)).fetchone()[0]
            == "cancelled"
        )


def test_a_manager_of_another_region_asks_for_no_count(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web, "east")
        assert web.get("/stores/S003/counts").status_code == 403
        assert post(web, "/stores/S003/counts", kind="list", skus="CAP-NAVY").status_code == 403


def test_the_page_of_a_sku_tells_how_it_was_counted(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO stock_count (store, sku, expected, found, state, counted_by, looked_at)"
            " VALUES ('S001', 'CAP-NAVY', 12, 7, 'open', 'lin', ?)",
            (NOON,),
        )
    with client(centre) as web:
        sign_in(web)
        text = web.get("/skus/CAP-NAVY").text
        assert "7 found, 12 expected" in text
        assert "waits for a second person" in text
        assert "Differences that wait" in web.get("/stores/S001").text
