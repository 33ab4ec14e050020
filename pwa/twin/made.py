"""What a handheld is sent to be able to work alone: the worker with pages and rules in it, and its words.

The script's bytes change with anything in it, the catalogues' hashes included, so a handheld updates by
itself and numbers of texts never meet the texts of another release.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import nodes

from pwa.statics import ROOT, address, content
from pwa.support.pages import help_desk
from pwa.texts import LANGUAGES, ROOMS
from pwa.twin import deeds, pages, routes
from pwa.twin.deeds import DEEDS
from pwa.twin.javascript import Messages
from pwa.twin.rules import compile_rules
from pwa.twin.templates import compile_all, trees
from pwa.web import PAGES
from sync.texts import po_path, read_po, translator

HERE = Path(__file__).parent
PARTS = ("twin.js", "words.js", "blake.js", "ids.js", "persons.js")
SHELL = ("app.css", "icon.svg", "log.js", "lib/htmx.min.js", "gs1.js", "page.js", "support.js")
"""What a page of the handheld loads, by the names that templates use."""
DRAWN = (
    *(
        "offers/home.html",
        "offers/offer.html",
        "offers/order.html",
        "offers/decline.html",
        "picking/pick.html",
    ),
    *("picking/short.html", "packing/pack.html", "packing/stage.html", "handover/find.html"),
    *(
        "handover/counter.html",
        "putback/tasks.html",
        "putback/order.html",
        "returns/home.html",
        "returns/order.html",
    ),
    *("courier/manifests.html", "courier/manifest.html"),
    *("signin/pin.html", "twin/names.html", "twin/kept.html", "twin/help.html"),
    *("support/now.html", "gone.html", "said.html"),
)
"""Templates of the pages that pwa/twin/pages makes."""
ALWAYS = {"line.alone": True, "d.prints.label": False, "d.prints.sheet": False, "d.history": False}
"""What every page is told that a handheld draws."""
NOTHING = (
    "<!doctype html><html lang=en data-theme=auto><meta charset=utf-8>"
    f"<meta name=viewport content='width=device-width'><link rel=stylesheet href={address('app.css')}>"
    "<title>yipan</title><main class=body><div class=head>"
    "<h1>The store box is not reached <span lang=zh-Hans>无法连接门店主机</span></h1></div>"
    "<p>This handheld has nothing to work on yet. Open this page where the store box is reached, and sign in."
    "<p lang=zh-Hans>本设备尚无可处理的任务。请在可连接门店主机处打开本页并登录。"
)


@dataclass(frozen=True)
class Made:
    """Pages and rules as JavaScript, and the texts that they name by number."""

    templates: str
    rules: str
    messages: Messages


@lru_cache
def made() -> Made:
    messages = Messages()
    templates = compile_all(PAGES, DRAWN, messages, ALWAYS)
    # What the script asks of the rules, and nothing else, goes along.
    asked = {*DEEDS, *re.findall(r"\brules\.(\w+)", (ROOT / "alone.js").read_text())}
    rules = compile_rules([*deeds.MODULES, *pages.MODULES, routes], sorted(asked), messages)
    return Made(templates, rules, messages)


@lru_cache
def worker(policy: str) -> tuple[bytes, str]:
    """The worker's script and its version: a hash of everything it is made of."""
    built = {
        "rules": made().rules,
        "templates": made().templates,
        "words": json.dumps({name: f"/twin/words/{name}?v={words(name)[1]}" for name in LANGUAGES}),
        "statics": json.dumps({name: address(name) for name in SHELL}),
        "policy": json.dumps(policy),
        "nothing": json.dumps(NOTHING + help_desk(), ensure_ascii=False),
    }
    body = "\n".join(
        [
            # The reader of codes is the page's own file, under the same hash: it is on the device once.
            "globalThis.window=globalThis;",
            f"importScripts({json.dumps(address('gs1.js'))});",
            "globalThis.gs1=yipan.gs1;",
            *[_script(name) for name in PARTS],
            "globalThis.built={" + ",\n".join(f"{name}:{text}" for name, text in built.items()) + "};",
            _script("alone.js"),
            _script("worker.js"),
        ]
    )
    version = hashlib.blake2b(body.encode(), digest_size=6).hexdigest()
    return f"{body}\n".replace("built.version", json.dumps(version), 1).encode(), version


def _script(name: str) -> str:
    found = content(name)
    assert found is not None
    return found[0].decode()


@lru_cache
def words(language: str) -> tuple[bytes, str]:
    """The catalogue that the device's pages speak from, and its hash: data, not part of the script."""
    body = json.dumps(catalogue(language), ensure_ascii=False, separators=(",", ":")).encode()
    return body, hashlib.blake2b(body, digest_size=6).hexdigest()


def catalogue(language: str) -> dict[str, Any]:
    """`texts` in the order of their numbers; `by` their English text those that come with the work."""
    translate = translator(language, ROOMS)
    by: dict[str, str] = {}
    if language != "en":
        said = _constants()
        for room in ROOMS:
            path = po_path(room, language)
            found = read_po(path) if path is not None and path.exists() else {}
            by |= {text: forms[0] for text, forms in found.items() if room == "sync" or text in said}
    return {"texts": [translate(text) for text in made().messages.texts], "by": by}


def _constants() -> set[str]:
    """Texts in the twin's own modules, in those that they take texts from, and in its templates and scripts:
    what the device may have to say, beside the words of the rules."""
    files = set(HERE.rglob("*.py"))
    for path in [*files]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pwa."):
                spec = find_spec(node.module or "")
                files |= {Path(spec.origin)} if spec is not None and spec.origin else set()
    found = {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for tree in trees(PAGES, DRAWN).values():
        found |= {str(node.value) for node in tree.find_all(nodes.Const)}
    for name in (*PARTS, "alone.js", "worker.js"):
        found |= set(re.findall(r'"([^"\n]+)"', (ROOT / name).read_text()))
    return found
