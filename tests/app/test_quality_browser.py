"""The page Data quality in a real Chromium: calm where nothing was looked at, rules in words, keys that act on nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.app.browsing import Person, fits
from tests.app.conftest import Correspondence
from tests.app.drawn import HOSTILE

#: A key is a provider's own word.
KEY = " ".join(HOSTILE[:4])
#: Where somebody wants to look at the page themselves.
PICTURES = os.environ.get("CRM_TEST_PICTURES")
SUITES = (
    ("twilio_sms deliveries", "What the webhook of SMS brought", "load", 12_000),
    ("raw_gmail.messages", "What was pulled of Mail: messages", "night", 200_000),
    ("marts.messages", "Messages as pages and analysts read them", "night", 200_000),
    ("built beside", "How much the tables built anew hold, beside those that serve", "build", 4),
)
#: suite, rule, severity, status, failures, keys
CHECKS = (
    ("twilio_sms deliveries", "It is a POST", "critical", "pass", 0, []),
    ("raw_gmail.messages", "The original has bytes", "critical", "error", 0, []),
    ("marts.messages", "It was sent before it came", "warning", "fail", 1204,
     [KEY, "gmail:sales@example.com:" + "18f0" * 60, "messenger:m_شُكْرًا", "whatsapp:wamid.1"]),
    ("built beside", "It holds at least nine tenths of what serves", "critical", "fail", 1, ["messages"]),
)  # fmt: skip


def plant(correspondence: Correspondence) -> None:
    for suite in SUITES:
        correspondence.execute(
            "insert into jobs.data_suites (suite, about, run, rows, checked_at) values (%s, %s, %s, %s, now())",
            suite,
        )
    for check in CHECKS:
        correspondence.execute(
            "insert into jobs.data_checks (suite, rule, severity, status, failures, keys, failing_since, checked_at)"
            " values (%s, %s, %s, %s, %s, %s, case when %s <> 'pass' then now() - interval '2 hours' end, now())",
            [*check, check[3]],
        )


def test_rules_that_do_not_hold_are_told_in_words_with_keys(
    window: Callable[..., Person], correspondence: Correspondence
) -> None:
    correspondence.user("olive", "privacy_officer")
    person = window(width=1280)
    page = person.sign_in("/data_quality", user_name="olive")
    expect(page.get_by_text("Nothing was looked at yet")).to_be_visible()
    # The page is told of what is found.
    plant(correspondence)
    expect(page.locator(".verdict.bad")).to_contain_text("2 critical rules do not hold")
    expect(page.locator(".finding")).to_have_count(3)
    first = page.locator(".finding").filter(has_text="nine tenths")
    expect(first).to_contain_text("built beside, 1 row breaks it")
    expect(first).to_contain_text("What served before serves on")
    expect(page.locator(".finding").filter(has_text="bytes")).to_contain_text("could not be tried")
    warned = page.locator(".finding.warn")
    expect(warned).to_contain_text("1,204 rows break it")
    warned.get_by_text("Keys of the rows (4 of them)").click()
    # As it stands there, and nothing in it acts.
    expect(warned.get_by_text(KEY)).to_be_visible()
    assert page.locator(".st-key-quality a").count() == 0
    expect(page.locator(".table tbody tr")).to_have_count(4)
    expect(page.locator(".table tbody tr", has_text="twilio_sms")).to_contain_text("its rule holds")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "quality-1280.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator(".finding")).to_have_count(3)
    fits(page)
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "quality-390.png", full_page=True)
    # Each look is on record once, whatever the page was told meanwhile.
    assert [each["actor"] for each in correspondence.events("quality.view")] == ["olive"]
    correspondence.execute("delete from jobs.data_checks where status <> 'pass'")
    expect(page.locator(".verdict.good")).to_contain_text("The data is as it is expected")
    # Whoever answers customers has no such page.
    page = person.sign_in("/data_quality")
    expect(page.get_by_text("Page not found")).to_be_visible()
    assert page.get_by_role("link", name="Data quality").count() == 0
