"""The pages about one message, about connections and about the quarantine, in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.app.browsing import WINDOWS, Person, eventually
from tests.app.conftest import Correspondence
from tests.app.drawn import HOSTILE
from tests.app.test_examine import NUMBER, form, one_row_through_both_doors


@pytest.fixture(autouse=True)
def _roles(correspondence: Correspondence) -> None:
    for name, role in (("admin", "admin"), ("officer", "privacy_officer"), ("viewer", "viewer")):
        correspondence.user(name, role)


def test_a_message_leads_to_its_page_with_sources_and_exact_bytes(
    person: Person, correspondence: Correspondence
) -> None:
    customer = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    message_id, delivery = one_row_through_both_doors(correspondence)
    page = person.sign_in(f"/timeline?customer={customer}", user_name="officer")
    expect(page.get_by_text("Hello")).to_be_visible()
    with person.context.expect_page() as opened:
        page.locator(".message a.about").click()
    about = opened.value
    expect(about.get_by_text("Where this came from")).to_be_visible()
    expect(about.locator(".line.source")).to_have_count(2)
    expect(about.locator(".line.source", has_text="Webhook")).to_contain_text(delivery)
    assert correspondence.events("raw.view") == []
    number = 1 if "Webhook" in about.locator(".line.source").first.inner_text() else 2
    about.get_by_role("link", name=f"Exact bytes of source {number}").click()
    expect(about.locator(".raw pre")).to_contain_text("From=%2B61491570006")
    (event,) = correspondence.events("raw.view")
    assert (event["actor"], event["customer_ids"]) == ("officer", [customer])
    about.get_by_role("link", name="Timeline of Sam Example").click()
    expect(about.get_by_role("heading", name="Sam Example")).to_be_visible()
    assert message_id in [event["object_id"] for event in correspondence.events("message.view")]


def test_the_page_of_a_message_shows_no_bytes_to_who_may_not(
    person: Person, correspondence: Correspondence
) -> None:
    message_id, delivery = one_row_through_both_doors(correspondence)
    page = person.sign_in(
        f"/message?message={message_id}&raw=raw.webhook_deliveries/{delivery}&versions=1"
    )
    expect(page.locator(".line.source")).to_have_count(2)
    assert page.get_by_role("link", name="Exact bytes").count() == 0
    assert page.locator(".raw").count() == 0
    assert correspondence.events("raw.view") == correspondence.events("message.revisions") == []


def test_administration_is_for_administrators(
    person: Person, correspondence: Correspondence
) -> None:
    for user_name in ("viewer", "officer"):
        page = person.sign_in("/", user_name=user_name)
        expect(page.get_by_role("link", name="Unassigned")).to_be_visible()
        assert page.get_by_role("link", name="Connections").count() == 0
        for path in ("/connections", "/quarantine"):
            page.goto(person.address + path)
            expect(page.get_by_placeholder("Name, phone or e-mail")).to_be_visible()
    assert (
        correspondence.events("connection.view") == correspondence.events("quarantine.view") == []
    )


def test_connections_say_what_is_true_and_keep_saying_it(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.connect("whatsapp")
    page = person.sign_in("/connections", user_name="admin")
    expect(page.locator(".connection")).to_have_count(3)
    assert page.locator(".connection.good").count() == 0
    whatsapp = page.locator(".connection", has_text="WhatsApp")
    expect(whatsapp).to_contain_text("Nothing has come in yet")
    expect(whatsapp).to_contain_text("annot be reconciled")
    sms = page.locator(".connection", has_text="SMS")
    correspondence.land("twilio_sms", correspondence.sms_connection, form("SM" + "8" * 32, "news"))
    expect(sms).to_contain_text("seconds ago")
    correspondence.execute(
        "insert into jobs.connection_health (connection_id, job, last_failed_at, error)"
        " values (%s, 'pull', now(), 'the token was refused (20003)')",
        [correspondence.sms_connection],
    )
    expect(sms).to_contain_text("The last pull failed. What arrives is still received")
    expect(sms).to_contain_text("the token was refused (20003)")
    correspondence.execute("update crm.connections set disabled_at = now() where channel = 'gmail'")
    expect(page.locator(".connection", has_text="Mail")).to_contain_text(
        "What arrives is still received and kept"
    )
    assert len(correspondence.events("connection.view")) == 1


def test_the_quarantine_opens_to_the_exact_bytes(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.land("twilio_sms", correspondence.sms_connection, {"Nonsense": "<b>1</b>"})
    page = person.sign_in("/quarantine", user_name="admin")
    expect(page.get_by_text("1 in quarantine")).to_be_visible()
    expect(page.get_by_text("./crm replay --quarantined")).to_be_visible()
    page.get_by_role("link", name="Exact bytes of").click()
    expect(page.locator(".raw pre")).to_have_text("Nonsense=%3Cb%3E1%3C%2Fb%3E")
    page.get_by_role("link", name="All of the quarantine").click()
    expect(page.locator(".line.quarantined")).to_have_count(1)
    assert len(correspondence.events("raw.view")) == 1
    # A kind that nobody wants to hear of is ignored, by keyboard too, and told of again.
    page.get_by_role("button", name="Read again").click()
    expect(page.get_by_text("1 row will be read again within a moment")).to_be_visible()
    page.get_by_role("button", name="Ignore from now on").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("or is of a kind that is ignored")).to_be_visible()
    expect(page.get_by_text("1 event · over SMS")).to_be_visible()
    expect(page.locator(".line.quarantined")).to_have_count(0)
    page.get_by_role("button", name="Show these alone").click()
    expect(page.get_by_text("1 of this kind, newest first.")).to_be_visible()
    page.get_by_role("button", name="Tell of it again").click()
    expect(page.get_by_role("heading", name="By reason")).to_be_visible()
    expect(page.get_by_role("heading", name="Ignored")).to_have_count(0)


def test_an_empty_quarantine_says_so(person: Person) -> None:
    page = person.sign_in("/quarantine", user_name="admin")
    expect(page.get_by_text("Nothing is in quarantine")).to_be_visible()


def test_hostile_raw_rows_are_inert_and_fit(
    window: Callable[..., Person], address: str, correspondence: Correspondence
) -> None:
    attack = " ".join(HOSTILE).replace("alert(1)", "window.hurt=1").replace("\x00", "")
    correspondence.execute("update crm.connections set name = %s", [attack + "x" * 300])
    correspondence.land("twilio_sms", correspondence.sms_connection, {attack: attack * 20})
    correspondence.execute(
        "insert into jobs.connection_health (connection_id, job, last_failed_at, error, detail)"
        ' values (%s, \'pull\', now(), %s, \'{"listed": "x", "total": -1, "more": true}\')',
        [correspondence.sms_connection, attack * 5],
    )
    for width, scheme in WINDOWS:
        person = window(width=width, height=844, scheme=scheme)
        page = person.sign_in("/connections", user_name="admin")
        for path, mark in (("/connections", ".connection"), ("/quarantine", ".line.quarantined")):
            page.goto(address + path)
            expect(page.locator(mark).first).to_be_visible()
            _assert_calm(person)
        page.get_by_role("link", name="Exact bytes of").click()
        expect(page.locator(".raw pre")).to_be_visible()
        page.locator(".raw summary").click()
        _assert_calm(person)


def _assert_calm(person: Person) -> None:
    page = person.page
    assert page.evaluate("window.hurt") is None
    assert page.locator(".stHtml script, .stHtml svg, .stHtml iframe, .stHtml form").count() == 0

    def fits() -> bool:
        wide = page.evaluate(
            "() => [...document.querySelectorAll('.stHtml, .line, .connection, .raw')]"
            ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
            " + (document.querySelector('.stMain').scrollWidth > innerWidth ? 1 : 0)"
        )
        return bool(wide == 0)

    eventually(fits)


def test_a_pull_of_long_ago_is_not_called_good(
    person: Person, correspondence: Correspondence
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    correspondence.execute(
        "insert into jobs.connection_health (connection_id, job, last_succeeded_at) values (%s, 'pull', %s)",
        [correspondence.sms_connection, long_ago],
    )
    page = person.sign_in("/connections", user_name="admin")
    expect(page.locator(".connection", has_text="SMS")).to_contain_text(
        "No pull has succeeded for 3 days"
    )
