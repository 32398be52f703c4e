"""Messages of six channels in a real Chromium: hostile in every field, media through the route, revisions."""

from __future__ import annotations

import base64
import io
import json
import math
import struct
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from media.store import MediaStore
from tests.app.browsing import WINDOWS, Person, eventually
from tests.app.conftest import ACCOUNT, OUR_NUMBER, Correspondence
from tests.app.drawn import HOSTILE
from tests.app.meta_events import CONNECTIONS, messaging, new_id, whatsapp, whatsapp_echo

NUMBER, PSID, IGSID = "+61491570006", "7234567890123456", "1254938275682919"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR42mNk+M9Qz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC"
)


@pytest.fixture
def connected(correspondence: Correspondence) -> dict[str, str]:
    """A connection on each channel; calls may be played."""
    correspondence.user("officer", "privacy_officer")
    return {
        "twilio_sms": correspondence.sms_connection,
        "twilio_voice": correspondence.connect(
            "twilio_voice", account_sid=ACCOUNT, recording_basis="An announcement says so"
        ),
        **{
            channel: correspondence.connect(channel, **keys)
            for channel, keys in CONNECTIONS.items()
        },
    }


@pytest.fixture
def sam(correspondence: Correspondence, connected: dict[str, str]) -> str:
    psid = f"psid:{CONNECTIONS['messenger']['page_id']}:{PSID}"
    igsid = f"igsid:{CONNECTIONS['instagram']['account_id']}:{IGSID}"
    return correspondence.customer("Sam Example", f"phone:{NUMBER}", psid, igsid)


def call(sid: str, **more: str) -> dict[str, str]:
    """The callback at the end of an inbound call."""
    return {
        "CallSid": sid,
        "AccountSid": ACCOUNT,
        "From": NUMBER,
        "To": OUR_NUMBER,
        "Direction": "inbound",
        "CallStatus": "completed",
        "CallDuration": "124",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": "0",
        "Timestamp": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
        **more,
    }


def recording(sid: str, recording_sid: str, **more: str) -> dict[str, str]:
    return {
        "CallSid": sid,
        "AccountSid": ACCOUNT,
        "RecordingSid": recording_sid,
        "RecordingUrl": "https://api.twilio.com/x",
        "RecordingStatus": "completed",
        "RecordingDuration": "2",
        "RecordingSource": "DialVerb",
        **more,
    }


def sound() -> bytes:
    """Two seconds of a tone."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(
            b"".join(struct.pack("<h", int(9000 * math.sin(n / 9))) for n in range(16_000))
        )
    return written.getvalue()


def store(
    correspondence: Correspondence,
    message_id: str,
    attachment_id: str,
    content: bytes,
    content_type: str,
) -> None:
    """As the fetching job leaves a file."""
    sha256 = MediaStore(correspondence.settings.media_root).store(content)
    correspondence.execute(
        "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, sha256, size_bytes, sniffed_type, is_inline)"
        " values (%s, %s, split_part(%s, '|', 1), 'c', 'stored', %s, %s, %s, true)",
        [message_id, attachment_id, message_id, sha256, len(content), content_type],
    )


def test_pictures_and_recordings_come_through_the_route_and_are_on_record(
    person: Person,
    correspondence: Correspondence,
    connected: dict[str, str],
    sam: str,
) -> None:
    picture, spoken, told = new_id(), "CA" + "1" * 32, "RE" + "2" * 32
    correspondence.land(
        "whatsapp", connected["whatsapp"],
        whatsapp("image", {"id": "9001", "mime_type": "image/png", "caption": "Look"}, message_id=picture),
    )  # fmt: skip
    correspondence.land("twilio_voice", connected["twilio_voice"], call(spoken))
    correspondence.land("twilio_voice", connected["twilio_voice"], recording(spoken, told))
    store(correspondence, f"whatsapp|{picture}", "9001", PNG, "image/png")
    store(correspondence, f"twilio_voice|{spoken}", told, sound(), "audio/wav")
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("Incoming call, answered · 2 min 4 s")).to_be_visible()
    shown = page.locator(".message img")
    eventually(lambda: bool(shown.evaluate("e => e.complete && e.naturalWidth > 0")))
    assert shown.evaluate("e => getComputedStyle(e).blockSize") == "150px"
    player = page.locator(".message audio")
    assert correspondence.events("recording.play") == []
    player.evaluate("e => { e.muted = true; return e.play() }")
    eventually(lambda: bool(player.evaluate("e => e.currentTime > 0")))
    (played,) = correspondence.events("recording.play")
    (opened,) = correspondence.events("attachment.open")
    assert played["customer_ids"] == opened["customer_ids"] == [sam]

    # Large over the page, by mouse and by keyboard; and it can be played faster.
    large = page.locator("dialog.viewer img")
    shown.click()
    eventually(lambda: bool(large.evaluate("e => e.complete && e.naturalWidth > 0")))
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    page.locator(".message .picture a").focus()
    page.keyboard.press("Enter")
    expect(large).to_be_visible()
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    faster = page.locator(".message button.speed")
    for key, rate in (("Enter", 1.25), ("Space", 1.5)):
        faster.focus()
        page.keyboard.press(key)
        assert player.evaluate("e => e.playbackRate") == rate
    faster.click()
    assert player.evaluate("e => e.playbackRate") == 2


def test_a_recorded_call_without_a_basis_says_why_it_is_silent(
    person: Person, correspondence: Correspondence, connected: dict[str, str], sam: str
) -> None:
    spoken, told = "CA" + "1" * 32, "RE" + "2" * 32
    correspondence.execute("update crm.connections set settings = settings - 'recording_basis'")
    correspondence.land("twilio_voice", connected["twilio_voice"], call(spoken))
    correspondence.land("twilio_voice", connected["twilio_voice"], recording(spoken, told))
    store(correspondence, f"twilio_voice|{spoken}", told, sound(), "audio/wav")
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("is kept and cannot be played")).to_be_visible()
    assert page.locator("audio").count() == 0


def test_edits_and_unsends_are_read_only_by_who_may_and_on_record(
    person: Person, correspondence: Correspondence, connected: dict[str, str], sam: str
) -> None:
    for told in (
        {"message": {"mid": "m_1", "text": "Open on Munday?"}},
        {"message_edit": {"mid": "m_1", "text": "Open on Monday?", "num_edit": 1}},
    ):
        payload = messaging("messenger", PSID, **told)
        correspondence.land("messenger", connected["messenger"], payload)
    for message in ({"mid": "ig1", "text": "a secret"}, {"mid": "ig1", "is_deleted": True}):
        correspondence.land(
            "instagram", connected["instagram"], messaging("instagram", IGSID, message=message)
        )
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("Open on Monday?")).to_be_visible()
    expect(page.get_by_text("This message was unsent.")).to_be_visible()
    assert page.get_by_text("a secret").count() == 0
    assert page.get_by_role("link", name="What it said").count() == 0
    page.goto(f"{person.address}/message?message=instagram|ig1&versions=1")
    expect(page.get_by_text("Where this came from")).to_be_visible()
    assert page.get_by_text("a secret").count() == 0
    assert correspondence.events("message.revisions") == []

    page.goto(f"{person.address}/")
    page.locator(".st-key-account button").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    person.sign_in(f"/timeline?customer={sam}", user_name="officer")
    with person.context.expect_page() as opened:
        page.get_by_role("link", name="What it said").click()
    expect(opened.value.locator(".versions")).to_contain_text("a secret")
    with person.context.expect_page() as opened:
        page.locator("a.edited").click()
    expect(opened.value.locator(".versions li").first).to_contain_text("Munday")
    expect(opened.value.locator(".versions li").last).to_contain_text("Monday")
    seen = correspondence.events("message.revisions")
    assert [event["object_id"] for event in seen] == ["instagram|ig1", "messenger|m_1"]
    assert all(event["customer_ids"] == [sam] for event in seen)


def test_a_reply_leads_to_what_it_answers(
    person: Person, correspondence: Correspondence, connected: dict[str, str], sam: str
) -> None:
    asked = new_id()
    correspondence.land(
        "whatsapp", connected["whatsapp"],
        whatsapp_echo("text", {"body": "Which colour would you like?"}, message_id=asked),
    )  # fmt: skip
    with correspondence.together():
        for number in range(30):
            correspondence.land(
                "whatsapp", connected["whatsapp"], whatsapp("text", {"body": f"line {number}"})
            )
        for words, of in (("Blue", asked), ("Green", "wamid.elsewhere")):
            payload = whatsapp("text", {"body": words}, context={"from": "61255501000", "id": of})
            correspondence.land("whatsapp", connected["whatsapp"], payload)
    page = person.sign_in(f"/timeline?customer={sam}")
    answer = page.locator(".message", has_text="Blue")
    expect(answer.locator(".reply")).to_have_text("reply us Which colour would you like?")
    expect(page.locator(".message", has_text="Green").locator(".reply")).to_contain_text(
        "an earlier message"
    )
    question = page.locator(".message.ours", has_text="Which colour")
    expect(question).not_to_be_in_viewport()
    answer.locator(".reply a").click()
    expect(question).to_be_in_viewport()


def test_a_reaction_appears_and_goes_again(
    person: Person, correspondence: Correspondence, connected: dict[str, str], sam: str
) -> None:
    liked = new_id()
    correspondence.land(
        "whatsapp",
        connected["whatsapp"],
        whatsapp_echo("text", {"body": "It is sent"}, message_id=liked),
    )
    page = person.sign_in(f"/timeline?customer={sam}")
    message = page.locator(".message", has_text="It is sent")
    expect(message).to_be_visible()
    for emoji, count in (("👍", 1), ("", 0)):
        payload = whatsapp(
            "reaction",
            {"message_id": liked, "emoji": emoji},
            timestamp=str(1_800_000_000 + 10 * (1 - count)),
        )
        correspondence.land("whatsapp", connected["whatsapp"], payload)
        expect(message.locator(".reactions li")).to_have_count(count)
    assert page.locator(".message").count() == 1


def hostile_deliveries(attack: str) -> list[tuple[str, dict[str, Any]]]:
    """The same text wherever a person, or another program, can put one."""
    liked = new_id()
    spoken = "CA" + "3" * 32
    person: dict[str, Any] = {
        "name": {"formatted_name": attack, "first_name": attack},
        "phones": [{"phone": attack, "type": attack}],
        "emails": [{"email": attack}],
    }
    messages = [
        whatsapp("text", {"body": attack}, name=attack, message_id=liked),
        whatsapp("reaction", {"message_id": liked, "emoji": attack[:60]}),
        whatsapp("document", {"id": "1", "mime_type": attack, "filename": attack, "caption": attack}),
        whatsapp("image", {"id": "2", "mime_type": "image/png", "caption": attack}),
        whatsapp("location", {"latitude": attack, "longitude": attack, "name": attack, "address": attack}),
        whatsapp("contacts", [person]),
        whatsapp("interactive", {"type": "button_reply", "button_reply": {"id": attack, "title": attack}}),
        whatsapp("button", {"text": attack, "payload": attack}),
        whatsapp("order", {"text": attack, "product_items": [{"product_retailer_id": attack, "quantity": attack}]}),
        whatsapp("system", {"type": "customer_identity_changed", "body": attack}),
        whatsapp("unsupported", {"type": attack}, errors=[{"code": 131051, "title": attack}]),
        whatsapp(attack[:80], {"x": attack}),
        whatsapp(
            "text", {"body": "x"}, context={"id": liked, "forwarded": True, "referred_product": {"product_retailer_id": attack}},
            referral={"source_type": attack, "headline": attack, "body": attack, "source_id": attack},
        ),
    ]  # fmt: skip
    media = [{"type": "image", "payload": {"url": "https://example.com/x.png", "title": attack}}]
    share = [{"type": "ig_post", "payload": {"url": "https://example.com/x", "title": attack}}]
    chats: list[tuple[str, dict[str, Any]]] = [
        ("messenger", {"message": {"mid": "h1", "text": attack, "attachments": media}}),
        ("messenger", {"reaction": {"mid": "h1", "action": "react", "emoji": attack, "reaction": attack}}),
        ("messenger", {"postback": {"mid": "h2", "title": attack, "payload": attack, "referral": {"ref": attack, "source": attack}}}),
        ("messenger", {"referral": {"ref": attack, "source": attack, "type": attack}}),
        ("messenger", {"response_feedback": {"feedback": attack, "mid": "h1"}}),
        ("instagram", {"message": {"mid": "h3", "attachments": share}}),
        ("instagram", {"message": {"mid": "h4", "attachments": [{"type": attack, "payload": {"title": attack}}]}}),
        ("instagram", {"message": {"mid": "h5", "text": attack, "reply_to": {"story": {"id": attack, "url": attack}}}}),
    ]  # fmt: skip
    transcript = {
        "TranscriptionSid": "TR" + "4" * 32, "TranscriptionText": attack, "TranscriptionStatus": "completed",
        "RecordingSid": "RE" + "5" * 32, "CallSid": spoken, "AccountSid": ACCOUNT,
    }  # fmt: skip
    return [
        *(("whatsapp", message) for message in messages),
        *((channel, messaging(channel, PSID if channel == "messenger" else IGSID, **event)) for channel, event in chats),
        ("twilio_voice", call(spoken, CallerName=attack, ForwardedFrom=attack, AnsweredBy=attack)),
        ("twilio_voice", recording(spoken, "RE" + "5" * 32, RecordingSource="RecordVerb")),
        ("twilio_voice", transcript),
    ]  # fmt: skip


def test_hostile_cards_are_inert_and_fit(
    window: Callable[..., Person],
    correspondence: Correspondence,
    connected: dict[str, str],
    sam: str,
) -> None:
    attack = (
        " ".join(HOSTILE).replace("alert(1)", "window.hurt=1").replace("\x00", "")
        + "w" * 200
        + " שלום 1234"
    )
    with correspondence.together():
        for channel, payload in hostile_deliveries(attack):
            correspondence.land(channel, connected[channel], payload)
    correspondence.execute(
        "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, reason)"
        " select message_id, attachment_id, channel, connection_id, 'failed', %s from marts.attachments",
        [attack],
    )
    for width, scheme in WINDOWS:
        page = window(width=width, height=844, scheme=scheme).sign_in(f"/timeline?customer={sam}")
        assert_inert_and_fitting(page)


def assert_inert_and_fitting(page: Page) -> None:
    expect(page.locator(".message")).to_have_count(20)
    for fold in page.locator(".message details summary").all():
        fold.click()
    assert page.evaluate("window.hurt") is None
    assert (
        page.locator(
            ".messages script, .messages svg, .messages iframe, .messages form, .messages style"
        ).count()
        == 0
    )
    assert (
        page.locator(".messages [onerror], .messages [onload], .messages [onmouseover]").count()
        == 0
    )
    # No address leads out of the house.
    links = page.evaluate("() => [...document.querySelectorAll('.stHtml a, .stHtml img, .stHtml audio, .stHtml video')]"
                          ".map(e => e.getAttribute('href') || e.getAttribute('src'))")  # fmt: skip
    assert all(link.startswith(("/message?", "/attachment?", "/mail?", "#")) for link in links), (
        json.dumps(links)
    )
    too_wide = (
        "[...document.querySelectorAll('.stHtml, .message, .message *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).overflow !== 'hidden'"
        " && !e.closest('.who, .to, .chip, summary')).map(e => e.className)"
    )
    eventually(lambda: page.evaluate(too_wide) == [])
