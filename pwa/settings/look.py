"""What a handheld can be set to, as cookies: the node draws the page with them, so that nothing jumps when
it appears, and the extract takes them along for the pages that the device draws by itself.

Scanners are another matter: their profile is the script's alone (pwa/static/capture.js).
"""

from __future__ import annotations

from collections.abc import Mapping

CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("auto", "light", "dark"),
    "text": ("100", "125", "150"),
    "hand": ("right", "left"),
    "sound": ("on", "loud", "off"),
    "buzz": ("on", "off"),
    "camera": ("on", "off"),
}
"""By the name of the cookie and of the field of `Who`; the first is what holds where nothing was chosen."""


def look(cookies: Mapping[str, str]) -> dict[str, str]:
    """The choices that this handheld has made; whatever else stands there counts as none."""
    return {
        name: given if (given := cookies.get(name, "")) in choices else choices[0]
        for name, choices in CHOICES.items()
    }
