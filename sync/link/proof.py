"""Proof of a node's token without sending it.

The centre keeps only the hash of a token; the proof is an HMAC keyed with that hash over
the centre's nonce. A line that somebody listens to, or a portal that answers in the
centre's place, learns nothing that can be used again.
"""

from __future__ import annotations

import hashlib
import hmac


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def prove(key: str, nonce: str, store: str, incarnation: str) -> str:
    """`key` is the token's hash."""
    text = "\n".join(("yipan.1", nonce, store, incarnation))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def proven(proof: str, key: str, nonce: str, store: str, incarnation: str) -> bool:
    return bool(key) and hmac.compare_digest(proof, prove(key, nonce, store, incarnation))
