"""The page of work and the panel in front of a person: by mouse, by keyboard alone, and two people at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.app.browsing import Person
from tests.app.conftest import Correspondence

NOW = datetime.now(UTC)
SAM, MAI = "+61491570006", "+61491570156"


@pytest.fixture
def waiting(correspondence: Correspondence) -> str:
    """Two people who wait, one of them a customer with a long timeline; returns the customer."""
    for minutes in range(40):
        correspondence.sms(SAM, f"message {minutes}", NOW - timedelta(days=1, minutes=minutes))
    correspondence.sms(MAI, "<b>is anybody there?</b>", NOW - timedelta(hours=3))
    return correspondence.customer("Sam Example", f"phone:{SAM}")


def test_by_mouse_from_the_list_to_done(
    person: Person, correspondence: Correspondence, waiting: str
) -> None:
    page = person.sign_in("/work?list=unassigned")
    lines = page.locator(".line.work")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("Sam Example")
    expect(lines.first).to_contain_text("Theirs, 1 day ago")
    # Choosing one opens its panel, and the list stays as it is.
    page.get_by_role("button", name="Open the panel of Sam Example").click(force=True)
    expect(page.locator(".panel-head")).to_contain_text("Sam Example")
    page.locator(".st-key-panel").get_by_role("button", name="Take it").click()
    expect(page.locator(".standing .assignee")).to_contain_text("You")
    # The list was told, and so were its counts.
    expect(lines).to_have_count(1)
    expect(page.get_by_text("My work (1)")).to_be_visible()
    tags = page.locator(".st-key-panel").get_by_role("combobox", name="Tags")
    tags.fill("Returns")
    tags.press("Enter")
    expect(page.locator(".standing .tag")).to_contain_text("Returns")
    # What arrives meanwhile is on the list by itself.
    correspondence.sms("+61491570157", "I am new", datetime.now(UTC))
    expect(lines).to_have_count(2)
    # Several at once.
    page.get_by_text("Select all").click()
    page.locator(".st-key-bulk").get_by_role("button", name="Done").click()
    expect(page.get_by_text("2 conversations changed.")).to_be_visible()
    expect(page.get_by_text("Nobody waits unattended")).to_be_visible()
    # And taken back, out of the history of the panel.
    page.get_by_text("My work (1)").click()
    expect(lines).to_have_count(1)
    page.locator(".st-key-panel").get_by_text("History", exact=True).click()
    page.locator(".st-key-panel").get_by_role("button", name="Undo").first.click()
    expect(page.locator(".standing .tag")).to_have_count(0)
    assert correspondence.execute("select count(*) from crm.decisions") == [(4,)]
    assert person.errors == []


def test_beside_the_timeline_nothing_moves_and_the_second_is_told(
    person: Person, correspondence: Correspondence, waiting: str
) -> None:
    page = person.sign_in(f"/timeline?customer={waiting}")
    timeline = page.locator(".st-key-timeline")
    expect(page.get_by_text("message 0", exact=True)).to_be_visible()
    panel = page.locator(".st-key-panel")
    expect(panel.get_by_role("button", name="Take it")).to_be_visible()
    timeline.evaluate("list => list.scrollBy(0, -300)")
    place = timeline.evaluate("list => list.scrollTop")
    panel.get_by_label("New note").fill("Prefers mornings")
    panel.get_by_role("button", name="Add note").click()
    expect(panel.locator(".our-note")).to_contain_text("Prefers mornings")
    # Somebody else hands it on meanwhile: the panel says so by itself, nothing is overwritten.
    correspondence.user("mia")
    import psycopg

    from tests.app.test_organise import person as actor
    from warehouse import decisions

    with psycopg.connect(correspondence.settings.admin_url) as database:
        ((it,),) = database.execute(
            "select conversation_id from canonical.conversations where counterpart_identity = %s",
            [f"phone:{SAM}"],
        ).fetchall()
        decisions.assign(database, actor("mia"), it, assignee="mia", note="she rings back")
    expect(panel.locator(".standing")).to_contain_text("she rings back")
    panel.get_by_role("button", name="Take it").click()
    expect(panel.locator(".standing .assignee")).to_contain_text("You")
    assert timeline.evaluate("list => list.scrollTop") == place
    assert person.errors == []


def test_by_keyboard_alone(person: Person, correspondence: Correspondence, waiting: str) -> None:
    page = person.sign_in("/work?list=unassigned")
    expect(page.locator(".line.work")).to_have_count(2)
    opens = page.get_by_role("button", name="Open the panel of Sam Example")
    for _ in range(40):
        page.keyboard.press("Tab")
        if opens.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".panel-head")).to_contain_text("Sam Example")
    take = page.locator(".st-key-panel").get_by_role("button", name="Take it")
    for _ in range(40):
        page.keyboard.press("Tab")
        if take.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(page.locator(".standing .assignee")).to_contain_text("You")
    assert correspondence.execute("select assignee from crm.assignments") == [("agent",)]
