"""Awkward mails in a real browser: they fit the window, hurt nothing, and what is unfolded opens downwards.

CRM_MAIL_PICTURES=/tmp/mails python -m pytest tests/app/test_mail_browser.py      a picture of each, to be looked at
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.app.awkward_mails import AWKWARD, SAM, WORDS
from tests.app.browsing import Person, eventually, ready
from tests.app.conftest import Correspondence

#: Read before the tests' own environment is made.
PICTURES = os.environ.get("CRM_MAIL_PICTURES")
NOW = datetime.now(UTC)


def customer_of_everything(correspondence: Correspondence) -> str:
    identities = correspondence.execute("select identity from canonical.identities order by 1")
    return correspondence.customer("Sam Citizen", *(identity for (identity,) in identities))


def test_awkward_mails_fit_every_window_and_hurt_nothing(
    window: Callable[..., Person], correspondence: Correspondence
) -> None:
    with correspondence.together():
        ids = [
            correspondence.raw_mail(raw, NOW - timedelta(minutes=60 - number), ours=ours)
            for number, (_, raw, ours) in enumerate(AWKWARD)
        ]
    customer = customer_of_everything(correspondence)
    for width in (1280, 390):
        page = window(width=width, height=1000).sign_in(f"/timeline?customer={customer}")
        expect(page.locator(".message")).to_have_count(len(AWKWARD))
        for (name, _, _), mail_id in zip(AWKWARD, ids, strict=True):
            card = page.locator(f'.message[data-message$="|{mail_id}"]')
            card.scroll_into_view_if_needed()
            for folded in card.locator("details.inner > summary, details.behind > summary").all():
                folded.click()
            for picture in card.locator("img").all():
                picture.scroll_into_view_if_needed()
                shown(picture)
            overflow = card.evaluate(
                "e => [...e.querySelectorAll('*')].filter(x => x.getBoundingClientRect().right > innerWidth + 1"
                " && !x.closest('.who, .to')).map(x => x.className || x.tagName)"
            )
            assert overflow == [], (name, width)
            if PICTURES:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                card.screenshot(path=Path(PICTURES) / f"{width}-{name.replace(' ', '-').replace('/', '')}.png")  # fmt: skip
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[window.hurt ?? null, document.title === 'hurt']") == [None, False]
        targets = page.locator(".message a.link").evaluate_all(
            "all => all.map(e => [e.getAttribute('href').split(':')[0], e.target, ...e.relList])"
        )
        assert len(targets) >= 5
        # Streamlit leaves `nofollow` out; that asks programs that seek, and none comes here.
        for scheme, target, *rel in targets:
            assert (scheme, target) == ("https", "_blank")
            assert {"noopener", "noreferrer"} <= set(rel)


def shown(picture: Locator) -> None:
    eventually(lambda: bool(picture.evaluate("e => e.complete && e.naturalWidth > 0")))


def top(element: Locator) -> float:
    return float(element.evaluate("e => e.getBoundingClientRect().top"))


@pytest.mark.parametrize("mails", [1, 6])
def test_what_is_unfolded_opens_downwards(
    person: Person, correspondence: Correspondence, mails: int
) -> None:
    """Where there is one mail alone, and at the end of a list that is longer than the window."""
    words = "".join(f"{number}. {WORDS}\r\n\r\n" for number in range(40))
    attribution = "On Mon, 3 Aug 2026 at 10:00, Help <help@example.com> wrote:\r\n"
    quotation = "".join(f"> older line {number}\r\n" for number in range(60))
    raw = f"{SAM}Subject: The whole story\r\n\r\n{words}\r\n{attribution}{quotation}".encode()
    with correspondence.together():
        for number in range(mails):
            correspondence.raw_mail(raw, NOW - timedelta(minutes=mails - number))
    page = person.sign_in(f"/timeline?customer={customer_of_everything(correspondence)}")
    ready(page)
    card = page.locator(".message").last
    begin, rest = card.locator(".body").first, card.locator("details.rest")
    summary = rest.locator("summary")
    expect(summary.locator(".more")).to_contain_text("Show all")
    before, edge = top(begin), top(rest)
    summary.click()
    expect(rest).to_have_attribute("open", "")
    expect(summary.locator(".less")).to_be_visible()
    assert abs(top(begin) - before) < 2
    # The rest follows right below, and the line that folds it again stands at its end.
    assert abs(top(rest.locator(".body")) - edge) < 2
    assert top(summary) > top(rest.locator(".body")) + 300

    summary.scroll_into_view_if_needed()
    pressed = top(summary)
    summary.click()
    expect(rest).not_to_have_attribute("open", "")
    expect(summary).to_be_in_viewport()
    assert mails == 1 or abs(top(summary) - pressed) < 2

    quote = card.locator("details.quote")
    quote.scroll_into_view_if_needed()
    before = top(quote)
    quote.locator("summary").press("Enter")
    expect(quote.get_by_text("older line 0")).to_be_visible()
    assert abs(top(quote) - before) < 2
