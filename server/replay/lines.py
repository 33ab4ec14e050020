"""Reads order lines as the public data set writes them.

Columns: InvoiceNo, InvoiceDate, StockCode, Description, Quantity, UnitPrice,
CustomerID, Country, and optionally line_kind and sku. Other periods of the same
source come without the last two, so they are worked out here when missing.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

SHOP_TIME = ZoneInfo("Europe/London")
_GOODS = re.compile(r"^(\d{5}|DCGS)")


class BadFile(Exception):
    """The file cannot be read as order lines; the text says where and why."""


@dataclass(frozen=True)
class Line:
    invoice: str
    at: int
    """Milliseconds since 1970."""
    sku: str
    name: str
    qty: int
    price_fen: int
    customer: str
    country: str
    kind: str
    """sale, cancellation, adjustment or fee."""


def read_lines(path: Path) -> Iterator[Line]:
    """Every row of the file, in its order. Raises BadFile naming the row."""
    try:
        yield from _rows(path)
    except (EOFError, zlib.error, UnicodeDecodeError) as trouble:
        raise BadFile(f"{path.name}: {trouble}") from trouble


def _rows(path: Path) -> Iterator[Line]:
    times: dict[str, int] = {}
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if _is_packed(path)
        else path.open(encoding="utf-8", newline="") as text
    ):
        rows = csv.DictReader(text)
        needed = {"InvoiceNo", "InvoiceDate", "StockCode", "Quantity", "UnitPrice"}
        missing = needed - set(rows.fieldnames or ())
        if missing:
            raise BadFile(f"{path.name}: no column {', '.join(sorted(missing))}")
        for number, row in enumerate(rows, start=2):
            try:
                when = row["InvoiceDate"]
                at = times.get(when)
                if at is None:
                    at = times[when] = _moment(when)
                yield _line(row, at)
            except (ValueError, TypeError, KeyError) as trouble:
                raise BadFile(f"{path.name}, line {number}: {trouble}") from trouble


def _is_packed(path: Path) -> bool:
    """By what the file begins with: a name may say anything."""
    with path.open("rb") as raw:
        return raw.read(2) == b"\x1f\x8b"


def _moment(text: str) -> int:
    for shape in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M"):
        try:
            return int(datetime.strptime(text, shape).replace(tzinfo=SHOP_TIME).timestamp() * 1000)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not a date")


def _line(row: dict[str, str], at: int) -> Line:
    sku = row.get("sku") or row["StockCode"].strip().upper()
    qty = int(row["Quantity"])
    price = float(row["UnitPrice"] or 0)
    customer = (row.get("CustomerID") or "").removesuffix(".0")
    invoice = row["InvoiceNo"]
    kind = row.get("line_kind") or _kind(invoice, sku, qty, price, customer)
    return Line(
        invoice,
        at,
        sku,
        (row.get("Description") or "").strip(),
        qty,
        round(price * 100),
        customer,
        row.get("Country") or "",
        kind,
    )


def _kind(invoice: str, sku: str, qty: int, price: float, customer: str) -> str:
    if not _GOODS.match(sku):
        return "fee"
    if invoice.startswith("C"):
        return "cancellation"
    if price == 0 and not customer:
        return "adjustment"
    return "sale" if qty > 0 else "cancellation"
