"""A till's file as rows: CSV with a header, or a line of JSON each. Bytes in, rows and broken lines out.

Tills write what they like, so the header is understood by many names, English and Chinese, the separator and
the encoding are found out, and every physical line is read by itself: a quote that is never closed breaks its
own line and not the rest of the night. A field can therefore hold no line break.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sync.replica.commands.till_rows import LONGEST_SALE, TillRow
from sync.texts import N_

COLUMNS: dict[str, tuple[str, ...]] = {
    "sale": ("sale", "receipt", "receipt_no", "ticket", "小票号", "单号", "流水号", "交易号", "销售单号"),
    "line": ("line", "line_no", "行号", "序号"),
    "code": ("code", "barcode", "ean", "gtin", "sku", "条码", "商品条码", "商品编码", "货号", "编码"),
    "qty": ("qty", "quantity", "数量", "销售数量"),
    "at": ("at", "datetime", "sold_at", "销售时间", "交易时间"),
    "date": ("date", "日期", "销售日期", "交易日期"),
    "time": ("time", "时间"),
    "kind": ("kind", "type", "类型", "交易类型"),
    "price": ("price", "单价", "售价"),
    "price_fen": ("price_fen",),
    "till": ("till", "till_no", "pos", "register", "收银台", "收银机", "收银机号", "款台", "款台号"),
    "of": ("of", "original", "original_sale", "原单号", "原小票号"),
    "store": ("sold_by", "原门店"),
}
"""What a column is called here, and what tills call it. A mapping of the store's own comes first."""
KINDS: dict[str, Literal["sale", "return", "void"]] = {
    **dict.fromkeys(("sale", "s", "sold", "销售", "售"), "sale"),
    **dict.fromkeys(("return", "refund", "r", "退货", "退款", "退"), "return"),
    **dict.fromkeys(("void", "voided", "cancel", "cancelled", "v", "作废", "取消", "撤销", "撤单"), "void"),
}
FORMATS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
    *("%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"),
)
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y")
UNKNOWN_TIME_MS = 36 * 3_600_000
"""Without a time, or with one that cannot be: some time since the last file, a day and a half at most."""
OLDEST_MS = 400 * 24 * 3_600_000
DAY_MS = 24 * 3_600_000
MOST_LINES = 200_000
LONGEST_LINE = 4_000
_ORDER = {"sale": 0, "return": 1, "void": 2}


class Unreadable(Exception):
    """The file as a whole. `text` is a message id."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text, self.values = text, values


class Broken(Exception):
    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text, self.values = text, values


@dataclass(frozen=True)
class BrokenLine:
    line: int
    text: str
    values: Mapping[str, Any]
    said: str


@dataclass
class Read:
    """Sales first, then what came back: a file need not be in order."""

    rows: list[tuple[int, TillRow]] = field(default_factory=list)
    """With the number of the line in the file."""
    broken: list[BrokenLine] = field(default_factory=list)
    skipped: int = 0
    """Lines that move nothing: a quantity of zero."""


def read_file(data: bytes, *, zone: ZoneInfo, now: int, columns: Mapping[str, str] | None = None) -> Read:
    """All rows of a file. Raises `Unreadable` where there is no telling what any line means."""
    lines = text_of(data).splitlines()
    if len(lines) > MOST_LINES:
        raise Unreadable(N_("The file has more than {most} lines. Split it."), most=MOST_LINES)
    reader = _Reader(zone, now)
    for number, line, cells in _cells(lines, columns or {}):
        try:
            if isinstance(cells, Broken):
                raise cells
            reader.take(number, line, cells)
        except Broken as broken:
            reader.found.broken.append(BrokenLine(number, broken.text, broken.values, line[:200]))
    reader.found.rows.sort(key=lambda one: _ORDER[one[1].what])
    return reader.found


def text_of(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").replace("\0", "")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8-sig", errors="replace").replace("\0", "")


def mapping(text: str) -> dict[str, str]:
    """`sale=Bon,code=Artikel`: what this store's till calls its columns. Raises `Unreadable`."""
    found = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        ours, equals, theirs = part.partition("=")
        if not equals or ours.strip() not in COLUMNS or not theirs.strip():
            raise Unreadable(
                N_("{part} maps no column. The columns are: {columns}."),
                part=part,
                columns=", ".join(COLUMNS),
            )
        found[ours.strip()] = theirs.strip()
    return found


# --- lines -------------------------------------------------------------------------------


def _cells(
    lines: list[str], columns: Mapping[str, str]
) -> Iterator[tuple[int, str, dict[str, Any] | Broken]]:
    start = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if start is None:
        return
    names = _names(columns)
    if lines[start].lstrip().startswith("{"):
        for number, line in enumerate(lines[start:], start + 1):
            if line.strip() and not line.startswith("#"):
                yield from ((number, line, one) for one in _objects(line, names))
        return
    separator = max(",;\t|", key=lines[start].count)
    header = [names.get(_plain(cell), "") for cell in _split(lines[start], separator)]
    missing = [name for name in ("sale", "code", "qty") if name not in header]
    if missing:
        raise Unreadable(N_("The header has no column for: {columns}."), columns=", ".join(missing))
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if not line.strip(" \t\r,;|") or line.startswith("#"):
            continue
        yield number, line, _row(line, separator, header)


def _row(line: str, separator: str, header: list[str]) -> dict[str, Any] | Broken:
    if len(line) > LONGEST_LINE or "\ufffd" in line:
        return Broken(N_("The line cannot be read as text."))
    cells = _split(line, separator)
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        return Broken(
            N_("The line has {found} columns, the header {wanted}."), found=len(cells), wanted=len(header)
        )
    return {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name}


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _objects(line: str, names: Mapping[str, str]) -> Iterator[dict[str, Any] | Broken]:
    """One object, or with `rows` one for each of them."""
    try:
        found = json.loads(line)
    except ValueError:
        yield Broken(N_("The line is no JSON."))
        return
    if not isinstance(found, dict):
        yield Broken(N_("The line is no JSON object."))
        return
    rows = found.pop("rows", None)
    common = {names.get(_plain(str(key)), ""): value for key, value in found.items()}
    if not isinstance(rows, list):
        yield common
        return
    for number, row in enumerate(rows, 1):
        if isinstance(row, dict):
            own = {names.get(_plain(str(key)), ""): value for key, value in row.items()}
            yield {"line": str(number), **common, **own}
        else:
            yield Broken(N_("The line is no JSON object."))


def _names(columns: Mapping[str, str]) -> dict[str, str]:
    names = {_plain(theirs): ours for ours, all_of in COLUMNS.items() for theirs in all_of}
    return names | {_plain(theirs): ours for ours, theirs in columns.items()}


def _plain(header: str) -> str:
    return re.sub(r"[\s_\-]+", "_", header.strip().strip("\ufeff").lower())


# --- one row -----------------------------------------------------------------------------


class _Reader:
    def __init__(self, zone: ZoneInfo, now: int) -> None:
        self.zone, self.now = zone, now
        self.found = Read()
        self._lines: Counter[tuple[str, str]] = Counter()

    def take(self, number: int, line: str, cells: Mapping[str, Any]) -> None:
        said = {name: str(value).strip() for name, value in cells.items() if value is not None}
        sale, till = said.get("sale", ""), said.get("till", "")
        if not sale:
            raise Broken(N_("The number of the sale is missing."))
        if till:
            sale = f"{till}-{sale}"
        if len(sale) > LONGEST_SALE:
            raise Broken(N_("The number of the sale is longer than {most}."), most=LONGEST_SALE)
        code = said.get("code", "")
        whole_void = not code and KINDS.get(said.get("kind", "").lower()) == "void"
        units, problem = (0, "") if whole_void else _units(said.get("qty", ""))
        what = self._what(said.get("kind", ""), units)
        if not code and not whole_void:
            raise Broken(N_("The code of the goods is missing."))
        if units == 0 and not problem and not whole_void:
            self.found.skipped += 1
            return
        self._lines[what, sale] += 1
        at, within = self._at(said)
        self.found.rows.append(
            (
                number,
                TillRow(
                    what,
                    sale,
                    "" if whole_void else (said.get("line", "")[:12] or str(self._lines[what, sale])),
                    code[:120],
                    abs(units),
                    at,
                    within,
                    _price(said),
                    till[:24],
                    (f"{till}-{said['of']}" if till else said["of"])[:LONGEST_SALE] if said.get("of") else "",
                    said.get("store", "")[:20],
                    line[:200],
                    problem,
                ),
            )
        )

    def _what(self, kind: str, units: int) -> Literal["sale", "return", "void"]:
        if not kind:
            return "return" if units < 0 else "sale"
        what = KINDS.get(kind.lower())
        if what is None:
            raise Broken(N_("{kind} is neither a sale nor a return nor a void."), kind=kind[:20])
        return "return" if what == "sale" and units < 0 else what

    def _at(self, said: Mapping[str, str]) -> tuple[int, int]:
        """(the earliest it can have been, how much later it can have been)."""
        text = said.get("at") or " ".join(filter(None, (said.get("date"), said.get("time"))))
        at = self._moment(text)
        within = 0
        if at is None:
            at, within = self._day(said.get("at") or said.get("date") or "")
        if at is None or not self.now - OLDEST_MS <= at <= self.now + DAY_MS:
            return self.now - UNKNOWN_TIME_MS, UNKNOWN_TIME_MS
        return at, within

    def _moment(self, text: str) -> int | None:
        if re.fullmatch(r"\d{13}", text):
            return int(text)
        if "T" in text or re.search(r"\d[+-]\d\d:?\d\d$|Z$", text):
            try:
                return self._ms(datetime.fromisoformat(text))
            except ValueError:
                return None
        for form in FORMATS:
            try:
                return self._ms(datetime.strptime(text, form))  # noqa: DTZ007 - the store's zone is added
            except ValueError:
                continue
        return None

    def _day(self, text: str) -> tuple[int | None, int]:
        for form in DAYS:
            try:
                day = datetime.strptime(text, form)  # noqa: DTZ007 - the store's zone is added
            except ValueError:
                continue
            begin, end = self._ms(day), self._ms(day + timedelta(days=1))
            return begin, end - begin - 1
        return None, 0

    def _ms(self, then: datetime) -> int:
        return int((then if then.tzinfo else then.replace(tzinfo=self.zone)).timestamp() * 1000)


def _units(text: str) -> tuple[int, str]:
    """Whole units; weighed goods and the like are facts too, but nobody can book them as units."""
    try:
        qty = Decimal(text.replace(" ", "") or "x")
    except InvalidOperation:
        raise Broken(N_("{qty} is not a quantity."), qty=text[:20] or "–") from None
    if not qty.is_finite() or abs(qty) > 1_000_000:
        raise Broken(N_("{qty} is not a quantity."), qty=text[:20])
    if qty != qty.to_integral_value():
        return (-1 if qty < 0 else 1), "not_whole"
    return int(qty), ""


def _price(said: Mapping[str, str]) -> int:
    """Fen a unit; -1 where the till does not say: a price that cannot be read is no reason to lose a sale."""
    try:
        if said.get("price_fen"):
            return max(-1, min(int(said["price_fen"]), 10**9))
        if said.get("price"):
            return max(-1, min(int(Decimal(said["price"].lstrip("¥￥").replace(" ", "")) * 100), 10**9))
    except (ValueError, InvalidOperation, OverflowError):
        pass
    return -1
