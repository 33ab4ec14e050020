"""Our own scripts, shorter for the way to a handheld: without comments and spaces, with short local names.

No tool is wanted for it, so it knows only the JavaScript that we write, and leaves a script as it is where
it meets more. What comes out has the same tokens in the same order, but that neighbouring constants share
one declaration. Names differ: one is given a new name wherever it is mentioned or nowhere, and only where
it is neither a property nor a key, nor anything that the browser knows.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import product

from pwa.script_tokens import KEYWORDS, Token, Unknown, closing, opening, read, set_of, written

READABLE = os.environ.get("YIPAN_READABLE") == "1"
"""For whoever looks for a fault on a real device: scripts go out as they are written."""
DECLARES = frozenset({"const", "let", "var", "function", "class"})
KNOWN = set_of(
    "window document navigator location history performance self globalThis top parent frames name "
    "length status closed opener event origin screen caches crypto indexedDB localStorage "
    "sessionStorage clients registration fetch open close stop focus blur print alert confirm prompt "
    "find scroll postMessage addEventListener removeEventListener dispatchEvent setTimeout "
    "clearTimeout setInterval clearInterval queueMicrotask requestAnimationFrame structuredClone "
    "importScripts skipWaiting atob btoa isSecureContext matchMedia getComputedStyle console escape "
    "unescape encodeURIComponent decodeURIComponent encodeURI decodeURI parseInt parseFloat isNaN "
    "isFinite htmx module exports require yipan built alone twin words blake gs1"
)
"""Names that mean something outside of a script: never given a new one, whoever declares them."""
Scope = tuple[int, int]
"""Its first token and its last."""


def shortened(script: str) -> str:
    if READABLE:
        return script
    try:
        tokens = read(script)
        return written(renamed(joined(tokens)))
    except Unknown:
        return script


def joined(tokens: list[Token]) -> list[Token]:
    """Constants that follow each other, in one declaration."""
    made: list[Token] = []
    constant = [False]  # whether the statement at this depth declares constants
    for at, token in enumerate(tokens):
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        starts = not made or made[-1].text in (";", "{", "}")
        if token.kind == "sign" and token.text in ("(", "[", "{", "${"):
            constant.append(False)
        elif token.kind == "sign" and token.text in (")", "]", "}"):
            constant.pop()
            # A block's end may end a statement without a semicolon; a value's end does not begin another.
            if token.text == "}" and tokens[at - 1].inside == "block":
                constant[-1] = constant[-1] and follows in (";", ",", ".", "?.", ")", "(")
        elif token.kind == "sign" and token.text == ";":
            if constant[-1] and follows == "const" and tokens[at + 1].kind == "name":
                made.append(Token("sign", ",", token.line, token.inside))
                continue
            constant[-1] = False
        elif token.kind == "name" and token.text == "const":
            if made and made[-1].text == "," and tokens[at - 1].text == ";":
                continue
            constant[-1] = starts
        made.append(token)
    return made


def renamed(tokens: list[Token]) -> list[Token]:
    """The tokens with our own names made short, the most frequent ones the shortest."""
    references = {i: t.text for i, t in enumerate(tokens) if t.kind == "name" and _refers(tokens, i)}
    scopes = _scopes(tokens)
    # What a module gives away keeps its name.
    away = {name for i, name in references.items() if i > 1 and tokens[i - 2].text == "export"}
    ours = _bound(references, _declared(tokens, set(references)), scopes) - KNOWN - away
    taken = {token.text for token in tokens if token.kind == "name"} - ours
    given = _given({i: name for i, name in references.items() if name in ours}, scopes, taken)
    made = []
    for i, token in enumerate(tokens):
        new = given.get(token.text) if i in references else None
        if new is None:
            made.append(token)
        elif _shorthand(tokens, i):
            made += [token, Token("sign", ":"), Token("name", new)]
        else:
            made.append(Token("name", new, token.line, token.inside))
    return made


def _bound(references: dict[int, str], declared: set[int], scopes: list[Scope]) -> set[str]:
    """Names that mean something of this script wherever they are mentioned, never something from outside."""
    homes: dict[str, list[Scope]] = {}
    for i in declared:
        homes.setdefault(references[i], []).append(_smallest(scopes, i, i))
    loose = {
        name
        for i, name in references.items()
        if not any(begin <= i <= end for begin, end in homes.get(name, []))
    }
    return set(homes) - loose


def _smallest(scopes: list[Scope], first: int, last: int) -> Scope:
    around = [scope for scope in scopes if scope[0] <= first and last <= scope[1]]
    return min(around, key=lambda scope: scope[1] - scope[0])


def _given(places: dict[int, str], scopes: list[Scope], taken: set[str]) -> dict[str, str]:
    """A short name for each. Two share one where neither is mentioned in what the other is declared in."""
    count = Counter(places.values())
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for i, name in places.items():
        first.setdefault(name, i)
        last[name] = i
    spans = {name: _smallest(scopes, first[name], last[name]) for name in count}
    given: dict[str, str] = {}
    short = [name for name in _short() if name not in taken]
    used: dict[str, list[Scope]] = {name: [] for name in short}
    for name, _ in sorted(count.items(), key=lambda one: (-one[1], one[0])):
        begin, end = spans[name]
        new = next(s for s in short if all(end < other[0] or other[1] < begin for other in used[s]))
        used[new].append((begin, end))
        given[name] = new
    return given


def _scopes(tokens: list[Token]) -> list[Scope]:
    """Where names can be declared that nobody outside can mean: blocks, functions with their parameters."""
    found = [(0, len(tokens) - 1)]
    for at, token in enumerate(tokens):
        if token.text == "=>":
            begin = opening(tokens, at - 1) if tokens[at - 1].text == ")" else at - 1
            end = closing(tokens, at + 1) if tokens[at + 1].text == "{" else _end_of_value(tokens, at + 1)
            found.append((begin, end))
        elif token.text == "{" and token.kind == "sign" and tokens[at + 1].inside == "block":
            begin = opening(tokens, at - 1) if tokens[at - 1].text == ")" else at
            found.append((begin, closing(tokens, at)))
    return found


def _end_of_value(tokens: list[Token], at: int) -> int:
    """The last token of the value that begins here."""
    depth = 0
    for i in range(at, len(tokens)):
        token = tokens[i]
        if depth == 0 and token.kind == "sign" and token.text in (",", ";", ")", "]", "}"):
            return i - 1
        if depth == 0 and token.kind == "name" and token.text in DECLARES - {"function", "class"}:
            raise Unknown("a statement that does not end")
        if token.kind == "sign":
            depth += (token.text in ("(", "[", "{", "${")) - (token.text in (")", "]", "}"))
    return len(tokens) - 1


def _short() -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pairs = ["".join(pair) for pair in product(letters, repeat=2)]
    return [name for name in [*letters, *pairs] if name not in KEYWORDS]


def _refers(tokens: list[Token], at: int) -> bool:
    """Whether a name stands for a variable: not a keyword, nor a property, nor a key, nor a method's name."""
    token = tokens[at]
    if token.text in KEYWORDS or token.inside == "class":
        return False
    before, after = _around(tokens, at)
    if before in (".", "?."):
        return False
    heads = before in ("{", ",", "async", "get", "set")
    return not (token.inside == "object" and heads and after in (":", "("))


def _shorthand(tokens: list[Token], at: int) -> bool:
    before, after = _around(tokens, at)
    return tokens[at].inside == "object" and before in ("{", ",") and after in (",", "}", "=")


def _around(tokens: list[Token], at: int) -> tuple[str, str]:
    before = tokens[at - 1].text if at else ";"
    return before, tokens[at + 1].text if at + 1 < len(tokens) else ";"


def _declared(tokens: list[Token], references: set[int]) -> set[int]:
    """Where names are declared, by a declaration or a list of parameters."""
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if token.kind == "name" and token.text in DECLARES:
            found |= _names(tokens, at + 1, references)
        elif token.text == "=>" and tokens[at - 1].kind == "name":
            found.add(at - 1)
        elif token.text == "=>" or (token.text == "{" and tokens[at - 1].text == ")"):
            begin = opening(tokens, at - 1)
            head = tokens[begin - 1]
            called = head.kind == "name" and (head.text not in KEYWORDS or head.text in ("catch", "function"))
            if token.text == "=>" or called:
                found |= _names(tokens, begin + 1, references)
    return found


def _names(tokens: list[Token], at: int, references: set[int]) -> set[int]:
    """What is declared from here to the end of a statement or a list: names, and those in patterns."""
    found: set[int] = set()
    wanted = True  # else within a value, where names are only used
    while at < len(tokens) and tokens[at].text not in (";", "of", "in", ")", "}", "]"):
        text = tokens[at].text
        if tokens[at].line and not wanted and tokens[at].kind in ("name", "tick"):
            break
        if text in ("(", "[", "{", "`"):
            end = closing(tokens, at)
            if wanted:
                found |= _names(tokens, at + 1, references)
            at = end
            wanted = wanted and text == "`"
        elif text in (",", ":", "..."):
            wanted = text != ":" or wanted or tokens[at].inside == "object"
        elif wanted and at in references:
            found.add(at)
            wanted = False
        elif text in ("=", "=>"):
            wanted = False
        at += 1
    return found
