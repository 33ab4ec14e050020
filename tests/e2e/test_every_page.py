"""Every page of the store node, in both languages, by light and by dark, with work, without and drawn alone:
it fits the hand, everybody can use it, and nothing in it asks anybody but the store box.

Two combinations stand for all here; `make walk` goes through every one. The list of pages is complete
by construction: an address of the application that no walk has been to, or a template that no walk has drawn,
fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pwa import web
from pwa.app import make_app
from pwa.secure.keeper import Keeper
from tests import kit_pwa as kit
from tests.e2e.kit_store_walk import (
    NO_PAGES,
    Session,
    busy_store,
    certified,
    empty_store,
    through,
    through_alone,
)
from tests.e2e.kit_walk import Found, View, missing

pytestmark = pytest.mark.browser

NOT_HERE = {"twin/names.html"}
"""Templates that no page of these nodes draws: handhelds alone do."""
SESSIONS = (
    Session("en", "associate", (View(light="light"), View(width=320, axe=False))),
    Session("zh", "lead", (View(light="dark"),)),
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kit.DemoNode]:
    node = busy_store(tmp_path_factory.mktemp("busy") / "replica.db")
    yield node
    node.close()


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def walked(
    browser: Any, busy: kit.DemoNode, keeper: Keeper, tmp_path_factory: pytest.TempPathFactory
) -> Found:
    found = Found()
    plain = web.PAGES.get_template

    def noted(name: Any, *more: Any, **named: Any) -> Any:
        found.drawn.add(name)
        return plain(name, *more, **named)

    empty = empty_store(tmp_path_factory.mktemp("empty") / "replica.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.PAGES, "get_template", noted)
        for session in SESSIONS:
            found.join(through(browser, empty, busy, keeper, session))
    empty.close()
    return found


@pytest.fixture(scope="module")
def alone(browser: Any, busy: kit.DemoNode) -> Found:
    return through_alone(browser, busy, SESSIONS)


def test_every_page_fits_the_hand_and_can_be_used_by_everybody(walked: Found) -> None:
    assert walked.wrong == {}


def test_every_page_that_a_handheld_draws_alone_does_so_too(alone: Found) -> None:
    assert alone.wrong == {}


def test_no_page_asks_anybody_but_the_store_box_and_no_script_breaks(walked: Found, alone: Found) -> None:
    assert walked.strange == []
    assert alone.strange == []


def test_no_page_and_no_template_is_left_out_of_the_walk(
    walked: Found, busy: kit.DemoNode, keeper: Keeper
) -> None:
    app = make_app(busy, store=kit.STORE, keeper=keeper)
    assert missing(app, walked.visited, NO_PAGES) == []
    assert set(web.PAGES.list_templates(extensions=["html"])) - walked.drawn == NOT_HERE
    # What is named as no page is none.
    assert set(walked.answered) == {route for route, path in NO_PAGES.items() if path}
    pages = {route: told for route, told in walked.answered.items() if "html" in told or told[:3] != "200"}
    assert pages == {}
