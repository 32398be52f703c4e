"""Runs of pages, in orders that happen under load, held until they happen: no page is taken away, no click and no end of a
run is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.script_data import ScriptData
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)

from app.serving import runs
from tests.event_loops import apart

SCRIPT = """
from tests.app import test_runs
test_runs.draw()
"""
PATIENCE_SECONDS = 60
QUIET_SECONDS = 0.1


@dataclass
class Gate:
    """A place of a page at which a run waits, once it is shut."""

    is_shut: bool = False
    arrived: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def shut(self) -> None:
        self.is_shut = True

    def open(self) -> None:
        self.opened.set()

    def pass_by(self) -> None:
        if self.is_shut:
            self.arrived.set()
            assert self.opened.wait(PATIENCE_SECONDS)


#: Of the test that runs.
gates: dict[str, Gate] = {}
acts: list[str] = []


# -- the pages ------------------------------------------------------------------------------------


@st.fragment
def everywhere() -> None:
    acts.append("everywhere")
    st.write("everywhere")


@st.fragment
def of_first() -> None:
    gates["of_first"].pass_by()
    st.write("of the first page")
    st.button("Act", key="act", on_click=act)
    if st.toggle("Chosen"):
        acts.append("chosen")


def act() -> None:
    gates["act"].pass_by()
    # Whoever acts reads what stands in the fields.
    acts.append(f"acted on {st.session_state['what']}")


def first() -> None:
    st.session_state.setdefault("what", "it")
    of_first()
    acts.append("whole")
    st.checkbox("Of the page")


def second() -> None:
    gates["second"].pass_by()
    st.write("the second page")


def draw() -> None:
    page = st.navigation([st.Page(first, default=True), st.Page(second)])
    everywhere()
    page.run()


# -- who opens them -------------------------------------------------------------------------------


class Visitor:
    """What a browser does, message by message."""

    def __init__(self, script: Path) -> None:
        self.session = AppSession(
            ScriptData(str(script), is_hello=False), MemoryUploadedFileManager("/upload"), ScriptCache(), None, {}
        )  # fmt: skip
        self.heard: list[ForwardMsg] = []
        self.parts: dict[str, str] = {}
        self.button = ""
        self.boxes: dict[str, str] = {}

    async def ends(self) -> None:
        """Until nothing runs, and all is heard."""
        quiet_since = time.monotonic()
        until = quiet_since + PATIENCE_SECONDS
        # Between a run and the one that waits for its end nothing runs for a moment, which is long on a busy machine.
        while (moment := time.monotonic()) - quiet_since < QUIET_SECONDS:
            assert moment < until
            if self.session._scriptrunner is not None:
                quiet_since = moment
            await asyncio.sleep(0.005)
        for message in self.session.flush_browser_queue():
            self.heard.append(message)
            element = message.delta.new_element
            if element.WhichOneof("type") == "markdown":
                self.parts[element.markdown.body] = message.delta.fragment_id
            if element.WhichOneof("type") == "button":
                self.button = element.button.id
            if element.WhichOneof("type") == "checkbox":
                self.boxes[element.checkbox.label] = element.checkbox.id

    def ends_unheard(self) -> ScriptRunner:
        """Until the run has ended; nothing of what it said is heard as long as the event loop is held."""
        runner = self.session._scriptrunner
        assert runner is not None
        assert runner._script_thread is not None
        runner._script_thread.join(PATIENCE_SECONDS)
        return runner

    def ask(self, page: str, part: str = "", *, clicked: bool = False, **chosen: bool) -> None:
        """For a run of a page, or of the part of it that says this; with how boxes stand that were touched."""
        state = ClientState(
            page_script_hash=self.hash_of(page), fragment_id=self.parts.get(part, "")
        )
        if clicked:
            state.widget_states.widgets.append(WidgetState(id=self.button, trigger_value=True))
        for label, value in chosen.items():
            state.widget_states.widgets.append(
                WidgetState(id=self.boxes[label.replace("_", " ")], bool_value=value)
            )
        self.session.request_rerun(state)

    def hash_of(self, page: str) -> str:
        pages = self.session.get_pages().values()
        return next(
            (each["page_script_hash"] for each in pages if each.get("page_name") == page), ""
        )

    def shown(self) -> list[str]:
        """The page of each run, as the browser hears it: one that is not the last takes that away."""
        return [
            each.new_session.page_script_hash for each in self.heard if each.HasField("new_session")
        ]

    def ended(self) -> list[list[str]]:
        """The parts of which each run has said that it has ended."""
        return [
            list(each.metadata.run.fragment_ids)
            for each in self.heard
            if each.WhichOneof("type") == "script_finished"
        ]


async def arrives(gate: str) -> None:
    assert await asyncio.to_thread(gates[gate].arrived.wait, PATIENCE_SECONDS)


@pytest.fixture
def visit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[Visitor], Awaitable[None]]], None]]:
    runs.keep_in_order()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)
    monkeypatch.setattr(Runtime, "_instance", None)
    Runtime(
        RuntimeConfig(
            str(script), None, MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload")
        )
    )  # fmt: skip
    gates.update({name: Gate() for name in ("of_first", "act", "second")})
    acts.clear()

    def visits(does: Callable[[Visitor], Awaitable[None]]) -> None:
        async def whole() -> None:
            visitor = Visitor(script)
            visitor.ask("")
            await visitor.ends()
            visitor.heard.clear()
            acts.clear()
            await does(visitor)
            visitor.session.shutdown()

        apart(whole)

    yield visits
    for gate in gates.values():
        gate.open()


Visit = Callable[[Callable[[Visitor], Awaitable[None]]], None]


def test_a_part_that_waits_while_another_page_comes_does_not_take_that_away(visit: Visit) -> None:
    async def does(visitor: Visitor) -> None:
        gates["second"].shut()
        visitor.ask("second")
        await arrives("second")
        visitor.ask("first", "of the first page")
        gates["second"].open()
        await visitor.ends()
        assert set(visitor.shown()) == {visitor.hash_of("second")}
        # Also where it comes later still.
        visitor.ask("first", "of the first page")
        await visitor.ends()
        assert set(visitor.shown()) == {visitor.hash_of("second")}

    visit(does)


def test_a_part_of_both_pages_runs_on_the_one_that_came(visit: Visit) -> None:
    async def does(visitor: Visitor) -> None:
        gates["second"].shut()
        visitor.ask("second")
        await arrives("second")
        visitor.ask("first", "everywhere")
        gates["second"].open()
        await visitor.ends()
        visitor.ask("first", "everywhere")
        await visitor.ends()
        assert set(visitor.shown()) == {visitor.hash_of("second")}
        assert visitor.ended() == [[], [visitor.parts["everywhere"]], [visitor.parts["everywhere"]]]
        assert acts == ["everywhere"] * 3

    visit(does)


def test_a_page_that_has_not_begun_comes_although_a_part_is_asked_for_beside_it() -> None:
    runs.keep_in_order()
    requests = ScriptRequests()
    requests.request_rerun(RerunData(query_string="customer=1", page_script_hash="new"))
    requests.request_rerun(
        RerunData(query_string="list=mine", page_script_hash="left", fragment_id="part")
    )
    request = requests.on_scriptrunner_ready()
    assert request.type == ScriptRequestType.RERUN
    assert request.rerun_data.page_script_hash == "new"
    assert request.rerun_data.query_string == "customer=1"
    assert request.rerun_data.fragment_id_queue == []


def test_a_click_that_waits_is_answered_for_although_another_page_is_asked_for(
    visit: Visit,
) -> None:
    async def does(visitor: Visitor) -> None:
        gates["of_first"].shut()
        visitor.ask("first", "of the first page")
        await arrives("of_first")
        visitor.ask("first", "of the first page", clicked=True)
        visitor.ask("second")
        gates["of_first"].open()
        await visitor.ends()
        assert [each for each in acts if each.startswith("acted")] == ["acted on it"]
        assert visitor.shown()[-1] == visitor.hash_of("second")

    visit(does)


def test_a_click_that_has_begun_to_be_answered_for_is_so_to_its_end(visit: Visit) -> None:
    async def does(visitor: Visitor) -> None:
        gates["act"].shut()
        visitor.ask("first", "of the first page", clicked=True)
        await arrives("act")
        visitor.ask("second")
        gates["act"].open()
        await visitor.ends()
        assert [each for each in acts if each.startswith("acted")] == ["acted on it"]

    visit(does)


def test_a_run_is_heard_to_its_end_although_the_next_one_is_asked_for_at_once(visit: Visit) -> None:
    async def does(visitor: Visitor) -> None:
        visitor.ask("first", "of the first page")
        visitor.ends_unheard()
        visitor.ask("first", "everywhere")
        visitor.ask("first", "of the first page", clicked=True)
        await visitor.ends()
        part, other = visitor.parts["of the first page"], visitor.parts["everywhere"]
        assert visitor.ended()[0] == [part]
        assert {each for ended in visitor.ended()[1:] for each in ended} == {part, other}
        assert acts.count("acted on it") == 1

    visit(does)


def test_what_was_touched_in_another_part_at_the_same_moment_runs_too(visit: Visit) -> None:
    async def does(visitor: Visitor) -> None:
        one, other = visitor.parts["everywhere"], visitor.parts["of the first page"]
        # Clicked, then chosen; and what stands as it stood is no reason.
        visitor.ask("first", "everywhere", clicked=True, Chosen=False)
        await visitor.ends()
        assert acts == ["acted on it", "everywhere"]
        visitor.ask("first", "everywhere", Chosen=True)
        await visitor.ends()
        assert acts[2:] in (["everywhere", "chosen"], ["chosen", "everywhere"])
        visitor.ask("first", "everywhere", Chosen=True)
        await visitor.ends()
        assert acts[4:] == ["everywhere"]
        assert [set(each) for each in visitor.ended()] == [{one, other}, {one, other}, {one}]

    visit(does)


def test_the_whole_page_runs_where_something_of_no_part_was_chosen_at_the_same_moment(
    visit: Visit,
) -> None:
    async def does(visitor: Visitor) -> None:
        visitor.ask("first", "everywhere", Of_the_page=True)
        await visitor.ends()
        visitor.ask("first", "everywhere", Of_the_page=True)
        await visitor.ends()
        assert acts == ["everywhere", "whole", "everywhere"]
        assert [len(each) for each in visitor.ended()] == [0, 1]

    visit(does)


def test_what_was_asked_for_first_comes_first_although_it_waited(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that waits for the end of a run said how all fields stood; behind a later word it took that back."""
    monkeypatch.setattr(runs, "LOOK_SECONDS", 0.3)

    async def does(visitor: Visitor) -> None:
        visitor.ask("first", "everywhere")
        runner = visitor.ends_unheard()
        acts.clear()
        visitor.ask("first", "everywhere", Chosen=False)
        for _ in range(10_000):
            if visitor.session._scriptrunner is not runner:
                break
            await asyncio.sleep(0)
        visitor.ask("first", "of the first page", Chosen=True)
        await visitor.ends()
        await asyncio.sleep(1)
        await visitor.ends()
        assert acts in (["everywhere", "chosen"], ["everywhere", "everywhere", "chosen"])
        assert acts[-1] == "chosen"

    visit(does)
