"""Work of one person, handed in while another is signed in on the same handheld.

A fact names who did it, so a command counts only if the store node can tell that it was kept while its
person was signed in. With each extract the node gives the handheld a key for this person on this
handheld. While they are signed in there, the handheld puts a seal on every command that it keeps; for
the next person it throws the key away. So it can hand in what was sealed, and make nothing new in that
name. The node keeps nothing for it: the key follows from its own secret, person, handheld and time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

LIFE_MS = 72 * 3_600_000
"""From the last extract. What is handed in later waits until its person signs in."""


@dataclass(frozen=True)
class Command:
    id: str
    name: str
    args: dict[str, Any]
    person: str


def secret_of(secret: str) -> bytes:
    return hashlib.sha256(b"yipan seal " + secret.encode()).digest()


def key(secret: bytes, person: str, device: str, since: int) -> str:
    """64 hexadecimal digits, which the handheld uses as they are read: 32 bytes."""
    text = json.dumps([person, device, since])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def read(row: Any, *, session: str, device: str, now: int, secret: bytes) -> Command | None:
    """A command of a handing in, in the name of the session or of its seal; None: of nobody we know.

    `ValueError`, `TypeError`, `KeyError`: nothing that a handheld of any release would send.
    """
    if "seal" not in row:
        if row.get("person") != session:
            return None
        return Command(str(row["id"]), str(row.get("name")), dict(row.get("args", {})), session)
    person, since, text = str(row["person"]), int(row["since"]), str(row["text"])
    of_late = now - LIFE_MS < since <= now + LIFE_MS
    sealed = hmac.new(bytes.fromhex(key(secret, person, device, since)), text.encode(), hashlib.sha256)
    if not (device and of_late and hmac.compare_digest(sealed.hexdigest(), str(row["seal"]))):
        return None
    command_id, name, args, _at = json.loads(text)
    return Command(str(command_id), str(name), dict(args), person)
