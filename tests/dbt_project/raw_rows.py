"""Raw rows as the two doors leave them, written straight into the warehouse by the owner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import psycopg

SMS_CONNECTION, MAIL_CONNECTION = "c0ffee0000000001", "c0ffee0000000002"
ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
MAILBOX = "sales@example.com"
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def add_connections(admin: psycopg.Connection[Any]) -> None:
    for connection_id, channel, settings in (
        (SMS_CONNECTION, "twilio_sms", {"account_sid": ACCOUNT_SID}),
        (MAIL_CONNECTION, "gmail", {"address": MAILBOX, "own_domains": "shop.example.com"}),
    ):
        admin.execute(
            "insert into crm.connections (connection_id, channel, name, settings, secrets, created_by)"
            " values (%s, %s, %s, %s, '', 'test')",
            [connection_id, channel, channel, json.dumps(settings)],
        )


def emptied(admin: psycopg.Connection[Any], *tables: str) -> None:
    """By deleting: after a truncate the session that folds makes its plans anew, which takes it seconds."""
    with admin.transaction():
        for table in tables:
            admin.execute(f"delete from {table}")  # type: ignore[arg-type]


def sid(number: int) -> str:
    return f"SM{number:032x}"


def rfc2822(moment: datetime) -> str:
    return format_datetime(moment.replace(microsecond=0))


@dataclass(frozen=True)
class Form:
    """A form POST of Twilio, landed."""

    fields: tuple[tuple[str, str], ...]
    received_at: datetime
    copy: int = 0

    def insert(self, admin: psycopg.Connection[Any]) -> None:
        payload = json.dumps(dict(self.fields))
        admin.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key,"
            " method, path, query, headers, content_type, body, payload)"
            " values (%s, %s, 'twilio_sms', %s, %s, 'POST', '/', '', '{}', '', '', %s)",
            [
                hashlib.md5(f"{payload}{self.received_at}{self.copy}".encode()).hexdigest(),
                self.received_at,
                SMS_CONNECTION,
                f"{payload}{self.copy}",
                payload,
            ],
        )


@dataclass(frozen=True)
class History:
    """One row of a history table. `columns` hold JSON as text."""

    table: str
    columns: tuple[tuple[str, Any], ...]

    def insert(self, admin: psycopg.Connection[Any]) -> None:
        row = dict(self.columns)
        identity = hashlib.md5(repr(self.columns).encode()).hexdigest()
        row = {**row, "_dlt_id": identity, "_dlt_load_id": "1"}
        # A version is a hash of what was loaded, so two rows of one version are equal.
        if "version" in row:
            row["version"] = identity
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        # What a pull loads twice stands once: dlt inserts a version only where it is not held.
        admin.execute(
            f"insert into {self.table} ({names}) values ({places}) on conflict do nothing",  # type: ignore[arg-type]
            row,
        )


def inbound(
    number: int, *, body: str = "hello", media: int = 0, at: int = 0, copy: int = 0, **more: str
) -> Form:
    fields = {
        "MessageSid": sid(number),
        "AccountSid": ACCOUNT_SID,
        "From": "+61491570006",
        "To": "+61491570156",
        "Body": body,
        "NumMedia": str(media),
        "SmsStatus": "received",
        **{
            f"MediaUrl{n}": f"https://api.twilio.com/Media/ME{number:016x}{n:016x}"
            for n in range(media)
        },
        **{f"MediaContentType{n}": "image/jpeg" for n in range(media)},
        **more,
    }
    return Form(tuple(fields.items()), START + timedelta(seconds=at, milliseconds=300), copy)


def status(number: int, word: str, *, at: int = 0, copy: int = 0, **more: str) -> Form:
    fields = {
        "MessageSid": sid(number),
        "AccountSid": ACCOUNT_SID,
        "From": "+61491570156",
        "To": "+61491570006",
        "MessageStatus": word,
        "SmsStatus": word,
        **more,
    }
    return Form(tuple(fields.items()), START + timedelta(seconds=at), copy)


def twilio_history(
    number: int,
    *,
    body: str = "hello",
    direction: str = "inbound",
    word: str = "received",
    sent: int = 0,
    updated: int = 0,
    media: int = 0,
    pulled: int = 100,
) -> History:
    ours, theirs = "+61491570156", "+61491570006"
    payload = {
        "sid": sid(number),
        "account_sid": ACCOUNT_SID,
        "from": theirs if direction == "inbound" else ours,
        "to": ours if direction == "inbound" else theirs,
        "body": body,
        "direction": direction,
        "status": word,
        "num_media": str(media),
        "num_segments": "1",
        "date_created": rfc2822(START + timedelta(seconds=sent)),
        "date_sent": rfc2822(START + timedelta(seconds=sent)),
        "date_updated": rfc2822(START + timedelta(seconds=updated)),
    }
    listed = [
        {"sid": f"ME{number:016x}{n:016x}", "content_type": "image/jpeg"} for n in range(media)
    ]
    text, media_text = json.dumps(payload, sort_keys=True), json.dumps(listed)
    return History(
        "raw_twilio_sms.messages",
        (
            ("connection_id", SMS_CONNECTION),
            ("sid", sid(number)),
            ("version", ""),
            ("payload", text),
            ("media", media_text),
            ("pulled_at", START + timedelta(seconds=pulled)),
        ),
    )


def removal(number: int, *, at: int = 200) -> History:
    return History(
        "raw_twilio_sms.removals",
        (
            ("connection_id", SMS_CONNECTION),
            ("sid", sid(number)),
            ("noticed_at", START + timedelta(seconds=at)),
        ),
    )


def mail(
    number: int,
    *,
    sender: str = "sam@example.org",
    to: tuple[str, ...] = (MAILBOX,),
    cc: tuple[str, ...] = (),
    labels: tuple[str, ...] = ("INBOX",),
    subject: str = "Order",
    body: str = "Is it ready?",
    quoted: str | None = None,
    history_id: int = 100,
    parser_version: int = 1,
    message_reference: str | None = None,
    in_reply_to: str | None = None,
    thread: str = "t1",
    sent: int = 0,
    pulled: int = 100,
) -> History:
    def people(addresses: tuple[str, ...]) -> list[dict[str, str]]:
        return [
            {"name": address.partition("@")[0].title(), "address": address} for address in addresses
        ]

    envelope = {
        "from": people((sender,))[0] if sender else None,
        "to": people(to),
        "cc": people(cc),
        "bcc": [],
        "subject": subject,
        "message_id": message_reference or f"<m{number}@mail.example.org>",
        "in_reply_to": in_reply_to,
    }
    return History(
        "raw_gmail.messages",
        (
            ("connection_id", MAIL_CONNECTION),
            ("mailbox", MAILBOX),
            ("id", f"18f0{number:012x}"),
            ("thread_id", thread),
            ("history_id", str(history_id)),
            ("label_ids", json.dumps(sorted(labels))),
            ("internal_date", str(int((START + timedelta(seconds=sent)).timestamp() * 1000))),
            ("version", ""),
            ("raw_sha256", "0" * 64),
            ("raw_size_bytes", 1000),
            ("size_estimate", 1000),
            ("envelope", json.dumps(envelope)),
            ("body_text", f"{body} (parser {parser_version})" if parser_version > 1 else body),
            ("body_quoted", quoted),
            ("body_format", "plain"),
            ("attachments", "[]"),
            ("parser_version", parser_version),
            ("parse_notes", "[]"),
            ("pulled_at", START + timedelta(seconds=pulled)),
        ),
    )


def change(
    number: int, kind: str, *, history_id: int, labels: tuple[str, ...] | None = None
) -> History:
    return History(
        "raw_gmail.changes",
        (
            ("connection_id", MAIL_CONNECTION),
            ("mailbox", MAILBOX),
            ("history_id", str(history_id)),
            ("id", f"18f0{number:012x}"),
            ("thread_id", "t1"),
            ("change", kind),
            ("label_ids", None if labels is None else json.dumps(sorted(labels))),
            ("changed_labels", "[]"),
            ("pulled_at", START + timedelta(seconds=300 + history_id)),
        ),
    )


RawRow = Form | History


def land_awkward_rows(admin: psycopg.Connection[Any], fold_now: Callable[[], int]) -> None:
    """Every awkward thing that the builders above know, folded in two halves."""
    add_connections(admin)
    stored = [inbound(n, media=n % 3) for n in range(8)] + [
        mail(n, cc=("kim@example.net",)) for n in range(8)
    ]
    for row in stored:
        row.insert(admin)
    fold_now()
    kinds = ["added", "removed", "labels_added", "unheard_of"]
    live = [
        *(status(n, "delivered") for n in range(4)),
        *(twilio_history(n, media=n % 3) for n in range(4, 12)),
        *(change(n, kind, history_id=200 + n, labels=("TRASH",)) for n, kind in enumerate(kinds)),
        removal(2),
        mail(9, labels=("SPAM",)),
        mail(10, sender=""),
        inbound(20, AccountSid="AC" + "f" * 32),
        status(21, "teleported"),
    ]
    for row in live:
        row.insert(admin)
    unreadable = [("twilio_sms", None), ("twilio_sms", "[]"), ("twilio_sms", '[1, {}, "x"]')]
    for number, (channel, payload) in enumerate(
        [*unreadable, ("gmail", '{"message": {"data": "!"}}')]
    ):
        admin.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key,"
            " method, path, query, headers, content_type, body, payload, payload_error)"
            " values (gen_random_uuid(), now(), %s, 'gone', %s, 'POST', '/', '', '{}', '', '', %s, %s)",
            [channel, str(number), payload, None if payload else "the body is empty"],
        )
    fold_now()
