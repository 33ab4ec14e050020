"""Short names for compiled rules: what a person reads in Python, a handheld has no use for.

While a function is made, its names stand between two marks that no program contains; when it is complete
they become the shortest ones that nothing else in it is called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product

from pwa import shorten

OWN, SHARED, END = "\ue000", "\ue001", "\ue002"
RESERVED = frozenset({"do", "if", "in", "of", "as"})
LOCALS = "acjkmnoqrvwzEGHIJLPQSTUVWXYZBC_$"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def own(name: str) -> str:
    """A parameter or another name inside of one function."""
    return f"{OWN}{name}{END}"


def shared(name: str) -> str:
    """A function or a constant of the modules."""
    return f"{SHARED}{name}{END}"


def short(letters: str, then: str) -> Iterator[str]:
    yield from letters
    for pair in product(LETTERS, then):
        if (name := "".join(pair)) not in RESERVED:
            yield name


def settled_own(functions: dict[str, str]) -> dict[str, str]:
    """Each function with its own names made short. A name that many functions have is the same in all of
    them, which packs better; the others take what is left. No runtime operation is called so, nor any
    shared name."""
    found = {key: Counter(re.findall(f"{OWN}(.*?){END}", code)) for key, code in functions.items()}
    total: Counter[str] = sum(found.values(), Counter())
    usual = dict(zip((name for name, _ in total.most_common(len(LOCALS))), LOCALS, strict=False))
    made = {}
    for key, code in functions.items():
        given = {name: usual[name] for name in found[key] if name in usual}
        left = (name for name in short(LOCALS, "0123456789") if name not in given.values())
        others = [name for name, _ in found[key].most_common() if name not in usual]
        made[key] = _settled(code, OWN, given | dict(zip(others, left, strict=False)))
    return made


def settled_shared(code: str) -> str:
    """All functions with the shared names made short, the most frequent ones the shortest."""
    found = Counter(re.findall(f"{SHARED}(.*?){END}", code))
    ranked = sorted(found, key=lambda name: (-found[name], name))
    return _settled(code, SHARED, dict(zip(ranked, short("", LETTERS), strict=False)))


def _settled(code: str, mark: str, given: dict[str, str]) -> str:
    if shorten.READABLE:
        given = {name: ("_" if mark == OWN else "$") + name for name in given}
    return re.sub(f"{mark}(.*?){END}", lambda match: given[match[1]], code)
