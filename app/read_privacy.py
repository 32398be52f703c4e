"""What privacy officers read: requests of people, incidents, what is kept and held, what the worker does for them.

As in `app.read`, each function is one sight, within `reading`. What was shown already and is the same is no new sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse import decisions
from warehouse.decisions.retaining import Due, preview_retention
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("breach")
CASES = queries("cases")
MAY = Permission.HANDLE_PRIVACY
#: Closed cases and incidents that are shown, the last of them; whom an account saw, the first of them.
MOST_CLOSED, MOST_SEEN = 200, 500


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Requests of people and incidents, what is due first."""

    cases: list[Row]
    incidents: list[Row]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Retention classes, holds, and what the worker is asked for."""

    classes: list[Row]
    holds: list[Row]
    tasks: list[Row]
    certificates: list[Row]


@dataclass(frozen=True, kw_only=True)
class Affected:
    """An incident, and whom its account saw."""

    incident: Row
    people: list[Row]
    count: int | None


def requests(viewer: Viewer, *, closed: bool = False, shown: Requests | None = None) -> Requests:
    """Cases and incidents.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "case.view", "case", "*") as db:
        found = Requests(
            cases=db.ask(decisions.cases, closed=closed, most=MOST_CLOSED),
            incidents=db.ask(decisions.incidents, closed=closed, most=MOST_CLOSED),
        )
        whose = sorted({row["customer_id"] for row in found.cases})
        if shown is not None and whose == sorted({row["customer_id"] for row in shown.cases}):
            db.tells_nothing()
        else:
            db.tells(customer_ids=whose, count=len(found.cases))
    return found


def kept(viewer: Viewer, *, shown: Kept | None = None) -> Kept:
    """What is kept for how long, what is held, what was destroyed.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "retention.view", "retention class", "*") as db:
        found = Kept(
            classes=db.ask(decisions.retention_classes),
            holds=db.ask(decisions.holds),
            tasks=db.ask(decisions.tasks),
            certificates=db.execute(CASES["certificates"], {"most": MOST_CLOSED}).fetchall(),
        )
        whose = _named(found.holds, found.tasks)
        if shown is not None and whose == _named(shown.holds, shown.tasks):
            db.tells_nothing()
        else:
            db.tells(customer_ids=whose)
    return found


def _named(holds: Sequence[Row], tasks: Sequence[Row]) -> list[str]:
    held = {row["object_id"] for row in holds if row["covers"] == "customer"}
    return sorted(held | {row["object_id"] for row in tasks if row["name"]})


def due(viewer: Viewer) -> list[Due]:
    """What each class would take now; counted over everything, so it is asked for by itself.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "retention.preview", "retention class", "*") as db:
        return db.ask(preview_retention)


def affected(viewer: Viewer, incident_id: str) -> Affected:
    """Whom the account of an incident saw, by the log.

    Raises:
        Forbidden: the role may not.
        Refused: there is no such incident.
    """
    with reading(viewer, MAY, "privacy.breach", "incident", incident_id) as db:
        incident = db.ask(decisions.incident, incident_id)
        if not incident["account"]:
            return Affected(incident=incident, people=[], count=None)
        asked = {
            "user": incident["account"], "since": incident["seen_from"],
            "until": incident["seen_until"],
        }  # fmt: skip
        people = db.execute(SQL["seen_by"], asked).fetchall()
        named = sorted(row["customer_id"] for row in people[:MOST_SEEN] if row["customer_id"])
        db.tells(customer_ids=named, user=incident["account"], people=len(people))
    return Affected(incident=incident, people=people[:MOST_SEEN], count=len(people))


def export_of(viewer: Viewer, task_id: str) -> Row:
    """An export that the worker has written; whoever takes it is in the log.

    Raises:
        Forbidden: the role may not.
        Refused: there is none.
    """
    with reading(viewer, MAY, "privacy.download", "task", task_id) as db:
        task = db.ask(decisions.task, task_id)
        if task["kind"] != "export" or task["state"] != "done":
            raise Refused("there is no such export")
        db.tells(customer_ids=[task["object_id"]])
    return task
