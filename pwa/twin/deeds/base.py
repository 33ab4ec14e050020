"""What commands of every activity stand on: finding a turn, its steps, and what follows from progress."""

from __future__ import annotations

from typing import Any

from pwa.twin.no import No

Data = dict[str, Any]

NEXT: dict[str, list[str]] = {
    "accept": ["offered"],
    "decline": ["offered", "accepted"],
    "start": ["accepted", "picking"],
    "pick": ["accepted", "picking"],
    "undo_pick": ["picking", "picked"],
    "short": ["accepted", "picking", "picked"],
    "pack": ["picked", "packed"],
    "stage": ["packed", "staged"],
    "release": ["packed", "staged"],
}
"""From which states a step may be taken: sync/rules/states.py, as far as a device goes."""


def turn_of(extract: Data, fence: int) -> Data:
    turns: list[Data] = extract["turns"]
    for turn in turns:
        if turn["fence"] == fence:
            return turn
    raise No("unknown_task", fence=fence)


def turn_with_parcel(turns: list[Data], code: str) -> Any:
    for turn in turns:
        if any(parcel["code"] == code.strip().upper() for parcel in turn["parcels"]):
            return turn
    return None


def line_of(turn: Data, number: int) -> Data:
    lines: list[Data] = turn["lines"]
    for line in lines:
        if line["line"] == number:
            return line
    raise No("unknown_line", order=turn["order_no"], line=number)


def must(turn: Data, step: str) -> None:
    if turn["state"] not in NEXT[step]:
        not_now(turn)


def not_now(turn: Data) -> None:
    if turn["state"] == "released":
        raise No("handed_over", order=turn["order_no"], at=turn["released_at"])
    if turn["withdrawn"]:
        at = turn["withdrawn_at"]
        raise No("withdrawn", order=turn["order_no"], at=at, to=turn["withdrawn_to"])
    if turn["expired"]:
        raise No("hold_over", order=turn["order_no"], at=turn["owner_until"])
    raise No("not_now", order=turn["order_no"], state=turn["state"])


def quantity(qty: int, most: int, sku: str) -> None:
    if qty < 1:
        raise No("bad_quantity", qty=qty)
    if qty > most:
        raise No("too_many", left=most, sku=sku, qty=qty)


def held(line: Data) -> int:
    """Picked units that are still here."""
    return max(int(line["picked"] - line["released"] - line["put_back"]), 0)


def forget_serials(turn: Data, line: Data, qty: int) -> None:
    """Units that leave a tote: the pieces scanned last are free to be picked again."""
    mine = [one for one in turn.get("serials", []) if one[0] == line["line"]]
    free = mine[max(len(mine) - qty, 0) :]
    turn["serials"] = [one for one in turn.get("serials", []) if one not in free]


def sku_of(extract: Data, code: str, ctx: Data) -> str:
    """The SKU behind a code, as far as the device knows it; an empty text where it does not."""
    text = str(ctx["read"]["raw"])
    if text in extract["items"]:
        return text
    gtin = ctx["read"]["gtin"]
    if gtin:
        return str(extract["gtins"].get(gtin, ""))
    if text.upper() in extract["items"]:
        return text.upper()
    return ""


def settle(extract: Data, turn: Data, ctx: Data) -> None:
    """State and ownership, from the centre's words and the store's own facts."""
    was = [turn["state"], turn["ownership"]]
    picked = sum(line["picked"] for line in turn["lines"])
    released = sum(line["released"] for line in turn["lines"])
    loose = picked - released - sum(line["put_back"] for line in turn["lines"])
    complete = all(line["picked"] + line["short"] >= line["qty"] for line in turn["lines"])
    over = turn["withdrawn"] or turn["ended_at"] > 0
    state = turn["progress"]
    if state != "declined":
        if over or state == "released":
            state = "put_back" if loose > 0 else "released" if released > 0 else "closed"
        elif state == "picking" and complete:
            state = "picked" if picked > 0 else "closed"
    turn["state"] = state
    if over or state in ["declined", "closed"]:
        turn["ownership"] = "ended"
    elif turn["confirmed"] and turn["accepted_at"]:
        turn["ownership"] = "confirmed"
    elif turn["accepted_at"]:
        turn["ownership"] = "provisional"
    else:
        turn["ownership"] = "none"
    if [turn["state"], turn["ownership"]] != was:
        turn["changed_at"] = ctx["now"]
