"""Our own scripts, shorter for the way to a handheld: without comments and spaces, with short local names.

No tool is wanted for it, so it knows only the JavaScript that we write, and leaves a script as it is where
it meets more. What comes out has the same tokens in the same order; only names differ, and a name is given
a new one everywhere in its script or nowhere: where it is neither a property nor a key, nor anything that
the browser knows. Line ends stay wherever a statement might end by one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<number>0[xX][0-9a-fA-F]+n?|(?:\d[\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?n?|\.\d+)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<sign>\?\?=|\|\|=|&&=|\*\*=|>>>=|<<=|>>=|\.\.\.|===|!==|>>>|=>|\?\.(?!\d)|\?\?|\*\*|\+\+|--|[-+*/%&|^<>=!]=|&&|\|\||<<|>>|[-+*/%&|^<>=!~?:;,.(){}\[\]])",
    re.S,
)
REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
KEYWORDS = _set(
    "async await break case catch class const continue debugger default delete do else extends false "
    "finally for function get if import in instanceof let new null of return set static super export switch "
    "this throw true try typeof undefined var void while with yield arguments eval NaN Infinity"
)
BEFORE_REGEX = _set("return typeof case in of delete void throw new else do await yield =>")
BEFORE_OBJECT = _set(
    "( ${ , = : [ ? return && || ?? + => in of const let var typeof throw await yield ... new"
)
DECLARES = frozenset({"const", "let", "var", "function", "class"})


class Unknown(Exception):
    """JavaScript that this module does not know."""


@dataclass
class Token:
    kind: str
    text: str
    line: bool = False
    """Whether a line ended before it."""
    inside: str = ""
    """What it stands directly in: `object`, `block`, `class`, `(`, `[`, `text` of a template, or nothing."""


def shortened(script: str) -> str:
    try:
        tokens = read(script)
        return written(renamed(tokens))
    except Unknown:
        return script


def read(script: str) -> list[Token]:
    """Tokens with what each stands in."""
    if re.search(r"\bexport\s*(\{|default|async|\*)|^import\b", script, re.M):
        raise Unknown("another way to give names away or to take them")
    found: list[Token] = []
    stack: list[str] = []
    at, line = 0, False
    while at < len(script):
        last = found[-1] if found else Token("sign", ";")
        if stack and stack[-1] == "text":
            # Inside of a template: its text up to the next value or its end.
            match = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.S).match(script, at)
            assert match is not None
            at = match.end()
            found.append(Token("chunk", match[0], inside="text"))
            if script.startswith("`", at):
                found.append(Token("tick", "`", inside="text"))
                stack.pop()
                at += 1
            elif script.startswith("${", at):
                found.append(Token("sign", "${", inside="text"))
                stack.append("(")
                at += 2
            else:
                raise Unknown("a template without an end")
            continue
        if script[at] == "`":
            found.append(Token("tick", "`", line, stack[-1] if stack else ""))
            stack.append("text")
            at, line = at + 1, False
            continue
        value = (
            last.kind in ("number", "text", "tick", "regex")
            or (last.kind == "name" and last.text not in BEFORE_REGEX)
            or last.text in (")", "]", "}")
        )
        match = REGEX.match(script, at) if script[at] == "/" and not value else None
        if match is not None:
            found.append(Token("regex", match[0], line, stack[-1] if stack else ""))
            at, line = match.end(), False
            continue
        match = TOKEN.match(script, at)
        if match is None:
            raise Unknown(script[at : at + 20])
        at = match.end()
        kind, text = str(match.lastgroup), match[0]
        if kind == "space":
            line = line or "\n" in text
            continue
        if text in (")", "]", "}"):
            if not stack:
                raise Unknown(text)
            stack.pop()
        found.append(Token(kind, text, line, stack[-1] if stack else ""))
        line = False
        if text == "{":
            stack.append(_braces(found))
        elif text in ("(", "["):
            stack.append(text)
    if stack:
        raise Unknown("a bracket without its end")
    return found


def _braces(found: list[Token]) -> str:
    """What the brace at the end of `found` opens."""
    before = found[-2] if len(found) > 1 else Token("sign", ";")
    if before.text == "=>" or before.text in (")", ";", "{", "}", "else", "try", "finally", "do", "catch"):
        return "block"
    back = [token.text for token in found[-5:-1]]
    if before.kind == "name" and "class" in back:
        return "class"
    if before.text in BEFORE_OBJECT:
        return "object"
    raise Unknown(f"a brace after {before.text}")


def renamed(tokens: list[Token]) -> list[Token]:
    """The tokens with our own names made short, the most frequent ones the shortest."""
    references = [i for i, token in enumerate(tokens) if token.kind == "name" and _refers(tokens, i)]
    count = Counter(tokens[i].text for i in references)
    # What a module gives away keeps its name.
    away = {tokens[i].text for i in references if i > 1 and tokens[i - 2].text == "export"}
    ours = _declared(tokens, set(references)) - KNOWN - away
    taken = {token.text for token in tokens if token.kind == "name"} - ours
    names = (name for name in _short() if name not in taken)
    given = {
        name: next(names)
        for name, _ in sorted(count.items(), key=lambda one: (-one[1], one[0]))
        if name in ours
    }
    made = []
    among = set(references)
    for i, token in enumerate(tokens):
        new = given.get(token.text) if i in among else None
        if new is None:
            made.append(token)
            continue
        if _shorthand(tokens, i):
            made += [token, Token("sign", ":"), Token("name", new)]
        else:
            made.append(Token("name", new, token.line, token.inside))
    return made


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


def _declared(tokens: list[Token], references: set[int]) -> set[str]:
    """Names that a declaration or a list of parameters makes."""
    found: set[str] = set()
    for at, token in enumerate(tokens):
        if token.kind == "name" and token.text in DECLARES:
            found |= _names(tokens, at + 1, references)
        elif token.text == "=>" and tokens[at - 1].kind == "name":
            found.add(tokens[at - 1].text)
        elif token.text == "=>" or (token.text == "{" and tokens[at - 1].text == ")"):
            begin = _opening(tokens, at - 1)
            head = tokens[begin - 1]
            called = head.kind == "name" and (head.text not in KEYWORDS or head.text in ("catch", "function"))
            if token.text == "=>" or called:
                found |= _names(tokens, begin + 1, references)
    return found


def _names(tokens: list[Token], at: int, references: set[int]) -> set[str]:
    """What is declared from here to the end of a statement or a list: names, and those in patterns."""
    found: set[str] = set()
    wanted = True  # else within a value, where names are only used
    while at < len(tokens) and tokens[at].text not in (";", "of", "in", ")", "}", "]"):
        text = tokens[at].text
        if tokens[at].line and not wanted and tokens[at].kind in ("name", "tick"):
            break
        if text in ("(", "[", "{", "`"):
            end = _closing(tokens, at)
            if wanted:
                found |= _names(tokens, at + 1, references)
            at = end
            wanted = wanted and text == "`"
        elif text in (",", ":", "..."):
            wanted = text != ":" or wanted or tokens[at].inside == "object"
        elif wanted and at in references:
            found.add(tokens[at].text)
            wanted = False
        elif text in ("=", "=>"):
            wanted = False
        at += 1
    return found


def _opening(tokens: list[Token], at: int) -> int:
    depth = 0
    for i in range(at, -1, -1):
        depth += (tokens[i].text in (")", "]", "}")) - (tokens[i].text in ("(", "[", "{", "${"))
        if depth == 0:
            return i
    raise Unknown("a bracket without its beginning")


def _closing(tokens: list[Token], at: int) -> int:
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i].text in ("(", "[", "{", "${")) - (tokens[i].text in (")", "]", "}"))
        if depth == 0:
            return i
    raise Unknown("a bracket without its end")


# -- back to text ------------------------------------------------------------------------------------

WORD = re.compile(r"[A-Za-z0-9_$]")
OPENS = _set("; { } ( [ , => = : ? && || ?? + - * / % < > === !== == != += -= ??= |= ^ & | << >> ... ! . ?.")
CLOSES = _set(") ] } , ; : ? . ?. && || ?? = === !== => * / % < > == != += -= & |")


def written(tokens: list[Token]) -> str:
    made: list[str] = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else None
        if before is not None and token.inside != "text" and before.text != "${":
            made.append(_between(before, token))
        made.append(token.text)
    return "".join(made) + "\n"


def _between(before: Token, after: Token) -> str:
    """A line's end where a statement might end by it, a space where two tokens would be one."""
    if after.line:
        # What opens a value cannot end a statement, nor can one begin with what goes on. A brace may do both.
        goes_on = before.text in OPENS and before.text != "}" and before.kind == "sign"
        if not goes_on and not (after.kind == "sign" and after.text in CLOSES):
            return "\n"
    if before.kind == "chunk" or after.kind == "chunk":
        return ""
    left, right = before.text[-1:], after.text[:1]
    if WORD.match(left) and WORD.match(right):
        return " "
    if left + right in ("++", "--", "//", "/*", "..", "</") or (
        left == "/" and before.kind == "regex" and WORD.match(right)
    ):
        return " "
    return " " if before.kind == "number" and right == "." else ""


KNOWN = _set(
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
