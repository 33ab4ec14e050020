"""Where everything stands on a sheet or label, in millimetres from its upper left corner.

What does not fit goes on to the next one: a label is never cut off without anybody noticing.
"""

from __future__ import annotations

from dataclasses import dataclass

from pwa.printing import code128
from pwa.printing.letters import em, readable, wrapped
from pwa.printing.paper import SMALL, Bars, Block, Paper, Rule, Say, Square, plain

LEADING = 1.3
NARROWEST, WIDEST = 0.25, 0.5
"""Of a module of bars, in mm: below, cheap scanners miss it; above, it only takes room."""


@dataclass(frozen=True)
class Words:
    x: float
    y: float
    text: str
    mm: float
    bold: bool


@dataclass(frozen=True)
class Stripes:
    x: float
    y: float
    code: str
    module: float
    mm: float


@dataclass(frozen=True)
class Matrix:
    x: float
    y: float
    code: str
    mm: float


@dataclass(frozen=True)
class Stroke:
    x: float
    y: float
    mm: float


Thing = Words | Stripes | Matrix | Stroke


def place(paper: Paper, width: float, height: float, margin: float) -> list[list[Thing]]:
    """Pages of things."""
    pages: list[list[Thing]] = [[]]
    y = margin
    for block in paper.blocks:
        things, high = _block(block, width - 2 * margin)
        if y + high > height - margin and pages[-1]:
            pages.append([])
            y = margin
        pages[-1] += [_moved(thing, margin, y) for thing in things]
        y += high
    return pages


def _moved(thing: Thing, x: float, y: float) -> Thing:
    from dataclasses import replace

    return replace(thing, x=thing.x + x, y=thing.y + y)


def _block(block: Block, width: float) -> tuple[list[Thing], float]:
    """The things of a block from its own corner, and how high it is."""
    match block:
        case Say():
            return _say(block, width)
        case Rule():
            return [Stroke(0, 1.0, width)], 2.0
        case Square():
            return _square(block, width)
        case Bars():
            module = width / code128.modules(block.code)
            if module < NARROWEST or not plain(block.code):
                return _square(Square(block.code, 16.0, (Say(block.code),)), width)
            module = min(module, WIDEST)
            letters, high = _say(Say(block.code, SMALL), width)
            lead = code128.QUIET * module
            things: list[Thing] = [Stripes(lead, 0.5, block.code, module, block.mm)]
            return things + [_moved(one, lead, block.mm + 1.2) for one in letters], block.mm + 2 + high


def _say(say: Say, width: float) -> tuple[list[Thing], float]:
    text = readable(say)
    # One word that is a little too long (a big tote letter, an order number) is better smaller than broken.
    mm = max(min(say.mm, width / em(text)), SMALL) if text and " " not in text else say.mm
    lines = wrapped(text, width / mm)
    things: list[Thing] = [Words(0, n * mm * LEADING, line, mm, say.bold) for n, line in enumerate(lines)]
    return things, len(lines) * mm * LEADING + 0.4


def _square(block: Square, width: float) -> tuple[list[Thing], float]:
    beside = block.mm + 2.0
    things: list[Thing] = [Matrix(0, 0.5, block.code, block.mm)]
    y = 0.5
    for say in block.says:
        lines, high = _say(say, width - beside)
        things += [_moved(line, beside, y) for line in lines]
        y += high
    return things, max(block.mm + 2.5, y + 0.5)
