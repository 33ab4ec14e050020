"""Printers for tests: one that listens on TCP, and readers that draw what printers are told.

They know only the commands that the product uses, and fail on any other: what they draw is read with
zxing, as a scanner would.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pypdfium2
import segno
import zxingcpp
from PIL import Image, ImageDraw

from pwa.printing import code128


class FakePrinter:
    """Keeps what it was sent. `breaks_after`: takes so many bytes and then drops the line."""

    def __init__(self) -> None:
        self.jobs: list[bytes] = []
        self.port = 0
        self.breaks_after = 0
        self._server: asyncio.Server | None = None

    async def on(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def off(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.breaks_after:
            await reader.readexactly(self.breaks_after)
            # Without lingering a close is a reset, as when a printer is switched off and on.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        self.jobs.append(await reader.read(-1))
        writer.close()


@asynccontextmanager
async def printer() -> AsyncIterator[FakePrinter]:
    fake = FakePrinter()
    await fake.on()
    try:
        yield fake
    finally:
        await fake.off()


def codes_on(image: Image.Image) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(image.convert("L"))}


def _bars(image: Image.Image, x: int, y: int, code: str, module: int, high: int) -> None:
    # Drawn by zxing and not by our own table, so that the two are judged against each other elsewhere.
    made = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128)
    drawn = Image.fromarray(made.to_image(scale=module, add_quiet_zones=False))
    image.paste(drawn.resize((drawn.width, high)), (x, y))


def _square(image: Image.Image, x: int, y: int, code: str, module: int) -> int:
    rows = list(segno.make_qr(code, error="m").matrix)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(rows):
        for column, dark in enumerate(line):
            if dark:
                left, top = x + column * module, y + row * module
                draw.rectangle((left, top, left + module - 1, top + module - 1), fill=0)
    return len(rows) * module


class Label:
    """A ZPL printer: pictures of its labels, and every text on them."""

    def __init__(self, sent: bytes) -> None:
        self.texts: list[str] = []
        self.images: list[Image.Image] = []
        self.outside: list[str] = []
        for label in re.findall(r"\^XA(.*?)\^XZ", sent.decode(), re.S):
            self._draw(label)
        self.rest = re.sub(r"\^XA.*?\^XZ", "", sent.decode(), flags=re.S).strip()

    def _draw(self, label: str) -> None:
        width, height = (int(re.findall(rf"\^{key}(\d+)", label)[0]) for key in ("PW", "LL"))
        image = Image.new("L", (width, height), 255)
        self.images.append(image)
        fields = re.findall(r"\^FO(\d+),(\d+)(.*?)\^FS", label, re.S)
        assert "^FO" in label
        assert len(fields) == label.count("^FO")
        for x, y, field in fields:
            if int(x) >= width or int(y) >= height:
                self.outside.append(field)
            self._field(image, int(x), int(y), field)

    def _field(self, image: Image.Image, x: int, y: int, field: str) -> None:
        command, _, raw = field.partition("^FH_^FD")
        text = re.sub(rb"_([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), raw.encode()).decode()
        if found := re.fullmatch(r"\^BY(\d+)\^BCN,(\d+),N,N,N", command):
            _bars(image, x, y, text.replace(">0", ">"), int(found[1]), int(found[2]))
        elif found := re.fullmatch(r"\^BQN,2,(\d+)", command):
            assert text.startswith("MA,")
            _square(image, x, y, text[3:], int(found[1]))
        elif re.fullmatch(r"\^A0N,\d+,\d+", command):
            self.texts.append(text)
        elif found := re.fullmatch(r"\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)", command):
            bits, row = bytes.fromhex(found[4]), int(found[3])
            assert len(bits) == int(found[1]) == int(found[2])
            drawn = Image.frombytes("1", (row * 8, len(bits) // row), bits).point(lambda dot: 255 - dot)
            image.paste(drawn, (x, y))
            self.texts.append("(picture)")
        else:
            assert re.fullmatch(r"\^GB\d+,2,2", command), command


class Receipt:
    """An ESC/POS printer: one strip, and every text on it."""

    def __init__(self, sent: bytes) -> None:
        self.texts: list[str] = []
        self.cuts = 0
        self.image = Image.new("L", (576, 6000), 255)
        self._y = 10
        self._bar = (0, 0)
        self._qr = (b"", 0)
        left = sent
        while left:
            left = left[self._one(left) :]

    def _one(self, left: bytes) -> int:
        if left[:2] == b"\x1b@":
            return 2
        if left[:2] in (b"\x1bE", b"\x1d!", b"\x1dH"):
            return 3
        if left[:2] in (b"\x1dh", b"\x1dw"):
            high, module = self._bar
            self._bar = (left[2], module) if left[1:2] == b"h" else (high, left[2])
            return 3
        if left[:3] == b"\x1dk\x49":
            code = left[4 : 4 + left[3]]
            assert code[:2] == b"{B"
            _bars(self.image, 20, self._y, code[2:].decode().replace("{{", "{"), self._bar[1], self._bar[0])
            self._y += self._bar[0] + 30
            return 4 + left[3]
        if left[:3] == b"\x1dv0":
            row, high = (int.from_bytes(left[n : n + 2], "little") for n in (4, 6))
            bits = left[8 : 8 + row * high]
            drawn = Image.frombytes("1", (row * 8, high), bits).point(lambda dot: 255 - dot)
            self.image.paste(drawn, (0, self._y))
            self.texts.append("(picture)")
            self._y += high + 4
            return 8 + row * high
        if left[:3] == b"\x1d(k":
            return self._code(left)
        if left[:3] == b"\x1dV\x42":
            self.cuts += 1
            return 4
        found = re.match(rb"[ -~]*\n", left)
        assert found, left[:20]
        if found[0].strip():
            self.texts.append(found[0].decode().rstrip("\n"))
            self._y += 30
        return found.end()

    def _code(self, left: bytes) -> int:
        length = int.from_bytes(left[3:5], "little")
        part = left[5 : 5 + length]
        code, module = self._qr
        if part[:2] == b"1C":
            self._qr = (code, part[2])
        elif part[:3] == b"1P0":
            self._qr = (part[3:], module)
        elif part == b"1Q0":
            self._y += _square(self.image, 20, self._y + 20, code.decode(), module) + 60
        else:
            assert part in (b"1A2\0", b"1E1")
        return 5 + length


class Sheet:
    """An office printer: pages as another program's PDF reader draws them."""

    def __init__(self, sent: bytes) -> None:
        file = pypdfium2.PdfDocument(sent)
        self.images = [page.render(scale=300 / 72).to_pil() for page in file]
        self.text = "\n".join(page.get_textpage().get_text_range() for page in file)

    @property
    def codes(self) -> set[str]:
        return set().union(*(codes_on(image) for image in self.images))


def bars_by_our_table(code: str, module: int = 2, high: int = 60) -> Image.Image:
    widths: Any = code128.widths(code)
    image = Image.new("L", ((sum(widths) + 20) * module, high + 20), 255)
    draw, x = ImageDraw.Draw(image), 10 * module
    for n, width in enumerate(widths):
        if n % 2 == 0:
            draw.rectangle((x, 10, x + width * module - 1, 10 + high), fill=0)
        x += width * module
    return image
