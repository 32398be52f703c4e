"""Whoever goes through a page by Tab sees where they stand, and whoever hears it is told what stands there: on each page, in a
dialog, in what opens and in a panel, in light and in dark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page

from tests.app.browsing import Person
from tests.app.conftest import Correspondence
from tests.app.pictured import written
from tests.app.pictured_office import office
from tests.app.screenshots import PICTURES, Picture, Scheme
from tests.long_form import LONG

LOOKS = (Path(__file__).parent / "focus.js").read_text()
#: As much as the rules for what can be seen ask of it (WCAG 2.2, 1.4.11).
CONTRAST = 3.0
#: A page repeats itself: so many stops of it.
MOST = 150
#: What is gone through, each as its picture shows it; in the long form every picture.
PAGES = (
    "sign_in", "customers", "import_preview", "timeline_newest", "timeline_keys", "timeline_picture_large", "timeline_kinds",
    "filter_open", "chosen_message", "panel_hand_over", "panel_notes_and_history", "jump", "next_match", "search_results",
    "search_notes", "saved_views", "saved_views_page", "work", "work_several_at_once", "unassigned", "unassigned_decide",
    "message", "tags", "connections", "connecting_guide", "connecting_choose", "connection", "connection_keys", "quarantine",
    "health", "jobs", "users", "account", "audit", "merge", "privacy", "privacy_incident", "retention", "data_quality",
)  # fmt: skip


def through(page: Page, devtools: CDPSession) -> tuple[list[str], int]:
    """What is wrong with the stops of a page, and how many there are."""
    page.evaluate(LOOKS)
    wrong: list[str] = []
    stops = times_away = 0
    while stops < MOST:
        page.keyboard.press("Tab")
        found = page.evaluate("focused.step()")
        left = found["left"]
        if left and not left["isGone"] and left["contrast"] < CONTRAST:
            wrong.append(f"not seen ({left['contrast']}): {left['said']}")
        # Between the last and the first a browser's own window has its turn.
        if found["isAway"] and not times_away:
            times_away = 1
            continue
        if found["isEnd"]:
            break
        if found["isPut"]:
            # An earlier page of messages came meanwhile: one was put back to the message at which one stood.
            continue
        stops += 1
        role, name = told(devtools)
        if not page.evaluate("focused.isThere()"):
            continue
        if not name.strip() or role in ("none", "generic", ""):
            wrong.append(f"not told ({role or 'no role'} {name!r}): {found['said']}")
    return wrong, stops


def told(devtools: CDPSession) -> tuple[str, str]:
    """What a screen reader is told of where one stands: what it is, and what it is called."""
    it = devtools.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]
    tree = devtools.send(
        "Accessibility.getPartialAXTree", {"objectId": it["objectId"], "fetchRelatives": False}
    )
    node: dict[str, Any] = tree["nodes"][0]
    if node.get("ignored"):
        return "", ""
    return node["role"]["value"], node.get("name", {}).get("value", "")


def drawn(name: str) -> Picture:
    return next(each for each in PICTURES if each.name == name.replace("_", "-"))


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_stop_of_tab_is_seen_and_told(
    profile: BrowserContext,
    address: str,
    correspondence: Correspondence,
    scheme: Scheme,
) -> None:
    shop = written(correspondence)
    office(correspondence, shop)
    names = [each for number, each in enumerate(PAGES) if LONG or number % 2 == (scheme == "dark")]
    wrong: dict[str, list[str]] = {}
    for name in names:
        its = drawn(name)
        person = Person(profile, address, width=1280, scheme=scheme)
        profile.clear_cookies()
        page = person.page
        if its.user:
            person.has_signed_in(its.user)
            # What draws a picture opens its page at the address where one is. This is an answer without one.
            page.goto(f"{address}/healthz")
        else:
            page.goto(address)
        its.draw(page, shop)
        page.wait_for_timeout(400)
        devtools = profile.new_cdp_session(page)
        found, stops = through(page, devtools)
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/{name}-{scheme}.png")
        if found or not stops:
            wrong[name] = found
        devtools.detach()
        page.close()
    assert wrong == {}, "\n".join(
        f"{name}: {each}" for name, all_ in wrong.items() for each in all_
    )
