"""A picture of the table: lost sales per policy as bars, oversells beside them. Plain SVG, made here."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LEFT, MIDDLE, RIGHT = 900, 20, 8, 160, 490, 60
NAMES = {
    "connected": "always connected",
    "synced": "synced every 15 min",
    "safety1": "safety stock of 1",
    "safety2": "safety stock of 2",
    "drop": "taken out when silent",
    "half": "rights, half each",
    "sized": "rights, sized",
    "sized_insist": "sized, all insist",
}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 } .head { font-weight: 600; font-size: 14px }
.note { fill: #666 } .lost { fill: #8aa4c8 } .ours { fill: #2f6f4f } .protocol { fill: #b3372f }
.fact { fill: #dba63b } .axis { stroke: #999; stroke-width: 1 }
""".strip()


def draw(rows: list[dict[str, Any]]) -> str:
    """One block per share of time offline: what is lost on the left, what is promised twice on the right."""
    blocks: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for row in rows:
        blocks.setdefault((row["offline"], row["mean_outage"]), []).append(row)
    most_lost = max((row["lost_pct"] for row in rows), default=1) or 1
    most_over = max((row["oversell_protocol"] + row["oversell_fact"] for row in rows), default=1) or 1
    parts, y = [], 10
    for (offline, mean), block in blocks.items():
        y += 22
        parts.append(_text(LEFT, y, f"{offline:.0%} of the time offline, {mean:g} hours on average", "head"))
        y += 18
        parts.append(_text(LEFT, y, "sales lost, % of what was possible", "note"))
        parts.append(_text(MIDDLE + 90, y, "oversells per 10,000 online units", "note"))
        top = y = y + 8
        for row in block:
            parts += _bars(row, y, most_lost, most_over)
            y += BAR + GAP
        for x in (LEFT, MIDDLE + 90):
            parts.append(f'<line class="axis" x1="{x}" y1="{top}" x2="{x}" y2="{y - GAP}"/>')
        y += 12
    legend = "red: the number at the centre was wrong · yellow: a forced sale, a missing unit"
    parts.append(_text(LEFT, y + 8, legend, "note"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 24}" role="img" '
        f'aria-label="Sales lost and oversells by policy">\n<style>{STYLE}</style>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(row: dict[str, Any], y: float, most_lost: float, most_over: float) -> list[str]:
    middle = y + BAR * 0.7
    name = NAMES.get(row["policy"], row["policy"])
    lost = (MIDDLE - LEFT - RIGHT) * max(row["lost_pct"], 0) / most_lost
    kind = "ours" if row["policy"].startswith("sized") else "lost"
    found = [
        _text(LEFT - 6, middle, name, "", "end"),
        _bar(LEFT, y, lost, kind),
        _text(LEFT + lost + 5, middle, f"{row['lost_pct']:.2f}"),
    ]
    x: float = MIDDLE + 90
    for cause in ("protocol", "fact"):
        width = (WIDTH - MIDDLE - 90 - RIGHT) * row[f"oversell_{cause}"] / most_over
        found.append(_bar(x, y, width, cause))
        x += width
    found.append(_text(x + 5, middle, f"{row['oversell_protocol'] + row['oversell_fact']:.1f}"))
    return found


def _bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
