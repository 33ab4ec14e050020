"""A person without eyes: fetches pages, finds the forms in them, fills them in, sends them.

Only what is in the HTML is used (addresses, hidden fields, CSRF token, command id),
so that what the demo's staff can do is what a person at the same page can do.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx


class NoSuchForm(Exception):
    """The page does not offer this. Carries what it does offer."""


@dataclass
class Form:
    action: str
    method: str = "post"
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag in ("script", "style", "svg", "template"):
            self._skip += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            action = given.get("action") or given.get("hx-post") or given.get("hx-get") or ""
            method = given.get("method") or ("post" if "hx-post" in given else "get")
            self._form = Form(action, method.lower())
            self.forms.append(self._form)
        if self._form is None or "disabled" in given:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            if kind not in ("submit", "button"):
                value = given.get("value", "on" if kind == "checkbox" else "")
                self._form.fields.setdefault(name, []).append(value)
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._form.buttons.append((name, given.get("value", "")))
        elif tag == "textarea" and name:
            self._form.fields[name] = [""]
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select:
            # A browser sends the first option unless another is selected.
            self._form.fields.setdefault(self._select, [given.get("value", "")])
            if "selected" in given:
                self._form.fields[self._select] = [given.get("value", "")]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "svg", "template"):
            self._skip = max(self._skip - 1, 0)
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if not self._skip and data.strip():
            self.words.append(data.strip())


@dataclass
class Page:
    url: str
    status: int
    html: str
    outcome: str
    """`ok` or `refused <reason>` after an action; empty for a page that was only opened."""

    def __post_init__(self) -> None:
        reader = _Reader()
        reader.feed(self.html)
        self.forms = reader.forms
        self.links = reader.links
        self.text = " ".join(reader.words)

    @property
    def ok(self) -> bool:
        return self.status < 400 and not self.outcome.startswith("refused")

    def form(self, pattern: str) -> Form:
        """The first form whose address matches from its beginning to its end."""
        for form in self.forms:
            if re.fullmatch(pattern, form.action):
                return form
        offered = ", ".join(form.action for form in self.forms) or "no form"
        raise NoSuchForm(f"{self.url} ({self.status}) has no {pattern}; it has {offered}: {self.text[:300]}")

    def has_form(self, pattern: str) -> bool:
        return any(re.fullmatch(pattern, form.action) for form in self.forms)

    def links_to(self, pattern: str) -> list[str]:
        found = [link for link in self.links if re.fullmatch(pattern, link)]
        return list(dict.fromkeys(found))


class Hands:
    """One browser: cookies kept, redirects followed."""

    def __init__(self, base_url: str, language: str = "en", trust: ssl.SSLContext | None = None) -> None:
        """`trust`: for an address whose certificate the machine does not know by itself."""
        self.client = httpx.AsyncClient(
            base_url=base_url,
            follow_redirects=True,
            timeout=20.0,
            verify=trust if trust is not None else True,
            headers={"Accept": "text/html", "Accept-Language": language},
        )
        self.page = Page(base_url, 0, "", "")

    async def close(self) -> None:
        await self.client.aclose()

    def _seen(self, response: httpx.Response) -> Page:
        outcome = ""
        for answer in (*response.history, response):
            outcome = answer.headers.get("x-outcome", outcome)
        self.page = Page(str(response.url), response.status_code, response.text, outcome)
        return self.page

    async def open(self, path: str) -> Page:
        return self._seen(await self.client.get(path))

    async def send(self, form: Form, **filled: Any) -> Page:
        """`filled` takes the place of what stands in the form; a list is several fields of one name."""
        fields: dict[str, Any] = {**form.fields, **filled}
        if form.method == "get":
            return self._seen(await self.client.get(form.action, params=fields))
        return self._seen(await self.client.post(form.action, data=fields))
