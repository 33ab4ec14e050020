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
from types import ModuleType

from pwa.twin.javascript import Messages
from pwa.twin.names import END, SHARED, own, settled_own, settled_shared, shared
from pwa.twin.rule_values import BUILTINS, Known, Values

RUNTIME = "t,e,h,g,b,l,y,i,s,p,u,M,f,d,O,A,R,F,D,K,x,N"
"""What the made code calls the runtime's operations, in the order of `RULES` in static/twin.js."""


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


def _reached(known: dict[str, Known], names: Iterable[str]) -> list[str]:
    """The names and all that they stand on, in the order of the modules."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += re.findall(f"{SHARED}(.*?){END}", known[name].code)
    return [name for name in known if name in found]


class _Module(Values):
    def __init__(
        self, module: ModuleType, known: dict[str, Known], asked: Collection[str], messages: Messages | None
    ) -> None:
        super().__init__(module.__name__, known, messages)
        self.asked = asked
        self.tree = ast.parse(inspect.getsource(module))

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


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Whether a body never runs past its last statement."""
    match body:
        case [*_, ast.Return() | ast.Raise()]:
            return True
        case [*_, ast.If(body=inner, orelse=other)]:
            return _ends(inner) and _ends(other)
    return False


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
