"""Retention classes applied: what is due and approved is taken away (warehouse/decisions/retaining.py has the classes).

    by hand     another person than whoever approved it
    every night where it is approved to stand

What is due goes as a destroyed customer goes: out of raw with tombstones, by the fold out of the tables, with a
certificate for each part. Parts are transactions of their own, so that webhooks are folded in between.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from psycopg.rows import DictRow

from privacy import files, outside
from privacy.destruction import Certificate, certify, destroying, erase_the_rest, finish
from privacy.erasure import Database, Subject, entomb, erase
from transform.resident import take_in
from warehouse.decisions.retaining import class_, retention_classes
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Settings

SQL = queries("retention")
#: So many messages go in one transaction, and out of the tables by one fold: what is posted meanwhile waits for that.
PART = 100
#: Who applies what was approved to stand.
NIGHTLY = Actor(name="job:retention", role="system")


def apply(
    settings: Settings,
    actor: Actor,
    class_id: str,
    told: Callable[[int, int], None] = lambda done, of: None,
    *,
    part: int = PART,
) -> list[Certificate]:
    """Take away what is due of a class; returns the certificates.

    told: how much is done, and of how much.

    Raises:
        Refused: nobody approved the class as it stands, or the same person did.
    """
    with destroying(settings) as database:
        found = class_(database, class_id)
        _refuse_unapproved(found, actor)
        if found["covers"] == "recordings":
            certificates = _destroy_recordings(settings, database, actor, found)
        elif found["covers"] == "events":
            certificates = _de_identify_events(settings, database, actor, found)
        else:
            certificates = _destroy_messages(settings, database, actor, found, told, part)
    finish(settings)
    return certificates


def apply_standing(settings: Settings) -> int:
    """Every class that is approved to stand, as the nightly job does; returns how many certificates that made."""
    with destroying(settings) as database:
        standing = [each["class_id"] for each in retention_classes(database) if each["is_standing"]]
    return sum(len(apply(settings, NIGHTLY, class_id)) for class_id in standing)


def _refuse_unapproved(found: DictRow, actor: Actor) -> None:
    if not found["is_approved"]:
        raise Refused(
            f"nobody has approved {found['class_id']} as it stands: another person than you does, with "
            f"./crm retention approve {found['class_id']}"
        )
    if actor is NIGHTLY and not found["is_standing"]:
        raise Refused(f"{found['class_id']} is not approved to be applied every night")
    if actor.name == found["approved_by"]:
        raise Refused(
            f"you approved {found['class_id']} yourself: another person applies it, or the nightly job does where "
            "it is approved to stand"
        )


def _destroy_messages(
    settings: Settings,
    database: Database,
    actor: Actor,
    found: DictRow,
    told: Callable[[int, int], None],
    part: int,
) -> list[Certificate]:
    class_id = found["class_id"]
    rows = database.execute(SQL["due_messages"], {"class_id": class_id}).fetchall()
    database.commit()
    due = [message_id for (message_id,) in rows]
    certificates = []
    for start in range(0, len(due), part):
        told(start, len(due))
        # Whoever places a hold meanwhile is heard before each part.
        rows = database.execute(SQL["not_held"], {"messages": due[start : start + part]}).fetchall()
        taken = [message_id for (message_id,) in rows]
        if taken:
            certificates.append(_destroy_part(settings, database, actor, found, taken))
        database.commit()
        if start + part < len(due):
            # One part in one fold: what was posted is not to wait for several.
            take_in(settings)
    told(len(due), len(due))
    return certificates


def _destroy_part(
    settings: Settings, database: Database, actor: Actor, found: DictRow, taken: list[str]
) -> Certificate:
    database.execute("select pg_advisory_xact_lock(hashtext('crm destroy'))")
    row = database.execute(SQL["take"], {"messages": taken, "with_shared": True}).fetchone()
    assert row is not None
    messages, threads, conversations, _ = row
    subject = Subject(
        certificate_id=secrets.token_hex(8),
        messages=[(message_id, channel, until) for message_id, channel, until, _ in messages],
        threads=sorted({*threads, *conversations}),
    )
    erased = erase(database, subject)
    entomb(database, subject, erased)
    counts = {
        "messages": sum(is_shown for *_, is_shown in messages),
        **{f"rows of {table}": count for table, count in erased.by_table.items()},
        "deliveries redacted": erased.redacted,
        **erase_the_rest(database, subject, erased),
    }
    certificate = certify(
        database, actor, subject.certificate_id, f"class {found['class_id']}", found["reason"], counts, []
    )  # fmt: skip
    outside.note(settings, database, certificate)
    return certificate


def _destroy_recordings(
    settings: Settings, database: Database, actor: Actor, found: DictRow
) -> list[Certificate]:
    rows = database.execute(SQL["due_recordings"], {"class_id": found["class_id"]}).fetchall()
    due = [row for row in rows if not row[4]]
    if not due:
        return []
    database.execute(
        SQL["destroy_recordings"],
        {"message_ids": [row[0] for row in due], "attachment_ids": [row[1] for row in due]},
    )
    files.due(database, {row[2] for row in due})
    return [_certified(settings, database, actor, found, {"recordings": len(due)})]


def _de_identify_events(
    settings: Settings, database: Database, actor: Actor, found: DictRow
) -> list[Certificate]:
    certificate_id = secrets.token_hex(8)
    done = database.execute(
        SQL["de_identify_events"],
        {"class_id": found["class_id"], "certificate_id": certificate_id},
    ).rowcount
    if not done:
        return []
    return [_certified(settings, database, actor, found, {"events redacted": done}, certificate_id)]


def _certified(
    settings: Settings,
    database: Database,
    actor: Actor,
    found: DictRow,
    counts: dict[str, int],
    certificate_id: str = "",
) -> Certificate:
    certificate = certify(
        database, actor, certificate_id or secrets.token_hex(8), f"class {found['class_id']}",
        found["reason"], counts, [],
    )  # fmt: skip
    outside.note(settings, database, certificate)
    return certificate
