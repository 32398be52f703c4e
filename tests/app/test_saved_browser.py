"""Saved views in a real Chromium: kept from a page, chosen from any other, by mouse and by keyboard alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.app.browsing import Person, fits
from tests.app.conftest import Correspondence

NUMBER, ADDRESS = "+61491570006", "sam@example.com"
HOSTILE = "[x](javascript:alert(1)) <img src=x onerror=alert(1)> " + "long " * 4


def box(page: Page) -> Page:
    page.get_by_role("button", name="Views").click()
    return page


def test_a_view_is_kept_chosen_renamed_shared_and_removed(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    now = datetime.now(UTC) - timedelta(hours=2)
    correspondence.sms(NUMBER, "a refund by sms", now)
    correspondence.mail(ADDRESS, "Refund", "a refund by mail", now + timedelta(minutes=1))
    page = person.sign_in(f"/timeline?customer={sam}&channel=gmail&channel=instagram")
    expect(page.get_by_text("1 message shown, 1 hidden")).to_be_visible()

    # By keyboard alone: the button, the name, and it is kept.
    page.get_by_role("button", name="Views").focus()
    page.keyboard.press("Enter")
    name = page.get_by_label("Keep what is shown as")
    expect(name).to_be_visible()
    name.focus()
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    line = page.locator(".line.saved")
    expect(line).to_contain_text("<img src=x")
    expect(line).to_contain_text("channel gmail, instagram")
    expect(name).to_have_value("")
    assert page.locator(".line.saved img").count() == 0

    # From another page it leads there, with every value of the filter.
    page.goto(f"{person.address}/search?q=refund")
    expect(page.get_by_text("2 messages")).to_be_visible()
    box(page).get_by_label("Keep what is shown as").fill("Refunds")
    page.get_by_role("button", name="Save view").click()
    expect(page.locator(".line.saved")).to_have_count(2)
    page.get_by_role("link", name="Open x javascript").click()
    expect(page.get_by_text("1 message shown, 1 hidden")).to_be_visible()
    assert "channel=gmail" in page.url
    assert "channel=instagram" in page.url
    # What led here is closed again.
    expect(page.locator(".line.saved")).to_have_count(0)

    # Twice the same name is refused in words; nothing typed is lost.
    page.goto(f"{person.address}/?q=sam&sort=name")
    box(page).get_by_label("Keep what is shown as").fill("refunds")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is a view of yours called refunds already")).to_be_visible()
    expect(page.get_by_label("Keep what is shown as")).to_have_value("refunds")
    page.get_by_label("Keep what is shown as").fill("Sams")
    page.keyboard.press("Enter")
    expect(page.locator(".line.saved")).to_have_count(3)

    page.get_by_role("link", name="Manage views").click()
    expect(page.get_by_role("heading", name="Saved views")).to_be_visible()
    expect(page.locator(".line.saved")).to_have_count(3)
    row = page.locator("[class*='st-key-kept_']").filter(has_text="Refunds").last
    row.get_by_role("button", name="Change").click()
    page.get_by_label("Name", exact=True).fill("Refunds of all")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_text("For everybody").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Shared")).to_be_visible()
    expect(page.locator(".line.saved").filter(has_text="Refunds of all")).to_be_visible()
    row = page.locator("[class*='st-key-kept_']").filter(has_text="Sams").last
    row.get_by_role("button", name="Change").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Removed Sams")).to_be_visible()
    expect(page.locator(".line.saved")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".line.saved")).to_have_count(3)
    # By keyboard alone.
    row.get_by_role("button", name="Change").press("Enter")
    page.get_by_role("button", name="Remove").press("Enter")
    expect(page.locator(".line.saved")).to_have_count(2)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".line.saved")).to_have_count(3)

    # A list that is on the screen follows the view that is chosen.
    page.goto(f"{person.address}/?q=nobody")
    expect(page.get_by_text("Nobody found")).to_be_visible()
    box(page).get_by_role("link", name="Open Sams").click()
    expect(page.locator(".line.customer")).to_have_count(1)
    expect(page.get_by_placeholder("Name, phone or e-mail")).to_have_value("sam")
    page.goto(f"{person.address}/work?list=due")
    box(page).get_by_label("Keep what is shown as").fill("What is due")
    page.keyboard.press("Enter")
    expect(page.locator(".line.saved")).to_have_count(4)
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="All open").click()
    page.wait_for_url("**list=open*")
    box(page).get_by_role("link", name="Open What is due").click()
    page.wait_for_url("**list=due*")
    expect(page.get_by_role("radio", name="Due")).to_be_checked()


def test_a_reader_sees_what_is_shared_and_keeps_their_own(
    person: Person, correspondence: Correspondence
) -> None:
    from app import act_saved

    agent = correspondence.signed_in("agent")
    act_saved.save(agent, "Shared with all", "search", "q=refund", is_shared=True)
    act_saved.save(agent, "For me alone", "search", "q=refund")
    correspondence.user("reader", "viewer")
    page = person.sign_in("/saved", user_name="reader")
    expect(page.locator(".line.saved")).to_have_count(1)
    expect(page.get_by_role("button", name="Change")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{person.address}/search?q=tea")
    box(page).get_by_label("Keep what is shown as").fill("Tea")
    expect(page.get_by_text("For everybody")).to_have_count(0)
    page.get_by_role("button", name="Save view").click()
    expect(page.locator(".line.saved")).to_have_count(2)
    fits(page)
