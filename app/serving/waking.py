"""How often a page that is being drawn wakes the loop that sends it.

Streamlit draws a page in a thread of its own and hands each element to the event loop by itself, which is woken for it
twice: once to take it, once to know that there is something to send. A timeline is some eighty elements, so each run of
one page woke a hundred and sixty times the thread that serves everybody. What is drawn while the loop is on its way is
taken along.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession

Call = Callable[[], object]


class Together:
    """Calls of any thread, made in the loop in their order, which is woken once for all that wait."""

    def __init__(self) -> None:
        self._waiting: list[Call] = []
        self._lock = threading.Lock()

    def call(self, loop: asyncio.AbstractEventLoop, call: Call) -> None:
        """Raises RuntimeError where the loop is closed, as the loop itself does."""
        with self._lock:
            self._waiting.append(call)
            if len(self._waiting) > 1:
                return
        loop.call_soon_threadsafe(self._make, loop)

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            calls, self._waiting = self._waiting, []
        for call in calls:
            try:
                call()
            except Exception as fault:
                # As the loop does with a call of its own: the next one is made all the same.
                loop.call_exception_handler({"message": f"in {call!r}", "exception": fault})


def wake_once() -> None:
    """Call once, before pages are served."""
    of_session: WeakKeyDictionary[AppSession, Together] = WeakKeyDictionary()
    lock = threading.Lock()

    def call_soon(session: AppSession, callback: Call) -> None:
        with lock:
            together = of_session.setdefault(session, Together())
        try:
            together.call(session._event_loop, callback)
        except RuntimeError:
            if not session._event_loop.is_closed():
                raise

    def enqueued(runtime: Runtime) -> None:
        objects = runtime._get_async_objs()
        if asyncio._get_running_loop() is objects.eventloop:
            objects.need_send_data.set()
        else:
            objects.eventloop.call_soon_threadsafe(objects.need_send_data.set)

    assert hasattr(AppSession, "_call_soon_on_event_loop")
    assert hasattr(Runtime, "_enqueued_some_message")
    AppSession._call_soon_on_event_loop = call_soon  # type: ignore[method-assign, assignment]
    Runtime._enqueued_some_message = enqueued  # type: ignore[method-assign, assignment]
