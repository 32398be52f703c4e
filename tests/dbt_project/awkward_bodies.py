"""Webhook bodies, ordinary and hostile, each with what it must become; written for this project.

The recorded payloads (tests/payloads) show each event as its provider documents it. These walk through
the words, forms of addresses and shapes that a field may take. `Case.becomes` has one entry for each
event of the body: its outcome, and of the message that it belongs to whatever is named.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.dbt_project.bodies import FORM, Body
from tests.dbt_project.raw_rows import ACCOUNT_SID, MAILBOX
from tests.dbt_project.six_channels import (
    ACCOUNT,
    IGSID,
    NUMBER_ID,
    OURS,
    PAGE,
    PSID,
    WABA,
    milliseconds,
)  # fmt: skip

SAM = "61491570006"
SAM_BSUID = "AU.13491208655302741918"
Becomes = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    name: str
    body: Body
    becomes: list[Becomes]


_numbers = itertools.count(1)


def cases() -> list[Case]:
    """All of them, the same each time."""
    global _numbers
    _numbers = itertools.count(1)
    return [
        *_sms_addresses(), *_sms_words(), *_sms_shapes(), *_calls(), *_pushes(),
        *_whatsapp_messages(), *_whatsapp_words(), *_whatsapp_fields(), *_whatsapp_shapes(),
        *_chats(), *_chat_shapes(),
    ]  # fmt: skip


def what(outcome: str, **message: Any) -> Becomes:
    return outcome, message


# -- Twilio ----------------------------------------------------------------------------------------


def sms(name: str, becomes: Becomes, /, **fields: str | None) -> Case:
    form = {
        "MessageSid": f"SM{next(_numbers) + 0xAB0000:032x}", "AccountSid": ACCOUNT_SID,
        "From": f"+{SAM}", "To": f"+{OURS}", "Body": "hello", "NumMedia": "0", "SmsStatus": "received",
    } | fields  # fmt: skip
    kept = {key: value for key, value in form.items() if value is not None}
    return Case(f"sms {name}", Body("twilio_sms", urlencode(kept).encode(), FORM), [becomes])


def _sms_addresses() -> Iterator[Case]:
    phone = f"phone:+{SAM}"
    for sender, counterpart in {
        f"+{SAM}": phone,
        f"whatsapp:+{SAM}": phone,
        f"rcs:+{SAM}": phone,
        "+610491570006": phone,
        "whatsapp:+610491570006": phone,
        "0491570006": phone,
        "61491570006": phone,
        "0255501234": "phone:+61255501234",
        "1300555012": "phone:+611300555012",
        "1800555012": "phone:+611800555012",
        "131450": "phone:+61131450",
        "19555": "short_code:AU:19555",
        "555012": "short_code:AU:555012",
        "+1415": "unknown:+1415",
        "+": "unknown:+",
        "EXAMPLE": "alphanumeric:AU:EXAMPLE",
        "My Shop": "alphanumeric:AU:MY SHOP",
        "AReallyLongSenderName": "unknown:AReallyLongSenderName",
        "anonymous": "unknown:anonymous",
        "RESTRICTED": "unknown:restricted",
        "whatsapp:AU.13491208655302741918": f"bsuid:+{OURS}:{SAM_BSUID}",
        "whatsapp:shop": "unknown:whatsapp:shop",
        "rcs:example_agent": "rcs:example_agent",
        "sim:DE00000000000000000000000000000001": "sim:DE00000000000000000000000000000001",
        "client:ann": f"client:+{OURS}:ann",
        "sip:ann@PBX.example.com:5060;transport=tls": f"sip:+{OURS}:ann@pbx.example.com",
        "sips:ann@pbx.example.com": f"sip:+{OURS}:ann@pbx.example.com",
        "wireless:4711": "unknown:wireless:4711",
        "000000000000000000": "unknown:000000000000000000",
        "مرحبا": "unknown:مرحبا",
    }.items():
        yield sms(f"from {sender}", what("message", counterpart_identity=counterpart), From=sender)

    yield sms("from an empty sender", what("message", direction="inbound"), From="")
    yield sms("from no sender", what("message", direction="inbound"), From=None)
    yield sms("to nobody", what("message", counterpart_identity=phone), To=None)


def _sms_words() -> Iterator[Case]:
    for word in (
        "queued", "accepted", "scheduled", "sending", "sent", "delivered", "partially_delivered", "read",
        "failed", "undelivered", "canceled", "receiving", "received",
    ):  # fmt: skip
        yield sms(f"status {word}", what("status"), MessageStatus=word, SmsStatus=word)
    for word in ("teleported", "", "Delivered", "delivered "):
        yield sms(f"status {word!r}", what("quarantined"), MessageStatus=word, SmsStatus=word)


def _sms_shapes() -> Iterator[Case]:
    yield sms("no account", what("quarantined"), AccountSid=None)
    yield sms("a foreign account", what("quarantined"), AccountSid="AC" + "0" * 32)
    yield sms("no sid", what("quarantined"), MessageSid=None)
    yield sms("a sid in capitals", what("quarantined"), MessageSid="SM" + "A" * 32)
    yield sms("an empty text", what("message", kind="text", body=""), Body="")
    yield sms("only a status", what("quarantined"), SmsStatus="sent", Body=None)
    yield sms("a place", what("message", kind="location"), Latitude="-33.86", Longitude="151.21")
    yield sms(
        "a button", what("message", kind="interactive", body="Yes"), Body="", ButtonText="Yes"
    )
    yield sms(
        "a picture", what("message", kind="media"),
        Body="", NumMedia="1", MediaUrl0="https://api.twilio.com/Media/ME1", MediaContentType0="image/png",
    )  # fmt: skip
    for name, body, becomes in (
        ("an empty array", b"[]", what("quarantined")),
        ("a number", b"12", what("quarantined")),
        ("an event without a type", json.dumps([{"specversion": "1.0", "data": {"accountSid": ACCOUNT_SID}}]).encode(), what("quarantined")),
        ("no JSON", b"{", what("quarantined")),
    ):  # fmt: skip
        yield Case(f"sms {name}", Body("twilio_sms", body), [becomes])


def call(name: str, becomes: Becomes, /, **fields: str | None) -> Case:
    form = {
        "CallSid": f"CA{next(_numbers) + 0xAB0000:032x}", "AccountSid": ACCOUNT_SID, "From": f"+{SAM}",
        "To": f"+{OURS}", "Direction": "inbound", "CallbackSource": "call-progress-events",
    } | fields  # fmt: skip
    kept = {key: value for key, value in form.items() if value is not None}
    return Case(f"call {name}", Body("twilio_voice", urlencode(kept).encode(), FORM), [becomes])


def _calls() -> Iterator[Case]:
    for word, status in {
        "queued": "queued", "initiated": "queued", "ringing": "queued", "in-progress": "queued", "completed": "completed",
        "busy": "missed", "failed": "failed", "no-answer": "missed", "canceled": "missed",
    }.items():  # fmt: skip
        yield call(word, what("message", kind="call", status=status), CallStatus=word)
    for word in ("levitating", "", "COMPLETED"):
        yield call(f"status {word!r}", what("quarantined"), CallStatus=word)
    for sender, counterpart in {
        "sip:ann@PBX.example.com:5060;transport=tls": f"sip:{ACCOUNT_SID}:ann@pbx.example.com",
        "sip:ann@pbx.example.com": f"sip:{ACCOUNT_SID}:ann@pbx.example.com",
        "0491570006": f"phone:+{SAM}",
        "+1415": "unknown:+1415",
    }.items():
        yield call(
            f"from {sender}", what("message", counterpart_identity=counterpart),
            From=sender, CallStatus="completed",
        )  # fmt: skip
    recording = {"RecordingSid": "RE" + "1" * 32, "CallbackSource": None}
    for word, outcome in {
        "completed": "message", "in-progress": "status", "absent": "status", "failed": "status", "paused": "status",
        "teleported": "quarantined", "": "quarantined",
    }.items():  # fmt: skip
        yield call(f"recording {word!r}", what(outcome), RecordingStatus=word, **recording)
    yield call(
        "recording of a conference", what("ignored"),
        RecordingStatus="completed", CallSid=None, ConferenceSid="CF" + "1" * 32, **recording,
    )  # fmt: skip
    yield call(
        "recording without a sid",
        what("quarantined"),
        RecordingStatus="completed",
        CallbackSource=None,
    )
    transcript = {
        "TranscriptionSid": "TR" + "1" * 32,
        "TranscriptionText": "hi",
        "CallbackSource": None,
    }
    for word, outcome in {
        "completed": "message",
        "failed": "system_event",
        "sung": "quarantined",
    }.items():
        yield call(f"transcript {word}", what(outcome), TranscriptionStatus=word, **transcript)
    for word, outcome in {
        "transcription-started": "system_event", "transcription-stopped": "system_event",
        "transcription-error": "system_event", "transcription-danced": "quarantined",
    }.items():  # fmt: skip
        yield call(word, what(outcome), TranscriptionEvent=word, CallbackSource=None)
    yield call("no call sid", what("quarantined"), CallSid=None, CallStatus="completed")
    yield call("a foreign account", what("quarantined"), AccountSid="AC0", CallStatus="completed")
    yield call(
        "a parent that is none", what("quarantined"), ParentCallSid="boss", CallStatus="completed"
    )
    yield call("nothing told", what("quarantined"), CallbackSource=None)


# -- Gmail -----------------------------------------------------------------------------------------


def _pushes() -> Iterator[Case]:
    def push(data: bytes) -> bytes:
        return json.dumps(
            {"message": {"data": base64.b64encode(data).decode(), "messageId": "1"}}
        ).encode()

    told = {"emailAddress": MAILBOX, "historyId": 1}
    for name, body, outcome in (
        ("a number as history id", push(json.dumps(told).encode()), "system_event"),
        (
            "a text as history id",
            push(json.dumps(told | {"historyId": "1"}).encode()),
            "system_event",
        ),
        (
            "another mailbox",
            push(json.dumps(told | {"emailAddress": "x@example.com"}).encode()),
            "ignored",
        ),
        ("no address", push(b"{}"), "ignored"),
        ("no object", push(b"[1]"), "ignored"),
        ("no JSON", push(b"hello"), "ignored"),
        ("no UTF-8", push(b"\xff\xfe"), "ignored"),
        ("no base64", b'{"message": {"data": "!"}}', "ignored"),
        ("data as a list", b'{"message": {"data": [1]}}', "ignored"),
        ("no message", b"{}", "ignored"),
        ("a text", b'"x"', "ignored"),
        ("null", b"null", "ignored"),
        ("nothing", b"", "quarantined"),
    ):
        yield Case(f"gmail {name}", Body("gmail", body), [what(outcome)])


# -- WhatsApp --------------------------------------------------------------------------------------


def change(
    name: str, becomes: list[Becomes] | Becomes, value: Any, field: Any = "messages"
) -> Case:
    listed = becomes if isinstance(becomes, list) else [becomes]
    entry = {"id": WABA, "changes": [{"field": field, "value": value}]}
    body = {"object": "whatsapp_business_account", "entry": [entry]}
    return Case(f"whatsapp {name}", Body("whatsapp", json.dumps(body).encode()), listed)


def value_of(**lists: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": OURS, "phone_number_id": NUMBER_ID}
    return {"messaging_product": "whatsapp", "metadata": metadata, **lists}


def written(**content: Any) -> dict[str, Any]:
    return {
        "id": f"wamid.awkward{next(_numbers)}=", "from": SAM, "from_user_id": SAM_BSUID,
        "timestamp": str(milliseconds(1) // 1000), **content,
    }  # fmt: skip


def told(**content: Any) -> dict[str, Any]:
    return value_of(messages=[written(**content)])


def _whatsapp_messages() -> Iterator[Case]:
    for name, content, becomes in (
        ("text", {"type": "text", "text": {"body": "hi"}}, what("message", kind="text", body="hi")),
        ("text without its object", {"type": "text"}, what("message", kind="text", body="")),
        ("no type", {}, what("message", kind="unsupported", body=None)),
        ("a type to come", {"type": "hologram", "hologram": {"id": "1"}}, what("message", kind="unsupported")),
        ("a type that is a number", {"type": 7}, what("message", kind="unsupported")),
        ("sticker", {"type": "sticker", "sticker": {"id": "1"}}, what("message", kind="media", body="")),
        ("image without an id", {"type": "image", "image": {"caption": "c"}}, what("message", kind="media", body="c")),
        ("location without a name", {"type": "location", "location": {"latitude": 1}}, what("message", kind="location", body="")),
        ("contacts as an object", {"type": "contacts", "contacts": {}}, what("message", kind="contacts", body="")),
        ("button", {"type": "button", "button": {"text": "Yes"}}, what("message", kind="interactive", body="Yes")),
        ("button_reply", {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"title": "A"}}}, what("message", kind="interactive", body="A")),
        ("list_reply", {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"title": "A", "description": "B"}}}, what("message", kind="interactive", body="A\nB")),
        ("payment_method", {"type": "interactive", "interactive": {"type": "payment_method", "payment_method": {}}}, what("message", kind="unsupported", body=None, unsupported="payment_method")),
        ("an interactive without a type", {"type": "interactive", "interactive": {}}, what("message", kind="unsupported", unsupported="interactive")),
        ("order", {"type": "order", "order": {"product_items": [{"product_retailer_id": "p", "quantity": 2}]}}, what("message", kind="interactive", body="2 × p")),
        ("reaction", {"type": "reaction", "reaction": {"message_id": "wamid.r1=", "emoji": "👍"}}, what("reaction")),
        ("a reaction to nothing", {"type": "reaction", "reaction": {}}, what("quarantined")),
        ("revoke", {"type": "revoke", "revoke": {"original_message_id": "wamid.r2="}}, what("revision", is_deleted=True)),
        ("a revoke of nothing", {"type": "revoke"}, what("quarantined")),
        ("edit", {"type": "edit", "edit": {"original_message_id": "wamid.r3=", "message": {"type": "text", "text": {"body": "new"}}}}, what("revision", revised_body="new")),
        ("an edit to an empty text", {"type": "edit", "edit": {"original_message_id": "wamid.r4=", "message": {"type": "text", "text": {"body": ""}}}}, what("revision", revised_body="")),
        ("an edit without a text", {"type": "edit", "edit": {"original_message_id": "wamid.r5="}}, what("revision", revised_body=None, edit_untold=True)),
        ("an edit whose message is a text", {"type": "edit", "edit": {"original_message_id": "wamid.r6=", "message": "x"}}, what("revision", revised_body=None, edit_untold=True)),
        ("new_wa_id", {"type": "system", "system": {"type": "customer_changed_number", "new_wa_id": "61491570157", "body": "changed"}}, what("system_event", kind="system", body="changed")),
        ("milliseconds as a float", {"timestamp": f"{milliseconds(1)}.0", "type": "text", "text": {"body": "x"}}, what("message", sent_at="2026-11-01T09:00:01+00:00")),
        ("a time that is a word", {"timestamp": "soon", "type": "text", "text": {"body": "x"}}, what("message", body="x")),
        ("a time long ago", {"timestamp": "1", "type": "text", "text": {"body": "x"}}, what("message", sent_at_is_receipt=True)),
        ("no id", {"id": None, "type": "text", "text": {"body": "x"}}, what("quarantined")),
        ("an empty from", {"from": "", "type": "text", "text": {"body": "x"}}, what("message", counterpart_identity=f"bsuid:{WABA}:{SAM_BSUID}")),
        ("nobody", {"from": None, "from_user_id": None, "type": "text", "text": {"body": "x"}}, what("quarantined")),
    ):  # fmt: skip
        yield change(name, becomes, told(**content))
    contact = {"wa_id": SAM, "profile": {"name": "Sam Citizen"}}
    nameless = written(type="text", text={"body": "x"}) | {"from": None, "from_user_id": None}
    yield change(
        "nobody, and one contact", what("message", counterpart_identity=f"phone:+{SAM}", from_name="Sam Citizen"),
        value_of(messages=[nameless], contacts=[contact]),
    )  # fmt: skip
    nameless = nameless | {"id": "wamid.nobody2="}
    yield change(
        "nobody, and two contacts", what("quarantined"),
        value_of(messages=[nameless], contacts=[contact, contact | {"wa_id": "61491570157"}]),
    )  # fmt: skip
    others = [contact, {"wa_id": "61491570157"}, {"user_id": "AU.2"}]
    yield change(
        "group", what("message", identities=[f"phone:+{SAM}", f"phone:+{OURS}", "phone:+61491570157", f"bsuid:{WABA}:AU.2"]),
        value_of(messages=[written(type="text", text={"body": "x"}, group_id="g1")], contacts=others),
    )  # fmt: skip
    yield change(
        "standby", what("message", body="x", from_name="Sam Citizen"),
        value_of(standby={"messages": [written(type="text", text={"body": "x"})], "contacts": [contact]}), "standby",
    )  # fmt: skip
    echo = written(type="text", text={"body": "from an agent"}) | {"from": OURS, "to": SAM}
    yield change(
        "message_echoes", what("message", direction="outbound", counterpart_identity=f"phone:+{SAM}"),
        value_of(message_echoes=[echo]), "message_echoes",
    )  # fmt: skip


def _whatsapp_words() -> Iterator[Case]:
    for word, outcome in {
        "sent": "status", "delivered": "status", "read": "status", "played": "status", "failed": "status", "deleted": "status",
        "teleported": "quarantined", "": "quarantined", None: "quarantined", "READ": "quarantined",
    }.items():  # fmt: skip
        status = {
            "id": f"wamid.s{next(_numbers)}=",
            "status": word,
            "recipient_id": SAM,
            "timestamp": "1793523601",
        }
        yield change(f"status {word!r}", what(outcome), value_of(statuses=[status]))
    failed = {
        "id": "wamid.why=", "status": "failed", "recipient_id": SAM, "timestamp": "1793523601",
        "errors": [{"code": 131047, "title": "Re-engagement message", "error_data": {"details": "More than 24 hours"}}],
    }  # fmt: skip
    yield change(
        "why it failed",
        what("status", error_message="More than 24 hours"),
        value_of(statuses=[failed]),
    )
    ours = {
        "id": "wamid.theirs=",
        "status": "read",
        "recipient_id": OURS,
        "timestamp": "1793523601",
    }
    yield change("a status of theirs", what("ignored"), value_of(statuses=[ours]))
    for word, more, becomes in (
        ("connect", {}, what("message", kind="call", status="queued")),
        (
            "terminate",
            {"start_time": "1793523601"},
            what("message", kind="call", status="completed"),
        ),
        ("terminate", {}, what("message", kind="call", status="missed")),
        (
            "terminate",
            {"direction": "BUSINESS_INITIATED", "to": SAM},
            what("message", status="failed"),
        ),
        ("levitate", {}, what("quarantined")),
        (None, {}, what("quarantined")),
        ("call_recording_available", {"call_recording": {"audio": {"id": "900"}}}, what("message")),
        (
            "call_transcription_available",
            {"call_transcript": {"document": {"id": "901"}}},
            what("message"),
        ),
        (
            "call_transcript_available",
            {"call_transcription": {"document": {"id": "902"}}},
            what("message"),
        ),
        ("call_transcription_available", {"call_recording": "x"}, what("quarantined")),
    ):
        event = {
            "id": f"wacid.{next(_numbers)}",
            "from": SAM,
            "event": word,
            "timestamp": "1793523601",
            **more,
        }
        yield change(f"call {word} {sorted(more)}", becomes, value_of(calls=[event]), "calls")
    for word, outcome in {
        "RINGING": "status",
        "ACCEPTED": "status",
        "REJECTED": "status",
        "SINGING": "quarantined",
    }.items():
        status = {
            "id": f"wacid.{next(_numbers)}",
            "type": "call",
            "status": word,
            "recipient_id": SAM,
            "timestamp": "1793523601",
        }
        yield change(f"call status {word}", what(outcome), value_of(statuses=[status]), "calls")
    for word, becomes in {
        "READ": what("message", status="read"), "sent": what("message", status="sent"), "ERROR": what("message", status="failed"),
        "EVAPORATED": what("quarantined"),
    }.items():  # fmt: skip
        past = written(type="text", text={"body": "x"}, history_context={"status": word}) | {
            "from": OURS
        }
        threads = [{"id": SAM, "messages": [past]}]
        yield change(
            f"history {word}", becomes, value_of(history=[{"threads": threads}]), "history"
        )
    update = {
        "wa_id": SAM,
        "user_id": {"previous": SAM_BSUID, "current": "AU.99"},
        "timestamp": "1793523601",
    }
    yield change(
        "user_id_update",
        what("system_event", kind="system"),
        value_of(user_id_update=[update]),
        "user_id_update",
    )
    yield change(
        "user_id_update of nobody",
        what("quarantined"),
        value_of(user_id_update=[{"wa_id": SAM}]),
        "user_id_update",
    )


def _whatsapp_fields() -> Iterator[Case]:
    for field in (
        "account_update", "account_alerts", "account_review_update", "business_capability_update", "phone_number_name_update",
        "phone_number_quality_update", "message_template_status_update", "message_template_quality_update", "template_category_update",
        "security", "flows", "payment_configuration_update", "tracking_events", "partner_solutions", "automatic_events",
        "messaging_handovers", "group_lifecycle_update", "consumer_profile",
    ):  # fmt: skip
        yield change(f"field {field}", what("ignored"), {"event": "x"}, field)
    for field in ("holograms", "Messages", " messages", ""):
        yield change(f"field {field!r}", what("quarantined"), {"event": "x"}, field)


def _whatsapp_shapes() -> Iterator[Case]:
    unknown = value_of(holograms=[{"id": 1}])
    yield change("no field and an unknown list", [what("quarantined")], unknown, None)
    yield change("a field that is a number", [what("quarantined")], unknown, 7)
    yield change("an unknown list", [what("quarantined")], unknown)
    yield change(
        "standby with another list",
        [what("quarantined")],
        value_of(standby={"holograms": [1]}),
        "standby",
    )
    yield change("standby as a list", [what("quarantined")], value_of(standby=[1]), "standby")
    yield change("an empty standby", [what("quarantined")], value_of(standby={}), "standby")
    yield change("messages as an object", [what("quarantined")], value_of(messages={}))
    yield change("messages as null", [what("quarantined")], value_of(messages=None))
    yield change("no messages", [what("quarantined")], value_of(messages=[]))
    yield change(
        "messages of other things", [what("quarantined")] * 4, value_of(messages=[1, "x", None, []])
    )
    yield change(
        "a message and an unknown list",
        [what("quarantined"), what("message", body="x")],
        told(type="text", text={"body": "x"}) | {"holograms": [1]},
    )
    yield change(
        "only a list that is none of ours",
        [what("quarantined")],
        {"messaging_product": [1], "metadata": {}},
    )
    yield change("a value that is a text", [what("quarantined")], "x")
    yield change("a value that is null", [what("quarantined")], None)
    yield change(
        "a thread without messages",
        [what("quarantined"), what("quarantined")],
        value_of(history=[{"threads": [{"id": SAM}, 1]}]),
        "history",
    )
    yield change(
        "a history of other things",
        [what("quarantined")],
        value_of(history=[{"holograms": [1]}]),
        "history",
    )
    foreign = value_of(messages=[written(type="text", text={"body": "x"})]) | {
        "metadata": {"phone_number_id": "1"}
    }
    yield change("a number of nobody", [what("quarantined")], foreign)
    for name, body, becomes in (
        ("no entries", {"object": "x"}, [what("quarantined")]),
        ("entries as an object", {"entry": {}}, [what("quarantined")]),
        ("entries of other things", {"entry": [1, "x", None]}, [what("quarantined")] * 3),
        ("an entry without changes", {"entry": [{"id": WABA}]}, [what("quarantined")]),
        (
            "changes of other things",
            {"entry": [{"id": WABA, "changes": [1, None]}]},
            [what("quarantined")] * 2,
        ),
        ("a test of the dashboard", {"field": "messages", "value": {}}, [what("ignored")]),
        ("a list", [1], [what("quarantined")]),
    ):
        yield Case(f"whatsapp {name}", Body("whatsapp", json.dumps(body).encode()), becomes)


# -- Messenger and Instagram -----------------------------------------------------------------------


def chat(channel: str, name: str, becomes: list[Becomes] | Becomes, *items: Any) -> Case:
    account, person = (PAGE, PSID) if channel == "messenger" else (ACCOUNT, IGSID)
    ends = {"sender": {"id": person}, "recipient": {"id": account}, "timestamp": milliseconds(2)}
    held = [ends | item if isinstance(item, dict) else item for item in items]
    body = {"object": "x", "entry": [{"id": account, "time": 1, "messaging": held}]}
    listed = becomes if isinstance(becomes, list) else [becomes]
    return Case(f"{channel} {name}", Body(channel, json.dumps(body).encode()), listed)


def _chats() -> Iterator[Case]:
    for channel in ("messenger", "instagram"):

        def mid() -> str:
            return f"m_awkward{next(_numbers)}"

        def attached(kind: str, payload: Any) -> dict[str, Any]:
            return {"message": {"mid": mid(), "attachments": [{"type": kind, "payload": payload}]}}

        site = "https://www.instagram.com" if channel == "instagram" else "https://www.facebook.com"
        yield chat(
            channel,
            "text",
            what("message", kind="text", body="hi"),
            {"message": {"mid": mid(), "text": "hi"}},
        )
        yield chat(
            channel,
            "like_heart",
            what("message", kind="text", body="❤️"),
            attached("like_heart", None),
        )
        yield chat(
            channel, "location", what("message", kind="location", body="Harbour\n-33.5, 151.5"),
            attached("location", {"title": "Harbour", "coordinates": {"lat": -33.5, "long": 151.5}}),
        )  # fmt: skip
        product = {"product": {"elements": [{"title": "Bike", "subtitle": "$900"}]}}
        yield chat(
            channel,
            "product",
            what("message", kind="interactive", body="Bike: $900"),
            attached("template", product),
        )
        yield chat(
            channel,
            "reel",
            what("message", kind="media", url=f"{site}/reel/1/"),
            attached("reel", {"url": "/reel/1/"}),
        )
        giphy = "https://media.giphy.com/media/x/giphy.gif"
        yield chat(
            channel,
            "giphy",
            what("message", kind="media", url=giphy),
            attached("image", {"url": giphy}),
        )
        yield chat(
            channel,
            "a type to come",
            what("message", kind="unsupported", body=None),
            attached("hologram", {}),
        )
        yield chat(
            channel,
            "no content",
            what("message", kind="unsupported", body=""),
            {"message": {"mid": mid()}},
        )
        yield chat(channel, "no mid", what("quarantined"), {"message": {"text": "x"}})
        yield chat(
            channel, "an empty mid", what("quarantined"), {"message": {"mid": "", "text": "x"}}
        )
        for count in (0, "0"):
            yield chat(
                channel,
                f"num_edit {count!r}",
                what("ignored"),
                {"message_edit": {"mid": mid(), "num_edit": count}},
            )
            yield chat(
                channel, f"num_edit {count!r} of nobody", what("ignored"),
                {"sender": None, "recipient": None, "message_edit": {"mid": mid(), "num_edit": count}},
            )  # fmt: skip
        for number_of_edits in (1, "2", None):
            yield chat(
                channel, f"num_edit {number_of_edits!r} without text", what("revision", revised_body=None, edit_untold=True),
                {"message_edit": {"mid": mid(), "num_edit": number_of_edits}},
            )  # fmt: skip
        yield chat(
            channel,
            "an edit of nobody",
            what("revision", revised_body="new"),
            {"sender": None, "message_edit": {"mid": mid(), "num_edit": 1, "text": "new"}},
        )
        yield chat(
            channel,
            "an edit to an empty text",
            what("revision", revised_body=""),
            {"message_edit": {"mid": mid(), "num_edit": 1, "text": ""}},
        )
        yield chat(
            channel, "an edit of nothing", what("quarantined"), {"message_edit": {"num_edit": 1}}
        )
        yield chat(
            channel,
            "a postback without mid",
            what("message", kind="interactive", body="Get Started"),
            {"postback": {"title": "Get Started", "payload": "GO"}},
        )
        yield chat(
            channel, "two referrals in one millisecond",
            [what("system_event", body="Opened the conversation through ADS (a)"), what("system_event", body="Opened the conversation through ADS (b)")],
            {"referral": {"source": "ADS", "ref": "a"}}, {"referral": {"source": "ADS", "ref": "b"}},
        )  # fmt: skip
        yield chat(
            channel, "optin", what("system_event", ref="spring"), {"optin": {"ref": "spring"}}
        )
        yield chat(
            channel,
            "an optin of another kind",
            what("quarantined"),
            {"optin": {"notification_messages_status": "MAYBE"}},
        )
        yield chat(
            channel,
            "linked",
            what("system_event", body="Linked their account"),
            {"account_linking": {"status": "linked"}},
        )
        yield chat(
            channel, "half linked", what("quarantined"), {"account_linking": {"status": "half"}}
        )
        yield chat(
            channel,
            "policy_enforcement",
            what("system_event"),
            {"policy_enforcement": {"action": "block"}},
        )
        yield chat(
            channel,
            "policy-enforcement",
            what("system_event"),
            {"policy-enforcement": {"action": "warning"}},
        )
        for word, outcome in {
            "react": "reaction",
            "unreact": "reaction",
            "wink": "quarantined",
            None: "quarantined",
        }.items():
            yield chat(
                channel,
                f"reaction {word}",
                what(outcome),
                {"reaction": {"mid": mid(), "action": word, "emoji": "👍"}},
            )
        yield chat(
            channel,
            "a float time",
            what("message", sent_at="2026-11-01T09:00:02+00:00"),
            {"timestamp": float(milliseconds(2)), "message": {"mid": mid(), "text": "x"}},
        )
        yield chat(
            channel,
            "to itself",
            what("ignored"),
            {
                "recipient": {"id": PSID if channel == "messenger" else IGSID},
                "message": {"mid": mid(), "text": "x"},
            },
        )
        yield chat(
            channel,
            "between strangers",
            what("quarantined"),
            {"recipient": {"id": "1"}, "message": {"mid": mid(), "text": "x"}},
        )
        yield chat(channel, "an event to come", what("quarantined"), {"hologram": {"id": 1}})
        yield chat(channel, "a message that is a text", what("quarantined"), {"message": "x"})
        yield chat(
            channel,
            "a watermark that is a word",
            what("quarantined"),
            {"delivery": {"watermark": "soon"}},
        )
        yield chat(channel, "a read of nothing", what("quarantined"), {"read": {}})
        yield chat(channel, "other things", [what("quarantined")] * 4, 1, "x", None, [])


def _chat_shapes() -> Iterator[Case]:
    for channel, account in (("messenger", PAGE), ("instagram", ACCOUNT)):
        for name, body, becomes in (
            ("no entries", {}, [what("quarantined")]),
            ("a list", [], [what("quarantined")]),
            ("entries of other things", {"entry": [1, None]}, [what("quarantined")] * 2),
            ("an entry without events", {"entry": [{"id": account}]}, [what("ignored")]),
            ("an entry of nobody", {"entry": [{"messaging": []}]}, [what("quarantined")]),
            ("messaging as an object", {"entry": [{"id": account, "messaging": {}}]}, [what("quarantined")]),
            ("an unknown list", {"entry": [{"id": account, "holograms": [1]}]}, [what("quarantined")]),
            ("a comment", {"entry": [{"id": account, "changes": [{"field": "comments", "value": {}}]}]}, [what("ignored")]),
            ("an unknown field", {"entry": [{"id": account, "changes": [{"field": "x", "value": {}}]}]}, [what("quarantined")]),
            ("a change without a field", {"entry": [{"id": account, "changes": [{}]}]}, [what("quarantined")]),
            ("a test of the dashboard", {"field": "messages", "value": {"x": 1}}, [what("ignored")]),
        ):  # fmt: skip
            yield Case(f"{channel} {name}", Body(channel, json.dumps(body).encode()), becomes)
