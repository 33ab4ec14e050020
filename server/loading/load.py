"""One way in for files and uploads: what it is, its bytes, and the loader that takes it."""

from __future__ import annotations

from typing import Literal

from server.catalogue.load import load_items, load_listings, load_sellables, load_shelves
from server.db import Tx
from server.loading.rows import Loaded, Rows, read_csv, read_json
from server.people.load import load_channels, load_people
from server.stock.load import load_stock
from server.stores.load import load_regions, load_stores
from server.views.load import load_views
from sync.ids import Dice

WHAT = (
    "regions", "stores", "people", "channels", "items", "sellables", "listings", "shelves", "stock", "views",
)  # fmt: skip
"""In the order in which a new centre needs them."""


def parse(data: bytes | str, form: Literal["csv", "json"]) -> Rows:
    return read_csv(data) if form == "csv" else read_json(data)


def load(
    tx: Tx,
    what: str,
    rows: Rows,
    *,
    now: int,
    dice: Dice,
    store: str = "",
    channel: str = "",
    document: str = "",
    absolute: bool = False,
    person: str = "",
) -> Loaded:
    """Load rows of a kind. `store`, `channel`: where the rows need not say it themselves.

    `document` (stock) guards against the same file twice; `absolute` says that quantities are what
    there is, not what came.
    """
    match what:
        case "regions":
            return load_regions(tx, rows)
        case "stores":
            return load_stores(tx, rows)
        case "people":
            return load_people(tx, rows, dice=dice)
        case "channels":
            return load_channels(tx, rows)
        case "items":
            return load_items(tx, rows, now=now)
        case "sellables":
            return load_sellables(tx, rows)
        case "listings":
            return load_listings(tx, rows, channel=channel)
        case "shelves":
            return load_shelves(tx, rows, store=store)
        case "stock":
            return load_stock(
                tx, rows, document=document, now=now, store=store, absolute=absolute, person=person
            )
        case "views":
            return load_views(tx, rows, now=now, person=person)
        case _:
            raise ValueError(f"nothing is called {what!r}; choose one of {', '.join(WHAT)}")
