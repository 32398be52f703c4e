"""A signed-in browser, whose page notes by itself when something is painted: there is no clock nearer to the eye."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from benchmarks.sign_in import token
from benchmarks.storing import BUSY
from operations.commands.testing import chromium
from warehouse.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: Notes the wall clock, in seconds, in the frame after an article came into the document.
NOTES = """
window.painted = {};
const look = () => {
    for (const article of document.querySelectorAll("article[data-message]")) {
        const id = article.dataset.message;
        if (!(id in window.painted)) {
            window.painted[id] = null;
            requestAnimationFrame(() => requestAnimationFrame(() => { window.painted[id] = Date.now() / 1000; }));
        }
    }
};
new MutationObserver(look).observe(document, {childList: true, subtree: true});
"""


class SignedIn:
    """A browser with one person, open for the time of the block."""

    #: Runs in every document before anything of it.
    script = NOTES

    def __init__(self, settings: Settings, port: int, user_name: str) -> None:
        self._settings = settings
        self._base = f"http://127.0.0.1:{port}"
        self._user_name = user_name
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self.page: Page

    def __enter__(self) -> Self:
        from playwright.sync_api import sync_playwright

        traded = token(self._settings, self._user_name)
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=chromium(), args=ARGUMENTS
            )
            self.page = self._browser.new_page(viewport={"width": 1280, "height": 800})
            self.page.add_init_script(self.script)
            # As the form leads there; a browser tells an address that is typed from it.
            query = urlencode({"token": traded})
            self.page.context.request.get(f"{self._base}/session/start?{query}")
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def begin(self) -> None:
        """What is done first, once somebody is signed in."""

    def go(self, path: str, **query: str) -> None:
        """Load a page as its address leads there."""
        self.page.goto(f"{self._base}/{path}?{urlencode(query)}")

    def close(self) -> None:
        if self._browser is not None:
            self._browser.close()
            self._browser = None
        if self._playwright is not None:
            self._playwright.stop()
            self._playwright = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class OpenPage(SignedIn):
    """The busy customer's timeline."""

    def begin(self) -> None:
        self.go("timeline", customer=BUSY)
        self.page.wait_for_selector("article[data-message]", timeout=30_000)

    def wait_for(self, message_ids: list[str], seconds: float) -> dict[str, float]:
        """When each message was painted, by the wall clock; those that were not in time are left out."""
        deadline = time.monotonic() + seconds
        while True:
            painted: dict[str, float | None] = self.page.evaluate("window.painted")
            found = {one: at for one in message_ids if (at := painted.get(one)) is not None}
            if len(found) == len(message_ids) or time.monotonic() > deadline:
                return found
            self.page.wait_for_timeout(200)

    def wait_until_gone(self, message_id: str, seconds: float) -> None:
        """Return once the message stands on the page no more; a time-out of Playwright's where it stays."""
        self.page.locator(f'article[data-message="{message_id}"]').wait_for(
            state="detached", timeout=seconds * 1000
        )

    def forget(self) -> None:
        """Note each message anew: what stands there now is noted with the next that comes."""
        self.page.evaluate("window.painted = {}")
