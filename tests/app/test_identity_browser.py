"""In a browser: link from the queue, merge, undo, and a list with errors; with names that try things. Who comes second,
who sees a part, and customers that are typed in and archived."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from playwright.sync_api import Page, expect

from app.views import card_html
from pipelines.suggestions import find_evidence
from tests.app.browsing import Person, about, eventually
from tests.app.conftest import Correspondence
from warehouse import decisions
from warehouse.events import Actor
from warehouse.settings import Role

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
HOSTILE = '<img src=x onerror="document.title=1"> **b** [x](javascript:1) مرحبا'


def keep(page: Page, name: str) -> None:
    """A picture for whoever looks, where a folder for them is named."""
    if folder := os.environ.get("PICTURES"):
        page.wait_for_timeout(700)
        for width, height, scheme in ((1280, 900, "light"), (390, 844, "dark")):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png")
        page.set_viewport_size({"width": 1280, "height": 900})


def open_links(correspondence: Correspondence) -> dict[str, str]:
    return dict(
        correspondence.execute(  # type: ignore[arg-type]
            "select identity, name from crm.identity_links join crm.customers using (customer_id) where ended_at is null"
        )
    )


def test_from_the_queue_to_a_merge_and_back(person: Person, correspondence: Correspondence) -> None:
    correspondence.folds_at_once = False
    correspondence.user("reader", role="viewer")
    sam = correspondence.customer("Sam Citizen", "email:sam@example.com")
    other = correspondence.customer("Samuel Citizen", "phone:+61491570156")
    for day in range(3):
        at = AT + timedelta(days=day)
        correspondence.mail(
            "sam@example.com", "Order", "Hello\n\nSam\nM: 0491 570 006", at, name="Sam Citizen"
        )
    correspondence.sms("+61491570006", "Where is my order?", AT)
    correspondence.sms("+61491570156", "It is me again", AT)
    correspondence.mail("no-reply@example.com", "Receipt", "Thanks", AT, name=HOSTILE)
    correspondence.mail("mai@example.com", "Hi", "Hello", AT, name="Mai Tran")
    correspondence.fold()
    find_evidence(correspondence.settings)

    page = person.sign_in("/unassigned")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(
        page.get_by_text("the signature of 3 mails from sam@example.com names 0491 570 006")
    ).to_be_visible()
    keep(page, "queue")
    page.get_by_role("button", name="Link to Sam Citizen").click()
    eventually(lambda: open_links(correspondence).get("phone:+61491570006") == "Sam Citizen")
    page.locator('button[data-act="mark"][data-of="email:no-reply@example.com"]').click()
    eventually(
        lambda: (
            correspondence.execute("select identity from crm.not_customers")
            == [("email:no-reply@example.com",)]
        )
    )
    page.get_by_role("button", name="Make all that have a name").click()
    expect(page.get_by_role("dialog").get_by_text("Mai Tran")).to_be_visible()
    keep(page, "make-all")
    page.get_by_role("button", name="Make these 1").click()
    eventually(lambda: open_links(correspondence).get("email:mai@example.com") == "Mai Tran")
    page.get_by_text("Not customers", exact=True).click()
    page.get_by_role("button", name="Bring back").click()
    eventually(
        lambda: correspondence.execute("select from crm.not_customers where ended_at is null") == []
    )

    # The card beside the timeline; a merge is weighed, made, and taken back.
    page.goto(f"{person.address}/timeline?customer={sam}")
    card = page.locator(".identity-card")
    expect(card.get_by_text("suggested: the signature of 3 mails")).to_be_attached()
    about(page)
    keep(page, "card")
    page.get_by_role("button", name="Change who this is").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_placeholder("Name, phone or e-mail").first.fill("0491570156")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("It can be taken back exactly")).to_be_visible()
    dialog.get_by_label("Reason for the merge").fill("told us on the phone")
    page.keyboard.press("Enter")
    keep(page, "merge")
    dialog.get_by_role("button", name="Merge", exact=True).click()
    eventually(lambda: open_links(correspondence).get("phone:+61491570156") == "Sam Citizen")
    assert correspondence.execute(
        "select merged_into from crm.customers where customer_id = %s", [other]
    ) == [(sam,)]
    expect(page.get_by_text("It is me again")).to_be_visible()
    about(page)
    page.locator(".st-key-about").get_by_text("Decisions (").click()
    page.get_by_role("button", name="Undo merged").click()
    keep(page, "undo")
    page.get_by_role("dialog").get_by_label("Reason").fill("two people")
    page.keyboard.press("Enter")
    eventually(lambda: open_links(correspondence).get("phone:+61491570156") == "Samuel Citizen")

    # A list: what it would do is seen first, its errors with their lines.
    page.goto(f"{person.address}/import_customers")
    content = (
        "name;phone;email\n"
        f"{HOSTILE};0491 570 157;\n"
        "Wrong;12;\n"
        "One;0491570110;one@example.com\nTwo;0491570110;two@example.com\n"
        '"=HYPERLINK(1)";0491570158;\n'
    ).encode("utf-16")
    page.locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": content}
    )
    expect(page.get_by_text("line 3", exact=True)).to_be_visible()
    expect(page.get_by_text("read as UTF-16")).to_be_visible()
    expect(page.get_by_text("is given to One (line 4), Two (line 5)").first).to_be_visible()
    keep(page, "import")
    assert "one@example.com" not in str(open_links(correspondence))
    page.get_by_role("button", name="Import 3 customers").click()
    expect(page.get_by_text("3 customers made")).to_be_visible()
    assert open_links(correspondence)["email:two@example.com"] == "Two"
    assert "phone:+61491570110" not in open_links(correspondence)
    assert page.title() != "1"
    ((maker,),) = correspondence.execute(
        "select distinct actor from crm.decisions where action = 'customer.create' and reason like 'imported%%'"
    )
    assert maker == "agent"


def test_who_is_second_is_told_who_won_and_who_sees_a_part_that_it_is_one(
    person: Person, correspondence: Correspondence
) -> None:
    with correspondence.together():
        sam = correspondence.customer("Sam Citizen", "email:sam@example.com")
        kim = correspondence.customer("Kim Hall", "email:kim@example.com")
        correspondence.mail("sam@example.com", "Order", "A secret of the mail", AT, name="Sam")
        correspondence.sms("+61491570006", "Where is my order?", AT)
    page = person.sign_in("/unassigned")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator('button[data-act="decide"][data-of^="phone"]').click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Existing customer").click()
    dialog.get_by_placeholder("Name, phone or e-mail").fill("sam citizen")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("last contact").first).to_be_visible()
    dialog.get_by_label("Reason for the link").fill("told us")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Link", exact=True)).to_be_enabled()
    # Somebody else was quicker.
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as other:
        decisions.link(
            other, Actor(name="noah", role="agent"), "phone:+61491570006", kim, reason="quicker"
        )
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(dialog.get_by_text("belongs to Kim Hall")).to_be_visible()
    keep(page, "second")
    assert open_links(correspondence)["phone:+61491570006"] == "Kim Hall"

    # Whoever sees the messages of one channel alone is told that there is more, and is shown none of it.
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as other:
        decisions.move(
            other, Actor(name="noah", role="agent"), "phone:+61491570006", sam, reason="hers"
        )
    correspondence.execute(
        "update crm.users set only_channels = '{twilio_sms}' where user_name = 'agent'"
    )
    page.goto(f"{person.address}/timeline?customer={sam}")
    expect(page.get_by_text("Where is my order?")).to_be_visible()
    card = page.locator(".identity-card")
    expect(card.get_by_text(card_html.PART)).to_be_attached()
    about(page)
    expect(card.get_by_text(card_html.PART)).to_be_visible()
    assert "sam@example.com" not in page.content()
    assert "A secret of the mail" not in page.content()
    keep(page, "part")


def test_a_customer_is_typed_in_archived_and_brought_back(
    person: Person, correspondence: Correspondence
) -> None:
    page = person.sign_in("/")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="New customer").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(HOSTILE)
    dialog.get_by_label("Phone", exact=True).fill("abc")
    keep(page, "new-customer")
    dialog.get_by_role("button", name="Make customer").click()
    expect(dialog.get_by_text("no phone number")).to_be_visible()
    dialog.get_by_label("Phone", exact=True).fill("")
    dialog.get_by_role("button", name="Make customer").click()
    expect(page.locator(".customer-head")).to_be_visible()
    assert page.title() != "1"
    ((customer_id,),) = correspondence.execute("select customer_id from crm.customers")
    card = page.locator(".identity-card")
    expect(card).to_be_attached()
    about(page)
    page.get_by_role("button", name="Change who this is").click()
    dialog.get_by_role("tab", name="Archive").click()
    dialog.get_by_label("Reason to archive").fill("a test of ours")
    dialog.get_by_role("button", name="Archive", exact=True).click()
    gone = "select archived_at is not null from crm.customers where customer_id = %s"
    eventually(lambda: correspondence.execute(gone, [customer_id]) == [(True,)])
    expect(page.get_by_text("in no list and no search")).to_be_attached()
    about(page)
    expect(page.get_by_role("button", name="Change who this is")).not_to_be_attached()
    keep(page, "archived")
    page.locator(".st-key-about").get_by_text("Decisions (").click()
    page.get_by_role("button", name="Undo archived").click()
    dialog.get_by_label("Reason").fill("is back")
    dialog.get_by_role("button", name="Undo this decision").click()
    eventually(lambda: correspondence.execute(gone, [customer_id]) == [(False,)])
