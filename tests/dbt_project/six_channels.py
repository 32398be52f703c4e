"""Raw rows of calls, WhatsApp, Instagram and Messenger, as the two doors leave them, and strategies that mix them.

Everything is about a few messages of a few people, so that copies, edits, reactions, receipts and legs meet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

from tests.dbt_project.raw_rows import ACCOUNT_SID, START, History, rfc2822

VOICE, WHATSAPP, INSTAGRAM, MESSENGER = (f"c0ffee000000000{n}" for n in (3, 4, 5, 6))
PAGE, PSID = "100200300400500", "7234567890123456"
ACCOUNT, IGSID = "17841400008460056", "1254938275682919"
NUMBER_ID, WABA, OURS = "106540352242922", "102290129340398", "61491570156"
#: Numbers for fiction, and the business-scoped ids of their owners.
PEOPLE = {
    "61491570006": "AU.13491208655302741918",
    "61491570157": "AU.22591208655302741777",
}
CONNECTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (VOICE, "twilio_voice", {"account_sid": ACCOUNT_SID}),
    (WHATSAPP, "whatsapp", {"phone_number_id": NUMBER_ID, "business_account_id": WABA}),
    (INSTAGRAM, "instagram", {"account_id": ACCOUNT}),
    (MESSENGER, "messenger", {"page_id": PAGE}),
)


def add_connections(admin: psycopg.Connection[Any]) -> None:
    for connection_id, channel, settings in CONNECTIONS:
        admin.execute(
            "insert into crm.connections (connection_id, channel, name, settings, secrets, created_by)"
            " values (%s, %s, %s, %s, '', 'test')",
            [connection_id, channel, channel, json.dumps(settings)],
        )


@dataclass(frozen=True)
class Push:
    """A POST, landed. `payload` is JSON text."""

    channel: str
    payload: str
    at: int = 0
    copy: int = 0

    @property
    def connection_id(self) -> str:
        return {channel: connection_id for connection_id, channel, _ in CONNECTIONS}[self.channel]

    @property
    def received_at(self) -> datetime:
        return START + timedelta(days=1, seconds=self.at, milliseconds=self.copy)

    def insert(self, admin: psycopg.Connection[Any]) -> None:
        key = f"{self.channel}{self.payload}{self.at}{self.copy}"
        admin.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key,"
            " method, path, query, headers, content_type, body, payload)"
            " values (%s, %s, %s, %s, %s, 'POST', '/', '', '{}', '', %s, %s)",
            [
                hashlib.md5(key.encode()).hexdigest(),
                self.received_at,
                self.channel,
                self.connection_id,
                # As the receiver makes one: nothing of the content is read in it (webhooks/meta.py).
                hashlib.sha256(key.encode()).hexdigest(),
                self.payload.encode(),
                self.payload,
            ],
        )


def milliseconds(seconds: int) -> int:
    return int((START + timedelta(seconds=seconds)).timestamp() * 1000)


def call_sid(number: int) -> str:
    return f"CA{number:032x}"


# -- calls -----------------------------------------------------------------------------------------


def call_event(
    number: int,
    word: str,
    *,
    parent: int | None = None,
    sender: str = "+61491570006",
    recipient: str = OURS,
    direction: str = "inbound",
    duration: int = 0,
    at: int = 0,
    copy: int = 0,
) -> Push:
    fields = {
        "CallSid": call_sid(number),
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "To": f"+{recipient}",
        "CallStatus": word,
        "Direction": direction if parent is None else "outbound-dial",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(at % 7),
        "Timestamp": rfc2822(START + timedelta(seconds=at)),
        "CallDuration": str(duration),
        **({} if parent is None else {"ParentCallSid": call_sid(parent)}),
    }
    return Push("twilio_voice", json.dumps(fields), at, copy)


def recording_event(
    number: int, recording: int, word: str, source: str, *, at: int = 0, copy: int = 0
) -> Push:
    fields = {
        "CallSid": call_sid(number),
        "AccountSid": ACCOUNT_SID,
        "RecordingSid": f"RE{recording:032x}",
        "RecordingStatus": word,
        "RecordingSource": source,
        "RecordingDuration": "21",
        "RecordingStartTime": rfc2822(START + timedelta(seconds=at)),
    }
    return Push("twilio_voice", json.dumps(fields), at, copy)


def utterance(number: int, sequence: int, text: str, *, copy: int = 0) -> Push:
    fields = {
        "CallSid": call_sid(number),
        "AccountSid": ACCOUNT_SID,
        "TranscriptionEvent": "transcription-content",
        "TranscriptionSid": f"GT{number:032x}",
        "TranscriptionData": json.dumps({"transcript": text}),
        "SequenceId": str(sequence),
        "Final": "true",
    }
    return Push("twilio_voice", json.dumps(fields), sequence, copy)


def call_history(
    number: int,
    word: str,
    *,
    parent: int | None = None,
    sender: str = "+61491570006",
    duration: int = 30,
    at: int = 0,
) -> History:
    payload = {
        "sid": call_sid(number),
        "account_sid": ACCOUNT_SID,
        "parent_call_sid": None if parent is None else call_sid(parent),
        "from": sender,
        "to": f"+{OURS}",
        "status": word,
        "direction": "inbound" if parent is None else "outbound-dial",
        "duration": str(duration),
        "start_time": rfc2822(START + timedelta(seconds=at)),
        "date_created": rfc2822(START + timedelta(seconds=at)),
        "date_updated": rfc2822(START + timedelta(seconds=at + duration)),
    }
    return History(
        "raw_twilio_voice.calls",
        (
            ("connection_id", VOICE),
            ("sid", call_sid(number)),
            ("version", ""),
            ("payload", json.dumps(payload)),
            ("pulled_at", START + timedelta(days=2)),
        ),
    )


# -- Messenger and Instagram -----------------------------------------------------------------------


def messaging(channel: str, *items: dict[str, Any], at: int = 0, copy: int = 0) -> Push:
    account = PAGE if channel == "messenger" else ACCOUNT
    body = {
        "object": "page" if channel == "messenger" else "instagram",
        "entry": [{"id": account, "time": milliseconds(at), "messaging": [item]} for item in items],
    }
    return Push(channel, json.dumps(body), at, copy)


def item(channel: str, *, ours: bool = False, at: int | None = 0, **event: Any) -> dict[str, Any]:
    account, person = (PAGE, PSID) if channel == "messenger" else (ACCOUNT, IGSID)
    sender, recipient = (account, person) if ours else (person, account)
    stamp = {} if at is None else {"timestamp": milliseconds(at)}
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, **stamp, **event}


def mid(number: int) -> str:
    return f"m_{number}"


def chat_message(
    channel: str, number: int, text: str, *, ours: bool = False, at: int = 0
) -> dict[str, Any]:
    message = {"mid": mid(number), "text": text} | ({"is_echo": True} if ours else {})
    return item(channel, ours=ours, at=at, message=message)


def chat_history(
    channel: str,
    number: int,
    text: str,
    *,
    ours: bool = False,
    at: int = 0,
    available: bool = True,
    pulled: int = 0,
) -> History:
    account, person = (PAGE, PSID) if channel == "messenger" else (ACCOUNT, IGSID)
    created = (START + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    sender, recipient = (account, person) if ours else (person, account)
    payload = {
        "id": mid(number),
        "created_time": created,
        "from": {"id": sender, "name": "Example Shop" if ours else "Sam Citizen"},
        "to": {"data": [{"id": recipient}]},
        "message": text,
    }
    return History(
        f"raw_{channel}.messages",
        (
            ("connection_id", MESSENGER if channel == "messenger" else INSTAGRAM),
            ("account_id", account),
            ("conversation_id", "t_1"),
            ("id", mid(number)),
            ("version", ""),
            ("payload", json.dumps(payload) if available else None),
            ("unavailable", not available),
            ("counterpart", json.dumps({"id": person, "name": "Sam Citizen"})),
            ("created_time", created),
            ("pulled_at", START + timedelta(days=2, seconds=pulled)),
        ),
    )


# -- WhatsApp --------------------------------------------------------------------------------------


def whatsapp(field: str, *, at: int = 0, copy: int = 0, **lists: Any) -> Push:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": OURS, "phone_number_id": NUMBER_ID},
        **lists,
    }
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": WABA, "changes": [{"value": value, "field": field}]}],
    }
    return Push("whatsapp", json.dumps(body), at, copy)


def wamid(number: int) -> str:
    return f"wamid.{number}="


def seconds_text(at: int) -> str:
    return str(milliseconds(at) // 1000)


def wa_message(
    number: int, person: str, *, at: int = 0, knows: str = "both", **content: Any
) -> dict[str, Any]:
    """A message of a person, with phone and business-scoped id, or one of them (`phone`, `bsuid`)."""
    addresses = {}
    if knows != "bsuid":
        addresses["from"] = person
    if knows != "phone":
        addresses["from_user_id"] = PEOPLE[person]
    shown = content or {"type": "text", "text": {"body": f"message {number}"}}
    return {"id": wamid(number), "timestamp": seconds_text(at), **addresses, **shown}


def wa_contact(person: str, *, knows: str = "both") -> dict[str, Any]:
    contact: dict[str, Any] = {"profile": {"name": "Sam Citizen"}}
    if knows != "bsuid":
        contact["wa_id"] = person
    if knows != "phone":
        contact["user_id"] = PEOPLE[person]
    return contact


def wa_status(number: int, word: str, person: str, *, at: int = 0) -> dict[str, Any]:
    return {
        "id": wamid(number),
        "status": word,
        "timestamp": seconds_text(at),
        "recipient_id": person,
        "recipient_user_id": PEOPLE[person],
    }


# -- strategies ------------------------------------------------------------------------------------

numbers = st.integers(1, 3)
moments = st.integers(0, 40)
copies = st.integers(0, 1)
texts = st.sampled_from(["hello", "Hi! ❤️", "مرحبا"])
people = st.sampled_from(sorted(PEOPLE))
knows = st.sampled_from(["both", "phone", "bsuid"])
legs = st.one_of(st.none(), st.integers(1, 4))
chat = st.sampled_from(["messenger", "instagram"])


def _chat_item(channel: str) -> st.SearchStrategy[dict[str, Any]]:
    ours = st.booleans()
    return st.one_of(
        st.builds(
            lambda n, text, mine, at: chat_message(channel, n, text, ours=mine, at=at),
            numbers,
            texts,
            # One number is always the same side's: a provider does not change its mind.
            st.just(False),
            moments,
        ),
        st.builds(
            lambda n, text, at: chat_message(channel, n + 10, text, ours=True, at=at),
            numbers,
            texts,
            moments,
        ),
        st.builds(
            lambda n, at: item(channel, at=at, message={"mid": mid(n), "is_deleted": True}),
            numbers,
            moments,
        ),
        st.builds(
            lambda n, text, at, edit: item(
                channel,
                at=at,
                message_edit={"mid": mid(n), "num_edit": edit}
                | ({} if text is None else {"text": text}),
            ),
            numbers,
            st.one_of(st.none(), texts),
            # Before and after what the history is seen to say.
            st.one_of(moments, st.integers(0, 40).map(lambda at: at + 2 * 86_400)),
            st.integers(1, 3),
        ),
        st.builds(
            lambda n, action, emoji, at, mine: item(
                channel,
                ours=mine,
                at=at,
                reaction={"mid": mid(n), "action": action, "emoji": emoji},
            ),
            st.sampled_from([1, 2, 11, 12]),
            st.sampled_from(["react", "unreact"]),
            st.sampled_from(["❤️", "👍"]),
            moments,
            ours,
        ),
        st.builds(
            lambda word, mark, mids: item(
                channel, at=None, **{word: {"watermark": milliseconds(mark), "mids": mids}}
            ),
            st.sampled_from(["read", "delivery"]),
            moments,
            st.lists(st.sampled_from([mid(11), mid(12)]), max_size=2),
        ),
        st.builds(
            lambda n, at: item(channel, at=at, read={"mid": mid(n)}),
            st.sampled_from([11, 12, 13]),
            moments,
        ),
        st.builds(
            lambda at: item(channel, at=at, referral={"ref": "poster", "source": "SHORTLINK"}),
            moments,
        ),
        st.just({"sender": {"id": "nobody"}, "hologram": {}}),
    )


def _batch(channel: str) -> st.SearchStrategy[Push]:
    return st.builds(
        lambda items, at, copy: messaging(channel, *items, at=at, copy=copy),
        st.lists(_chat_item(channel), min_size=1, max_size=3),
        moments,
        copies,
    )


def _whatsapp() -> st.SearchStrategy[Push]:
    def push(messages: Sequence[tuple[int, str, str]], at: int, copy: int) -> Push:
        return whatsapp(
            "messages",
            at=at,
            copy=copy,
            contacts=[wa_contact(person, knows=how) for _, person, how in messages],
            messages=[wa_message(n, person, at=at, knows=how) for n, person, how in messages],
        )

    # A message has one sender: its number tells who.
    def of(n: int) -> str:
        return sorted(PEOPLE)[n % 2]

    return st.one_of(
        st.builds(
            lambda several, at, copy: push([(n, of(n), how) for n, how in several], at, copy),
            st.lists(st.tuples(numbers, knows), min_size=1, max_size=2),
            moments,
            copies,
        ),
        st.builds(
            lambda n, word, at, copy: whatsapp(
                "messages", at=at, copy=copy, statuses=[wa_status(n + 20, word, of(n), at=at)]
            ),
            numbers,
            st.sampled_from(["sent", "delivered", "read", "failed", "teleported"]),
            moments,
            copies,
        ),
        st.builds(
            lambda n, at, copy: whatsapp(
                "smb_message_echoes",
                at=at,
                copy=copy,
                message_echoes=[
                    {
                        "from": OURS,
                        "to": of(n),
                        "id": wamid(n + 20),
                        "timestamp": seconds_text(at),
                        "type": "text",
                        "text": {"body": "from the app"},
                    }
                ],
            ),
            numbers,
            moments,
            copies,
        ),
        st.builds(
            lambda n, emoji, at: whatsapp(
                "messages",
                at=at,
                messages=[
                    wa_message(
                        90 + at,
                        of(n),
                        at=at,
                        type="reaction",
                        reaction={"message_id": wamid(n + 20), "emoji": emoji},
                    )
                ],
            ),
            numbers,
            st.sampled_from(["👍", ""]),
            moments,
        ),
        st.builds(
            lambda n, at, revoked: whatsapp(
                "messages",
                at=at,
                messages=[
                    wa_message(
                        200 + at,
                        of(n),
                        at=at,
                        **(
                            {"type": "revoke", "revoke": {"original_message_id": wamid(n)}}
                            if revoked
                            else {
                                "type": "edit",
                                "edit": {
                                    "original_message_id": wamid(n),
                                    "message": {"type": "text", "text": {"body": f"edit {at}"}},
                                },
                            }
                        ),
                    )
                ],
            ),
            numbers,
            moments,
            st.booleans(),
        ),
        st.builds(
            lambda n, at: whatsapp(
                "history",
                at=at,
                history=[
                    {
                        "metadata": {"phase": 0, "chunk_order": 1, "progress": 50},
                        "threads": [
                            {
                                "id": of(n),
                                "messages": [
                                    {
                                        "from": OURS,
                                        "id": wamid(n + 40),
                                        "timestamp": seconds_text(at),
                                        "type": "media_placeholder",
                                        "history_context": {"status": "READ"},
                                    }
                                ],
                            }
                        ],
                    }
                ],
            ),
            numbers,
            moments,
        ),
        st.builds(
            lambda n, at, caption: whatsapp(
                "history",
                at=at,
                messages=[
                    {
                        "from": OURS,
                        "id": wamid(n + 40),
                        "timestamp": seconds_text(at),
                        "type": "image",
                        "image": {"id": f"{n}", "mime_type": "image/jpeg", "caption": caption},
                    }
                ],
            ),
            numbers,
            moments,
            st.sampled_from(["jacket", "the jacket"]),
        ),
        st.builds(
            lambda at: whatsapp(
                "messages",
                at=at,
                messages=[
                    {
                        "from": "61491570006",
                        "id": wamid(300),
                        "timestamp": seconds_text(at),
                        "type": "system",
                        "system": {
                            "type": "user_changed_number",
                            "body": "changed",
                            "wa_id": "61491570158",
                            "user_id": "AU.9",
                            "previous_user_id": PEOPLE["61491570006"],
                        },
                    }
                ],
            ),
            moments,
        ),
    )


def _calls() -> st.SearchStrategy[Push | History]:
    # Legs 1 to 4: 2 and 3 belong to 1, 4 to 3; a call's legs do not change.
    parents = {1: None, 2: 1, 3: 1, 4: 3}
    leg = st.integers(1, 4)
    words = st.sampled_from(
        ["initiated", "ringing", "in-progress", "completed", "busy", "no-answer"]
    )
    return st.one_of(
        st.builds(
            lambda n, word, seconds, at, copy: call_event(
                n, word, parent=parents[n], duration=seconds, at=at, copy=copy
            ),
            leg,
            words,
            st.integers(0, 60),
            moments,
            copies,
        ),
        st.builds(
            lambda n, re, word, source, at, copy: recording_event(
                n, re, word, source, at=at, copy=copy
            ),
            leg,
            st.integers(1, 2),
            st.sampled_from(["in-progress", "completed", "absent"]),
            st.sampled_from(["RecordVerb", "DialVerb"]),
            moments,
            copies,
        ),
        st.builds(utterance, leg, st.integers(1, 3), texts, copy=copies),
        st.builds(
            lambda n, word, at: call_history(n, word, parent=parents[n], at=at), leg, words, moments
        ),
        # Withheld, and of a number that is not its own parent.
        st.builds(
            lambda word, at: call_event(9, word, sender="anonymous", at=at),
            st.sampled_from(["completed", "no-answer"]),
            moments,
        ),
    )


def _histories() -> st.SearchStrategy[History]:
    return st.one_of(
        st.builds(
            lambda channel, n, text, at, there, pulled: chat_history(
                channel, n, text, at=at, available=there, pulled=pulled
            ),
            chat,
            numbers,
            texts,
            moments,
            st.booleans(),
            moments,
        ),
        st.builds(
            lambda channel, n, text, at, pulled: chat_history(
                channel, n + 10, text, ours=True, at=at, pulled=pulled
            ),
            chat,
            numbers,
            texts,
            moments,
            moments,
        ),
    )


RAW_ROWS: st.SearchStrategy[Push | History] = st.one_of(
    _batch("messenger"), _batch("instagram"), _whatsapp(), _calls(), _histories()
)
RAW_TABLES = (
    "raw_twilio_voice.calls", "raw_twilio_voice.recordings", "raw_twilio_voice.transcriptions", "raw_twilio_voice.removals",
    "raw_messenger.messages", "raw_instagram.messages",
)  # fmt: skip
