"""Every page of the centre, in both languages, by light and by dark, at a desk and in a hand: no barrier, no
sideways scroll, and nothing in it asks anybody but the centre.

Complete by construction, like the walk through the store node's pages; `make walk` goes through all
combinations.
"""

from __future__ import annotations

from typing import Any

import pytest

from server import pages as web
from server.app import make_app
from server.config import CentreConfig
from tests.e2e.kit_centre_walk import NO_PAGES, busy_centre, regional, through, with_something_on_every_page
from tests.e2e.kit_walk import Found, View, missing
from tests.kit_web import running

pytestmark = pytest.mark.browser

PUSHED = {"board/push.html"}
"""What goes along a stream only; its parts are those of the page."""
DESK, HAND = (1440, 900), (360, 640)
VIEWS = {
    "en": (View(*DESK, light="light"), View(*HAND, light="dark")),
    "zh": (View(*DESK, light="dark"), View(*HAND, light="light")),
}
"""At a desk by one light, in a hand by the other."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> CentreConfig:
    return busy_centre(tmp_path_factory.mktemp("centre"))


@pytest.fixture(scope="module")
def walked(browser: Any, centre: CentreConfig) -> Found:
    found, made = Found(), web._templates()
    plain = made.get_template

    def noted(name: Any, *more: Any, **named: Any) -> Any:
        found.drawn.add(name)
        return plain(name, *more, **named)

    paths = with_something_on_every_page(centre)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "get_template", noted)
        with running(centre) as url:
            for language, views in VIEWS.items():
                found.join(through(browser, url, language, views, paths))
            found.join(regional(browser, url, "en", VIEWS["en"][:1], ["/board", "/stores/S003"]))
    return found


def test_every_page_fits_and_can_be_used_by_everybody(walked: Found) -> None:
    assert walked.wrong == {}


def test_no_page_asks_anybody_but_the_centre_and_no_script_breaks(walked: Found) -> None:
    assert walked.strange == []


def test_no_page_and_no_template_is_left_out_of_the_walk(walked: Found, centre: CentreConfig) -> None:
    app = make_app(centre)
    assert [one for one in missing(app, walked.visited, NO_PAGES) if not one.startswith("/api/")] == []
    assert set(web._templates().list_templates(extensions=["html"])) - walked.drawn == PUSHED
    assert set(walked.answered) == {route for route, path in NO_PAGES.items() if path}
    pages = {route: told for route, told in walked.answered.items() if "html" in told or told[:3] != "200"}
    assert pages == {}
