"""A store box that can be killed, hung, or made to lose its answers, and a handheld that looks at it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from playwright.sync_api import Error

from pwa.app import make_app
from tests import kit_pwa as kit

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)
SIZE = {"width": 360, "height": 640}


class Box:
    """The store node's pages on one address, killed and started again over the same record."""

    def __init__(self, node: kit.DemoNode) -> None:
        self.node = node
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.server: uvicorn.Server | None = None
        self.mood = "well"
        """`well`; `hung`: takes requests and does nothing with them before it wakes; `mute`: does what a form
        asks, and its answer never arrives."""
        self.policy = ""
        self.secret = "kept"
        self.refuses: set[str] = set()
        """Addresses that it answers with trouble of its own."""
        self.kept_waiting = 0

    def start(self) -> None:
        app = make_app(self.node, store=kit.STORE, secret=self.secret)
        app.state.policy += self.policy
        config = uvicorn.Config(
            self._moody(app),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            ws="none",
            timeout_graceful_shutdown=0,
            lifespan="on",
        )
        server = self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=server.run, daemon=True)
        self.thread.start()
        while not server.started:
            assert self.thread.is_alive(), "the pages did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.server is not None:
            self.mood = "well"
            self.server.force_exit = self.server.should_exit = True
            self.thread.join(10)
            self.server = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def _moody(self, app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") in self.refuses:
                await send({"type": "http.response.start", "status": 503, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            if scope["type"] != "http" or self.mood == "well" or scope["path"] == "/changes":
                await app(scope, receive, send)
                return
            body = b""
            more = True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            told = False

            async def read() -> dict[str, Any]:
                nonlocal told
                if told:
                    await asyncio.sleep(3600)
                told = True
                return {"type": "http.request", "body": body, "more_body": False}

            async def silence(message: Any) -> None:
                pass

            self.kept_waiting += 1
            mute = self.mood == "mute" and scope["method"] == "POST"
            if mute:
                await app(scope, read, silence)
            while self.mood != "well" and (mute or self.mood == "hung"):
                await asyncio.sleep(0.02)
            if not mute:
                await app(scope, read, send)
            elif self.server is not None:
                await send({"type": "http.response.start", "status": 504, "headers": []})
                await send({"type": "http.response.body", "body": b""})

        return answer


def handheld(context: Any) -> Any:
    page = context.pages[0] if context.pages else context.new_page()
    page.set_default_timeout(60_000)
    return page


def signed_in(context: Any, box: Box, path: str, person: str = "p1") -> Any:
    """A handheld of `person` on `path`, its worker in control and its extract with it."""
    page = handheld(context)
    kit.sign_in_browser(page, box.address, person)
    page.goto(box.address + path)
    prepared(page)
    return page


STORED = """(read) => new Promise((done) => {
  const asked = indexedDB.open("yipan", 1);
  asked.onupgradeneeded = () => asked.transaction.abort();
  asked.onerror = () => done(null);
  asked.onsuccess = () => {
    const db = asked.result;
    const [store, name] = read.split("/");
    const place = db.transaction(store).objectStore(store);
    const got = name ? place.get(name) : place.getAll();
    got.onsuccess = () => { db.close(); done(got.result ?? null); };
  };
})"""


def stored(page: Any, what: str) -> Any:
    """What the device keeps: `outbox`, or one of `kept/…`."""
    while True:
        try:
            return page.evaluate(STORED, what)
        except Error as error:  # the page went on to another one meanwhile
            if "context was destroyed" not in str(error):
                raise
            page.wait_for_load_state()


def prepared(page: Any) -> None:
    """The worker is in control and has its extract."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    until(page, lambda: stored(page, "kept/bag"))


def until(page: Any, fits: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < end, "did not come to pass"
        page.wait_for_timeout(50)


def wedge(page: Any, code: str) -> None:
    """A hardware scan, done with when the page has its answer. Later than a bounce of the one before."""
    page.wait_for_timeout(260)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.yipan.scan.waiting() === 0")


def says(page: Any, text: str) -> None:
    page.get_by_text(text).first.wait_for()


def waiting(page: Any) -> int:
    """Commands in the device's outbox, of whomever."""
    return sum(row["state"] == "waiting" for row in stored(page, "outbox"))


def refused(page: Any) -> list[str]:
    return [row["sentence"] for row in stored(page, "outbox") if row["state"] == "refused"]


def handed_in(page: Any) -> None:
    until(page, lambda: waiting(page) == 0)
    until(page, lambda: stored(page, "kept/alone") is False)


def picked(node: kit.DemoNode, fence: int, line: int) -> int:
    sql = "SELECT picked FROM assignment_line WHERE fence = ? AND line = ?"
    return int(node.db.execute(sql, (fence, line)).fetchone()[0])


def state(node: kit.DemoNode, fence: int) -> str:
    return str(node.db.execute("SELECT state FROM assignment WHERE fence = ?", (fence,)).fetchone()[0])


def facts(node: kit.DemoNode) -> int:
    return int(node.db.execute("SELECT count(*) FROM fact").fetchone()[0])


INSIDE = """async (path) => {
  const reply = await fetch(path, {headers: {"HX-Request": "true"}});
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  for (const one of page.querySelectorAll("#line, [name=command], [name=_csrf_token]")) one.remove();
  for (const one of page.querySelectorAll("[data-until]")) one.textContent = "";
  for (const one of page.querySelectorAll("[data-seen]")) one.removeAttribute("data-seen");
  return [reply.headers.get("X-Drawn-By") ?? "box", page.documentElement.innerHTML];
}"""


def looked_at(page: Any, paths: list[str]) -> list[tuple[str, str]]:
    """Who drew each page, and what is in it but for what each drawing has of its own: ids, countdowns."""
    return [tuple(page.evaluate(INSIDE, path)) for path in paths]
