"""Reading a timeline in a real Chromium: what stands beside it, filters, and the mission's acceptance scenarios."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect

from tests.app.browsing import Person
from tests.app.conftest import Correspondence

NUMBER = "+61491570006"


def test_the_area_about_a_customer_folds_and_stays_as_it_was_left(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello", datetime.now(UTC))
    page = person.sign_in(f"/timeline?customer={sam}")
    beside = page.get_by_role("region", name="Identities")
    fold = page.get_by_role("button", name="About this customer")
    expect(beside).to_contain_text(NUMBER)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(beside).to_be_hidden()
    fold.focus()
    page.keyboard.press("Enter")
    expect(beside).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(beside).to_be_visible()
    fold.click()
    expect(beside).to_be_hidden()
    page.reload()
    expect(page.get_by_text("hello")).to_be_visible()
    expect(beside).to_be_hidden()
    expect(fold).to_have_attribute("aria-expanded", "false")
