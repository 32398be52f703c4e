"""One customer's data taken out of everything, for good, and a certificate of it.

    ./crm privacy destroy CUSTOMER --reason R

In one transaction: what is theirs is found, a hold refuses it, raw loses it, tombstones hold it back from now on, what
people decided goes, events keep the fact. Then the fold takes it out of the tables, and files that nobody needs go.
What stops half-way after the transaction is finished by the next fold and by the worker.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from media.store import MediaStore
from privacy import files, outside
from privacy.erasure import Database, Erased, Subject, as_json, entomb, erase
from privacy.exports import remove_exports
from privacy.holds import refuse_held
from transform import build
from transform.models import NotPublished
from transform.resident import take_in
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

SQL = queries("privacy")
QUALITY = queries("quality")
#: In this order: what refers to something goes before it.
DECISIONS = (
    "erase_links", "erase_marks", "erase_dismissals", "erase_notes", "erase_taggings", "erase_assignments",
    "erase_conversation_ids", "erase_seen", "erase_holds", "erase_views", "erase_corrections", "erase_cases",
)  # fmt: skip
#: Fewer letters than these a reason is not.
SHORTEST_REASON = 3


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was destroyed, why, when and by whom. It names nobody."""

    certificate_id: str
    what: str
    reason: str
    destroyed_at: str
    destroyed_by: str
    counts: dict[str, int]
    hash: str = ""

    def sealed(self) -> Certificate:
        """With the hash over all the rest."""
        content = {name: value for name, value in asdict(self).items() if name != "hash"}
        return Certificate(**content, hash=hashlib.sha256(as_json(content).encode()).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a destruction would take."""

    customer_ids: list[str]
    names: list[str]
    identities: list[str]
    messages: int
    by_channel: dict[str, int]
    #: Messages in which another customer stands too.
    shared: int
    with_shared: bool
    subject: Subject = field(repr=False)

    def told(self) -> dict[str, Any]:
        """For whoever decides."""
        return {
            "customer_ids": self.customer_ids,
            "names": self.names,
            "identities": self.identities,
            "messages": self.messages,
            "by_channel": self.by_channel,
            "shared": self.shared,
            "with_shared": self.with_shared,
        }


@contextmanager
def destroying(settings: Settings) -> Iterator[Database]:
    """A connection of the role that destroys; one transaction, unless its user commits."""
    with psycopg.connect(
        settings.url_for(Role.DESTROYER), application_name="crm privacy", connect_timeout=10
    ) as database:
        # Compiling expressions takes longer than what they are evaluated for.
        database.execute("set jit = off")
        database.commit()
        yield database


def find(database: Database, customer_id: str, *, with_shared: bool = False) -> Found:
    """What belongs to a customer.

    Raises:
        Refused: there is no such customer, or it was merged into another.
    """
    rows = database.execute(SQL["customers"], {"customer_id": customer_id}).fetchall()
    if not rows:
        raise Refused(f"there is no customer {customer_id}")
    if rows[0][2] is not None:
        raise Refused(f"{customer_id} was merged into {rows[0][2]}: destroy that one")
    customers = [row[0] for row in rows]
    identities = [
        identity
        for (identity,) in database.execute(SQL["identities"], {"customers": customers}).fetchall()
    ]
    row = database.execute(
        SQL["messages"],
        {"customers": customers, "identities": identities, "with_shared": with_shared},
    ).fetchone()
    assert row is not None
    messages, threads, conversations, shared = row
    by_channel: dict[str, int] = {}
    for _, channel, _, is_shown in messages:
        if is_shown:
            by_channel[channel] = by_channel.get(channel, 0) + 1
    subject = Subject(
        certificate_id=secrets.token_hex(8),
        messages=[(message_id, channel, until) for message_id, channel, until, _ in messages],
        customers=customers,
        identities=identities,
        names=[row[1] for row in rows],
        threads=sorted({*threads, *conversations}),
    )
    return Found(
        customer_ids=customers,
        names=[row[1] for row in rows],
        identities=identities,
        messages=sum(by_channel.values()),
        by_channel=by_channel,
        shared=shared,
        with_shared=with_shared,
        subject=subject,
    )


def destroy(
    settings: Settings, actor: Actor, customer_id: str, reason: str, *, with_shared: bool = False
) -> Certificate:
    """Destroy everything of a customer, and return the certificate.

    with_shared: also messages in which another customer stands.

    Raises:
        Refused: there is no such customer, the reason names them, or none is given.
        Held: a legal hold covers something of theirs.
    """
    with destroying(settings) as database:
        database.execute("select pg_advisory_xact_lock(hashtext('crm destroy'))")
        found = find(database, customer_id, with_shared=with_shared)
        check_reason(reason, found)
        subject = found.subject
        refuse_held(database, subject.customers, subject.objects)
        mark = database.execute(SQL["customer_mark"], {"customer_id": customer_id}).fetchone()
        assert mark is not None
        erased = erase(database, subject)
        entomb(database, subject, erased)
        counts = {
            **{f"messages of {channel}": count for channel, count in found.by_channel.items()},
            **{f"rows of {table}": count for table, count in erased.by_table.items()},
            "deliveries redacted": erased.redacted,
            "identities": len(found.identities),
            **erase_the_rest(database, subject, erased),
            "shared messages": found.shared,
            "rows of others that mention them": erased.mentions,
        }
        certificate = certify(
            database,
            actor,
            subject.certificate_id,
            "customer",
            reason,
            counts,
            [f"destroyed:{mark[0]}"],
        )
        outside.note(settings, database, certificate)
    finish(settings)
    return certificate


def check_reason(reason: str, found: Found) -> None:
    """
    Raises:
        Refused: there is none, or it names whom nothing is to name any more.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("say why with --reason: it stands in the certificate and in the log")
    told = reason.casefold()
    theirs = [*found.names, *found.subject.addresses, *found.customer_ids]
    if any(each.strip() and each.casefold() in told for each in theirs):
        raise Refused(
            "the reason names the customer, and it is kept: write it without name, address and id"
        )


def certify(
    database: Database,
    actor: Actor,
    certificate_id: str,
    what: str,
    reason: str,
    counts: dict[str, int],
    customer_marks: list[str],
) -> Certificate:
    """The certificate, in its table and as an event, within the caller's transaction."""
    certificate = Certificate(
        certificate_id=certificate_id,
        what=what,
        reason=reason.strip(),
        destroyed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        destroyed_by=actor.name,
        counts={name: count for name, count in counts.items() if count},
    ).sealed()
    database.execute(SQL["certify"], {**asdict(certificate), "counts": Jsonb(certificate.counts)})
    row = database.execute(SQL["redactions_of"], {"certificate_id": certificate_id}).fetchone()
    event = actor.event(
        "privacy.destroy",
        "certificate",
        certificate_id,
        customer_ids=customer_marks,
        # What the log's verification holds redacted events against.
        detail={**asdict(certificate), "redactions": row[0] if row else None},
    )
    record(database, event)
    return certificate


def finish(settings: Settings) -> int:
    """What follows the transaction: the tables, what a build left behind, the files. Twice is the same as once."""
    # Keys of rows that some check found wrong; the next look finds those again that stay.
    shutil.rmtree(settings.data_dir / "quality", ignore_errors=True)
    with destroying(settings) as database:
        database.execute(QUALITY["forget_keys"])
    # Models that may not serve are no reason to keep anything: those that do have taken it out.
    with suppress(NotPublished):
        take_in(settings)
    build.clear_unfinished(settings)
    with destroying(settings) as database:
        remove_exports(settings, database)
        return files.remove_due(database, MediaStore(settings.media_root))


def erase_the_rest(database: Database, subject: Subject, erased: Erased) -> dict[str, int]:
    """Jobs, decisions, events. Returns how much, by what it is."""
    known: dict[str, Any] = {
        "messages": subject.message_ids,
        "customers": subject.customers,
        "identities": subject.identities,
        "objects": subject.objects,
        "patterns": subject.patterns,
        "words": [*subject.patterns, *subject.name_patterns],
        "provider_ids": subject.provider_ids,
        "raw_rows": erased.raw_rows,
        "certificate_id": subject.certificate_id,
    }
    counts: dict[str, int] = {}

    def erasing(name: str) -> int:
        return database.execute(SQL[name], known).rowcount

    stored = database.execute(SQL["erase_media"], known).fetchall()
    erased.files |= {sha256 for (sha256,) in stored if sha256}
    counts["attachments"] = len(stored)
    files.due(database, erased.files)
    for name in (
        "erase_refusals",
        "erase_evidence",
        "erase_in_hand",
        "blank_jobs",
        "erase_set_aside",
        "erase_tasks",
        "blank_tasks",
        "blank_cases",
        "blank_incidents",
    ):
        erasing(name)
    for name in DECISIONS:
        counts[name.removeprefix("erase_").replace("_", " ")] = erasing(name)
    decisions = [row for (row,) in database.execute(SQL["erase_changes"], known).fetchall()]
    known["decisions"] = decisions
    erasing("blank_reasons")
    counts["customers"] = erasing("erase_customers")
    counts["events redacted"] = erasing("redact_events")
    return counts
