"""A walk through pages in a browser: each is looked at for what does not fit a hand, for barriers (axe,
WCAG 2.2 AA), for scripts that break and for requests that leave the origin.

One walk serves many claims, because a page costs more to open than to judge: it is opened once and looked at
in every light, size of text, hand and width that is asked for. What is folded is unfolded first, and each
sheet is opened: a state that nobody opened is a state that nobody checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

FIT = """({root, hand}) => {
  // Inside `root`: targets for gloves, nothing beyond the edge of the screen, no letter cut off.
  const bad = [], width = document.documentElement.clientWidth;
  const named = (e) => `${e.tagName} ${(e.textContent.trim() || e.name || e.className).slice(0, 30)}`;
  const targets = 'a, button, input:not([type=hidden]):not(#sink), select, summary';
  for (const e of hand ? root.querySelectorAll(targets) : []) {
    if (e.closest('[hidden], dialog:not([open])')) continue;
    const box = (/radio|checkbox/.test(e.type) ? e.closest('label') : e).getBoundingClientRect();
    if (!box.width) continue;
    if (box.width < 47.9 || box.height < 47.9) bad.push(`small: ${named(e)} ${box.width}x${box.height}`);
    if (e.matches('.foot .btn') && box.height < 55.9) bad.push(`main action: ${named(e)} ${box.height}`);
    if (box.right > width + 1 || box.left < -1) bad.push('off the screen: ' + named(e));
  }
  const shut = 'dialog:not([open]), details:not([open]) > :not(summary)';
  // A name beside a title gives way to it, by an ellipsis: nothing that anybody works by.
  const out = `[hidden], .sr, .who, #sink, select, input, svg, ${shut}`;
  for (const e of hand ? root.querySelectorAll('body *, dialog *') : []) {
    if (e.closest(out) || !e.clientWidth) continue;
    const more = [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight];
    const full = e.matches('.btn, .tabs a, .tile, .key, .line, .step, h1, h2');
    const held = full || getComputedStyle(e).overflowX === 'hidden';
    if (held && (more[0] > 1 || more[1] > 2)) bad.push(`cut off: ${named(e)} ${more}`);
    if (e.getBoundingClientRect().right > width + 1) bad.push(`off the screen: ${named(e)}`);
  }
  for (const e of hand ? root.querySelectorAll('.line *, .head *, .btn, .tile *, .lines *, .card *') : []) {
    const text = e.textContent.trim(), box = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (e.childElementCount || text.length < 3 || e.closest(`[hidden], .sr, ${shut}`)) continue;
    const narrow = box.width < 1.8 * parseFloat(style.fontSize);
    const lines = box.height / parseFloat(style.lineHeight);
    if (narrow && lines > 1.5) bad.push(`a column of letters: ${named(e)}`);
  }
  // The answer to a scan is on the screen, over the main action.
  const said = root.querySelector('.body > #said .fb[data-command]')?.getBoundingClientRect();
  const foot = document.querySelector('.foot')?.getBoundingClientRect();
  // The foot has 12 px of fading above its buttons.
  const hidden = said && foot && (said.top < 0 || said.bottom > foot.top + 12);
  if (hand && hidden) bad.push("an answer nobody sees");
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) bad.push('wider than the screen: ' + page.scrollWidth);
  // What is read first stands in one line, as it is meant to be.
  const plain = hand && width >= 360 && page.dataset.text === '100';
  for (const e of plain ? root.querySelectorAll('.line .what, h1') : []) {
    if (e.matches('h1') && !/YP-\\d/.test(e.textContent)) continue;
    const lines = e.clientHeight / parseFloat(getComputedStyle(e).lineHeight);
    if (lines > 1.5) bad.push(`in two lines: ${named(e)}`);
  }
  return [...new Set(bad)];
}"""
LOOK = (
    """async ({hand, axes}) => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const fit = """
    + FIT
    + """;
  const say = (n) => n.target + ' ' + (n.any[0]?.message || '');
  const see = async (root) => {
    if (!axes) return [];
    const {violations} = await axe.run(root, {runOnly: tags, resultTypes: ['violations']});
    return violations.map((v) => v.id + ': ' + v.nodes.map(say).join(' | ').slice(0, 400));
  };
  for (const one of document.querySelectorAll('details')) one.open = true;
  const bad = fit({root: document, hand});
  if (hand && !document.getElementById('line')?.textContent.trim()) bad.push('no status line');
  bad.push(...await see(document));
  for (const sheet of document.querySelectorAll('dialog:not([open])')) {
    sheet.showModal();
    const found = [...fit({root: sheet, hand}), ...await see(sheet)];
    bad.push(...found.map((one) => `${sheet.id}: ${one}`));
    sheet.close();
  }
  return bad;
}"""
)
WORN = "([text, hand]) => Object.assign(document.documentElement.dataset, {text, hand})"
"""How a device is set stands on the root of each page, and nowhere else: it can be changed without a load."""


@dataclass(frozen=True)
class View:
    """One way to see a page. `axe`: look for barriers too, not only for what does not fit."""

    width: int = 360
    height: int = 3000
    """Tall, so that nothing lies under the bar at the bottom: it is scrolled to, which axe cannot know."""
    light: str = "light"
    text: str = "100"
    hand: str = "right"
    axe: bool = True

    def __str__(self) -> str:
        return f"{self.width} {self.light} {self.text} {self.hand}"


@dataclass
class Found:
    """What walks came to."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    """Requests that leave the origin, scripts that break, what the pages' own policy forbids."""
    visited: list[str] = field(default_factory=list)
    drawn: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)

    def add(self, walk: Walk) -> None:
        self.wrong |= walk.wrong
        self.strange += walk.strange
        self.visited += walk.visited

    def join(self, other: Found) -> None:
        self.wrong |= other.wrong
        self.strange += other.strange
        self.visited += other.visited
        self.answered |= other.answered


class Walk:
    """One page that goes from address to address. `hand`: pages of a handheld, for gloves."""

    def __init__(
        self, page: Any, base: str, *, name: str = "", hand: bool = True, views: Sequence[View] = (View(),)
    ) -> None:
        self.page, self.base, self.name, self.hand, self.views = page, base, name, hand, views
        self.wrong: dict[str, list[str]] = {}
        self.strange: list[str] = []
        self.visited: list[str] = []
        page.set_default_timeout(60_000)
        # Of the whole context: its service worker's requests as well as the page's.
        page.context.on("request", self._asked)
        page.on("pageerror", lambda error: self.strange.append(f"{name} {page.url}: {error}"))
        page.on("console", self._said)
        self._worn = self.views[0]

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"{self.base}/", "data:", "about:")):
            self.strange.append(f"{self.name}: {request.url}")

    def _said(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.strange.append(f"{self.name} {self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.visited.append(path)

    def through(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.go(path)
            self.look(path)

    def look(self, what: str) -> None:
        """At the page as it stands now, in every view."""
        # Through the debugger, so that the pages' own policy against foreign scripts stays on.
        if not self.page.evaluate("() => Boolean(globalThis.axe)"):
            self.page.evaluate(AXE.read_text())
        for view in self.views:
            self._wear(view)
            found = self.page.evaluate(LOOK, {"hand": self.hand, "axes": view.axe})
            if found:
                self.wrong[f"{self.name} {view} {what}"] = found
        if len(self.views) > 1:
            self._wear(self.views[0])

    def _wear(self, view: View) -> None:
        self.page.set_viewport_size({"width": view.width, "height": view.height})
        if view.light != self._worn.light:
            self.page.emulate_media(color_scheme=view.light)
        if self.hand:
            self.page.evaluate(WORN, [view.text, view.hand])
        self._worn = view


def missing(app: Any, visited: Iterable[str], no_pages: Iterable[str]) -> list[str]:
    """Addresses that answer to a browser and that no walk has been to: a new page is not forgotten."""
    been = {path.split("?")[0] for path in visited}
    found = []
    for route in app.routes:
        handlers = getattr(route, "route_handlers", ())
        if not any("GET" in one.http_methods for one in handlers) or route.path in no_pages:
            continue
        pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", route.path))
        if not any(pattern.fullmatch(path) for path in been):
            found.append(route.path)
    return found
