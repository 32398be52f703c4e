"""One open page without a browser: it speaks the installed Streamlit's own messages, and listens on /news.

It does what the browser's part does: keeps the state of widgets, sends what was clicked or typed, and when a bell
is rung has the fragment concerned run again (app/assets/news.js), never while another run is under way.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX

MESSAGE = re.compile(r'data-message="([^"]+)"')
PART = re.compile(r'data-part="([^"]+)"')
ACT = re.compile(r'data-act="([^"]+)" data-of="([^"]*)"')
PATIENCE_SECONDS = 30.0
LARGEST = 64 * 1024 * 1024
#: So long after a run no bell rings; as SETTLED_AFTER in app/assets/news.js.
SETTLED_SECONDS = 0.25


class Lost(Exception):
    """The page is gone: its connection ended, nothing was answered, or it shows the sign-in form."""


def _has_read(mark: str, told: str) -> bool:
    """Whether what was drawn with a mark has read what was told as of another: "process.number", the greater later."""
    process, _, number = mark.partition(".")
    told_by, _, told_as = told.partition(".")
    return process == told_by and int(told_as) <= int(number)


def _event(component: Widget, name: str, value: object) -> WidgetState:
    """What a component's script says."""
    said = WidgetState(id=f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{component.id}__events")
    said.json_trigger_value = json.dumps([{"event": name, "value": value}])
    return said


@dataclass
class Widget:
    """Something to click or type into, and where it stands."""

    id: str
    fragment_id: str


@dataclass
class Tab:
    """Open it with `open`; then `go`, `click`, `type_into`."""

    port: int
    cookie: str
    #: Called with a message's id when it first comes to this tab.
    seen: Callable[[str], None] = lambda _: None
    received_bytes: int = 0

    def __post_init__(self) -> None:
        self._socket: Any = None
        self._news: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: dict[str, str] = {}
        self._page, self._query = "", ""
        self._buttons: dict[str, Widget] = {}
        self._texts: dict[str, Widget] = {}
        self._choices: dict[str, tuple[Widget, list[str]]] = {}
        self._values: dict[str, WidgetState] = {}
        self._bells: dict[str, tuple[Widget, dict[str, Any]]] = {}
        #: Buttons in HTML: part and person of the last one drawn of each act (app/pressed.py).
        self._acts: dict[str, tuple[str, str]] = {}
        self._known: set[str] = set()
        self._kept: dict[str, ForwardMsg] = {}
        self._finished: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()
        #: What each bell that is to ring was told, as of which mark.
        self._missing: dict[str, str] = {}
        self._ran_at = 0.0
        self._redirect = False
        self.failure: str | None = None

    @property
    def page(self) -> str:
        """Where it is by now: an act may have led elsewhere."""
        return self._page

    # -- what a person does -----------------------------------------------------------------------

    async def open(self, path: str, **query: str) -> float:
        """Connect and have the page drawn; returns the seconds that it took."""
        began = time.perf_counter()
        self._socket = await self._connect("/_stcore/stream", ["streamlit"])
        self._start(self._read())
        self._page = path
        self._query = urlencode(query)
        await self._run()
        self._start(self._listen())
        return time.perf_counter() - began

    async def go(self, path: str, **query: str) -> float:
        """Another page of the app."""
        self._page, self._query = path, urlencode(query)
        self._values.clear()
        return await self._run()

    async def click(self, label: str) -> float | None:
        """The first button whose label begins so; None where there is none."""
        for text, widget in self._buttons.items():
            if text.startswith(label):
                pressed = WidgetState(id=widget.id, trigger_value=True)
                return await self._run(widget.fragment_id, pressed)
        return None

    def can(self, act: str) -> bool:
        """Whether a button in HTML does this."""
        return act in self._acts

    async def press(self, act: str) -> float:
        """A button in HTML."""
        part, of = self._acts[act]
        widget, _ = self._bells[part]
        pressed = _event(widget, "pressed", json.dumps([act, of]))
        return await self._run(widget.fragment_id, pressed)

    async def type_into(self, label: str, text: str) -> float:
        widget = self._texts[label]
        self._values[widget.id] = WidgetState(id=widget.id, string_value=text)
        return await self._run(widget.fragment_id)

    async def choose(self, label: str, chosen: list[str]) -> float:
        """These and no others, in a list of which several are taken."""
        widget, _ = self._choices[label]
        state = WidgetState(id=widget.id)
        state.string_array_value.data.extend(chosen)
        self._values[widget.id] = state
        return await self._run(widget.fragment_id)

    def chosen(self, label: str) -> list[str] | None:
        """What is chosen in it as it was drawn; None where there is none."""
        return self._choices[label][1] if label in self._choices else None

    def has(self, label: str) -> bool:
        return any(text.startswith(label) for text in self._buttons)

    def asks(self, label: str) -> bool:
        """Whether there is a field of this name."""
        return label in self._texts

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in (self._socket, self._news):
            if socket is not None:
                with suppress(Exception):
                    await socket.close()

    # -- runs -------------------------------------------------------------------------------------

    async def _run(self, fragment_id: str = "", trigger: WidgetState | None = None) -> float:
        async with self._turn:
            return await self._run_now(fragment_id, trigger)

    async def _run_now(self, fragment_id: str, trigger: WidgetState | None) -> float:
        if self.failure:
            raise Lost(self.failure)
        began = time.perf_counter()
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self._query
        state.page_script_hash = self._pages.get(self._page, "")
        state.page_name = self._page
        state.fragment_id = fragment_id
        state.cached_message_hashes.extend(self._kept)
        state.widget_states.widgets.extend(self._values.values())
        if trigger is not None:
            state.widget_states.widgets.append(trigger)
        self._finished = asyncio.get_running_loop().create_future()
        await self._socket.send(message.SerializeToString())
        try:
            await asyncio.wait_for(self._finished, PATIENCE_SECONDS)
        except TimeoutError:
            self.failure = "no answer"
        if self._redirect:
            self.failure = "signed out"
        if self.failure:
            raise Lost(self.failure)
        return time.perf_counter() - began

    async def _read(self) -> None:
        """Everything that Streamlit sends."""
        try:
            async for data in self._socket:
                self.received_bytes += len(data)
                said = ForwardMsg.FromString(data)
                kind = said.WhichOneof("type")
                if kind == "ref_hash":
                    # One that this page holds already, perhaps for another place.
                    kept = self._kept[said.ref_hash]
                    kept.metadata.CopyFrom(said.metadata)
                    said, kind = kept, kept.WhichOneof("type")
                elif said.metadata.cacheable:
                    self._kept[said.hash] = said
                if kind == "delta":
                    self._take(said)
                elif kind == "new_session":
                    self._begin(said)
                elif kind == "page_info_changed":
                    self._query = said.page_info_changed.query_string
                elif kind == "navigation":
                    for page in said.navigation.app_pages:
                        self._pages[page.url_pathname] = page.page_script_hash
                elif kind == "auth_redirect":
                    self._redirect = True
                elif kind == "script_finished":
                    # One that is stopped for another run is followed by that one's end.
                    self._end(said.script_finished != said.FINISHED_EARLY_FOR_RERUN)
            self.failure = "the connection ended"
        except (websockets.WebSocketException, OSError) as fault:
            self.failure = type(fault).__name__
        self._end(True)

    def _end(self, is_over: bool) -> None:
        self._ran_at = time.monotonic()
        if is_over and self._finished and not self._finished.done():
            self._finished.set_result(None)

    def _begin(self, said: ForwardMsg) -> None:
        """A run of the whole page replaces all that stands on it."""
        if said.metadata.run.fragment_ids:
            return
        for some in (self._buttons, self._texts, self._choices, self._bells, self._acts):
            some.clear()
        named = {page_hash: path for path, page_hash in self._pages.items()}
        self._page = named.get(said.new_session.page_script_hash, self._page)

    def _take(self, said: ForwardMsg) -> None:
        element, fragment = said.delta.new_element, said.delta.fragment_id
        kind = element.WhichOneof("type")
        if kind == "html":
            for part in PART.findall(element.html.body):
                for act, of in ACT.findall(element.html.body):
                    self._acts[act] = (part, html.unescape(of))
            for found in MESSAGE.findall(element.html.body):
                if found not in self._known:
                    self._known.add(found)
                    self.seen(found)
        elif kind == "button":
            self._buttons[element.button.label] = Widget(element.button.id, fragment)
        elif kind == "text_input":
            self._texts[element.text_input.label] = Widget(element.text_input.id, fragment)
            if element.text_input.label == "Password":
                self.failure = "the sign-in form"
        elif kind == "multiselect":
            drawn = element.multiselect
            now = [drawn.options[each] for each in drawn.default]
            if drawn.set_value:
                now = list(drawn.raw_values)
            self._choices[drawn.label] = (Widget(drawn.id, fragment), now)
        elif kind == "bidi_component":
            data = json.loads(element.bidi_component.json)
            # Another component than a bell has no ticket.
            if "ticket" in data:
                self._hang(Widget(element.bidi_component.id, fragment), data)

    # -- news -------------------------------------------------------------------------------------

    def _hang(self, widget: Widget, data: dict[str, Any]) -> None:
        known = self._bells.get(data["name"])
        self._bells[data["name"]] = (widget, data)
        if self._news is not None and (known is None or known[1]["ticket"] != data["ticket"]):
            self._start(self._tell(data))

    async def _tell(self, data: dict[str, Any]) -> None:
        opened = {data["name"]: [data["ticket"], data["mark"]]}
        with suppress(websockets.WebSocketException):
            await self._news.send(json.dumps({"open": opened}))

    async def _listen(self) -> None:
        try:
            self._news = await self._connect("/news", None)
            async for text in self._news:
                self.received_bytes += len(text)
                said = json.loads(text)
                if said.get("hello"):
                    for _, data in tuple(self._bells.values()):
                        await self._tell(data)
                for name in sorted(said.get("changed", ()), key=self._is_beside):
                    is_due = name in self._missing
                    # A former version does not say it.
                    self._missing[name] = said.get("mark", "")
                    if not is_due:
                        self._start(self._ring(name))
            self.failure = self.failure or "the news ended"
        except (websockets.WebSocketException, OSError) as fault:
            self.failure = f"news: {type(fault).__name__}"

    def _is_beside(self, name: str) -> bool:
        """Whether it waits for what one reads."""
        return name in self._bells and bool(self._bells[name][1].get("beside"))

    async def _ring(self, name: str) -> None:
        """Have the part run, once nothing has for a moment, unless a run has drawn it with what is told of."""
        await asyncio.sleep(max(0.0, self._ran_at + SETTLED_SECONDS - time.monotonic()))
        async with self._turn:
            missing = self._missing.pop(name)
            if name not in self._bells:
                return
            widget, data = self._bells[name]
            if missing and _has_read(data["mark"], missing):
                return
            rung = _event(widget, "rung", time.time())
            with suppress(Lost):
                await self._run_now(widget.fragment_id, rung)

    # -- connections ------------------------------------------------------------------------------

    async def _connect(self, path: str, protocols: Any) -> Any:
        return await websockets.connect(
            f"ws://127.0.0.1:{self.port}{path}",
            subprotocols=protocols,
            origin=f"http://127.0.0.1:{self.port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
            max_size=LARGEST,
            compression=None,
            open_timeout=PATIENCE_SECONDS,
        )

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
