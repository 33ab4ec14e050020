"""A refusal in the rules' own words, with what this device knows of the facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.forms import feedback

Data = dict[str, Any]


def refusal(extract: Data, outcome: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    """The rules' own words, with what this device knows of the facts."""
    texts = extract["refusals"].get(outcome["reason"], ["{reason}", ""])
    facts = words_for(extract, outcome["facts"], who, ctx, t)
    return feedback("bad", t(texts[0], facts), t(texts[1], facts) if texts[1] else "")


def words_for(extract: Data, facts: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    clock = ctx["clock"]
    names: Data = {
        "reason": "–",
        "order": "–",
        "time": "–",
        "person": "–",
        "to": "–",
        "line": "–",
        "left": "–",
        "sku": "–",
        "qty": "–",
        "most": "–",
        "item": "–",
        "found": "–",
        "wanted": "–",
        "found_sku": "–",
        "wanted_sku": "–",
        "shelf": "–",
        "state": "–",
        "kind": "–",
        "code": "–",
        "tries": "–",
        "seconds": "–",
        "packed": "–",
        "picked": "–",
        "tote": "–",
        "problem": "–",
        "wave": "–",
        "fence": "–",
        "serial": "–",
    }
    for key, value in facts.items():
        names[key] = value if value != "" else "–"
    if "at" in facts:
        names["time"] = clock(facts["at"])
    if "person" in facts:
        names["person"] = extract["people"].get(facts["person"], facts["person"])
    if "state" in facts:
        state = extract["state_texts"][facts["state"]]
        names["state"] = t(state)
    if "kind" in facts:
        kind = extract["kind_texts"][facts["kind"]]
        names["kind"] = t(kind)
    if "sku" in facts:
        names["item"] = item_name(extract, facts["sku"], who)
    if "found_sku" in facts:
        names["found"] = item_name(extract, facts["found_sku"], who)
    if "wanted_sku" in facts:
        names["wanted"] = item_name(extract, facts["wanted_sku"], who)
        names["shelf"] = extract["items"].get(facts["wanted_sku"], {"shelf": ""})["shelf"] or "–"
    return names


def item_name(extract: Data, sku: str, who: Data) -> str:
    item = extract["items"].get(sku, {"name_en": sku, "name_zh": sku})
    return str(item["name_zh"] if who["language"] == "zh" and item["name_zh"] else item["name_en"])
