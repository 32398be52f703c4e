"""The people of `./crm bench staff`, in a process of their own: one order on standard input, one answer.

    {"port", "cookies": [people], "idle_cookies": [idle tabs], "customers": [ids], "open_customers": [ids], "seconds",
     "think_seconds", "seed", "pressed": None or {"actions", "at_once", "stay", "say_each"}}

The tabs begin on the timelines of `open_customers`, in turns; an idle one stays there.

    {"actions": {name: [seconds]}, "seen": [[message_id, perf_counter]], "lost": {why: n}, "received_bytes",
     "idle_bytes", "opened_seconds"}

Each person does one thing after the other, with pauses of `think_seconds` on average (exponential), each of a mix:
timelines, older pages, searches, lists, the queue, and deciding who somebody is.

`pressed` is time pressed together (benchmarks/hours.py): so many actions of all of them without a pause, so many
at once, and whoever has done `stay` of them leaves and comes with a new page. A line `{"done"}` each `say_each`
actions.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from benchmarks.staff_tab import Lost, Tab

#: What is done, and how often of a hundred times.
MIX = {
    "open a timeline": 35,
    "older messages": 15,
    "search a customer": 20,
    "list of customers": 10,
    "the queue": 14,
    "decide who it is": 4,
    "make a customer": 2,
}
#: Pages are opened one after the other, as people come to work.
OPENED_PER_SECOND = 10.0
WORDS = ("0491 570", "customer 1", "+61 2 5550", "sales", "nobody at all", "customer 23")


@dataclass
class Notes:
    """What all of them went through."""

    actions: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seen: list[tuple[str, float]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    def see(self, message_id: str) -> None:
        self.seen.append((message_id, time.perf_counter()))


class Pressed:
    """What all of them have still to do, where time is pressed together."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.stay: int = order["stay"]
        self.at_once = asyncio.Semaphore(order["at_once"])
        self._left: int = order["actions"]
        self._finished = 0
        self._say_each: int = order["say_each"]

    def take(self) -> bool:
        """Whether there was one left to take."""
        self._left -= 1
        return self._left >= 0

    def finish(self) -> None:
        """Call once for each that was taken: others are under way meanwhile, so only what is over is counted."""
        self._finished += 1
        if self._finished % self._say_each == 0:
            print(json.dumps({"done": self._finished}), flush=True)


class Person:
    """One person with one page, who works until told to stop."""

    def __init__(self, tab: Tab, order: dict[str, Any], notes: Notes, number: int) -> None:
        self._tab, self._order, self._notes = tab, order, notes
        self._chance = random.Random(f"{order['seed']} {number}")

    async def press_on(self, pressed: Pressed) -> None:
        """One thing behind the other without a pause, while there is something to do."""
        done = self._chance.randrange(pressed.stay)
        while True:
            async with pressed.at_once:
                if not pressed.take():
                    return
                try:
                    if done and done % pressed.stay == 0:
                        await self._come_anew()
                    await self._act()
                except (Lost, OSError, TimeoutError) as why:
                    self._notes.lost[str(why) or type(why).__name__] += 1
                    await self._come_anew()
                done += 1
                pressed.finish()
            # Whoever waits is next.
            await asyncio.sleep(0)

    async def _come_anew(self) -> None:
        left = self._tab
        await left.close()
        self._tab = Tab(left.port, left.cookie)
        await self._tab.open("timeline", customer=self._chance.choice(self._order["customers"]))

    async def _act(self) -> None:
        (name,) = self._chance.choices([*MIX], [*MIX.values()])
        self._notes.actions[name].append(await self._do(name))

    async def leave(self) -> None:
        await self._tab.close()

    async def work(self, until: float) -> None:
        try:
            while True:
                pause = self._chance.expovariate(1 / self._order["think_seconds"])
                if time.monotonic() + pause > until:
                    return
                await asyncio.sleep(pause)
                await self._act()
        except Lost as why:
            self._notes.lost[str(why)] += 1

    async def _do(self, name: str) -> float:
        tab = self._tab
        if name == "older messages" and tab.has("Earlier"):
            return await tab.click("Earlier") or 0.0
        if name == "search a customer":
            await tab.go("")
            return await tab.type_into("Search customers", self._chance.choice(WORDS))
        if name == "list of customers":
            return await tab.go("")
        if name in ("the queue", "decide who it is", "make a customer"):
            took = await tab.go("unassigned")
            if name == "the queue" or not tab.can("decide"):
                return took
            took = await tab.press("decide")
            # Without the field somebody else has decided meanwhile.
            if name == "decide who it is" or not tab.asks("Name"):
                return took
            await tab.type_into("Name", f"Made {self._chance.random():.9f}")
            return await tab.click("Make customer") or 0.0
        return await tab.go("timeline", customer=self._chance.choice(self._order["customers"]))


async def _opened(tabs: list[Tab], notes: Notes, customers: list[str]) -> list[Tab]:
    """Those that came in, each on the timeline of one of the customers."""
    came = []
    for number, tab in enumerate(tabs):
        began = time.monotonic()
        try:
            await tab.open("timeline", customer=customers[number % len(customers)])
            came.append(tab)
        except (Lost, OSError, TimeoutError) as why:
            notes.lost[f"never in: {why or type(why).__name__}"] += 1
        await asyncio.sleep(max(0.0, 1 / OPENED_PER_SECOND - (time.monotonic() - began)))
    return came


def received(tabs: list[Tab]) -> int:
    """Bytes so far."""
    return sum(tab.received_bytes for tab in tabs)


async def run(order: dict[str, Any]) -> dict[str, Any]:
    """Everybody comes, says so with one line, works, and leaves."""
    notes = Notes()
    began = time.monotonic()
    idle = [Tab(order["port"], cookie, notes.see) for cookie in order["idle_cookies"]]
    # Who comes to a timeline later sees its messages late, and that is no delay.
    tabs = [Tab(order["port"], cookie) for cookie in order["cookies"]]
    idle = await _opened(idle, notes, order["open_customers"])
    tabs = await _opened(tabs, notes, order["open_customers"])
    people = [Person(tab, order, notes, number) for number, tab in enumerate(tabs)]
    opened_seconds = time.monotonic() - began
    notes.seen.clear()
    print(json.dumps({"opened": len(idle) + len(tabs)}), flush=True)
    before = [received(each) for each in (tabs, idle)]
    if order.get("pressed"):
        pressed = Pressed(order["pressed"])
        await asyncio.gather(*(each.press_on(pressed) for each in people))
    else:
        until = time.monotonic() + order["seconds"]
        await asyncio.gather(*(each.work(until) for each in people))
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    for tab in idle:
        if tab.failure:
            notes.lost[tab.failure] += 1
    after = [received(each) for each in (tabs, idle)]
    await asyncio.gather(*(each.leave() for each in people), *(tab.close() for tab in idle))
    return {
        "actions": notes.actions,
        "seen": notes.seen,
        "lost": notes.lost,
        "received_bytes": after[0] - before[0],
        "idle_bytes": after[1] - before[1],
        "opened_seconds": opened_seconds,
    }


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(asyncio.run(run(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
