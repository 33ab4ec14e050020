"""A store with a full day's work, as a process of its own behind HTTPS, and a handheld that looks at it.

Used by `bench/handheld.py` and `bench/lighthouse.py`; centre, line, store node and Chromium are real.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.catalogue.load import load_items, load_shelves
from server.db import open_centre
from server.demo.chain import Chain
from server.demo.goods import check_digit
from server.link.decide import publish
from server.stock.load import load_stock
from sync.sqlite import writing
from tests.conftest import browser_options

STORE = "S001"
SIZE = {"width": 360, "height": 640}
SKUS = 60
BIG = 10
"""Orders of one wave, with more units than the bench scans."""


def sku(n: int) -> str:
    return f"B{n % SKUS:03d}"


def gtin(n: int) -> str:
    digits = f"29{n % SKUS:010d}"
    return digits + check_digit(digits)


@dataclass
class BusyStore(Chain):
    """The demo's chain with one store, and goods enough for a bench."""

    stores: int = 1
    orders: int = 200
    policy: dict[str, int] = field(default_factory=lambda: {"accept_s": 7_200})

    def _seed(self) -> None:
        super()._seed()
        db = open_centre(self.database)
        goods = [
            {
                "sku": sku(n),
                "name_en": f"Shirt with a long collar {n}",
                "name_zh": f"长领衬衫{n}",
                "detail_en": "Size M",
                "detail_zh": "M 码",
                "price_fen": 19_900,
                "gtins": gtin(n),
            }
            for n in range(SKUS)
        ]
        shelves = [{"sku": sku(n), "location": f"{'ABCD'[n % 4]}-{n % 17:02d}-{n % 5}"} for n in range(SKUS)]
        try:
            with writing(db):
                load_items(db, goods, now=0)
                load_shelves(db, shelves, store=STORE)
                # Keys come late on a machine that runs everything; what is measured begins with the last one.
                publish(db, "policy", "scan_gap_ms", {"value": "1500"})
            with writing(db):
                stock = [{"sku": sku(n), "qty": 4_000} for n in range(SKUS)]
                load_stock(db, stock, store=STORE, document="bench", now=0)
        finally:
            db.close()

    async def place_orders(self) -> None:
        """Ten with many units for the wave, the others as shoppers buy."""
        some = asyncio.Semaphore(16)

        async def place(n: int) -> None:
            lines = (
                [{"sku": sku(3 * n + k), "qty": 30} for k in range(3)]
                if n < BIG
                else [{"sku": sku(n + k), "qty": 1} for k in range(1 + n % 3)]
            )
            order = {
                "external_id": f"bench-{n}",
                "kind": "pickup",
                "pickup_store": STORE,
                "lines": lines,
                "name": "Bench",
                "phone": "13800000000",
            }
            headers = {"Authorization": f"Bearer {self.keys.web}"}
            async with some:
                answer = await self.client.post(
                    f"{self.centre_url}/api/v1/orders", json=order, headers=headers
                )
            assert answer.status_code < 300, answer.text

        for n in range(BIG):
            await place(n)  # the first ones are the first wave
        await asyncio.gather(*(place(n) for n in range(BIG, self.orders)))

    @property
    def address(self) -> str:
        return self.secure_url(STORE)

    @property
    def key(self) -> str:
        """What Chromium is told to trust: the one key, as a managed handheld trusts the chain's root."""
        pem = (self.folder / STORE / "tls" / "node.pem").read_bytes()
        public = x509.load_pem_x509_certificates(pem)[0].public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


@asynccontextmanager
async def opened(chain: BusyStore) -> AsyncIterator[BusyStore]:
    try:
        await chain.start()
        await chain.place_orders()
        yield chain
    finally:
        await chain.stop()


async def browser_at(driver: Any, chain: BusyStore, profile: Path) -> Any:
    """Chromium with a profile that outlives it, and a door for more than one debugger."""
    options = dict(browser_options())
    args = [
        *options.pop("args"),
        f"--ignore-certificate-errors-spki-list={chain.key}",
        "--remote-debugging-port=0",
    ]
    return await driver.chromium.launch_persistent_context(
        str(profile), viewport=SIZE, has_touch=True, args=args, **options
    )


async def sign_in(page: Any, chain: BusyStore, person_id: str = f"{STORE}-1") -> None:
    person = chain.person(person_id)
    await page.goto(f"{chain.address}/sign-in?person={person.id}")
    await page.fill("#pin", person.pin)
    await page.click(".foot .btn")
    await page.wait_for_url(re.compile(r"//[^/]+/orders"))


def load() -> float:
    return round(os.getloadavg()[0], 1)
