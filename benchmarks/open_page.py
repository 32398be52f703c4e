"""A signed-in browser on the busy customer's timeline, which notes by itself when a message is painted."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app import database
from app.access import sessions
from benchmarks.storing import BUSY
from operations.commands.testing import chromium
from warehouse.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

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


class OpenPage:
    """The page, open for the time of the block.

    The session is opened as the sign-in form does it: a one-time token, traded for the cookie.
    """

    def __init__(self, settings: Settings, port: int, user_name: str) -> None:
        self._settings = settings
        self._base = f"http://127.0.0.1:{port}"
        self._user_name = user_name
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def __enter__(self) -> OpenPage:
        from playwright.sync_api import sync_playwright

        database.use(self._settings)
        token = sessions.start_token(self._user_name)
        database.close()
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=chromium(), args=ARGUMENTS
            )
            page = self._browser.new_page()
            page.add_init_script(NOTES)
            path = f"/timeline?{urlencode({'customer': BUSY})}"
            # As the form leads there; a browser tells an address that is typed from it.
            page.context.request.get(f"{self._base}/session/start?{urlencode({'token': token})}")
            page.goto(self._base + path)
            page.wait_for_selector("article[data-message]", timeout=30_000)
        except BaseException:
            self.close()
            raise
        self._page = page
        return self

    def wait_for(self, message_ids: list[str], seconds: float) -> dict[str, float]:
        """When each message was painted, by the wall clock; those that were not in time are left out."""
        deadline = time.monotonic() + seconds
        while True:
            painted: dict[str, float | None] = self._page.evaluate("window.painted")
            found = {one: at for one in message_ids if (at := painted.get(one)) is not None}
            if len(found) == len(message_ids) or time.monotonic() > deadline:
                return found
            self._page.wait_for_timeout(200)

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
