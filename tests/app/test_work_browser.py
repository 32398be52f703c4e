"""The page of work and the panel in front of a person: by mouse, by keyboard alone, and two people at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import Locator, expect

from tests.app.browsing import Person, eventually, tab_to, until
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
    # Both what is listed and within which days stand in the address, so a link shows the same.
    page.get_by_role("combobox", name="Wrote within").click()
    page.get_by_role("option", name="90 days").click()
    page.wait_for_url("**within=90-days*")
    page.get_by_role("radio", name="All open").click()
    page.wait_for_url("**list=open*")
    other = person.tab()
    other.goto(page.url)
    expect(other.get_by_role("radio", name="All open")).to_be_checked()
    expect(other.get_by_role("combobox", name="Wrote within")).to_have_value("90 days")
    other.close()
    page.get_by_role("radio", name="Unassigned").click()
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


def test_handed_over_noted_and_several_at_once_by_mouse(
    person: Person, correspondence: Correspondence, waiting: str
) -> None:
    correspondence.user("mia")
    page = person.sign_in("/work?list=new&within=any-time")
    lines, panel = page.locator(".line.work"), page.locator(".st-key-panel")
    # What came in since the last look is seen, and new no more.
    expect(lines.first).to_be_visible()
    page.get_by_role("button", name="I have seen these").click()
    expect(page.get_by_text("Nothing came in since you looked")).to_be_visible()
    page.get_by_role("radio", name="All open").click()
    expect(lines).to_have_count(2)
    page.get_by_role("button", name="Open the panel of Sam Example").click(force=True)
    expect(page.locator(".panel-head")).to_contain_text("Sam Example")

    # Who, how it stands, until when, and what they should know, in one decision.
    panel.get_by_role("button", name="Hand over").click()
    box = page.locator("[data-testid=stPopoverBody]").filter(has_text="What they should know")
    box.get_by_role("combobox", name="To").click()
    page.get_by_role("option", name="Mia").click()
    box.get_by_role("radio", name="Waiting").click()
    box.get_by_role("spinbutton").first.click()
    page.keyboard.type(f"2412{NOW.year + 1}")
    box.get_by_label("What they should know").fill("rings back on Monday")
    box.get_by_role("button", name="Save").click()
    expect(panel.locator(".standing .assignee")).to_contain_text("mia")
    expect(panel.locator(".standing")).to_contain_text("rings back on Monday")
    expect(panel.locator(".standing .due")).to_contain_text(f"24 December {NOW.year + 1}")
    expect(lines).to_have_count(1)
    panel.get_by_role("button", name="Done").click()
    panel.get_by_role("button", name="Reopen").click()
    expect(lines).to_have_count(2)
    expect(panel.locator(".standing")).to_contain_text("rings back on Monday")

    # A note is written, written anew and taken away.
    panel.get_by_label("New note").fill("Prefers mornings")
    panel.get_by_role("button", name="Add note").click()
    panel.get_by_role("button", name="Change").click()
    box = page.locator("[data-testid=stPopoverBody]").filter(has_text="Take away")
    box.get_by_label("Note").fill("Prefers evenings")
    box.get_by_role("button", name="Save").click()
    expect(panel.locator(".our-note")).to_contain_text("Prefers evenings")
    panel.get_by_role("button", name="Change").click()
    box.get_by_role("button", name="Take away").click()
    expect(panel.locator(".our-note")).to_have_count(0)

    # Two are tagged together, taken together, and put aside together.
    page.get_by_text("Select all").click()
    bulk = page.locator(".st-key-bulk")
    bulk.get_by_role("button", name="Tag").click()
    page.get_by_role("textbox", name="Tag", exact=True).fill("Returns")
    page.get_by_role("button", name="Put it on").click()
    expect(page.locator(".line.work .tag")).to_have_count(2)
    panel.get_by_role("button", name="Remove Returns").click()
    expect(page.locator(".line.work .tag")).to_have_count(1)

    def stands(state: str) -> bool:
        open_ones = "select assignee, state from crm.assignments where ended_at is null"
        return correspondence.execute(open_ones) == [("agent", state)] * 2

    for act, state in (("Take", "open"), ("Waiting", "waiting")):
        if act == "Waiting":
            page.get_by_role("radio", name="My work").click()
            # Both lists hold these two: which of them stands, its address says.
            until(page, "!location.search.includes('list=open')")
            expect(lines).to_have_count(2)
        expect(page.get_by_role("checkbox", name="Select all")).not_to_be_checked()
        page.get_by_text("Select all").click()
        bulk.get_by_role("button", name=act).click()
        # The sentence of the act before may still stand: what the warehouse says tells them apart.
        eventually(partial(stands, state))
        expect(page.get_by_text("2 conversations changed.")).to_be_visible()
        if act == "Take":
            expect(page.locator(".line.work .assignee", has_text="You")).to_have_count(2)
    assert person.errors == []


def test_by_keyboard_alone(person: Person, correspondence: Correspondence, waiting: str) -> None:
    correspondence.user("mia")
    page = person.sign_in("/work?list=unassigned")
    expect(page.locator(".line.work")).to_have_count(2)
    panel, standing = page.locator(".st-key-panel"), page.locator(".standing")

    def press(name: str, *, within: Locator = panel, key: str = "Enter") -> None:
        tab_to(page, within.get_by_role("button", name=name).first)
        page.keyboard.press(key)

    tab_to(page, page.get_by_role("button", name="Open the panel of Sam Example"))
    page.keyboard.press("Enter")
    expect(page.locator(".panel-head")).to_contain_text("Sam Example")
    press("Take it", key="Space")
    expect(standing.locator(".assignee")).to_contain_text("You")
    assert correspondence.execute("select assignee from crm.assignments") == [("agent",)]
    press("Done")
    expect(standing).to_contain_text("Done")
    press("Reopen")
    expect(standing.locator(".state")).to_have_count(0)
    # Handed over: to whom, until when, and a word.
    press("Hand over")
    box = page.locator("[data-testid=stPopoverBody]").filter(has_text="What they should know")
    tab_to(page, box.get_by_role("combobox", name="To"))
    page.keyboard.type("Mia")
    page.keyboard.press("Enter")
    # One of several: Tab leads to the one that is chosen, arrows to the others.
    tab_to(page, box.get_by_role("radio", name="Open"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    tab_to(page, box.get_by_role("spinbutton").first)
    page.keyboard.type(f"2412{NOW.year + 1}")
    tab_to(page, box.get_by_label("What they should know"))
    page.keyboard.type("rings back")
    press("Save", within=box)
    expect(standing).to_contain_text("rings back")
    expect(standing.locator(".assignee")).to_contain_text("mia")
    expect(standing.locator(".due")).to_contain_text(f"24 December {NOW.year + 1}")
    expect(standing.locator(".state")).to_contain_text("Waiting")
    page.keyboard.press("Escape")
    press("Take it")
    expect(standing.locator(".assignee")).to_contain_text("You")
    press("Done")
    press("Reopen")
    expect(standing.locator(".state")).to_have_count(0)
    # A tag that is typed, and taken off again.
    tab_to(page, panel.get_by_role("combobox", name="Tags"))
    page.keyboard.type("Returns")
    page.keyboard.press("Enter")
    expect(standing.locator(".tag")).to_contain_text("Returns")
    tab_to(page, panel.get_by_role("combobox", name="Tags"))
    page.keyboard.press("Backspace")
    expect(standing.locator(".tag")).to_have_count(0)
    # A note, and back out of the history.
    tab_to(page, panel.get_by_label("New note"))
    page.keyboard.type("Prefers mornings")
    press("Add note")
    expect(panel.locator(".our-note")).to_contain_text("Prefers mornings")
    press("Change")
    box = page.locator("[data-testid=stPopoverBody]").filter(has_text="Take away")
    tab_to(page, box.get_by_label("Note"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Prefers evenings")
    press("Save", within=box)
    expect(panel.locator(".our-note")).to_contain_text("Prefers evenings")
    press("Change")
    press("Take away", within=box)
    expect(panel.locator(".our-note")).to_have_count(0)
    tab_to(page, panel.locator("summary", has_text="History"))
    page.keyboard.press("Enter")
    press("Undo")
    expect(panel.locator(".our-note")).to_contain_text("Prefers evenings")
    # The lists, and several of one at once.
    tab_to(page, page.get_by_role("radio", name="My work"))
    for key in ("ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_role("radio", name="All open")).to_be_checked()
    expect(page.locator(".line.work")).to_have_count(2)
    everything, bulk = page.get_by_role("checkbox", name="Select all"), page.locator(".st-key-bulk")
    tab_to(page, everything)
    page.keyboard.press("Space")
    bulk.get_by_role("button", name="Tag").press("Enter")
    page.get_by_role("textbox", name="Tag", exact=True).focus()
    page.keyboard.type("Returns")
    page.get_by_role("button", name="Put it on").press("Enter")
    expect(page.locator(".line.work .tag")).to_have_count(2)
    everything.press("Space")
    bulk.get_by_role("button", name="Take").press("Enter")
    expect(page.locator(".line.work .assignee", has_text="You")).to_have_count(2)
    everything.press("Space")
    press("Waiting", within=bulk)
    expect(page.get_by_text("2 conversations changed.")).to_be_visible()
    assert person.errors == []
