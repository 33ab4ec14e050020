"""Pages without what a handheld never shows: branches that hang on something which is always so there.

A handheld draws a page only when it is alone, and has no printer. Whatever hangs on that need not be sent.
The runtime looks at the same facts whenever it draws, and refuses a page for which one of them is otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import nodes
from jinja2.visitor import NodeTransformer


class Pruned(NodeTransformer):
    """A tree without the branches that `always` (truth by dotted path) decides."""

    def __init__(self, always: Mapping[str, bool]) -> None:
        self.always = always

    def visit_If(self, node: nodes.If) -> nodes.Node | list[nodes.Node]:  # noqa: N802 (Jinja2's own name)
        self.generic_visit(node)
        arms = [(node.test, node.body), *((other.test, other.body) for other in node.elif_)]
        kept: list[tuple[nodes.Node, list[nodes.Node]]] = []
        otherwise = node.else_
        for test, body in arms:
            truth = self.truth(test)
            if truth:
                otherwise = body
                break
            if truth is None:
                kept.append((test, body))
        if not kept:
            return otherwise
        (test, body), *others = kept
        more = [nodes.If(test, body, [], [], lineno=node.lineno) for test, body in others]
        return nodes.If(test, body, more, otherwise, lineno=node.lineno)

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802 (Jinja2's own name)
        self.generic_visit(node)
        truth = self.truth(node.test)
        if truth is None or (not truth and node.expr2 is None):
            return node
        return node.expr1 if truth or node.expr2 is None else node.expr2

    def truth(self, node: nodes.Node) -> bool | None:
        """What a test comes to, as far as that is certain."""
        if isinstance(node, nodes.Not):
            inner = self.truth(node.node)
            return None if inner is None else not inner
        if isinstance(node, nodes.And | nodes.Or):
            # One that is false decides an `and`, one that is true an `or`.
            deciding = isinstance(node, nodes.Or)
            sides = {self.truth(node.left), self.truth(node.right)}
            return deciding if deciding in sides else None if None in sides else not deciding
        return self.always.get(path_of(node))


def path_of(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{path_of(node.node)}.{node.attr}"
    return "?"
