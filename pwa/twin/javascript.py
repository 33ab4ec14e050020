"""What both compilers write JavaScript with: constants, keys, texts by number, and their way to say no."""

from __future__ import annotations

import json
import re

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class CannotTwin(Exception):
    """A construct that the device does not know. Says where, and what to write instead."""


class Messages:
    """Texts that the made code names by number; the catalogue of each language has them in this order."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        if text not in self._numbers:
            self.texts.append(text)
            self._numbers[text] = len(self.texts)
        return self._numbers[text]


def quoted(text: str) -> str:
    """A text inside of a tagged one."""
    return text.replace("\\", "\\\\").replace("`", "\\`").replace("$", "\\$").replace("\r", "\\r")


def text_of(value: object) -> str:
    """A Python constant as JavaScript."""
    return json.dumps(value, ensure_ascii=False)


def key_of(name: str) -> str:
    if name == "__proto__":
        raise CannotTwin("the key __proto__ is not known to the device's pages")
    return name if PLAIN.match(name) else text_of(name)
