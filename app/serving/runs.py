"""Runs of a page, in the order in which browsers ask for them: no page is taken away, nothing that was clicked is lost.

A browser asks for a run of the whole page or of a part of it (a fragment), with the page on which it stands. A part
that is asked for while a run is under way waits for its end; a run of the whole page puts an end to what is under way.
Streamlit alone loses something there, in four orders:

- A part waits while the run before it leads to another page (`st.switch_page`, a link). It then runs as one of the page
  that was left: the browser hears of that page and takes away what it shows, and nothing comes in its place. Here it
  runs on the page that is shown, if that has this part.
- A part that is asked for beside a whole page that has not begun turns this page into the one that is left.
- What was clicked waits with its part, and goes with it where the whole page is asked for. And where its part had
  begun, the end could come before the click was answered for.
- A part that is asked for just when the run before it has ended lets Streamlit forget what that run said last, such as
  that it has ended: what it took off the page stays there.

And a browser sends what was done within a moment together, with the name of one part. What was clicked or chosen in
another part, or on the page itself, would then not be drawn. Here that runs, too.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequest,
    ScriptRequests,
    ScriptRequestType,
)
from streamlit.runtime.state.common import unpack_widget_state_value
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

#: How soon a part looks again whether the run before it has said all.
LOOK_SECONDS = 0.002

#: The kinds of states that are for one run alone, such as a click.
TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value")

_now = threading.local()


@cache
def keep_in_order() -> None:
    """Let Streamlit's runs be as above. Call before a page is served."""
    _keep_parts_to_their_page()
    _run_what_was_touched_besides()
    _keep_where_a_whole_page_leads()
    _answer_for_what_was_clicked()
    _hear_runs_out()


def _keep_parts_to_their_page() -> None:
    run = ScriptRunner._run_script

    def run_script(self: ScriptRunner, rerun_data: RerunData) -> None:
        shown = self._pages_manager.current_page_script_hash
        if rerun_data.fragment_id_queue and shown and rerun_data.page_script_hash != shown:
            parts = [
                each
                for each in rerun_data.fragment_id_queue
                if self._fragment_storage.contains(each)
            ]
            if not parts:
                return
            with self._session_state.query_params() as shown_with:
                query = urlencode(shown_with._query_params, doseq=True)
            rerun_data = replace(
                rerun_data, fragment_id_queue=parts, page_script_hash=shown, page_name="", query_string=query
            )  # fmt: skip
        run(self, rerun_data)

    ScriptRunner._run_script = run_script  # type: ignore[method-assign]


def _run_what_was_touched_besides() -> None:
    run = ScriptRunner._run_script

    def run_script(self: ScriptRunner, rerun_data: RerunData) -> None:
        parts, said = rerun_data.fragment_id_queue, rerun_data.widget_states
        shown = self._pages_manager.current_page_script_hash
        if parts and said and rerun_data.page_script_hash == shown:
            with self._session_state._lock:
                touched = _touched(self._session_state._state, said)
            besides = [
                each
                for each in touched
                if each and each not in parts and self._fragment_storage.contains(each)
            ]
            rerun_data = replace(
                rerun_data, fragment_id_queue=[] if None in touched else [*parts, *besides]
            )
        run(self, rerun_data)

    ScriptRunner._run_script = run_script  # type: ignore[method-assign]


def _touched(state: SessionState, said: WidgetStates) -> set[str | None]:
    """The parts in which something was clicked or chosen since the run before; None for what is in no part."""
    found = set()
    for each in said.widgets:
        widget = state._new_widget_state.widget_metadata.get(each.id)
        if widget is not None and widget.fragment_id not in found:
            kind, value = each.WhichOneof("value"), unpack_widget_state_value(each)
            if kind in TRIGGERS or _differs(state, each.id, widget.deserializer(value)):
                found.add(widget.fragment_id)
    return found


def _differs(state: SessionState, widget_id: str, value: object) -> bool:
    try:
        return bool(state[widget_id] != value)
    except KeyError:
        return False


def _keep_where_a_whole_page_leads() -> None:
    request = ScriptRequests._request_rerun_locked

    def request_rerun(self: ScriptRequests, new_data: RerunData) -> bool:
        waits = self._rerun_data
        if (
            self._state == ScriptRequestType.RERUN
            and script_requests._is_full_app_rerun(waits)
            and not script_requests._is_full_app_rerun(new_data)
            and waits.page_script_hash != new_data.page_script_hash
        ):
            new_data = replace(
                new_data,
                page_script_hash=waits.page_script_hash,
                page_name=waits.page_name,
                query_string=waits.query_string,
            )
        return request(self, new_data)

    ScriptRequests._request_rerun_locked = request_rerun  # type: ignore[method-assign]


def _answer_for_what_was_clicked() -> None:
    will_rerun, look = SafeSessionState.on_script_will_rerun, ScriptRequests.on_scriptrunner_yield

    def on_script_will_rerun(self: SafeSessionState, *states: Any, **more: Any) -> None:
        _now.answers = True
        try:
            will_rerun(self, *states, **more)
        finally:
            _now.answers = False

    def on_scriptrunner_yield(self: ScriptRequests) -> ScriptRequest | None:
        if getattr(_now, "answers", False) and self._state == ScriptRequestType.STOP:
            return None
        return look(self)

    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]
    ScriptRequests.on_scriptrunner_yield = on_scriptrunner_yield  # type: ignore[method-assign]


def _take_what_waits(requests: ScriptRequests) -> RerunData | None:
    """What a run that is to end would have done next; it does it no more."""
    with requests._lock:
        if requests._state != ScriptRequestType.RERUN:
            return None
        requests._state = ScriptRequestType.STOP
        return requests._rerun_data


def _has_ended(runner: ScriptRunner) -> bool:
    """Whether it takes no more requests."""
    return runner._requests._state == ScriptRequestType.STOP


def _hear_runs_out() -> None:
    request = AppSession.request_rerun
    #: What was asked for of each session meanwhile, in order, and the run whose last words it waits for.
    waiting: WeakKeyDictionary[AppSession, tuple[ScriptRunner, deque[ClientState]]] = (
        WeakKeyDictionary()
    )

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        runner = self._scriptrunner
        if self in waiting and runner is not waiting[self][0]:
            # What was asked for first comes first: it says how all fields stood then.
            pass_on(self)
            runner = self._scriptrunner
        if client_state is None or runner is None:
            request(self, client_state)
        elif client_state.fragment_id:
            if not _has_ended(runner):
                request(self, client_state)
            elif self in waiting:
                waiting[self][1].append(client_state)
            else:
                waiting[self] = (runner, deque([client_state]))
                later(self, runner)
        else:
            waits = _take_what_waits(runner._requests)
            states = [waits.widget_states] if waits and waits.widget_states else []
            # A part that waits for the last words of a run that nobody hears any more runs with the whole page.
            _, asked = waiting.pop(self, (None, ()))
            states += [each.widget_states for each in asked]
            for clicked in states:
                merged = script_requests._coalesce_widget_states(
                    clicked, client_state.widget_states
                )
                if merged is not None:
                    client_state.widget_states.CopyFrom(merged)
            request(self, client_state)

    def pass_on(self: AppSession) -> None:
        for client_state in waiting.pop(self)[1]:
            request(self, client_state)

    def later(self: AppSession, runner: ScriptRunner) -> None:
        self._event_loop.call_later(LOOK_SECONDS, go_on, self, runner)

    def go_on(self: AppSession, runner: ScriptRunner) -> None:
        if self not in waiting or waiting[self][0] is not runner:
            return
        if self._scriptrunner is runner:
            later(self, runner)
        else:
            pass_on(self)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]
