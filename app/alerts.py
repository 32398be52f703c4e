"""Health looked at while nobody looks, so that admins are told; only where that is switched on.

    watch, in each process of the app ──> health.report ──> crm.alert_state ──> crm.alerts ──> webhook, mail
                                                                                     (providers/admins.py)

Open pages need no such look: whatever turns red tells them, and a worker that died does by its silence
(app/live/changes.py).
In the app and not in the worker, because a worker that has stopped is one of the things to be told of. Of several
processes one looks at a time; one change is one notice. A notice names connections and what is wrong with them, never
what a customer wrote, and goes to admins alone.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from app import database, health
from app.database import Row
from providers import admins
from providers.failures import ProviderFailed
from warehouse.health import Finding
from warehouse.queries import queries
from warehouse.settings import Settings

log = logging.getLogger("crm.app")

SQL = queries("alerts")
LOOK_SECONDS = 15.0
#: What passes by itself within this is told to nobody.
STANDS = timedelta(seconds=40)
#: A notice that is not taken is tried again, each time four times later: for an hour and a half.
MOST_ATTEMPTS, FIRST_PAUSE = 5, timedelta(minutes=1)
#: Sent in one look, so that a way that hangs does not keep health from being looked at for long.
MOST_AT_ONCE = 4
MOST_LINES = 20


def ways(settings: Settings) -> list[str]:
    """How admins are told: `webhook`, `mail`; empty where it is not switched on."""
    given = {"webhook": settings.alert_webhook, "mail": settings.alert_mail_server}
    return [way for way, place in given.items() if place]


async def watch() -> None:
    """Look until cancelled, where there is somebody to tell."""
    while ways(database.settings()):
        try:
            await asyncio.to_thread(look)
        except database.AWAY:
            pass
        except Exception as fault:
            # Whatever it is: a look that ends for good would be silence where there is something to tell.
            log.warning("health could not be looked at: %s", type(fault).__name__)
        await asyncio.sleep(LOOK_SECONDS)


def look() -> None:
    """Judge, and tell admins where there is something to tell."""
    findings = health.report(at_most_old=LOOK_SECONDS / 2).findings
    settings = database.settings()
    with database.pool().connection() as connection:
        note(connection, settings, findings)
    for _ in range(MOST_AT_ONCE):
        if not send_next(settings):
            break


def note(connection: database.Database, settings: Settings, findings: Sequence[Finding]) -> None:
    """Make a notice of what has turned red, or of all being well again, once it has stood for a while."""
    with connection.transaction():
        state = connection.execute(SQL["state"]).fetchone()
        if state is None:
            return
        bad = [each for each in findings if each.kind == "bad"]
        now = sorted([each.what, each.connection_id] for each in bad)
        if now != state["seen"]:
            connection.execute(SQL["note_seen"], {"seen": Jsonb(now)})
            return
        told = state["told"]
        if now == told or state["now"] - state["seen_since"] < STANDS:
            return
        connection.execute(SQL["note_told"], {"told": Jsonb(now)})
        news = [each for each in now if each not in told]
        if news or not now:
            # Of several that go one by one the last is told: all is well.
            _add(connection, settings, *_words(settings, bad))


def _words(settings: Settings, bad: Sequence[Finding]) -> tuple[str, str]:
    where = f"\n\n{settings.app_url}/health" if settings.app_url else ""
    if not bad:
        return "All is well again", f"Nothing is red any more.{where}"
    lines = [each.sentence for each in bad[:MOST_LINES]]
    if len(bad) > MOST_LINES:
        lines.append(f"And {len(bad) - MOST_LINES} more.")
    number = f"{len(bad)} things need" if len(bad) > 1 else "1 thing needs"
    return f"{number} you now", "\n".join(lines) + where


def trial(connection: database.Database, settings: Settings, by: str) -> None:
    """Make a notice that says nothing but that it came."""
    _add(
        connection,
        settings,
        "A trial",
        f"{by} asked for this notice, to see whether it comes. Nothing is wrong by it.",
    )


def _add(connection: database.Database, settings: Settings, subject: str, body: str) -> None:
    connection.execute(SQL["forget"])
    for way in ways(settings):
        row = {"alert_id": secrets.token_hex(12), "way": way, "subject": subject, "body": body}
        connection.execute(SQL["add"], row)


def send_next(settings: Settings) -> bool:
    """Send the next notice that is due; whether there was one."""
    with database.pool().connection() as connection:
        row = connection.execute(
            SQL["take"], {"most": MOST_ATTEMPTS, "pause": FIRST_PAUSE}
        ).fetchone()
        recipients = [each["email"] for each in connection.execute(SQL["admins"]).fetchall()]
    if row is None:
        return False
    problem = None
    try:
        _send(settings, row, recipients)
    except ProviderFailed as failure:
        problem = str(failure)
    except Exception as fault:
        # Its text may hold the address, which is a secret of some.
        problem = f"unexpected {type(fault).__name__}"
    with database.pool().connection() as connection:
        named: dict[str, Any] = {"alert_id": row["alert_id"], "error": problem}
        connection.execute(SQL["note_failed" if problem else "note_sent"], named)
    if problem:
        log.warning("admins could not be told by %s: %s", row["way"], problem)
    return True


def _send(settings: Settings, row: Row, recipients: Sequence[str]) -> None:
    if row["way"] == "webhook" and settings.alert_webhook:
        document = {
            "text": f"{row['subject']}\n{row['body']}",
            "subject": row["subject"],
            "body": row["body"],
            "made_at": row["made_at"].isoformat(),
        }
        admins.Webhook().post(settings, settings.alert_webhook.get_secret_value(), document)
    elif row["way"] == "mail" and settings.alert_mail_server and settings.alert_mail_from:
        if not recipients:
            raise ProviderFailed("no user of the role admin has a mail address")
        admins.mail(
            settings, settings.alert_mail_server.get_secret_value(), settings.alert_mail_from, recipients,
            row["subject"], row["body"],
        )  # fmt: skip
    else:
        raise ProviderFailed(f"{row['way']} is not switched on any more")
