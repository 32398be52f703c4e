"""Privacy and Retention in a real Chromium: a request to its end, a breach to its statement, a destruction by two people."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from privacy import tasks
from tests.app.browsing import Person, fits
from tests.app.conftest import Correspondence
from tests.app.drawn import HOSTILE
from warehouse import decisions
from warehouse.events import Actor

NUMBER = "+61491570006"
EVIL = " ".join(HOSTILE)
PIA = Actor(name="olive", role="privacy_officer")
RIGHT_TO_LEFT = "طلب الوصول إلى كل الرسائل من السيدة منى"
LONG = (
    "Her solicitor, by a letter that came by registered post and was scanned at the front desk " * 2
)


@pytest.fixture(autouse=True)
def _roles(correspondence: Correspondence) -> None:
    for name in ("olive", "ben"):
        correspondence.user(name, "privacy_officer")


def looked_at(page: Page, name: str) -> None:
    """Nothing is wider than the window; a picture for whoever looks (PICTURES=folder)."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator(".st-key-account")).to_be_visible()
        fits(page)
        if folder := os.environ.get("PICTURES"):
            page.wait_for_timeout(600)
            page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def _work(correspondence: Correspondence, kind: str) -> None:
    """What the worker does when it is told."""
    ((task_id,),) = correspondence.execute(
        "select task_id from privacy.tasks where kind = %s and state = 'waiting'", [kind]
    )
    tasks.carry_out(correspondence.settings, task_id)


def test_a_request_is_checked_written_and_closed(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello", datetime.now(UTC))
    page = person.sign_in("/privacy", user_name="olive")
    expect(page.get_by_text("Nothing is open")).to_be_visible()
    looked_at(page, "privacy-empty")
    page.get_by_text("Open a request of a person").click()
    new = page.locator(".st-key-new_case")
    new.get_by_placeholder("Name, phone or e-mail").fill("Sam")
    new.get_by_placeholder("Name, phone or e-mail").press("Enter")
    expect(new.get_by_text("Sam Example")).to_be_visible()
    new.get_by_label("Who asks, and how").fill("Herself, by mail")
    new.get_by_role("button", name="Open the request").press("Enter")
    panel = page.locator(".st-key-case_panel")
    expect(panel.get_by_text("not checked yet")).to_be_visible()
    expect(panel.get_by_role("button", name="Write what we hold")).to_have_count(0)
    panel.get_by_label("How is it sure that it is them?").fill("Called back")
    panel.get_by_role("button", name="Note who asks").press("Enter")
    panel.get_by_role("button", name="Write what we hold").click()
    expect(panel.get_by_text("waits for the worker")).to_be_visible()
    # The page is told when it is done.
    _work(correspondence, "export")
    download = panel.get_by_role("link", name="Download")
    expect(download).to_be_visible()
    with page.expect_download() as taken:
        download.click()
    assert Path(taken.value.path()).read_bytes()[:2] == b"PK"
    assert [event["actor"] for event in correspondence.events("privacy.download")] == ["olive"]
    panel.get_by_text("Close it").click()
    panel.get_by_text("Refused").click()
    panel.get_by_role("button", name="Close the request").press("Enter")
    expect(page.get_by_text("on a ground of APP 12.3")).to_be_visible()
    panel.get_by_text("Granted").click()
    panel.get_by_role("button", name="Close the request").press("Enter")
    expect(page.get_by_text("Nothing is open")).to_be_visible()
    assert correspondence.execute("select outcome, closed_by from privacy.cases") == [
        ("granted", "olive")
    ]
    assert correspondence.events("case.view")


def test_what_is_late_stands_first_and_nothing_that_somebody_wrote_acts(
    person: Person, correspondence: Correspondence
) -> None:
    now = datetime.now(UTC)
    sam = correspondence.customer(EVIL[:100], f"phone:{NUMBER}")
    mona = correspondence.customer("منى " * 12)
    app: Any = correspondence.session()
    late = decisions.open_case(app, PIA, sam, asked_by=LONG, received_at=now - timedelta(days=32))
    decisions.open_case(
        app, PIA, mona, asked_by=RIGHT_TO_LEFT, received_at=now - timedelta(days=25)
    )
    decisions.check_identity(app, PIA, late, EVIL[:200])
    decisions.close_case(
        app,
        PIA,
        decisions.open_case(app, PIA, mona, asked_by="x"),
        outcome="refused",
        grounds=["b", "d"],
        reason=EVIL[:300],
    )
    incident = decisions.open_incident(
        app, PIA, "A list went astray", suspected_at=now - timedelta(days=29), account="ben",
        seen_from=now - timedelta(days=2), seen_until=now + timedelta(days=1),
    )  # fmt: skip
    correspondence.execute(
        "insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids)"
        " select 'x' || n, 'ben', 'agent', 'timeline.view', 'customer', 'c', array[case when n %% 2 = 0 then %s else %s end]"
        " from generate_series(1, 9) as n",
        [sam, mona],
    )
    page = person.sign_in("/privacy", user_name="olive")
    lines = page.locator(".line.case")
    expect(lines).to_have_count(3)
    page.get_by_text("Also what is closed").click()
    expect(lines).to_have_count(4)
    page.locator(f".st-key-choose_{late} button").click()
    expect(page.locator(".case-facts")).to_contain_text("registered post")
    looked_at(page, "privacy-case")
    page.locator(f".st-key-choose_{incident} button").click()
    page.get_by_role("button", name="Whom did this account see?").click()
    expect(page.get_by_text("This account saw 2 people")).to_be_visible()
    looked_at(page, "privacy-incident")
    page.get_by_text("Write the statement").click()
    page.get_by_label("What happened").first.fill("A list was sent to the wrong address")
    page.get_by_role("button", name="Save").press("Enter")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Draft of the statement").click()
    draft = Path(taken.value.path()).read_text()
    assert "wrong address" in draft
    assert "2 people" in draft
    page.get_by_text("Decide", exact=True).click()
    page.get_by_label("Why").fill("Their numbers stood in it")
    page.get_by_role("button", name="Note the decision").press("Enter")
    page.get_by_role("button", name="People were told").click()
    expect(page.locator(".line.case", has_text="people were told")).to_be_visible()
    assert correspondence.execute("select decision, notified_by from privacy.incidents") == [
        ("notifiable", "olive")
    ]


def test_a_class_and_a_destruction_take_two_people(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.customer("Kim Other")
    correspondence.sms(NUMBER, "hello", datetime.now(UTC) - timedelta(days=3000))
    page = person.sign_in("/retention", user_name="olive")
    page.get_by_role("button", name="Count what is due").click()
    expect(page.get_by_text("1 due of 1 person")).to_be_visible()
    page.locator(".st-key-class_messages").get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".st-key-class_messages")).to_contain_text("approved by olive")
    for opener, what, reason in (
        ("Hold a customer", "new_hold", "Claim 17"),
        ("Destroy a customer", "new_destruction", "Asked for it"),
    ):
        page.get_by_text(opener).click()
        box = page.locator(f".st-key-{what}")
        name = "Kim" if what == "new_hold" else "Sam"
        box.get_by_placeholder("Name, phone or e-mail").fill(name)
        box.get_by_placeholder("Name, phone or e-mail").press("Enter")
        expect(box.get_by_text(f"{name} ").first).to_be_visible()
        box.get_by_label("Why, naming nobody").fill(reason)
        box.locator(".stFormSubmitButton button").press("Enter")
        expect(page.locator(".line.case", has_text=reason)).to_be_visible()
    # Nobody agrees with themselves.
    expect(page.get_by_role("button", name="Agree: destroy")).to_be_disabled()
    looked_at(page, "retention")
    # At the same desk, afterwards.
    other = person.sign_in("/retention", user_name="ben")
    other.get_by_role("button", name="Agree: destroy").click()
    expect(other.get_by_text("waits for the worker")).to_be_visible()
    _work(correspondence, "destroy")
    expect(other.get_by_text("customer · ", exact=False).last).to_be_visible()
    assert correspondence.execute(
        "select count(*) from crm.customers where customer_id = %s", [sam]
    ) == [(0,)]
    assert correspondence.execute("select destroyed_by, reason from privacy.certificates") == [
        ("olive", "Asked for it (agreed by ben)")
    ]


def test_a_correction_stands_in_the_timeline_and_is_taken_back(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    sid = correspondence.sms(NUMBER, "I owe you money", datetime.now(UTC))
    message = f"twilio_sms|{sid}"
    page = person.sign_in(f"/message?message={message}", user_name="olive")
    page.get_by_text("Correct it (APP 13)").click()
    page.get_by_label("What is right").fill(f"I owe nothing {EVIL[:60]}")
    page.get_by_label("Or what they say against it, in their words").fill(RIGHT_TO_LEFT)
    page.get_by_label("Why").fill("Shown to be so")
    page.get_by_role("button", name="Show it so").press("Enter")
    article = page.locator("article.message").first
    expect(article).to_contain_text("I owe nothing")
    expect(article).to_contain_text("They disagree")
    looked_at(page, "correction")
    decisions.correct(
        correspondence.session(), PIA, sam, field="name", statement="It is Samuel", reason="asked for it"
    )  # fmt: skip
    page.goto(f"{person.address}/timeline?customer={sam}")
    shown = page.locator("article.message").first
    expect(shown.locator(".body").first).to_contain_text("I owe nothing")
    shown.get_by_text("as it was written").click()
    expect(shown.locator("blockquote")).to_have_text("I owe you money")
    expect(page.get_by_text("They disagree: It is Samuel")).to_be_visible()
    looked_at(page, "correction-timeline")
    page.goto(f"{person.address}/message?message={message}")
    page.get_by_role("button", name="Take the correction back").click()
    expect(page.locator("article.message").first).to_contain_text("I owe you money")
    expect(page.get_by_text("I owe nothing")).to_have_count(0)
