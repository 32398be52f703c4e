"""Suggestions: how many of those that may be accepted together are right, and how many of the right ones are found.

    ./crm bench suggestions

On people whose truth is known (benchmarks/population.py); `--scale` is how many. Right is a suggestion of somebody who
uses the address. Whether others use it too, as a family its phone, is told apart: nobody can see it where they never
sign with it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from app.read_identity import SQL as IDENTITY_SQL
from app.read_identity import SURE
from benchmarks.figures import document, result
from benchmarks.machine import machine
from benchmarks.population import Message, Population, identities, population
from benchmarks.throwaway import throwaway
from pipelines.suggestions import find_evidence
from transform.build import build
from warehouse.queries import parse
from warehouse.settings import Settings

SQL = parse((Path(__file__).parent / "suggestions.sql").read_text())
DEFAULT_PEOPLE = 20_000
CHANNELS = {"email": "gmail", "text": "twilio_sms", "contacts": "whatsapp"}


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    with throwaway() as on:
        build(on.settings, compare=False)
        people = scale or DEFAULT_PEOPLE
        figures = measured(on.settings, people)
        return document("suggestions", people, machine(on.settings.admin_url, on.folder), figures)


def measured(settings: Settings, people: int) -> list[dict[str, Any]]:
    """The figures on a built warehouse that holds nothing yet."""
    made = population(people)
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        put(admin, made)
        started = time.monotonic()
        signs = find_evidence(settings)
        seconds = time.monotonic() - started
        every = admin.execute(SQL["all_suggestions"]).fetchall()
        sure = admin.execute(
            IDENTITY_SQL["sure_suggestions"],
            {"least": SURE, "most": 1_000_000, "identities": None},
        ).fetchall()
    right = Counter(is_right(made, identity, customer) for identity, customer, *_ in sure)
    shown = Counter(is_right(made, row[0], row[1]) for row in every if row[3] is None)
    findable = made.findable()
    found = {row[0] for row in sure if is_right(made, row[0], row[1])} & findable
    offered = {row[0] for row in every if row[3] is None and is_right(made, row[0], row[1])}
    told = {row[0] for row in every if is_right(made, row[0], row[1])} & findable
    return [
        result("there to find", len(findable), "identities"),
        result("of these with any sign, held back or not", 100 * len(told) / len(findable), "%"),
        result("accepted together", sum(right.values()), "suggestions"),
        result("of these right", 100 * right[True] / max(sum(right.values()), 1), "%", goal="≥ 99 %"),
        result(
            "of these used by others too",
            100 * sum(len(made.truth.get(row[0], ())) > 1 for row in sure) / max(len(sure), 1),
            "%",
        ),
        result("of all there are to find, accepted together", 100 * len(found) / len(findable), "%"),
        result("of those with a sign, accepted together", 100 * len(found) / max(len(told), 1), "%"),
        result("of all there are to find, shown", 100 * len(offered & findable) / len(findable), "%"),
        result("of the shown right", 100 * shown[True] / max(sum(shown.values()), 1), "%"),
        result("held back", sum(row[3] is not None for row in every), "suggestions"),
        result("signs", signs, "rows"),
        result("looking at everything", seconds, "s"),
    ]  # fmt: skip


def is_right(made: Population, identity: str, customer_id: str) -> bool:
    """Whether this person uses the identity."""
    return made.is_right(identity, int(customer_id.removeprefix("c")))


def put(admin: psycopg.Connection[Any], made: Population) -> None:
    """The rows that the fold would have made, and the customers with one identity each."""
    with admin.cursor() as cursor:
        with cursor.copy(SQL["put_messages"]) as copy:
            for number, each in enumerate(made.messages):
                copy.write_row(
                    (
                        f"m{number}", CHANNELS[each.kind], each.identity, each.kind, each.body, "inbound",
                        "1", False, each.at, json.dumps({"contacts": [contact(*each.card)]} if each.card else {}),
                    )
                )  # fmt: skip
        with cursor.copy(SQL["put_participants"]) as copy:
            for number, each in enumerate(made.messages):
                copy.write_row(
                    (f"m{number}", each.identity, "from", False, True, each.name, each.at)
                )
        with cursor.copy(SQL["put_identities"]) as copy:
            for identity, name, first, last, count in identities(made):
                copy.write_row(
                    (identity, name, first, last, last, f"{last.isoformat()}|{identity}", count)
                )
        with cursor.copy(SQL["put_mails"]) as copy:
            for number, each in enumerate(made.messages):
                if each.reply_to:
                    copy.write_row(mail(number, each))
        with cursor.copy(SQL["put_changed_numbers"]) as copy:
            for new, former, at in made.changed:
                how = "changed number"
                copy.write_row((f"{new} {former} {how}", new, former, how, at, at, "m0"))
        with cursor.copy(SQL["put_customers"]) as copy:
            for person, (name, _) in made.customers.items():
                copy.write_row((f"c{person}", name, "bench"))
        with cursor.copy(SQL["put_links"]) as copy:
            for person, (_, identity) in made.customers.items():
                copy.write_row(
                    (f"l{person}", f"d{person}", identity, f"c{person}", "bench", "known")
                )
    admin.execute(SQL["gather_statistics"])


def contact(name: str, number: str, address: str | None) -> dict[str, Any]:
    """A card as WhatsApp passes it on."""
    card: dict[str, Any] = {
        "name": {"formatted_name": name},
        "phones": [{"phone": number, "wa_id": number.removeprefix("+"), "type": "CELL"}],
    }
    return card | ({"emails": [{"email": address}]} if address else {})


def mail(number: int, message: Message) -> tuple[Any, ...]:
    """A mail of Gmail's history."""
    told = f"{number:032x}"
    envelope = {
        "from": {"name": message.name, "address": message.identity.removeprefix("email:")},
        "to": [{"name": "", "address": "help@example.com"}], "cc": [], "bcc": [], "subject": "",
        "reply_to": [{"name": "", "address": message.reply_to}], "message_id": f"<{told}@example.com>",
    }  # fmt: skip
    return (
        "bench", "help@example.com", told, told, str(number), '["INBOX"]', str(int(message.at.timestamp() * 1000)),
        told, told, 1, json.dumps(envelope), message.body, "plain", "[]", 1, "[]", message.at, 1, told, "1",
    )  # fmt: skip
