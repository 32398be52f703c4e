"""Lines of lists: they lead as links do, and their buttons act on whom they stand beside and on nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.app.browsing import Person, eventually, gets_focus, tab_to
from tests.app.conftest import Correspondence

NUMBER, OTHER = "+61491570006", "+61491570156"
MARKED = "select identity from crm.not_customers where ended_at is null"


def test_a_line_leads_as_a_link_does_and_back(
    person: Person, correspondence: Correspondence
) -> None:
    first = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    second = correspondence.customer("Sam Example", f"phone:{OTHER}")
    correspondence.sms(NUMBER, "of the one", datetime.now(UTC) - timedelta(hours=1))
    correspondence.sms(OTHER, "of the other", datetime.now(UTC))
    page = person.sign_in("/?q=example")
    expect(page.locator("a.leads")).to_have_count(2)
    page.evaluate("window.stays = true")
    with page.context.expect_page() as opened:
        page.locator(f"a[href*='{first}']").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_text("of the one")).to_be_visible()
    opened.value.close()
    assert page.url.endswith("/?q=example")

    # By keyboard; the app is not loaded anew, and Back leads to the same list.
    tab_to(page, page.locator(f"a[href*='{second}']"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("of the other")).to_be_visible()
    assert page.url.endswith(f"/timeline?customer={second}")
    page.go_back()
    expect(page.locator("a.leads")).to_have_count(2)
    assert page.url.endswith("/?q=example")
    page.locator(f"a[href*='{first}']").click()
    expect(page.get_by_text("of the one")).to_be_visible()
    assert page.evaluate("window.stays")
    assert person.errors == []


def test_a_button_of_a_line_acts_on_whom_it_stands_beside(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.sms(NUMBER, "the first", datetime.now(UTC) - timedelta(hours=1))
    correspondence.sms(OTHER, "the second", datetime.now(UTC))
    page = person.sign_in("/unassigned")
    expect(page.get_by_text("2 waiting")).to_be_visible()
    mark = page.locator("button[data-act='mark']")
    expect(mark).to_have_count(2)

    # What was made up in the browser is no line of this list: the run comes, and does nothing.
    runs = len(correspondence.events("queue.view"))
    mark.first.evaluate("each => { each.dataset.of = 'phone:+61491570158'; each.click(); }")
    page.evaluate(
        "[['undo', 'of'], ['accept', 'customer']].forEach(([act, key]) => { const each = document.querySelector"
        "(\"button[data-act='mark']\"); each.dataset.act = act; each.dataset[key] = 'x'; each.click(); })"
    )
    correspondence.sms("+61491570157", "the third", datetime.now(UTC))
    expect(page.get_by_text("3 waiting")).to_be_visible()
    assert len(correspondence.events("queue.view")) > runs
    assert correspondence.execute(MARKED) == []

    # By keyboard: who is gone leaves the list, and one stands on it still.
    button = page.locator(f"button[data-act='mark'][data-of='phone:{NUMBER}']")
    tab_to(page, button)
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 waiting")).to_be_visible()
    expect(button).to_have_count(0)
    assert correspondence.execute(MARKED) == [(f"phone:{NUMBER}",)]
    eventually(lambda: bool(page.evaluate("document.activeElement !== document.body")))
    page.locator(f"button[data-act='decide'][data-of='phone:{OTHER}']").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("the second")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    gets_focus(page.locator(f"button[data-act='decide'][data-of='phone:{OTHER}']"))
    assert person.errors == []
