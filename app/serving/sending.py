"""What a run says comes to the browser in one piece, or at least in few.

Streamlit sends each hundredth of a second what a run has said until then, and a browser draws the whole page with each
of these pieces: with a run of a tenth of a second four or five times, which takes it longer than the run.

The first run of a page that was just loaded is sent as it comes: what is drawn first makes the browser fetch what draws
the rest. And a part that takes longer than what stands before it has that sent first (`now`).
"""

from __future__ import annotations

import time
from functools import cache
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: A run that is not at its end by then shows what it has. Most are.
WAIT_SECONDS = 0.15

#: Which have something on the screen, by their ids.
_shown: WeakValueDictionary[str, AppSession] = WeakValueDictionary()
#: Since when something waits.
_waiting: WeakKeyDictionary[AppSession, float] = WeakKeyDictionary()
#: Of which a run has asked that it does not.
_at_once: WeakSet[AppSession] = WeakSet()


@cache
def wait_for_the_end() -> None:
    """Let Streamlit send as above. Call before a page is served."""
    flush = AppSession.flush_browser_queue

    def flush_browser_queue(self: AppSession) -> list[ForwardMsg]:
        is_running = self._state is AppSessionState.APP_IS_RUNNING
        if is_running and _waits(self):
            return []
        _waiting.pop(self, None)
        _at_once.discard(self)
        said = flush(self)
        if said and not is_running:
            _shown[self.id] = self
        return said

    AppSession.flush_browser_queue = flush_browser_queue  # type: ignore[method-assign]


def now() -> None:
    """Send what this run has said so far."""
    context = get_script_run_ctx()
    session = _shown.get(context.session_id) if context is not None else None
    if session is not None:
        _at_once.add(session)
        _look_again(session)


def _waits(session: AppSession) -> bool:
    if session.id not in _shown or session in _at_once or session._browser_queue.is_empty():
        return False
    moment = time.monotonic()
    if session not in _waiting:
        _waiting[session] = moment
        session._event_loop.call_later(WAIT_SECONDS, _look_again, session)
    return moment - _waiting[session] < WAIT_SECONDS


def _look_again(session: AppSession) -> None:
    if session._message_enqueued_callback:
        session._message_enqueued_callback()
