"""Views from rows: the command line and uploads both come in here. A row says what holds from now on.

An empty cell leaves a number as it is, `-` takes it away. A quota that is set again with another number goes
on counting from where it began; `reset` begins it anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.db import Tx
from server.loading.cells import text, whole, yes
from server.loading.rows import BadRow, Loaded, Row, Rows, each
from server.routing.map import map_of
from server.views.read import version
from server.views.rules import ANY, KINDS
from sync.texts import N_

MOST = 10_000_000
LEAST_OF = {"safety_stock": 0, "threshold": 0, "quota": 0, "percent": 1}
MOST_OF = {"safety_stock": MOST, "threshold": MOST, "quota": MOST, "percent": 100}
LONGEST_DAYS = 366
GONE = "-"


def load_views(tx: Tx, rows: Rows | Iterable[Row], *, now: int, person: str = "") -> Loaded:
    """Columns: channel, store, sku (each `*` when left out; `TEE-*` for every SKU that begins so); one or
    more of safety_stock, threshold, quota (with days, reset), percent.
    """
    channels = {row[0] for row in tx.execute("SELECT code FROM channel")}
    stores = {row[0] for row in tx.execute("SELECT code FROM store")}

    def take(row: Row) -> None:
        place = _place(tx, row, channels, stores)
        numbers = {kind: _number(row, kind) for kind in KINDS if _given(row, kind)}
        days = whole(row, "days", least=0, most=LONGEST_DAYS) if _given(row, "days") else None
        reset = yes(row, "reset", False)
        _check(place, numbers, days, reset)
        if reset and "quota" not in numbers:
            _begin_anew(tx, place, now)
        for kind, value in numbers.items():
            _write(tx, place, kind, value, days=days, reset=reset, now=now, person=person)

    before = tx.total_changes
    loaded = each(rows, take)
    if tx.total_changes != before:
        _publish(tx)
    return loaded


Place = tuple[str, str, str]
"""Channel, store, SKU."""


def _place(tx: Tx, row: Row, channels: set[str], stores: set[str]) -> Place:
    channel, store, sku = (text(row, name, ANY) for name in ("channel", "store", "sku"))
    if channel != ANY and channel not in channels:
        raise BadRow(N_("There is no channel {channel}."), channel=channel)
    if store != ANY and store not in stores:
        raise BadRow(N_("There is no store {store}."), store=store)
    if ANY in sku[:-1] or len(sku) > 64 or any(letter.isspace() for letter in sku):
        raise BadRow(
            N_("“{sku}” is neither a SKU nor a beginning of SKUs such as TEE-* with one star at its end."),
            sku=sku[:80],
        )
    if not sku.endswith(ANY) and not tx.execute("SELECT 1 FROM item WHERE sku = ?", (sku,)).fetchone():
        raise BadRow(N_("{sku} is not in the catalogue."), sku=sku)
    return channel, store, sku


def _given(row: Row, kind: str) -> bool:
    return row.get(kind) is not None and row.get(kind) != ""


def _number(row: Row, kind: str) -> int | None:
    """None: the number is taken away."""
    value = row[kind]
    if isinstance(value, str) and value.strip() == GONE:
        return None
    if kind == "percent" and isinstance(value, str):
        row = {kind: value.strip().removesuffix("%").strip()}
    return whole(row, kind, least=LEAST_OF[kind], most=MOST_OF[kind])


def _check(place: Place, numbers: dict[str, int | None], days: int | None, reset: bool) -> None:
    _, store, _ = place
    if not numbers and not reset:
        raise BadRow(N_("This line sets nothing: {words} are all empty."), words=", ".join(KINDS))
    if store != ANY:
        wide = [kind for kind in numbers if kind != "safety_stock"]
        if wide or reset:
            raise BadRow(
                N_(
                    "{column} holds for all stores together; leave store out, or put it on a line of its own."
                ),
                column=wide[0] if wide else "reset",
            )
    if days and numbers.get("quota") is None:
        raise BadRow(N_("days belongs to a quota, and this line has none."))


def _write(
    tx: Tx,
    place: Place,
    kind: str,
    value: int | None,
    *,
    days: int | None,
    reset: bool,
    now: int,
    person: str,
) -> None:
    if value is None:
        tx.execute(
            "DELETE FROM channel_view WHERE channel = ? AND store = ? AND sku = ? AND kind = ?",
            (*place, kind),
        )
        return
    quota = kind == "quota"
    tx.execute(
        "INSERT INTO channel_view (channel, store, sku, kind, value, days, since, person, at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, 0), ?7, ?8, ?9)"
        " ON CONFLICT (channel, store, sku, kind) DO UPDATE"
        " SET value = ?5, days = coalesce(?6, days), since = CASE WHEN ?10 THEN ?7 ELSE since END,"
        " person = ?8, at = ?9",
        (*place, kind, value, days if quota else None, now if quota else 0, person, now, reset and quota),
    )


def _begin_anew(tx: Tx, place: Place, now: int) -> None:
    found = tx.execute(
        "UPDATE channel_view SET since = ? WHERE channel = ? AND store = ? AND sku = ? AND kind = 'quota'",
        (now, *place),
    ).rowcount
    if not found:
        raise BadRow(
            N_("There is no quota of {channel} for {sku} to begin anew."), channel=place[0], sku=place[2]
        )


def _publish(tx: Tx) -> None:
    """Whoever keeps views in memory reads them again; who waits is tried again."""
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('views', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(int(version(tx) or 0) + 1),),
    )
    map_of(tx).views_changed()
