"""Jinja2's syntax trees as JavaScript that renders the same text.

Only what the list below names is known. Anything else is refused with the template and the line,
because a construct that renders silently wrong on a handheld is worse than one that cannot be used.
Names are looked up in scopes that inherit from each other, as Jinja2's do; every value goes through
the runtime, which knows Python's truth, text and order.

A handheld downloads what is made here, so it is written short. A piece of page is H`… ^d.card.url ${value}`:
the runtime puts the path's value (or the message of that number) in its place and escapes it; the scope that
names are looked up in stands in the runtime instead of being handed around.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from jinja2 import Environment, nodes

from pwa.twin.certain import Pruned
from pwa.twin.javascript import Messages, key_of, quoted, text_of
from pwa.twin.template_values import Values

RUNTIME = "H,q,T,t,e,k,m,M,S,E,V,B,I,J,D,O,A,G,i,s,h,g,b,l,y,p,u,d,c,f,Z"
"""What the made code calls the runtime's operations, in the order of `OPERATIONS` in static/twin.js."""
PATH = re.compile(r"[A-Za-z0-9_.]")
"""What may follow a path in a text only behind a second mark."""
SHORT = re.compile(r'\$\{(?:q`([\w.]+)`|k\("_",\[(\d+)\]\))\}', re.ASCII)
"""Values that a text says by itself: a path, and a message without values."""


def compile_all(
    env: Environment,
    names: Iterable[str] = (),
    messages: Messages | None = None,
    always: Mapping[str, bool] | None = None,
) -> str:
    """The named templates and all they stand on (or every template of `env`) as one JavaScript expression,
    a function of the runtime. Without `messages` texts stay where they are. `always`: what is so on every
    page; branches that hang on it are decided now, and a page on which it is not so is refused."""
    every = env.list_templates(["html"])
    certain = Pruned(always or {})
    wanted = (
        trees(env, names, certain) if names else {name: certain.visit(_tree(env, name)) for name in every}
    )
    used = _used(wanted.values()) if names else None
    made = ",\n".join(
        f"{text_of(name)}:{_Template(name, tree, messages, used).source()}"
        for name, tree in sorted(wanted.items())
    )
    facts = f'"":{text_of({at: int(is_so) for at, is_so in always.items()})},' if always else ""
    return f"([{RUNTIME}])=>({{{facts}\n{made}\n}})"


def _tree(env: Environment, name: str) -> nodes.Template:
    assert env.loader is not None
    return env.parse(env.loader.get_source(env, name)[0], name)


def trees(env: Environment, names: Iterable[str], certain: Pruned | None = None) -> dict[str, nodes.Template]:
    """The named templates and all they stand on."""
    found: dict[str, nodes.Template] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        tree = found[name] = _tree(env, name)
        if certain is not None:
            certain.visit(tree)
        uses: list[nodes.Extends | nodes.Include | nodes.Import] = [
            *tree.find_all(nodes.Extends),
            *tree.find_all(nodes.Include),
            *tree.find_all(nodes.Import),
        ]
        todo += [use.template.value for use in uses if isinstance(use.template, nodes.Const)]
    return found


def _used(trees: Iterable[nodes.Template]) -> set[str]:
    """Every name that a page or a macro in use mentions: a macro that is not among them is left out."""
    bodies: dict[str, list[nodes.Macro]] = {}
    found: set[str] = set()
    todo: list[nodes.Node] = []
    for tree in trees:
        for node in tree.body:
            if isinstance(node, nodes.Macro):
                bodies.setdefault(node.name, []).append(node)
            else:
                todo.append(node)
    while todo:
        node = todo.pop()
        mentioned = {one.name for one in node.find_all(nodes.Name)}
        mentioned |= {one.attr for one in node.find_all(nodes.Getattr)}
        for name in mentioned - found:
            found.add(name)
            todo += bodies.get(name, [])
    return found


class _Template(Values):
    """One template: its parent, its top level and its blocks, each a function of nothing."""

    def __init__(
        self, name: str, tree: nodes.Template, messages: Messages | None, used: set[str] | None
    ) -> None:
        super().__init__(name, messages)
        self.tree = tree
        self.used = used

    def source(self) -> str:
        parents = [node for node in self.tree.body if isinstance(node, nodes.Extends)]
        top = [node for node in self.tree.body if not isinstance(node, nodes.Extends)]
        if self.used is not None:
            top = [node for node in top if not isinstance(node, nodes.Macro) or node.name in self.used]
        parent = "0"
        if parents:
            top = [node for node in top if not isinstance(node, nodes.Output | nodes.Block)]
            if not isinstance(parents[0].template, nodes.Const):
                raise self.refuse(parents[0], "a parent that is computed")
            parent = text_of(parents[0].template.value)
        blocks = [f"{key_of(b.name)}:()=>{self.piece(b.body)}" for b in self.tree.find_all(nodes.Block)]
        return f"[{parent},()=>{self.piece(top)},{{{','.join(blocks)}}}]"

    # -- statements: each is a part of a tagged text -----------------------------------------------

    def piece(self, body: Sequence[nodes.Node]) -> str:
        """`body` as one tagged text."""
        made, sets = "", False
        for part in reversed([part for node in body for part in self._parts(node)]):
            short = SHORT.fullmatch(part)
            # Values are worked out before any path: none may be read behind a name that is set after it.
            if short and not sets:
                goes_on = PATH.match(made) or made.startswith("^")
                part = f"^{short[1] or short[2]}{'^' if goes_on else ''}"
            sets = sets or "S(" in part
            made = part + made
        return f"H`{made}`"

    def _parts(self, node: nodes.Node) -> list[str]:
        known = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if known is None:
            raise self.refuse(node, type(node).__name__)
        made: str | list[str] = known(node)
        return made if isinstance(made, list) else [f"${{{made}}}"]

    def _do_output(self, node: nodes.Output) -> list[str]:
        return [
            _literal(part.data) if isinstance(part, nodes.TemplateData) else f"${{{self.value(part)}}}"
            for part in node.nodes
        ]

    def _do_if(self, node: nodes.If) -> str:
        made = self.piece(node.else_) if node.else_ else '""'
        for other in reversed(node.elif_):
            made = f"{self.truth(other.test)}?{self.piece(other.body)}:{made}"
        return f"{self.truth(node.test)}?{self.piece(node.body)}:{made}"

    def _do_for(self, node: nodes.For) -> str:
        if node.recursive:
            raise self.refuse(node, "a recursive loop")
        parts = [self.value(node.iter), self._targets(node.target), f"()=>{self.piece(node.body)}"]
        if node.else_ or node.test is not None:
            parts.append(f"()=>{self.piece(node.else_)}" if node.else_ else "0")
        if node.test is not None:
            parts.append(f"()=>{self.truth(node.test)}")
        return f"E({','.join(parts)})"

    def _do_with(self, node: nodes.With) -> str:
        values = zip(node.targets, node.values, strict=True)
        given = ",".join(f"{key_of(self._target(target))}:{self.value(value)}" for target, value in values)
        return f"V({{{given}}},()=>{self.piece(node.body)})"

    def _do_assign(self, node: nodes.Assign) -> str:
        return f"S({text_of(self._target(node.target))},{self.value(node.node)})"

    def _do_block(self, node: nodes.Block) -> str:
        if node.scoped or node.required:
            raise self.refuse(node, "a scoped or required block")
        return f"B({text_of(node.name)})"

    def _do_include(self, node: nodes.Include) -> str:
        if not node.with_context or node.ignore_missing or not isinstance(node.template, nodes.Const):
            raise self.refuse(node, "an include of this kind")
        return f"I({text_of(node.template.value)})"

    def _do_import(self, node: nodes.Import) -> str:
        if not node.with_context or not isinstance(node.template, nodes.Const):
            raise self.refuse(node, "an import without context")
        return f"S({text_of(node.target)},J({text_of(node.template.value)}))"

    def _do_macro(self, node: nodes.Macro) -> str:
        names = " ".join(arg.name for arg in node.args)
        defaults = ",".join(f"()=>{self._grouped(value)}" for value in node.defaults)
        more = f",[{defaults}]" if defaults else ""
        return f"S({text_of(node.name)},M({text_of(names)},()=>{self.piece(node.body)}{more}))"

    def _target(self, node: nodes.Node) -> str:
        if not isinstance(node, nodes.Name):
            raise self.refuse(node, "a target that is not a name")
        return node.name

    def _targets(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Tuple):
            return "[" + ",".join(text_of(self._target(item)) for item in node.items) + "]"
        return text_of(self._target(node))


def _literal(text: str) -> str:
    """A part of a page inside of its tagged text. What is the runtime's mark there comes as a value."""
    return quoted(text).replace("^", '${"^"}')
