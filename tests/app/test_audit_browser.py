"""The page Audit in a real Chromium: who saw a customer, what a person looked at, and nothing in it acts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.browsing import Person, fits
from tests.app.conftest import Correspondence
from tests.app.drawn import HOSTILE

NUMBER = "+61491570006"


@pytest.fixture(autouse=True)
def _roles(correspondence: Correspondence) -> None:
    for name, role in (("olive", "privacy_officer"), ("viewer", "viewer")):
        correspondence.user(name, role)


def test_who_saw_a_customer_is_on_record_for_those_who_answer_for_it(
    person: Person, correspondence: Correspondence
) -> None:
    """Acceptance scenario 5: somebody opens a timeline; who, whose, what and when is on record, and nobody takes it away."""
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    kim = correspondence.customer("Kim Other")
    correspondence.sms(NUMBER, "hello", datetime.now(UTC))
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello")).to_be_visible()
    # Who reads customers does not read who read them.
    assert page.get_by_role("link", name="Audit").count() == 0
    assert page.get_by_role("link", name="Who saw this").count() == 0
    page.goto(f"{person.address}/audit?customer={sam}")
    expect(page.get_by_placeholder("Name, phone or e-mail")).to_be_visible()
    assert correspondence.events("event.search") == []

    # At the same desk, afterwards.
    page = person.sign_in(f"/timeline?customer={sam}", user_name="olive")
    page.get_by_role("link", name="Who saw this").click()
    expect(
        page.get_by_text("Who saw Sam Example (+61491570006), and what was done")
    ).to_be_visible()
    line = page.locator(".line.event", has_text="timeline.view").filter(has_text="agent")
    expect(line.first).to_contain_text("Sam Example")
    expect(line.get_by_text("Kim Other")).to_have_count(0)
    today = datetime.now(correspondence.settings.zone)
    expect(page.locator(".events .day").first).to_have_text(
        f"{today.day} {today:%b %Y}", ignore_case=True
    )
    # What did this person look at: a click on the name.
    line.first.get_by_role("link", name="agent").click()
    expect(page.get_by_text("What agent saw and did, the newest first")).to_be_visible()
    expect(page.locator(".line.event", has_text="sign_in.succeed")).to_have_count(1)
    page.get_by_role("combobox", name="Action").click()
    page.get_by_role("option", name="timeline.view").click()
    expect(page.locator(".line.event", has_text="sign_in.succeed")).to_have_count(0)
    assert "action=timeline.view" in page.url
    assert "person=agent" in page.url
    # As a file, which says the same.
    with page.expect_download() as taken:
        page.get_by_role("link", name="Export").click()
    rows = list(csv.DictReader(io.StringIO(Path(taken.value.path()).read_text("utf-8-sig"))))
    assert {row["actor"] for row in rows} == {"agent"}
    assert {row["action"] for row in rows} == {"timeline.view"}
    assert sam in rows[0]["customer_ids"]
    # Of another customer nothing was seen. Each look at the log stands in it, too.
    page.goto(f"{person.address}/audit?customer={kim}&person=agent&action=timeline.view")
    expect(page.get_by_text("No events")).to_be_visible()
    looks = correspondence.events("event.search")
    assert {each["actor"] for each in looks} == {"olive"}
    assert sam in looks[0]["customer_ids"]
    (export,) = correspondence.events("event.export")
    assert export["detail"]["count"] == len(rows)


def test_a_long_log_goes_on_and_is_narrowed_to_days_and_a_customer(
    person: Person, correspondence: Correspondence
) -> None:
    sam = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.execute(
        "insert into crm.events (event_id, at, actor, role, action, object_type, object_id, customer_ids)"
        " select 'e' || n, now() - n * interval '1 hour', 'kim', 'agent', 'message.view', 'message', 'm' || n,"
        " case when n %% 10 = 0 then array[%s] else '{}'::text[] end from generate_series(1, 120) as n",
        [sam],
    )
    page = person.sign_in("/audit?person=kim", user_name="olive")
    expect(page.locator(".line.event")).to_have_count(50)
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator(".line.event")).to_have_count(100)
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator(".line.event")).to_have_count(120)
    expect(page.get_by_role("button", name="Earlier")).to_have_count(0)
    # A customer is chosen by name; the address holds all of it.
    page.get_by_role("button", name="Customer").click()
    page.get_by_label("Search", exact=True).fill("sam")
    page.get_by_label("Search", exact=True).press("Enter")
    page.get_by_role("button", name="Who saw them").click()
    expect(page.get_by_text("What kim saw and did of Sam Example")).to_be_visible()
    expect(page.locator(".line.event")).to_have_count(12)
    day = (datetime.now(correspondence.settings.zone) - timedelta(days=2)).date()
    page.goto(f"{person.address}/audit?person=kim&from={day}&to={day}")
    expect(page.locator(".events .day")).to_have_count(1)
    expect(page.locator(".line.event")).to_have_count(24)
    page.goto(f"{person.address}/audit?person=kim&from=never&to=2026-99-99")
    expect(page.locator(".line.event")).to_have_count(50)


@pytest.mark.parametrize("width", [390, 1280])
def test_what_events_quote_is_inert_and_fits(
    window: Callable[..., Person], correspondence: Correspondence, width: int
) -> None:
    attack = " ".join(HOSTILE).replace("alert(1)", "window.hurt=1").replace("\x00", "")
    sam = correspondence.customer(attack + "x" * 200 + " مرحبا بالعالم")
    correspondence.execute(
        "insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids, detail, ip)"
        " select 'e' || n, %s, 'agent', 'message.search', %s, %s, array[%s, 'gone'], jsonb_build_object('query', %s::text), %s"
        " from generate_series(1, 5) as n",
        [attack * 3, attack, attack + "y" * 400, sam, attack * 5, attack],
    )
    page = window(width=width, height=844).sign_in(f"/audit?customer={sam}", user_name="olive")
    expect(page.locator(".line.event").first).to_be_visible()
    page.locator(".line.event summary").first.click()
    expect(page.locator(".line.event pre").first).to_be_visible()
    fits(page)
    assert page.evaluate("window.hurt") is None
