"""The page of this handheld: each button is a choice, done at once."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from pwa.desk import Desk, View
from pwa.settings.look import CHOICES
from pwa.signin.pages import changed, cookie
from pwa.web import Asked, BadForm, Form, show
from sync.texts import N_

WORDS = (
    ("text", N_("Size of text"), {"100": N_("Normal"), "125": N_("Large"), "150": N_("Very large")}),
    ("hand", N_("Hand that holds it"), {"left": N_("Left"), "right": N_("Right")}),
    ("theme", N_("Light or dark"), {"auto": N_("Auto"), "light": N_("Light"), "dark": N_("Dark")}),
    ("sound", N_("Sound"), {"off": N_("Off"), "on": N_("On"), "loud": N_("Loud")}),
    ("buzz", N_("Vibration"), {"off": N_("Off"), "on": N_("On")}),
    ("camera", N_("Button for the camera"), {"off": N_("Off"), "on": N_("On")}),
)
MOODS = (
    ("good", N_("Right item")),
    ("kept", N_("Kept here, not sent yet")),
    ("again", N_("Once too often")),
    ("bad", N_("Wrong")),
)


@get("/settings")
async def settings(request: Asked) -> Response[str]:
    def view(desk: Desk) -> View:
        groups = [
            {
                "name": name,
                "word": desk.t(word),
                "now": getattr(desk.who, name),
                "choices": [(value, desk.t(text)) for value, text in choices.items()],
            }
            for name, word, choices in WORDS
        ]
        moods = [(mood, desk.t(word)) for mood, word in MOODS]
        data = {"groups": groups, "moods": moods}
        return View("settings/settings.html", desk.t("This handheld"), "/settings", data, back="/more")

    return await show(request, view)


@post("/settings", status_code=200)
async def choose(request: Asked) -> Response[Any]:
    """One choice of one kind. The page is loaded anew, so that it is drawn with it from the first line."""
    form = await Form.read(request)
    name = form.text("name")
    wanted = form.text("value")
    if wanted not in CHOICES.get(name, ()):
        raise BadForm("That is no choice.")
    return changed(request, form, cookie(request, name, wanted))


HANDLERS = [settings, choose]
