"""A small part of Python as JavaScript, for rules that a handheld applies while the store node is away.

A rules module is plain functions over dicts, lists, texts and whole numbers: no classes, no input or
output, no clock. The node runs it as Python; the handheld runs what this makes of its syntax tree.
What is not on the list is refused when the node starts, with the file and the line. Every operation
whose meaning differs between the two languages (truth, equality, order, text, division) goes through
the runtime (`static/twin.js`), which has Python's meaning.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Sequence
from types import ModuleType

from pwa.twin.templates import CannotTwin

BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "dict", "enumerate", "int", "len", "list", "max", "min", "range"}
    | {"sorted", "str", "sum", "zip"}
)
METHODS = frozenset(
    {"append", "extend", "get", "isdigit", "items", "join", "keys", "lower", "lstrip", "pop", "remove"}
    | {"replace", "rstrip", "setdefault", "split", "startswith", "endswith", "strip", "update", "upper"}
    | {"values"}
)
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "r.eq({a}, {b})",
    ast.NotEq: "!r.eq({a}, {b})",
    ast.Lt: "r.cmp({a}, {b}) < 0",
    ast.LtE: "r.cmp({a}, {b}) <= 0",
    ast.Gt: "r.cmp({a}, {b}) > 0",
    ast.GtE: "r.cmp({a}, {b}) >= 0",
    ast.In: "r.has({b}, {a})",
    ast.NotIn: "!r.has({b}, {a})",
    ast.Is: "{a} === {b}",
    ast.IsNot: "{a} !== {b}",
}
RESERVED = frozenset(
    {"arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger"}
    | {"default", "delete", "do", "else", "enum", "eval", "export", "extends", "false"}
    | {"finally", "for", "function", "if", "implements", "import", "in", "instanceof", "interface"}
    | {"let", "new", "null", "package", "private", "protected", "public", "r", "return"}
    | {"static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined"}
    | {"var", "void", "while", "with", "yield"}
)
"""Names that JavaScript keeps for itself, and the runtime's own."""
OPERATIONS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "floor",
    ast.Mod: "mod",
}


def compile_rules(modules: Sequence[ModuleType]) -> str:
    """The modules as one JavaScript function of the runtime that gives their functions by name.

    Later modules may use what earlier ones define; all names share one space.
    """
    known: dict[str, list[str]] = {}
    parts = [_Module(module, known).source() for module in modules]
    names = ",".join(sorted(known))
    return f"(r)=>{{{''.join(parts)}\nreturn {{{names}}}}}"


class _Module:
    def __init__(self, module: ModuleType, known: dict[str, list[str]]) -> None:
        self.name = module.__name__
        self.tree = ast.parse(inspect.getsource(module))
        self.known = known
        """Functions by name with their parameters; constants with none."""
        self.lines: list[str] = []
        self.local: set[str] = set()

    def refuse(self, node: ast.AST, why: str) -> CannotTwin:
        line = getattr(node, "lineno", 0)
        return CannotTwin(f"{self.name}, line {line}: {why} is not known to the device's rules")

    def source(self) -> str:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                if node.name in self.known:
                    raise self.refuse(node, f"a second function named {node.name}")
                self.known[node.name] = [arg.arg for arg in node.args.args]
        for node in self.tree.body:
            match node:
                case ast.FunctionDef():
                    self._function(node)
                case ast.Assign(value=ast.Subscript(value=ast.Name(id="dict" | "list"))):
                    pass  # a name for a type
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.known[name] = []
                    self.lines.append(f"const {name}={self.value(value)};")
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.known[name] = []
                    self.lines.append(f"const {name}={self.value(value)};")
                case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                    pass
                case _:
                    raise self.refuse(node, type(node).__name__)
        return "\n".join(self.lines)

    def _function(self, node: ast.FunctionDef) -> None:
        a = node.args
        if a.posonlyargs or a.kwonlyargs or a.vararg or a.kwarg or node.decorator_list:
            raise self.refuse(node, "a function with such parameters")
        first = len(a.args) - len(a.defaults)
        params = [
            arg.arg if i < first else f"{arg.arg}={self.value(a.defaults[i - first])}"
            for i, arg in enumerate(a.args)
        ]
        names = {arg.arg for arg in a.args}
        assigned = _assigned(node.body)
        for name in (names | assigned | {node.name}) & RESERVED:
            raise self.refuse(node, f"the name {name}")
        self.local = names | assigned
        self.lines.append(f"function {node.name}({','.join(params)}){{")
        mine = sorted(assigned - names)
        if mine:
            self.lines.append(f"let {','.join(mine)};")
        self._body(node.body)
        self.lines.append("return null;}")
        self.local = set()

    # -- statements --------------------------------------------------------------------------------

    def _body(self, body: list[ast.stmt]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        put = self.lines.append
        match node:
            case ast.Return(value=None):
                put("return null;")
            case ast.Return(value=ast.expr() as value):
                put(f"return {self.value(value)};")
            case ast.Assign(targets=[target], value=value):
                put(f"{self._target(target)}={self.value(value)};")
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                put(f"{self._target(target)}={self.value(value)};")
            case ast.AugAssign(target=target, op=op, value=value):
                changed = self._operation(op, self.value(target), self.value(value), node)
                put(f"{self._target(target)}={changed};")
            case ast.If():
                put(f"if({self.truth(node.test)}){{")
                self._body(node.body)
                if node.orelse:
                    put("}else{")
                    self._body(node.orelse)
                put("}")
            case ast.For(orelse=[]):
                put(f"for({self._target(node.target)} of r.rows({self.value(node.iter)})){{")
                self._body(node.body)
                put("}")
            case ast.While(orelse=[]):
                put(f"while({self.truth(node.test)}){{")
                self._body(node.body)
                put("}")
            case ast.Break():
                put("break;")
            case ast.Continue():
                put("continue;")
            case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Expr(value=ast.Call() as call):
                put(f"{self.value(call)};")
            case ast.Raise(exc=ast.Call(func=ast.Name(id="No")) as call, cause=None):
                put(f"throw {self.value(call)};")
            case ast.Delete(targets=[ast.Subscript(value=box, slice=key)]):
                put(f"r.drop({self.value(box)},{self.value(key)});")
            case _:
                raise self.refuse(node, type(node).__name__)

    def _target(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Tuple(elts=parts):
                return f"[{','.join(self._target(part) for part in parts)}]"
            case ast.Subscript(value=box, slice=ast.expr() as key) if not isinstance(key, ast.Slice):
                return f"{self.value(box)}[r.key({self.value(key)})]"
        raise self.refuse(node, "a target of this kind")

    # -- expressions -------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> str:
        match node:
            case ast.BoolOp(op=op, values=values):
                sign = "&&" if isinstance(op, ast.And) else "||"
                return "(" + sign.join(self.truth(one) for one in values) + ")"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"!{self.truth(operand)}"
            case ast.Compare():
                return self.value(node)
        return f"r.truth({self.value(node)})"

    def value(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=None | bool() | int() | str() as value):
                return json.dumps(value)
            case ast.Name(id=name):
                if name not in self.local and name not in self.known:
                    raise self.refuse(node, f"the name {name}")
                return name
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return f"[{','.join(self._part(part) for part in parts)}]"
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values)
            case ast.BoolOp(op=op, values=[first, *rest]):
                made = self.value(first)
                for one in rest:
                    made = f"r.{'and' if isinstance(op, ast.And) else 'or'}({made},()=>({self.value(one)}))"
                return made
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"!{self.truth(operand)}"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"r.sub(0,{self.value(operand)})"
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(op, self.value(left), self.value(right), node)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if isinstance(op, ast.Is | ast.IsNot) and not isinstance(right, ast.Constant):
                    raise self.refuse(node, "the identity of things")
                return "(" + COMPARISONS[type(op)].format(a=self.value(left), b=self.value(right)) + ")"
            case ast.IfExp(test=test, body=body, orelse=other):
                return f"({self.truth(test)}?{self.value(body)}:{self.value(other)})"
            case ast.Subscript(value=thing, slice=ast.Slice(lower=low, upper=high, step=None)):
                ends = [self.value(end) if end is not None else "null" for end in (low, high)]
                return f"r.slice({self.value(thing)},{','.join(ends)})"
            case ast.Subscript(value=thing, slice=key):
                return f"r.item({self.value(thing)},{self.value(key)})"
            case ast.JoinedStr(values=parts):
                return f"[{','.join(self._text(part) for part in parts)}].join('')"
            case ast.ListComp(elt=made, generators=[loop]) | ast.GeneratorExp(elt=made, generators=[loop]):
                return self._loop(loop, lambda: self.value(made))
            case ast.DictComp(key=key, value=value, generators=[loop]):
                return f"r.dict({self._loop(loop, lambda: f'[{self.value(key)},{self.value(value)}]')})"
            case ast.Call():
                return self._call(node)
        raise self.refuse(node, type(node).__name__)

    def _part(self, node: ast.expr) -> str:
        if isinstance(node, ast.Starred):
            return f"...r.rows({self.value(node.value)})"
        return self.value(node)

    def _dict(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> str:
        parts = []
        for key, value in zip(keys, values, strict=True):
            if key is None:
                parts.append(f"...{self.value(value)}")
            else:
                parts.append(f"[r.key({self.value(key)})]:{self.value(value)}")
        return f"({{{','.join(parts)}}})"

    def _operation(self, op: ast.operator, left: str, right: str, node: ast.AST) -> str:
        if type(op) not in OPERATIONS:
            raise self.refuse(node, type(op).__name__)
        return f"r.{OPERATIONS[type(op)]}({left},{right})"

    def _text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as text):
                return json.dumps(text)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return f"r.str({self.value(value)})"
        raise self.refuse(node, "a format")

    def _loop(self, loop: ast.comprehension, made: object) -> str:
        """`made` is asked for once the loop's names are known."""
        assert callable(made)
        kept = set(self.local)
        self.local |= _names(loop.target)
        target = self._target(loop.target)
        tests = "".join(f".filter(({target})=>{self.truth(test)})" for test in loop.ifs)
        body = made()
        self.local = kept
        return f"r.rows({self.value(loop.iter)}){tests}.map(({target})=>({body}))"

    def _lambda(self, node: ast.Lambda) -> str:
        kept = set(self.local)
        names = [arg.arg for arg in node.args.args]
        self.local |= set(names)
        made = f"(({','.join(names)})=>({self.value(node.body)}))"
        self.local = kept
        return made

    def _call(self, node: ast.Call) -> str:
        named = {one.arg: one.value for one in node.keywords}
        args = [self._part(arg) for arg in node.args]
        if None in named:
            raise self.refuse(node, "a call with **")
        match node.func:
            case ast.Attribute(value=thing, attr=attr):
                if attr not in METHODS or named:
                    raise self.refuse(node, f"the method {attr}")
                return f"r.does({self.value(thing)},{json.dumps(attr)},[{','.join(args)}])"
            case ast.Name(id="No"):
                facts = ",".join(f"{key}:{self.value(value)}" for key, value in named.items())
                return f"new r.No({args[0]},{{{facts}}})"
            case ast.Name(id=("sorted" | "min" | "max") as name):
                key = named.pop("key", None)
                made = self._lambda(key) if isinstance(key, ast.Lambda) else "null"
                last = "reverse" if name == "sorted" else "default"
                other = self.value(named.pop(last)) if last in named else "undefined"
                if named or (key is not None and made == "null"):
                    raise self.refuse(node, f"{name} with these")
                return f"r.{name}([{','.join(args)}],{made},{other})"
            case ast.Name(id=name) if name in self.local and not named:
                return f"{name}({','.join(args)})"  # a function that was given, such as words
            case ast.Name(id=name) if name in BUILTINS and name not in self.known and not named:
                return f"r.{name}({','.join(args)})"
            case ast.Name(id=name) if name in self.known:
                return f"{name}({','.join(self._arguments(node, name, args, named))})"
        raise self.refuse(node, "this call")

    def _arguments(
        self, node: ast.Call, name: str, args: list[str], named: dict[str | None, ast.expr]
    ) -> list[str]:
        """Named arguments in their places; what stands between is left to its default."""
        params = self.known[name][len(args) :]
        unknown = set(named) - set(params)
        if unknown:
            raise self.refuse(node, f"{name} with {unknown}")
        placed = [self.value(named[param]) if param in named else "undefined" for param in params]
        while placed and placed[-1] == "undefined":
            placed.pop()
        return [*args, *placed]


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
