"""What calls, WhatsApp, Instagram and Messenger must become, case by case."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import psycopg
import pytest

from media.provenance import raw_row
from pipelines.suggestions import find_evidence
from tests.dbt_project import six_channels as six
from tests.dbt_project.raw_rows import emptied
from tests.dbt_project.six_channels import (
    IGSID,
    NUMBER_ID,
    OURS,
    PAGE,
    PEOPLE,
    PSID,
    WABA,
    Push,
    call_event,
    call_history,
    call_sid,
    chat_history,
    chat_message,
    item,
    messaging,
    mid,
    milliseconds,
    recording_event,
    utterance,
    wa_contact,
    wa_message,
    wa_status,
    wamid,
    whatsapp,
)
from warehouse import decisions
from warehouse.events import Actor
from warehouse.settings import Settings
from webhooks.replay import replay

Database = psycopg.Connection[Any]
SAM, RILEY = "61491570006", "61491570157"


@pytest.fixture
def warehouse(settings: Settings, admin: Database) -> Database:
    six.add_connections(admin)
    return admin


class Rows(Protocol):
    def __call__(self, columns: str, mart: str = "messages", where: str = "true") -> list[Any]: ...


@pytest.fixture
def rows(warehouse: Database, fold_now: Callable[[], int]) -> Rows:
    """Reads a mart, after what landed until then was folded."""

    def read(columns: str, mart: str = "messages", where: str = "true") -> list[Any]:
        fold_now()
        found = warehouse.execute(f"select {columns} from marts.{mart} where {where} order by 1")  # type: ignore[arg-type]
        return [row[0] if len(row) == 1 else row for row in found.fetchall()]

    return read


def link(admin: Database, identity: str, customer: str) -> None:
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values (%s, %s, 't') on conflict do nothing",
        [customer, customer],
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values (%s, %s, %s, %s, 't', 't')",
        [identity, identity, identity, customer],
    )


# -- calls -----------------------------------------------------------------------------------------


def test_a_recording_waits_for_its_call(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    recording_event(1, 1, "completed", "DialVerb", at=20).insert(warehouse)
    utterance(1, 2, "blue jacket").insert(warehouse)
    utterance(1, 1, "I would like to return a").insert(warehouse)
    assert rows("message_id") == []
    fold_now()
    call_event(1, "completed", duration=30, at=40).insert(warehouse)
    expected = [
        (
            f"twilio_voice|{call_sid(1)}",
            "call",
            "inbound",
            "completed",
            "phone:+61491570006",
            "I would like to return a\nblue jacket",
            "audio/mpeg",
        )
    ]
    columns = (
        "message_id, kind, direction, status, counterpart_identity, body,"
        " attachments -> 0 ->> 'content_type'"
    )
    assert rows(columns) == expected


def test_a_leg_of_a_leg_ends_in_the_call(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    # The last first, and a refresh after each: what is filed under a leg moves on when its place is known.
    recording_event(4, 1, "completed", "DialVerb").insert(warehouse)
    fold_now()
    call_event(4, "completed", parent=3, duration=12, at=5).insert(warehouse)
    fold_now()
    call_event(3, "completed", parent=1, duration=12, at=4).insert(warehouse)
    fold_now()
    assert rows("message_id") == []
    call_event(1, "completed", duration=30, at=3).insert(warehouse)
    shown = rows(
        "provider_message_id, jsonb_array_length(provider_metadata #> '{call,legs}'), jsonb_array_length(attachments)",
    )
    assert shown == [(call_sid(1), 2, 1)]


@pytest.mark.parametrize(
    ("root", "child", "status"),
    [
        ("completed", None, "completed"),
        ("completed", ("completed", 30), "completed"),
        # A menu answered, and nobody spoke.
        ("completed", ("no-answer", 0), "missed"),
        ("completed", ("completed", 0), "missed"),
        ("no-answer", None, "missed"),
        ("busy", None, "missed"),
        ("canceled", None, "missed"),
        ("failed", None, "failed"),
        ("in-progress", None, "queued"),
    ],
)
def test_what_became_of_an_inbound_call(
    warehouse: Database, rows: Rows, root: str, child: tuple[str, int] | None, status: str
) -> None:
    call_event(1, root, duration=30).insert(warehouse)
    if child:
        call_event(2, child[0], parent=1, duration=child[1]).insert(warehouse)
    assert rows("kind, status") == [("call", status)]


def test_a_voicemail_is_a_missed_call_with_a_message(warehouse: Database, rows: Rows) -> None:
    call_event(1, "completed", duration=30).insert(warehouse)
    call_event(2, "no-answer", parent=1).insert(warehouse)
    recording_event(1, 1, "completed", "RecordVerb").insert(warehouse)
    shown = rows("kind, status, provider_metadata #>> '{call,missed}'")
    assert shown == [("voicemail", "completed", "true")]


def test_the_history_of_a_call_tells_when_it_began(warehouse: Database, rows: Rows) -> None:
    call_event(1, "completed", duration=30, at=40).insert(warehouse)
    assert rows("sent_at::text, seen_via") == [("2026-11-01 09:00:40+00", ["webhook"])]
    call_history(1, "completed", at=10).insert(warehouse)
    assert rows("sent_at::text, seen_via") == [("2026-11-01 09:00:10+00", ["history", "webhook"])]


def test_withheld_callers_are_nobody_and_not_one_customer(warehouse: Database, rows: Rows) -> None:
    for number, sender in enumerate(["+266696687", "anonymous", "Restricted", "+86282452253"], 1):
        call_event(number, "no-answer", sender=sender).insert(warehouse)
    shown = rows("counterpart_identity")
    assert shown == [f"anonymous:{call_sid(number)}" for number in range(1, 5)]


def test_a_browser_phone_makes_an_inbound_leg_of_an_outbound_call(
    warehouse: Database, rows: Rows
) -> None:
    call_event(1, "completed", sender="client:ann", recipient="").insert(warehouse)
    call_event(2, "completed", parent=1, sender=f"+{OURS}", recipient=SAM, duration=55).insert(
        warehouse
    )
    assert rows("direction, counterpart_identity, thread_key") == [
        ("outbound", f"phone:+{SAM}", f"+{OURS}|+{SAM}")
    ]


# -- Messenger and Instagram -----------------------------------------------------------------------


def test_a_watermark_covers_what_comes_later_too(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    messaging("messenger", chat_message("messenger", 1, "sent", ours=True, at=1)).insert(warehouse)
    fold_now()
    read = item("messenger", at=None, read={"watermark": milliseconds(5)})
    messaging("messenger", read).insert(warehouse)
    # Stored before the watermark, arrived after it, and sent after it.
    messaging("messenger", chat_message("messenger", 2, "late copy", ours=True, at=3)).insert(
        warehouse
    )
    messaging("messenger", chat_message("messenger", 3, "later", ours=True, at=9)).insert(warehouse)
    messaging("messenger", chat_message("messenger", 4, "theirs", at=2)).insert(warehouse)
    expected = [("late copy", "read"), ("later", "sent"), ("sent", "read"), ("theirs", "received")]
    assert rows("body, status") == expected
    assert rows("body, status", "timeline") == expected
    delivered = item("messenger", at=None, delivery={"watermark": milliseconds(20)})
    messaging("messenger", delivered).insert(warehouse)
    assert ("later", "delivered") in rows("body, status")


def test_instagram_is_read_up_to_the_message_that_was_seen(warehouse: Database, rows: Rows) -> None:
    seen = item("instagram", at=30, read={"mid": mid(2)})
    messaging("instagram", seen).insert(warehouse)
    for number in (1, 2, 3):
        messaging(
            "instagram", chat_message("instagram", number, f"{number}", ours=True, at=number)
        ).insert(warehouse)
    expected = [("1", "read"), ("2", "read"), ("3", "sent")]
    assert rows("body, status") == expected


def test_reactions_fold_onto_their_message(warehouse: Database, rows: Rows) -> None:
    messaging("messenger", chat_message("messenger", 1, "hello")).insert(warehouse)

    def react(emoji: str, action: str, at: int, *, ours: bool = False, copy: int = 0) -> None:
        event = item(
            "messenger",
            ours=ours,
            at=at,
            reaction={"mid": mid(1), "emoji": emoji, "action": action},
        )
        messaging("messenger", event, at=at, copy=copy).insert(warehouse)

    react("👍", "react", 5)
    react("❤️", "react", 9, ours=True)
    react("👍", "react", 5, copy=1)
    by = [(r["emoji"], r["is_ours"]) for r in rows("reactions")[0]]
    assert by == [("👍", False), ("❤️", True)]
    # A change replaces, taking back removes, and what is older than both changes nothing.
    react("😂", "react", 12)
    react("❤️", "unreact", 13, ours=True)
    react("😮", "react", 3)
    assert [(r["emoji"], r["by"]) for r in rows("reactions")[0]] == [("😂", f"psid:{PAGE}:{PSID}")]


def test_edits_and_unsends_are_revisions_and_the_original_stays(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    for number, text in ((2, "second"), (1, "first")):
        edit = item(
            "instagram",
            at=10 + number,
            message_edit={"mid": mid(1), "text": text, "num_edit": str(number)},
        )
        # Told twice, in two deliveries: one edit.
        messaging("instagram", edit).insert(warehouse)
        messaging("instagram", edit, copy=1).insert(warehouse)
    fold_now()
    assert rows("body") == [], "an edit waits for its message"
    messaging("instagram", chat_message("instagram", 1, "original")).insert(warehouse)
    assert rows("body, revision") == [("second", 2)]
    unsent = item("instagram", at=30, message={"mid": mid(1), "is_deleted": True})
    messaging("instagram", unsent).insert(warehouse)
    assert rows("body, status, is_deleted, removal, revision") == [
        (None, "deleted", True, "unsent", 3)
    ]
    fold_now()
    assert rows("revision, kind, body", "message_revisions") == [
        (0, "original", "original"),
        (1, "edited", "first"),
        (2, "edited", "second"),
        (3, "unsent", None),
    ]


def edit_of(channel: str, *, at: int, **told: Any) -> Push:
    edit = {"mid": mid(1), "num_edit": 1, **told}
    return messaging(channel, item(channel, at=at, message_edit=edit), at=at)


def told_later(text: str) -> Push:
    """A message of WhatsApp as the business's app tells it with its history."""
    message = {
        "from": SAM,
        "id": wamid(1),
        "timestamp": six.seconds_text(0),
        "type": "text",
        "text": {"body": text},
        "history_context": {"status": "READ"},
    }
    return whatsapp("history", at=50, history=[{"threads": [{"id": SAM, "messages": [message]}]}])


DAY = 86_400
#: What is told of one message -> its text, and all of its texts in order. Days after the first pull are 2 and more.
LOST_EDITS: dict[str, tuple[Callable[[str], list[Any]], str, list[str | None]]] = {
    "the webhook of an edit was lost": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            chat_history(c, 1, "at 4 pm"),
        ],
        "at 4 pm",
        ["at 3 pm", "at 4 pm"],
    ),
    "the first of two edits came": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            edit_of(c, at=20, text="at 4 pm"),
            chat_history(c, 1, "at 5 pm"),
        ],
        "at 5 pm",
        ["at 3 pm", "at 4 pm", "at 5 pm"],
    ),
    "the second of two edits came": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            chat_history(c, 1, "at 4 pm"),
            edit_of(c, at=3 * DAY, text="at 5 pm"),
        ],
        "at 5 pm",
        ["at 3 pm", "at 4 pm", "at 5 pm"],
    ),
    "an edit came without its text": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            edit_of(c, at=20),
            chat_history(c, 1, "at 4 pm"),
        ],
        "at 4 pm",
        ["at 3 pm", "at 4 pm"],
    ),
    "an edit came whose text the history has too": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            chat_history(c, 1, "at 4 pm"),
            edit_of(c, at=20, text="at 4 pm"),
        ],
        "at 4 pm",
        ["at 3 pm", "at 4 pm"],
    ),
    "the history lags behind": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm")),
            edit_of(c, at=20, text="at 4 pm"),
            chat_history(c, 1, "at 3 pm"),
        ],
        "at 4 pm",
        ["at 3 pm", "at 4 pm"],
    ),
    "only the history has it, twice": (
        lambda c: [chat_history(c, 1, "at 4 pm", pulled=60), chat_history(c, 1, "at 3 pm")],
        "at 4 pm",
        ["at 3 pm", "at 4 pm"],
    ),
    "another width of a blank": (
        lambda c: [
            messaging(c, chat_message(c, 1, "at 3 pm\n")),
            chat_history(c, 1, "at  3 pm"),
        ],
        "at 3 pm\n",
        [],
    ),
    "words of ours": (
        lambda c: [
            messaging(
                c,
                item(
                    c,
                    message={
                        "mid": mid(1),
                        "attachments": [
                            {"type": "fallback", "title": "A", "url": "https://example.com/a"}
                        ],
                    },
                ),
            ),
            chat_history(c, 1, "https://example.com/a"),
        ],
        "A https://example.com/a",
        [],
    ),
}


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_an_edit_that_only_the_history_knows_is_shown(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int], channel: str
) -> None:
    for name, (told, text, texts) in LOST_EDITS.items():
        for each in (told(channel), told(channel)[::-1]):
            emptied(
                warehouse, "raw.webhook_deliveries", f"raw_{channel}.messages", "canonical.messages",
                "canonical.message_participants", "canonical.threads", "canonical.conversations",
                "canonical.identities", "canonical.attachments",
            )  # fmt: skip
            for row in each:
                row.insert(warehouse)
                fold_now()
            assert rows("body, revision, provider_metadata ->> 'edit_untold'") == [
                (text, max(len(texts) - 1, 0), None)
            ], name
            assert rows("revision, body", "message_revisions") == list(enumerate(texts)), name


def test_an_edited_text_of_whatsapps_history_is_shown(warehouse: Database, rows: Rows) -> None:
    whatsapp(
        "messages",
        contacts=[wa_contact(SAM)],
        messages=[wa_message(1, SAM, type="text", text={"body": "at 3 pm"})],
    ).insert(warehouse)
    edit = wa_message(2, SAM, at=9, type="edit", edit={"original_message_id": wamid(1)})
    whatsapp("messages", contacts=[wa_contact(SAM)], messages=[edit]).insert(warehouse)
    shown = "body, revision, provider_metadata ->> 'edit_untold'"
    assert rows(shown) == [("at 3 pm", 1, "true")]
    told_later("at 4 pm").insert(warehouse)
    assert rows(shown) == [("at 4 pm", 1, None)]
    assert rows("revision, kind, body", "message_revisions") == [
        (0, "original", "at 3 pm"),
        (1, "edited", "at 4 pm"),
    ]


def test_what_the_history_cannot_show_is_no_deletion(warehouse: Database, rows: Rows) -> None:
    chat_history("messenger", 1, "", available=False).insert(warehouse)
    chat_history("messenger", 2, "hello").insert(warehouse)
    shown = rows("provider_message_id, kind, body, is_deleted, status")
    assert shown == [
        (mid(1), "unsupported", None, False, "received"),
        (mid(2), "text", "hello", False, "received"),
    ]
    messaging("messenger", chat_message("messenger", 1, "what it said")).insert(warehouse)
    assert rows("kind, body", where=f"provider_message_id = '{mid(1)}'") == [
        ("text", "what it said")
    ]
    # The webhook names nobody; the history does.
    messaging("messenger", chat_message("messenger", 2, "hello")).insert(warehouse)
    assert rows("from_name, seen_via", where="body = 'hello'") == [
        ("Sam Citizen", ["history", "webhook"])
    ]
    assert rows("display_name", "identities") == ["Sam Citizen"]


def test_a_page_of_another_connection_is_routed_there_and_of_none_waits_in_quarantine(
    warehouse: Database, rows: Rows, settings: Settings, fold_now: Callable[[], int]
) -> None:
    other = "100200300400501"
    body = json.loads(messaging("messenger", chat_message("messenger", 1, "mine")).payload)
    foreign = json.loads(json.dumps(body).replace(PAGE, other).replace(mid(1), mid(2)))
    foreign["entry"][0]["messaging"][0]["message"]["text"] = "theirs"
    body["entry"] += foreign["entry"]
    Push("messenger", json.dumps(body)).insert(warehouse)
    assert rows("body") == ["mine"]
    assert rows("reason", "quarantine") == ["the account of the entry is that of no connection"]
    fold_now()
    assert rows("connection_id", "quarantine") == [six.MESSENGER]
    # The admin connects the page, and what waited is read again.
    warehouse.execute(
        "insert into crm.connections (connection_id, channel, name, settings, secrets, created_by)"
        " values ('second', 'messenger', 'Second', %s, '', 'test')",
        [json.dumps({"page_id": other})],
    )
    with warehouse.transaction():
        assert replay(warehouse, quarantined=True).deliveries == 1
    expected = [("mine", six.MESSENGER), ("theirs", "second")]
    assert rows("body, connection_id") == expected
    assert rows("raw_ref", "quarantine") == []


# -- WhatsApp --------------------------------------------------------------------------------------


def test_a_number_left_out_splits_neither_person_nor_conversation(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    hidden = whatsapp(
        "messages",
        contacts=[wa_contact(SAM, knows="bsuid")],
        messages=[wa_message(1, SAM, at=1, knows="bsuid")],
    )
    hidden.insert(warehouse)
    bsuid = f"bsuid:{WABA}:{PEOPLE[SAM]}"
    assert rows("counterpart_identity, thread_key, customer_id") == [
        (bsuid, f"{NUMBER_ID}|{PEOPLE[SAM]}", None)
    ]
    fold_now()
    # Later the same person's message carries both, and the number is a customer's.
    whatsapp(
        "messages", contacts=[wa_contact(SAM)], messages=[wa_message(2, SAM, at=2)], at=2
    ).insert(warehouse)
    link(warehouse, f"phone:+{SAM}", "sam")
    for _ in range(2):
        assert rows("thread_key, customer_id") == [(f"{NUMBER_ID}|+{SAM}", "sam")] * 2
        assert rows("identity, customer_id", "timeline") == [
            (bsuid, "sam"),
            (f"phone:+{SAM}", "sam"),
        ]
        assert rows("conversation_id, message_count, customer_id", "conversations") == [
            (f"whatsapp|{NUMBER_ID}|+{SAM}", 2, "sam")
        ]
        assert rows("identities", "customers") == [[bsuid, f"phone:+{SAM}"]]
        fold_now()
    # A decision about the id itself counts more than what the provider told.
    link(warehouse, bsuid, "someone else")
    assert rows("customer_id, identity", "timeline") == [
        ("sam", f"phone:+{SAM}"),
        ("someone else", bsuid),
    ]


def test_what_was_decided_of_a_conversation_survives_its_joining(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    whatsapp("messages", messages=[wa_message(1, SAM, knows="bsuid")]).insert(warehouse)
    fold_now()
    split = f"whatsapp|{NUMBER_ID}|{PEOPLE[SAM]}"
    warehouse.execute(
        "insert into crm.users (user_name, display_name, email, role, password_hash) values ('ann', 'Ann', 'a@example.com', 'agent', '')"
    )
    ann = Actor(name="ann", role="agent")
    decisions.tag(warehouse, ann, split, "returns")
    decisions.assign(warehouse, ann, split, assignee="ann")
    assert rows("tags, assignee", "conversations") == [(["returns"], "ann")]
    whatsapp("messages", messages=[wa_message(2, SAM)], at=1).insert(warehouse)
    assert rows("tags, assignee", "conversations") == [(["returns"], "ann")]
    # The former id leads to the conversation that it became a part of, for decisions too.
    assert decisions.untag(warehouse, ann, split, "returns").changed
    assert decisions.untag(warehouse, ann, split, "returns").object_id.endswith(f"|+{SAM}")
    assert rows("tags, assignee", "conversations") == [([], "ann")]


def test_a_changed_number_is_a_dated_event_and_a_suggestion_no_link(
    settings: Settings, warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    link(warehouse, f"phone:+{SAM}", "sam")
    whatsapp(
        "messages",
        messages=[
            {
                "from": SAM,
                "id": wamid(1),
                "timestamp": six.seconds_text(7),
                "type": "system",
                "system": {
                    "type": "user_changed_number",
                    "body": "Sam changed to a new number",
                    "wa_id": RILEY,
                    "user_id": "AU.9",
                    "previous_user_id": PEOPLE[SAM],
                },
            }
        ],
    ).insert(warehouse)
    fold_now()
    assert rows("kind, sent_at::text, customer_id") == [("system", "2026-11-01 09:00:07+00", "sam")]
    find_evidence(settings)
    assert rows("identity, customer_id, reason", "link_suggestions") == [
        (f"phone:+{RILEY}", "sam", "changed number")
    ]
    whatsapp("messages", messages=[wa_message(2, RILEY, knows="phone", at=9)]).insert(warehouse)
    assert rows("customer_id", where=f"provider_message_id = '{wamid(2)}'") == [None]


def test_a_whatsapp_number_is_the_same_phone_as_in_calls(warehouse: Database, rows: Rows) -> None:
    call_event(1, "completed", duration=9).insert(warehouse)
    whatsapp("messages", messages=[wa_message(1, SAM)]).insert(warehouse)
    assert rows("identity, message_count", "identities") == [(f"phone:+{SAM}", 2)]


def test_what_another_program_sent_is_shown_without_its_text_until_it_is_known(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    for word, at in (("read", 9), ("sent", 3), ("delivered", 5)):
        whatsapp("messages", statuses=[wa_status(1, word, SAM, at=at)]).insert(warehouse)
    assert rows("kind, body, direction, status, counterpart_identity") == [
        ("unsupported", None, "outbound", "read", f"phone:+{SAM}")
    ]
    fold_now()
    echo = {
        "from": OURS,
        "to": SAM,
        "id": wamid(1),
        "timestamp": six.seconds_text(2),
        "type": "text",
        "text": {"body": "Your order shipped"},
    }
    whatsapp("smb_message_echoes", message_echoes=[echo]).insert(warehouse)
    assert rows("kind, body, status, sent_at::text") == [
        ("text", "Your order shipped", "read", "2026-11-01 09:00:02+00")
    ]


def test_a_file_of_the_history_completes_its_message(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    file = {
        "from": OURS,
        "id": wamid(1),
        "timestamp": six.seconds_text(4),
        "type": "image",
        "image": {"id": "99", "mime_type": "image/jpeg", "caption": "jacket"},
    }
    placeholder = {
        "from": OURS,
        "id": wamid(1),
        "timestamp": six.seconds_text(4),
        "type": "media_placeholder",
        "history_context": {"status": "DELIVERED"},
    }
    whatsapp("history", messages=[file]).insert(warehouse)
    fold_now()
    assert rows("body") == []
    whatsapp("history", history=[{"threads": [{"id": SAM, "messages": [placeholder]}]}]).insert(
        warehouse
    )
    fold_now()
    whatsapp("history", messages=[file], copy=1).insert(warehouse)
    assert rows(
        "kind, body, direction, status, attachments -> 0 ->> 'attachment_id', seen_via"
    ) == [("media", "jacket", "outbound", "delivered", "99", ["history"])]


def test_a_call_keeps_its_recording_and_its_transcript(
    warehouse: Database, rows: Rows, fold_now: Callable[[], int]
) -> None:
    call = {"id": "wacid.1", "from": SAM, "timestamp": six.seconds_text(9)}
    sound = {"id": "900", "mime_type": "audio/ogg; codecs=opus", "sha256": "eA=="}
    words = {"id": "901", "mime_type": "application/json"}
    told = [
        call | {"event": "connect", "direction": "USER_INITIATED"},
        call | {"event": "terminate", "start_time": six.seconds_text(4), "duration": 5},
        # As the page says, and as it was seen.
        call | {"event": "call_recording_available", "call_recording": {"audio": sound}},
        call | {"event": "call_transcript_available", "call_transcript": {"document": words}},
    ]
    for order in (told, told[::-1]):
        emptied(warehouse, "raw.webhook_deliveries", "canonical.messages")
        for number, event in enumerate(order):
            whatsapp("calls", at=number, contacts=[wa_contact(SAM)], calls=[event]).insert(
                warehouse
            )
            fold_now()
        assert rows("kind, status, body, provider_metadata #>> '{call,provider_status}'") == [
            ("call", "completed", "", "terminate")
        ]
        assert rows("attachment_id, content_type", "attachments") == [
            ("900", "audio/ogg; codecs=opus"),
            ("901", "application/json"),
        ]
        fetched = warehouse.execute(
            "select source ->> 'media_id' from canonical.attachments where state = 'waiting' order by 1"
        ).fetchall()
        assert fetched == [("900",), ("901",)]
        shown = "jsonb_path_query_array(attachments, '$[*].attachment_id')"
        assert rows(shown) == [["900", "901"]], "the recording comes first"


@pytest.mark.parametrize("word", ["sent", "delivered", "read", "failed"])
def test_what_came_in_was_received_whatever_a_status_says(
    warehouse: Database, rows: Rows, word: str
) -> None:
    status = wa_status(1, word, SAM, at=9)
    whatsapp("messages", statuses=[status]).insert(warehouse)
    message = wa_message(1, SAM, type="text", text={"body": "Is it ready?"})
    whatsapp("messages", contacts=[wa_contact(SAM)], messages=[message]).insert(warehouse)
    chat_history("messenger", 1, "Is it ready?").insert(warehouse)
    receipt = item("messenger", at=None, delivery={"watermark": milliseconds(9), "mids": [mid(1)]})
    messaging("messenger", receipt).insert(warehouse)
    assert rows("channel, direction, status") == [
        ("messenger", "inbound", "received"),
        ("whatsapp", "inbound", "received"),
    ]
    assert rows("provider_metadata ->> 'status_word'", where="channel = 'whatsapp'") == [word]
    assert rows("outcome", "outcomes") == ["message", "message", "status", "status"]


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"messages": {"0": {}}}, "messages of a change is no list"),
        (
            {"polls": [{"id": "1"}]},
            "a change of field messages holds a list that is not known: polls",
        ),
        ({"messages": ["text"]}, "a message is no object with fields"),
        ({"messages": [{"type": "text"}]}, "a message without an id"),
        ({"messages": [{"id": "w", "type": "text"}]}, "a message that names no sender"),
        (
            {"statuses": [{"id": "w", "status": "teleported"}]},
            "the status has a word that is not known: teleported",
        ),
        (
            {"messages": [{"id": "w", "from": SAM, "type": "edit", "edit": 1}]},
            "an edit that names no message",
        ),
    ],
)
def test_a_shape_that_is_new_waits_in_quarantine_and_disturbs_nobody(
    warehouse: Database, rows: Rows, lists: dict[str, Any], reason: str
) -> None:
    body = json.loads(whatsapp("messages", messages=[wa_message(1, SAM)]).payload)
    change = json.loads(whatsapp("messages", **lists).payload)["entry"][0]["changes"][0]
    body["entry"][0]["changes"].append(change)
    Push("whatsapp", json.dumps(body)).insert(warehouse)
    assert rows("reason", "quarantine") == [reason]
    assert rows("body") == ["message 1"]


@pytest.mark.parametrize(
    "payload",
    [
        "null", "1", '"text"', "[]", "{}", "[[]]", '{"entry": {}}', '{"entry": []}', '{"entry": [1, "x", null, []]}',
        '{"entry": [{"id": 5}]}', '{"entry": [{"id": "5", "messaging": {}}]}', '{"entry": [{"id": "5", "changes": [1]}]}',
        '{"entry": [{"id": "5", "changes": [{"field": "messages", "value": "messages"}]}]}',
        '{"entry": [{"id": "5", "changes": [{"field": "messages", "value": {"statuses": 1}}]}]}',
        '{"entry": [{"id": "5", "messaging": [1, null, {"message": 1}, {"message": {"mid": 5}}]}]}',
        '{"entry": [{"id": "5", "holograms": [{}]}]}', '{"field": "messages"}', '{"field": "messages", "value": {}}',
    ],
)  # fmt: skip
def test_every_odd_body_is_accounted_for(warehouse: Database, rows: Rows, payload: str) -> None:
    channels = {"whatsapp", "instagram", "messenger"}
    for channel in sorted(channels):
        Push(channel, payload).insert(warehouse)
    found = rows("raw_ref, channel, outcome, reason", "outcomes")
    assert {channel for _, channel, _, _ in found} == channels
    assert len({raw_ref for raw_ref, _, _, _ in found}) == len(found)
    for _, _, outcome, reason in found:
        assert outcome in ("quarantined", "ignored")
        assert reason


# -- provenance ------------------------------------------------------------------------------------


def test_raw_refs_lead_back_to_the_exact_bytes(
    warehouse: Database, rows: Rows, settings: Settings
) -> None:
    push = messaging("messenger", chat_message("messenger", 1, "hello ❤️"))
    push.insert(warehouse)
    chat_history("messenger", 1, "hello ❤️").insert(warehouse)
    refs = {ref["via"]: ref for ref in rows("raw_refs")[0]}
    assert refs["webhook"]["signature"] == "verified"
    webhook = raw_row(settings, warehouse, refs["webhook"]["raw_ref"])
    assert webhook is not None
    assert webhook.body == push.payload.encode()
    assert webhook.received_at == push.received_at
    history = raw_row(settings, warehouse, refs["history"]["raw_ref"])
    assert history is not None
    assert json.loads(history.body)["payload"]["message"] == "hello ❤️"
    for wrong in (
        "",
        "raw.webhook_deliveries/1",
        "raw_x.y/1",
        "crm.connections/1",
        "raw_messenger.messages/1",
    ):
        assert raw_row(settings, warehouse, wrong) is None


def test_times_that_cannot_be_are_kept_and_do_not_order(warehouse: Database, rows: Rows) -> None:
    push = messaging(
        "instagram",
        {
            "sender": {"id": IGSID},
            "recipient": {"id": six.ACCOUNT},
            "timestamp": 1,
            "message": {"mid": mid(1), "text": "from 1970"},
        },
    )
    push.insert(warehouse)
    shown = rows("sent_at = received_at, provider_metadata ->> 'implausible_time'")
    assert shown == [(True, "1970-01-01T00:00:01.000000Z")]
