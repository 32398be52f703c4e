"""Whether anything arrived: one listener per process, so that an idle page asks the database nothing.

The fold notifies `crm_changed` in its own transaction, and so does each decision; a fetch `crm_media` after each
attachment.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import psycopg

from app import database
from warehouse.settings import Role

log = logging.getLogger("crm.app")

#: A page reads anew this often even where no news came: links are decided without any.
ANYWAY_SECONDS = 10.0
RETRY_SECONDS = 2.0


class News:
    """Counts arrivals. While the listener is not connected nobody knows, and `count` is None."""

    def __init__(self) -> None:
        self._count: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen_for_ever, name="news", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(2)

    @property
    def count(self) -> int | None:
        """Grows with every arrival; equal counts mean that nothing came in between."""
        return self._count

    def _listen_for_ever(self) -> None:
        arrivals = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    database.settings().url_for(Role.APP),
                    autocommit=True,
                    application_name="crm app news",
                    connect_timeout=3,
                ) as connection:
                    connection.execute("listen crm_changed")
                    connection.execute("listen crm_media")
                    # What came while nobody listened is news as well.
                    arrivals += 1
                    self._count = arrivals
                    while not self._stop.is_set():
                        if any(True for _ in _heard(connection)):
                            arrivals += 1
                            self._count = arrivals
            except psycopg.Error as fault:
                log.warning("not listening for arrivals: %s", type(fault).__name__)
            self._count = None
            self._stop.wait(RETRY_SECONDS)


def _heard(connection: psycopg.Connection[Any]) -> Any:
    return connection.notifies(timeout=0.5, stop_after=1)


_news: News | None = None


def listen() -> None:
    """Start this process's listener."""
    global _news
    if _news is None:
        _news = News()
        _news.start()


def close() -> None:
    """End it."""
    global _news
    former, _news = _news, None
    if former:
        former.stop()


def count() -> int | None:
    """The arrivals so far; None while it is not known whether something came."""
    return _news.count if _news else None
