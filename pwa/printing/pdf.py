"""Sheets for office printers: a small PDF of our own.

Bars and squares are drawn as areas, so they are sharp at any resolution. Latin text is in a font that
every reader has; Chinese lines are pictures, because shipping or subsetting a font of twenty megabytes
for a pick list costs a second a sheet.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from itertools import groupby

import segno

from pwa.printing import code128
from pwa.printing.letters import black_bits, picture
from pwa.printing.paper import Paper, plain
from pwa.printing.place import Matrix, Stripes, Stroke, Thing, Words, place

POINTS = 72 / 25.4
MARGIN_MM = 12.0
PICTURE_DPI = 300


def sheets(paper: Paper, width_mm: float = 210, height_mm: float = 297, copies: int = 1) -> bytes:
    """The whole file."""
    return _File(width_mm, height_mm).made(paper, max(copies, 1))


class _File:
    def __init__(self, width_mm: float, height_mm: float) -> None:
        self.width, self.height = width_mm, height_mm
        self.objects: list[bytes] = [b"", b""]  # the catalogue and the pages come last
        self.normal = self._add(_font("Helvetica"))
        self.bold = self._add(_font("Helvetica-Bold"))

    def made(self, paper: Paper, copies: int) -> bytes:
        pages: list[int] = []
        box = f"[0 0 {self.width * POINTS:.2f} {self.height * POINTS:.2f}]"
        for things in place(paper, self.width, self.height, MARGIN_MM) * copies:
            pictures: dict[str, int] = {}
            drawn = "\n".join(self._thing(thing, pictures) for thing in things)
            content = self._add(_stream(b"", drawn.encode("ascii")))
            named = " ".join(f"/{name} {number} 0 R" for name, number in pictures.items())
            fonts = f"/F1 {self.normal} 0 R /F2 {self.bold} 0 R"
            pages.append(
                self._add(
                    f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents {content} 0 R"
                    f" /Resources << /Font << {fonts} >> /XObject << {named} >> >> >>".encode()
                )
            )
        kids = " ".join(f"{page} 0 R" for page in pages)
        self.objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
        self.objects[1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
        return self._written()

    def _add(self, content: bytes) -> int:
        self.objects.append(content)
        return len(self.objects)

    def _written(self) -> bytes:
        out = bytearray(b"%PDF-1.4\n")
        places = []
        for number, content in enumerate(self.objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
        table = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{at:010d} 00000 n \n".encode() for at in places)
        out += f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
        return bytes(out)

    def _thing(self, thing: Thing, pictures: dict[str, int]) -> str:
        match thing:
            case Words():
                return self._words(thing, pictures)
            case Stroke():
                return self._area(thing.x, thing.y, thing.mm, 0.2)
            case Stripes():
                return self._stripes(thing)
            case Matrix():
                return self._matrix(thing)

    def _area(self, x: float, y: float, wide: float, high: float) -> str:
        """A black area; PDF counts from the bottom."""
        numbers = (x, self.height - y - high, wide, high)
        return " ".join(f"{number * POINTS:.3f}" for number in numbers) + " re f"

    def _words(self, words: Words, pictures: dict[str, int]) -> str:
        if plain(words.text):
            font, size = ("F2" if words.bold else "F1"), words.mm * POINTS
            x, y = words.x * POINTS, (self.height - words.y - words.mm) * POINTS
            text = words.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            return f"BT /{font} {size:.2f} Tf {x:.2f} {y:.2f} Td ({text}) Tj ET"
        image = picture(words.text, round(words.mm * PICTURE_DPI / 25.4))
        bits, _row = black_bits(image)
        head = (
            f"/Type /XObject /Subtype /Image /ImageMask true /Width {image.width} /Height {image.height}"
            " /BitsPerComponent 1 /Decode [1 0]"
        )
        name = f"P{len(pictures)}"
        pictures[name] = self._add(_stream(head.encode(), bits))
        wide, high = (side * 72 / PICTURE_DPI for side in image.size)
        y = (self.height - words.y) * POINTS - high
        return f"q {wide:.2f} 0 0 {high:.2f} {words.x * POINTS:.2f} {y:.2f} cm /{name} Do Q"

    def _stripes(self, stripes: Stripes) -> str:
        x, areas = stripes.x, []
        for n, width in enumerate(code128.widths(stripes.code)):
            if n % 2 == 0:
                areas.append(self._area(x, stripes.y, width * stripes.module, stripes.mm))
            x += width * stripes.module
        return "\n".join(areas)

    def _matrix(self, matrix: Matrix) -> str:
        side, runs = _runs(matrix.code)
        module = matrix.mm / side
        return "\n".join(
            self._area(matrix.x + x * module, matrix.y + y * module, wide * module, module)
            for x, y, wide in runs
        )


@lru_cache(256)
def _runs(code: str) -> tuple[int, list[tuple[int, int, int]]]:
    """How many modules a QR code is wide, and its dark stretches: column, row, length.

    Kept, because the same article stands on a list once for each tote.
    """
    runs = []
    rows = segno.make_qr(code, error="m").matrix
    for y, row in enumerate(rows):
        x = 0
        for dark, stretch in groupby(row):
            wide = len(list(stretch))
            if dark:
                runs.append((x, y, wide))
            x += wide
    return len(rows), runs


def _font(name: str) -> bytes:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def _stream(head: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content)
    length = f"/Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
    return b"<< " + head + b" " + length + packed + b"\nendstream"
