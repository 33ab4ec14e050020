"""Labels for printers that speak ZPL II (Zebra and those that follow it).

Everything that comes from data goes out as hexadecimal where it could mean anything to the printer
(`^FH`), so a name with `^XZ` in it is printed as it is written.
"""

from __future__ import annotations

import math

import segno

from pwa.printing.letters import black_bits, picture
from pwa.printing.paper import Paper, plain
from pwa.printing.place import Matrix, Stripes, Stroke, Thing, Words, place

SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;/()+-#*=!?&%")
MARGIN_MM = 2.5
MOST_MAGNIFICATION = 10


def label(paper: Paper, width_mm: float, height_mm: float, dpi: int, copies: int = 1) -> bytes:
    dots = dpi / 25.4
    made = []
    for page in place(paper, width_mm, height_mm, MARGIN_MM):
        parts = "".join(_thing(thing, dots) for thing in page)
        size = f"^PW{round(width_mm * dots)}^LL{round(height_mm * dots)}"
        made.append(f"^XA^CI28^LH0,0{size}{parts}^PQ{max(copies, 1)}^XZ\n")
    return "".join(made).encode()


def data(text: str) -> str:
    """A field whose data the printer takes to the letter."""
    hexed = "".join(
        sign if sign in SAFE else "".join(f"_{byte:02X}" for byte in sign.encode()) for sign in text
    )
    return f"^FH_^FD{hexed}^FS"


def _thing(thing: Thing, dots: float) -> str:
    at = f"^FO{round(thing.x * dots)},{round(thing.y * dots)}"
    match thing:
        case Stroke():
            return f"{at}^GB{round(thing.mm * dots)},2,2^FS"
        case Stripes():
            module = max(1, int(thing.module * dots + 0.01))
            # `>` starts a command inside a Code 128 field; `>0` is the sign itself.
            bars = data(thing.code.replace(">", ">0"))
            return f"{at}^BY{module}^BCN,{round(thing.mm * dots)},N,N,N{bars}"
        case Matrix():
            return f"{at}^BQN,2,{magnification(thing, dots)}{data('MA,' + thing.code)}"
        case Words():
            high = round(thing.mm * dots)
            if plain(thing.text):
                return f"{at}^A0N,{high},{round(high * (1.0 if thing.bold else 0.9))}{data(thing.text)}"
            return at + graphic(thing.text, high)


def magnification(thing: Matrix, dots: float) -> int:
    """Dots a module, so that the code is about as wide as asked, its white edge apart."""
    modules = segno.make_qr(thing.code, error="m").symbol_size(border=0)[0]
    return max(1, min(MOST_MAGNIFICATION, math.floor(thing.mm * dots / modules)))


def graphic(text: str, high: int) -> str:
    bits, row = black_bits(picture(text, high))
    return f"^GFA,{len(bits)},{len(bits)},{row},{bits.hex().upper()}^FS"
