"""Rules mean the same in both languages; what might not is refused before anything runs."""

from __future__ import annotations

import copy
import importlib.util
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pwa.twin.javascript import CannotTwin
from pwa.twin.no import No
from pwa.twin.rules import compile_rules
from tests.e2e import twin_sample
from tests.e2e.test_twin_pages import STATIC

RUN = """(calls) => {
  const rules = twin.compiled(made);
  return calls.map(([name, args]) => {
    try { return {value: rules[name](...args), args}; }
    catch (error) {
      if (error instanceof twin.No) return {no: error.reason, facts: error.facts};
      return {error: String(error)};
    }
  });
}"""
ODD = [None, True, False, 0, 1, -7, 12, "", "0", "0012", "a,b", "张𠮷", " x ", [], [0], [[]], {}, {"a": None}]


def calls(rng: random.Random) -> list[tuple[str, list[Any]]]:
    def row() -> dict[str, Any]:
        return {"n": rng.randint(0, 5), "name": rng.choice(["Lin", "张", "𠮷", "ￗ", "", "b"])}

    rows = [row() for _ in range(rng.randint(0, 6))]
    text = rng.choice(["", "0", "007", "a,0b", "张𠮷", "  x "])
    return [
        ("truths", [rng.choice(ODD), rng.choice(ODD)]),
        ("beside", [rng.choice(ODD), rng.choice(ODD), rng.choice(ODD)]),
        ("orders", [rows]),
        ("numbers", [rng.randint(-20, 20), rng.randint(-3, 3)]),
        ("texts", [text, rng.choice(["", "0", "x"]), rng.randint(0, 9)]),
        ("loops", [rows, rng.randint(2, 6)]),
        ("boxes", [{"lines": rows, **rng.choice([{}, {"gone": 1}, {"count": 4}])}, text]),
        ("called", [rng.randint(0, 9)]),
        ("refuses", [rng.randint(0, 5)]),
        ("nothing", [rng.randint(0, 5)]),
    ]


def python(name: str, args: list[Any]) -> dict[str, Any]:
    mine = copy.deepcopy(args)
    try:
        return {"value": getattr(twin_sample, name)(*mine), "args": mine}
    except No as no:
        return {"no": no.reason, "facts": no.facts}


@pytest.mark.browser
async def test_each_construct_of_a_rule_means_the_same(chromium: Any, rng: random.Random) -> None:
    page = await chromium.new_page()
    await page.evaluate(f"globalThis.made = {compile_rules([twin_sample])}; 0")
    await page.evaluate((STATIC / "twin.js").read_text() + "\n;0")
    wanted = [call for _ in range(300) for call in calls(rng)]
    for (name, args), device in zip(wanted, await page.evaluate(RUN, wanted), strict=True):
        assert device == python(name, args), (name, args)
    await page.close()


REFUSED = [
    "class A: pass",
    "import os\nos.remove('x')",
    "def f(x):\n  return x / 2",
    "def f(x):\n  return x ** 2",
    "def f(x):\n  return 1.5",
    "def f(*x):\n  return x",
    "def f(x):\n  with x: pass",
    "def f(x):\n  return f'{x:02}'",
    "def f(x):\n  return x.sort()",
    "def f(x):\n  return unknown",
    "def f(x):\n  return {1, 2}",
    "def f(x):\n  try:\n    pass\n  except E:\n    pass",
    "def f(x):\n  return [a for b in x for a in b]",
    "def f(x):\n  return 1 < x < 3",
    "def f(x):\n  raise ValueError('x')",
    "def f(x):\n  return x[::2]",
    "def f(x):\n  return x is x",
    "def f(x):\n  return lambda: x",
    "def f(x):\n  return print(x)",
    "async def f(): pass",
    "def f(x):\n  return (y := x)",
    "def f(x):\n  for a in x: pass\n  else: pass",
    "def f(x):\n  yield x",
    "def f(x):\n  x.y = 1",
    "def f(x):\n  global y\n  y = 1",
    "def f(a):\n  return f(b=1)",
    "@f\ndef f(x): return x",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_on_the_list_is_refused_with_its_place(text: str, tmp_path: Path) -> None:
    with pytest.raises(CannotTwin, match=r"odd, line \d+: .* is not known"):
        compile_rules([module(tmp_path / "odd.py", text)])


def module(path: Path, text: str) -> ModuleType:
    path.write_text(f"from typing import Any\nE = 1\n{text}\n")
    spec = importlib.util.spec_from_file_location("odd", path)
    assert spec is not None
    found = importlib.util.module_from_spec(spec)
    found.__file__ = str(path)
    found.__loader__ = spec.loader
    return found
