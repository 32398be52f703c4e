"""The search box in a real Chromium: from any page to the results, and from a result into the timeline at its message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from app import act
from tests.app.browsing import Person, eventually
from tests.app.conftest import Correspondence
from tests.app.drawn import HOSTILE

NUMBER, ADDRESS = "+61491570006", "sam@example.com"


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    customer = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    start = datetime.now(UTC) - timedelta(days=20)
    with correspondence.together():
        for number in range(120):
            words = "the red café bicycle" if number == 30 else f"message {number:03}"
            correspondence.sms(NUMBER, words, start + timedelta(hours=number), ours=number % 3 == 0)
        correspondence.sms("+61491570110", "a bicycle for nobody", start + timedelta(days=10))
        correspondence.mail(
            ADDRESS, "The bicycle " + HOSTILE[0], HOSTILE[0], start + timedelta(days=11)
        )
    return customer


def test_from_the_box_to_the_message_on_its_timeline(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("message 119")).to_be_visible()
    # By keyboard alone: the key that goes into the box, the words, and they are looked for.

    def is_in_the_box() -> bool:
        # The script that hears the key comes a moment after the page.
        page.keyboard.press("/")
        return bool(page.evaluate("document.activeElement.placeholder === 'Find messages'"))

    eventually(is_in_the_box)
    page.keyboard.type("BICYCLE")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 messages")).to_be_visible()
    assert page.url.endswith("/search?q=BICYCLE")
    expect(page.locator(".line.found mark")).to_have_count(3)
    # Newest first; what others wrote is text.
    expect(page.locator(".line.found").first).to_contain_text("<")
    expect(page.locator(".line.found").nth(1)).to_contain_text("unassigned")

    page.locator(".line.found").nth(2).locator("xpath=ancestor::*[@class='row']").get_by_role(
        "link"
    ).click()
    page.wait_for_url("**/timeline?*at=*")
    expect(page.get_by_role("button", name="Later messages")).to_be_visible()
    expect(page.get_by_text("the red café bicycle")).to_be_in_viewport()
    # With its neighbours, and the ways on.
    expect(page.get_by_text("message 029")).to_be_visible()
    expect(page.get_by_text("message 050")).to_be_visible()
    assert page.get_by_text("message 051").count() == 0
    page.get_by_role("button", name="Later messages").click()
    expect(page.get_by_text("message 100")).to_be_visible()
    page.get_by_role("button", name="Earlier messages").click()
    expect(page.get_by_text("message 000")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("3 messages")).to_be_visible()
    expect(page.get_by_placeholder("Find messages")).to_have_value("BICYCLE")

    # A new message is found as soon as it stands on a timeline, and it says who looked for what.
    correspondence.sms(NUMBER, "one more bicycle", datetime.now(UTC))
    page.goto(f"{person.address}/search?q=bicycle+-caf%C3%A9")
    expect(page.get_by_text("3 messages")).to_be_visible()
    ((detail, customers),) = correspondence.execute(
        "select detail, customer_ids from crm.events where action = 'message.search' order by at desc limit 1"
    )
    assert (detail["query"], detail["count"], customers) == ("bicycle -café", 3, [sam])
    assert person.errors == []
    assert person.elsewhere == []
    assert json.dumps(detail)


def test_many_results_come_page_by_page_and_a_wrong_operator_is_explained(
    person: Person, sam: str
) -> None:
    page = person.sign_in("/search?q=message+channel:fax")
    expect(page.get_by_text("channel: does not know fax")).to_be_visible()
    expect(page.get_by_text("119 messages; here the newest 50")).to_be_visible()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_text("119 messages; here the newest 100")).to_be_visible()
    page.get_by_role("button", name="More").click()
    expect(page.locator(".line.found")).to_have_count(119)
    page.get_by_placeholder("Find messages").fill("from:sam nothing_like_it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No message holds this")).to_be_visible()
    page.get_by_placeholder("Find messages").fill("sam example")
    page.keyboard.press("Enter")
    expect(page.locator(".line.customer")).to_have_count(1)
    page.goto(f"{person.address}/search")
    expect(page.get_by_text("Find in all messages")).to_be_visible()
    assert person.errors == []


def test_notes_are_found_marked_and_lead_to_where_they_stand(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    agent = correspondence.signed_in("agent")
    mail = correspondence.execute(
        "select conversation_id from canonical.conversations where channel = 'gmail'"
    )[0][0]
    stranger = correspondence.execute(
        "select conversation_id from canonical.conversations where counterpart_identity = 'phone:+61491570110'"
    )[0][0]
    for number in range(4):
        act.note(agent, f"bicycle note {number} {HOSTILE[0]}", customer_id=sam)
    act.note(agent, "bicycle of the mail", conversation_id=mail)
    page = person.sign_in("/search?q=bicycle")
    expect(page.get_by_text("5 notes; here the newest 3")).to_be_visible()
    lines = page.locator(".line.noted")
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("Note")
    expect(lines.first.locator("mark")).to_have_text("bicycle")
    expect(page.get_by_text("3 messages")).to_be_visible()
    page.get_by_role("button", name="More notes").focus()
    page.keyboard.press("Enter")
    expect(lines).to_have_count(5)
    expect(page.get_by_role("button", name="More notes")).to_have_count(0)
    # Written now, found now, also where the conversation is nobody's.
    act.note(agent, "a stranger's bicycle", conversation_id=stranger)
    page.reload()
    expect(lines.first).to_contain_text("a stranger's")
    lines.first.locator("xpath=ancestor::*[@class='row']").get_by_role("link").click()
    page.wait_for_url("**/message?*")
    expect(page.get_by_text("a bicycle for nobody")).to_be_visible()
    page.go_back()
    # By keyboard alone.
    lines.nth(1).locator("xpath=ancestor::*[@class='row']").get_by_role("link").press("Enter")
    # On the conversation that the note is on, and beside it the note.
    page.wait_for_url("**/timeline?*conversation=*")
    expect(page.locator(".our-note").filter(has_text="bicycle of the mail")).to_be_visible()
    expect(page.get_by_text("1 message shown")).to_be_visible()
    assert person.errors == []
