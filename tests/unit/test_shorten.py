"""Scripts become shorter on the way to a handheld, and mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from pwa.script_tokens import Unknown, read
from pwa.shorten import KNOWN, joined, shortened
from pwa.statics import ROOT

OURS = sorted(ROOT.glob("*.js"))

CASES = {
    # Comments and spaces go; a line's end stays where a statement may end by it.
    "// a\nlet first = 1; /* b */ first += 2;\n": "let a=1;a+=2;",
    "const one = () => {\n}\nconst two = 2\n;[one, two].map(one)": "const a=()=>{}\nconst b=2;[a,b].map(a)",
    "const one = () => {}\n(one)": "const a=()=>{}\n(a)",
    "const go = () => {\n  return\n  1;\n};": "const a=()=>{return\n1;};",
    "const n = 1 - -1 + +1; a / b / n": "const c=1- -1+ +1;a/b/c",
    # Properties, keys and methods keep their names; a short key gets the long form.
    "const row = 1; f({ row, other: row }); x.row = row": "const a=1;f({row:a,other:a});x.row=a",
    "const { row, key: col = 1 } = f(); g(row, col)": "const{row:a,key:b=1}=f();g(a,b)",
    "const it = { play(mood) { return mood.it; } };": "const a={play(b){return b.it;}};",
    "class Safe { constructor(text) { this.text = text; } }": "class a{constructor(b){this.text=b;}}",
    "const f = (x) => (x ? { x } : x);": "const a=(b)=>(b?{x:b}:b);",
    # What the browser knows, and what nobody declared, keeps its name.
    "const f = ({ str = String }) => fetch(str);": "const a=({str:b=String})=>fetch(b);",
    "const open = 1; open + place": "const open=1;open+place",
    "const f = (spot) => spot; const g = () => { const other = spot; return other; };": (
        "const a=(spot)=>spot,b=()=>{const c=spot;return c;};"
    ),
    "try { f(); } catch (error) { g(error); }": "try{f();}catch(a){g(a);}",
    # Texts, templates and patterns stay as they are, what stands in a template does not.
    "const word = 'a  // b'; h(`  word ${word} \\` ${ { word }.word }`)": (
        "const a='a  // b';h(`  word ${a} \\` ${{word:a}.word}`)"
    ),
    "const re = /[/'\"]\\//g; re.test(a / re)": "const b=/[/'\"]\\//g;b.test(a/b)",
    "for (const [key, value] of rows) log(key, value)": "for(const[a,b]of rows)log(a,b)",
    "export const open2 = (row) => row; open2(1)": "export const open2=(b)=>b;open2(1)",
    "let a = 1, long = f(a, 2), last; long = last": "let a=1,b=f(a,2),c;b=c",
    # Constants side by side are declared together, others are not.
    "const one = 1; const two = one; let six = 6; const ten = 10;": "const a=1,b=a;let c=6;const d=10;",
    "const f = () => { const one = 1; }; const g = f; if (g) { const two = 2; } const h1 = g;": (
        "const a=()=>{const e=1;},b=a;if(b){const e=2;}const c=b;"
    ),
    # Two names share one where neither could be meant in the other's function.
    "const f = (row) => row; const g = (col) => f(col);": "const a=(b)=>b,c=(b)=>a(b);",
    "const f = (row) => g((col) => row + col, row);": "const a=(b)=>g((c)=>b+c,b);",
    "let n = 0; const up = (by) => { n += by; }; const down = (of1) => { n -= of1; };": (
        "let a=0;const b=(c)=>{a+=c;},d=(c)=>{a-=c;};"
    ),
    "for (const x of xs) { const y = x; f(y); } for (const z of zs) { f(z); }": (
        "for(const a of xs){const b=a;f(b);}for(const a of zs){f(a);}"
    ),
}


@pytest.mark.parametrize("script", CASES)
def test_a_script_means_the_same_in_fewer_letters(script: str) -> None:
    made, wanted = read(shortened(script)), read(CASES[script])
    # Which letter a name gets is no promise: only that it is the same one everywhere, and no other's.
    given: dict[str, str] = {}
    for mine, theirs in zip(made, wanted, strict=True):
        if mine.kind == "name" and len(theirs.text) == 1:
            assert given.setdefault(theirs.text, mine.text) == mine.text, made
        else:
            assert (mine.kind, mine.text, mine.line) == (theirs.kind, theirs.text, theirs.line), made
    assert len(set(given.values())) == len(given)


@pytest.mark.parametrize("script", OURS, ids=lambda path: path.name)
def test_our_scripts_keep_their_tokens(script: Path) -> None:
    source = script.read_text()
    before, after = joined(read(source)), read(shortened(source))
    assert len(shortened(source)) < len(source) * 0.8, "not known: sent as it is"
    new: dict[str, str] = {}
    at = 0
    for token, follows in zip(before, [*before[1:], None], strict=True):
        mine = after[at]
        if token.kind == "name" and mine.text != token.text:
            assert new.setdefault(token.text, mine.text) == mine.text
            assert token.text not in KNOWN
        else:
            assert (mine.kind, mine.text) == (token.kind, token.text)
            if token.kind == "name" and follows and follows.text != ":" and after[at + 1].text == ":":
                at += 2  # `{row}` has become `{row:a}`
        at += 1
    assert at == len(after)


@pytest.mark.parametrize(
    "script",
    [
        "const a = `x ${",
        "}",
        "const a = @;",
        "const re = (1 {",
        "export { one };",
        "import { one } from 'x';",
    ],
)
def test_what_is_not_known_is_sent_as_it_is(script: str) -> None:
    with pytest.raises(Unknown):
        read(script)
    assert shortened(script) == script
