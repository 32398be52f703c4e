"""How everything stands, read once for all pages of a process: asked for now and then, however many are open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from app import database, replica
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse import deadlines, growth
from warehouse.health import Facts, Finding, Watch, judge
from warehouse.queries import queries

SQL = queries("health")
ALERTS = queries("alerts")
MOST_ALERTS = 5
#: A page that is told may read anew; the line above every page is content with this.
STATE_SECONDS = 15.0
LINE_SECONDS = 45.0


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is wrong, and the facts that it was judged by."""

    facts: Facts
    findings: list[Finding]


_watches: list[Watch] = []
_newest: tuple[Report | None, float] = None, 0.0


def report(*, at_most_old: float = STATE_SECONDS) -> Report:
    """The judgement now, or one of a moment ago."""
    global _newest
    known, read_at = _newest
    if known is not None and time.monotonic() - read_at < at_most_old:
        return known
    settings = database.settings()
    with database.pool().connection() as connection:
        # What is usual is learnt once a process.
        watch = _watches[0] if _watches else Watch()
        _watches[:] = [watch]
        facts = watch.facts(
            connection, settings.zone, disk=growth.disk(settings), replica=replica.trouble()
        )
    made = Report(facts=facts, findings=judge(facts))
    _newest = made, time.monotonic()
    return made


def seen(viewer: Viewer, *, shown: Report | None = None) -> Report:
    """The judgement as the page shows it.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "health.view", "health", "*") as db:
        if shown is not None:
            db.tells_nothing()
    return report(at_most_old=1.0)


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """The last notices to admins, and how many of them a mail would reach."""

    newest: list[Row]
    recipients: int


def told_admins(viewer: Viewer) -> Alerts:
    """What admins were told, and what became of it. Nobody's data: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "health.view", "health", "*") as db:
        db.tells_nothing()
        return Alerts(
            newest=db.execute(ALERTS["newest"], {"most": MOST_ALERTS}).fetchall(),
            recipients=len(db.execute(ALERTS["admins"]).fetchall()),
        )


def arrivals(viewer: Viewer) -> list[Row]:
    """Messages of the last two days by hour and channel. Nobody's data: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "health.view", "health", "*") as db:
        db.tells_nothing()
        return db.execute(SQL["arrivals"], {"now": datetime.now(UTC)}).fetchall()


def line(viewer: Viewer) -> str | None:
    """What stands above every page of an admin: the worst, and how much more; nothing where all is well. Of whoever
    answers for privacy alone: what is past its day."""
    is_admin = viewer.may(Permission.MANAGE_CONNECTIONS)
    if not is_admin and not viewer.may(Permission.HANDLE_PRIVACY):
        return None
    try:
        found = [
            each
            for each in report(at_most_old=LINE_SECONDS).findings
            if each.kind == "bad" and (is_admin or each.what.startswith(deadlines.PREFIX))
        ]
    except database.AWAY:
        # The page itself says what it has to say; a figure that takes long must not stand in its way.
        return None
    if not found:
        return None
    where = "Health" if is_admin else "Privacy"
    more = f" And {len(found) - 1} more: see {where}." if len(found) > 1 else ""
    return found[0].sentence + more
