"""The demo's own shop: receives the signed messages that a channel would, and keeps what shoppers hear."""

from __future__ import annotations

import base64
import os
from collections import Counter
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError


def new_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()


class Inbox:
    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._webhook: Any = Webhook(secret)
        self._seen: set[str] = set()
        self.kinds: Counter[str] = Counter()
        self.repeated = 0
        self.forged = 0
        self.codes: dict[str, str] = {}
        """Pickup codes by order number, as the shopper was told them."""

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """False: the signature is not the centre's, and nothing was believed."""
        try:
            message = self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return False
        key = headers.get("webhook-id", "")
        if key in self._seen:
            # The centre tries again when an answer was lost; the id tells the repeat.
            self.repeated += 1
            return True
        self._seen.add(key)
        self.kinds[str(message.get("type", ""))] += 1
        data = message.get("data", {})
        if data.get("pickup_code"):
            self.codes[data["order"]] = data["pickup_code"]
        return True
