"""What may be a notifiable data breach (Privacy Act, Part IIIC): assessed within thirty days of the first suspicion.

    opened ──> described, whom an account saw ──> decided: notifiable or not ──> told to the Commissioner and the people

It is closed by its decision, and where that is `notifiable` only once it was told. Nothing of it is undone.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from psycopg.rows import DictRow

from warehouse.decisions.ledger import Database, Overtaken, execute, line, text
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("cases")
#: s 26WH: from the first suspicion.
DUE = timedelta(days=30)
DECISIONS = {"notifiable": "Notifiable", "not_notifiable": "Not notifiable"}
LONGEST_TITLE = 200
LONGEST_TEXT = 10_000
#: A clock that is a little ahead is no day to come.
CLOCKS = timedelta(minutes=5)


def open_incident(
    database: Database,
    actor: Actor,
    title: str,
    *,
    suspected_at: datetime | None = None,
    account: str | None = None,
    seen_from: datetime | None = None,
    seen_until: datetime | None = None,
) -> str:
    """Open an incident; returns its id. The days are counted from the first suspicion.

    Raises:
        Refused: it has no name, or a moment cannot be.
    """
    called = line(title, "what it is called", LONGEST_TITLE, "say in a few words what happened")
    now = datetime.now(UTC)
    suspected = suspected_at or now
    if suspected > now + CLOCKS:
        raise Refused("a suspicion cannot lie in days to come")
    incident_id = secrets.token_hex(8)
    values = {
        "incident_id": incident_id, "title": called, "suspected_at": suspected,
        "due_at": suspected + DUE, "opened_by": actor.name, **_whom(account, seen_from, seen_until),
    }  # fmt: skip
    with database.transaction():
        execute(database, SQL["open_incident"], values)
        told = {"suspected_at": suspected.isoformat(), "account": values["account"]}
        event = actor.event("incident.open", "incident", incident_id, detail=told)
        record(database, event)
    return incident_id


def describe_incident(
    database: Database,
    actor: Actor,
    incident_id: str,
    *,
    expected: int | None = None,
    description: str | None = None,
    kinds: str | None = None,
    steps: str | None = None,
    account: str | None = None,
    seen_from: datetime | None = None,
    seen_until: datetime | None = None,
) -> int:
    """Write the parts of the statement, and whose account it was; returns the new version. None leaves what is there.

    Raises:
        Refused: there is no such incident, a text is too long, a moment cannot be.
        Overtaken: somebody else wrote since.
    """
    with database.transaction():
        found = _held(database, incident_id)
        if expected is not None and expected != found["version"]:
            raise Overtaken("somebody else wrote this since: look at it again")
        texts = {"description": description, "kinds": kinds, "steps": steps}
        values = {
            name: found[name] if written is None else text(written, name, LONGEST_TEXT)
            for name, written in texts.items()
        }
        whom = {name: found[name] for name in ("account", "seen_from", "seen_until")}
        if account is not None or seen_from or seen_until:
            whom = _whom(
                found["account"] if account is None else account,
                seen_from or found["seen_from"],
                seen_until or found["seen_until"],
            )
        rows = execute(
            database, SQL["describe_incident"],
            {"incident_id": incident_id, "version": found["version"], **values, **whom},
        )  # fmt: skip
        changed = sorted(
            name for name in (*values, *whom) if {**values, **whom}[name] != found[name]
        )
        detail = {"changed": changed, "version": rows[0]["version"]}
        record(database, actor.event("incident.describe", "incident", incident_id, detail=detail))
    return int(rows[0]["version"])


def decide_incident(
    database: Database, actor: Actor, incident_id: str, *, decision: str, reason: str
) -> None:
    """Decide whether it is notifiable, with the reason; until people were told it may be decided otherwise.

    Raises:
        Refused: there is no such incident, it is decided so already, people were told, or there is no reason.
    """
    if decision not in DECISIONS:
        raise Refused(f"an incident is {' or '.join(DECISIONS)}: not {decision[:40]!r}")
    why = line(reason, "reason", LONGEST_TEXT, "say why")
    with database.transaction():
        found = _held(database, incident_id)
        if found["decision"] == decision or found["notified_at"] is not None:
            raise Refused(f"this was decided by {found['decided_by']}: {found['decision_reason']}")
        execute(
            database, SQL["decide_incident"],
            {"incident_id": incident_id, "decision": decision, "reason": why, "by": actor.name},
        )  # fmt: skip
        detail = {"decision": decision, "was": found["decision"]}
        record(database, actor.event("incident.decide", "incident", incident_id, detail=detail))


def note_notified(
    database: Database, actor: Actor, incident_id: str, *, at: datetime | None = None
) -> None:
    """Note when the Commissioner and the people were told.

    Raises:
        Refused: there is no such incident, it is not notifiable, it was noted, or the day is to come.
    """
    now = datetime.now(UTC)
    told_at = at or now
    if told_at > now + CLOCKS:
        raise Refused("they cannot have been told in days to come")
    with database.transaction():
        found = _held(database, incident_id)
        if found["decision"] != "notifiable":
            raise Refused("nobody has decided that this is notifiable")
        if found["notified_at"] is not None:
            raise Refused(f"this was noted by {found['notified_by']}")
        execute(
            database, SQL["note_notified"],
            {"incident_id": incident_id, "at": told_at, "by": actor.name},
        )  # fmt: skip
        detail = {"at": told_at.isoformat()}
        record(database, actor.event("incident.notify", "incident", incident_id, detail=detail))


def incident(database: Database, incident_id: str) -> DictRow:
    """One incident.

    Raises:
        Refused: there is none.
    """
    rows = execute(database, SQL["incident"], {"incident_id": incident_id})
    if not rows:
        raise Refused(f"there is no incident {incident_id[:64]!r}")
    return rows[0]


def incidents(database: Database, *, closed: bool = False, most: int = 200) -> list[DictRow]:
    """What is still to be done by the day on which it is due, and what is closed if asked for."""
    return execute(database, SQL["incidents"], {"closed": closed, "most": most})


def _held(database: Database, incident_id: str) -> DictRow:
    rows = execute(database, SQL["incident_held"], {"incident_id": incident_id})
    if not rows:
        raise Refused(f"there is no incident {incident_id[:64]!r}")
    return rows[0]


def _whom(
    account: str | None, seen_from: datetime | None, seen_until: datetime | None
) -> dict[str, str | datetime | None]:
    if not (account or "").strip():
        return {"account": None, "seen_from": None, "seen_until": None}
    if seen_from is None or seen_until is None:
        raise Refused("say from when to when this account saw what it should not have")
    if seen_until <= seen_from:
        raise Refused("the second moment must lie after the first")
    named = line(account or "", "account", LONGEST_TITLE, "name the account")
    return {"account": named, "seen_from": seen_from, "seen_until": seen_until}
