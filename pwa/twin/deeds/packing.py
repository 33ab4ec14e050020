"""Parcels and the shelf where they wait. The twin of sync/replica/commands/packing.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import must, settle, turn_of
from pwa.twin.no import No

Data = dict[str, Any]


def pack(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "pack")
    there = {str(line["line"]): line["picked"] for line in turn["lines"] if line["picked"]}
    parcels = args.get("parcels", []) or [
        [[line["line"], line["picked"]] for line in turn["lines"] if line["picked"]]
    ]
    found: Data = {}
    for parcel in parcels:
        if not parcel:
            raise No("bad_quantity", qty=0)
        for number, qty in parcel:
            if qty < 1:
                raise No("bad_quantity", qty=qty)
            found[str(number)] = found.get(str(number), 0) + qty
    if found != there:
        raise No("parcels_differ", line=0, packed=0, picked=0)
    turn["parcels"] = [
        {"code": "P" + ctx["fresh"][i][:8], "lines": parcel, "manifest": ""}
        for i, parcel in enumerate(parcels)
    ]
    turn["progress"] = "packed"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "parcels": [parcel["code"] for parcel in turn["parcels"]]}


def stage(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "stage")
    location = args["location"].strip()[:40]
    if not location:
        raise No("not_understood", problem="location")
    turn["location"] = location
    turn["progress"] = "staged"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "location": location}
