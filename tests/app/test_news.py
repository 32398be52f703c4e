"""What changed since a page read: never too little, also after a break; and tickets that nobody can forge."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from app.access.roles import UserRole
from app.live import changes, stream, topics
from app.live.changes import Change, House
from tests.app.conftest import Correspondence
from tests.event_loops import apart


class Heard:
    """A listener that writes down what it is told."""

    def __init__(self, session_id: str = "s1", user_name: str = "kim") -> None:
        self.session_id, self.user_name = session_id, user_name
        self.told: list[str | None] = []

    def tell(self, topic: str | None, change: Change) -> None:
        self.told.append(topic)

    def look_again(self) -> None:
        self.told.append("look again")

    def end(self) -> None:
        self.told.append("end")


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    made = House()
    made.hears = True
    monkeypatch.setattr(changes, "house", made)
    return made


def test_only_those_concerned_are_told(house: House) -> None:
    sam, kim = Heard(), Heard()
    for listener, customer in ((sam, "sam"), (kim, "kim")):
        house.join(listener)
        house.open(listener, topics.timeline(customer))
    house.changed([topics.timeline("sam")], Change.FOLDED)
    assert (sam.told, kim.told) == ([topics.timeline("sam")], [])
    house.changed_everything(Change.BESIDE)
    assert (sam.told[1:], kim.told) == ([None], [None])
    house.leave(sam, [topics.timeline("sam")])
    house.changed([topics.timeline("sam")], Change.FOLDED)
    assert len(sam.told) == 2


def test_what_may_wait_is_counted_so_that_all_of_it_together_is_read_at_a_pace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "house", house)
    assert stream._patient_pace() == stream.LIST_PACE_SECONDS
    people = [Heard() for _ in range(30)]
    for listener in people:
        house.open(listener, topics.QUEUE)
        house.open(listener, topics.about("sam"))
        house.open(listener, topics.about("sam"))
        house.open(listener, topics.timeline("sam"))
    assert house.patient == 60
    assert stream._patient_pace() == 60 / stream.LIST_RUNS_PER_SECOND
    for listener in people:
        house.leave(listener, [topics.QUEUE, topics.about("sam"), topics.timeline("sam")])
    assert house.patient == 0


def test_what_came_between_is_seen_and_nothing_else(house: House) -> None:
    mark = house.mark
    assert house.since("timeline a", mark) is None
    house.changed(["timeline a"], Change.FOLDED)
    later = house.mark
    assert house.since("timeline a", mark) is Change.FOLDED
    assert house.since("timeline b", mark) is None
    assert house.since("timeline a", later) is None
    house.changed(["timeline a"], Change.DECIDED)
    house.changed(["timeline a"], Change.FOLDED)
    assert house.since("timeline a", mark) is Change.DECIDED
    house.deaf()
    assert house.since("timeline b", later) is Change.BESIDE
    house.hearing()
    assert house.since("timeline b", later) is Change.DECIDED


def test_another_process_and_a_former_life_count_as_a_break(house: House) -> None:
    assert house.since("timeline a", House().mark) is Change.DECIDED
    assert house.since("timeline a", "") is Change.DECIDED
    assert house.since("timeline a", f"{house.name}.x") is Change.BESIDE


def test_what_is_forgotten_counts_as_changed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_TOPICS", 3)
    mark = house.mark
    house.changed([f"timeline {n}" for n in range(4)], Change.FOLDED)
    assert all(house.since(f"timeline {n}", mark) is Change.FOLDED for n in range(4))


@pytest.mark.parametrize(
    ("channel", "payload", "told"),
    [
        ("crm_changed", '{"fold": 3, "identities": ["i"], "customers": ["sam"]}', ["timeline sam"]),
        ("crm_changed", '{"fold": 3, "identities": ["i"], "customers": ["kim"]}', []),
        ("crm_changed", '{"fold": 3, "many": true}', [None]),
        ("crm_changed", '{"identities": [], "customers": ["sam"]}', ["timeline sam"]),
        ("crm_changed", '{"beside": true, "customers": ["sam"]}', ["timeline sam"]),
        ("crm_changed", "no JSON", [None]),
        ("crm_changed", "[1]", [None]),
        ("crm_media", '{"connection": "c", "message": "of sam"}', ["timeline sam"]),
        ("crm_media", '{"connection": "c", "message": "of nobody"}', []),
        ("crm_media", "", [None]),
        ("crm_health", "", []),
        ("crm_people", '{"session": "s1"}', ["look again"]),
        ("crm_people", '{"user": "kim"}', ["look again"]),
        ("crm_people", '{"user": "robin"}', []),
    ],
)
def test_notices(house: House, channel: str, payload: str, told: list[Any]) -> None:
    listener = Heard()
    house.join(listener)
    house.open(listener, topics.timeline("sam"))
    whose = {"of sam": ["sam"]}
    apart(lambda: changes._hear(channel, payload, lambda message: whose.get(message, [])))
    assert listener.told == told


def test_a_worker_that_is_silent_is_told_of_once_and_so_is_one_that_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is heard alone: nobody asks the database whether it lives."""
    silent = 0.6
    monkeypatch.setattr(changes, "SILENT_SECONDS", silent)
    listener = Heard()
    house.join(listener)
    house.open(listener, topics.CONNECTIONS)

    async def told_while(words: int, pause: float) -> int:
        before = len(listener.told)
        for _ in range(words):
            await changes._hear("crm_watched", "", lambda _: [])
            await asyncio.sleep(pause)
        return len(listener.told) - before

    async def run() -> None:
        # Nobody speaks from the beginning, which may be since the page was read.
        house.await_watchdog()
        await asyncio.sleep(3 * silent)
        assert listener.told == [topics.CONNECTIONS]
        # One that comes is told of, and no word of it after that.
        assert await told_while(8, silent / 4) == 1
        assert await told_while(1, 3 * silent) == 1
        assert await told_while(8, silent / 4) == 1
        # While nobody is heard nothing is told, whoever is silent.
        house.deaf()
        before = len(listener.told)
        await asyncio.sleep(2 * silent)
        assert len(listener.told) == before

    apart(run)


def test_what_turns_red_tells_and_what_stays_as_it_is_does_not(
    correspondence: Correspondence,
) -> None:
    owner = correspondence.session()
    heard: list[str] = []

    def told(channel: str, statement: str) -> int:
        heard.clear()
        owner.execute(f"listen {channel}".encode())
        owner.execute(statement.encode())
        heard.extend(each.channel for each in owner.notifies(timeout=0.2))
        owner.execute(b"unlisten *")
        return len(heard)

    def watched(missing: int) -> str:
        since = "now()" if missing else "null"
        return (
            "insert into jobs.fold_watch (folded_until, missing, missing_since)"
            f" values (now(), {missing}, {since}) on conflict (only_row) do update"
            " set checked_at = now(), missing = excluded.missing, missing_since = excluded.missing_since"
        )

    def outside(problem: str) -> str:
        return (
            f"insert into jobs.outside (what, problem) values ('address', '{problem}') on conflict (what)"
            " do update set checked_at = now(), problem = excluded.problem"
        )

    def folded(error: str) -> str:
        return f"insert into canonical.folds (finished_at, error) values (now(), {error})"

    assert [told("crm_watched", watched(0)) for _ in range(3)] == [1, 1, 1]
    for statements, expected in (
        ([watched(0), watched(2), watched(3), watched(0), watched(0)], [0, 1, 0, 1, 0]),
        ([outside(""), outside(""), outside("x"), outside("x"), outside("")], [0, 0, 1, 0, 1]),
        ([folded("null"), folded("'messages: broken'")], [0, 1]),
    ):
        assert [told("crm_health", each) for each in statements] == expected, statements


def test_every_writer_tells(correspondence: Correspondence, admin: psycopg.Connection[Any]) -> None:
    correspondence.user("kim")
    session = (
        "insert into crm.sessions (session_id, token_hash, user_name, expires_at)"
        " values ('s1', 'x', 'kim', now() + interval '1 hour')"
    )
    for channel, statement, payload in (
        ("crm_people", "update crm.users set role = 'viewer'", '{"user": "kim"}'),
        ("crm_people", "update crm.users set disabled_at = now()", '{"user": "kim"}'),
        ("crm_people", "update crm.sessions set revoked_at = now()", '{"session": "s1"}'),
        ("crm_people", "delete from crm.sessions", '{"session": "s1"}'),
        ("crm_health", "insert into jobs.connection_health (connection_id, job) values ('c', 'pull')", ""),
        ("crm_health", "update crm.connections set name = 'another'", ""),
    ):  # fmt: skip
        if "sessions" in statement and "update" in statement:
            admin.execute(session)
        admin.execute(f"listen {channel}".encode())
        admin.execute(statement.encode())
        assert [each.payload for each in admin.notifies(timeout=30, stop_after=1)] == [payload]
        admin.execute("unlisten *")
    # Whoever only looks about tells nobody.
    admin.execute("listen crm_people")
    admin.execute(session)
    admin.execute("update crm.sessions set last_seen_at = now()")
    admin.execute("update crm.users set display_name = 'Kim'")
    assert list(admin.notifies(timeout=0.3)) == []


def test_a_ticket_is_for_one_session_and_one_topic(correspondence: Correspondence) -> None:
    ticket = topics.ticket("s1", UserRole.AGENT, topics.timeline("sam"))
    assert topics.topic_of(ticket, "s1") == (UserRole.AGENT, topics.timeline("sam"))
    assert topics.topic_of(ticket, "s2") is None
    mac = ticket[: topics.MAC_CHARACTERS]
    for forged in (
        "",
        "x",
        mac,
        f"{mac}timeline kim",
        f"{mac}queue",
        f"{'0' * 32}timeline sam",
        "é" * 40,
    ):
        assert topics.topic_of(forged, "s1") is None
