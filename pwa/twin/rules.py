"""A small part of Python as JavaScript, for rules that a handheld applies while the store node is away.

A rules module is plain functions over dicts, lists, texts and whole numbers: no classes, no input or
output, no clock. The node runs it as Python; the handheld runs what this makes of its syntax tree.
What is not on the list is refused when the node starts, with the file and the line. Every operation
whose meaning differs between the two languages (truth, equality, order, text, division) goes through
the runtime (`static/twin.js`), which has Python's meaning.

A handheld downloads what is made here, so it is written short: names are single letters (names.py), functions
that nothing asks for are left out, texts that the reader's catalogue has are numbers.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from pwa.twin.names import END, SHARED, own, settled_own, settled_shared, shared
from pwa.twin.templates import PLAIN, CannotTwin, Messages, key_of, quoted, text_of

RUNTIME = "t,e,h,g,b,l,y,i,s,p,u,M,f,d,O,A,R,F,D,K,x,N"
"""What the made code calls the runtime's operations, in the order of `RULES` in static/twin.js."""
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


def compile_rules(
    modules: Sequence[ModuleType], wanted: Collection[str] = (), messages: Messages | None = None
) -> str:
    """The modules as one JavaScript function of the runtime that gives the `wanted` functions (or all) by
    name.

    Later modules may use what earlier ones define; all names share one space.
    """
    known: dict[str, Known] = {}
    for module in modules:
        _Module(module, known, wanted, messages).read()
    names = list(wanted) or [name for name, one in known.items() if one.params is not None]
    codes = settled_own({name: known[name].code for name in _reached(known, names)})
    made = ",".join(codes.values())
    builtins = sorted(name for name in BUILTINS if re.search(rf"(?<![\w.\"]){name}\(", made))
    back = ",".join(f"{name}:{shared(name)}" for name in sorted(names))
    whole = f"([{RUNTIME}],{{{','.join(builtins)}}})=>{{const{made}\nreturn{{{back}}}}}"
    return settled_shared(whole)


@dataclass
class Known:
    """A function with its parameters, or a constant with none, and what was made of it."""

    params: list[str] | None
    gives: bool = True
    """Whether its result may be used."""
    code: str = ""


def _reached(known: dict[str, Known], names: Iterable[str]) -> list[str]:
    """The names and all that they stand on, in the order of the modules."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += re.findall(f"{SHARED}(.*?){END}", known[name].code)
    return [name for name in known if name in found]


class _Module:
    def __init__(
        self, module: ModuleType, known: dict[str, Known], asked: Collection[str], messages: Messages | None
    ) -> None:
        self.name = module.__name__
        self.asked = asked
        self.tree = ast.parse(inspect.getsource(module))
        self.known = known
        self.messages = messages
        self.local: set[str] = set()

    def refuse(self, node: ast.AST, why: str) -> CannotTwin:
        line = getattr(node, "lineno", 0)
        return CannotTwin(f"{self.name}, line {line}: {why} is not known to the device's rules")

    def read(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                if node.name in self.known:
                    raise self.refuse(node, f"a second function named {node.name}")
                gives = not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
                self.known[node.name] = Known([arg.arg for arg in node.args.args], gives)
        for node in self.tree.body:
            match node:
                case ast.FunctionDef():
                    self.known[node.name].code = f"\n{shared(node.name)}={self._function(node)}"
                case ast.Assign(value=ast.Subscript(value=ast.Name(id="dict" | "list"))):
                    pass  # a name for a type
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ):
                    self.known[name] = Known(None, code=f"\n{shared(name)}={self.value(value)}")
                case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                    pass
                case _:
                    raise self.refuse(node, type(node).__name__)

    def _function(self, node: ast.FunctionDef) -> str:
        a = node.args
        if a.posonlyargs or a.kwonlyargs or a.vararg or a.kwarg or node.decorator_list:
            raise self.refuse(node, "a function with such parameters")
        first = len(a.args) - len(a.defaults)
        params = [
            own(arg.arg) if i < first else f"{own(arg.arg)}={self.value(a.defaults[i - first])}"
            for i, arg in enumerate(a.args)
        ]
        names = {arg.arg for arg in a.args}
        assigned = _assigned(node.body)
        self.local = names | assigned
        # Names that it makes stand behind its parameters: nobody hands more over than those.
        params += [own(name) for name in sorted(assigned - names)]
        whole = self._result(node.body)
        body = f"({whole})" if whole and whole.startswith("{") else whole
        if not body:
            # Nobody may use what is not a result, but whoever asks for a function by name may look at it.
            last = "" if _ends(node.body) or (self.asked and node.name not in self.asked) else "return null"
            body = "{" + (self._body(node.body) + last).rstrip(";") + "}"
        self.local = set()
        head = params[0] if len(params) == 1 and "=" not in params[0] else f"({','.join(params)})"
        return f"{head}=>{body}"

    def _result(self, body: Sequence[ast.stmt]) -> str:
        """A body of nothing but conditions and results as one expression; else nothing."""
        match body:
            case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                return self._result(rest)
            case [ast.Return(value=ast.expr() as value)] | [ast.Raise(exc=ast.Call() as value)]:
                return self.value(value)
            case [ast.If(test=test, body=inner, orelse=[]), *rest] if rest:
                yes, no = self._result(inner), self._result(rest)
                return f"{self.truth(test)}?{yes}:{no}" if yes and no else ""
            case [ast.If(test=test, body=inner, orelse=other)] if other:
                yes, no = self._result(inner), self._result(other)
                return f"{self.truth(test)}?{yes}:{no}" if yes and no else ""
        return ""

    # -- statements --------------------------------------------------------------------------------

    def _body(self, body: Sequence[ast.stmt]) -> str:
        return "".join(self._statement(node) for node in body)

    def _block(self, body: Sequence[ast.stmt], alone: bool = True) -> str:
        """A body behind a condition; one plain statement needs no braces."""
        made = [one for node in body if (one := self._statement(node))]
        if len(made) == 1 and (alone or not made[0].startswith(("if", "for", "while"))):
            return made[0]
        return "{" + "".join(made).rstrip(";") + "}"

    def _statement(self, node: ast.stmt) -> str:
        match node:
            case ast.Return(value=None):
                return "return null;"
            case ast.Return(value=ast.expr() as value):
                return f"return {self.value(value)};"
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                return f"{self._target(target)}={self.value(value)};"
            case ast.AugAssign(target=target, op=op, value=value):
                changed = self._operation(op, self.value(target), self.value(value), node)
                return f"{self._target(target)}={changed};"
            case ast.If():
                made = f"if({self.truth(node.test)}){self._block(node.body, not node.orelse)}"
                if not node.orelse:
                    return made
                other = self._block(node.orelse)
                return f"{made}else{'' if other[0] == '{' else ' '}{other}"
            case ast.For(orelse=[]):
                rows = f"R({self.value(node.iter)})"
                return f"for({self._target(node.target)} of {rows}){self._block(node.body)}"
            case ast.While(orelse=[]):
                return f"while({self.truth(node.test)}){self._block(node.body)}"
            case ast.Break():
                return "break;"
            case ast.Continue():
                return "continue;"
            case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                return ""
            case ast.Expr(value=ast.Call() as call):
                return f"{self._call(call, used=False)};"
            case ast.Raise(exc=ast.Call(func=ast.Name(id="No")) as call, cause=None):
                return f"{self.value(call)};"
            case ast.Delete(targets=[ast.Subscript(value=box, slice=key)]):
                return f"D({self.value(box)},{self.value(key)});"
            case _:
                raise self.refuse(node, type(node).__name__)

    def _target(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return own(name)
            case ast.Tuple(elts=parts):
                return f"[{','.join(self._target(part) for part in parts)}]"
            case ast.Subscript(value=box, slice=ast.Constant(value=str() as key)) if PLAIN.match(key_of(key)):
                return f"{self.value(box)}.{key}"
            case ast.Subscript(value=box, slice=ast.expr() as key) if not isinstance(key, ast.Slice):
                return f"{self.value(box)}[K({self.value(key)})]"
        raise self.refuse(node, "a target of this kind")

    # -- expressions -------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> str:
        match node:
            case ast.BoolOp(op=op, values=values):
                sign = "&&" if isinstance(op, ast.And) else "||"
                return "(" + sign.join(self.truth(one) for one in values) + ")"
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
        return f"!{self.truth(node)}"

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
                return f"({self.truth(test)}?{self.value(body)}:{self.value(other)})"
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
            return f"{self.value(left)}{sign}{self.value(right)}"
        return COMPARISONS[type(op)].format(a=self.value(left), b=self.value(right))

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


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Whether a body never runs past its last statement."""
    match body:
        case [*_, ast.Return() | ast.Raise()]:
            return True
        case [*_, ast.If(body=inner, orelse=other)]:
            return _ends(inner) and _ends(other)
    return False


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Names that a function's own statements bind; those of comprehensions are theirs."""
    found: set[str] = set()
    for node in body:
        match node:
            case ast.Assign(targets=targets):
                for target in targets:
                    found |= _bound(target)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                found |= _bound(target)
            case ast.For(target=target, body=inner):
                found |= _bound(target) | _assigned(inner)
            case ast.If(body=inner, orelse=other):
                found |= _assigned(inner) | _assigned(other)
            case ast.While(body=inner):
                found |= _assigned(inner)
    return found


def _bound(target: ast.expr) -> set[str]:
    match target:
        case ast.Name(id=name):
            return {name}
        case ast.Tuple(elts=parts):
            return set().union(*(_bound(part) for part in parts))
    return set()
