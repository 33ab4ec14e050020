"""Where the link's requests for certificates are answered."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import structlog

from sync.ids import Dice

PAUSE_MS = 5_000
"""Between two certificates of one store: a box gone wrong must not fill the list of what was issued."""

_log = structlog.get_logger("yipan.certificates")

Answer = tuple[str, str, str]
"""Chain, root, and why there is none."""


class Counter:
    """Reads the authority when it is asked: one that is made while the centre runs is found at once."""

    def __init__(self, folder: Path, dice: Dice) -> None:
        self.folder = folder
        self.dice = dice
        self._last: dict[str, int] = {}

    def certify(self, store: str, request: str, now: int) -> Answer:
        # Most centres have no authority, and then need none of this library.
        if not (self.folder / "root.pem").exists():
            return "", "", "no_authority"
        from server.certificates.authority import CannotIssue, load

        if 0 <= now - self._last.get(store, -PAUSE_MS) < PAUSE_MS:
            return "", "", "too_soon"
        try:
            authority = load(self.folder)
            if authority is None:
                return "", "", "no_authority"
            issued = authority.issue(
                base64.b64decode(request, validate=True), store=store, now=now, dice=self.dice
            )
        except binascii.Error:
            return "", "", "request"
        except CannotIssue as refused:
            _log.warning("certificate", store=store, why=refused.why, text=str(refused))
            return "", "", refused.why
        except OSError as trouble:
            _log.warning("certificate", store=store, trouble=str(trouble))
            return "", "", "trouble"
        self._last[store] = now
        return issued.chain, issued.root, ""
