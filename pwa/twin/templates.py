"""Jinja2's syntax trees as JavaScript that renders the same text.

Only what the list below names is known. Anything else is refused with the template and the line,
because a construct that renders silently wrong on a handheld is worse than one that cannot be used.
Names are looked up in scopes that inherit from each other, as Jinja2's do; every value goes through
the runtime, which knows Python's truth, text and order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from jinja2 import Environment, nodes

FILTERS = frozenset({"forceescape", "join", "length", "max", "tojson", "urlencode"})
COMPARISONS = {
    "eq": "e({a},{b})",
    "ne": "!e({a},{b})",
    "gt": "r.cmp({a}, {b}) > 0",
    "gteq": "r.cmp({a}, {b}) >= 0",
    "lt": "r.cmp({a}, {b}) < 0",
    "lteq": "r.cmp({a}, {b}) <= 0",
    "in": "r.has({b}, {a})",
    "notin": "!r.has({b}, {a})",
}
BINARY: dict[type[nodes.BinExpr], str] = {nodes.Add: "add", nodes.Sub: "sub", nodes.Mod: "mod"}


class CannotTwin(Exception):
    """A construct that the device does not know. Says where, and what to write instead."""


def compile_all(env: Environment, names: Iterable[str] = ()) -> str:
    """The named templates and all they stand on (or every template of `env`) as one JavaScript expression,
    a function of the runtime."""
    wanted = _with_what_they_use(env, names) if names else env.list_templates(["html"])
    made = ",\n".join(f"{_text(name)}: {_Template(env, name).source()}" for name in sorted(wanted))
    short = "{out:x, name:n, path:p, truth:t, eq:e, method:m, called:k}"
    return f"(r)=>{{const {short}=r;return {{\n{made}\n}}}}"


def _with_what_they_use(env: Environment, names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        assert env.loader is not None
        tree = env.parse(env.loader.get_source(env, name)[0], name)
        uses: list[nodes.Extends | nodes.Include | nodes.Import] = [
            *tree.find_all(nodes.Extends),
            *tree.find_all(nodes.Include),
            *tree.find_all(nodes.Import),
        ]
        todo += [use.template.value for use in uses if isinstance(use.template, nodes.Const)]
    return found


class _Template:
    """One template: its parent, its top level and its blocks as functions of a scope and an output."""

    def __init__(self, env: Environment, name: str) -> None:
        assert env.loader is not None
        self.name = name
        self.tree = env.parse(env.loader.get_source(env, name)[0], name)
        self.lines: list[str] = []
        self.depth = 0
        self.inner = 0

    def source(self) -> str:
        parents = [node for node in self.tree.body if isinstance(node, nodes.Extends)]
        parent = self._parent(parents[0]) if parents else "null"
        top = [node for node in self.tree.body if not isinstance(node, nodes.Extends)]
        if parents:
            top = [node for node in top if not isinstance(node, nodes.Output | nodes.Block)]
        root = self._function(top, blocks=not parents)
        blocks = [f"{_text(b.name)}: {self._function(b.body)}" for b in self.tree.find_all(nodes.Block)]
        return f"{{parent: {parent}, root: {root}, blocks: {{{', '.join(blocks)}}}}}"

    def refuse(self, node: nodes.Node, why: str) -> CannotTwin:
        return CannotTwin(f"{self.name}, line {node.lineno}: {why} is not known to the device's pages")

    def _parent(self, node: nodes.Extends) -> str:
        if not isinstance(node.template, nodes.Const):
            raise self.refuse(node, "a parent that is computed")
        return _text(node.template.value)

    def _function(self, body: Iterable[nodes.Node], blocks: bool = True) -> str:
        kept, self.lines = self.lines, []
        for node in body:
            self._statement(node, "c")
        inside, self.lines = self.lines, kept
        return "(c,o,b)=>{" + "\n".join(inside) + "}"

    # -- statements --------------------------------------------------------------------------------

    def _put(self, line: str) -> None:
        self.lines.append(line)

    def _statement(self, node: nodes.Node, c: str) -> None:
        known = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if known is None:
            raise self.refuse(node, type(node).__name__)
        known(node, c)

    def _body(self, body: Iterable[nodes.Node], c: str) -> None:
        for node in body:
            self._statement(node, c)

    def _do_output(self, node: nodes.Output, c: str) -> None:
        parts = []
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                parts.append(_text(part.data))
            else:
                parts.append(f"x({self.value(part, c)})")
        self._put(f"o.push({','.join(parts)});")

    def _do_if(self, node: nodes.If, c: str) -> None:
        self._put(f"if ({self.truth(node.test, c)}) {{")
        self._body(node.body, c)
        for other in node.elif_:
            self._put(f"}} else if ({self.truth(other.test, c)}) {{")
            self._body(other.body, c)
        if node.else_:
            self._put("} else {")
            self._body(node.else_, c)
        self._put("}")

    def _do_for(self, node: nodes.For, c: str) -> None:
        if node.recursive:
            raise self.refuse(node, "a recursive loop")
        inner = self._scope()
        rows = self.value(node.iter, c)
        targets = self._targets(node.target)
        test = "null"
        if node.test is not None:
            test = f"({inner}) => {self.truth(node.test, inner)}"
        self._put(f"r.each({c}, {rows}, {targets}, {test}, ({inner}) => {{")
        self._body(node.body, inner)
        self._put("}, () => {")
        self._body(node.else_, c)
        self._put("});")

    def _do_with(self, node: nodes.With, c: str) -> None:
        inner = self._scope()
        self._put(f"{{ const {inner} = r.inside({c});")
        for target, value in zip(node.targets, node.values, strict=True):
            self._put(f"{inner}[{self._target(target)}] = {self.value(value, c)};")
        self._body(node.body, inner)
        self._put("}")

    def _do_assign(self, node: nodes.Assign, c: str) -> None:
        self._put(f"{c}[{self._target(node.target)}] = {self.value(node.node, c)};")

    def _do_block(self, node: nodes.Block, c: str) -> None:
        if node.scoped or node.required:
            raise self.refuse(node, "a scoped or required block")
        self._put(f"b[{_text(node.name)}](r.inside(c),o,b);")

    def _do_include(self, node: nodes.Include, c: str) -> None:
        if not node.with_context or node.ignore_missing or not isinstance(node.template, nodes.Const):
            raise self.refuse(node, "an include of this kind")
        self._put(f"r.include({_text(node.template.value)}, {c}, o);")

    def _do_import(self, node: nodes.Import, c: str) -> None:
        if not node.with_context or not isinstance(node.template, nodes.Const):
            raise self.refuse(node, "an import without context")
        self._put(f"{c}[{_text(node.target)}] = r.module({_text(node.template.value)}, {c});")

    def _do_macro(self, node: nodes.Macro, c: str) -> None:
        names = [arg.name for arg in node.args]
        defaults = ", ".join(f"()=>({self.value(value, c)})" for value in node.defaults)
        inner = self._scope()
        self._put(
            f"{c}[{_text(node.name)}] = r.macro({c}, {json.dumps(names)}, [{defaults}], ({inner}, o) => {{"
        )
        self._body(node.body, inner)
        self._put("});")

    def _scope(self) -> str:
        self.inner += 1
        return f"c{self.inner}"

    def _target(self, node: nodes.Node) -> str:
        if not isinstance(node, nodes.Name):
            raise self.refuse(node, "a target that is not a name")
        return _text(node.name)

    def _targets(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Tuple):
            return "[" + ", ".join(self._target(item) for item in node.items) + "]"
        return self._target(node)

    # -- expressions -------------------------------------------------------------------------------

    def value(self, node: nodes.Node, c: str) -> str:
        known = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if known is None:
            raise self.refuse(node, type(node).__name__)
        made: str = known(node, c)
        return made

    def truth(self, node: nodes.Node, c: str) -> str:
        if isinstance(node, nodes.And):
            return f"({self.truth(node.left, c)}&&{self.truth(node.right, c)})"
        if isinstance(node, nodes.Or):
            return f"({self.truth(node.left, c)}||{self.truth(node.right, c)})"
        if isinstance(node, nodes.Not | nodes.Compare | nodes.Test):
            return self.value(node, c)
        return f"t({self.value(node, c)})"

    def _of_const(self, node: nodes.Const, c: str) -> str:
        if isinstance(node.value, float):
            raise self.refuse(node, "a fraction")
        return _text(node.value)

    def _of_name(self, node: nodes.Name, c: str) -> str:
        return f"n({c},{_text(node.name)})"

    def _of_getattr(self, node: nodes.Getattr, c: str) -> str:
        """`d.card.fence` is one short call: most of a page's code is such paths."""
        path = [node.attr]
        thing: nodes.Expr = node.node
        while isinstance(thing, nodes.Getattr):
            path.insert(0, thing.attr)
            thing = thing.node
        if isinstance(thing, nodes.Name):
            return f"p({c},{_text('.'.join([thing.name, *path]))})"
        return f"r.get({self.value(node.node, c)}, {_text(node.attr)})"

    def _of_getitem(self, node: nodes.Getitem, c: str) -> str:
        if isinstance(node.arg, nodes.Slice):
            if node.arg.step is not None:
                raise self.refuse(node, "a slice with a step")
            ends = [
                self.value(end, c) if end is not None else "null" for end in (node.arg.start, node.arg.stop)
            ]
            return f"r.slice({self.value(node.node, c)}, {', '.join(ends)})"
        return f"r.item({self.value(node.node, c)}, {self.value(node.arg, c)})"

    def _of_call(self, node: nodes.Call, c: str) -> str:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise self.refuse(node, "a call with * or **")
        args = "[" + ", ".join(self.value(arg, c) for arg in node.args) + "]"
        named = ", ".join(f"{_text(pair.key)}: {self.value(pair.value, c)}" for pair in node.kwargs)
        if isinstance(node.node, nodes.Getattr):
            thing = self.value(node.node.node, c)
            return f"m({thing},{_text(node.node.attr)},{args}{f',{{{named}}}' if named else ''})"
        if isinstance(node.node, nodes.Name):
            return f"k({c},{_text(node.node.name)},{args}{f',{{{named}}}' if named else ''})"
        raise self.refuse(node, "a call of something that is computed")

    def _of_filter(self, node: nodes.Filter, c: str) -> str:
        if node.name not in FILTERS or node.kwargs or node.node is None or node.dyn_args is not None:
            raise self.refuse(node, f"the filter {node.name}")
        args = [self.value(node.node, c), *(self.value(arg, c) for arg in node.args)]
        return f"r.filters.{node.name}({', '.join(args)})"

    def _of_test(self, node: nodes.Test, c: str) -> str:
        if node.name == "none":
            return f"({self.value(node.node, c)}===null)"
        if node.name != "defined" or not isinstance(node.node, nodes.Name):
            raise self.refuse(node, f"the test {node.name}")
        return f"({_text(node.node.name)} in {c})"

    def _of_condexpr(self, node: nodes.CondExpr, c: str) -> str:
        other = self.value(node.expr2, c) if node.expr2 is not None else "r.NOTHING"
        return f"({self.truth(node.test, c)} ? {self.value(node.expr1, c)} : {other})"

    def _of_not(self, node: nodes.Not, c: str) -> str:
        return f"!{self.truth(node.node, c)}"

    def _of_neg(self, node: nodes.Neg, c: str) -> str:
        return f"r.sub(0, {self.value(node.node, c)})"

    def _of_and(self, node: nodes.And, c: str) -> str:
        return f"r.and({self.value(node.left, c)}, ()=>({self.value(node.right, c)}))"

    def _of_or(self, node: nodes.Or, c: str) -> str:
        return f"r.or({self.value(node.left, c)}, ()=>({self.value(node.right, c)}))"

    def _of_compare(self, node: nodes.Compare, c: str) -> str:
        if len(node.ops) != 1:
            raise self.refuse(node, "a chain of comparisons")
        op = node.ops[0]
        return "(" + COMPARISONS[op.op].format(a=self.value(node.expr, c), b=self.value(op.expr, c)) + ")"

    def _of_concat(self, node: nodes.Concat, c: str) -> str:
        return f"r.concat([{', '.join(self.value(part, c) for part in node.nodes)}])"

    def _of_add(self, node: nodes.Add, c: str) -> str:
        return self._binary(node, c)

    _of_sub = _of_mod = _of_add

    def _binary(self, node: nodes.BinExpr, c: str) -> str:
        return f"r.{BINARY[type(node)]}({self.value(node.left, c)}, {self.value(node.right, c)})"

    def _of_list(self, node: nodes.List | nodes.Tuple, c: str) -> str:
        return "[" + ", ".join(self.value(item, c) for item in node.items) + "]"

    _of_tuple = _of_list

    def _of_dict(self, node: nodes.Dict, c: str) -> str:
        pairs = []
        for pair in node.items:
            if not isinstance(pair.key, nodes.Const) or not isinstance(pair.key.value, str):
                raise self.refuse(node, "a key that is not a plain text")
            pairs.append(f"{_text(pair.key.value)}: {self.value(pair.value, c)}")
        return "{" + ", ".join(pairs) + "}"


def _text(value: object) -> str:
    """A Python constant as JavaScript, safe inside a script element as well."""
    made = json.dumps(value)
    return made.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
