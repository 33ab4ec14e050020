"""Every text a person sees: English message ids, translations read from `<room>/locale/<language>.po`.

The .po files are read at start; nothing is compiled, so a translator's change needs no
build step. English is the message id itself. A missing translation shows English: half
a sentence in the wrong language helps a person more than an error.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("en", "zh")
ROOMS = ("sync", "server", "pwa")


def N_(text: str) -> str:  # noqa: N802 - the customary name, known to extraction tools
    """Marks a text for extraction where it is defined; it is translated where it is shown."""
    return text


_ = N_


class Translator:
    """Callable: message id in, text in the person's language out. Knows its language."""

    def __init__(self, lang: str, catalogue: dict[str, tuple[str, ...]]) -> None:
        self.lang = lang
        self._catalogue = catalogue

    def __call__(self, text: str) -> str:
        forms = self._catalogue.get(text)
        return forms[0] if forms else text

    gettext = __call__

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        forms = self._catalogue.get(singular)
        if forms:
            # Chinese has one form; a language with more would bring its own rule.
            return forms[0] if len(forms) == 1 or count == 1 else forms[1]
        return singular if count == 1 else plural


def translator(lang: str, rooms: Iterable[str] = ROOMS) -> Translator:
    """The translator of a language over the texts of the named rooms that exist here."""
    lang = lang.replace("_", "-").split("-")[0].lower()
    return _translator(lang if lang in LANGUAGES else "en", tuple(rooms))


@lru_cache(maxsize=32)
def _translator(lang: str, rooms: tuple[str, ...]) -> Translator:
    catalogue: dict[str, tuple[str, ...]] = {}
    if lang != "en":
        for room in rooms:
            path = po_path(room, lang)
            if path is not None and path.exists():
                catalogue.update(read_po(path))
    return Translator(lang, catalogue)


def po_path(room: str, lang: str) -> Path | None:
    spec = importlib.util.find_spec(room)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "locale" / f"{lang}.po"


def read_po(path: Path) -> dict[str, tuple[str, ...]]:
    from babel.messages.pofile import read_po as babel_read  # late: costs 30 ms, English never needs it

    found: dict[str, tuple[str, ...]] = {}
    with path.open("rb") as file:
        for message in babel_read(file):
            if not message.id or not message.string or message.fuzzy:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
            if all(forms):
                found[key] = forms
    return found


ENGLISH = Translator("en", {})
