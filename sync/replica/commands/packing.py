"""Packing into parcels, and the shelf where packed goods wait."""

from __future__ import annotations

import msgspec

from sync.ids import made_of
from sync.replica import printing, read
from sync.replica.commands.base import Desk, Result, command
from sync.replica.commands.printing import language
from sync.rules.refusals import Why, refuse
from sync.rules.states import Step
from sync.wire import facts as f


class Pack(msgspec.Struct, frozen=True):
    fence: int
    parcels: tuple[tuple[tuple[int, int], ...], ...] = ()
    """Per parcel its (line, quantity) pairs. Left out: one parcel with everything."""


class Stage(msgspec.Struct, frozen=True):
    fence: int
    location: str


@command("pack", Pack, "pack")
def pack(desk: Desk, args: Pack) -> Result:
    row = desk.assignment(args.fence, Step.PACK)
    lines = {line["line"]: line["picked"] for line in read.lines(desk.tx, args.fence) if line["picked"]}
    parcels = args.parcels or (tuple(lines.items()),)
    packed: dict[int, int] = {}
    for parcel in parcels:
        if not parcel:
            raise refuse(Why.BAD_QUANTITY, qty=0)
        for line, qty in parcel:
            if qty < 1:
                raise refuse(Why.BAD_QUANTITY, qty=qty)
            packed[line] = packed.get(line, 0) + qty
    for line in sorted(packed.keys() | lines.keys()):
        # Every picked unit is in exactly one parcel, or a label would lie.
        if packed.get(line, 0) != lines.get(line, 0):
            raise refuse(Why.PARCELS_DIFFER, line=line, packed=packed.get(line, 0), picked=lines.get(line, 0))
    made = tuple(f.Parcel("P" + made_of(desk.ctx.command, 8, n), parcel) for n, parcel in enumerate(parcels))
    desk.record(f.Packed(made), fence=args.fence)
    codes = tuple(parcel.code for parcel in made)
    if printing.label_parcels(
        desk.tx, desk.ctx.command, codes, language=language(desk), person=desk.ctx.person, now=desk.now
    ):
        desk.hints.add("print")
    return {"fence": args.fence, "fo": row["fo"], "parcels": list(codes)}


@command("stage", Stage, "pack")
def stage(desk: Desk, args: Stage) -> Result:
    row = desk.assignment(args.fence, Step.STAGE)
    location = args.location.strip()[:40]
    if not location:
        raise refuse(Why.NOT_UNDERSTOOD, problem="location")
    desk.record(f.Staged(location), fence=args.fence)
    return {"fence": args.fence, "fo": row["fo"], "location": location}
