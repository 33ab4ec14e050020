"""From a request to an answer: the desk, the rendering, the commands of a form.

htmx asks for the page's inside and gets it with the address to show; a plain browser or a
script gets the whole page. Both get the same words, and `X-Outcome` for whoever cannot read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.utils.scope.state import ScopeState

from pwa.desk import Build, Desk, Feedback, Gone, View, Who
from pwa.node import Node
from pwa.settings.look import look
from pwa.statics import address
from pwa.texts import Texts
from pwa.training.frame import csrf_cookie, leave_of
from sync import sqlite
from sync.replica import read
from sync.sqlite import Connection

if TYPE_CHECKING:
    from sync.replica.commands import Outcome

Asked = Request[Who, Any, State]

HERE = Path(__file__).parent
PAGES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    enable_async=False,
)
PAGES.globals["static"] = address


def compile_pages() -> None:
    """Compile every template now; each takes some milliseconds, once."""
    for name in PAGES.list_templates(extensions=["html"]):
        PAGES.get_template(name)


SCAN_GAP_MS = 150
"""Keys closer together than this are a scanner's; some cheap handhelds need more."""
NOTHING = sqlite.connect(":memory:")
"""An empty record, for pages that read none."""

COMMAND = re.compile(r"[0-9A-Za-z-]{8,40}\Z")


class BadForm(Exception):
    """A form that cannot be read. `text` is a message id; nothing was recorded."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


def node_of(request: Asked) -> Node:
    node: Node = request.app.state.node
    return node


def is_htmx(request: Asked) -> bool:
    return request.headers.get("hx-request") == "true"


def nobody(request: Asked, language: str = "") -> Who:
    """Before anybody has signed in: the device alone."""
    return Who(
        person="",
        name="",
        role="",
        language=language or request.cookies.get("language", "") or request.app.state.language,
        device=device_of(request),
        leave=leave_of(request),
        **look(request.cookies),
    )


def device_of(request: Asked) -> str:
    given = request.cookies.get("device", "")
    return given if re.fullmatch(r"H[0-9A-Z]{5,12}", given) else ""


def desk_of(request: Asked, db: Connection, who: Who, feedback: Feedback | None) -> Desk:
    """The reader's desk. Runs in the reader thread."""
    store = request.app.state.store
    row = db.execute("SELECT name_en, name_zh, timezone FROM store WHERE code = ?", (store,)).fetchone()
    request.app.state.timezone = row["timezone"] if row else "UTC"
    t = Texts(who.language, request.app.state.timezone)
    return Desk(
        db=db,
        who=who,
        store=store,
        store_name=t.name(row) if row else store,
        line=node_of(request).status(),
        t=t,
        new_id=request.app.state.new_id,
        feedback=feedback,
        args={key: str(value) for key, value in request.query_params.items()},
    )


def line_of(desk: Desk) -> dict[str, Any]:
    """The status line's figures; its words are in `line.html`."""
    line = desk.line
    return {
        "up": line.up,
        "since": line.since,
        "heard_at": line.heard_at,
        "unsent": line.unsent,
        "oldest": line.oldest_unsent_at,
        "now": desk.now,
        "alone": False,
        "waiting": 0,
    }


def given(
    desk: Desk, view: View, *, csrf: str, whole: bool, gap_ms: int = SCAN_GAP_MS, mark: str = ""
) -> dict[str, Any]:
    """Everything that a template may name. All of it is data but words, times and new ids."""
    return {
        "_": desk.t,
        "n_": desk.t.n,
        "t": desk.t,
        "d": view.data,
        "desk": desk,
        "who": desk.who,
        "view": view,
        "fb": desk.feedback,
        "now": desk.now,
        "line": line_of(desk),
        "csrf": csrf,
        "layout": "base.html" if whole else "inside.html",
        "new_id": desk.new_id,
        "gap_ms": gap_ms,
        "mark": mark,
    }


def render(
    desk: Desk, view: View, *, csrf: str, whole: bool, gap_ms: int = SCAN_GAP_MS, mark: str = ""
) -> str:
    values = given(desk, view, csrf=csrf, whole=whole, gap_ms=gap_ms, mark=mark)
    return PAGES.get_template(view.template).render(values)


def gone_view(desk: Desk, gone: Gone) -> View:
    return View(
        "gone.html",
        desk.t("Not here"),
        url=gone.back,
        back=gone.back,
        data={"text": desk.t(gone.text, **gone.values)},
        status=404,
    )


def without_record(request: Asked, who: Who, build: Callable[[Texts], View]) -> Response[str]:
    """A page that reads nothing: for when something has gone wrong already."""
    t = Texts(who.language, request.app.state.timezone)
    view = build(t)
    store = request.app.state.store
    desk = Desk(NOTHING, who, store, store, node_of(request).status(), t, request.app.state.new_id)
    html = render(desk, view, csrf=csrf_of(request), whole=not is_htmx(request))
    return Response(
        html, status_code=view.status, media_type=MediaType.HTML, headers={"Cache-Control": "no-store"}
    )


NEVER_KEPT = {"command", "_csrf_token", "pin", "code"}


def kept(request: Asked) -> dict[str, str]:
    """What the person had typed into the form that was refused; secrets and codes are typed again."""
    fields: dict[str, list[str]] = request.state.get("fields", {})
    return {name: values[-1][:200] for name, values in fields.items() if name not in NEVER_KEPT}


def csrf_of(request: Asked) -> str:
    token = ScopeState.from_scope(request.scope).csrf_token
    return token if isinstance(token, str) else request.cookies.get(csrf_cookie(request), "")


async def show(
    request: Asked,
    build: Build,
    *,
    who: Who | None = None,
    say: Callable[[Texts], Feedback] | None = None,
    headers: dict[str, str] | None = None,
    moved: bool = False,
    typed: bool = False,
) -> Response[str]:
    """Build a view in a reader thread, render it there, answer."""
    person = who or request.user
    token = csrf_of(request)
    whole = not is_htmx(request) or "hx-history-restore-request" in request.headers
    mark = node_of(request).listeners.mark  # before the record is read: what comes after it is told

    def work(db: Connection) -> tuple[str, View]:
        desk = desk_of(request, db, person, None)
        if typed:
            # A refusal asks for a correction, not for everything once more.
            desk = replace(desk, args={**desk.args, **kept(request)})
        if say is not None:
            desk = replace(desk, feedback=say(desk.t))
        try:
            view = build(desk)
        except Gone as gone:
            view = gone_view(desk, gone)
        if view.feedback is not None:
            desk = replace(desk, feedback=view.feedback)
        gap_ms = read.policy_number(db, "scan_gap_ms", SCAN_GAP_MS)
        return render(desk, view, csrf=token, whole=whole, gap_ms=gap_ms, mark=mark), view

    begun = time.perf_counter()
    html, view = await node_of(request).read(work)
    answer = dict(headers or {})
    answer["Server-Timing"] = f"page;dur={(time.perf_counter() - begun) * 1000:.1f}"
    answer["Cache-Control"] = "no-store"
    answer["Vary"] = "HX-Request"
    if moved and not whole:
        answer["HX-Push-Url"] = view.url
    return Response(html, status_code=view.status, media_type=MediaType.HTML, headers=answer)


class Form:
    """What a person sent: fields, and the command id that was made before the first try."""

    def __init__(self, request: Asked, fields: dict[str, list[str]]) -> None:
        self.request = request
        self.fields = fields

    @classmethod
    async def read(cls, request: Asked) -> Form:
        data = await request.form()
        fields: dict[str, list[str]] = {}
        for key, value in data.multi_items():
            if isinstance(value, str):
                fields.setdefault(key, []).append(value.strip())
        request.state.fields = fields
        return cls(request, fields)

    def text(self, name: str, default: str = "", *, most: int = 200) -> str:
        values = self.fields.get(name)
        return (values[-1] if values else default)[:most]

    def texts(self, name: str) -> list[str]:
        return [value for value in self.fields.get(name, []) if value]

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int = 100_000) -> int:
        given = self.text(name)
        if not given and default is not None:
            return default
        if not re.fullmatch(r"-?\d{1,12}", given):
            raise BadForm("“{given}” is not a number. Type digits only.", given=given[:20])
        number = int(given)
        if not least <= number <= most:
            raise BadForm("Type a number between {least} and {most}.", least=least, most=most)
        return number

    @property
    def command(self) -> str:
        given = self.text("command")
        if not COMMAND.fullmatch(given):
            raise BadForm("This form is too old. Open the page again; nothing was recorded.")
        return given

    async def perform(self, name: str, args: dict[str, Any], *, part: str = "") -> Outcome:
        """Ask the command under the form's own id: a double tap or a retry applies once.

        `part` tells the commands of one form apart (accept all of five offers).
        """
        who = self.request.user
        return await node_of(self.request).perform(
            name,
            args,
            command_id=f"{self.command}.{part}" if part else self.command,
            person=who.person,
            device=who.device,
        )


def said(
    outcome: Outcome, good: Callable[[Texts], Feedback], command: str = ""
) -> Callable[[Texts], Feedback]:
    """The feedback of an outcome: the refusal's own words, or what went well."""

    def words(t: Texts) -> Feedback:
        if outcome.ok or outcome.refusal is None:
            return replace(good(t), command=command)
        return Feedback(
            "bad",
            outcome.refusal.sentence(t.translate),
            outcome.refusal.next_step(t.translate),
            command=command,
        )

    return words


async def answer(
    request: Asked,
    outcome: Outcome,
    then: Build,
    good: Callable[[Texts], Feedback],
    *,
    command: str = "",
    otherwise: Build | None = None,
) -> Response[str]:
    """Show where the person is now, and what became of what they asked.

    `then` after success, `otherwise` (the page they stood on) after a refusal.
    """
    headers = {"X-Outcome": outcome_word(outcome)}
    build = then if outcome.ok or otherwise is None else otherwise

    def told(desk: Desk) -> View:
        view = build(desk)
        return view if outcome.ok else replace(view, status=409)

    return await show(
        request, told, say=said(outcome, good, command), headers=headers, moved=True, typed=not outcome.ok
    )


def outcome_word(outcome: Outcome) -> str:
    if outcome.ok or outcome.refusal is None:
        return "ok"
    reason = outcome.refusal.reason
    return f"refused {getattr(reason, 'value', reason)}"
