"""What threads hand to the loop arrives in its order, whole, and wakes it as seldom as can be."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession

from app.serving import waking
from tests.event_loops import apart


class Counted:
    """A loop that counts how often another thread wakes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.woken, self.told = loop, 0, list[str]()

    def call_soon_threadsafe(self, call: Any, *arguments: Any) -> None:
        self.woken += 1
        self.loop.call_soon_threadsafe(call, *arguments)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.told.append(str(context["exception"]))


def test_calls_of_a_thread_are_made_in_their_order_and_wake_the_loop_once() -> None:
    async def run() -> None:
        together, made = waking.Together(), list[int]()
        loop: Any = Counted(asyncio.get_running_loop())

        def draw() -> None:
            for number in range(1_000):
                together.call(loop, lambda number=number: made.append(number))  # type: ignore[misc]

        for _ in range(2):
            loop.woken = 0
            made.clear()
            drawing = threading.Thread(target=draw)
            drawing.start()
            # The loop is at something else all the while.
            drawing.join()
            assert (made, loop.woken) == ([], 1)
            await asyncio.sleep(0.01)
            assert made == [*range(1_000)]

    apart(run)


def test_of_many_threads_none_is_lost_and_a_call_that_fails_stops_no_other() -> None:
    async def run() -> None:
        together, made = waking.Together(), list[tuple[int, int]]()
        loop: Any = Counted(asyncio.get_running_loop())

        def draw(by: int) -> None:
            for number in range(2_000):
                together.call(loop, lambda number=number: made.append((by, number)))  # type: ignore[misc]

        def fails() -> None:
            raise ValueError("of one call")

        threads = [threading.Thread(target=draw, args=(by,)) for by in range(4)]
        together.call(loop, fails)
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.01)
        assert len(made) == 8_000
        for by in range(4):
            assert [number for each, number in made if each == by] == [*range(2_000)]
        assert loop.told == ["of one call"]

    apart(run)


def test_the_framework_hands_its_elements_over_so(monkeypatch: Any) -> None:
    """By the names that the installed version has; another one would be served as it is, and slowly."""
    for of, name in (
        (AppSession, "_call_soon_on_event_loop"),
        (Runtime, "_enqueued_some_message"),
    ):
        monkeypatch.setattr(of, name, getattr(of, name))
    before = AppSession._call_soon_on_event_loop, Runtime._enqueued_some_message
    waking.wake_once()
    assert AppSession._call_soon_on_event_loop is not before[0]
    assert Runtime._enqueued_some_message is not before[1]
