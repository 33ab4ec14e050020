"""What a browser thinks of a store's address: HTTPS with the chain's own certificate, plain HTTP, no trust.

Chromium is told to accept the one key (`--ignore-certificate-errors-spki-list`), since the system's own
store is not ours to change; whether the chain verifies is judged by real handshakes elsewhere. The store
is called by its name, because a browser counts every address of its own machine as secure.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, Error, Page, async_playwright

from server.demo.chain import Chain
from tests.conftest import PATIENCE_MS, browser_options

pytestmark = pytest.mark.browser
NAME = "s001.yipan.internal"


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    chain = Chain(tmp_path, stores=1, policy={"accept_s": 600})
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()


def key_hash(chain: Chain) -> str:
    pem = (chain.folder / "S001" / "tls" / "node.pem").read_bytes()
    key = x509.load_pem_x509_certificates(pem)[0].public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


async def launched(driver: Any, *flags: str) -> Browser:
    options = browser_options()
    args = [*options.pop("args"), f"--host-resolver-rules=MAP {NAME} 127.0.0.1", *flags]
    opened: Browser = await driver.chromium.launch(**options, args=args)
    return opened


async def sign_in(page: Page, chain: Chain, base: str) -> None:
    person = chain.person("S001-1")
    await page.goto(f"{base}/sign-in")
    await page.locator("a.tile").filter(has_text=person.name).click()
    for digit in person.pin:
        await page.get_by_role("button", name=digit, exact=True).click()
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(re.compile(r"//[^/]+/orders"))


async def test_over_https_a_handheld_gets_everything_and_on_plain_http_it_is_told_what_it_lacks(
    chain: Chain,
) -> None:
    port = chain.node_ports["S001"]
    async with async_playwright() as driver:
        browser = await launched(driver, f"--ignore-certificate-errors-spki-list={key_hash(chain)}")
        context = await browser.new_context(viewport={"width": 360, "height": 640})
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await sign_in(page, chain, f"https://{NAME}:{port}")
        # The worker that lets it go on alone has the page in hand.
        await page.wait_for_function("() => isSecureContext && navigator.serviceWorker.controller !== null")
        kept = {str(one["name"]): one["secure"] for one in await context.cookies()}
        assert kept["session"]
        assert kept["device"]
        await page.goto(f"https://{NAME}:{port}/status")
        await page.get_by_text("This page is on a secure address.").wait_for()
        await page.get_by_text("it is renewed by itself").wait_for()
        assert not await page.locator("[data-insecure]").is_visible()
        await context.close()

        context = await browser.new_context(viewport={"width": 360, "height": 640})
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await sign_in(page, chain, f"http://{NAME}:{port}")
        assert not await page.evaluate("isSecureContext")
        assert not await page.evaluate("'serviceWorker' in navigator")
        await page.goto(f"http://{NAME}:{port}/status")
        await page.locator("[data-insecure]").wait_for()
        assert "no offline work" in await page.locator("[data-insecure]").inner_text()
        await page.get_by_role("link", name="How handhelds come to trust it").click()
        await page.get_by_text("Let a handheld trust this store").wait_for()
        await page.wait_for_function(
            "() => document.querySelector('img[src=\"/secure/qr.svg\"]').naturalWidth > 0"
        )
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        link = page.get_by_role("link", name=f"https://{NAME}:{port}")
        assert await link.get_attribute("href") == f"https://{NAME}:{port}"
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Fetch the root").click()
        fetched = Path(await (await download.value).path()).read_bytes()
        assert x509.load_der_x509_certificate(fetched) == x509.load_pem_x509_certificate(
            chain.root.read_bytes()
        )
        await browser.close()


async def test_a_browser_that_does_not_know_the_root_opens_nothing(chain: Chain) -> None:
    async with async_playwright() as driver:
        browser = await launched(driver)
        page = await browser.new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            await page.goto(f"https://{NAME}:{chain.node_ports['S001']}/sign-in")
        await browser.close()
