"""Some four hundred pieces of markup wherever strangers and colleagues write, in a real Chromium that is told to forget our policies:
what holds is what is drawn. Nothing runs, nothing is loaded from elsewhere, nothing leaves its frame."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from app import act
from tests.app.browsing import Person, ready
from tests.app.conftest import Correspondence
from tests.app.scripts_that_strangers_send import SCRIPTS
from tests.long_form import LONG

NOW = datetime.now(UTC)
#: Each mail bears so many in each of its places; with CRM_TEST_LONG=1 each piece has a mail of its own.
IN_ONE = 1 if LONG else 10
NUMBER = "+61491570006"


def one_line(text: str) -> str:
    return "".join(letter if letter >= " " else " " for letter in text)


def encoded(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(one_line(text).encode()).decode()}?="


def mail(number: int, scripts: list[str]) -> bytes:
    """All of them in the name, the subject, both texts, the name of a file; one as the type of that file."""
    joined = "\n".join(scripts)

    def part(kind: str, text: str) -> str:
        body = base64.b64encode(text.encode()).decode()
        return f"--x\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"

    markup = "".join(f"<div>piece {script}</div>" for script in scripts)
    return (
        f"From: {encoded(joined)} <sam{number}@example.com>\r\nTo: help@example.com\r\nSubject: {encoded(joined)}\r\n"
        f"Message-ID: <{number}@example.com>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"
        f"{part('plain', joined)}{part('html', f'<html><body>whole {markup}</body></html>')}--x--\r\n"
        f"--y\r\nContent-Type: {one_line(scripts[0])}\r\n"
        f"Content-Disposition: attachment; filename*=utf-8''{quote(one_line(joined)[:900])}\r\n\r\nbytes\r\n--y--\r\n"
    ).encode()


@pytest.fixture
def trap(browser: Browser, address: str) -> Iterator[Person]:
    """A window in which no policy of ours counts."""
    context = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 900})
    # What nobody answers is tried and written down all the same.
    context.route("**/*trap.example/**", lambda route: route.abort())
    person = Person(context, address)
    yield person
    context.close()


def unhurt(person: Person, page: Page) -> None:
    """Also in what stands in frames, and a moment later."""
    assert page.url.startswith(person.address)
    assert page.evaluate("window.hurt ?? null") is None
    for frame in page.frames:
        assert frame.url.startswith((person.address, "about:srcdoc")), frame.url
        assert frame.evaluate("window.hurt ?? null") is None
    assert person.elsewhere == []
    assert len(person.context.pages) == 1


@pytest.mark.timeout(120 if not LONG else 1200)
def test_nothing_that_is_written_anywhere_runs_or_is_loaded(
    trap: Person, correspondence: Correspondence
) -> None:
    assert len(SCRIPTS) == len(set(SCRIPTS)) >= 300
    pieces = [SCRIPTS[each : each + IN_ONE] for each in range(0, len(SCRIPTS), IN_ONE)]
    dialogs: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    trap.page.on("dialog", dismissed)
    # The trap closes: with what it tells of a page without any care.
    trap.page.set_content(SCRIPTS[1] + '<img src="https://trap.example/x">')
    trap.page.wait_for_timeout(200)
    assert trap.page.evaluate("window.hurt") == 1
    assert trap.elsewhere
    trap.elsewhere.clear()

    agent = correspondence.signed_in("agent")
    with correspondence.together():
        for number, scripts in enumerate(pieces):
            correspondence.raw_mail(mail(number, scripts), NOW - timedelta(minutes=number))
        correspondence.sms(NUMBER, "\n".join(SCRIPTS[:60]), NOW)
    ids = [each for (each,) in correspondence.execute(
        "select message_id from canonical.messages where content_order is not null and channel = 'gmail' order by sort_key desc"
    )]  # fmt: skip
    assert len(ids) == len(pieces)
    customers = []
    for begin in range(0, len(ids), 50):
        mine = [
            f"email:sam{number}@example.com" for number in range(begin, min(begin + 50, len(ids)))
        ]
        customers.append(correspondence.customer(one_line(SCRIPTS[begin]), *mine))
        act.note(agent, "\n".join(SCRIPTS[begin : begin + 50])[:3500], customer_id=customers[-1])
    for number, script in enumerate(SCRIPTS if LONG else SCRIPTS[::25]):
        act.tag(agent, [ids[number % len(ids)]], one_line(script).replace(",", " ")[:35])

    page = trap.page
    for customer in customers:
        page = trap.sign_in(f"/timeline?customer={customer}")
        ready(page)
        expect(page.locator(".message").first).to_be_visible()
        assert page.locator(".message").count() > 5
        for folded in page.locator("details.rest > summary").all()[:5]:
            folded.click()
        unhurt(trap, page)
    for path in (
        "/",
        "/unassigned",
        "/work",
        "/search?q=top.hurt",
        f"/message?message={quote(ids[0])}",
        "/saved",
    ):
        page.goto(trap.address + path)
        expect(page.locator(".st-key-account")).to_be_visible()
        page.wait_for_timeout(400)
        unhurt(trap, page)
    # As designed, each mail: in its own document, where nothing but what was left of it stands between.
    for message in ids:
        answer = page.goto(f"{trap.address}/mail?message={quote(message)}")
        assert answer is not None
        assert (answer.status, "whole" in page.inner_text("body")) == (200, True), message
        unhurt(trap, page)
    page.wait_for_timeout(300)
    unhurt(trap, page)
    assert dialogs == []
