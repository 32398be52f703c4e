"""A provider's text may be 3,000 characters of noise wherever a text can stand: a refresh goes through."""

from __future__ import annotations

import hashlib
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg
import pytest

from tests.dbt_project import bodies
from tests.dbt_project.bodies import FORM, Body
from tests.dbt_project.raw_rows import ACCOUNT_SID, History, twilio_history
from tests.dbt_project.six_channels import call_history, chat_history

Database = psycopg.Connection[Any]
#: Digits too, so that the noise of a number is no number; seeded, so that a failure can be seen again.
LETTERS = string.ascii_letters + string.digits + "äß漢👩"
#: What names a message, a call or a person: planted texts must not meet under one key.
IDS = re.compile(
    r"\b(?:SM|MM|CA|RE|TR|GT)[0-9a-f]{32}\b|\bwamid\.[\w=+/]+|\b(?:m_|aWd|mid\.)[\w=$:]+"
)


def noise(seed: str) -> str:
    return "".join(random.Random(seed).choices(LETTERS, k=3_000))


def apart(text: str, seed: str) -> str:
    """The body with message ids of its own."""

    def other(found: re.Match[str]) -> str:
        made = random.Random(seed + found[0])
        if re.match("[A-Z]{2}[0-9a-f]{32}$", found[0]):
            return found[0][:2] + f"{made.getrandbits(128):032x}"
        return f"{found[0].rstrip('=')}{made.getrandbits(64):x}"

    return IDS.sub(other, text)


def planted(channel: str, name: str, body: Body) -> Iterator[Body]:
    """The body once for each text in it, with noise in its place; and once with noise for a name of a list."""
    if body.content_type == FORM:
        text = body.content.decode()
        for place in range(len(parse_qsl(text, keep_blank_values=True))):
            fields = parse_qsl(apart(text, f"{name}{place}"), keep_blank_values=True)
            fields[place] = (fields[place][0], noise(f"{name}{place}"))
            yield Body(channel, urlencode(fields).encode(), FORM)
        return
    for place in range(1_000):
        value = json.loads(apart(body.content.decode(), f"{name}{place}"))
        leaves = list(texts(value))
        if place >= len(leaves):
            return
        holder, key = leaves[place]
        holder[key] = noise(f"{name}{place}")
        yield Body(channel, json.dumps(value).encode())


def texts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where the texts and numbers of a JSON value stand: holder and key."""
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(places):
        if isinstance(item, dict | list):
            yield from texts(item)
        else:
            yield value, key


def noisy_history() -> Iterator[History]:
    """Rows of the histories with noise in every field of what the provider answered.

    The ids that are keys of the loaded tables stay: what a key of raw holds, the pull bounds.
    """
    rows = [
        twilio_history(1),
        call_history(1, "completed"),
        *(
            chat_history(channel, 1, "hello", ours=ours)
            for channel in ("messenger", "instagram")
            for ours in (True, False)
        ),
    ]
    for row in rows:
        columns = dict(row.columns)
        for column in ("payload", "counterpart", "media"):
            held = json.loads(columns.get(column) or "{}")
            for place in range(len(list(texts(held)))):
                value = json.loads(columns[column])
                holder, key = list(texts(value))[place]
                holder[key] = noise(f"{row.table}{column}{place}")
                changed = {**columns, column: json.dumps(value)}
                for name in ("id", "sid"):
                    if name in changed:
                        changed[name] = apart(columns[name], f"{column}{place}")
                yield History(row.table, tuple(changed.items()))


def test_noise_in_any_text_of_any_channel_goes_through_a_refresh(
    fold_now: Callable[[], int], admin: Database
) -> None:
    bodies.add_connections(admin)
    landed = [
        noisy
        for channel in bodies.CHANNELS
        for name, body in bodies.recorded(channel).items()
        for noisy in planted(channel, name, body)
    ]
    assert len(landed) > 2_000
    bodies.land(admin, landed)
    for row in noisy_history():
        row.insert(admin)
    fold_now()
    counted = admin.execute(
        "select channel, count(*) from canonical.messages where content_order is not null group by 1"
    ).fetchall()
    # The ordinary fields of the noisy bodies still become messages, on every channel that pushes them.
    assert {channel for channel, count in counted if count > 50} == {*bodies.CHANNELS} - {"gmail"}
    accounted = admin.execute("select distinct split_part(raw_ref, '#', 1) from canonical.events")
    known = {raw_ref.removeprefix("raw.webhook_deliveries/") for (raw_ref,) in accounted.fetchall()}
    deliveries = admin.execute("select delivery_id::text from raw.webhook_deliveries").fetchall()
    assert [delivery for (delivery,) in deliveries if delivery not in known] == []
    longest = admin.execute(
        """
        select max(greatest(
            octet_length(message_id), octet_length(provider_message_id), octet_length(thread_key),
            octet_length(counterpart_identity), octet_length(in_reply_to), octet_length(reference_id)
        )) from canonical.messages
        union all
        select max(greatest(octet_length(identity), octet_length(display_name))) from canonical.message_participants
        union all
        select max(octet_length(attachment_id)) from canonical.attachments
        union all
        select max(octet_length(raw_ref)) from canonical.events
        """
    ).fetchall()
    # A key is a bounded text, behind the name of its channel.
    assert all(length <= 512 + len("twilio_voice|") + 100 for (length,) in longest), longest


def test_a_long_name_is_shown_whole(fold_now: Callable[[], int], admin: Database) -> None:
    bodies.add_connections(admin)
    name = noise("a name")
    text = bodies.recorded("whatsapp")["inbound_text"].content.decode()
    value = json.loads(text)
    value["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = name
    form = urlencode(
        {
            "MessageSid": "SM" + "0" * 32, "AccountSid": ACCOUNT_SID, "From": "whatsapp:+61491570006",
            "To": "whatsapp:+61491570156", "Body": "hi", "NumMedia": "0", "ProfileName": name,
        }
    )  # fmt: skip
    bodies.land(
        admin,
        [
            Body("whatsapp", json.dumps(value).encode()),
            Body("twilio_sms", form.encode(), FORM),
        ],
    )
    fold_now()
    shown = admin.execute("select from_name from marts.messages").fetchall()
    assert shown == [(name,), (name,)]
    held = admin.execute("select display_name from marts.identities").fetchone()
    assert held is not None
    assert held[0].startswith(name[:119] + "~")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", ""),
        ("a" * 512, "a" * 512),
        ("a" * 513, f"{'a' * 119}~{hashlib.md5(b'a' * 513).hexdigest()}"),
        ("é" * 256, "é" * 256),
    ],
)
def test_what_bounding_leaves(admin: Database, value: str | None, expected: str | None) -> None:
    found = admin.execute(
        # Of a text that was bounded nothing more is cut.
        "select canonical.bounded_key(%s), canonical.bounded_key(canonical.bounded_key(%s))",
        [value, value],
    ).fetchone()
    assert found == (expected, expected)
