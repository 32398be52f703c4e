"""Every condition of the filter: chosen, seen as a chip with what it leaves and hides, removed; by mouse, and by keyboard
alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from app import act, filter_bar
from app.views import clock
from tests.app.browsing import (
    Person,
    arrow_to,
    by_calendar,
    gets_focus,
    has_focus,
    press_on,
    ready,
    tab_to,
)
from tests.app.conftest import Correspondence
from tests.long_form import LONG
from warehouse.filters import PERIODS, Filter

NUMBER, ADDRESS = "+61491570006", "sam@example.com"
FILE = {"part_id": "1", "filename": "a.pdf", "content_type": "application/pdf", "size_bytes": 9}
#: How old each message is, in days.
AGES = (0, 0, 1, 5, 20, 45, 200, 400)
#: The newest mail bears a file, and the newest message of ours has failed.
WITH_FILE, FAILED = 1, 2


@dataclass(frozen=True)
class Choice:
    """A value of a condition: its label, the option's name, the chip's words, and how many messages pass."""

    label: str
    option: str
    chip: str
    passed: int


@pytest.fixture
def today() -> datetime:
    """Noon of the day it is where the shop is, or now where that is to come."""
    now = datetime.now(ZoneInfo("Australia/Sydney"))
    return min(now.replace(hour=12, minute=0, second=0, microsecond=0), now)


@pytest.fixture
def sam(correspondence: Correspondence, today: datetime) -> str:
    """Every second message is a mail, every third one ours; texts are tagged and somebody's."""
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    with correspondence.together():
        for number, days in enumerate(AGES):
            at, ours = today - timedelta(days=days, seconds=number), number % 3 == 2
            if number % 2:
                files = [FILE] if number == WITH_FILE else []
                correspondence.mail(
                    ADDRESS, "Mail", f"m {number}", at, ours=ours, attachments=files
                )
            else:
                status = "failed" if number == FAILED else None
                correspondence.sms(NUMBER, f"m {number}", at, ours=ours, status=status)
    agent = correspondence.signed_in("agent")
    ((texts,),) = correspondence.execute(
        "select conversation_id from canonical.conversations where channel = 'twilio_sms'"
    )
    act.tag(agent, [texts], "Returns")
    act.assign(agent, {texts: act.Seen()}, assignee="agent")
    return sam


def choices() -> list[Choice]:
    half, ours = len(AGES) // 2, len([each for each in range(len(AGES)) if each % 3 == 2])
    return [
        Choice("Channel", "Mail", "Channel Mail", half),
        Choice("Direction", "Sent by us", "Direction Sent by us", ours),
        Choice("Kind", "Text", "Kind Text", half),
        Choice("Status", "Failed", "Status Failed", 1),
        Choice("Connection", "SMS", "Connection SMS", half),
        Choice("Tag", "Returns", "Tag Returns", half),
        Choice("Assignee", "agent", "Assignee agent", half),
        Choice("Assignment", "Assigned", "Assignment Assigned", half),
    ]


def periods(today: date) -> list[Choice]:
    found = []
    for period in PERIODS:
        since, until = Filter(period=period).days(today)
        assert since
        assert until
        passed = [days for days in AGES if since <= today - timedelta(days=days) <= until]
        words = filter_bar.PERIODS[period]
        found.append(Choice("When", words, words, len(passed)))
    return found


def said(passed: int) -> str:
    noun = "message" if passed == 1 else "messages"
    return f"{passed} {noun} shown, {len(AGES) - passed} hidden"


def group(page: Page, label: str) -> Locator:
    """What holds the options of a condition that are few."""
    return page.locator("[role=toolbar], [role=radiogroup]").and_(
        page.get_by_label(label, exact=True)
    )


def option(page: Page, choice: Choice) -> Locator:
    held = group(page, choice.label)
    return held.get_by_role(
        "radio" if choice.label == "When" else "button", name=choice.option, exact=True
    )


def is_long(choice: Choice) -> bool:
    """Whether there are so many options that one types."""
    return choice.label in ("Kind", "Status")


def test_each_condition_by_mouse(
    person: Person, correspondence: Correspondence, sam: str, today: datetime
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(len(AGES))
    ready(page)
    cards = len(correspondence.events("customer.view"))
    button = page.get_by_role("button", name="Filter")

    def removed(chip: str, passed: int) -> None:
        expect(page.get_by_text(said(passed))).to_be_visible()
        expect(page.locator(".message")).to_have_count(passed)
        page.get_by_role("button", name=chip, exact=True).click()
        expect(page.get_by_text("hidden")).to_have_count(0)
        expect(page.locator(".message")).to_have_count(len(AGES))

    # All spans are reached alike, and what each means is tried without a browser (tests/app/test_filtered.py).
    for choice in (*choices(), *periods(today.date())[: None if LONG else 2]):
        button.click()
        if is_long(choice):
            page.get_by_role("combobox", name=choice.label, exact=True).click()
            page.get_by_role("option", name=choice.option, exact=True).click()
            # While the list is open the rest of the page is hidden from screen readers.
            page.get_by_text("To, included").click()
        else:
            option(page, choice).click()
        removed(choice.chip, choice.passed)
    button.click()
    page.get_by_text("Has an attachment").click()
    removed("Has an attachment", 1)
    first, last = (today - timedelta(days=days) for days in (5, 1))
    button.click()
    by_calendar(page, "From", first.date())
    expect(page.get_by_text(said(4))).to_be_visible()
    by_calendar(page, "To, included", last.date())
    removed(clock.days(first.date(), last.date()), 2)

    # What stands beside is neither read nor drawn for another filter.
    assert len(correspondence.events("customer.view")) == cards
    # Several together, gone to a message and back, and all of it cleared.
    button.click()
    option(page, choices()[0]).click()
    expect(page.get_by_text(said(4))).to_be_visible()
    option(page, choices()[1]).click()
    ours = [number for number in range(len(AGES)) if number % 3 == 2 and number % 2]
    expect(page.get_by_text(said(len(ours)))).to_be_visible()
    button.click()
    page.locator(".message").first.click()
    page.get_by_role("link", name="Everything about it").click()
    page.wait_for_url("**/message?*")
    page.go_back()
    expect(page.get_by_text(said(len(ours)))).to_be_visible()
    page.locator(".st-key-filter_clear button").click()
    expect(page.locator(".message")).to_have_count(len(AGES))


def test_each_condition_by_keyboard_alone(person: Person, sam: str, today: datetime) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(len(AGES))
    ready(page)
    button = page.get_by_role("button", name="Filter")

    def chosen(choose: Callable[[], None], chip: str, passed: int) -> None:
        press_on(page, button)
        # Into what opened with the next Tab, and not behind all that stands on the page.
        expect(page.get_by_text("To, included")).to_be_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('[data-testid=stPopoverBody]')")
        page.keyboard.press("Shift+Tab")
        assert has_focus(button), (
            chip,
            page.evaluate("document.activeElement.outerHTML.slice(0,300)"),
        )
        choose()
        expect(page.get_by_text(said(passed))).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_text("To, included")).to_have_count(0)
        gets_focus(button)
        press_on(page, page.get_by_role("button", name=chip, exact=True), most=3)
        expect(page.get_by_text("hidden"), chip).to_have_count(0)
        expect(page.locator(".message")).to_have_count(len(AGES))

    def choose(choice: Choice) -> None:
        if is_long(choice):
            field = page.get_by_role("combobox", name=choice.label, exact=True)
            tab_to(page, field)
            page.keyboard.type(choice.option)
            page.keyboard.press("Enter")
            # By Esc its list is closed, and by one more what holds it.
            expect(page.get_by_text(said(choice.passed))).to_be_visible()
            if field.get_attribute("aria-expanded") == "true":
                page.keyboard.press("Escape")
            return
        # One stop of Tab, and arrows among them.
        wanted = option(page, choice)
        held = group(page, choice.label)
        for _ in range(30):
            page.keyboard.press("Tab")
            if held.evaluate("e => e.contains(document.activeElement)"):
                break
        arrow_to(page, wanted)
        page.keyboard.press("Space")

    # As by mouse.
    for choice in (*choices(), *periods(today.date())[: None if LONG else 2]):
        chosen(lambda choice=choice: choose(choice), choice.chip, choice.passed)  # type: ignore[misc]

    def with_file() -> None:
        press_on(page, page.get_by_label("Has an attachment"), "Space")

    chosen(with_file, "Has an attachment", 1)


def test_own_days_and_a_filter_kept_by_keyboard_alone(
    person: Person, sam: str, today: datetime
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(len(AGES))
    ready(page)
    button = page.get_by_role("button", name="Filter")

    def day_field(label: str) -> Locator:
        return page.locator(".stDateInput").filter(has_text=label).get_by_role("spinbutton").first

    # Days of one's own: typed as they are written, told when one goes on.
    first, last = (today.date() - timedelta(days=days) for days in (5, 1))
    press_on(page, button)
    tab_to(page, day_field("From"))
    page.keyboard.type(f"{first:%d%m%Y}")
    tab_to(page, day_field("To, included"), most=3)
    expect(page.get_by_text(said(4))).to_be_visible()
    gets_focus(day_field("To, included"))
    page.keyboard.type(f"{last:%d%m%Y}")
    # Past its calendar.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_text(said(2))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("To, included")).to_have_count(0)
    gets_focus(button)
    chip = clock.days(first, last)
    expect(page.get_by_role("button", name=chip, exact=True)).to_be_visible()

    # Gone to a message, and back to what was left of the timeline.
    page.keyboard.press("j")
    message = page.locator(".message:focus")
    expect(message).to_have_count(1)
    page.keyboard.press("p")
    panel = page.locator(".st-key-chosen_message")
    expect(panel.get_by_text("Where it came from")).to_be_visible()
    page.keyboard.press("p")
    press_on(page, panel.get_by_role("link", name="Everything about it"), most=20)
    page.wait_for_url("**/message?*")
    expect(page.get_by_role("heading", name="Where this came from")).to_be_visible()
    page.go_back()
    expect(page.get_by_text(said(2))).to_be_visible()
    expect(page.locator(".message")).to_have_count(2)
    press_on(page, page.get_by_role("button", name=chip, exact=True))
    expect(page.get_by_text("hidden")).to_have_count(0)
    expect(page.locator(".message")).to_have_count(len(AGES))


def test_what_is_typed_into_a_long_list_is_chosen_alone(person: Person, sam: str) -> None:
    """Email is also within Voicemail."""
    page = person.sign_in(f"/timeline?customer={sam}")
    ready(page)
    press_on(page, page.get_by_role("button", name="Filter"))
    tab_to(page, page.get_by_role("combobox", name="Kind", exact=True))
    page.keyboard.type("Email")
    expect(page.get_by_role("option")).to_have_text(["Email", "Voicemail"])
    page.keyboard.press("Enter")
    page.wait_for_url("**kind=email*")
    expect(page.get_by_text(said(len(AGES) // 2))).to_be_visible()
    assert "voicemail" not in page.url
