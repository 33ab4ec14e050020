"""Text as a picture, for letters that a printer has not: Chinese first of all.

The font is the machine's own; none is shipped. Where none with Chinese letters is found, the caller
prints the English name or the SKU instead: a row of empty boxes helps nobody.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pwa.printing.paper import Say, plain

FONT_PATHS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
)
CHINESE_FROM = "⺀"
"""From here on Unicode is East Asian; what comes before is in any Latin font."""


@lru_cache(1)
def chinese_font() -> str:
    """The file of a font with Chinese letters, or nothing. YIPAN_PRINT_FONT names another."""
    told = os.environ.get("YIPAN_PRINT_FONT", "")
    for path in (told,) if told else FONT_PATHS:
        if Path(path).is_file():
            return path
    return ""


@lru_cache(16)
def _font(path: str, dots: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if not path:
        return ImageFont.load_default(dots)
    # Collections of one design for several scripts hold the simplified Chinese one third.
    for face in (2, 0):
        try:
            return ImageFont.truetype(path, dots, index=face)
        except OSError:
            continue
    return ImageFont.load_default(dots)


def drawable(text: str) -> bool:
    """Whether it can be drawn here, by the printer or by us."""
    return plain(text) or bool(chinese_font()) or all(sign < "Ā" for sign in text)


def readable(say: Say) -> str:
    """The text to print: itself, or what stands in for it where its letters cannot be drawn."""
    if drawable(say.text):
        return say.text
    if say.instead and drawable(say.instead):
        return say.instead
    return "".join(sign for sign in say.text if plain(sign)).strip() or "-"


def em(text: str) -> float:
    """How wide the text is in letter heights: a cautious guess that holds for every printer's own font."""
    return sum(1.0 if sign >= CHINESE_FROM else 0.62 for sign in text)


def wrapped(text: str, most_em: float, most_lines: int = 3) -> list[str]:
    """Lines that fit the width, broken at spaces where there are any; the rest is cut with three dots."""
    lines: list[str] = []
    left = text.strip()
    while left:
        n = len(left)
        while n > 1 and em(left[:n]) > most_em:
            n -= 1
        if n < len(left):
            space = left.rfind(" ", 1, n + 1)
            n = space if space > n // 2 else n
        lines.append(left[:n].strip())
        left = left[n:].strip()
        if left and len(lines) == most_lines:
            lines[-1] = lines[-1][: max(1, len(lines[-1]) - 3)] + "..."
            break
    return lines or [""]


def picture(text: str, dots: int) -> Image.Image:
    """Black on white, one bit a dot, as high as the letters and as wide as the text needs."""
    font = _font(chinese_font(), max(dots, 8))
    left, top, right, bottom = font.getbbox(text)
    room = Image.new("1", (max(1, int(right - min(left, 0)) + 1), max(1, int(dots * 1.25))), 1)
    lift = min(0, int(room.height - bottom)) if top >= 0 else -int(top)
    ImageDraw.Draw(room).text((-min(left, 0), lift), text, font=font, fill=0)
    return room


def black_bits(image: Image.Image) -> tuple[bytes, int]:
    """Rows of bits, 1 = black, and bytes a row: what ZPL and ESC/POS both take."""
    inverted = image.convert("1").point(lambda value: 0 if value else 255, mode="1")
    return inverted.tobytes(), (image.width + 7) // 8
