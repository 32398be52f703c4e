"""What a run says comes to the browser in one piece, or at least in few.

Streamlit sends each hundredth of a second what a run has said until then, and a browser draws the whole page with each
of these pieces: with a run of a tenth of a second four or five times, which takes it longer than the run.

The first run of a page that was just loaded is sent as it comes: what is drawn first makes the browser fetch what draws
the rest.
"""

from __future__ import annotations

import time
from functools import cache
from weakref import WeakKeyDictionary, WeakSet

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState

#: A run that is not at its end by then shows what it has. Most are.
WAIT_SECONDS = 0.15


@cache
def wait_for_the_end() -> None:
    """Let Streamlit send as above. Call before a page is served."""
    flush = AppSession.flush_browser_queue
    #: Which have something on the screen.
    shown: WeakSet[AppSession] = WeakSet()
    #: Since when something waits.
    waiting: WeakKeyDictionary[AppSession, float] = WeakKeyDictionary()

    def flush_browser_queue(self: AppSession) -> list[ForwardMsg]:
        is_running = self._state is AppSessionState.APP_IS_RUNNING
        if is_running and self in shown and not self._browser_queue.is_empty():
            now = time.monotonic()
            since = waiting.get(self)
            if since is None:
                waiting[self] = since = now
                self._event_loop.call_later(WAIT_SECONDS, look_again, self)
            if now - since < WAIT_SECONDS:
                return []
        waiting.pop(self, None)
        said = flush(self)
        if said and not is_running:
            shown.add(self)
        return said

    def look_again(self: AppSession) -> None:
        if self._message_enqueued_callback:
            self._message_enqueued_callback()

    AppSession.flush_browser_queue = flush_browser_queue  # type: ignore[method-assign]
