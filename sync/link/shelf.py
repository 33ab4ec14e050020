"""Snapshots being sent: few at a time, each made once and kept so that a broken line resumes."""

from __future__ import annotations

import zlib
from base64 import b85encode
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from sync.wire import frames
from sync.wire.frames import Check

PART_BYTES = 24_000
"""A multiple of four: every part is whole base85 by itself."""


@dataclass(frozen=True)
class Packed:
    id: str
    centre: str
    incarnation: str
    decisions: Check
    facts: int
    data: bytes

    @property
    def parts(self) -> int:
        return max(1, -(-len(self.data) // PART_BYTES))

    def part(self, number: int) -> frames.SnapshotPart:
        piece = self.data[(number - 1) * PART_BYTES : number * PART_BYTES]
        return frames.SnapshotPart(
            id=self.id,
            part=number,
            parts=self.parts,
            centre=self.centre,
            decisions=self.decisions,
            facts=self.facts,
            data=b85encode(piece).decode("ascii"),
        )


def pack(content: bytes, *, centre: str, incarnation: str, decisions: Check, facts: int) -> Packed:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = packer.compress(content) + packer.flush()
    return Packed(blake2b(data, digest_size=16).hexdigest(), centre, incarnation, decisions, facts, data)


class SnapshotShelf:
    """Shared by all sessions of a centre process."""

    def __init__(self, at_a_time: int = 8, kept: int = 32) -> None:
        self._at_a_time = at_a_time
        self._kept = kept
        self._packed: OrderedDict[str, Packed] = OrderedDict()
        self._busy: set[str] = set()

    def admit(self, store: str) -> bool:
        """Whether this store's snapshot may go now; the others wait for a place."""
        if store not in self._busy and len(self._busy) >= self._at_a_time:
            return False
        self._busy.add(store)
        return True

    def leave(self, store: str) -> None:
        self._busy.discard(store)

    def put(self, store: str, packed: Packed) -> None:
        self._packed[store] = packed
        self._packed.move_to_end(store)
        while len(self._packed) > self._kept:
            self._packed.popitem(last=False)

    def find(self, store: str, id: str) -> Packed | None:
        """The snapshot a store has begun to stage, if it is still here."""
        packed = self._packed.get(store)
        return packed if packed is not None and packed.id == id else None

    def done(self, store: str) -> None:
        self._packed.pop(store, None)
        self.leave(store)
