"""Style, scripts and htmx, read once and served from memory under their own hash.

A handheld keeps them for a year: a new release has new addresses.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from pwa.shorten import shortened
from pwa.texts import LANGUAGES, ROOMS
from sync.texts import translator

ROOT = Path(__file__).parent / "static"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
WORTH_PACKING = 400
"""Bytes; less travels in one packet anyway."""
NAMED = re.compile(r'"static:([\w./-]+)"')
"""How a script of our own names another file: it is given that file's address. So what is fetched late
is kept under its hash too, and a new reader of codes makes a new script."""
SAID = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"\)')
"""How a script that is fetched late says something; it brings the words for that along."""
POLICIES = {
    "reader.js": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
}
"""A worker goes by the policy that its script came with. The one that runs WebAssembly gets leave for it,
so that no page needs it."""

TOGETHER = {
    "page.js": ("feel", "capture", "ids", "scan", "stream", "clock", "parts", "device"),
}
"""Scripts that every page loads, sent as one: fewer requests, and they pack better."""


@lru_cache
def content(path: str) -> tuple[bytes, str] | None:
    """Bytes and hash of a file below `static`, None for anything else."""
    if path in TOGETHER:
        data = b"".join(found[0] for name in TOGETHER[path] if (found := content(f"{name}.js")))
        return data, hashlib.blake2b(data, digest_size=6).hexdigest()
    file = (ROOT / path).resolve()
    if not file.is_relative_to(ROOT) or file.suffix not in TYPES or not file.is_file():
        return None
    data = file.read_bytes()
    if file.suffix == ".js" and file.parent == ROOT:
        script = NAMED.sub(lambda name: f'"{address(name[1])}"', data.decode())
        data = shortened(script.replace('"texts:here"', _texts(script))).encode()
    return data, hashlib.blake2b(data, digest_size=6).hexdigest()


def _texts(script: str) -> str:
    """What a script says, in every language but its own: `{language: {text: translation}}`."""
    texts = [json.loads(f'"{text}"') for text in SAID.findall(script)]
    others = {name: translator(name, ROOMS) for name in LANGUAGES if name != "en"}
    told = {name: {text: translate(text) for text in texts} for name, translate in others.items()}
    return json.dumps(told, ensure_ascii=False)


def address(path: str) -> str:
    found = content(path)
    assert found is not None, f"no such file below static: {path} (run `make` once for lib/)"
    return f"/static/{path}?v={found[1]}"


@lru_cache(maxsize=64)
def packed(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def sent(
    request: Request[Any, Any, Any], data: bytes, media_type: str, headers: dict[str, str]
) -> Response[bytes]:
    """The answer that carries `data`, packed where the browser can unpack it. What it packs to is kept in
    memory, as `data` is: each release is packed once."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(data) > WORTH_PACKING:
        return Response(packed(data), media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(data, media_type=media_type, headers=headers)


@get("/static/{path:path}", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def static_file(request: Request[Any, Any, Any], path: FromPath[Path]) -> Response[bytes]:
    found = content(path.as_posix().lstrip("/"))
    if found is None:
        raise NotFoundException
    data, tag = found
    # Weak: packed or not, it is the same file.
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'W/"{tag}"'}
    if path.name in POLICIES:
        headers["Content-Security-Policy"] = POLICIES[path.name]
    return sent(request, data, TYPES.get(path.suffix, "text/plain"), headers)
