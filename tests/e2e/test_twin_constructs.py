"""Each construct that a page's template may use means the same on a handheld; every other is refused."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined

from pwa.twin.javascript import CannotTwin
from pwa.twin.templates import compile_all
from tests.e2e.test_twin_pages import STATIC

HOSTILE = """<b class='x'>"&amp;</b> \u2028 {{ 7 }} é 𠮷 \\ ` ${x} %s"""

CONSTRUCTS = [
    "{{ a }}|{{ b }}|{{ n }}|{{ yes }}|{{ no }}|{{ none }}",
    "{% if a %}1{% endif %}{% if b %}2{% endif %}{% if empty %}3{% endif %}{% if nothing %}4{% endif %}",
    "{% if none %}1{% elif zero %}2{% elif word %}3{% else %}4{% endif %}",
    "{{ a or b }}|{{ empty or 'none' }}|{{ a and b }}|{{ zero and b }}|{{ '' or none or zero }}",
    "{{ not a }}|{{ not none }}|{{ not (a and zero) }}",
    "{{ 'x' if a else 'y' }}|{{ 'x' if none }}|{{ word ~ ('!' if none) }}",
    "{% if (empty or a) and (zero or b) %}1{% endif %}",
    "{% if not (a and b) or zero and (a or b) %}2{% endif %}",
    "{{ 1 if (a or b) and not (zero or none) else 2 }}|{{ (a if zero else none) is none }}",
    "{{ 1 if a and (none or zero) or b }}|{{ (1 if a else 2) if b else 3 }}",
    "{{ (1 if a else 2) + 3 }}|{{ ('x' if zero else 'y') == 'y' }}|{{ [1 if a else 2, 3] | length }}",
    "{{ (dict if a else rows).name }}|{{ not (1 if zero else none) }}",
    "{% for x in rows %}{{ loop.index }}{{ x.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in empty %}x{% else %}none{% endfor %}",
    "{% for x in rows if x.n > 2 %}{{ loop.first }}{{ x.n }}{% else %}none{% endfor %}",
    "{% for k, v in pairs %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in dict %}{{ k }};{% endfor %}",
    "{% for c in word %}{{ c }}.{% endfor %}",
    "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(1, n) %}{{ i }}{% endfor %}",
    "{% set x = 1 %}{% for y in rows %}{% set x = y.n %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if a %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% with x = 3, y = word %}{{ x }}{{ y }}{% endwith %}{% if x is defined %}x{% endif %}",
    "{{ word is defined }}|{{ gone is defined }}|{{ none is none }}|{{ zero is none }}|{{ a is not none }}",
    "{{ n == 3 }}|{{ word == 'wort' }}|{{ rows == [] }}|{{ yes == 1 }}",
    "{{ none == zero }}|{{ pairs == pairs }}",
    "{{ n > 2 }}|{{ n >= 3 }}|{{ n < 3 }}|{{ n <= 3 }}|{{ word < 'x' }}|{{ '𠮷' > 'ￗ' }}",
    "{{ 'o' in word }}|{{ 'name' in dict }}|{{ n in [1, 2, 3] }}|{{ 4 not in [1, 2] }}|{{ yes in [1] }}",
    "{{ n + 2 }}|{{ n - 5 }}|{{ n % 2 }}|{{ -7 % n }}|{{ -n }}|{{ 'a' + word }}|{{ [1] + [2] == [1, 2] }}",
    "{{ 'no_%d' % n }}|{{ '%s of %s' % (a, n) }}|{{ '%d%%' % n }}",
    "{{ a ~ 1 ~ none ~ b }}",
    "{{ rows[0].name }}|{{ rows[-1].name }}|{{ dict['name'] }}|{{ pairs[1][0] }}",
    "{{ word[:2] }}|{{ word[1:] }}|{{ rows[:1] | length }}|{{ word[-2:] }}|{{ word[:-1] }}",
    "{{ dict.get('name') }}|{{ dict.get('gone') }}|{{ dict.get('gone', 'x') }}|{{ dict.get('nil', 'x') }}",
    "{{ '0012'.lstrip('0') }}|{{ '  x '.strip() }}",
    "{{ word.upper() }}|{{ 'ABC'.lower() }}|{{ word.startswith('w') }}",
    "{{ rows | length }}|{{ word | length }}|{{ '𠮷' | length }}|{{ dict | length }}",
    "{{ [3, 9, 4] | max }}|{{ ['a', 'b'] | join(', ') }}|{{ [b, n] | join }}",
    "{{ word | urlencode }}|{{ b | urlencode }}|{{ 'a/b c*()!~' | urlencode }}|{{ n | urlencode }}",
    "{{ data | tojson | forceescape }}|{{ b | tojson }}|{{ none | tojson }}",
    "<a title='{{ b }}' href=\"{{ b }}\">{{ b }}</a>",
    "{% macro m(x, y='d', z={}) %}[{{ x }}{{ y }}{{ z | length }}]{% endmacro %}"
    "{{ m(b) }}{{ m(1, 2) }}{{ m(y=b, x=1) }}",
    "{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m(b) ~ b }}|{{ m(1) or 'x' }}|{% if m('') %}t{% endif %}",
    "{% macro m() %}{{ word }}{% endmacro %}{% with word = 'inner' %}{{ m() }}{% endwith %}",
    "{% import 'parts' as p with context %}{{ p.hello('you') }}{{ p.thing }}",
    "{% for x in rows %}{% include 'row' %}{% endfor %}",
    "{% extends 'frame' %}{% set shown = word %}{% block body %}{{ shown }}{{ at_top }}{% endblock %}",
    "{% extends 'frame' %}{% block head %}mine{% endblock %}lost",
    "{{ n }}{% set n = 7 %}{{ n }}{% for x in rows %}{{ n }}{% set n = x.n %}{{ n }}{% endfor %}",
    "{{ word }}{% if yes %}{% set word = 'new' %}{% endif %}{{ word }}",
    "{{ word }}x{{ n }}1^{{ word }}^^{{ rows[0].name }}.b{{ word }}.{{ n }}^^a$ $\\{ \\` ${x}",
    "{# a comment #}{% raw %}{{ raw }}{% endraw %}",
]
MORE = {
    "parts": "{% macro hello(x) %}Hello {{ x }}, {{ word }}{% endmacro %}{% set thing = 'thing' %}noise",
    "row": "({{ x.name }}{{ n }})",
    "frame": "{% set at_top = n %}<{% block head %}frame{{ at_top }}{% endblock %}>"
    "{% block body %}{% endblock %}!",
}
REFUSED = [
    "{{ a | safe }}", "{{ a | default('x') }}", "{{ 1.5 }}", "{{ 1 < n < 3 }}",
    "{{ a ** 2 }}",
    "{{ n / 2 }}", "{{ n * 2 }}", "{{ rows[::2] }}", "{% for a in b recursive %}{% endfor %}",
    "{% filter upper %}x{% endfilter %}", "{% call m() %}{% endcall %}",
    "{% set x %}block{% endset %}", "{% import 'p' as p %}", "{% from 'p' import x %}", "{% include a %}",
    "{{ m(*a) }}", "{{ m(**a) }}", "{% set a.b = 1 %}", "{{ {1: 2} }}", "{{ (a or b)(1) }}",
]  # fmt: skip


def env(templates: dict[str, str]) -> Environment:
    return Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def values(rng: random.Random) -> dict[str, Any]:
    rows = [
        {"name": rng.choice(["Lin", HOSTILE, "张"]), "n": rng.randint(0, 5)} for _ in range(rng.randint(1, 4))
    ]
    return {
        "a": rng.choice(["x", HOSTILE, 7]), "b": HOSTILE, "n": 3, "zero": 0, "yes": True, "no": False,
        "none": None,
        "word": "wort", "empty": [], "nothing": {}, "rows": rows, "pairs": [["k", 1], [HOSTILE, None]],
        "dict": {"name": HOSTILE, "nil": None, "é": True},
        "data": {"z": [1, HOSTILE, None], "a": {"y": True, "𠮷": "\x7f\x00"}},
    }  # fmt: skip


@pytest.mark.browser
async def test_each_construct_means_the_same(
    chromium: Any, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {f"t{n}.html": text for n, text in enumerate(CONSTRUCTS)}
    jinja = env({**named, **MORE})
    monkeypatch.setattr(jinja, "list_templates", lambda *a, **k: [*named, *MORE])
    page = await chromium.new_page()
    await page.evaluate(f"globalThis.templates = {compile_all(jinja)}; 0")
    await page.evaluate((STATIC / "twin.js").read_text() + "\n;0")
    for _ in range(20):
        given = values(rng)
        drawn = await page.evaluate(
            "([names, given]) => names.map((name) => twin.engine(templates)(name, given))", [[*named], given]
        )
        for name, text in zip(named, drawn, strict=True):
            assert text == jinja.get_template(name).render(given), named[name]
    await page.close()


@pytest.mark.parametrize("text", REFUSED)
def test_a_construct_that_is_not_known_is_refused_when_pages_are_made(text: str) -> None:
    with pytest.raises(CannotTwin, match=r"x\.html, line 1: "):
        compile_all(env({"x.html": text}))


CERTAIN = """{% if a.x and b %}1{% elif not a.x %}2{% else %}9{% endif %}{% if not a.x or no %}4{% endif -%}
{{ 'y' if a.x else 'n' }}{{ 'y' if not a.x }}{% if b and not a.x %}5{% else %}6{% endif -%}
{% if b %}7{% endif %}
{% if a.x %}a{% elif b %}3{% else %}3{% endif %}{% for c in rows %}{% if a.x %}{{ c }}{% else %}8{% endif %}
{%- endfor %}"""


@pytest.mark.browser
async def test_what_is_always_so_is_decided_beforehand_and_looked_at_when_drawn(chromium: Any) -> None:
    jinja = env({"x.html": CERTAIN})
    small = compile_all(jinja, always={"a.x": True})
    assert not {"`2`", "`5`", "`8`", "`3`"} & set(re.findall(r"`\d`", small))
    page = await chromium.new_page()
    await page.evaluate(f"globalThis.templates = {small}; 0")
    await page.evaluate((STATIC / "twin.js").read_text() + "\n;0")
    for b in (True, False):
        given = {"a": {"x": True}, "b": b, "no": False, "rows": [1, 2]}
        drawn = await page.evaluate("(given) => twin.engine(templates)('x.html', given)", given)
        assert drawn == jinja.get_template("x.html").render(given)
    with pytest.raises(Exception, match=r"a\.x is otherwise"):
        await page.evaluate(
            "(given) => twin.engine(templates)('x.html', given)", {**given, "a": {"x": False}}
        )
    await page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "text", ["{{ gone }}", "{{ dict.gone }}", "{{ dict.gone.more }}", "{{ rows[9] }}", "{{ word() }}"]
)
async def test_what_is_not_there_is_an_error_on_both_sides(
    chromium: Any, rng: random.Random, text: str
) -> None:
    jinja = env({"x.html": text})
    with pytest.raises(Exception):  # noqa: B017 (which one differs by construct)
        jinja.get_template("x.html").render(values(rng))
    page = await chromium.new_page()
    await page.evaluate(f"globalThis.templates = {compile_all(jinja)}; 0")
    await page.evaluate((STATIC / "twin.js").read_text() + "\n;0")
    with pytest.raises(Exception, match=r"Refusal|Error"):
        await page.evaluate("(given) => twin.engine(templates)('x.html', given)", values(rng))
    await page.close()
