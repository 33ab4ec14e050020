"""JavaScript as we write it, as tokens that know what they stand in, and back again.

Not the whole language: what it does not know it refuses, and whoever asked leaves the script as it is. Line
ends stay wherever a statement might end by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


def set_of(words: str) -> frozenset[str]:
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
KEYWORDS = set_of(
    "async await break case catch class const continue debugger default delete do else extends false "
    "finally for function get if import in instanceof let new null of return set static super export switch "
    "this throw true try typeof undefined var void while with yield arguments eval NaN Infinity"
)
BEFORE_REGEX = set_of("return typeof case in of delete void throw new else do await yield =>")
BEFORE_OBJECT = set_of(
    "( ${ , = : [ ? return && || ?? + => in of const let var typeof throw await yield ... new"
)


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


def opening(tokens: list[Token], at: int) -> int:
    depth = 0
    for i in range(at, -1, -1):
        if tokens[i].kind == "sign":
            depth += (tokens[i].text in (")", "]", "}")) - (tokens[i].text in ("(", "[", "{", "${"))
        if depth == 0:
            return i
    raise Unknown("a bracket without its beginning")


def closing(tokens: list[Token], at: int) -> int:
    depth = 0
    for i in range(at, len(tokens)):
        if tokens[i].kind == "sign":
            depth += (tokens[i].text in ("(", "[", "{", "${")) - (tokens[i].text in (")", "]", "}"))
        if depth == 0:
            return i
    raise Unknown("a bracket without its end")


WORD = re.compile(r"[A-Za-z0-9_$]")
OPENS = set_of(
    "; { } ( [ , => = : ? && || ?? + - * / % < > === !== == != += -= ??= |= ^ & | << >> ... ! . ?."
)
CLOSES = set_of(") ] } , ; : ? . ?. && || ?? = === !== => * / % < > == != += -= & |")


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
