"""Cells of a row as values: each reader refuses what it cannot mean with a sentence for that line."""

from __future__ import annotations

import re
from typing import Any

from server.loading.rows import BadRow, Row
from sync.texts import N_

LONGEST = 2000
_CODE = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_YES = {"1", "true", "yes", "y", "是", "on"}
_NO = {"0", "false", "no", "n", "否", "off", ""}


def text(row: Row, name: str, default: str | None = None) -> str:
    """A text without control characters. Without a default it must be there."""
    value = row.get(name)
    if value is None or value == "":
        if default is None:
            raise BadRow(N_("{column} is missing."), column=name)
        return default
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadRow(N_("{column} must be a text."), column=name)
    found = str(value).strip()
    if not found and default is None:
        raise BadRow(N_("{column} is missing."), column=name)
    if len(found) > LONGEST:
        raise BadRow(N_("{column} is longer than {most} letters."), column=name, most=LONGEST)
    if any(letter < " " and letter not in "\n\t" for letter in found) or not _is_text(found):
        raise BadRow(N_("{column} has letters that cannot be shown."), column=name)
    return found


def code(row: Row, name: str, default: str | None = None) -> str:
    """A code: no blanks, at most 64 letters."""
    found = text(row, name, default)
    if found and not _CODE.fullmatch(found):
        raise BadRow(
            N_("{column} “{value}” is no code: no blanks, 64 letters at most."), column=name, value=found[:80]
        )
    return found


def whole(
    row: Row, name: str, default: int | None = None, *, least: int = -1_000_000_000, most: int = 1_000_000_000
) -> int:
    value: Any = row.get(name)
    if value is None or value == "":
        if default is None:
            raise BadRow(N_("{column} is missing."), column=name)
        return default
    found: int
    if isinstance(value, bool):
        raise _no_number(name, value)
    if isinstance(value, int):
        found = value
    elif isinstance(value, float) and value.is_integer():
        found = int(value)
    elif isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}(\.0+)?", value.strip()):
        found = int(value.strip().split(".")[0])
    else:
        raise _no_number(name, value)
    if not least <= found <= most:
        raise BadRow(
            N_("{column} is {value}; it must be between {least} and {most}."),
            column=name,
            value=found,
            least=least,
            most=most,
        )
    return found


def decimal(row: Row, name: str, default: float | None = None, *, least: float, most: float) -> float:
    value: Any = row.get(name)
    if value is None or value == "":
        if default is None:
            raise BadRow(N_("{column} is missing."), column=name)
        return default
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise BadRow(N_("{column} “{value}” is not a number."), column=name, value=str(value)[:80]) from None
    if isinstance(value, bool) or not least <= found <= most:
        raise BadRow(
            N_("{column} is {value}; it must be between {least} and {most}."),
            column=name,
            value=value,
            least=least,
            most=most,
        )
    return found


def yes(row: Row, name: str, default: bool) -> bool:
    value = row.get(name)
    if value is None or value == "":
        return default
    word = str(value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadRow(N_("{column} must be yes or no, not “{value}”."), column=name, value=str(value)[:80])


def words(row: Row, name: str) -> list[str]:
    """A list, or a text cut at blanks, semicolons, bars and commas."""
    value = row.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, list):
        if not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in value):
            raise BadRow(N_("{column} must be a list of texts."), column=name)
        return [str(one).strip() for one in value]
    return [word for word in re.split(r"[\s;|,]+", str(value)) if word]


def _no_number(name: str, value: Any) -> BadRow:
    return BadRow(N_("{column} “{value}” is not a whole number."), column=name, value=str(value)[:80])


def _is_text(found: str) -> bool:
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True
