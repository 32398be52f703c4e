"""What a timeline offers, by mouse in one window and by keyboard alone in another: what each message bears, the ways through the
list, and where the focus stands afterwards."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.app.browsing import (
    Person,
    by_calendar,
    eventually,
    gets_focus,
    has_focus,
    press_on,
    ready,
    tab_to,
    until,
)
from tests.app.conftest import ACCOUNT, Correspondence
from tests.app.meta_events import CONNECTIONS, messaging, new_id, whatsapp, whatsapp_echo
from tests.app.test_browser_cards import NUMBER, PSID, call, recording, sound, store

ADDRESS = "sam@example.com"
SMS = 60
NOW, SYDNEY = datetime.now(UTC), ZoneInfo("Australia/Sydney")
SPOKEN, TOLD = "CA" + "1" * 32, "RE" + "2" * 32
WORDS = "I could not find you, so I leave the wheel at the bell in the lane. " * 60
MAP = "https://www.openstreetmap.org/"
#: Where on a player of Chromium its first control lies.
PLAY = {"x": 20, "y": 16}


def picture(colour: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A host of the web with a picture, and what it was asked for."""
    asked: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(picture("green"))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@dataclass
class Cards:
    """A customer with a long timeline, at whose end one message of each kind stands."""

    sam: str
    #: Their ids by what they are.
    ids: dict[str, str] = field(default_factory=dict)
    #: What the host of the mail's picture was asked for.
    asked: list[str] = field(default_factory=list)

    def card(self, page: Page, name: str) -> Locator:
        return page.locator(f'[data-message="{self.ids[name]}"]')


@pytest.fixture
def cards(correspondence: Correspondence, web: tuple[str, list[str]]) -> Cards:
    c, (host, asked) = correspondence, web
    connections = {channel: c.connect(channel, **keys) for channel, keys in CONNECTIONS.items()}
    voice = c.connect(
        "twilio_voice", account_sid=ACCOUNT, recording_basis="An announcement says so"
    )
    psid = f"psid:{CONNECTIONS['messenger']['page_id']}:{PSID}"
    cards = Cards(
        c.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}", psid), asked=asked
    )
    minutes = iter(range(100))

    def at() -> datetime:
        return NOW - timedelta(minutes=90 - 5 * next(minutes))

    def seconds() -> str:
        return str(int(at().timestamp()))

    with c.together():
        for number in range(SMS):
            c.sms(NUMBER, f"message {number:03}", NOW - timedelta(hours=2 + SMS - number))
        question = new_id()
        cards.ids["question"] = f"whatsapp|{question}"
        c.land(
            "whatsapp", connections["whatsapp"],
            whatsapp_echo("text", {"body": "Which colour?"}, message_id=question, at=NOW - timedelta(hours=22, minutes=30)),
        )  # fmt: skip
        for name in ("red", "blue"):
            its = new_id()
            cards.ids[name] = f"whatsapp|{its}"
            image = {"id": name, "mime_type": "image/png", "caption": f"The {name} one"}
            c.land("whatsapp", connections["whatsapp"], whatsapp("image", image, message_id=its, timestamp=seconds()))  # fmt: skip
        place = {"latitude": -33.911, "longitude": 151.155, "name": "The shop"}
        for name, kind, content, more in (
            ("place", "location", place, {}),
            (
                "answer",
                "text",
                {"body": "Blue"},
                {"context": {"from": "61255501000", "id": question}},
            ),
        ):
            its = new_id()
            cards.ids[name] = f"whatsapp|{its}"
            payload = whatsapp(kind, content, message_id=its, timestamp=seconds(), **more)
            c.land("whatsapp", connections["whatsapp"], payload)
        cards.ids["call"] = f"twilio_voice|{SPOKEN}"
        c.land("twilio_voice", voice, call(SPOKEN, Timestamp=f"{at():%a, %d %b %Y %H:%M:%S +0000}"))
        c.land("twilio_voice", voice, recording(SPOKEN, TOLD))
        transcript = {
            "TranscriptionSid": "TR" + "4" * 32, "TranscriptionText": WORDS, "TranscriptionStatus": "completed",
            "RecordingSid": TOLD, "CallSid": SPOKEN, "AccountSid": ACCOUNT,
        }  # fmt: skip
        c.land("twilio_voice", voice, transcript)
        cards.ids["edited"] = "messenger|m_1"
        edited = int(at().timestamp() * 1000)
        for event in (
            {"message": {"mid": "m_1", "text": "Open on Munday?"}},
            {"message_edit": {"mid": "m_1", "text": "Open on Monday?", "num_edit": 1}},
        ):
            payload = messaging("messenger", PSID, **event, timestamp=edited)
            c.land("messenger", connections["messenger"], payload)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"Sam <{ADDRESS}>", "help@example.com", "Offers"
        lines = "\n".join(f"line {number}" for number in range(60))
        mail.set_content(f"{lines}\n\nOn Mon, 3 Aug 2026 at 10:00, Help <help@example.com> wrote:\n> what we wrote\n")  # fmt: skip
        mail.add_alternative(
            f'<p>As <b>designed</b></p><img src="{host}/logo.png">', subtype="html"
        )
        c.raw_mail(mail.as_bytes(), at())
    ((cards.ids["mail"],),) = c.execute(
        "select message_id from canonical.messages where channel = 'gmail' and content_order is not null"
    )
    store(c, cards.ids["red"], "red", picture("red"), "image/png")
    store(c, cards.ids["blue"], "blue", picture("blue"), "image/png")
    store(c, cards.ids["call"], TOLD, sound(), "audio/wav")
    c.user("root", "admin")
    return cards


def opened(person: Person, cards: Cards) -> Page:
    """The timeline, of which nothing is asked of elsewhere but what a test follows."""
    person.context.route(f"{MAP}**", lambda route: route.abort())
    page = person.sign_in(f"/timeline?customer={cards.sam}", user_name="root")
    expect(cards.card(page, "mail")).to_be_visible()
    ready(page)
    return page


@contextmanager
def follows_to_map(person: Person) -> Iterator[None]:
    """What is done leads to the map, on a page of its own."""
    with (
        person.context.expect_event("request", lambda request: request.url.startswith(MAP)),
        person.context.expect_page() as shown,
    ):
        yield
    shown.value.close()


def test_what_messages_bear_by_mouse(person: Person, cards: Cards) -> None:
    page = opened(person, cards)
    page.get_by_role("button", name="Keys").click()
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("the next message, the one before")
    keys.get_by_role("button", name="Close").click()
    expect(keys).to_have_count(0)

    # A mail: all of it, what it quotes, as it was designed, and its pictures on request.
    mail = cards.card(page, "mail")
    mail.get_by_text("Show all").click()
    expect(mail.get_by_text("line 59")).to_be_visible()
    mail.get_by_text("Quoted text").click()
    expect(mail.get_by_text("> what we wrote")).to_be_visible()
    mail.get_by_text("Show as designed").click()
    frame = page.frame_locator("iframe.designed")
    expect(frame.get_by_text("As designed")).to_be_visible()
    expect(mail.get_by_text("line 59")).to_be_hidden()
    assert cards.asked == []
    with person.context.expect_page() as loading:
        frame.get_by_role("link", name="Load them on a page of its own").click()
    until(loading.value, "document.images[0]?.naturalWidth === 80")
    assert cards.asked == ["/logo.png"]
    loading.value.close()
    mail.get_by_text("Show as text").click()
    expect(page.locator("iframe.designed")).to_have_count(0)
    expect(mail.get_by_text("line 59")).to_be_visible()

    # Pictures large, one after the other.
    cards.card(page, "red").locator(".picture a").click()
    viewer = page.locator("dialog.viewer")
    first = viewer.locator("img").get_attribute("src")
    viewer.get_by_role("button", name="Next picture").click()
    expect(viewer.locator("img")).not_to_have_attribute("src", str(first))
    viewer.get_by_role("button", name="Previous picture").click()
    expect(viewer.locator("img")).to_have_attribute("src", str(first))
    viewer.get_by_role("button", name="Close").click()
    expect(viewer).to_have_count(0)

    # A call is played, faster, and read.
    spoken = cards.card(page, "call")
    player = spoken.locator("audio")
    player.scroll_into_view_if_needed()
    player.click(position=PLAY)
    eventually(lambda: bool(player.evaluate("e => e.currentTime > 0")))
    spoken.get_by_role("button", name="Speed").click()
    assert player.evaluate("e => e.playbackRate") == 1.25
    expect(spoken.get_by_role("button", name="Speed 1.25×")).to_be_visible()
    spoken.get_by_text("Show all").click()
    expect(spoken.locator("details.rest .body")).to_be_visible()

    with follows_to_map(person):
        cards.card(page, "place").get_by_role("link", name="Open the map").click()
    cards.card(page, "answer").locator(".reply a").click()
    expect(cards.card(page, "question")).to_be_in_viewport()
    with person.context.expect_page() as versions:
        cards.card(page, "edited").locator("a.edited").click()
    expect(versions.value.locator(".versions li").first).to_contain_text("Munday")
    versions.value.close()
    cards.card(page, "edited").get_by_text("Open on Monday?").click()
    panel = page.locator(".st-key-chosen_message")
    panel.get_by_role("button", name="Show what it said before").click()
    expect(panel.locator(".versions li").first).to_contain_text("Munday")
    panel.get_by_role("combobox", name="Tags of this message").click()
    page.keyboard.type("Promise")
    page.get_by_role("option", name="Promise").click()
    panel.get_by_role("button", name="Remove Promise").click()
    expect(panel.get_by_role("button", name="Remove Promise")).to_have_count(0)
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)

    # One conversation, and back to all; then up to the first message.
    mail.hover()
    mail.get_by_role("button", name="Show this conversation alone").click()
    expect(page.get_by_text(f"1 message shown, {SMS + 7} hidden")).to_be_visible()
    page.get_by_role("button", name="One conversation").click()
    expect(page.get_by_text("hidden")).to_have_count(0)
    expect(page.get_by_text(f"message {SMS - 1:03}")).to_be_visible()
    page.locator(".st-key-timeline").hover()

    def is_first() -> bool:
        page.mouse.wheel(0, -3_000)
        return bool(page.get_by_text("The first message").count())

    eventually(is_first)
    page.mouse.wheel(0, -9_000)
    expect(page.get_by_text("message 000")).to_be_in_viewport()

    # To a day out of the calendar, and by a search to a message of it.
    page.get_by_role("button", name="Jump").click()
    by_calendar(
        page,
        "To the first message on or after",
        (NOW - timedelta(days=1)).astimezone(SYDNEY).date(),
    )
    page.wait_for_url("**at=*")
    expect(page.locator("i.sought")).to_have_count(1)
    page.get_by_placeholder("Find messages").click()
    page.keyboard.type("message 010")
    page.keyboard.press("Enter")
    expect(page.locator(".line.found")).to_have_count(1)
    page.locator(".st-key-found").get_by_role("link", name="Open Sam Example").click()
    # Its words also stand in the strip above, which says what was searched for.
    expect(page.locator(".message", has_text="message 010")).to_be_in_viewport()


def test_what_messages_bear_by_keyboard_alone(
    person: Person, cards: Cards, correspondence: Correspondence
) -> None:
    page = opened(person, cards)

    def go_to(name: str) -> Locator:
        """From the newest message back to this one."""
        page.keyboard.press("G")
        card = cards.card(page, name)
        for _ in range(SMS):
            if has_focus(card):
                break
            page.keyboard.press("k")
        gets_focus(card)
        expect(card).to_be_in_viewport()
        return card

    # What the keys are; nothing behind is reached meanwhile, and one comes back to where one was.
    page.keyboard.press("j")
    mail = cards.card(page, "mail")
    gets_focus(mail)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    assert stays_within(page, keys)
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    gets_focus(mail)

    # A mail: all of it with what it quotes, as it was designed, its pictures, and as text again.
    page.keyboard.press("o")
    expect(mail.get_by_text("line 59")).to_be_visible()
    expect(mail.get_by_text("> what we wrote")).to_be_visible()
    page.keyboard.press("o")
    expect(mail.get_by_text("line 59")).to_be_hidden()
    press_on(page, mail.locator("details.rest summary"), most=12)
    expect(mail.get_by_text("line 59")).to_be_visible()
    press_on(page, mail.locator("details.quote summary"), most=12)
    expect(mail.get_by_text("> what we wrote")).to_be_visible()
    go_to("mail")
    designed = mail.locator("a.as-sent")
    press_on(page, designed, most=12)
    frame = page.frame_locator("iframe.designed")
    expect(frame.get_by_text("As designed")).to_be_visible()
    gets_focus(designed)
    link = frame.get_by_role("link", name="Load them on a page of its own")
    tab_into(page, link)
    with person.context.expect_page() as loading:
        page.keyboard.press("Enter")
    until(loading.value, "document.images[0]?.naturalWidth === 80")
    assert cards.asked == ["/logo.png"]
    loading.value.close()
    page.bring_to_front()
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
        if has_focus(designed):
            break
    page.keyboard.press("Enter")
    expect(page.locator("iframe.designed")).to_have_count(0)

    # Pictures large: one after the other, nothing behind, and back to the one that was seen last.
    red = go_to("red")
    press_on(page, red.locator(".picture a"), most=12)
    viewer = page.locator("dialog.viewer")
    expect(viewer).to_be_visible()
    gets_focus(viewer.get_by_role("button", name="Close"))
    first = viewer.locator("img").get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("img")).not_to_have_attribute("src", str(first))
    assert stays_within(page, viewer)
    tab_to(page, viewer.get_by_role("button", name="Previous picture"), most=12)
    page.keyboard.press("Enter")
    expect(viewer.locator("img")).to_have_attribute("src", str(first))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    gets_focus(cards.card(page, "blue").locator(".picture a"))

    # A call is played, faster, and read.
    spoken = go_to("call")
    player = spoken.locator("audio")
    player.evaluate("e => { e.muted = true; }")
    press_on(page, player, "Space", most=12)
    eventually(lambda: bool(player.evaluate("e => e.currentTime > 0")))
    press_on(page, spoken.get_by_role("button", name="Speed"), most=12)
    assert player.evaluate("e => e.playbackRate") == 1.25
    page.keyboard.press("Space")
    expect(spoken.get_by_role("button", name="Speed 1.5×")).to_be_visible()
    go_to("call")
    page.keyboard.press("o")
    expect(spoken.locator("details.rest .body")).to_be_visible()

    place = go_to("place")
    tab_to(page, place.get_by_role("link", name="Open the map"), most=12)
    with follows_to_map(person):
        page.keyboard.press("Enter")
    page.bring_to_front()
    answer, question = go_to("answer"), cards.card(page, "question")
    press_on(page, answer.locator(".reply a"), most=12)
    expect(question).to_be_in_viewport()
    gets_focus(question)

    # What it said before: on a page of its own, and in the panel, into which one goes and out of which one comes.
    edited = go_to("edited")
    tab_to(page, edited.locator("a.edited"), most=12)
    with person.context.expect_page() as versions:
        page.keyboard.press("Enter")
    expect(versions.value.locator(".versions li").first).to_contain_text("Munday")
    versions.value.close()
    page.bring_to_front()
    go_to("edited")
    page.keyboard.press("p")
    panel = page.locator(".st-key-chosen_message")
    expect(panel.get_by_text("Where it came from")).to_be_visible()
    gets_focus(edited)
    page.keyboard.press("p")
    assert stands_in(page, panel)
    page.keyboard.type("Promise")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="Remove Promise")).to_be_visible()
    press_on(page, panel.get_by_role("button", name="Show what it said before"), most=12)
    expect(panel.locator(".versions li").first).to_contain_text("Munday")
    tab_to(page, panel.get_by_role("link", name="Everything about it"), most=12)
    page.keyboard.press("Escape")
    gets_focus(edited)
    page.keyboard.press("p")
    press_on(page, panel.get_by_role("button", name="Close"), most=20)
    expect(panel).to_have_count(0)
    gets_focus(edited)

    with person.context.expect_page() as about:
        page.keyboard.press("Enter")
    expect(about.value.get_by_role("heading", name="Where this came from")).to_be_visible()
    about.value.close()
    page.bring_to_front()

    # A message that arrives, or a receipt, leaves one where one reads.
    liked = cards.ids["question"].partition("|")[2]
    go_to("question")
    reaction = whatsapp("reaction", {"message_id": liked, "emoji": "👍"})
    ((connection,),) = correspondence.execute(
        "select connection_id from crm.connections where channel = 'whatsapp'"
    )
    correspondence.land("whatsapp", connection, reaction)
    expect(question.locator(".reactions li")).to_have_count(1)
    gets_focus(question)

    # Up to the first message, page by page, and down to what arrived meanwhile.
    def is_first() -> bool:
        page.keyboard.press("g")
        return page.get_by_text("The first message").is_visible()

    eventually(is_first)
    page.keyboard.press("g")
    oldest = page.locator(".message", has_text="message 000")
    gets_focus(oldest)
    expect(oldest).to_be_in_viewport()
    correspondence.sms(NUMBER, "just arrived", datetime.now(UTC))
    new = page.locator("a.jump")
    expect(new).to_contain_text("1 new")
    gets_focus(oldest)
    page.keyboard.press("G")
    expect(page.get_by_text("just arrived")).to_be_in_viewport()
    expect(new).to_be_hidden()

    # One conversation, and back to all.
    go_to("mail")
    press_on(page, mail.get_by_role("button", name="Show this conversation alone"), most=12)
    expect(page.get_by_text(f"1 message shown, {SMS + 8} hidden")).to_be_visible()
    ready(page)
    press_on(page, page.get_by_role("button", name="One conversation"))
    expect(page.get_by_text("hidden")).to_have_count(0)
    # The chip is gone, and one stands where it was.
    eventually(lambda: has_focus(page.get_by_role("button", name="Filter")))

    # To a day, and on from there.
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    gets_focus(page.get_by_role("button", name="Jump"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("spinbutton").first, most=3)
    page.keyboard.type(f"{(NOW - timedelta(days=1)).astimezone(SYDNEY):%d%m%Y}")
    page.keyboard.press("Enter")
    page.wait_for_url("**at=*")
    sought = page.locator("i.sought")
    expect(sought).to_have_count(1)
    ready(page)
    page.keyboard.press("k")
    assert page.evaluate(
        "document.activeElement.id === document.querySelector('i.sought').dataset.for"
    )
    press_on(page, page.get_by_role("link", name="To the newest messages"), most=300)
    expect(page.get_by_text("just arrived")).to_be_in_viewport()


def stands_in(page: Page, part: Locator) -> bool:
    return bool(part.evaluate("e => e.contains(document.activeElement)"))


def stays_within(page: Page, dialog: Locator) -> bool:
    """Whether Tab leads to nothing of the page behind it."""
    for _ in range(8):
        page.keyboard.press("Tab")
        # Between the last and the first a browser's own window has its turn, which stands for the whole document.
        is_away = page.evaluate("document.activeElement === document.body")
        if not is_away and not stands_in(page, dialog):
            return False
    return True


def tab_into(page: Page, link: Locator) -> None:
    """As `tab_to`, into a frame."""
    for _ in range(6):
        page.keyboard.press("Tab")
        if has_focus(link):
            return
    pytest.fail("the frame's link is not reached")
