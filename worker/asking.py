"""What a command asks of the worker.

Apart from the jobs: those import everything that pulls, which would take a command two seconds.
"""

from __future__ import annotations

from typing import Any

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from warehouse.migrate import queue_connector
from warehouse.settings import Settings


def request_pull(settings: Settings, connection_id: str, *, watch: bool = False) -> None:
    """Ask the worker to pull a connection now, for example because it was just added.

    Args:
        watch: also to ask Google for pushes (a Gmail connection with `pubsub_topic`).
    """
    with App(connector=queue_connector(settings, sync=True)).open() as app:
        for name in ("pull_connection", *(["watch_connection"] if watch else [])):
            # Beside a job that waits after a failure, and before it: somebody has just mended something.
            named = {
                **locks(name, connection_id),
                "queueing_lock": f"{name} {connection_id} requested",
            }
            deferrer = app.configure_task(name, **named, priority=2)
            try:
                deferrer.defer(connection_id=connection_id)
            except AlreadyEnqueued:
                pass


def locks(task: str, connection_id: str) -> dict[str, Any]:
    """One job of a kind runs per connection (`lock`), and one waits (`queueing_lock`)."""
    return {"lock": f"{task} {connection_id}", "queueing_lock": f"{task} {connection_id}"}
