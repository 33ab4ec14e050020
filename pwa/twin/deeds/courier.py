"""What a courier takes: all of a manifest or nothing. The twin of sync/replica/commands/courier.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import turn_of, turn_with_parcel
from pwa.twin.deeds.leaving import against, leave, ready
from pwa.twin.no import No

Data = dict[str, Any]


def open_manifest(extract: Data, args: Data, ctx: Data) -> Data:
    courier = args["courier"].strip()[:40]
    if not courier:
        raise No("not_understood", problem="courier")
    code = "M" + ctx["fresh"][0][:6]
    made = {
        "code": code,
        "courier": courier,
        "state": "open",
        "opened_at": ctx["now"],
        "closed_at": 0,
        "elsewhere": 0,
    }
    extract["manifests"] = [*extract.get("manifests", []), made]
    extract["couriers"] = [courier, *[name for name in extract.get("couriers", []) if name != courier]][:6]
    return {"manifest": code, "courier": courier}


def still_open(extract: Data, code: str) -> Data:
    manifests: list[Data] = extract.get("manifests", [])
    for manifest in manifests:
        if manifest["code"] == code:
            if manifest["state"] == "open":
                return manifest
            closed_at = manifest["closed_at"]
            raise No("manifest_closed", manifest=code, courier=manifest["courier"], at=closed_at)
    raise No("unknown_manifest", manifest=code)


def load(extract: Data, args: Data, ctx: Data) -> Data:
    """By parcel, or a whole order. All its parcels have to be on before it may leave."""
    manifest = still_open(extract, args["manifest"])
    given = args.get("parcel", "")
    turn = turn_with_parcel(extract["turns"], given) if given else turn_of(extract, args["fence"])
    if turn is None:
        raise No("unknown_code", code=given[:64])
    if turn["kind"] == "pickup":
        raise No("wrong_way_out", order=turn["order_no"], kind=turn["kind"])
    ready(extract, turn, ctx)
    code = manifest["code"]
    chosen = [one for one in turn["parcels"] if given == "" or one["code"] == given.strip().upper()]
    again = all(parcel["manifest"] == code for parcel in chosen)
    for parcel in chosen:
        parcel["manifest"] = code
    turn["manifest"] = code
    return {"manifest": code, "fence": turn["fence"], "again": again}


def unload(extract: Data, args: Data, ctx: Data) -> Data:
    """Off the manifest again, as long as the courier is here."""
    turn = turn_of(extract, args["fence"])
    still_open(extract, turn["manifest"])
    for parcel in turn["parcels"]:
        parcel["manifest"] = ""
    turn["manifest"] = ""
    return {"fence": turn["fence"]}


def ship(extract: Data, args: Data, ctx: Data) -> Data:
    """The courier leaves. All or none: one that may not go is named, and nothing has left."""
    manifest = still_open(extract, args["manifest"])
    code = manifest["code"]
    mine: list[Data] = [turn for turn in extract["turns"] if turn["manifest"] == code]
    turns = sorted(mine, key=lambda turn: turn["fence"])
    if not turns:
        raise No("manifest_empty", manifest=code)
    for turn in turns:
        ready(extract, turn, ctx)
        against(extract, turn, ctx)
        for parcel in turn["parcels"]:
            if parcel["manifest"] != code:
                raise No("parcel_missing", order=turn["order_no"], parcel=parcel["code"], manifest=code)
    for turn in turns:
        leave(extract, turn, {}, manifest["courier"], ctx)
    manifest["state"] = "handed_over"
    manifest["closed_at"] = ctx["now"]
    return {"manifest": code, "courier": manifest["courier"], "fences": [turn["fence"] for turn in turns]}
