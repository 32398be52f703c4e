"""Lists by keyboard alone, with what the other tests of pages do by mouse: customers, search, saved views, work, tags; the export of a
list by both; and how the pages look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from app import act, act_saved
from tests.app.browsing import (
    Person,
    arrow_to,
    eventually,
    gets_focus,
    has_focus,
    press_on,
    ready,
    tab_to,
)
from tests.app.conftest import Correspondence

SAM, MAI, ADDRESS = "+61491570006", "+61491570156", "sam@example.com"
NOW = datetime.now(UTC)


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    """Two customers who wrote; an admin is there."""
    correspondence.user("root", "admin")
    sam = correspondence.customer("Sam Example", f"phone:{SAM}", f"email:{ADDRESS}")
    correspondence.customer("Mai Tran", f"phone:{MAI}")
    with correspondence.together():
        for number in range(70):
            correspondence.sms(SAM, f"a bicycle {number:02}", NOW - timedelta(hours=100 - number))
        correspondence.mail(ADDRESS, "Bicycle", "by mail", NOW - timedelta(hours=3))
        correspondence.sms(MAI, "hello from Mai", NOW - timedelta(hours=2))
    return sam


def slash(page: Page) -> Locator:
    """Into the search box by its key, from wherever one is."""
    box = page.get_by_placeholder("Find messages")

    def is_in_the_box() -> bool:
        # The script that hears the key comes a moment after the page.
        page.keyboard.press("/")
        return has_focus(box)

    eventually(is_in_the_box)
    return box


def test_customers_and_search_by_keyboard_alone(person: Person, sam: str) -> None:
    page = person.sign_in("/", user_name="root")
    lines = page.locator(".line.customer")
    expect(lines).to_have_count(2)
    tab_to(page, page.get_by_role("combobox", name="Sort by"))
    page.keyboard.type("Name")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=name*")
    expect(lines.first).to_contain_text("Mai Tran")
    # The list as a file, by keyboard and by mouse.
    export = page.get_by_role("link", name="Export")
    tab_to(page, export)
    with page.expect_download() as by_key:
        page.keyboard.press("Enter")
    assert b"Sam Example" in by_key.value.path().read_bytes()
    with page.expect_download() as by_mouse:
        export.click()
    assert b"Sam Example" in by_mouse.value.path().read_bytes()
    tab_to(page, page.get_by_placeholder("Name, phone or e-mail"))
    page.keyboard.type("0491 570 006")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 match")).to_be_visible()
    press_on(page, page.get_by_role("link", name="Open Sam Example"))
    expect(page.get_by_text("a bicycle 69")).to_be_visible()
    ready(page)

    # On every page one key leads into the box, whether or not something lives there.
    for path in ("/saved", "/account", "/tags", "/work", "/search"):
        page.goto(person.address + path)
        expect(page.locator(".st-key-account")).to_be_visible()
        slash(page)
    page.keyboard.type("bicycle")
    page.keyboard.press("Enter")
    expect(page.get_by_text("71 messages; here the newest 50")).to_be_visible()
    press_on(page, page.locator(".st-key-more button"), most=150)
    found = page.locator(".line.found")
    expect(found).to_have_count(71)
    # Into the timeline at a message, on from match to match, and on with j from there.
    slash(page)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("bicycle 30")
    page.keyboard.press("Enter")
    expect(found).to_have_count(1)
    press_on(page, page.get_by_role("link", name="Open Sam Example").last)
    page.wait_for_url("**at=*")
    expect(page.get_by_text("a bicycle 30")).to_be_in_viewport()
    ready(page)
    page.keyboard.press("j")
    gets_focus(page.locator(".message", has_text="a bicycle 30"))
    page.keyboard.press("j")
    gets_focus(page.locator(".message", has_text="a bicycle 31"))
    press_on(page, page.get_by_role("link", name="All results"), most=200)
    expect(found).to_have_count(1)
    assert person.errors == []


def test_saved_views_by_keyboard_alone(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    agent = correspondence.signed_in("agent")
    act_saved.save(agent, "Mails", "timeline", f"customer={sam}&channel=gmail")
    page = person.sign_in("/search?q=bicycle")
    views = page.get_by_role("button", name="Views")
    line = page.locator(".line.saved")
    press_on(page, views)
    expect(line).to_have_count(1)
    # With Esc it is closed, and one is where one was.
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(line).to_have_count(0)
    gets_focus(views)
    page.keyboard.press("Enter")
    expect(line).to_have_count(1)
    tab_to(page, page.get_by_label("Keep what is shown as"), most=8)
    page.keyboard.type("Bicycles")
    page.keyboard.press("Enter")
    expect(line).to_have_count(2)
    page.keyboard.press("Escape")
    # Enter on a list that is about to close would close it.
    expect(line).to_have_count(0)
    gets_focus(views)
    page.keyboard.press("Enter")
    press_on(page, page.get_by_role("link", name="Open Mails"), most=10)
    page.wait_for_url("**channel=gmail*")
    expect(page.get_by_text("1 message shown, 70 hidden")).to_be_visible()

    press_on(page, views)
    press_on(page, page.get_by_role("link", name="Manage views"), most=10)
    expect(page.get_by_role("heading", name="Saved views")).to_be_visible()
    row = page.locator("[class*='st-key-kept_']").filter(has_text="Bicycles").last
    press_on(page, row.get_by_role("button", name="Change"))
    tab_to(page, page.get_by_label("Name", exact=True), most=3)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("All bicycles")
    press_on(page, page.get_by_label("For everybody"), "Space", most=3)
    press_on(page, page.get_by_role("button", name="Save", exact=True), most=3)
    expect(page.get_by_role("heading", name="Shared")).to_be_visible()
    expect(line.filter(has_text="All bicycles")).to_be_visible()
    row = page.locator("[class*='st-key-kept_']").filter(has_text="All bicycles").last
    press_on(page, row.get_by_role("button", name="Change"))
    press_on(page, page.get_by_role("button", name="Remove"), most=5)
    expect(line).to_have_count(1)
    press_on(page, page.get_by_role("button", name="Undo"))
    expect(line).to_have_count(2)
    assert person.errors == []


def test_several_of_a_list_by_keyboard_alone(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in("/work?list=new&within=any-time")
    lines, bulk = page.locator(".line.work"), page.locator(".st-key-bulk")
    # What came in since the last look is seen; then another list.
    expect(lines.first).to_be_visible()
    press_on(page, page.get_by_role("button", name="I have seen these"))
    expect(page.get_by_text("Nothing came in since you looked")).to_be_visible()
    lists = page.get_by_role("radiogroup").filter(has_text="All open")
    for _ in range(40):
        page.keyboard.press("Tab")
        if lists.evaluate("e => e.contains(document.activeElement)"):
            break
    arrow_to(page, page.get_by_role("radio", name="Unassigned"))
    page.keyboard.press("Space")
    page.wait_for_url("**list=unassigned*")
    # The texts and the mail of one customer, and what another one wrote.
    expect(lines).to_have_count(3)
    tab_to(page, page.get_by_role("combobox", name="Wrote within"))
    page.keyboard.type("7 days")
    page.keyboard.press("Enter")
    page.wait_for_url("**within=7-days*")
    # One by one, by Space; and one of them off again.
    for name in ("Select Mai Tran", "Select Sam Example"):
        box = page.get_by_role("checkbox", name=name).first
        press_on(page, box, "Space")
        expect(box).to_be_checked()
        gets_focus(box)
    expect(bulk).to_contain_text("2 conversations selected")
    page.keyboard.press("Space")
    expect(bulk).to_contain_text("1 conversation selected")
    press_on(page, bulk.get_by_role("button", name="Tag"))
    tab_to(page, page.get_by_role("textbox", name="Tag", exact=True), most=3)
    page.keyboard.type("Urgent")
    press_on(page, page.get_by_role("button", name="Put it on"), most=3)
    expect(page.locator(".line.work .tag")).to_have_count(1)
    everything = page.get_by_role("checkbox", name="Select all")
    press_on(page, everything, "Space")
    expect(bulk).to_contain_text("3 conversations selected")
    press_on(page, bulk.get_by_role("button", name="Done"))
    expect(page.get_by_text("3 conversations changed.")).to_be_visible()
    expect(page.get_by_text("Nobody waits unattended")).to_be_visible()
    assert correspondence.execute(
        "select state, count(*) from crm.assignments where ended_at is null group by 1"
    ) == [("done", 3)]
    assert person.errors == []


def test_tags_by_keyboard_alone(person: Person, sam: str, correspondence: Correspondence) -> None:
    agent = correspondence.signed_in("agent")
    conversations = correspondence.execute(
        "select conversation_id from canonical.conversations order by 1"
    )
    act.tag(agent, [each for (each,) in conversations], "Returns")
    act.tag(agent, [conversations[0][0]], "Return")
    page = person.sign_in("/tags", user_name="root")
    lines = page.locator(".line.tagged")
    expect(lines).to_have_count(2)
    returns = page.get_by_role("button", name="Choose Returns")
    press_on(page, returns)
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value("Returns")
    # Into its panel, back to its line by Esc, and in again.
    eventually(lambda: has_focus(name))
    page.keyboard.press("Escape")
    gets_focus(returns)
    page.keyboard.press("Enter")
    eventually(lambda: has_focus(name))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Sent back")
    tab_to(page, page.get_by_role("combobox", name="Colour"), most=3)
    page.keyboard.type("Pink")
    page.keyboard.press("Enter")
    press_on(page, page.get_by_role("button", name="Save"), most=5)
    # Another tag has been pink from the beginning.
    expect(lines.filter(has_text="Sent back").locator(".dot.pink")).to_have_count(1)
    press_on(page, page.get_by_role("button", name="Choose Return", exact=True))
    eventually(lambda: name.evaluate_all("all => all.map(each => each.value)") == ["Return"])
    tab_to(page, page.get_by_role("combobox", name="Merge into"))
    page.keyboard.type("Sent back")
    page.keyboard.press("Enter")
    merge = page.get_by_role("button", name="Merge", exact=True)
    expect(merge).to_be_enabled()
    press_on(page, merge, most=5)
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("also Return")
    press_on(page, page.get_by_role("button", name="Undo").first)
    expect(lines).to_have_count(2)
    press_on(page, page.get_by_role("button", name="Choose Return", exact=True))
    eventually(lambda: name.evaluate_all("all => all.map(each => each.value)") == ["Return"])
    press_on(page, page.get_by_role("button", name="Remove this tag"))
    expect(page.get_by_role("heading", name="Removed")).to_be_visible()
    press_on(page, page.get_by_role("button", name="Undo").first)
    expect(page.get_by_role("heading", name="Removed")).to_have_count(0)
    assert person.errors == []


def test_how_pages_look_is_chosen(person: Person, sam: str) -> None:
    """By mouse and by keyboard alone; it is kept for every page of this browser."""
    page = person.sign_in("/")
    who = page.locator(".st-key-account button")
    line = page.locator(".line.customer").first
    whole = page.locator(".stApp")
    expect(line).to_be_visible()
    roomy = line.bounding_box()
    assert roomy

    def is_lower() -> bool:
        box = line.bounding_box()
        return bool(box and box["height"] < roomy["height"])

    who.click()
    compact = page.get_by_role("group", name="Density").get_by_role("button", name="Compact")
    # Said by the script that hears the click, which comes a moment after the page.
    expect(compact).to_have_attribute("aria-pressed", "false")
    compact.click()
    eventually(is_lower)
    who.click()
    press_on(page, who)
    comfortable = page.get_by_role("group", name="Density").get_by_role(
        "button", name="Comfortable"
    )
    expect(comfortable).to_have_attribute("aria-pressed", "false")
    press_on(page, comfortable, most=3)
    expect(comfortable).to_have_attribute("aria-pressed", "true")
    assert not is_lower()
    press_on(page, page.get_by_role("button", name="Compact"), "Space", most=3)

    # Colours other than the system's, here and on the next page.
    expect(whole).to_have_css("color-scheme", "light")
    press_on(
        page, page.get_by_role("group", name="Colours").get_by_role("button", name="Dark"), most=5
    )
    expect(whole).to_have_css("color-scheme", "dark")
    page.goto(f"{person.address}/timeline?customer={sam}")
    expect(page.get_by_text("a bicycle 69")).to_be_visible()
    expect(whole).to_have_css("color-scheme", "dark")
    eventually(
        lambda: bool(page.evaluate("document.documentElement.classList.contains('compact')"))
    )
    who.click()
    colours = page.get_by_role("group", name="Colours")
    expect(colours.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    colours.get_by_role("button", name="System").click()
    expect(whole).to_have_css("color-scheme", "light")
    assert person.errors == []
