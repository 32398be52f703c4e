"""Reading a timeline in a real Chromium: what stands beside it, filters, and the mission's acceptance scenarios."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.app.browsing import Person, eventually, fits, ready
from tests.app.conftest import Correspondence

NUMBER, ADDRESS = "+61491570006", "sam@example.com"


def test_the_area_about_a_customer_folds_and_stays_as_it_was_left(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello", datetime.now(UTC))
    page = person.sign_in(f"/timeline?customer={sam}")
    beside = page.get_by_role("region", name="Identities")
    fold = page.get_by_role("button", name="About this customer")
    expect(beside).to_contain_text(NUMBER)
    ready(page)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(beside).to_be_hidden()
    fold.focus()
    page.keyboard.press("Enter")
    expect(beside).to_be_visible()
    fits(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(beside).to_be_visible()
    fold.click()
    expect(beside).to_be_hidden()
    page.reload()
    expect(page.get_by_text("hello")).to_be_visible()
    expect(beside).to_be_hidden()
    expect(fold).to_have_attribute("aria-expanded", "false")


def test_two_channels_stand_in_one_chronological_timeline(
    person: Person, correspondence: Correspondence
) -> None:
    """Acceptance scenario 1."""
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    start = datetime.now(UTC) - timedelta(hours=5)
    # Landed in another order than they were sent in.
    for number in (3, 0, 5, 1, 4, 2):
        at = start + timedelta(minutes=30 * number)
        if number % 2:
            correspondence.mail(
                ADDRESS, f"subject {number}", f"text {number}", at, ours=number == 3
            )
        else:
            correspondence.sms(NUMBER, f"text {number}", at, ours=number == 2)
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(6)
    assert texts(page) == [f"text {number}" for number in range(6)]
    channels = page.locator(".message .head > .channel")
    assert [each.get_attribute("aria-label") for each in channels.all()] == ["SMS", "Mail"] * 3
    assert page.locator(".message.ours").count() == 2
    # By a name, whatever the channel.
    theirs = page.locator(".message:not(.ours) .who").all_inner_texts()
    assert set(theirs) == {"Sam Example"}


def test_a_new_sms_is_seen_within_seconds(person: Person, correspondence: Correspondence) -> None:
    """Acceptance scenario 2: by itself, in its place, at the end of what was there."""
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "an hour ago", datetime.now(UTC) - timedelta(hours=1))
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("an hour ago")).to_be_visible()
    landed = time.monotonic()
    correspondence.sms(NUMBER, "just now", datetime.now(UTC))
    expect(page.get_by_text("just now")).to_be_in_viewport(timeout=10_000)
    assert time.monotonic() - landed < 10
    assert texts(page) == ["an hour ago", "just now"]


def test_date_and_channel_filters_show_only_what_matches(
    person: Person, correspondence: Correspondence
) -> None:
    """Acceptance scenario 4: chosen by mouse, removed by a chip, shared by the address, kept on the way back."""
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    today = datetime.now(ZoneInfo("Australia/Sydney")).replace(hour=12, minute=0)
    now = min(today, datetime.now(UTC).astimezone(today.tzinfo))
    with correspondence.together():
        for days in range(4):
            correspondence.sms(NUMBER, f"sms {days}", now - timedelta(days=days))
            correspondence.mail(ADDRESS, f"mail {days}", f"mail {days}", now - timedelta(days=days))
    # A link that somebody shared leads through the sign-in to all that it asks for.
    page = person.sign_in(f"/timeline?customer={sam}&channel=gmail&channel=twilio_sms")
    expect(page.get_by_text("8 messages shown, 0 hidden")).to_be_visible()
    page.get_by_role("button", name="Clear all").click()
    expect(page.get_by_text("hidden")).to_have_count(0)
    expect(page.locator(".message")).to_have_count(8)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("toolbar", name="Channel").get_by_role("button", name="Mail").click()
    expect(page.get_by_text("4 messages shown, 4 hidden")).to_be_visible()
    page.get_by_role("radio", name="Yesterday").click()
    expect(page.get_by_text("1 message shown, 7 hidden")).to_be_visible()
    assert texts(page) == ["mail 1"]
    shared = page.url
    assert "channel=gmail" in shared
    assert "when=yesterday" in shared
    page.keyboard.press("Escape")

    # What does not match stays away when it arrives, and is counted.
    correspondence.sms(NUMBER, "does not match", now - timedelta(days=1))
    expect(page.get_by_text("1 message shown, 8 hidden")).to_be_visible()
    correspondence.mail(ADDRESS, "more", "matches", now - timedelta(days=1, minutes=-1))
    expect(page.get_by_text("2 messages shown, 8 hidden")).to_be_visible()
    expect(page.get_by_text("does not match")).to_have_count(0)

    # Away and back, and in another tab.
    page.goto(f"{person.address}/")
    page.go_back()
    expect(page.get_by_text("2 messages shown, 8 hidden")).to_be_visible()
    other = person.tab()
    other.goto(shared)
    expect(other.get_by_text("2 messages shown, 8 hidden")).to_be_visible()
    other.close()

    # Chips go one by one, by keyboard too.
    page.get_by_role("button", name="Channel Mail").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("4 messages shown, 6 hidden")).to_be_visible()
    page.get_by_role("button", name="Yesterday").click()
    expect(page.locator(".message")).to_have_count(10)
    expect(page.get_by_text("hidden")).to_have_count(0)
    assert "when=" not in page.url

    # Chosen by keyboard alone.
    page.get_by_role("button", name="Filter").press("Enter")
    channels = page.get_by_role("toolbar", name="Channel")
    channels.get_by_role("button", name="Mail").press("Enter")
    expect(page.get_by_text("5 messages shown, 5 hidden")).to_be_visible()
    page.get_by_role("radio", name="Yesterday").press("Space")
    expect(page.get_by_text("2 messages shown, 8 hidden")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear all").press("Enter")
    expect(page.get_by_text("hidden")).to_have_count(0)


def test_a_timeline_is_read_by_keyboard_alone(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    start = datetime.now(UTC) - timedelta(hours=3)
    sids = [correspondence.sms(NUMBER, f"text {each}", start + timedelta(minutes=each)) for each in range(3)]  # fmt: skip
    correspondence.mail(ADDRESS, "Long", "line\n" * 60, start + timedelta(hours=1), quoted="> before")  # fmt: skip
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(4)
    ready(page)
    chosen = "document.activeElement.dataset.message"
    page.keyboard.press("j")
    assert page.evaluate(chosen).startswith("gmail|")
    page.keyboard.press("o")
    expect(page.get_by_text("> before")).to_be_visible()
    page.keyboard.press("k")
    assert page.evaluate(chosen) == f"twilio_sms|{sids[2]}"
    page.keyboard.press("g")
    assert page.evaluate(chosen) == f"twilio_sms|{sids[0]}"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("c")
    expect(page.get_by_text("The link is copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{person.address}/timeline?customer={sam}&at=twilio_sms%7C{sids[0]}"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    # Before a dialog of the page the list stays where it is.
    page.keyboard.press("j")
    below = page.evaluate(chosen)
    page.get_by_role("button", name="Change who this is").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("dialog").get_by_role("tab").first.focus()
    page.keyboard.press("k")
    assert page.evaluate(chosen) is None
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert below

    # One conversation beside the whole: by its key, and by its button.
    page.locator(f"[data-message='twilio_sms|{sids[0]}']").focus()
    page.keyboard.press("G")
    assert page.evaluate(chosen).startswith("gmail|")
    page.keyboard.press("t")
    expect(page.get_by_text("1 message shown, 3 hidden")).to_be_visible()
    ready(page)
    page.get_by_role("button", name="One conversation").press("Enter")
    expect(page.locator(".message")).to_have_count(4)
    # Until what told of the filter is gone, the messages move.
    expect(page.get_by_text("hidden")).to_have_count(0)
    page.locator("[data-message^='gmail|']").hover()
    page.locator("[data-message^='gmail|'] .only-thread").click()
    expect(page.get_by_text("1 message shown, 3 hidden")).to_be_visible()

    # On the page about one message there is no list: keys do nothing, and its link leads to it.
    page.goto(f"{person.address}/message?message=twilio_sms%7C{sids[1]}")
    expect(page.get_by_text("text 1", exact=True)).to_be_visible()
    shown = page.url
    for key in ("j", "k", "g", "o", "t", "c", "?"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate(chosen) is None
    expect(page.locator(".only-thread")).to_have_count(0)
    page.evaluate("navigator.clipboard.writeText('')")
    page.locator(".message").hover()

    def is_copied() -> bool:
        # The script that hears the click comes a moment after the page.
        page.get_by_role("button", name="Copy link to this message").click()
        return page.get_by_text("The link is copied").count() > 0

    eventually(is_copied, 30)
    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert page.url == shown


def texts(page: Page) -> list[str]:
    """The bodies as a reader sees them, from the top down."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('.message .body')]"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(each => each.innerText.trim())"
    )
    return found
