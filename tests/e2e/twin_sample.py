"""One function for each construct of a rules module; `test_twin_rules.py` runs them in both languages."""

from __future__ import annotations

from typing import Any

from pwa.twin.no import No

LIMIT = 3
STATES = ["offered", "accepted"]
NAMES = {"a": 1, "b": "zwei"}


def truths(x: Any, y: Any) -> list[Any]:
    return [x or y, x and y, not x, bool(x), x if y else None, x == y, x != y, x is None, y is not None]


def beside(x: Any, y: Any, z: Any) -> list[Any]:
    """Signs beside signs that bind closer."""
    box: dict[str, Any] = {"n": 1}
    other: dict[str, Any] = {"n": 2}
    (box if y else other)["n"] = 3
    if (x or y) and (y or z):
        box["and"] = 1 if (x and y) or z else 2
    if not (x and z) or (y and not (x or z)):
        box["or"] = (1 if x else 2) if y else 3 if z else 4
    return [
        box, other, ("a" if x else "b") == "a", (None if x else y) is None, (y if z else None) is not None,
        (1 if x else 2) + 3, [1 if x else 2, *([3] if y else [])], len("aa" if x and y else "a"),
        {"k": 1 if z else 2, **(box if x else other)}, f"{1 if x else 2}", (1 if (x or y) and z else 2),
        [n for n in [0, 1, 2] if (n or x) and (n or y)], not (not x or z), ("x" if x else "y") + "z" == "xz",
    ]  # fmt: skip


def orders(rows: list[dict[str, Any]]) -> list[Any]:
    found = sorted(rows, key=lambda row: (row["n"], row["name"]), reverse=True)
    least = min(rows, key=lambda row: row["name"], default=None)
    return [[row["name"] for row in found], least, max([row["n"] for row in rows], default=0), sorted(STATES)]


def numbers(a: int, b: int) -> list[Any]:
    made = [a + b, a - b, a * b, -a, abs(a - b), a < b, a <= b, a > b, a >= b, min(a, b), max(a, b)]
    if b != 0:
        made.extend([a // b, a % b])
    return made


def texts(a: str, b: str, n: int) -> list[Any]:
    return [
        f"{a}: {n} of {b}{None}{True}", a + b, a.upper(), a.strip(), a.lstrip("0"), a.startswith("0"),
        a.split(","), ",".join([a, b]), a[:2], a[-1:], len(a), b in a, a.replace("0", "x"), a.isdigit(),
        int(f"{n}") + 1, str(n), f"^{a}^ `${n} \\n $",
    ]  # fmt: skip


def loops(rows: list[dict[str, Any]], stop: int) -> list[Any]:
    total = 0
    seen: list[str] = []
    for i, row in enumerate(rows):
        if row["n"] > stop:
            break
        if row["n"] == 0:
            continue
        total += row["n"] * i
        seen.append(row["name"])
    while total > 10:
        total -= 7
    pairs = [[name, n] for name, n in zip(seen, range(1, 9))]  # noqa: B905
    return [total, seen, pairs, sum(row["n"] for row in rows if row["n"] > 1), any(row["n"] for row in rows)]


def boxes(state: dict[str, Any], name: str) -> dict[str, Any]:
    state["count"] = state.get("count", 0) + 1
    state.setdefault("names", []).append(name)
    lines = {f"l{line['n']}": {**line, "left": line["n"] - 1} for line in state["lines"] if line["n"]}
    if state.get("gone"):
        del state["gone"]
    first, _second = [name, 1], 2
    state["lines"] = [*state["lines"], {"n": len(lines), "name": first[0]}]
    state["all"] = all(line["n"] >= 0 for line in state["lines"])
    return {"lines": lines, "state": dict(state), "keys": [key for key, _value in lines.items()]}


def with_defaults(a: int, b: int = LIMIT, c: str = "c") -> list[Any]:
    return [a, b, c]


def called(n: int) -> list[Any]:
    return [with_defaults(n), with_defaults(n, c="x"), with_defaults(n, 9), NAMES["a"], NAMES.get("x", n)]


def refuses(n: int) -> str:
    if n > 2:
        raise No("too_many", n=n, most=LIMIT)
    return "fine"


def nothing(n: int) -> None:
    if n > 2:
        return
    n += 1
