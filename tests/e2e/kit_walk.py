"""A walk through pages in a browser: each is looked at for what does not fit a hand, for barriers (axe,
WCAG 2.2 AA), for scripts that break and for requests that leave the origin.

One walk serves many claims, because a page costs more to open than to judge. What is folded is unfolded
first, and each sheet is opened: a state that nobody opened is a state that nobody checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

FIT = """(root) => {
  // Inside `root`: targets for gloves, nothing beyond the edge of the screen.
  const bad = [], width = document.documentElement.clientWidth;
  const targets = 'a, button, input:not([type=hidden]):not(#sink), select, summary';
  for (const e of root.querySelectorAll(targets)) {
    if (e.closest('[hidden], dialog:not([open])')) continue;
    const box = (/radio|checkbox/.test(e.type) ? e.closest('label') : e).getBoundingClientRect();
    const name = e.tagName + ' ' + (e.textContent.trim() || e.name || e.className).slice(0, 30);
    if (!box.width) continue;
    if (box.width < 47.9 || box.height < 47.9) bad.push(`small: ${name} ${box.width}x${box.height}`);
    if (e.matches('.foot .btn') && box.height < 55.9) bad.push(`main action: ${name} ${box.height}`);
    if (box.right > width + 1 || box.left < -1) bad.push('off the screen: ' + name);
  }
  return bad;
}"""
WIDE = """() => {
  const page = document.documentElement;
  return page.scrollWidth > page.clientWidth ? ['wider than the screen: ' + page.scrollWidth] : [];
}"""
LOOK = (
    """async ({hand}) => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const fit = """
    + FIT
    + """, wide = """
    + WIDE
    + """;
  const say = (n) => n.target + ' ' + (n.any[0]?.message || '');
  const see = async (root) => {
    const {violations} = await axe.run(root, {runOnly: tags, resultTypes: ['violations']});
    return violations.map((v) => v.id + ': ' + v.nodes.map(say).join(' | ').slice(0, 400));
  };
  for (const one of document.querySelectorAll('details')) one.open = true;
  const bad = [...wide(), ...(hand ? fit(document) : [])];
  if (hand && !document.getElementById('line')?.textContent.trim()) bad.push('no status line');
  bad.push(...await see(document));
  for (const sheet of document.querySelectorAll('dialog:not([open])')) {
    sheet.showModal();
    const found = [...wide(), ...(hand ? fit(sheet) : []), ...await see(sheet)];
    bad.push(...found.map((one) => `${sheet.id}: ${one}`));
    sheet.close();
  }
  return bad;
}"""
)


class Walk:
    """One page that goes from address to address. `hand`: pages of a handheld, for gloves."""

    def __init__(self, page: Any, base: str, *, name: str = "", hand: bool = True, narrow: int = 0) -> None:
        self.page, self.base, self.name, self.hand, self.narrow = page, base, name, hand, narrow
        """`narrow`: a second width that each page has to fit as well."""
        self.wrong: dict[str, list[str]] = {}
        self.strange: list[str] = []
        """Requests that leave the origin, scripts that break, what the pages' own policy forbids."""
        self.visited: list[str] = []
        page.set_default_timeout(60_000)
        # Of the whole context: its service worker's requests as well as the page's.
        page.context.on("request", self._asked)
        page.on("pageerror", lambda error: self.strange.append(f"{name} {page.url}: {error}"))
        page.on("console", self._said)

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
        """At the page as it stands now."""
        # Through the debugger, so that the pages' own policy against foreign scripts stays on.
        if not self.page.evaluate("() => Boolean(globalThis.axe)"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(LOOK, {"hand": self.hand})
        if self.narrow:
            size = dict(self.page.viewport_size)
            self.page.set_viewport_size({**size, "width": self.narrow})
            script = f"() => [...({WIDE})(), ...({str(self.hand).lower()} ? ({FIT})(document) : [])]"
            found += [f"at {self.narrow}: {one}" for one in self.page.evaluate(script)]
            self.page.set_viewport_size(size)
        if found:
            self.wrong[f"{self.name} {what}"] = found


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
