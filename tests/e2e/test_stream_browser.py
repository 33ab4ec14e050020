"""A page hears the store box as long as it looks, and finds it again by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_alone import CAP, Box, says, until

pytestmark = pytest.mark.browser

HEARD = """() => {
  window.heard = [];
  for (const name of ["work", "unheard"]) document.addEventListener(name, () => heard.push(name));
  return new Promise((done) => setTimeout(done, 50));
}"""


def test_a_page_hears_of_work_and_of_the_line_and_finds_the_box_again(
    page: Any, box: Box, node: kit.DemoNode
) -> None:
    page.goto(f"{box.address}/orders?tab=offers")
    page.evaluate(HEARD)
    node.offer(77, [(CAP, 1)])
    page.evaluate("fetch('/health')")  # wakes the box's loop, which lives in another thread here
    says(page, "YP-1077")
    assert "work" in page.evaluate("heard")

    # The box goes away: said once it was asked in vain.
    box.kill()
    says(page, "Store box away")
    assert "unheard" in page.evaluate("heard")

    # A page drawn while it is away has no stream yet, and gets one when the box is back.
    page.goto(f"{box.address}/orders?tab=offers")
    page.evaluate(HEARD)
    says(page, "Store box away")
    box.start()
    until(page, lambda: "work" in page.evaluate("heard"))
    page.wait_for_function("() => !document.querySelector('#line.alone')")


def test_nobody_looks_and_nothing_is_heard(page: Any, box: Box) -> None:
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.goto(f"{box.address}/orders?tab=offers")
    until(page, lambda: len(box.node.listeners.queues) == 1)
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    until(page, lambda: not box.node.listeners.queues)
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
    until(page, lambda: len(box.node.listeners.queues) == 1)
