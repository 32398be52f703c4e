"""The app in a real Chromium: signing in and out, the live timeline, hostile text, both widths."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import psycopg
import pytest
from playwright.sync_api import WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.access import sessions
from tests.app.browsing import Person, eventually, ready
from tests.app.conftest import PASSWORD, Correspondence
from tests.app.drawn import HOSTILE
from tests.long_form import LONG

NUMBER, ADDRESS = "+61491570006", "sam@example.com"
#: How many things reach beyond the window.
TOO_WIDE = """() => [...document.querySelectorAll('.stHtml, .line, .message')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).length
    + (document.querySelector('.stMain').scrollWidth > innerWidth ? 1 : 0)"""


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    customer = correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    start = datetime.now(UTC) - timedelta(days=9)
    with correspondence.together():
        for number in range(130):
            correspondence.sms(
                NUMBER,
                f"message {number:03}",
                start + timedelta(hours=number),
                ours=number % 3 == 0,
            )
        correspondence.mail(
            ADDRESS, "The invoice", "It is wrong.", start + timedelta(hours=131), name="Sam", quoted="> We wrote",
            attachments=[{"part_id": "1", "filename": "invoice.pdf", "content_type": "application/pdf", "size_bytes": 9}],
        )  # fmt: skip
    return customer


def test_a_wrong_password_shows_nothing_and_the_right_one_the_page_asked_for(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in_by_form(f"/timeline?customer={sam}", password="wrong")
    expect(page.get_by_text("User name or password is wrong.")).to_be_visible()
    assert page.get_by_text("Sam Example").count() == 0
    assert page.locator(".st-key-account").count() == 0
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".st-key-account")).to_be_visible()
    expect(page.get_by_role("heading", name="Sam Example")).to_be_visible()
    assert page.url == f"{person.address}/timeline?customer={sam}"
    (cookie,) = [c for c in person.context.cookies() if c["name"] == sessions.cookie_name()]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"
    assert sessions.cookie_name() not in page.evaluate("document.cookie")
    # Nothing of streamlit-authenticator's own cookie.
    assert not any(
        "authenticator" in c["name"] or c["name"] == "some_cookie_name"
        for c in person.context.cookies()
    )
    assert correspondence.execute("select count(*) from crm.sessions") == [(1,)]


def test_signing_out_ends_every_tab(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in()
    expect(page.locator(".line.customer")).to_have_count(1)
    other = person.tab()
    other.goto(f"{person.address}/timeline?customer={sam}")
    expect(other.get_by_text("The invoice")).to_be_visible()
    page.locator(".st-key-account button").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    expect(other.get_by_label("User name")).to_be_visible()
    assert other.locator(".message").count() == 0
    assert len(correspondence.events("sign_in.end")) == 1
    assert sessions.cookie_name() not in [c["name"] for c in person.context.cookies()]


def test_disabling_a_user_empties_the_screen(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("The invoice")).to_be_visible()
    correspondence.execute("update crm.users set disabled_at = now()")
    expect(page.get_by_label("User name")).to_be_visible()
    assert page.locator(".message").count() == 0


def test_a_customer_is_found_by_phone_and_opened(person: Person, sam: str) -> None:
    page = person.sign_in()
    page.get_by_placeholder("Name, phone or e-mail").fill("0491 570 006")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 match")).to_be_visible()
    assert page.url.endswith("?q=0491+570+006")
    page.get_by_role("link", name="Open Sam Example").click()
    expect(page.get_by_text("The invoice")).to_be_visible()
    page.go_back()
    expect(page.locator(".line.customer")).to_have_count(1)
    # By keyboard alone: in another order, and opened.
    page.get_by_role("combobox", name="Sort by").focus()
    page.keyboard.type("Name")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=name*")
    page.get_by_role("combobox", name="Sort by").click()
    page.get_by_role("option", name="Latest contact").click()
    expect(page.get_by_role("combobox", name="Sort by")).to_have_value("Latest contact")
    page.get_by_role("link", name="Open Sam Example").press("Enter")
    expect(page.get_by_text("The invoice")).to_be_visible()


def test_the_timeline_lives_without_moving_under_the_reader(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("The invoice")).to_be_visible()
    scroller = page.locator(".st-key-timeline")
    assert scroller.evaluate("e => e.scrollTop") == 0
    page.get_by_text("Quoted text").click()
    expect(page.get_by_text("> We wrote")).to_be_visible()
    # It opened downwards, so the end went out of sight: back to it.
    scroller.evaluate("e => { e.scrollTop = 0 }")

    correspondence.sms(NUMBER, "just arrived", datetime.now(UTC))
    expect(page.get_by_text("just arrived")).to_be_in_viewport()
    # The fold that was opened stays open, and the end stays in sight.
    expect(page.get_by_text("> We wrote")).to_be_visible()
    assert scroller.evaluate("e => e.scrollTop") == 0
    expect(page.locator("a.jump")).to_be_hidden()

    scroller.evaluate("e => { e.scrollTop = -900 }")
    expect(page.locator("a.jump")).to_be_visible()
    in_sight = page.get_by_text("message 115", exact=True)
    top = in_sight.evaluate("e => e.getBoundingClientRect().top")
    correspondence.sms(NUMBER, "arrived unseen", datetime.now(UTC))
    expect(page.locator("a.jump")).to_contain_text("2 new")
    assert in_sight.evaluate("e => e.getBoundingClientRect().top") == pytest.approx(top, abs=2)
    page.locator("a.jump").click()
    expect(page.get_by_text("arrived unseen")).to_be_in_viewport()


def test_a_status_that_advances_is_shown(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    sid = correspondence.sms(NUMBER, "on its way", datetime.now(UTC), ours=True, status="sent")
    page = person.sign_in(f"/timeline?customer={sam}")
    message = page.locator(".message", has_text="on its way")
    expect(message).to_contain_text("Sent")
    correspondence.sms(
        NUMBER, "on its way", datetime.now(UTC), ours=True, status="delivered", sid=sid
    )
    expect(message).to_contain_text("Delivered")


#: The first message that is wholly in sight, and where it stands.
IN_SIGHT = """() => {
    const list = document.querySelector(".st-key-timeline").getBoundingClientRect();
    return [...document.querySelectorAll(".message")].map(each => [each.dataset.message, each.getBoundingClientRect()])
        .filter(([, box]) => box.top > list.top + 40 && box.bottom < list.bottom)
        .sort(([, one], [, other]) => one.top - other.top).map(([id, box]) => [id, box.top])[0];
}"""


#: The name of the day that stands highest.
FIRST_DAY = """() => [...document.querySelectorAll(".day")]
    .sort((one, other) => one.parentElement.getBoundingClientRect().top - other.parentElement.getBoundingClientRect().top)[0].innerText"""


def test_earlier_messages_lead_to_the_very_first(person: Person, sam: str) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.locator(".message")).to_have_count(50)
    ready(page)
    scroller = page.locator(".st-key-timeline")
    for count in (100, 131):
        # They come as one scrolls up, and what is read stays where it is.
        scroller.evaluate("e => { e.scrollTop = -(e.scrollHeight - e.clientHeight) + 300 }")
        read, top = page.evaluate(IN_SIGHT)
        # With which the page that is the first one so far begins.
        day = page.evaluate(FIRST_DAY)
        expect(page.locator(".message")).to_have_count(count)
        held = page.locator(f'[data-message="{read}"]')
        # Also where the page below is drawn anew, without the day that it began with.
        expect(page.locator(".day", has_text=day)).to_have_count(1)
        within = pytest.approx(top, abs=2)
        eventually(lambda: held.evaluate("e => e.getBoundingClientRect().top") == within)  # noqa: B023
    expect(page.get_by_text("The first message")).to_be_visible()
    expect(page.get_by_text("message 000", exact=True)).to_be_visible()
    times = page.evaluate(
        "() => [...document.querySelectorAll('.message')]"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
        ".map(each => each.querySelector('.facts time').dateTime)"
    )
    assert times == sorted(times)

    def one_divider_a_day() -> bool:
        days = page.locator(".day").all_inner_texts()
        return len(days) == len(set(days))

    # Two parts of the page were drawn again, one after the other.
    eventually(one_divider_a_day)
    # One element of Streamlit per page of messages, none per message.
    assert page.locator(".st-key-timeline .stElementContainer").count() < 10


@pytest.mark.parametrize("scheme", ["dark", *(["light"] if LONG else [])])
def test_hostile_text_is_inert_wherever_it_stands(
    window: Callable[..., Person],
    address: str,
    correspondence: Correspondence,
    scheme: Literal["light", "dark"],
) -> None:
    everything = " ".join(HOSTILE).replace("alert(1)", "window.hurt=1").replace("\x00", "")
    customer = correspondence.customer(everything, f"phone:{NUMBER}", f"email:{ADDRESS}")
    for text in HOSTILE:
        attack = text.replace("alert(1)", "window.hurt=1").replace("\x00", "")
        correspondence.sms(NUMBER, attack, datetime.now(UTC))
        correspondence.mail(
            ADDRESS, attack, attack, datetime.now(UTC), name=attack, quoted=attack,
            attachments=[{"part_id": "1", "filename": attack, "content_type": attack, "size_bytes": 1}],
        )  # fmt: skip
        correspondence.mail("stranger@example.org", attack, attack, datetime.now(UTC), name=attack)
    page = window(scheme=scheme).sign_in(f"/timeline?customer={customer}")
    for path, mark in (
        (f"/timeline?customer={customer}", ".message"),
        ("/", ".line"),
        ("/unassigned", ".line"),
    ):
        if path != "/":
            page.goto(address + path)
        else:
            page.goto(address + "/?q=%3Cscript%3E")
        expect(page.locator(mark).first).to_be_visible()
        for fold in page.locator("details summary").all():
            fold.click()
        page.mouse.move(300, 300)
        assert page.evaluate("window.hurt") is None
        assert (
            page.locator(
                ".stHtml script, .stHtml img, .stHtml svg, .stHtml iframe, .stHtml form"
            ).count()
            == 0
        )
        assert (
            page.locator(".stHtml [onerror], .stHtml [onload], .stHtml [onmouseover]").count() == 0
        )
    page.get_by_role("button", name="Decide on").first.click()
    expect(page.get_by_text("Who is this?")).to_be_visible()
    assert page.evaluate("window.hurt") is None


def test_a_stranger_becomes_a_customer_and_another_is_linked(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.customer("Known Customer", f"email:{ADDRESS}")
    correspondence.sms(NUMBER, "who am I", datetime.now(UTC) - timedelta(hours=2))
    correspondence.sms("EXAMPLECO", "your code", datetime.now(UTC) - timedelta(hours=1))
    page = person.sign_in("/unassigned")
    expect(page.get_by_text("2 waiting")).to_be_visible()
    page.get_by_role("button", name=f"Decide on phone {NUMBER}").click()
    page.get_by_label("Name", exact=True).fill("New Customer")
    page.get_by_role("button", name="Make customer").click()
    expect(page.get_by_role("heading", name="New Customer")).to_be_visible()
    expect(page.get_by_text("who am I")).to_be_visible()

    page.goto(f"{person.address}/unassigned")
    page.get_by_role("button", name="Decide on alphanumeric").click()
    expect(page.get_by_text("Many senders can share")).to_be_visible()
    page.get_by_role("tab", name="Existing customer").click()
    page.get_by_label("Search", exact=True).fill("known")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Known Customer").wait_for(state="attached")
    # Behind the sign of the address stands a joiner: no link is made of it.
    page.get_by_text("Known Customer · sam@\u2060example.com").click()
    page.get_by_label("Reason for the link").fill("Their sender name")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(page.get_by_role("heading", name="Known Customer")).to_be_visible()
    expect(page.get_by_text("your code")).to_be_visible()
    linked = correspondence.execute(
        "select identity, reason from crm.identity_links where linked_by = 'agent' order by 1"
    )
    assert linked == [
        ("alphanumeric:AU:EXAMPLECO", "Their sender name"),
        (f"phone:{NUMBER}", "Wrote to us for the first time"),
    ]


@pytest.mark.parametrize("way", ["link", "make", "search", "line"])
def test_a_part_that_is_asked_for_late_does_not_take_the_next_page_away(
    window: Callable[..., Person], correspondence: Correspondence, way: str
) -> None:
    """While another page is on its way, a part of the one that is left is asked for: held until it happens."""
    correspondence.customer("Known Customer", f"email:{ADDRESS}")
    correspondence.mail(ADDRESS, "Hello", "It is wrong.", datetime.now(UTC), name="Known")
    correspondence.sms(NUMBER, "who am I", datetime.now(UTC) - timedelta(hours=2))
    person = window()
    page = person.page
    asked: list[bytes] = []
    server: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        server[:] = [socket.connect_to_server()]

        def pass_on(message: str | bytes) -> None:
            said = BackMsg.FromString(message if isinstance(message, bytes) else message.encode())
            if said.rerun_script.fragment_id:
                asked.append(said.SerializeToString())
            server[0].send(message)

        socket.on_message(pass_on)

    page.route_web_socket(lambda url: "/_stcore/stream" in url, between)
    person.sign_in("/unassigned" if way != "line" else "/")
    if way == "line":
        # A part that the next page has, too.
        page.get_by_role("button", name="Views").click()
        expect(page.get_by_role("link", name="Manage views")).to_be_visible()
        page.get_by_role("button", name="Views").click()
        expect(page.get_by_role("link", name="Manage views")).to_have_count(0)
    else:
        expect(page.get_by_text("1 waiting")).to_be_visible()
        # It is told, and asks for its list once more.
        correspondence.sms("+61491570156", "me too", datetime.now(UTC))
        expect(page.get_by_text("2 waiting")).to_be_visible()
    eventually(lambda: bool(asked))
    part = asked[-1]
    act: Callable[[], None]
    if way in ("link", "make"):
        page.get_by_role("button", name=f"Decide on phone {NUMBER}").click()
    if way == "link":
        page.get_by_role("tab", name="Existing customer").click()
        page.get_by_label("Search", exact=True).fill("known")
        page.keyboard.press("Enter")
        page.get_by_role("radio", name="Known Customer").wait_for(state="attached")
        page.get_by_text("Known Customer · sam@\u2060example.com").click()
        page.get_by_label("Reason for the link").fill("Their number")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Link", exact=True)).to_be_enabled()
        act = page.get_by_role("button", name="Link", exact=True).click
    elif way == "make":
        page.get_by_label("Name", exact=True).fill("Known Customer")
        act = page.get_by_role("button", name="Make customer").click
    elif way == "search":
        page.get_by_placeholder("Find messages").fill("wrong")
        act = lambda: page.keyboard.press("Enter")  # noqa: E731
    else:
        act = lambda: page.get_by_role("link", name="Open Known Customer").click(no_wait_after=True)  # noqa: E731
    # What is gone to waits for what it reads and for what it writes down.
    with psycopg.connect(correspondence.settings.admin_url) as other:
        other.execute("lock table crm.events, canonical.messages in access exclusive mode")
        act()
        waits = "select count(*) > 0 from pg_locks where not granted"
        for _ in range(100):
            if correspondence.execute(waits)[0][0]:
                break
            # What passes between the page and the app does so while the page is waited for.
            page.wait_for_timeout(100)
        else:
            pytest.fail("the next page does not wait for what is locked")
        server[0].send(part)
        page.wait_for_timeout(300)
    shown = (
        page.locator(".line.found")
        if way == "search"
        else page.get_by_role("heading", name="Known Customer")
    )
    expect(shown).to_be_visible()
    # It runs behind that page, if at all.
    page.wait_for_timeout(1_500)
    expect(shown).to_be_visible()


def test_a_viewer_sees_the_queue_and_decides_nothing(
    person: Person, correspondence: Correspondence
) -> None:
    correspondence.execute("update crm.users set role = 'viewer'")
    correspondence.sms(NUMBER, "who am I", datetime.now(UTC))
    page = person.sign_in("/unassigned")
    expect(page.get_by_text("who am I")).to_be_visible()
    assert page.get_by_role("button", name="Decide on").count() == 0


def test_nothing_is_wider_than_the_window(
    window: Callable[..., Person], address: str, correspondence: Correspondence
) -> None:
    customer = correspondence.customer(
        "W" * 150, f"phone:{NUMBER}", f"email:{'long.' * 12}sam@example.com"
    )
    correspondence.sms(NUMBER, "x" * 900, datetime.now(UTC))
    correspondence.sms(NUMBER, "שלום, איפה ההזמנה שלי? 1234", datetime.now(UTC))
    correspondence.mail(
        "stranger@example.org", "s" * 300, "b" * 900, datetime.now(UTC), name="N" * 200
    )
    page = window().sign_in()
    for path, mark in (
        ("/", ".line"),
        (f"/timeline?customer={customer}", ".message"),
        ("/unassigned", ".line"),
    ):
        for width in (390, 1600):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(address + path)
            expect(page.locator(mark).first).to_be_visible()
            # What stands beside a timeline comes a moment after its first message.
            eventually(lambda: page.evaluate(TOO_WIDE) == 0)


def test_a_failed_fold_is_said_on_the_page(person: Person, correspondence: Correspondence) -> None:
    correspondence.execute(
        "insert into canonical.folds (finished_at, error)"
        " values (clock_timestamp(), 'messages: <b>broken</b>')"
    )
    page = person.sign_in()
    expect(page.get_by_role("status").filter(has_text="fold failed")).to_be_visible()
    expect(page.get_by_text("messages: <b>broken</b>")).to_be_visible()


def test_the_page_is_calm_while_the_warehouse_is_away_and_comes_back(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("The invoice")).to_be_visible()
    away = "alter role crm_app nologin; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm_app'"
    for statement in away.split("; "):
        correspondence.execute(statement)
    try:
        # Nothing moves under the reader; it is said, and asked for every 30 seconds.
        expect(page.get_by_role("status").filter(has_text="Not live")).to_be_visible()
        expect(page.get_by_text("The database does not answer")).to_be_visible(timeout=90_000)
        assert "Traceback" not in page.content()
    finally:
        correspondence.execute("alter role crm_app login")
    expect(page.get_by_text("The invoice")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("status").filter(has_text="Not live")).to_have_count(0)
