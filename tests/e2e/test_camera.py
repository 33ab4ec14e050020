"""The camera as a scanner: what is held before it is read here, and counted once each time it comes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
import zxingcpp
from PIL import Image, ImageFilter

from pwa.statics import address
from tests import kit_pwa as kit
from tests.conftest import browser_options
from tests.e2e.kit_alone import SIZE, Box, picked, prepared, signed_in, until

pytestmark = pytest.mark.browser

SHIRT, JEANS = kit.GOODS[0][0], kit.GOODS[2][0]
WIDTH, HEIGHT, RATE = 640, 480, 5
"""Of the film that plays the camera: few pictures a second, as this machine does much else."""


def drawn(code: zxingcpp.Barcode, scale: int) -> Image.Image:
    return Image.fromarray(code.to_image(scale=scale)).convert("L")


def film(path: Path) -> Path:
    """A hand holds up a shirt, a shirt again, jeans with a GS1 DataMatrix, and the QR code that presses
    "not found", with nothing in between. Over and over."""
    shirt = drawn(zxingcpp.create_barcode(kit.gtin_of(0), zxingcpp.BarcodeFormat.EAN13), 3)
    gs1 = f"(01){kit.gtin_of(2).zfill(14)}(21)SER9"
    jeans = drawn(zxingcpp.create_barcode(gs1, zxingcpp.BarcodeFormat.DataMatrix, gs1=True), 6)
    paper = io.BytesIO()
    segno.make("YIPAN-SHORT", error="m", micro=False).save(paper, kind="png", scale=6, border=4)
    short = Image.open(paper).convert("L")
    shots: list[tuple[Image.Image | None, float]] = [
        (held, 2.4) for code in (shirt, shirt, jeans, short) for held in (code, None)
    ]
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for shot, seconds in shots:
            for n in range(int(seconds * RATE)):
                picture = Image.new("L", (WIDTH, HEIGHT), 170)
                if shot is not None:  # no hand is quite still
                    picture.paste(
                        shot, ((WIDTH - shot.width) // 2 + n % 5, (HEIGHT - shot.height) // 2 - n % 3)
                    )
                out.write(b"FRAME\n" + picture.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2))
    return path


def with_camera(film: Path | None, *more: str) -> Iterator[Any]:
    """A Chromium whose camera plays `film`; without one it has no camera."""
    from playwright.sync_api import sync_playwright

    options: dict[str, Any] = browser_options()
    fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"] if film else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(**{**options, "args": [*options["args"], *fake, *more]})
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from with_camera(film(tmp_path_factory.mktemp("film") / "hand.y4m"))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 4), (JEANS, 3)], shopper="", tail="")
    node.do("start_wave", fences=[13])
    node.acknowledge()
    yield node
    node.close()


@pytest.fixture
def box(node: kit.DemoNode) -> Iterator[Box]:
    box = Box(node)
    box.start()
    yield box
    box.kill()


@pytest.fixture
def context(browser: Any, box: Box) -> Iterator[Any]:
    context = browser.new_context(viewport=SIZE)
    strange: list[str] = []
    context.on("weberror", lambda error: strange.append(str(error.error)))
    context.on("console", lambda m: strange.append(m.text) if "Content Security Policy" in m.text else None)
    context.on(
        "request", lambda r: strange.append(r.url) if not r.url.startswith((box.address, "data:")) else None
    )
    yield context
    context.close()
    assert strange == []


HEARD = """() => {
  window.heard = [];
  const { scan } = window.yipan, got = scan.got;
  scan.got = (codes) => { window.heard.push([codes[0], performance.now()]); got(codes); };
}"""


def wave(box: Box, context: Any, person: str = "p1") -> Any:
    page = signed_in(context, box, f"/waves/{kit.wave_of(box.node, 13)}", person)
    page.evaluate(HEARD)
    return page


def heard(page: Any) -> list[str]:
    return [code for code, _ in page.evaluate("window.heard")]


def test_what_is_held_before_the_camera_is_picked_once_each_time(context: Any, box: Box) -> None:
    context.grant_permissions(["camera"], origin=box.address)
    page = wave(box, context)
    page.click(".cam")
    until(page, lambda: page.url.split("?")[0].endswith("/short"), 90)
    codes = heard(page)
    again = [code for code in codes if code == kit.gtin_of(0)]
    # The film may begin anywhere; a round of it holds the shirt up twice, each time for a dozen pictures.
    assert 0 < len(again) <= 2
    assert [code for code in codes if code not in again] in (
        ["YIPAN-SHORT"], [f"]d201{kit.gtin_of(2).zfill(14)}21SER9", "YIPAN-SHORT"],
    )  # fmt: skip
    until(page, lambda: picked(box.node, 13, 1) == len(again))
    assert picked(box.node, 13, 2) == len(codes) - len(again) - 1
    # It came from our own box, and stays here: the camera reads without the box as well.
    box.kill()
    page.goto(f"{box.address}/waves/{kit.wave_of(box.node, 13)}")
    page.evaluate(HEARD)
    page.click(".cam")
    page.wait_for_function("() => window.heard.length > 0", timeout=60_000)
    # Somebody looks at another page: the camera is let go, and taken again afterwards.
    live = "() => document.querySelector('.camera video').srcObject !== null"
    assert page.evaluate(live)
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    assert not page.evaluate(live)
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
    page.wait_for_function(live)
    page.get_by_role("button", name="Close").click()
    assert page.locator(".camera").count() == 0


def test_a_reader_that_the_browser_has_is_taken_instead_of_ours(context: Any, box: Box) -> None:
    """Chromium on Linux has none: a stand-in that knows the formats and reads one thing."""
    context.grant_permissions(["camera"], origin=box.address)
    context.add_init_script(
        """const formats = ['ean_13', 'ean_8', 'upc_a', 'code_128', 'data_matrix', 'qr_code'];
        window.BarcodeDetector = class {
          static getSupportedFormats() { return Promise.resolve(formats); }
          detect({width, height}) {
            const boundingBox = {x: width / 2 - 9, y: height / 2 - 9, width: 18, height: 18};
            const one = {rawValue: window.inView, format: 'ean_13', boundingBox};
            return Promise.resolve(window.inView ? [one] : []);
          }
        };"""
    )
    page = wave(box, context)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.click(".cam")
    page.evaluate("(code) => { window.inView = code; }", kit.gtin_of(0))
    once = page.get_by_role("button", name="Once more")
    page.wait_for_function("() => window.heard.length === 1")
    page.wait_for_timeout(1500)
    assert heard(page) == [kit.gtin_of(0)], "as long as it is in view it is one"
    once.click()
    assert heard(page) == [kit.gtin_of(0)] * 2, "unless the person says so"
    page.evaluate("() => { window.inView = ''; }")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.camera button')].some((one) => one.disabled)"
    )
    page.evaluate("(code) => { window.inView = code; }", kit.gtin_of(0))
    page.wait_for_function("() => window.heard.length === 3")
    until(page, lambda: picked(box.node, 13, 1) == 3)
    assert not [url for url in fetched if "zxing" in url or "reader" in url]


READ = """async ([reader, pictures]) => {
  const worker = new Worker(reader), told = [];
  for (const [number, picture] of pictures.entries()) {
    const image = new Image();
    image.src = 'data:image/png;base64,' + picture;
    await image.decode();
    const bits = await createImageBitmap(image);
    told.push(await new Promise((done) => {
      worker.onmessage = ({data}) => done(data.error ?? data.codes.map((one) => one.text).join());
      worker.postMessage({number, picture: bits}, [bits]);
    }));
  }
  worker.terminate();
  return told;
}"""


def held_askew(code: zxingcpp.Barcode) -> str:
    """A picture of it as a hand makes one: turned, not quite sharp."""
    picture = Image.new("L", (1280, 720), 170)
    shot = drawn(code, 5)
    picture.paste(shot, ((1280 - shot.width) // 2, (720 - shot.height) // 2))
    out = io.BytesIO()
    picture.rotate(12, fillcolor=170).filter(ImageFilter.GaussianBlur(1.2)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_our_reader_reads_what_hangs_on_goods(context: Any, box: Box) -> None:
    kinds = zxingcpp.BarcodeFormat
    gs1 = f"(01){kit.gtin_of(2).zfill(14)}(21)SER9"
    plain = f"01{kit.gtin_of(2).zfill(14)}21SER9"
    codes = [
        (zxingcpp.create_barcode(kit.gtin_of(0), kinds.EAN13), kit.gtin_of(0)),
        (zxingcpp.create_barcode("96385074", kinds.EAN8), "96385074"),
        (zxingcpp.create_barcode("012345678905", kinds.UPCA), "0012345678905"),  # the same GTIN
        (zxingcpp.create_barcode(SHIRT, kinds.Code128), SHIRT),
        (zxingcpp.create_barcode(gs1, kinds.Code128, gs1=True), f"]C1{plain}"),
        (zxingcpp.create_barcode(gs1, kinds.DataMatrix, gs1=True), f"]d2{plain}"),
        (zxingcpp.create_barcode(gs1, kinds.QRCode, gs1=True), f"]Q3{plain}"),
        (zxingcpp.create_barcode("https://id.gs1.org/01/x", kinds.QRCode), "https://id.gs1.org/01/x"),
    ]
    page = signed_in(context, box, "/orders")
    read = page.evaluate(READ, [address("reader.js"), [held_askew(code) for code, _ in codes]])
    assert read == [text for _, text in codes]


COUNT = """async (pictures) => {
  await import(%r);
  const its = window.yipan.camera.counter();
  return pictures.map(([now, ...codes]) => its.picture(codes, now));
}"""


def test_what_counts_in_a_row_of_pictures(context: Any, box: Box) -> None:
    page = wave(box, context)

    def counted(pictures: list[list[Any]]) -> list[str]:
        said: list[str] = page.evaluate(COUNT % address("camera.js"), pictures)
        return said

    def code(text: str, x: float = 0.5, sure: bool = True) -> dict[str, Any]:
        return {"text": text, "sure": sure, "x": x, "y": 0.5}

    bars = code("1", sure=False)
    assert counted([[0, bars], [100, bars], [200, bars]]) == ["", "1", ""], (
        "bars are believed when read twice"
    )
    assert counted([[0, bars], [100, code("7", sure=False)], [200, bars]]) == ["", "", ""]
    assert counted([[0, code("1")], [500], [1000], [1100, code("1")]]) == ["1", "", "", ""], "a shaking hand"
    gone: list[list[Any]] = [[0, code("1")], [500], [900], [1400], [1500, code("1")]]
    assert counted(gone) == ["1", "", "", "", "1"], "out of view, and back"
    assert counted([[0, code("1")], [2000], [2100, code("1")]]) == ["1", "", ""], (
        "one slow picture proves nothing"
    )
    assert counted([[0, code("1", 0.95)], [100, code("1", 0.6)]]) == ["", "1"], "nobody aims at the edge"
    two = [code("1", 0.7), code("2", 0.45)]
    assert counted([[0, *two], [100, *two]]) == ["2", ""], (
        "of two the one in the middle, and no other by itself"
    )


def test_without_leave_it_says_what_to_do_and_is_ready_when_it_comes(browser: Any, box: Box) -> None:
    context = browser.new_context(viewport=SIZE)
    page = wave(box, context)
    # It has a camera and no reader of its own: ours is fetched when there is time, before anybody asks.
    kept = "async () => Boolean(await caches.match('/static/lib/zxing.wasm', {ignoreSearch: true}))"
    until(page, lambda: page.evaluate(kept))
    page.click(".cam")
    page.get_by_text("The browser may not use the camera").wait_for()
    context.grant_permissions(["camera"], origin=box.address)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("() => window.heard.length > 0", timeout=60_000)
    context.close()


def test_no_camera_and_no_secure_address_are_said(browser: Any, box: Box) -> None:
    context = browser.new_context(viewport=SIZE)
    page = wave(box, context, "p2")  # who reads Chinese
    page.evaluate("""() => { navigator.mediaDevices.getUserMedia = () => {
        throw new DOMException('none', 'NotFoundError'); }; }""")
    page.click(".cam")
    page.get_by_text("本机没有摄像头").wait_for()
    page.get_by_role("button", name="关闭").click()
    page.evaluate("() => Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.click(".cam")
    page.get_by_text("只允许安全地址的页面使用摄像头").wait_for()
    assert page.get_attribute(".camera a", "href") == "/secure"
    page.click(".camera a")
    page.wait_for_url("**/secure")
    context.close()


def test_a_handheld_without_use_for_it_shows_no_button(browser: Any, box: Box) -> None:
    context = browser.new_context(viewport=SIZE)
    page = signed_in(context, box, "/settings")
    assert not page.is_visible(".cam"), "this page takes no scans"
    page.goto(f"{box.address}/orders")
    assert page.is_visible(".cam")
    page.goto(f"{box.address}/settings")
    page.get_by_role("form", name="Button for the camera").get_by_role("button", name="Off").click()
    page.wait_for_selector("html[data-camera=off]", state="attached")
    page.goto(f"{box.address}/orders")
    prepared(page)
    assert not page.is_visible(".cam")
    context.close()
