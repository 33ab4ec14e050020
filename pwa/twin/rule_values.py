"""Values in a rule, as JavaScript that means the same: operations, calls, loops in brackets."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from pwa.twin.javascript import PLAIN, CannotTwin, Messages, key_of, quoted, text_of
from pwa.twin.names import own, shared

BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "dict", "enumerate", "int", "len", "list", "max", "min", "range"}
    | {"sorted", "str", "sum", "zip"}
)
METHODS = frozenset(
    {"append", "extend", "get", "isdigit", "items", "join", "keys", "lower", "lstrip", "pop", "remove"}
    | {"replace", "rstrip", "setdefault", "split", "startswith", "endswith", "strip", "update", "upper"}
    | {"values"}
)
SAID_LATER = frozenset({"bad"})
"""Functions whose text is handed on to `t`: it goes as a number as well."""
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "e({a},{b})",
    ast.NotEq: "!e({a},{b})",
    ast.Lt: "l({a},{b})",
    ast.LtE: "y({a},{b})",
    ast.Gt: "g({a},{b})",
    ast.GtE: "b({a},{b})",
    ast.In: "h({b},{a})",
    ast.NotIn: "!h({b},{a})",
    ast.Is: "{a}==={b}",
    ast.IsNot: "{a}!=={b}",
}
OPERATIONS: dict[type[ast.operator], str] = {
    ast.Add: "p",
    ast.Sub: "u",
    ast.Mult: "M",
    ast.FloorDiv: "f",
    ast.Mod: "d",
}


@dataclass
class Known:
    """A function with its parameters, or a constant with none, and what was made of it."""

    params: list[str] | None
    gives: bool = True
    """Whether its result may be used."""
    code: str = ""


class Values:
    """The expressions of one module."""

    def __init__(self, name: str, known: dict[str, Known], messages: Messages | None) -> None:
        self.name = name
        self.known = known
        self.messages = messages
        self.local: set[str] = set()

    def refuse(self, node: ast.AST, why: str) -> CannotTwin:
        line = getattr(node, "lineno", 0)
        return CannotTwin(f"{self.name}, line {line}: {why} is not known to the device's rules")

    def _target(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return own(name)
            case ast.Tuple(elts=parts):
                return f"[{','.join(self._target(part) for part in parts)}]"
            case ast.Subscript(value=box, slice=ast.Constant(value=str() as key)) if PLAIN.match(key_of(key)):
                return f"{self._value_inside(box)}.{key}"
            case ast.Subscript(value=box, slice=ast.expr() as key) if not isinstance(key, ast.Slice):
                return f"{self._value_inside(box)}[K({self.value(key)})]"
        raise self.refuse(node, "a target of this kind")

    def truth(self, node: ast.expr) -> str:
        match node:
            case ast.BoolOp(op=op, values=values):
                sign = "&&" if isinstance(op, ast.And) else "||"
                return sign.join(self._truth_inside(one) for one in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._not(operand)
            case ast.Compare():
                return self.value(node)
        return f"t({self.value(node)})"

    def _not(self, node: ast.expr) -> str:
        match node:
            case ast.Compare(left=left, ops=[ast.In() | ast.Eq() as op], comparators=[right]):
                return self._comparison(left, ast.NotIn() if isinstance(op, ast.In) else ast.NotEq(), right)
            case ast.Compare():
                return f"!({self.value(node)})"
        return f"!{self._truth_inside(node)}"

    def _truth_inside(self, node: ast.expr) -> str:
        """A truth beside signs that bind closer than its own."""
        made = self.truth(node)
        return f"({made})" if isinstance(node, ast.BoolOp) else made

    def _value_inside(self, node: ast.expr) -> str:
        """A value beside signs that bind closer than the one of a choice."""
        made = self.value(node)
        return f"({made})" if isinstance(node, ast.IfExp) else made

    def value(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=None | bool() | int() | str() as value):
                return text_of(value)
            case ast.Name(id=name):
                if name in self.local:
                    return own(name)
                if name not in self.known:
                    raise self.refuse(node, f"the name {name}")
                return shared(name)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return f"[{','.join(self._part(part) for part in parts)}]"
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values)
            case ast.BoolOp(op=op, values=[first, *rest]):
                made = self.value(first)
                for one in rest:
                    made = f"{'A' if isinstance(op, ast.And) else 'O'}({made},()=>{self._grouped(one)})"
                return made
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._not(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"u(0,{self.value(operand)})"
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(op, self.value(left), self.value(right), node)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._comparison(left, op, right)
            case ast.IfExp(test=test, body=body, orelse=other):
                return f"{self.truth(test)}?{self.value(body)}:{self.value(other)}"
            case ast.Subscript(value=thing, slice=ast.Slice(lower=low, upper=high, step=None)):
                ends = [self.value(end) if end is not None else "null" for end in (low, high)]
                return f"s({self.value(thing)},{','.join(ends)})"
            case ast.Subscript(value=thing, slice=key):
                return f"i({self.value(thing)},{self.value(key)})"
            case ast.JoinedStr(values=parts):
                return f"F`{''.join(self._text(part) for part in parts)}`"
            case ast.ListComp(elt=made, generators=[loop]) | ast.GeneratorExp(elt=made, generators=[loop]):
                return self._loop(loop, made)
            case ast.DictComp(key=key, value=value, generators=[loop]):
                return f"dict({self._loop(loop, ast.Tuple([key, value]))})"
            case ast.Call():
                return self._call(node)
        raise self.refuse(node, type(node).__name__)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        if isinstance(op, ast.Is | ast.IsNot) and not isinstance(right, ast.Constant):
            raise self.refuse(left, "the identity of things")
        if (
            isinstance(op, ast.Eq | ast.NotEq)
            and isinstance(right, ast.Constant)
            and isinstance(right.value, str)
        ):
            # Nothing equals a text but the same text: rules know no markup.
            sign = "===" if isinstance(op, ast.Eq) else "!=="
            return f"{self._value_inside(left)}{sign}{self.value(right)}"
        return COMPARISONS[type(op)].format(a=self._value_inside(left), b=self.value(right))

    def _grouped(self, node: ast.expr) -> str:
        """As the body of an arrow function: an object's braces would be a block's."""
        made = self.value(node)
        return f"({made})" if made.startswith("{") else made

    def _part(self, node: ast.expr) -> str:
        if isinstance(node, ast.Starred):
            return f"...R({self.value(node.value)})"
        return self.value(node)

    def _dict(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> str:
        parts = []
        for key, value in zip(keys, values, strict=True):
            if key is None:
                parts.append(f"...{self.value(value)}")
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                parts.append(f"{key_of(key.value)}:{self.value(value)}")
            else:
                parts.append(f"[K({self.value(key)})]:{self.value(value)}")
        return f"{{{','.join(parts)}}}"

    def _operation(self, op: ast.operator, left: str, right: str, node: ast.AST) -> str:
        if type(op) not in OPERATIONS:
            raise self.refuse(node, type(op).__name__)
        return f"{OPERATIONS[type(op)]}({left},{right})"

    def _text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as text):
                return quoted(text)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return f"${{{self.value(value)}}}"
        raise self.refuse(node, "a format")

    def _loop(self, loop: ast.comprehension, made: ast.expr) -> str:
        rows = f"R({self.value(loop.iter)})"
        kept = set(self.local)
        self.local |= _names(loop.target)
        target = self._target(loop.target)
        head = f"({target})" if target.startswith("[") else target
        for test in loop.ifs:
            rows += f".filter({head}=>{self.truth(test)})"
        body = self._grouped(made)
        self.local = kept
        return rows if loop.ifs and body == target else f"{rows}.map({head}=>{body})"

    def _lambda(self, node: ast.Lambda) -> str:
        kept = set(self.local)
        names = [arg.arg for arg in node.args.args]
        self.local |= set(names)
        head = own(names[0]) if len(names) == 1 else f"({','.join(map(own, names))})"
        made = f"{head}=>{self._grouped(node.body)}"
        self.local = kept
        return made

    def _call(self, node: ast.Call, used: bool = True) -> str:
        named = {one.arg: one.value for one in node.keywords}
        args = [self._part(arg) for arg in node.args]
        if None in named:
            raise self.refuse(node, "a call with **")
        match node.func:
            case ast.Attribute(value=thing, attr=attr):
                if attr not in METHODS or named:
                    raise self.refuse(node, f"the method {attr}")
                return f"x({','.join([self.value(thing), text_of(attr), *args])})"
            case ast.Name(id="No"):
                facts = ",".join(f"{key_of(str(key))}:{self.value(value)}" for key, value in named.items())
                return f"N({args[0]},{{{facts}}})"
            case ast.Name(id=("sorted" | "min" | "max") as name):
                return self._best(node, name, args, named)
            case ast.Name(id=name) if name in self.local and not named:
                return f"{own(name)}({','.join(self._said(node, args))})"  # a function that was given: words
            case ast.Name(id=name) if name in BUILTINS and name not in self.known and not named:
                return f"{name}({','.join(args)})"
            case ast.Name(id=name) if name in self.known:
                if name in SAID_LATER:
                    args = self._said(node, args)
                if used and not self.known[name].gives:
                    raise self.refuse(node, f"the result of {name}")
                return f"{shared(name)}({','.join(self._arguments(node, name, args, named))})"
        raise self.refuse(node, "this call")

    def _said(self, node: ast.Call, args: list[str]) -> list[str]:
        match node.args:
            case [ast.Constant(value=str() as text), *_] if self.messages is not None:
                return [str(self.messages.number(text)), *args[1:]]
        return args

    def _best(self, node: ast.Call, name: str, args: list[str], named: dict[str | None, ast.expr]) -> str:
        key = named.pop("key", None)
        made = self._lambda(key) if isinstance(key, ast.Lambda) else "0"
        last = "reverse" if name == "sorted" else "default"
        other = f",{self.value(named.pop(last))}" if last in named else ""
        if named or (key is not None and made == "0"):
            raise self.refuse(node, f"{name} with these")
        by = f",{made}" if other or made != "0" else ""
        return f"{name}([{','.join(args)}]{by}{other})"

    def _arguments(
        self, node: ast.Call, name: str, args: list[str], named: dict[str | None, ast.expr]
    ) -> list[str]:
        """Named arguments in their places; what stands between is left to its default."""
        params = (self.known[name].params or [])[len(args) :]
        unknown = set(named) - set(params)
        if unknown:
            raise self.refuse(node, f"{name} with {unknown}")
        placed = [self.value(named[param]) if param in named else "undefined" for param in params]
        while placed and placed[-1] == "undefined":
            placed.pop()
        return [*args, *placed]


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
