"""Reading files from outside without trusting them.

A file is cut into rows with the number of the line each starts on. What cannot be read costs its own
line only: an open quote must not swallow the rest of the file, nor one bad byte the whole upload.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.texts import N_

Row = Mapping[str, Any]

MOST_LINES_OF_ONE_ROW = 50


@dataclass(frozen=True)
class LineError:
    """What is wrong with one line, as a sentence with facts."""

    line: int
    """As an editor counts them (a CSV's header is line 1); the place in the list for JSON, from 1."""
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, translate: Callable[[str], str] = str) -> str:
        return translate(self.text).format_map(_Shown(self.facts))


@dataclass(frozen=True)
class Rows:
    lines: tuple[tuple[int, Row], ...] = ()
    errors: tuple[LineError, ...] = ()

    @classmethod
    def of(cls, rows: Rows | Iterable[Row]) -> Rows:
        if isinstance(rows, Rows):
            return rows
        return cls(tuple(enumerate(rows, start=1)))


@dataclass(frozen=True)
class Loaded:
    """What became of an upload: how many lines took, and what is wrong with the others."""

    good: int
    errors: tuple[LineError, ...] = ()
    repeated: bool = False
    """The document was loaded before, so nothing was done again."""

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.good + other.good, self.errors + other.errors, self.repeated or other.repeated)


class BadRow(Exception):
    """This row cannot be taken; the message id and facts say why."""

    def __init__(self, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.text = text
        self.facts = facts


def each(rows: Rows | Iterable[Row], take: Callable[[Row], None]) -> Loaded:
    """Hand every row to `take`; a BadRow becomes that line's error. `take` must check before it writes."""
    given = Rows.of(rows)
    errors = list(given.errors)
    good = 0
    for line, row in given.lines:
        try:
            take(row)
            good += 1
        except BadRow as bad:
            errors.append(LineError(line, bad.text, bad.facts))
    return Loaded(good, tuple(sorted(errors, key=lambda error: error.line)))


def read_json(data: bytes | str) -> Rows:
    """A JSON array of objects, or an object with one such array (`{"items": […]}`), or JSON lines."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        whole = json.loads(text)
    except UnicodeDecodeError as bad:
        return Rows(errors=(LineError(1, N_("This file is not UTF-8 (byte {byte})."), {"byte": bad.start}),))
    except RecursionError:
        return Rows(errors=(LineError(1, N_("This JSON is nested too deeply."), {}),))
    except ValueError as bad:
        by_line = _json_lines(text)
        if by_line is not None:
            return by_line
        line = getattr(bad, "lineno", 1)
        return Rows(errors=(LineError(line, N_("This is not JSON: {what}."), {"what": str(bad)}),))
    if isinstance(whole, dict):
        arrays = [value for value in whole.values() if isinstance(value, list)]
        whole = arrays[0] if len(arrays) == 1 else [whole]
    if not isinstance(whole, list):
        return Rows(errors=(LineError(1, N_("A list of objects is expected here."), {}),))
    return _objects(enumerate(whole, start=1))


def _json_lines(text: str) -> Rows | None:
    """One object a line. None when not even one line is an object: then it was no such file."""
    found: list[tuple[int, Any]] = []
    errors: list[LineError] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, json.loads(line)))
        except (ValueError, RecursionError) as bad:
            errors.append(LineError(number, N_("This is not JSON: {what}."), {"what": str(bad)}))
    if not any(isinstance(one, dict) for _, one in found):
        return None
    rows = _objects(found)
    return Rows(rows.lines, tuple(errors) + rows.errors)


def _objects(found: Iterable[tuple[int, Any]]) -> Rows:
    lines: list[tuple[int, Row]] = []
    errors: list[LineError] = []
    for number, one in found:
        if isinstance(one, dict):
            lines.append((number, one))
        else:
            errors.append(LineError(number, N_("An object is expected here."), {}))
    return Rows(tuple(lines), tuple(errors))


def read_csv(data: bytes | str) -> Rows:
    """Comma, semicolon or tab; the header names the columns; UTF-8, with or without a BOM."""
    text = data.decode("utf-8-sig", "surrogateescape") if isinstance(data, bytes) else data
    physical = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(physical) if line.strip()), None)
    if start is None:
        return Rows(errors=(LineError(1, N_("The file is empty."), {}),))
    mark = max(",;\t", key=physical[start].count)
    try:
        header = [name.strip().lower() for name in _cut(physical[start], mark)]
    except csv.Error:
        header = []
    if not any(header):
        return Rows(errors=(LineError(start + 1, N_("The first line must name the columns."), {}),))
    lines: list[tuple[int, Row]] = []
    errors: list[LineError] = []
    at = start + 1
    while at < len(physical):
        taken, row, error = _one(physical, at, mark, header)
        if error is not None:
            errors.append(error)
        elif row is not None:
            lines.append((at + 1, row))
        at += taken
    return Rows(tuple(lines), tuple(errors))


def _one(
    physical: list[str], at: int, mark: str, header: list[str]
) -> tuple[int, Row | None, LineError | None]:
    """The row that starts on this physical line: how many lines it takes, and the row or its error."""
    first = physical[at]
    if not first.strip():
        return 1, None, None
    if first.count('"') % 2 == 0:
        return 1, *_named(first, at, mark, header)
    # A quote stays open: a note with a line break, or a broken line. It is a row only if it closes
    # soon and the columns then fit; otherwise the next line starts afresh.
    text = first
    for taken in range(2, min(MOST_LINES_OF_ONE_ROW, len(physical) - at) + 1):
        text += physical[at + taken - 1]
        if text.count('"') % 2 == 0:
            row, error = _named(text, at, mark, header)
            if error is None:
                return taken, row, None
            break
    return 1, None, LineError(at + 1, N_("A quotation mark is opened here and never closed."), {})


def _named(text: str, at: int, mark: str, header: list[str]) -> tuple[Row | None, LineError | None]:
    line = at + 1
    if any("\udc80" <= letter <= "\udcff" for letter in text):
        return None, LineError(line, N_("This line is not UTF-8."), {})
    try:
        cells = [cell.strip() for cell in _cut(text, mark)]
    except csv.Error as bad:
        return None, LineError(line, N_("This line cannot be read: {what}."), {"what": str(bad)})
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()  # spreadsheets leave empty cells behind
    if not any(cells):
        return None, None
    if len(cells) != len(header):
        return None, LineError(
            line,
            N_("This line has {found} columns, the header has {wanted}."),
            {"found": len(cells), "wanted": len(header)},
        )
    return dict(zip(header, cells, strict=True)), None


def _cut(text: str, mark: str) -> list[str]:
    return next(csv.reader([text], delimiter=mark, strict=True), [])


class _Shown(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"
