"""Receipts for printers that speak ESC/POS: one strip of paper, from the top down, then cut."""

from __future__ import annotations

import segno

from pwa.printing import code128
from pwa.printing.letters import black_bits, picture, readable, wrapped
from pwa.printing.paper import BIG, HUGE, Bars, Block, Paper, Rule, Say, Square, plain

ESC, GS = b"\x1b", b"\x1d"
RESET = ESC + b"@"
CUT = b"\n" + GS + b"V\x42\x03"
LETTER_DOTS = 12
"""Width of the printer's own letters (font A) at size 1."""
PRINTABLE = {58: 384, 80: 576}
"""Dots across the usual rolls at 203 dpi; the edge of the paper stays white."""


def receipt(paper: Paper, width_mm: float, dpi: int, copies: int = 1) -> bytes:
    dots = PRINTABLE.get(round(width_mm), 0) if dpi in (180, 203) else 0
    across = dots or int((width_mm - 8) * dpi / 25.4)
    strip = RESET + b"".join(_block(block, across, dpi) for block in paper.blocks) + CUT
    return strip * max(copies, 1)


def _block(block: Block, across: int, dpi: int) -> bytes:
    match block:
        case Say():
            return _say(block, across, dpi)
        case Rule():
            return b"-" * (across // LETTER_DOTS) + b"\n"
        case Square():
            return _qr(block.code, block.mm, dpi) + b"".join(_say(say, across, dpi) for say in block.says)
        case Bars():
            module = across // code128.modules(block.code)
            if module < 2 or not plain(block.code):
                return _qr(block.code, 16, dpi) + _say(Say(block.code), across, dpi)
            return _bars(block, min(module, 4), dpi)


def _say(say: Say, across: int, dpi: int) -> bytes:
    text = readable(say)
    size = 6 if say.mm >= HUGE else 2 if say.mm >= BIG else 1
    if plain(text):
        lines = wrapped(text, 0.62 * (across // (LETTER_DOTS * size)))
        look = GS + b"!" + bytes([(size - 1) * 0x11]) + ESC + b"E" + bytes([say.bold])
        return look + b"".join(line.encode() + b"\n" for line in lines) + GS + b"!\0" + ESC + b"E\0"
    high = round(say.mm * dpi / 25.4)
    return b"".join(_picture(line, high) for line in wrapped(text, across / high))


def _picture(text: str, high: int) -> bytes:
    image = picture(text, high)
    bits, row = black_bits(image)
    return GS + b"v0\0" + row.to_bytes(2, "little") + image.height.to_bytes(2, "little") + bits


def _bars(block: Bars, module: int, dpi: int) -> bytes:
    # `{` starts a command inside a Code 128 field; `{{` is the sign itself.
    code = b"{B" + block.code.replace("{", "{{").encode()
    high = min(255, round(block.mm * dpi / 25.4))
    return (
        GS + b"h" + bytes([high]) + GS + b"w" + bytes([module]) + GS + b"H\x02"
        + GS + b"k\x49" + bytes([len(code)]) + code + b"\n"
    )  # fmt: skip


def _qr(code: str, mm: float, dpi: int) -> bytes:
    modules = segno.make_qr(code, error="m").symbol_size(border=0)[0]
    size = max(3, min(16, int(mm * dpi / 25.4 / modules)))
    stored = b"1P0" + code.encode()
    parts = (b"1A2\0", b"1C" + bytes([size]), b"1E1", stored, b"1Q0")
    return b"".join(GS + b"(k" + len(part).to_bytes(2, "little") + part for part in parts)
