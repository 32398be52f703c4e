"""Bodies of webhooks, landed as the receiver lands them but without HTTP: thousands of them in a second."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.dbt_project import raw_rows, six_channels
from webhooks.payloads import read_payload

PAYLOADS = Path(__file__).parent.parent / "payloads"
FORM = "application/x-www-form-urlencoded"
CONNECTIONS = {
    "twilio_sms": raw_rows.SMS_CONNECTION,
    "gmail": raw_rows.MAIL_CONNECTION,
    **{channel: connection_id for connection_id, channel, _ in six_channels.CONNECTIONS},
}
CHANNELS = sorted(CONNECTIONS)


@dataclass(frozen=True)
class Body:
    """One POST: the bytes, and what the provider calls them."""

    channel: str
    content: bytes
    content_type: str = "application/json"


def add_connections(admin: psycopg.Connection[Any]) -> None:
    """One connection of each channel, for the accounts that the recorded payloads are about."""
    raw_rows.add_connections(admin)
    six_channels.add_connections(admin)


def recorded(channel: str) -> dict[str, Body]:
    """The recorded POSTs of a channel by name (tests/payloads)."""
    found = {}
    for file in sorted((PAYLOADS / channel).glob("*.json")):
        sample = json.loads(file.read_text())
        if file.stem != "expected" and sample["method"] == "POST":
            found[file.stem] = Body(channel, sample["body_raw"].encode(), sample["content_type"])
    return found


def land(admin: psycopg.Connection[Any], bodies: Iterable[Body]) -> list[str]:
    """Land the bodies in one transaction; returns their delivery ids, in order."""
    ids = []
    # Counted on: equal bodies may come in two calls.
    held = admin.execute("select count(*) from raw.webhook_deliveries").fetchone()
    assert held is not None
    with (
        admin.transaction(),
        admin.cursor() as cursor,
        cursor.copy(
            "copy raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key, method,"
            " path, query, headers, content_type, body, payload, payload_error, payload_repaired) from stdin"
        ) as copy,
    ):
        for number, body in enumerate(bodies, held[0]):
            payload = read_payload(content_type=body.content_type, body=body.content)
            key = f"{body.channel}{number}".encode() + body.content
            ids.append(hashlib.md5(key).hexdigest())
            copy.write_row(
                (
                    ids[-1],
                    raw_rows.START + timedelta(days=300, milliseconds=number),
                    body.channel,
                    CONNECTIONS[body.channel],
                    ids[-1],
                    "POST",
                    "/",
                    "",
                    "{}",
                    body.content_type,
                    body.content,
                    payload.text,
                    payload.error,
                    payload.repaired,
                )
            )
    return [f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}" for i in ids]
