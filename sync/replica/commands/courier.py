"""Manifests: what a courier takes, loaded parcel by parcel, gone all at once.

Loading is not yet leaving, so it makes no fact; the courier's departure makes one for each
fulfilment order.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sync.ids import made_of
from sync.replica import read
from sync.replica.commands.base import Desk, Result, command
from sync.replica.commands.release import Override, against, goods, ready, stood_by, units
from sync.rules.refusals import Why, refuse
from sync.rules.states import Kind
from sync.wire import facts as f


class OpenManifest(msgspec.Struct, frozen=True):
    courier: str


class Load(msgspec.Struct, frozen=True):
    manifest: str
    fence: int = 0
    parcel: str = ""


class Unload(msgspec.Struct, frozen=True):
    fence: int


class Ship(msgspec.Struct, frozen=True):
    manifest: str
    override: Override | None = None


@command("open_manifest", OpenManifest, "ship")
def open_manifest(desk: Desk, args: OpenManifest) -> Result:
    courier = args.courier.strip()[:40]
    if not courier:
        raise refuse(Why.NOT_UNDERSTOOD, problem="courier")
    code = "M" + made_of(desk.ctx.command, 6)
    desk.tx.execute(
        "INSERT INTO manifest (code, courier, state, opened_at) VALUES (?, ?, 'open', ?)",
        (code, courier, desk.now),
    )
    return {"manifest": code, "courier": courier}


@command("load", Load, "ship")
def load(desk: Desk, args: Load) -> Result:
    """By parcel, or a whole fulfilment order. All its parcels have to be on before it may leave."""
    manifest = _open(desk, args.manifest)
    fence, codes = _parcels(desk, args)
    row = desk.assignment(fence)
    if row["kind"] == Kind.PICKUP:
        raise refuse(Why.WRONG_WAY_OUT, order=row["order_no"], kind={"say": read.KIND_TEXTS[row["kind"]]})
    ready(desk, row, None)
    on = {p["code"] for p in read.parcels(desk.tx, fence) if p["manifest"] == manifest["code"]}
    desk.tx.executemany(
        "UPDATE parcel SET manifest = ? WHERE code = ?", [(manifest["code"], code) for code in codes]
    )
    desk.tx.execute("UPDATE assignment SET manifest = ? WHERE fence = ?", (manifest["code"], fence))
    desk.hints.add(f"assignment:{fence}")
    missing = [p["code"] for p in read.parcels(desk.tx, fence) if p["manifest"] != manifest["code"]]
    return {
        "manifest": manifest["code"],
        "fence": fence,
        "fo": row["fo"],
        "parcels": codes,
        "again": on.issuperset(codes),
        "missing": missing,
    }


@command("unload", Unload, "ship")
def unload(desk: Desk, args: Unload) -> Result:
    """Off the manifest again, as long as the courier is here."""
    row = desk.assignment(args.fence)
    _open(desk, row["manifest"])
    desk.tx.execute("UPDATE parcel SET manifest = '' WHERE fence = ?", (args.fence,))
    desk.tx.execute("UPDATE assignment SET manifest = '' WHERE fence = ?", (args.fence,))
    desk.hints.add(f"assignment:{args.fence}")
    return {"fence": args.fence, "fo": row["fo"]}


@command("ship", Ship, "ship")
def ship(desk: Desk, args: Ship) -> Result:
    """The courier leaves. All or none: one that may not go is named, and nothing has left."""
    manifest = _open(desk, args.manifest)
    rows = desk.tx.execute(
        "SELECT * FROM assignment WHERE manifest = ? AND manifest <> '' ORDER BY fence", (manifest["code"],)
    ).fetchall()
    if not rows:
        raise refuse(Why.MANIFEST_EMPTY, manifest=manifest["code"])
    by = stood_by(desk, args.override)
    for row in rows:
        _may_go(desk, row, manifest["code"], args.override, by)
    shipped = []
    for row in rows:
        parcels = tuple(p["code"] for p in read.parcels(desk.tx, row["fence"]))
        lines = tuple(units(desk, row["fence"]).items())
        flagged = by if against(desk, row) is not None else ""
        body = f.Shipped(
            lines,
            manifest["code"],
            manifest["courier"],
            parcels,
            flagged,
            goods(desk, row["fence"], lines),
            row["order_no"],
        )
        desk.record(body, fence=row["fence"])
        shipped.append(row["fence"])
    desk.tx.execute(
        "UPDATE manifest SET state = 'handed_over', closed_at = ? WHERE code = ?",
        (desk.now, manifest["code"]),
    )
    return {"manifest": manifest["code"], "courier": manifest["courier"], "fences": shipped}


def _may_go(desk: Desk, row: sqlite3.Row, manifest: str, override: Override | None, by: str) -> None:
    ready(desk, row, override)
    not_owned = against(desk, row)
    if not_owned is not None and not by:
        raise not_owned
    for parcel in read.parcels(desk.tx, row["fence"]):
        if parcel["manifest"] != manifest:
            raise refuse(Why.PARCEL_MISSING, order=row["order_no"], parcel=parcel["code"], manifest=manifest)


def _open(desk: Desk, code: str) -> sqlite3.Row:
    row: sqlite3.Row | None = desk.tx.execute("SELECT * FROM manifest WHERE code = ?", (code,)).fetchone()
    if row is None:
        raise refuse(Why.UNKNOWN_MANIFEST, manifest=code)
    if row["state"] != "open":
        raise refuse(
            Why.MANIFEST_CLOSED, manifest=code, courier=row["courier"], time=desk.time(row["closed_at"])
        )
    return row


def _parcels(desk: Desk, args: Load) -> tuple[int, list[str]]:
    if args.parcel:
        row = desk.tx.execute(
            "SELECT fence, code FROM parcel WHERE code = ?", (args.parcel.strip().upper(),)
        ).fetchone()
        if row is None:
            raise refuse(Why.UNKNOWN_CODE, code=args.parcel[:64])
        return row[0], [row[1]]
    desk.assignment(args.fence)
    return args.fence, [p["code"] for p in read.parcels(desk.tx, args.fence)]
