"""How a page of the centre is made: the reader's language, the theme, the templates, the headers.

Texts are English message ids; `_("… {name} …", name=x)` translates and then fills in. Autoescape
is on everywhere and no template marks data as safe. No script stands inside a page, so the
content security policy needs no exception.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.template.base import csrf_token

from sync.rules.refusals import Refusal, Refused, Why
from sync.texts import LANGUAGES, Translator, translator

HERE = Path(__file__).resolve().parent
WebRequest = Request[Any, Any, State]

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
LANGUAGE_COOKIE = "yipan_centre_language"
THEME_COOKIE = "yipan_centre_theme"
THEMES = ("auto", "light", "dark")


def accepted_language(header: str) -> str:
    """The language of ours that an Accept-Language header likes best; English when it names none."""
    best, weight = "en", 0.0
    for part in header.lower().split(","):
        name, _, rest = part.strip().partition(";")
        try:
            q = float(rest.partition("q=")[2] or 1)
        except ValueError:
            continue
        short = name.split("-")[0]
        if short in LANGUAGES and q > weight:
            best, weight = short, q
    return best


def language_of(request: WebRequest) -> str:
    """Chosen on this device, else the person's own, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    person = request.scope.get("user")
    own = getattr(person, "language", "")
    return own if own in LANGUAGES else accepted_language(request.headers.get("accept-language", ""))


def speaker(lang: str) -> Translator:
    return translator(lang, ("sync", "server"))


class Texts:
    """What templates say, in one language: `_`, `_n`, numbers, times, names kept in two languages."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.translate = speaker(lang)

    def say(self, text: str, **facts: Any) -> str:
        said = self.translate(text)
        return said.format(**facts) if facts else said

    def say_n(self, one: str, many: str, n: int, **facts: Any) -> str:
        return self.say(one if n == 1 else many, n=self.number(n), **facts)

    def number(self, n: int | float) -> str:
        return f"{n:,}"

    def name(self, row: Any, prefix: str = "name") -> str:
        """The `name_en`/`name_zh` of a row, dict or object, in this language."""
        for lang in (self.lang, "en", "zh"):
            key = f"{prefix}_{lang}"
            try:
                value = row[key]
            except (TypeError, IndexError, KeyError):
                value = getattr(row, key, "")
            if value:
                return str(value)
        return ""

    def ago(self, ms: int) -> str:
        """A length of time as people say it. board.js says the same while the page is open."""
        s = max(0, ms // 1000)
        zh = self.lang == "zh"
        if s < 60:
            return f"{s} 秒" if zh else f"{s} s"
        if s < 3600:
            return f"{s // 60} 分" if zh else f"{s // 60} min"
        if s < 48 * 3600:
            return f"{s // 3600} 小时 {s // 60 % 60} 分" if zh else f"{s // 3600} h {s // 60 % 60} min"
        return f"{s // 86400} 天" if zh else f"{s // 86400} days"

    def left(self, ms: int) -> str:
        s = abs(ms) // 1000
        text = f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}" if s >= 3600 else f"{s // 60:02}:{s % 60:02}"
        return f"−{text}" if ms < 0 else text

    def clock(self, at: int, zone: str = "", *, seconds: bool = False) -> str:
        """Time of day; with the date where it is not today's is `moment`'s work."""
        return _local(at, zone).strftime("%H:%M:%S" if seconds else "%H:%M") if at else "–"

    def moment(self, at: int, zone: str = "") -> str:
        return _local(at, zone).strftime("%Y-%m-%d %H:%M:%S") if at else "–"

    def money(self, fen: int) -> str:
        return f"¥{fen / 100:,.2f}"


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _local(at: int, zone: str) -> datetime:
    """A point in time on the wall clock of that place, or of this machine when none is named."""
    return datetime.fromtimestamp(at / 1000, _zone(zone) or datetime.now().astimezone().tzinfo)


@lru_cache(maxsize=len(LANGUAGES))
def texts(lang: str) -> Texts:
    return Texts(lang)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )


@lru_cache(maxsize=1)
def _stamp() -> str:
    """Changes with the static files, so that browsers may keep them until it does."""
    newest = max((p.stat().st_mtime_ns for p in (HERE / "static").rglob("*") if p.is_file()), default=0)
    return format(newest // 1_000_000, "x")


def render(template: str, lang: str, **values: Any) -> str:
    """A template or part of one, in a language."""
    own = texts(lang)
    return (
        _templates()
        .get_template(template)
        .render(
            {
                "_": own.say,
                "_n": own.say_n,
                "t": own,
                "lang": lang,
                "static": f"/static/{{}}?{_stamp()}".format,
                **values,
            }
        )
    )


def page(request: WebRequest, template: str, *, status: int = 200, **values: Any) -> Response[str]:
    """A whole page for the person who asks."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    now = request.app.state.clock()
    html = render(
        template,
        language_of(request),
        person=request.scope.get("user"),
        theme=theme if theme in THEMES else "auto",
        csrf=csrf_token({"request": request}),
        path=request.url.path,
        now=now,
        **values,
    )
    return Response(
        html, media_type=MediaType.HTML, status_code=status, headers={"cache-control": "no-store"}
    )


def refused_page(request: WebRequest, refused: Refused, status: int = 403) -> Response[str]:
    own = texts(language_of(request))
    title, next_step = _nothing_here(own, refused.refusal) or (
        refused.refusal.sentence(own.translate),
        refused.refusal.next_step(own.translate),
    )
    return page(request, "trouble.html", status=status, title=title, next_step=next_step)


def _nothing_here(own: Texts, refusal: Refusal) -> tuple[str, str] | None:
    """What is refused in the words of a store is said in those of the centre."""
    match refusal.reason:
        case Why.UNKNOWN_STORE:
            title = own.say("There is no store {store}.", store=refusal.facts["store"])
            return title, own.say("Go to the board and look for it there.")
        case Why.UNKNOWN_SKU:
            return refusal.sentence(own.translate), own.say("Look for it in the stock of the chain.")
        case Why.UNKNOWN_TASK:
            return own.say("There is no such case."), own.say("Look for it among the cases.")
    return None
