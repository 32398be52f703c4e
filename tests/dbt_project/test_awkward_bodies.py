"""Every body becomes what it must, and every mutation of one has an outcome: none is stuck, none is lost."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg

from tests.dbt_project import bodies
from tests.dbt_project.awkward_bodies import cases, chat, what
from tests.dbt_project.bodies import FORM, Body
from tests.dbt_project.test_bounded_keys import apart, texts
from transform.models import Models

Database = psycopg.Connection[Any]
#: Read before the tests' own environment is made. The whole number is 20000.
MUTATIONS = int(os.environ.get("CRM_TEST_MUTATIONS", "600"))
OUTCOMES = {"message", "revision", "reaction", "status", "system_event", "ignored", "quarantined"}


def events(admin: Database) -> dict[str, list[tuple[str, str, str | None]]]:
    """Of each delivery its events, in order: reference, outcome, reason."""
    found: dict[str, list[tuple[str, str, str | None]]] = {}
    rows = admin.execute("select raw_ref, outcome, reason from canonical.events").fetchall()
    for raw_ref, outcome, reason in sorted(rows):
        delivery = raw_ref.split("#")[0].removeprefix("raw.webhook_deliveries/")
        found.setdefault(delivery, []).append((raw_ref, outcome, reason))
    return found


def messages(admin: Database) -> dict[str, dict[str, Any]]:
    """Of each reference the stored message that holds it."""
    rows = admin.execute(
        "select key, to_jsonb(messages) - 'facts' from canonical.messages cross join jsonb_object_keys(facts) as key"
    )
    return dict(rows.fetchall())


def shown(message: dict[str, Any], column: str) -> Any:
    metadata = message["provider_metadata"] or {}
    if column in ("unsupported", "edit_untold", "error_message", "ref"):
        return metadata.get(column)
    if column == "url":
        return message["attachments"][0]["source"]["url"]
    if column == "identities":
        return [person["identity"] for person in message["participants"]]
    return message[column]


def test_every_body_becomes_what_it_must(fold_now: Callable[[], int], admin: Database) -> None:
    bodies.add_connections(admin)
    listed = cases()
    recorded = sum(len(bodies.recorded(channel)) for channel in bodies.CHANNELS)
    assert len({case.name for case in listed}) == len(listed)
    # Those of tests/payloads are held to their own list by tests/webhooks/test_samples.py.
    assert len(listed) + recorded >= 300
    ids = bodies.land(admin, [case.body for case in listed])
    fold_now()
    found, held = events(admin), messages(admin)
    wrong: list[Any] = []
    for case, delivery in zip(listed, ids, strict=True):
        got = found.get(delivery, [])
        outcomes = sorted(outcome for _, outcome, _ in got)
        if outcomes != sorted(outcome for outcome, _ in case.becomes):
            wrong.append((case.name, got))
            continue
        ordered = got if len(got) == 1 else [entry for entry in got if entry[1] != "quarantined"]
        wanted = (
            case.becomes if len(got) == 1 else [b for b in case.becomes if b[0] != "quarantined"]
        )
        for (raw_ref, _, _), (_, columns) in zip(ordered, wanted, strict=True):
            for column, value in columns.items():
                seen = shown(held[raw_ref], column) if raw_ref in held else "no message"
                if seen != value:
                    wrong.append((case.name, column, seen, value))
    assert wrong == []
    # Whoever sent it, and whether that can be told or not, it stands on somebody's page, and in a conversation.
    nowhere = admin.execute(
        "select message_id from marts.messages where not exists"
        " (select from marts.timeline where timeline.message_id = messages.message_id)"
        " or thread_key is null"
    ).fetchall()
    assert nowhere == []


def test_200_instagram_messages_stay_whole_behind_their_empty_edits(
    fold_now: Callable[[], int], admin: Database
) -> None:
    bodies.add_connections(admin)
    order = random.Random(11)
    sent = []
    for number in range(200):
        text = {"message": {"mid": f"m_{number}", "text": f"text {number}"}}
        edit: dict[str, Any] = {"message_edit": {"mid": f"m_{number}", "num_edit": 0}}
        if number % 2:
            edit |= {"sender": None, "recipient": None}
        sent += [
            chat("instagram", "", what("message"), text),
            chat("instagram", "", what("ignored"), edit),
        ]
    order.shuffle(sent)
    half = len(sent) // 2
    for part in (sent[:half], sent[half:]):
        bodies.land(admin, [case.body for case in part])
        fold_now()
    found = admin.execute("select body, revision from marts.messages").fetchall()
    assert sorted(found) == sorted((f"text {number}", 0) for number in range(200))
    assert admin.execute("select count(*) from marts.quarantine").fetchone() == (0,)


def mutated(body: Body, seed: int) -> Body:
    """The body with one to three things changed: removed, doubled, renamed, of another type, too long, cut off."""
    made = random.Random(seed)
    strange: list[Any] = [
        None, "", 0, -1, 1e300, True, [], {}, [[]], [None], {"": {}}, "x" * 5_000, "\x00", "\ud800", "١٢٣", "1795760000000.0",
        {"id": {"id": []}}, "9" * 40, "1969-01-01T00:00:00Z", "'; drop table raw.webhook_deliveries; --",
    ]  # fmt: skip
    text = apart(body.content.decode(), str(seed))
    if made.random() < 0.05:
        return Body(body.channel, text.encode()[: made.randrange(len(text) + 1)], body.content_type)
    if body.content_type == FORM:
        fields = parse_qsl(text, keep_blank_values=True)
        for _ in range(made.randint(1, 3)):
            place = made.randrange(len(fields))
            name, value = fields[place]
            fields[place : place + 1] = made.choice(
                [
                    [],
                    [(name, value)] * 2,
                    [(name + "x", value)],
                    [(name, made.choice(["", "x" * 5_000, "٣", "completed", "-1", "\x00"]))],
                ]
            )
            if not fields:
                break
        return Body(body.channel, urlencode(fields).encode(), FORM)
    try:
        value = json.loads(text)
    except ValueError:
        return Body(body.channel, text.encode())
    for _ in range(made.randint(1, 3)):
        places = list(everything(value))
        if not places:
            break
        holder, key = made.choice(places)
        change = made.randrange(5)
        if change == 0:
            del holder[key]
        elif change == 1 and isinstance(holder, list):
            holder.append(holder[key])
        elif change == 2 and isinstance(holder, dict):
            holder[made.choice(["messages", "statuses", "id", "mid", "field", "x"])] = holder.pop(
                key
            )
        elif change == 3 and list(texts(value)):
            other, name = made.choice(list(texts(value)))
            holder[key] = other[name]
        else:
            holder[key] = copy.deepcopy(made.choice(strange))
    return Body(body.channel, json.dumps(value).encode())


def everything(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: holder and key."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [
        place for key in keys for place in everything(value[key])
    ]


def test_every_mutation_has_one_outcome_and_none_is_lost(
    fold_now: Callable[[], int], admin: Database, serving_models: Models
) -> None:
    bodies.add_connections(admin)
    source = [case.body for case in cases() if case.body.content]
    source += [body for channel in bodies.CHANNELS for body in bodies.recorded(channel).values()]
    made = random.Random(2026)
    for first in range(0, MUTATIONS, 5_000):
        batch = range(first, min(first + 5_000, MUTATIONS))
        ids = bodies.land(admin, [mutated(made.choice(source), seed) for seed in batch])
        assert len(ids) == len(batch)
        fold_now()
    found = events(admin)
    landed = admin.execute("select delivery_id::text from raw.webhook_deliveries").fetchall()
    assert len(landed) == MUTATIONS
    unaccounted = [delivery for (delivery,) in landed if delivery not in found]
    assert unaccounted == []
    every = [event for listed in found.values() for event in listed]
    assert {outcome for _, outcome, _ in every} <= OUTCOMES
    assert len({raw_ref for raw_ref, _, _ in every}) == len(every)
    without_reason = [e for e in every if e[1] in ("ignored", "quarantined") and not e[2]]
    assert without_reason == []
    stored = messages(admin)
    lost = [e for e in every if e[1] in ("message", "revision", "reaction") and e[0] not in stored]
    assert lost == []
    assert admin.execute("select count(*) from canonical.set_aside").fetchone() == (0,)
    serving_models.invoke("test", "--select", "assert_every_shown_message_stands_on_a_page")
