"""The app that a handheld installs: its manifest in the reader's language, and its icons.

The icons are drawn here from the few shapes of the sign, so that every size has sharp edges and no file
has to be kept in step with another.
"""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from pwa.statics import address
from pwa.texts import LANGUAGES, Texts

BRAND, WHITE = (15, 92, 92, 255), (255, 255, 255, 255)
SIZES = (192, 512)
FINER = 4
"""Drawn so much larger and made smaller: Pillow's own lines have steps."""
ICONS = {f"{what}-{size}.png": (what, size) for what in ("icon", "maskable") for size in SIZES}


@get("/app/{name:str}", opt={"open": True}, sync_to_thread=True)
def part(name: FromPath[str]) -> Response[bytes]:
    """`en.webmanifest`, `icon-192.png`, `maskable-512.png`, …"""
    language, dot, kind = name.partition(".")
    if dot and kind == "webmanifest" and language in LANGUAGES:
        return Response(manifest(language), media_type="application/manifest+json")
    if name not in ICONS:
        raise NotFoundException
    return Response(icon(*ICONS[name]), media_type="image/png", headers={"Cache-Control": "max-age=604800"})


@lru_cache
def manifest(language: str) -> bytes:
    t = Texts(language)
    name = t("yipan store")
    parts: dict[str, Any] = {
        "id": "/",
        "name": name,
        "short_name": t("yipan"),
        "description": t("Store fulfilment that goes on with the line cut"),
        "lang": "zh-Hans" if language == "zh" else "en",
        "dir": "ltr",
        "start_url": "/orders",
        "scope": "/",
        "display": "standalone",
        "orientation": "any",
        "background_color": "#f5f4f0",
        "theme_color": "#0f5c5c",
        "categories": ["business", "shopping"],
        "icons": [
            *(
                {"src": f"/app/{file}", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
                for file, (what, size) in ICONS.items()
                for purpose in ("maskable" if what == "maskable" else "any",)
            ),
            {"src": address("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        ],
        "shortcuts": [
            {"name": t(word), "url": url, "icons": [{"src": "/app/icon-192.png", "sizes": "192x192"}]}
            for word, url in (
                ("Orders", "/orders"), ("Hand over", "/handover"),
                ("Returns", "/returns"), ("Stock", "/stock"),
            )
        ],
    }  # fmt: skip
    return json.dumps(parts, ensure_ascii=False).encode()


@lru_cache
def icon(what: str, size: int) -> bytes:
    """The bowl of static/icon.svg (64 units wide). `maskable`: to the edges, its sign in the safe middle."""
    from PIL import Image, ImageDraw  # late: an installation asks for it, a shop's day does not

    side = size * FINER
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if what == "maskable":
        draw.rectangle((0, 0, side, side), fill=BRAND)
        shrink = 0.78  # the launcher may cut all but the inner four fifths
    else:
        draw.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * 14 / 64, fill=BRAND)
        shrink = 1.0

    def at(unit: float) -> float:
        return side / 2 + (unit - 32) * shrink * side / 64

    draw.pieslice((at(12), at(14), at(52), at(54)), 0, 180, fill=WHITE)
    draw.rounded_rectangle(
        (at(17.5), at(23.5), at(46.5), at(28.5)), radius=(at(28.5) - at(23.5)) / 2, fill=WHITE
    )
    made = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(made, "PNG", optimize=True)
    return made.getvalue()


HANDLERS = [part]
