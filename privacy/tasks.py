"""What the worker does for privacy officers: one task of `privacy.tasks` carried out, with its progress.

A worker that dies leaves it to the next one: an export is written anew, what a retention class has taken is gone, and
a destruction is done or was not begun.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from privacy import access_export, destruction, retention
from privacy.destruction import destroying
from warehouse.events import Actor
from warehouse.exports import export_file
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Settings

log = logging.getLogger("crm.privacy")
SQL = queries("cases")
#: What a task of a customer is about once they are destroyed.
DESTROYED = "destroyed"
PROGRESS_SECONDS = 0.5


def carry_out(settings: Settings, task_id: str) -> None:
    """Do it, and note how it ended. A task that ended, or that nobody agreed to, is passed over."""
    with destroying(settings) as database, database.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["begin_task"], {"task_id": task_id}).fetchone()
    if row is None:
        return
    try:
        result = _do(settings, row)
    except Refused as why:
        _finish(settings, task_id, "failed", problem=str(why))
        return
    except (psycopg.Error, OSError) as failure:
        # Not its words: they may name somebody.
        kind = type(failure).__name__
        log.error("task %s of a privacy officer failed: %s", task_id, kind)
        _finish(settings, task_id, "failed", problem=f"it failed ({kind}): ask again")
        return
    _finish(settings, task_id, "done", result=result)


def _do(settings: Settings, row: dict[str, Any]) -> dict[str, Any]:
    actor = Actor(name=row["asked_by"], role=row["asked_role"])
    told = _Progress(settings, row["task_id"])
    if row["kind"] == "export":
        file = export_file(settings, row["task_id"])
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        done = access_export.export(settings, actor, row["object_id"], file, told)
        return {
            "messages": done.messages, "files": done.files, "redacted": done.redacted,
            "left_out": len(done.left_out), "bytes": file.stat().st_size,
        }  # fmt: skip
    if row["kind"] == "apply":
        made = retention.apply(settings, actor, row["object_id"], told)
        return {"certificates": [each.certificate_id for each in made]}
    if row["object_id"] == DESTROYED:
        # A worker that died after the transaction: what follows it is left to do.
        destruction.finish(settings)
        return {}
    certificate = destruction.destroy(
        settings, actor, row["object_id"], row["reason"] + f" (agreed by {row['approved_by']})"
    )
    return {"certificates": [certificate.certificate_id], "counts": asdict(certificate)["counts"]}


class _Progress:
    """Notes how far it is, now and then."""

    def __init__(self, settings: Settings, task_id: str) -> None:
        self.settings, self.task_id, self.noted_at = settings, task_id, 0.0

    def __call__(self, done: int, of: int) -> None:
        if time.monotonic() - self.noted_at < PROGRESS_SECONDS:
            return
        self.noted_at = time.monotonic()
        with destroying(self.settings) as database:
            named = {"task_id": self.task_id, "done": done, "of": of}
            database.execute(SQL["tell_progress"], named)


def _finish(
    settings: Settings,
    task_id: str,
    state: str,
    *,
    problem: str | None = None,
    result: dict[str, Any] | None = None,
) -> None:
    with destroying(settings) as database:
        database.execute(
            SQL["finish_task"],
            {"task_id": task_id, "state": state, "problem": problem, "result": Jsonb(result or {})},
        )  # fmt: skip
