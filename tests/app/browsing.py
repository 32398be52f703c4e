"""The app as a program of its own, and a browser with one person in front of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect

from app.access import sessions
from operations.runtime.ports import free_port, is_busy
from tests.app.conftest import PASSWORD
from tests.forked import Forked
from tests.long_form import LONG
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
expect.set_options(timeout=30_000)
#: Against a hang alone.
SERVES_SECONDS = 60
#: What a browser keeps of an address besides cookies and files.
KEPT_OF_PEOPLE = "local_storage,indexeddb,cache_storage,service_workers,file_systems"
#: Widths in pixels and colour schemes that hostile pages are opened with; each with each in the long form.
WINDOWS = [(390, "light"), (1360, "dark"), *([(390, "dark"), (1360, "light")] if LONG else [])]


@cache
def _port_of_this_run() -> int:
    return free_port()


def usual_port() -> int:
    """For the app of each test the same one, where nobody has taken it meanwhile: a browser keeps what it has fetched and
    compiled by address."""
    usual = _port_of_this_run()
    return free_port() if is_busy(usual) else usual


@contextmanager
def serving(
    settings: Settings,
    folder: Path,
    *,
    port: int | None = None,
    is_forked: bool = False,
    **more: str,
) -> Iterator[str]:
    """The app on this warehouse, its environment with `more`; its log must hold no error and no token.

    Args:
        is_forked: from a process that has imported it, which saves seconds.
    """
    assert settings.database_url
    assert settings.master_key
    port = port or free_port()
    environment = {
        **os.environ,
        "CRM_DATABASE_URL": settings.database_url.get_secret_value(),
        "CRM_MASTER_KEY": settings.master_key.get_secret_value(),
        "CRM_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": str(ROOT),
        **more,
    }
    log_file, program = folder / "app.log", ["-m", "app", "--port", str(port)]
    process: subprocess.Popen[bytes] | Forked
    if is_forked:
        process = Forked("app", program, folder=folder, environment=environment, log=log_file)
    else:
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *program],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
    try:
        _wait_until_serving(port, process, log_file)
        _wait_until_hearing(settings)
        yield f"http://127.0.0.1:{port}"
        log_text = log_file.read_text()
        assert "Traceback" not in log_text, log_text[-3000:]
        assert "Uncaught" not in log_text, log_text[-3000:]
        assert "token=" not in log_text
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _wait_until_serving(
    port: int, process: subprocess.Popen[bytes] | Forked, log_file: Path
) -> None:
    until = time.monotonic() + SERVES_SECONDS
    while time.monotonic() < until:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log_file.read_text()
            time.sleep(0.02)
    pytest.fail(f"the app did not serve within {SERVES_SECONDS} s")


def _wait_until_hearing(settings: Settings) -> None:
    """It serves before it listens for what changes, and tells streams to come again later until then."""
    until = time.monotonic() + SERVES_SECONDS
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        while (
            time.monotonic() < until
            and not owner.execute(
                "select from pg_stat_activity where datname = current_database()"
                " and application_name = 'crm app news' and query ilike 'listen%'"
            ).fetchall()
        ):
            time.sleep(0.02)


class Person:
    """A browser with one person in front of it, who writes down what goes wrong on the way."""

    def __init__(
        self,
        context: BrowserContext,
        address: str,
        *,
        width: int = 1200,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
    ) -> None:
        self.context, self.address = context, address
        self.size: ViewportSize = {"width": width, "height": height}
        self.scheme: Literal["light", "dark"] = scheme
        self.elsewhere: list[str] = []
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.set_viewport_size(self.size)
        page.emulate_media(color_scheme=self.scheme)
        page.on("request", self._note_request)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.errors.append(message.text) if "Content Security" in message.text else None
            ),
        )
        return page

    def _note_request(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if not url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(url)

    def sign_in(self, path: str = "/", *, user_name: str = "agent") -> Page:
        """With what the form gives in the end, a session and its cookie: the form costs a page of its own, and has tests
        of its own (`sign_in_by_form`). Whoever was at this desk before is gone."""
        self.has_signed_in(user_name)
        self.page.goto(self.address + path)
        expect(self.page.locator(".st-key-account")).to_be_visible()
        return self.page

    def has_signed_in(self, user_name: str = "agent") -> None:
        """The same, and no page is opened yet: each costs two seconds of a core."""
        if self.page.url != "about:blank":
            # Their page would hear that nobody is signed in, or somebody else, and load itself anew on the way to this one.
            self.page.goto("about:blank")
            self.context.clear_cookies()
        token = sessions.open_session(
            sessions.start_token(user_name), ip="127.0.0.1", user_agent="Chromium"
        )
        assert token
        self.context.add_cookies(
            [
                {
                    "name": sessions.cookie_name(), "value": token, "url": self.address,
                    "httpOnly": True, "sameSite": "Lax",
                }
            ]
        )  # fmt: skip

    def sign_in_by_form(
        self, path: str = "/", *, password: str = PASSWORD, user_name: str = "agent"
    ) -> Page:
        self.page.goto(self.address + path)
        self.page.get_by_label("User name").fill(user_name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        if password == PASSWORD:
            expect(self.page.locator(".st-key-account")).to_be_visible()
        return self.page


def forget(profile: BrowserContext, address: str) -> None:
    """Close what is open, and forget who was there; what was fetched and compiled of the app stays.

    The profile's first page is blank and stays: a browser without one ends.
    """
    first, *others = profile.pages
    for page in others:
        page.close()
    profile.clear_cookies()
    profile.clear_permissions()
    devtools = profile.new_cdp_session(first)
    devtools.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": KEPT_OF_PEOPLE})
    devtools.detach()


#: Where one stands, and whether that is what one looks for, in one question: Tab takes hundreds of steps through pages, and
#: a question costs as much as a step.
STANDS = """(sought) => {
    const at = document.activeElement;
    return { count: sought.length, isThere: sought[0] === at, said: at ? at.outerHTML.slice(0, 160) : "" };
}"""


def tab_to(page: Page, target: Locator, most: int = 120) -> None:
    """Go there as somebody without a mouse does, from where they are."""
    expect(target).to_be_visible()
    met = []
    for _ in range(most):
        page.keyboard.press("Tab")
        at = _stands(target)
        if at["isThere"]:
            return
        met.append(at["said"])
    pytest.fail(f"{target} is not reached by keyboard, but: {met[:60]}")


def press_on(page: Page, target: Locator, key: str = "Enter", most: int = 120) -> None:
    """Go there by Tab, and press a key on it."""
    tab_to(page, target, most)
    page.keyboard.press(key)


def arrow_to(page: Page, target: Locator, key: str = "ArrowRight", most: int = 15) -> None:
    """Go on by arrows among those that are one stop of Tab."""
    for _ in range(most):
        if has_focus(target):
            return
        page.keyboard.press(key)
    pytest.fail(f"{target} is not reached by {key}")


def by_calendar(page: Page, label: str, day: date) -> None:
    """A day of this month or of the one before, out of the calendar of a field, by mouse."""
    field = page.locator(".stDateInput").filter(has_text=label)
    field.get_by_role("button", name="Choose date").click()
    grid = page.get_by_role("grid")
    expect(grid).to_be_visible()
    cell = grid.get_by_role("button", name=f"{day:%B} {day.day}, {day.year}")
    if not cell.count():
        page.get_by_role("button", name="Previous").click()
    cell.click()


def has_focus(target: Locator) -> bool:
    return bool(_stands(target)["isThere"])


def _stands(target: Locator) -> dict[str, Any]:
    while (found := target.evaluate_all(STANDS))["count"] != 1:
        # As long as a run draws what stands before it, a field that moves on stands there twice.
        expect(target).to_have_count(1)
    return dict(found)


def gets_focus(target: Locator) -> None:
    """Wait until one stands there: what closes, or is drawn anew, gives the place back a moment later."""
    eventually(lambda: has_focus(target))


def eventually(holds: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def until(page: Page, expression: str) -> None:
    """Wait until it is true in the page.

    Playwright's own `wait_for_function` looks again from within the page, by `eval`, which our policy forbids there: it
    passes where the first look finds it true, and fails where there has to be a second one.
    """
    eventually(lambda: bool(page.evaluate(expression)))


def ready(page: Page) -> None:
    """Wait until the scripts of a timeline are here: they say whether what stands beside it is shown."""
    fold = page.get_by_role("button", name="About this customer")
    expect(fold).to_have_attribute("aria-expanded", re.compile("true|false"))


def about(page: Page) -> Locator:
    """The card beside a timeline, shown where it was folded."""
    ready(page)
    fold = page.locator(".fold-about")
    if fold.get_attribute("aria-expanded") == "false":
        fold.click()
    card = page.locator(".identity-card")
    expect(card).to_be_visible()
    return card


def fits(page: Page) -> None:
    """Nothing is wider than the window, as soon as the page has settled in it."""
    until(page, "document.documentElement.scrollWidth <= window.innerWidth")
