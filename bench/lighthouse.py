"""What Lighthouse says of the pages that people work on: speed, barriers, good practice.

    make lighthouse          # or .venv/bin/python bench/lighthouse.py [--pages pick,pack] [--runs 1] [--json]

A centre and a store node as processes of their own; pages over HTTPS with the chain's own certificate, as a
handheld that opens them for the first time (Lighthouse's mobile device: a slow line, a processor four times
slower). Gates: speed 95, the others 100. Barriers are looked for in both languages. With `--runs 3` the
median of the speeds counts. What lost points is named.
"""

from __future__ import annotations

import sync.sqlite  # isort: skip - first of all, see there  # noqa: F401

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from handhelds.store import SIZE, STORE, BusyStore, browser_at, load, opened

from server.demo.pages import Hands

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "tools" / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility", "best-practices")
GATES = {"performance": 95, "accessibility": 100, "best-practices": 100}
WAIT_MS = 15_000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pages", default="", help="only these, by name, with commas")
    asked.add_argument(
        "--runs", type=int, default=1, help="runs of each page; the median of the speed counts"
    )
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    if not PROGRAM.exists():
        sys.exit("Lighthouse is not here: `make lighthouse` fetches it.")
    with tempfile.TemporaryDirectory(prefix="yipan-bench-") as folder:
        found = asyncio.run(measured(options, Path(folder)))
    print(json.dumps(found, indent=1) if options.json else table(found))


async def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    began, loads = time.perf_counter(), [load()]
    pages: dict[str, Any] = {}
    async with opened(BusyStore(folder / "chain", orders=20)) as chain, async_playwright() as driver:
        places, cookies = await at_work(chain)
        context = await browser_at(driver, chain, folder / "profile")
        wanted = options.pages.split(",") if options.pages else list(places)
        for name in wanted:
            runs = [
                await audited(context, places[name], cookies[name] | {"language": "en"}, CATEGORIES, folder)
                for _ in range(options.runs)
            ]
            page = runs[-1]
            page["scores"]["performance"] = round(
                statistics.median(run["scores"]["performance"] for run in runs)
            )
            chinese = await audited(
                context, places[name], in_chinese(cookies, name), ("accessibility",), folder
            )
            page["scores"]["accessibility_zh"] = chinese["scores"]["accessibility"]
            page["lost"] |= {f"zh: {key}": one for key, one in chinese["lost"].items()}
            gates = {**GATES, "accessibility_zh": 100}
            page["ok"] = all(page["scores"][key] >= gate for key, gate in gates.items())
            pages[name] = page
            loads.append(load())
    return {
        "gates": GATES,
        "cores": os.cpu_count(),
        "load": loads,
        "seconds": round(time.perf_counter() - began),
        "pages": pages,
        "ok": all(page["ok"] for page in pages.values()),
    }


async def at_work(chain: BusyStore) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Orders in every stage; where each page is, and the cookies of whoever looks at it."""
    english, chinese = await signed_in(chain, f"{STORE}-1"), await signed_in(chain, f"{STORE}-2")
    page = await english.open("/orders?tab=offers")
    page = await english.send(page.form("/offers/accept"))
    assert page.ok, page.text[:300]
    await asyncio.sleep(0.5)
    fences = (await english.open("/orders?tab=work")).form("/waves").fields["fence"]
    for fence in fences[:2]:  # one to pack and one on its shelf
        form = (await english.open("/orders?tab=work")).form("/waves")
        page = await english.send(form, fence=[fence])
        while any(form.action.endswith("/pick") for form in page.forms):
            page = await english.send(page.form("/waves/[^/]+/pick"))
            assert page.ok, page.text[:300]
    page = await english.send((await english.open(f"/pack/{fences[1]}")).form("/pack/[^/]+"))
    page = await english.send(
        (await english.open(f"/stage/{fences[1]}")).form("/stage/[^/]+"), location="P-3"
    )
    assert page.ok, page.text[:300]
    form = (await english.open("/orders?tab=work")).form("/waves")
    page = await english.send(form, fence=fences[2:6])
    wave = page.form("/waves/[^/]+/scan").action.split("/")[2]
    manager = await at_the_centre(chain)
    store = chain.address
    places = {
        "home": f"{store}/orders?tab=work",
        "pick": f"{store}/waves/{wave}",
        "pack": f"{store}/pack/{fences[0]}",
        "counter": f"{store}/handover/{fences[1]}",
        "sign-in": f"{store}/sign-in",
        "board": f"{chain.centre_url}/board",
    }
    people = {"en": dict(english.client.cookies), "zh": dict(chinese.client.cookies)}
    cookies = dict.fromkeys(places, people["en"]) | {"sign-in": {}, "board": manager, "zh": people["zh"]}
    for hands in (english, chinese):
        await hands.close()
    return places, cookies


def in_chinese(cookies: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    if name in ("sign-in", "board"):
        return cookies[name] | {"language": "zh", "yipan_centre_language": "zh"}
    return cookies["zh"]


async def signed_in(chain: BusyStore, person_id: str) -> Hands:
    person = chain.person(person_id)
    hands = Hands(chain.address, trust=chain.trust)
    page = await hands.open(f"/sign-in?person={person.id}")
    page = await hands.send(page.form("/sign-in"), pin=person.pin)
    assert "/sign-in" not in page.url, page.text[:300]
    return hands


async def at_the_centre(chain: BusyStore) -> dict[str, str]:
    person = chain.person("east")
    async with httpx.AsyncClient(base_url=chain.centre_url, trust_env=False, follow_redirects=True) as client:
        await client.get("/sign-in")
        form = {"person": person.id, "pin": person.pin, "_csrf_token": client.cookies["yipan_centre_csrf"]}
        answer = await client.post("/sign-in", data=form)
        assert answer.url.path == "/board", answer.text[:300]
        return dict(client.cookies)


async def audited(
    context: Any, url: str, cookies: dict[str, str], categories: tuple[str, ...], folder: Path
) -> dict[str, Any]:
    """One look of Lighthouse: scores of 100, and which checks lost points."""
    told = folder / "told.json"
    port = (folder / "profile" / "DevToolsActivePort").read_text().split("\n")[0]
    await context.clear_cookies()
    origin = "/".join(url.split("/")[:3])
    kept = [{"name": name, "value": value, "url": origin} for name, value in cookies.items()]
    await context.add_cookies(kept)
    command = [
        shutil.which("node") or str(ROOT / ".venv" / "bin" / "node"), str(PROGRAM), url, "--quiet",
        "--output=json", f"--output-path={told}", f"--only-categories={','.join(categories)}",
        f"--port={port}", f"--max-wait-for-load={WAIT_MS}", "--no-enable-error-reporting",
        f"--screenEmulation.width={SIZE['width']}", f"--screenEmulation.height={SIZE['height']}",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, words = await process.communicate()
    assert process.returncode == 0, words.decode()[-2_000:]
    report = json.loads(told.read_text())
    assert report["finalDisplayedUrl"].split("?")[0] == url.split("?")[0], report["finalDisplayedUrl"]
    assert not report.get("runtimeError"), report["runtimeError"]
    lost = {}
    for name in categories:
        for part in report["categories"][name]["auditRefs"]:
            audit = report["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                lost[part["id"]] = said_of(audit)
    # Without a figure (a page that painted nothing while it was looked at) there is no score: as bad as none.
    scores = {name: round((report["categories"][name]["score"] or 0) * 100) for name in categories}
    return {"url": report["finalDisplayedUrl"], "scores": scores, "lost": lost}


def said_of(audit: dict[str, Any]) -> str:
    """Its score, its figure, and where it lost them."""
    found = [f"{audit['score']:.2f}", audit.get("displayValue", "")]
    for one in audit.get("details", {}).get("items", [])[:3]:
        found.append(str(one.get("description") or one.get("node", {}).get("snippet") or ""))
        found.append(str((one.get("sourceLocation") or {}).get("url", "")))
    return " | ".join(one for one in found if one)


def table(found: dict[str, Any]) -> str:
    lines = [f"{found['cores']} cores, load {found['load']}, {found['seconds']} s; gates {found['gates']}"]
    for name, page in found["pages"].items():
        mark = "" if page["ok"] else "  MISSED"
        lines.append(f"{name:<10}{page['scores']}{mark}")
        lines += [f"    {key}: {one}" for key, one in page["lost"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
