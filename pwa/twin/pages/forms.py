"""What a form said, the commands it asks for, and what is said afterwards."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]

TOO_OLD = "This form is too old. Open the page again; nothing was recorded."


def text_of(fields: Data, name: str) -> str:
    values: list[str] = fields.get(name, [])
    return values[-1].strip() if values else ""


def number_of(fields: Data, name: str, otherwise: int) -> int:
    given = text_of(fields, name)
    return int(given) if given.isdigit() and len(given) < 17 else otherwise


def fences_of(fields: Data) -> list[int]:
    return [int(word) for word in fields.get("fence", []) if word.isdigit() and len(word) < 17]


def parts_of(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def fence_at(parts: list[str], at: int) -> int:
    given = parts[at] if len(parts) > at else ""
    return int(given) if given.isdigit() and len(given) < 17 else 0


def bad(text: str) -> Data:
    return {"known": True, "bad": text, "deeds": []}


def deeds_of(rows: list[Data]) -> Data:
    return {"known": True, "bad": "", "deeds": rows}


def deed(name: str, args: Data) -> Data:
    return deeds_of([{"name": name, "args": args, "part": ""}])


def feedback(mood: str, text: str, next_step: str = "") -> Data:
    return {"mood": mood, "text": text, "next_step": next_step, "command": "", "undo": None}


def then(page: Data, mood: str, text: str, next_step: str = "") -> Data:
    """The page after a command, and what is said on it."""
    return {"view": page, "say": feedback(mood, text, next_step)}
