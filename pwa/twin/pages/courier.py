"""What a courier takes. The twin of pwa/courier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import gone, view
from pwa.twin.pages.forms import TOO_OLD, bad, deed, number_of, text_of, then
from pwa.twin.pages.kept import only_with_the_node

Data = dict[str, Any]

MOST_SHOWN = 300


def parcels_in(turns: list[Data], manifest: str, waiting: bool) -> list[Data]:
    """Parcels on a manifest, or all that wait for one, the most urgent first."""
    rows: list[Data] = []
    for turn in turns:
        if turn["kind"] == "pickup":
            continue
        for parcel in turn["parcels"]:
            if place_of(turn, parcel) == manifest and (not waiting or turn["state"] in ["packed", "staged"]):
                rows.append(parcel_row(turn, parcel))
    return sorted(rows, key=lambda row: (row["promised_by"] == 0, row["promised_by"], row["code"]))[
        :MOST_SHOWN
    ]


def place_of(turn: Data, parcel: Data) -> str:
    """The manifest that a parcel is on; an order that has left counts by itself."""
    return str(parcel["manifest"] or (turn["manifest"] if turn["released_at"] else ""))


def parcel_row(turn: Data, parcel: Data) -> Data:
    return {
        "code": parcel["code"],
        "fence": turn["fence"],
        "order_no": turn["order_no"],
        "kind": turn["kind"],
        "location": turn["location"],
        "promised_by": turn["promised_by"],
        "confirmed": turn["ownership"] == "confirmed",
        "units": sum([pair[1] for pair in parcel["lines"]]),
    }


def manifests_page(extract: Data, t: Callable[..., str]) -> Data:
    turns: list[Data] = extract["turns"]
    rows: list[Data] = []
    for one in extract.get("manifests", []):
        here = 0
        for turn in turns:
            for parcel in turn["parcels"]:
                if place_of(turn, parcel) == one["code"]:
                    here += 1
        rows.append({**one, "parcels": one["elsewhere"] + here})
    shown = sorted(rows, key=lambda one: (one["state"] == "handed_over", 0 - one["opened_at"], one["code"]))
    data = {
        "manifests": shown[:30],
        "waiting": parcels_in(turns, "", True),
        "couriers": extract.get("couriers", []),
    }
    return view("courier/manifests.html", t("Courier"), "/courier", data, "/orders?tab=ready")


def manifest_page(extract: Data, code: str, t: Callable[..., str]) -> Data:
    known: list[Data] = [one for one in extract.get("manifests", []) if one["code"] == code]
    if not known:
        return gone(t, t("This manifest is not in this store."), "/courier")
    row = known[0]
    if row["elsewhere"] and row["state"] != "open":
        return only_with_the_node(t, "/courier")  # what left long ago is not on this device
    turns: list[Data] = extract["turns"]
    loaded = parcels_in(turns, code, False)
    waiting = parcels_in(turns, "", True) if row["state"] == "open" else []
    lines = [task_line(one, 0, True) for one in waiting] + [task_line(one, 1, False) for one in loaded]
    say = {
        "more": t("Right parcel."),
        "last": t("Right parcel. Loaded."),
        "again": t("Already on this manifest."),
        "wrong": t("Not a parcel for this courier."),
    }
    data = {
        "m": row,
        "loaded": loaded,
        "waiting": waiting,
        "task": {"lines": lines, "say": say},
        "prints": {"label": False, "sheet": False},
    }
    return view("courier/manifest.html", row["courier"], f"/courier/{code}", data, "/courier")


def task_line(parcel: Data, have: int, here: bool) -> Data:
    codes = [parcel["code"], parcel["order_no"]]
    return {"key": parcel["code"], "codes": codes, "have": have, "want": 1, "tote": "", "here": here}


def plan_courier(extract: Data, parts: list[str], fields: Data) -> Data:
    if len(parts) == 1:
        courier = text_of(fields, "courier")[:40]
        if not courier:
            return bad("Type the courier's name first.")
        return deed("open_manifest", {"courier": courier})
    what = parts[2] if len(parts) > 2 else ""
    if what == "ship":
        return deed("ship", {"manifest": parts[1]})
    if what == "unload":
        return deed("unload", {"fence": number_of(fields, "fence", 0)})
    if what != "load":
        return bad(TOO_OLD)
    code = text_of(fields, "code")[:120].upper()
    if not code:
        return bad("Nothing was scanned.")
    fence = whole_order(extract, code)
    if fence:
        return deed("load", {"manifest": parts[1], "fence": fence})
    return deed("load", {"manifest": parts[1], "parcel": code})


def whole_order(extract: Data, code: str) -> int:
    """The order's number stands for all its parcels."""
    found = [
        turn["fence"]
        for turn in extract["turns"]
        if code in [turn["order_no"], turn["fo"]]
        and turn["state"] in ["packed", "staged"]
        and turn["kind"] != "pickup"
    ]
    return min(found, default=0)


def after_courier(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    what = done["what"]
    went = done["went"]
    if not done["name"]:
        page = manifests_page(extract, t)
        text = ""
        if went:
            page = manifest_page(extract, done["result"]["manifest"], t)
            courier = text_of(done["fields"], "courier")[:40]
            text = t("Scan each parcel that {courier} takes.", {"courier": courier})
        return then(page, "info", text)
    page = manifest_page(extract, done["name"], t)
    if what == "ship":
        return then(manifests_page(extract, t) if went else page, "good", t("Handed to the courier."))
    if what == "unload":
        return then(page, "info", t("Taken off this manifest."))
    if went and done["result"]["again"]:
        return then(page, "again", t("Already on this manifest."))
    return then(page, "good", t("Right parcel. Loaded."))
