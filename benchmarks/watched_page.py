"""A signed-in browser in which one act after the other is timed: from a key or a click to the frame that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.open_page import SignedIn

#: The clock of the page itself. An act begins with the first key or click after it was armed; it is painted in the
#: second frame after the document looks as it should. A load begins where the browser began to ask for it.
WATCH = """
const something = () => document.querySelector("article[data-message], .empty");
window.watched = {looks: something, begun: 0, isAct: false, seen: false, painted: 0};
const begin = () => { if (watched.isAct && !watched.begun) watched.begun = performance.now(); };
addEventListener("pointerdown", begin, {capture: true});
addEventListener("keydown", begin, {capture: true});
const look = () => {
    if (watched.seen || (watched.isAct && !watched.begun) || !watched.looks()) return;
    watched.seen = true;
    requestAnimationFrame(() => requestAnimationFrame(() => { watched.painted = performance.now() - watched.begun; }));
};
new MutationObserver(look).observe(document, {childList: true, subtree: true, characterData: true, attributes: true});
"""
PATIENCE_SECONDS = 30.0


class NeverPainted(Exception):
    """What was waited for did not come to the screen."""


class WatchedPage(SignedIn):
    """`load` and `act` give the milliseconds until what they wait for was painted."""

    script = WATCH

    def load(self, path: str, **query: str) -> float:
        """A whole page, up to its first message, or to where it says that there is none."""
        self.go(path, **query)
        return self._painted(path)

    def act(self, do: Callable[[], Any], looks: str, *given: Any) -> float:
        """What a person does with a key or a click.

        Args:
            looks: JavaScript, called with what is `given` before the act: returns a function that says whether it is
                on the screen.
        """
        armed = "begun: 0, isAct: true, seen: false, painted: 0"
        self.page.evaluate(
            f"given => Object.assign(watched, {{looks: ({looks})(...given), {armed}}})", list(given)
        )
        do()
        return self._painted(looks)

    def _painted(self, what: str) -> float:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (painted := self.page.evaluate("watched.painted")):
            if time.monotonic() > deadline:
                raise NeverPainted(f"within {PATIENCE_SECONDS:.0f} s: {what}")
            self.page.wait_for_timeout(20)
        return float(painted)
