"""Pages: a real Chromium in front of so many stored messages, and what one more open page costs the app.

    ./crm bench pages --scale 1000000

From the key or the click to the frame that shows it, one act at a time, on a timeline of 10,000 messages: opened whole
by its address and from the list of customers, filtered, a message's panel opened; words looked for from the box on top,
a conversation's panel on the page of work. The other side, in the same run: a page of the same app that shows nothing
(for a page that is loaded), and the least that a click can cause, a box that opens (for what happens on a page).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.kept import stored
from benchmarks.machine import machine
from benchmarks.processor import resident_mb
from benchmarks.sign_in import cookie
from benchmarks.storing import BUSY, TRIAL_MESSAGES
from benchmarks.throwaway import Throwaway
from benchmarks.watched_page import WatchedPage
from operations.runtime.ports import free_port
from warehouse.queries import parse
from warehouse.settings import Settings

ADD_USERS = parse((Path(__file__).parent / "staff.sql").read_text())["add_users"]
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
ROUNDS = 40
#: So many messages at the top of what is on the page are left alone.
PAGE_MARGIN = 10
#: Open pages whose memory is counted, each with the newest page of the long timeline, and some that came before them.
SESSIONS, EARLIER_SESSIONS, PEOPLE = 40, 8, 20
#: From the commonest word, which most messages hold, to rare ones: by benchmarks/storing.sql the n-th is 1/n as common.
SEARCHES = (
    "word1", "word20", "word7 after:2000-01-01", "word300", "word50 word3", "word30 channel:gmail", "word4000",
    "word9*",
)  # fmt: skip

#: The messages on the screen are others than they were.
OTHERS = """() => {
    const all = () => [...document.querySelectorAll(".st-key-timeline article")];
    const shown = () => all().map(each => each.dataset.message).join();
    const before = shown();
    return () => shown() && shown() !== before;
}"""
#: The first result is another than it was, and bears a mark.
RESULTS = """() => {
    const first = () => document.querySelector(".st-key-found .line.found")?.outerHTML ?? "";
    const before = first();
    return () => location.pathname === "/search" && first() !== before && first().includes("<mark>");
}"""
#: The panel of this message stands there down to its last link.
PANEL = """(id) => () => [...document.querySelectorAll(".st-key-chosen_message a")]
    .some(each => new URL(each.href).searchParams.get("message") === id)"""
#: The panel is headed by another conversation, and what can be done with it stands there.
WORK_PANEL = """() => {
    const head = () => document.querySelector(".st-key-panel .panel-head")?.innerText ?? "";
    const before = head();
    return () => head() !== before && document.querySelector(".st-key-panel .standing");
}"""
TIMELINE = """() => () => document.querySelector(".st-key-timeline article")"""
BOX = """() => () => document.querySelector("[data-testid=stPopoverBody] [role=spinbutton]")"""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        NeverPainted: something did not come to the screen.
    """
    messages = scale or DEFAULT_MESSAGES
    rounds = ROUNDS if messages >= TRIAL_MESSAGES else 3
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, _):
        # Nothing arrives: this program is there so that no page says that nobody folds.
        on.start("transform")
        with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
            admin.execute(ADD_USERS, {"people": PEOPLE})
        port = free_port()
        app = on.start("app", "--port", str(port), ready_url=f"http://127.0.0.1:{port}/healthz")
        results = _painted(on.settings, port, rounds)
        results.append(_memory(on, port, app.pid))
        return document("pages", messages, machine(on.settings.admin_url, on.folder), results)


# -- in the browser ------------------------------------------------------------------------------


def _painted(settings: Settings, port: int, rounds: int) -> list[dict[str, Any]]:
    with WatchedPage(settings, port, "staff1") as page:
        cold = page.load("timeline", customer=BUSY)
        # Every page and box once: the app reads its files, the browser keeps them.
        for do in (_loads, _opens, _filters, _panels, _searches, _work):
            do(page, 1)
        loads, empty = _loads(page, rounds)
        least = _boxes(page, rounds)
        return [
            result("the first page that a browser ever loads: a long timeline", cold, "ms"),
            *_rows("a long timeline, loaded", loads, empty, "≤ 1200 ms"),
            *_rows("a long timeline, opened from the list", _opens(page, rounds), empty, "≤ 1200 ms"),
            *_rows("a filter changed on it", _filters(page, rounds), least, "≤ 500 ms"),
            *_rows("a message's panel", _panels(page, rounds), least, "≤ 300 ms"),
            *_rows("a conversation's panel, on the page of work", _work(page, rounds), least, "≤ 300 ms"),
            *_rows("search box to results", _searches(page, rounds), least, "≤ 500 ms"),
        ]  # fmt: skip


def _rows(what: str, times: list[float], others: list[float], goal: str) -> list[dict[str, Any]]:
    return [
        result(
            f"{what}, {word} of {len(times)}",
            percentile(times, share),
            "ms",
            limit=percentile(others, share),
            goal=goal if word == "p95" else None,
        )
        for word, share in (("p50", 0.5), ("p95", 0.95))
    ]


def _settled(page: WatchedPage) -> None:
    """The long timeline with all its scripts."""
    page.load("timeline", customer=BUSY)
    page.page.locator("button.fold-about[aria-expanded]").wait_for()
    page.page.wait_for_load_state("networkidle")


def _loads(page: WatchedPage, rounds: int) -> tuple[list[float], list[float]]:
    """The long timeline and an empty page, in turns."""
    long, empty = [], []
    for _ in range(rounds):
        empty.append(page.load("saved"))
        long.append(page.load("timeline", customer=BUSY))
    return long, empty


def _opens(page: WatchedPage, rounds: int) -> list[float]:
    """Chosen from the list of customers, where its number found it."""
    times = []
    for _ in range(rounds):
        page.go("", q="+61491570006")
        link = page.page.locator(".st-key-customer_list a").first
        link.wait_for()
        # Whoever looks for a name gives the scripts the time to come.
        page.page.locator("html.hears-presses").wait_for(state="attached")
        times.append(page.act(partial(link.click, force=True), TIMELINE))
    return times


def _boxes(page: WatchedPage, rounds: int) -> list[float]:
    """A box opens, with nothing read: the way to the app and back, and the drawing."""
    _settled(page)
    button = page.page.get_by_role("button", name="Jump")
    times = []
    for _ in range(rounds):
        times.append(page.act(button.click, BOX))
        page.page.keyboard.press("Escape")
        page.page.locator("[data-testid=stPopoverBody]").wait_for(state="detached")
    return times


def _filters(page: WatchedPage, rounds: int) -> list[float]:
    """A channel more, one less: each leaves other messages."""
    _settled(page)
    page.page.get_by_role("button", name="Filter").click()
    channels = page.page.get_by_role("toolbar", name="Channel")
    steps = ("Mail", "WhatsApp", "Mail", "WhatsApp")
    return [
        page.act(
            channels.get_by_role(
                "button", name=steps[number % len(steps)], exact=False
            ).first.click,
            OTHERS,
        )
        for number in range(rounds)
    ]


def _panels(page: WatchedPage, rounds: int) -> list[float]:
    """By the key, on one message after the other."""
    _settled(page)
    ids = page.page.evaluate(
        "[...document.querySelectorAll('.st-key-timeline article:not(.system)')].map(each => each.dataset.message)"
    )

    def choose(message_id: str) -> None:
        page.page.locator(f'[data-message="{message_id}"]').focus()
        page.page.keyboard.press("p")

    # From the newest on: the oldest one in sight brings the page before it.
    newest_first = ids[::-1][:-PAGE_MARGIN]
    return [
        page.act(partial(choose, chosen), PANEL, chosen)
        for chosen in (newest_first[number % len(newest_first)] for number in range(rounds))
    ]


def _searches(page: WatchedPage, rounds: int) -> list[float]:
    _settled(page)
    box = page.page.get_by_placeholder("Find messages")
    times = []
    for number in range(rounds):
        box.fill(SEARCHES[number % len(SEARCHES)])
        times.append(page.act(partial(box.press, "Enter"), RESULTS))
    return times


def _work(page: WatchedPage, rounds: int) -> list[float]:
    """One line of the list after the other."""
    page.go("work", list="open", within="any-time")
    lines = page.page.get_by_role("button", name="Open the panel of")
    lines.first.wait_for()
    there = lines.count()
    return [
        page.act(partial(line.click, force=True), WORK_PANEL)
        for line in (lines.nth(number % there) for number in range(rounds))
    ]


# -- beside it -----------------------------------------------------------------------------------


def _memory(on: Throwaway, port: int, app: int) -> dict[str, Any]:
    """What the app grows by, an open page; these speak for themselves, without a browser each."""
    cookies = [cookie(on.settings, f"staff{number}") for number in range(1, PEOPLE + 1)]
    # Whatever the first ones have it keep for all is there before the others are counted.
    _open_pages(on, port, app, cookies, EARLIER_SESSIONS)
    grown = _open_pages(on, port, app, cookies, SESSIONS)
    return result(f"memory a session, of {SESSIONS}", grown / SESSIONS, "MB")


def _open_pages(on: Throwaway, port: int, app: int, cookies: list[str], number: int) -> float:
    before = resident_mb(app)
    crowd = on.converse("benchmarks.staff_people")
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    order = {
        "port": port, "cookies": [], "idle_cookies": [cookies[each % len(cookies)] for each in range(number)],
        "customers": [BUSY], "open_customers": [BUSY], "seconds": 2, "think_seconds": 1, "seed": 1,
    }  # fmt: skip
    crowd.stdin.write(json.dumps(order) + "\n")
    crowd.stdin.flush()
    opened = json.loads(crowd.stdout.readline())["opened"]
    grown = resident_mb(app) - before
    crowd.stdout.readline()
    on.stop(crowd)
    assert opened == number, f"{opened} of {number} pages opened"
    return max(grown, 0.0)
