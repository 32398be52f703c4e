"""Choosing a message opens its panel beside, and the timeline stays exactly where it is; by mouse and by keyboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page, expect

from app import act
from tests.app.browsing import Person, eventually, fits, ready
from tests.app.conftest import Correspondence
from tests.app.meta_events import CONNECTIONS, messaging

NUMBER, PSID = "+61491570006", "7234567890123456"
OUTLINE = "rgb(11, 110, 99) 0px 0px 0px 2px inset"
PLACE = "document.querySelector('.st-key-timeline').scrollTop"


def panel(page: Page) -> Locator:
    return page.locator(".st-key-chosen_message")


def test_a_chosen_message_opens_its_panel_and_nothing_moves(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.folds_at_once = False
    start = datetime.now(UTC) - timedelta(days=2)
    sids = [
        correspondence.sms(NUMBER, f"message {each:03}", start + timedelta(minutes=10 * each))
        for each in range(60)
    ]
    correspondence.fold()
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("message 059")).to_be_in_viewport()
    ready(page)
    page.get_by_text("message 040").scroll_into_view_if_needed()
    page.evaluate("document.querySelectorAll('.message').forEach((each) => { each.stays = true; })")
    before = page.evaluate(PLACE)
    page.get_by_text("message 040").click()
    expect(panel(page).get_by_text("Where it came from")).to_be_visible()
    expect(panel(page)).to_contain_text("raw_twilio_sms.messages")
    expect(panel(page)).to_contain_text("Received")
    # The same elements at the same place: nothing was drawn anew.
    assert page.evaluate(PLACE) == before
    assert page.evaluate("[...document.querySelectorAll('.message')].every((each) => each.stays)")
    # It is told which one is looked at.
    chosen = page.locator(f"[data-message='twilio_sms|{sids[40]}']")
    expect(chosen).to_have_css("box-shadow", OUTLINE)

    # A tag of this message alone, while the timeline stays where it is.
    tags = panel(page).get_by_role("combobox", name="Tags of this message")
    tags.click()
    page.keyboard.type("Promise")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("button", name="Remove Promise")).to_be_visible()
    assert correspondence.execute(
        "select object_type, object_id from crm.taggings where removed_at is null"
    ) == [("message", f"twilio_sms|{sids[40]}")]
    assert page.evaluate(PLACE) == before

    # By keyboard: the next one.
    chosen.focus()
    page.keyboard.press("j")
    page.keyboard.press("p")
    expect(panel(page).get_by_role("button", name="Remove Promise")).to_have_count(0)
    expect(panel(page).get_by_role("link", name="Everything about it")).to_be_visible()
    tags.focus()
    page.keyboard.type("Later")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("button", name="Remove Later")).to_be_visible()
    tags.press("Backspace")
    expect(panel(page).get_by_role("button", name="Remove Later")).to_have_count(0)
    panel(page).get_by_role("link", name="Everything about it").press("Enter")
    page.wait_for_url("**/message?*")
    page.go_back()
    # What was chosen is chosen still, and another one is chosen as before.
    expect(page.locator(f"[data-message='twilio_sms|{sids[41]}']")).to_have_css(
        "box-shadow", OUTLINE
    )
    page.get_by_text("message 042").click()
    expect(page.locator(f"[data-message='twilio_sms|{sids[42]}']")).to_have_css(
        "box-shadow", OUTLINE
    )
    ((seen,),) = correspondence.execute(
        "select object_id from crm.events where action = 'message.view' order by at desc limit 1"
    )
    assert seen == f"twilio_sms|{sids[42]}"
    panel(page).get_by_role("button", name="Close").press("Enter")
    expect(panel(page)).to_have_count(0)

    # A click on what does something of its own is no choice, nor is one that marks words.
    page.get_by_text("message 040").dblclick()
    panel(page).get_by_role("button", name="Close").click()
    expect(panel(page)).to_have_count(0)
    viewed = len(correspondence.events("message.view"))
    page.get_by_text("message 041").hover()
    page.locator(f"[data-message='twilio_sms|{sids[41]}'] button.link-to").click()
    expect(page.get_by_text("The link is copied")).to_be_visible()
    assert len(correspondence.events("message.view")) == viewed


def test_on_a_narrow_screen_it_opens_over_the_timeline(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello there", datetime.now(UTC) - timedelta(hours=1))
    page = person.sign_in(f"/timeline?customer={sam}")
    ready(page)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.get_by_role("region", name="Identities")).to_be_hidden()
    page.get_by_text("hello there").click()
    expect(panel(page).get_by_text("Where it came from")).to_be_in_viewport()
    fits(page)
    page.get_by_role("button", name="About this customer").click()
    expect(panel(page)).to_be_hidden()
    expect(page.get_by_text("hello there")).to_be_in_viewport()


def test_who_may_reads_what_it_said_before(person: Person, correspondence: Correspondence) -> None:
    """Also where the timeline was opened at a message; a viewer chooses too, and changes nothing."""
    correspondence.user("root", "admin")
    correspondence.user("reader", "viewer")
    page_id = CONNECTIONS["messenger"]["page_id"]
    connection = correspondence.connect("messenger", page_id=page_id)
    sam = correspondence.customer("Sam Example", f"psid:{page_id}:{PSID}")
    for told in (
        {"message": {"mid": "m_1", "text": "Open on Munday?"}},
        {"message_edit": {"mid": "m_1", "text": "Open on Monday?", "num_edit": 1}},
    ):
        correspondence.land("messenger", connection, messaging("messenger", PSID, **told))
    at = f"/timeline?customer={sam}&at=messenger%7Cm_1"
    page = person.sign_in(at, user_name="reader")
    ready(page)
    page.get_by_text("Open on Monday?").click()
    expect(panel(page).locator(".line.source")).to_have_count(2)
    expect(panel(page).get_by_role("combobox")).to_have_count(0)
    expect(panel(page).get_by_role("button", name="Show what it said before")).to_have_count(0)
    page.locator(".st-key-account button").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()

    person.sign_in(at, user_name="root")
    ready(page)
    page.get_by_text("Open on Monday?").click()
    panel(page).get_by_role("button", name="Show what it said before").click()
    expect(panel(page).locator(".versions li").first).to_contain_text("Munday")
    (seen,) = correspondence.events("message.revisions")
    assert (seen["actor"], seen["object_id"], seen["customer_ids"]) == (
        "root",
        "messenger|m_1",
        [sam],
    )


def test_what_is_pressed_is_done_although_it_is_drawn_anew_before_it_is_let_go(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    sid = correspondence.sms(NUMBER, "hello there", datetime.now(UTC) - timedelta(hours=1))
    page = person.sign_in(f"/timeline?customer={sam}")
    ready(page)
    page.get_by_text("hello there").click()
    close = panel(page).get_by_role("button", name="Close")
    expect(close).to_be_visible()
    page.wait_for_timeout(500)

    def middle() -> tuple[float, float]:
        box = close.bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    pressed = middle()
    page.mouse.move(*pressed)
    page.mouse.down()
    # Meanwhile somebody else decides on the message, and it says more of itself.
    colleague = correspondence.signed_in("mia")
    for tag in ("Promise", "Later", "A tag of many words that needs a line", "And one more such"):
        act.tag(colleague, [f"twilio_sms|{sid}"], tag)
    expect(panel(page).get_by_role("button", name="Remove And one more such")).to_be_visible()
    eventually(lambda: middle() != pressed)
    page.mouse.up()
    expect(panel(page)).to_have_count(0)


def test_who_goes_away_from_what_is_pressed_does_not_want_it(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello there", datetime.now(UTC) - timedelta(hours=1))
    page = person.sign_in(f"/timeline?customer={sam}")
    ready(page)
    page.get_by_text("hello there").click()
    close = panel(page).get_by_role("button", name="Close")
    expect(close).to_be_visible()
    close.hover()
    page.mouse.down()
    page.get_by_text("hello there").hover()
    page.mouse.up()
    page.wait_for_timeout(700)
    expect(close).to_be_visible()
    # Where nothing happens in between it is done once.
    close.click()
    expect(panel(page)).to_have_count(0)
