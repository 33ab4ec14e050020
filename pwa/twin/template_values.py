"""Values in a template, as JavaScript that means the same: names, paths, calls, filters, comparisons."""

from __future__ import annotations

from jinja2 import nodes

from pwa.twin.javascript import CannotTwin, Messages, key_of, text_of

FILTERS = frozenset({"forceescape", "join", "length", "max", "tojson", "urlencode"})
COMPARISONS = {
    "eq": "e({a},{b})",
    "ne": "!e({a},{b})",
    "gt": "g({a},{b})",
    "gteq": "b({a},{b})",
    "lt": "l({a},{b})",
    "lteq": "y({a},{b})",
    "in": "h({b},{a})",
    "notin": "!h({b},{a})",
}
BINARY: dict[type[nodes.BinExpr], str] = {nodes.Add: "p", nodes.Sub: "u", nodes.Mod: "d"}


class Values:
    """The expressions of one template."""

    def __init__(self, name: str, messages: Messages | None) -> None:
        self.name = name
        self.messages = messages

    def refuse(self, node: nodes.Node, why: str) -> CannotTwin:
        return CannotTwin(f"{self.name}, line {node.lineno}: {why} is not known to the device's pages")

    def value(self, node: nodes.Node) -> str:
        known = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if known is None:
            raise self.refuse(node, type(node).__name__)
        made: str = known(node)
        return made

    def _grouped(self, node: nodes.Node) -> str:
        """As the body of an arrow function: an object's braces would be a block's."""
        made = self.value(node)
        return f"({made})" if made.startswith("{") else made

    def truth(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.And):
            return f"{self._truth_inside(node.left)}&&{self._truth_inside(node.right)}"
        if isinstance(node, nodes.Or):
            return f"{self._truth_inside(node.left)}||{self._truth_inside(node.right)}"
        if isinstance(node, nodes.Not | nodes.Compare | nodes.Test):
            return self.value(node)
        made = self.value(node)
        return f"T{made[1:]}" if made.startswith("q`") else f"t({made})"

    def _truth_inside(self, node: nodes.Node) -> str:
        """A truth beside signs that bind closer than its own."""
        made = self.truth(node)
        return f"({made})" if isinstance(node, nodes.And | nodes.Or) else made

    def _of_const(self, node: nodes.Const) -> str:
        if isinstance(node.value, float):
            raise self.refuse(node, "a fraction")
        return text_of(node.value)

    def _of_name(self, node: nodes.Name) -> str:
        return f"q`{node.name}`"

    def _of_getattr(self, node: nodes.Getattr) -> str:
        """`d.card.fence` is one short text: most of a page's code is such paths."""
        made = self.value(node.node)
        return f"{made[:-1]}.{node.attr}`" if made.startswith("q`") else f"G({made},{text_of(node.attr)})"

    def _of_getitem(self, node: nodes.Getitem) -> str:
        if isinstance(node.arg, nodes.Slice):
            if node.arg.step is not None:
                raise self.refuse(node, "a slice with a step")
            ends = [self.value(end) if end is not None else "null" for end in (node.arg.start, node.arg.stop)]
            return f"s({self.value(node.node)},{','.join(ends)})"
        return f"i({self.value(node.node)},{self.value(node.arg)})"

    def _of_call(self, node: nodes.Call) -> str:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise self.refuse(node, "a call with * or **")
        args = [self.value(arg) for arg in node.args]
        named = ",".join(f"{key_of(pair.key)}:{self.value(pair.value)}" for pair in node.kwargs)
        more = f",{{{named}}}" if named else ""
        if isinstance(node.node, nodes.Name) and self.messages is not None:
            count = {"_": 1, "n_": 2}.get(node.node.name, 0)
            texts = [arg.value for arg in node.args[:count] if isinstance(arg, nodes.Const)]
            if count and len(texts) == count:
                args[:count] = [str(self.messages.number(str(text))) for text in texts]
        given = f",[{','.join(args)}]" if args or more else ""
        if isinstance(node.node, nodes.Name | nodes.Getattr):
            thing = self.value(node.node)
            if thing.startswith("q`"):
                return f"k({text_of(thing[2:-1])}{given}{more})"
            assert isinstance(node.node, nodes.Getattr)
            return f"m({self.value(node.node.node)},{text_of(node.node.attr)}{given}{more})"
        raise self.refuse(node, "a call of something that is computed")

    def _of_filter(self, node: nodes.Filter) -> str:
        if node.name not in FILTERS or node.kwargs or node.node is None or node.dyn_args is not None:
            raise self.refuse(node, f"the filter {node.name}")
        args = [self.value(node.node), *(self.value(arg) for arg in node.args)]
        return f"f.{node.name}({','.join(args)})"

    def _of_test(self, node: nodes.Test) -> str:
        if node.name == "none":
            made = self.value(node.node)
            return f"(({made})===null)" if isinstance(node.node, nodes.CondExpr) else f"({made}===null)"
        if node.name != "defined" or not isinstance(node.node, nodes.Name):
            raise self.refuse(node, f"the test {node.name}")
        return f"D({text_of(node.node.name)})"

    def _of_condexpr(self, node: nodes.CondExpr) -> str:
        other = self.value(node.expr2) if node.expr2 is not None else "Z"
        return f"{self.truth(node.test)}?{self.value(node.expr1)}:{other}"

    def _of_not(self, node: nodes.Not) -> str:
        return f"!{self._truth_inside(node.node)}"

    def _of_neg(self, node: nodes.Neg) -> str:
        return f"u(0,{self.value(node.node)})"

    def _of_and(self, node: nodes.And) -> str:
        return f"A({self.value(node.left)},()=>{self._grouped(node.right)})"

    def _of_or(self, node: nodes.Or) -> str:
        return f"O({self.value(node.left)},()=>{self._grouped(node.right)})"

    def _of_compare(self, node: nodes.Compare) -> str:
        if len(node.ops) != 1:
            raise self.refuse(node, "a chain of comparisons")
        op = node.ops[0]
        return COMPARISONS[op.op].format(a=self.value(node.expr), b=self.value(op.expr))

    def _of_concat(self, node: nodes.Concat) -> str:
        return f"c([{','.join(self.value(part) for part in node.nodes)}])"

    def _of_add(self, node: nodes.Add) -> str:
        return self._binary(node)

    _of_sub = _of_mod = _of_add

    def _binary(self, node: nodes.BinExpr) -> str:
        return f"{BINARY[type(node)]}({self.value(node.left)},{self.value(node.right)})"

    def _of_list(self, node: nodes.List | nodes.Tuple) -> str:
        return "[" + ",".join(self.value(item) for item in node.items) + "]"

    _of_tuple = _of_list

    def _of_dict(self, node: nodes.Dict) -> str:
        pairs = []
        for pair in node.items:
            if not isinstance(pair.key, nodes.Const) or not isinstance(pair.key.value, str):
                raise self.refuse(node, "a key that is not a plain text")
            pairs.append(f"{key_of(pair.key.value)}:{self.value(pair.value)}")
        return "{" + ",".join(pairs) + "}"
