"""People who decide on one app and read it back on the other, whatever becomes of them.

Each puts a tag on, sets a conversation done or opens it again, or makes a customer with their number, in turns, on the
pages of the app as a browser has them (benchmarks/staff_tab.py); then opens the page anew on the other app, or on the
one that lives, where the decision must be seen at the first sight. A page that is lost is opened again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets import WebSocketException

from benchmarks.staff_tab import Lost, Tab

#: Between two decisions of a person.
PAUSE_SECONDS = 0.1
AGAIN_SECONDS = 0.1
#: What a page says while it cannot be drawn, and of what was not done.
AWAY, REFUSED = "The database does not answer", "nothing was changed"
SIGNED_OUT = ("signed out", "the sign-in form")
TAGS = "Tags"
#: For so long a decision is looked for before nobody saw it.
LOOK_SECONDS = 30.0


class Page(Tab):
    """A page of which one knows what is written on it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.written: list[str] = []

    def says(self, words: str) -> bool:
        return any(words in each for each in self.written)

    def _begin(self, said: Any) -> None:
        super()._begin(said)
        if not said.metadata.run.fragment_ids:
            self.written.clear()

    def _take(self, said: Any) -> None:
        super()._take(said)
        element = said.delta.new_element
        if element.WhichOneof("type") == "html":
            self.written.append(element.html.body)
        elif element.WhichOneof("type") == "alert":
            self.written.append(element.alert.body)


async def _pressed(page: Page, label: str) -> None:
    """
    Raises:
        LookupError: there is no such button any more.
    """
    if await page.click(label) is None:
        raise LookupError(label)


@dataclass
class Noted:
    """What all of them went through."""

    #: Decisions that the page did not refuse, by kind.
    decided: dict[str, int] = field(default_factory=dict)
    #: By whom, how many of them.
    decided_by: dict[str, int] = field(default_factory=dict)
    #: The page went with the click: whether it was decided is seen by the next look.
    unknown_by: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    #: The page said that nothing was changed, and it was.
    told_wrongly: list[str] = field(default_factory=list)
    #: Own decisions that the next sight did not show.
    unseen: list[str] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    #: Pages that ended in the middle, or said that the database does not answer.
    lost: int = 0
    away: int = 0
    #: Of each page that was wanted: when, by the monotonic clock, and after how many seconds it was there.
    sights: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """One kind of decision: where it is made, how, and how it is seen on a page."""

    name: str
    act: Callable[[Page], Any]
    is_seen: Callable[[Page], object]
    #: Whether what is decided on stands on the page.
    is_drawn: Callable[[Page], object]
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    #: What is typed into the search of the list of customers to see it.
    search: str = ""


class Decider:
    """One person, with a session and a conversation of their own."""

    def __init__(
        self, index: int, name: str, cookie: str, customer_id: str, ports: Sequence[int], noted: Noted
    ) -> None:  # fmt: skip
        self.index, self.name, self._cookie, self._customer_id = index, name, cookie, customer_id
        self._ports, self._noted = ports, noted
        self._turn, self._number = index, 0
        #: How often all three kinds were gone through and seen.
        self.rounds = 0

    async def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for kind in (self._tag, self._assign, self._link):
                self._number += 1
                await self._decide(kind(), stop)
                await asyncio.sleep(PAUSE_SECONDS)
                if stop.is_set():
                    return
            self.rounds += 1

    # -- what is decided ----------------------------------------------------------------------------

    def _tag(self) -> Kind:
        """One of their own put on in place of the one before."""
        tag = f"{self.name} {self._number:05d}"

        async def put(page: Page) -> None:
            await page.choose(TAGS, [tag])

        return Kind(
            "tag", put, lambda page: tag in (page.chosen(TAGS) or ()),
            lambda page: page.chosen(TAGS) is not None,
            "timeline", {"customer": self._customer_id},
        )  # fmt: skip

    def _assign(self) -> Kind:
        """Done, or open again, whichever it is not."""
        then: list[str] = []

        async def press(page: Page) -> None:
            now = "Reopen" if page.has("Reopen") else "Done"
            then.append("Done" if now == "Reopen" else "Reopen")
            await _pressed(page, now)

        return Kind(
            "assign", press, lambda page: page.has(then[0]),
            lambda page: page.has("Done") or page.has("Reopen"),
            "timeline", {"customer": self._customer_id},
        )  # fmt: skip

    def _link(self) -> Kind:
        """A customer with a number that nobody else has."""
        name = f"Made by {self.name} {self._number:05d}"

        async def make(page: Page) -> None:
            await _pressed(page, "New customer")
            await page.type_into("Name", name)
            await page.type_into("Phone", f"04{self.index:02d}{self._number:06d}")
            await _pressed(page, "Make customer")

        return Kind(
            "link", make, lambda page: page.says(name), lambda page: page.has("New customer"),
            search=name,
        )  # fmt: skip

    async def _decide(self, kind: Kind, stop: threading.Event) -> None:
        """Decide it, and look for it on the other app."""
        noted, it = self._noted, f"{kind.name}, {self.name} {self._number}"
        page = await self._opened(kind, stop.is_set)
        if page is None:
            return
        is_refused = is_lost = False
        try:
            await kind.act(page)
            is_refused = page.says(REFUSED)
            is_lost = not is_refused and page.says(AWAY)
        except Lost as why:
            self._lose(why)
            is_lost = True
        except LookupError:
            # A run in between drew the page without what was to be pressed.
            is_lost = True
        finally:
            await page.close()
        self._turn += 1
        deadline = time.monotonic() + LOOK_SECONDS
        seen = await self._opened(kind, lambda: time.monotonic() > deadline, kind.search)
        is_there = seen is not None and bool(kind.is_seen(seen))
        if seen is not None:
            await seen.close()
        if is_refused:
            noted.refused += 1
        if is_refused and is_there:
            noted.told_wrongly.append(it)
        if is_refused or is_lost:
            # That it is not seen says nothing of the kind that nobody decided.
            noted.unknown_by[self.name] = noted.unknown_by.get(self.name, 0) + 1
            return
        noted.decided[kind.name] = noted.decided.get(kind.name, 0) + 1
        noted.decided_by[self.name] = noted.decided_by.get(self.name, 0) + 1
        if not is_there:
            noted.unseen.append(it)

    # -- pages --------------------------------------------------------------------------------------

    async def _opened(
        self, kind: Kind, is_over: Callable[[], bool], search: str = ""
    ) -> Page | None:
        """The page, from whichever app gives it; None where it is over before."""
        began = time.monotonic()
        while not is_over():
            page = Page(self._ports[self._turn % len(self._ports)], self._cookie)
            try:
                await page.open(kind.path, **kind.query)
                if search and not page.says(AWAY):
                    await page.type_into("Search customers", search)
                if not page.says(AWAY) and kind.is_drawn(page):
                    self._noted.sights.append((began, time.monotonic() - began))
                    return page
                self._noted.away += 1
            except Lost as why:
                self._lose(why)
            except (OSError, TimeoutError, LookupError, WebSocketException):
                self._noted.lost += 1
            with suppress(OSError, WebSocketException):
                await page.close()
            self._turn += 1
            await asyncio.sleep(AGAIN_SECONDS)
        return None

    def _lose(self, why: Lost) -> None:
        if str(why) in SIGNED_OUT:
            self._noted.signed_out.append(f"{self.name}: {why}")
        else:
            self._noted.lost += 1


class Deciders:
    """All of them at work, in a thread of their own, until the block ends."""

    def __init__(self, people: dict[str, tuple[str, str]], ports: Sequence[int]) -> None:
        """
        Args:
            people: name -> header of their cookie, customer whose conversation is theirs.
        """
        self.noted = Noted()
        self.people = [
            Decider(index, name, *each, ports, self.noted)
            for index, (name, each) in enumerate(people.items())
        ]
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def rounds(self) -> int:
        """How often each of them at least has gone through all kinds."""
        if self._failure:
            raise self._failure
        return min(person.rounds for person in self.people)

    def __enter__(self) -> Deciders:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(person.work(self._stop) for person in self.people))

        try:
            asyncio.run(all_of_them())
        except BaseException as failure:
            self._failure = failure
