"""A warehouse with something of every channel, and one fault of its kind for each suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.dbt_project import six_channels as six
from tests.dbt_project.raw_rows import (
    ACCOUNT_SID,
    MAIL_CONNECTION,
    SMS_CONNECTION,
    START,
    add_connections,
    change,
    inbound,
    mail,
    removal,
    twilio_history,
)

Database = psycopg.Connection[Any]
#: Stands in bodies, and must stand in nothing that the checks write.
SECRET_WORDS = "the parcel for Robin"
CONTENT_TYPES = {
    "twilio_sms": "application/x-www-form-urlencoded",
    "twilio_voice": "application/x-www-form-urlencoded",
}


def land(admin: Database, fold_now: Callable[[], int]) -> None:
    """Sound rows of every channel and table, folded."""
    add_connections(admin)
    six.add_connections(admin)
    rows: list[Any] = [
        *(inbound(number, body=SECRET_WORDS) for number in range(4)),
        twilio_history(7, body=SECRET_WORDS),
        removal(3),
        *(mail(number, body=SECRET_WORDS) for number in range(3)),
        change(1, "labels_added", history_id=201, labels=("INBOX",)),
        six.call_event(1, "completed"),
        six.call_history(1, "completed"),
        six.whatsapp(
            "messages",
            messages=[six.wa_message(1, "61491570006", type="text", text={"body": SECRET_WORDS})],
        ),
        *(
            six.messaging(channel, six.chat_message(channel, 1, SECRET_WORDS))
            for channel in ("instagram", "messenger")
        ),
        *(six.chat_history(channel, 1, SECRET_WORDS) for channel in ("instagram", "messenger")),
    ]
    for row in rows:
        row.insert(admin)
    for table, columns in (
        ("recordings", {"sid": f"RE{1:032x}"}),
        ("transcriptions", {"sid": f"TR{1:032x}", "recording_sid": f"RE{1:032x}"}),
    ):
        payload = {"account_sid": ACCOUNT_SID, "call_sid": six.call_sid(1), "status": "completed"}
        more = {"call_sid": six.call_sid(1), "payload": json.dumps(payload | columns)}
        voice(admin, table, version="1", pulled_at=START, **columns, **more)
    voice(admin, "removals", sid=six.call_sid(9), kind="call", noticed_at=START)
    for channel in ("twilio_sms", "gmail", "twilio_voice", "whatsapp", "instagram", "messenger"):
        admin.execute(
            "update raw.webhook_deliveries set content_type = %s where channel = %s",
            [CONTENT_TYPES.get(channel, "application/json"), channel],
        )
    fold_now()
    admin.execute("insert into crm.customers (customer_id, name, created_by) values ('c1', 'Sam Example', 'test')")  # fmt: skip
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, customer_id, identity, linked_by, reason)"
        " values ('l1', 'd1', 'c1', 'email:sam@example.org', 'test', 'known')"
    )


def voice(admin: Database, table: str, **columns: Any) -> str:
    """A row of Twilio's history of calls; returns its key."""
    row = {"connection_id": six.VOICE, "_dlt_load_id": "1", **columns}
    row["_dlt_id"] = f"{table}{len(json.dumps(columns, default=str))}{columns['sid'][-4:]}"
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    admin.execute(f"insert into raw_twilio_voice.{table} ({names}) values ({places})", row)  # type: ignore[arg-type]
    return f"raw_twilio_voice.{table}/{row['_dlt_id']}"


@dataclass(frozen=True)
class Fault:
    """What is wrong, in SQL that gives back the key; the suite and the rule that must say so."""

    suite: str
    rule: str
    statement: str
    severity: str = "critical"


def _delivery(channel: str, changed: str) -> str:
    return (
        f"update raw.webhook_deliveries set {changed} where delivery_id ="
        f" (select delivery_id from raw.webhook_deliveries where channel = '{channel}' and payload_error is null"
        " order by delivery_id limit 1) returning 'raw.webhook_deliveries/' || delivery_id"
    )


def _odd(channel: str, connection_id: str) -> str:
    """A delivery that nobody understands."""
    content_type = CONTENT_TYPES.get(channel, "application/json")
    return (
        "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key,"
        " method, path, query, headers, content_type, body, payload)"
        f" values (gen_random_uuid(), now() - interval '1 hour', '{channel}', '{connection_id}', 'odd', 'POST', '/', '',"
        f" '{{}}', '{content_type}', '', '\"odd\"')"
        " returning 'raw.webhook_deliveries/' || delivery_id"
    )


def _history(table: str, changed: dict[str, Any]) -> str:
    """A row like one that stands, but for this."""
    row = {"_dlt_id": "planted", **changed}
    if "sid" not in row and "id" not in row:
        row["version"] = "planted"
    return (
        f"insert into {table} select (jsonb_populate_record(held, '{json.dumps(row)}')).*"
        f" from {table} as held order by held._dlt_id limit 1 returning '{table}/' || _dlt_id"
    )


MARK = "left(encode(sha256(convert_to({}, 'UTF8')), 'hex'), 16)"
NEWEST = "(select min(message_id) from canonical.messages where content_order is not null and channel = '{}')"
NOT_UNDERSTOOD = "At least 19 of 20 are understood"
CONNECTIONS = {
    "twilio_sms": SMS_CONNECTION,
    "gmail": MAIL_CONNECTION,
    **{channel: connection_id for connection_id, channel, _ in six.CONNECTIONS},
}
#: In this order: what is wrong with marts is not folded away again.
FAULTS = (
    Fault("twilio_sms deliveries", "It is a POST", _delivery("twilio_sms", "method = 'PUT'")),
    Fault("twilio_voice deliveries", "It did not come in the future", _delivery("twilio_voice", "received_at = now() + interval '1 day'")),
    Fault("whatsapp deliveries", "It is of a type that WhatsApp is known to send", _delivery("whatsapp", "content_type = 'text/html'"), "warning"),
    Fault("instagram deliveries", "It has the key by which a retry counts as the same", _delivery("instagram", "delivery_key = ''")),
    Fault("messenger deliveries", "At least 99 of 100 bodies can be read", _delivery("messenger", "payload_error = 'no JSON'"), "warning"),
    *(Fault(f"{channel} events", NOT_UNDERSTOOD, _odd(channel, connection_id), "warning") for channel, connection_id in CONNECTIONS.items() if channel != "gmail"),
    Fault("gmail deliveries", "It came through a connection of Mail", _odd("gmail", "gone")),
    Fault("raw_twilio_sms.messages", "Its id is one of SMS", _history("raw_twilio_sms.messages", {"sid": "XX1"})),
    Fault("raw_twilio_sms.removals", "It did not come in the future", _history("raw_twilio_sms.removals", {"sid": f"SM{77:032x}", "noticed_at": "2999-01-01"})),
    Fault("raw_twilio_voice.calls", "The provider's time is not after it came", _history("raw_twilio_voice.calls", {"started_at": "2998-01-01"}), "warning"),
    Fault("raw_twilio_voice.recordings", "Its id is one of Calls", _history("raw_twilio_voice.recordings", {"sid": "RE-none"})),
    Fault("raw_twilio_voice.transcriptions", "It came through a connection of Calls", _history("raw_twilio_voice.transcriptions", {"connection_id": SMS_CONNECTION})),
    Fault("raw_twilio_voice.removals", "Its kind is one of call, recording", _history("raw_twilio_voice.removals", {"sid": f"CA{78:032x}", "kind": "fax"})),
    Fault("raw_gmail.messages", "The original has bytes", _history("raw_gmail.messages", {"raw_size_bytes": 0})),
    Fault("raw_gmail.changes", "Its change is one of added, labels_added, labels_removed, removed, missing, set aside", _history("raw_gmail.changes", {"id": "18f0", "change": "moved"})),
    # The change that nobody knows is an event that nobody understands.
    Fault("gmail events", NOT_UNDERSTOOD, "select 'raw_gmail.changes/planted'", "warning"),
    Fault("raw_instagram.messages", "Its id is one of Instagram", _history("raw_instagram.messages", {"id": "two words"})),
    Fault("raw_messenger.messages", "The provider's time is not before 2000", _history("raw_messenger.messages", {"created_at": "1999-01-01"}), "warning"),
    Fault("marts.messages", "It is of a kind that pages know", f"update canonical.messages set kind = 'fax' where message_id = {NEWEST.format('gmail')} returning message_id"),
    Fault("marts.timeline", "It stands on the timeline of whoever took part", f"update canonical.message_participants set is_first = false where message_id = {NEWEST.format('twilio_sms')} and not is_ours returning message_id"),
    Fault("marts.message_participants", "Everybody has a part that pages know", f"update canonical.message_participants set role = 'by' where message_id = {NEWEST.format('whatsapp')} and not is_ours returning message_id"),
    Fault("marts.conversations", "It has a message", f"update canonical.conversations set message_count = 0 where conversation_id = (select min(conversation_id) from canonical.conversations) returning {MARK.format('conversation_id')}"),
    Fault("marts.identities", "It was seen last after it was seen first", f"update canonical.identities set first_seen_at = last_seen_at + interval '1 day' where identity = 'email:sam@example.org' returning {MARK.format('identity')}"),
    Fault("marts.customers", "The last contact is after the first", "select 'c1'"),
    # Twelve messages on that day of each of eight weeks, and none yesterday.
    Fault(
        "volumes", "No less than a fifth of what this day of the week brought at the least",
        "insert into canonical.messages select (jsonb_populate_record(held, jsonb_build_object("
        "  'message_id', held.message_id || '-' || week || '-' || number, 'received_at', at, 'sent_at', at))).*"
        " from canonical.messages as held, generate_series(1, 8) as week, generate_series(1, 12) as number,"
        "  lateral (select ((now() at time zone 'Australia/Sydney')::date - 1 - 7 * week + interval '12 hours') at time zone 'Australia/Sydney' as at) as days"
        f" where held.message_id = {NEWEST.format('twilio_sms')}"
        " returning connection_id || ' ' || ((now() at time zone 'Australia/Sydney')::date - 1)",
        "warning",
    ),
)  # fmt: skip


def plant(admin: Database) -> dict[Fault, str]:
    """Put every fault in; by each, the key of a row that it is about."""
    keys = {}
    for fault in FAULTS:
        row = admin.execute(fault.statement).fetchone()  # type: ignore[arg-type]
        assert row is not None, fault.suite
        keys[fault] = str(row[0])
    return keys
