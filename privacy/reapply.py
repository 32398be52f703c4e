"""Destroy again what was destroyed, after a restore of a backup that is older.

The list stands outside the database (privacy/outside.py). Its tombstones go in first, so that the gate holds back
whatever the backup brought; then people and customers are found by their marks, and everything goes as it did before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from privacy import outside
from privacy.destruction import destroying, erase_the_rest, finish
from privacy.erasure import SQL, Database, Subject, entomb, erase
from privacy.sweep import sweep
from transform.resident import take_in
from warehouse.events import Actor, record
from warehouse.refusals import Refused
from warehouse.settings import Settings


def reapply(settings: Settings, actor: Actor) -> list[str]:
    """Do again every destruction that this warehouse does not know; returns the certificates' ids.

    Raises:
        Refused: the list was written under a key that is not here.
    """
    with destroying(settings) as database:
        known = {row for (row,) in database.execute(SQL["known_certificates"]).fetchall()}
        lines = [
            line
            for line in outside.noted(settings)
            if line["certificate"]["certificate_id"] not in known
        ]
        if lines:
            _take_key(settings, database, {line["key"] for line in lines})
        for line in lines:
            _entomb_again(database, line)
        if lines:
            # From the beginning: what the backup brought counts as landed at any time.
            database.execute(SQL["note_swept"], {"until": None})
    if not lines:
        return []
    take_in(settings)
    for line in lines:
        _destroy_again(settings, actor, line["certificate"])
    sweep(settings)
    finish(settings)
    return [line["certificate"]["certificate_id"] for line in lines]


def _take_key(settings: Settings, database: Database, prints: set[str]) -> None:
    """The key of the list. A backup from before there was one has another, which marked nothing yet."""
    if prints == {outside.print_of(outside.key(database))}:
        return
    kept = outside.kept_key(settings)
    if kept is None or prints != {outside.print_of(kept)}:
        raise Refused(
            f"{outside.destroyed_file(settings)} was written under another tombstone key: bring "
            f"{outside.key_file(settings).name} of the same folder"
        )
    if database.execute(SQL["set_secret"], {"secret": kept}).rowcount != 1:
        raise Refused("this warehouse has tombstones of its own under another key")


def _entomb_again(database: Database, line: dict[str, Any]) -> None:
    certificate = line["certificate"]
    tombstones = line["tombstones"]
    database.execute(
        SQL["entomb_again"],
        {
            "marks": [bytes.fromhex(mark) for mark, _, _ in tombstones],
            "kinds": [kind for _, kind, _ in tombstones],
            "untils": [until for _, _, until in tombstones],
            "certificate_id": certificate["certificate_id"],
        },
    )
    database.execute(SQL["certify"], {**certificate, "counts": Jsonb(certificate["counts"])})


def _destroy_again(settings: Settings, actor: Actor, certificate: dict[str, Any]) -> None:
    """What the gate does not hold: messages that stand already, and what people decided."""
    with destroying(settings) as database:
        named = {"certificate_id": certificate["certificate_id"]}

        def found(name: str) -> Sequence[Any]:
            return database.execute(SQL[name], named).fetchall()

        subject = Subject(
            certificate_id=certificate["certificate_id"],
            messages=[tuple(row) for row in found("marked_messages")],
            customers=[row for row, _ in found("marked_customers")],
            names=[name for _, name in found("marked_customers")],
            identities=[row for (row,) in found("marked_identities")],
        )
        erased = erase(database, subject)
        entomb(database, subject, erased)
        counts = erase_the_rest(database, subject, erased)
        detail: dict[str, Any] = {
            "certificate_id": subject.certificate_id, "messages": len(subject.messages),
            "rows of raw": len(erased.raw_rows), **counts,
        }  # fmt: skip
        row = database.execute(SQL["redactions_of"], named).fetchone()
        detail["redactions"] = row[0] if row else None
        event = actor.event("privacy.reapply", "certificate", subject.certificate_id, detail=detail)
        record(database, event)
