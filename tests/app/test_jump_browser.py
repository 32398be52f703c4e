"""Jumping in a timeline in a real Chromium: to a day, to the first message, from match to match; by mouse and by keyboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.app.browsing import Person, eventually, fits, ready
from tests.app.conftest import Correspondence

NUMBER, ADDRESS = "+61491570006", "sam@example.com"


def choose(page: Page, digits: str) -> None:
    """Type a day into the field of the calendar, by its digits alone."""
    page.get_by_role("spinbutton").first.click()
    page.keyboard.type(digits)
    page.keyboard.press("Enter")


def test_a_timeline_is_opened_at_a_day_and_at_its_first_message(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    correspondence.folds_at_once = False
    for number in range(120):
        at = datetime(2026, 3, 1, 1, tzinfo=UTC) + timedelta(days=number)
        correspondence.sms(NUMBER, f"message {number:03}", at)
        if number in (44, 45):
            correspondence.mail(ADDRESS, "s", f"mail {number}", at + timedelta(hours=1))
    correspondence.fold()
    page = person.sign_in(f"/timeline?customer={sam}&channel=twilio_sms")
    expect(page.get_by_text("message 119")).to_be_in_viewport()
    page.get_by_role("button", name="Jump").click()
    choose(page, "15042026")
    page.wait_for_url("**at=*")
    # The fifteenth of April, with its neighbours, and the way on in both directions.
    expect(page.get_by_text("message 045")).to_be_in_viewport()
    expect(page.get_by_text("message 044")).to_be_visible()
    expect(page.get_by_text("message 046")).to_be_visible()
    assert page.get_by_text("message 119").count() == 0
    expect(page.get_by_role("button", name="Earlier messages")).to_be_visible()
    # The filter goes along, and is changed where one is.
    assert "channel=twilio_sms" in page.url
    assert page.get_by_text("mail 45").count() == 0
    expect(page.get_by_text("120 messages shown, 2 hidden")).to_be_visible()
    page.get_by_role("button", name="Channel SMS").click()
    expect(page.get_by_text("mail 45")).to_be_visible()
    expect(page.get_by_text("message 045")).to_be_in_viewport()
    assert "channel=" not in page.url
    assert "at=" in page.url
    # What is known about the customer stands beside, as everywhere.
    ready(page)
    expect(page.get_by_role("region", name="Identities")).to_contain_text(NUMBER)

    # By keyboard alone, from there to the first.
    page.get_by_role("button", name="Jump").focus()
    page.keyboard.press("Enter")
    first = page.get_by_role("button", name="To the first message")
    expect(first).to_be_visible()
    first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("message 000")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Earlier messages")).to_have_count(0)
    # Back leads to where one was.
    page.go_back()
    expect(page.get_by_text("message 045")).to_be_in_viewport()

    # Behind the last message there is nothing, and it says so.
    page.get_by_role("button", name="Jump").click()
    choose(page, "01122026")
    expect(page.get_by_text("No message from 1 Dec 2026 on")).to_be_visible()
    page.get_by_role("link", name="To the newest messages").first.click()
    expect(page.get_by_text("message 119")).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.get_by_role("button", name="Jump")).to_be_in_viewport()
    fits(page)


def test_from_one_match_to_the_next(person: Person, correspondence: Correspondence) -> None:
    correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.folds_at_once = False
    start = datetime.now(UTC) - timedelta(days=20)
    for number in range(120):
        words = f"refund {number:03}" if number % 40 == 20 else f"message {number:03}"
        correspondence.sms(NUMBER, words, start + timedelta(hours=number))
    correspondence.fold()
    page = person.sign_in("/search?q=refund")
    expect(page.get_by_text("3 messages")).to_be_visible()
    page.get_by_role("link", name="Open Sam Example").first.click()
    expect(page.get_by_text("refund 100")).to_be_in_viewport()
    expect(page.get_by_text("Match 1 of 3 here for refund")).to_be_visible()
    expect(page.get_by_role("link", name="Newer match")).to_have_count(0)
    first = page.url
    page.get_by_role("link", name="Older match").click()
    expect(page.get_by_text("refund 060")).to_be_in_viewport()
    # The address says where one is, and Back leads from there.
    eventually(lambda: page.url != first)
    page.go_back()
    expect(page.get_by_text("refund 100")).to_be_in_viewport()
    assert page.url == first
    page.go_forward()
    expect(page.get_by_text("refund 060")).to_be_in_viewport()
    expect(page.get_by_text("Match 2 of 3 here for refund")).to_be_visible()
    ready(page)
    page.keyboard.press("n")
    expect(page.get_by_text("refund 020")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Older match")).to_have_count(0)
    page.keyboard.press("Shift+N")
    expect(page.get_by_text("refund 060")).to_be_in_viewport()
    page.get_by_role("link", name="All results").click()
    expect(page.get_by_text("3 messages")).to_be_visible()
