"""The wire's history: every change of a frame, a fact or a decision, and what it means for older peers.

`schema_hash` is taken over every type that travels; a test compares it with the newest entry, so
nobody changes the wire without writing it down here. Adding a field with a default or a
kind keeps the protocol number: older peers ignore the field and park or hold the kind.
Anything else is a new number, and the centre speaks at least the two before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from sync.wire import decisions, facts, frames, snapshot


@dataclass(frozen=True)
class Entry:
    protocol: int
    schema: str
    what: str


DIARY = (
    Entry(
        1,
        "0b4d0fc8ad51a0b8",
        "As first released: two logs with positions, urgent lane and bulk streams, snapshots, digests.",
    ),
    Entry(
        1,
        "02530661557b7b6e",
        "A till's question: `want` up, `wanted` down; and the bulk stream `needs`. An older centre passes"
        " over the question and the till decides by itself; an older store holds the stream and goes on.",
    ),
    Entry(
        1,
        "cd1f476eb9598266",
        "Releases say which goods left (`goods` of handed_over, shipped, handover_undone): a centre put"
        " back from a backup books them although it lost the assignment. An older centre passes over it.",
    ),
    Entry(
        1,
        "19a0a8f38c9412fa",
        "`welcome` and `reset` name the replica they answer (`replica`), so that the answer to a repeated"
        " hello is passed over. An older peer does not say it, or passes over it.",
    ),
    Entry(
        1,
        "2381e9d05f8d2250",
        "Count sheets: `sheet_opened`, `count_entered`, `area_finished`, `variance_found`, `recount_asked`,"
        " `sheet_closed`, who stood by a count and when it looked (`counted`), lists and full counts asked"
        " for (`count_asked`). An older centre parks the new kinds, which move no stock; an older store sees"
        " a list as single tasks.",
    ),
    Entry(
        1,
        "8ae0a3f10c30d94a",
        "Tills that tell late: `sale_voided`, `till_unclear`; when it was, what a count had found already and"
        " what is doubtful (`sold`, `sale_returned`). An older centre parks the new kinds and sales that a"
        " count had found, and knows the other returns and sales as before.",
    ),
    Entry(
        1,
        "96756bf39e5205ba",
        "Releases name their order (`order` of handed_over, shipped, handover_undone): a centre put back from"
        " a backup that lost the assignment lets nobody else bring the units. An older centre passes over"
        " it.",
    ),
    Entry(
        1,
        "8fe8cab8dd109c26",
        "Certificates of store nodes: `certify` up, `certified` down. An older centre passes over the"
        " request, and the node's pages stay as they were.",
    ),
    Entry(
        1,
        "aa56f693aeda488b",
        "Snapshots name the lines that tills have sold (`sales`), so that a box in place of a dead one books"
        " none of them again. An older store passes over it.",
    ),
    Entry(
        1,
        "2a33682793283a6f",
        "A short pick names its goods (`sku` of shorted): a centre put back from a backup that lost the"
        " assignment takes what is gone off its books all the same. An older centre passes over it.",
    ),
    Entry(
        1,
        "f4df82cb06a2ce58",
        "Another article instead: `substitution` of an offer (and in snapshots), and of a short pick what"
        " comes instead and who agreed (`substitute`, `consent`, `agreed_by`). An older centre looks for the"
        " missing article elsewhere, as without; an older store is not told that it may offer another.",
    ),
    Entry(
        1,
        "da5f42bb5bad37d8",
        "Lines of an offer (and of snapshots) say what they stand in for (`instead_of`). An older store"
        " passes over it and shows the article alone.",
    ),
    Entry(
        1,
        "9591702e6a97f55c",
        "An offer names the command of the store that it answers (`answers`): a short pick that said what"
        " comes instead. An older store passes over it, and its people accept the offer themselves.",
    ),
    Entry(
        1,
        "d497083646bb7549",
        "Lines of an offer (and of snapshots) say what may come instead of them (`substitutes`). An older"
        " store passes over it and may name another article: then the centre looks for the missing one"
        " elsewhere.",
    ),
    Entry(
        1,
        "557f209031fe98d0",
        "A store says (`owned_before`) which turns a centre had confirmed that was put back since. An older"
        " store does not: its acceptance waits until every other store was heard.",
    ),
)


def schema_hash() -> str:
    """A hash over every type of the wire's modules: names, fields, their types and defaults."""
    described = {
        f"{module.__name__}.{name}": _described(one)
        for module in (frames, facts, decisions, snapshot)
        for name, one in sorted(vars(module).items())
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.__name__
    }
    kinds = [sorted(facts.KINDS), sorted(decisions.KINDS), list(decisions.STREAMS), frames.SUBPROTOCOL]
    return blake2b(msgspec.json.encode([described, kinds], order="sorted"), digest_size=8).hexdigest()


def _described(one: type[msgspec.Struct]) -> list[Any]:
    config = one.__struct_config__
    fields = [
        [
            field.encode_name,
            str(field.type),
            "" if field.default is msgspec.NODEFAULT else _shown(field.default),
        ]
        for field in msgspec.structs.fields(one)
    ]
    return [str(config.tag), config.array_like, fields]


def _shown(default: Any) -> str:
    return bytes(default).decode() if isinstance(default, msgspec.Raw) else repr(default)
