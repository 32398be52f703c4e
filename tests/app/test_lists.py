"""The lists of work hold what a plain look at every conversation holds, whatever was decided, written and seen."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app import work
from app.access.sessions import Viewer
from app.work import Which
from tests.app.conftest import Correspondence

#: 1,000 by hand: CRM_TEST_FILTERS=1000.
COMBINATIONS = int(os.environ.get("CRM_TEST_FILTERS", "60"))
PEOPLE = ("agent", "mia", None)
Row = dict[str, Any]
COLUMNS = (
    "conversation_id", "last_at", "last_sort_key", "last_direction", "assignee", "stored", "until_key", "due_at", "seen_key",
)  # fmt: skip


def listed(row: Row, user: str, looked_at: datetime) -> dict[Which, bool]:
    """On which lists it stands, in plain words."""
    asking = row["last_direction"] == "inbound"
    stored = row["stored"] or "open"
    wrote_again = asking and row["last_sort_key"] > (row["until_key"] or "")
    state = "open" if wrote_again else stored
    return {
        Which.MINE: row["assignee"] == user and state != "done",
        Which.UNASSIGNED: row["assignee"] is None and state == "open",
        Which.OPEN: state == "open",
        Which.WAITING: state == "waiting",
        Which.DUE: row["due_at"] is not None and state != "done",
        Which.NEW: asking
        and row["last_at"] >= looked_at
        and row["last_sort_key"] > (row["seen_key"] or "")
        and state != "done",
    }


def in_order(which: Which) -> Callable[[Row], Any]:
    def of(row: Row) -> tuple[Any, ...]:
        longest_waiting = (
            row["last_direction"] != "inbound",
            row["last_at"],
            row["conversation_id"].encode(),
        )
        if which is Which.DUE:
            return (row["due_at"], *longest_waiting)
        if which is Which.NEW:
            return (-row["last_at"].timestamp(), *longest_waiting)
        return longest_waiting

    return of


def test_each_list_holds_what_a_look_at_every_conversation_holds(
    correspondence: Correspondence, agent: Viewer
) -> None:
    chance, now = random.Random(13), datetime.now(UTC).replace(microsecond=0)
    with correspondence.together():
        for number in range(45):
            at = now - timedelta(
                hours=chance.choice((1, 20, 100, 300, 1_000, 3_000, 9_000)) + number
            )
            correspondence.sms(f"+6125550{2000 + number}", "hello", at, ours=chance.random() < 0.4)
    correspondence.user("mia")
    ids = correspondence.execute("select conversation_id, last_sort_key, threads[1] from canonical.conversations order by 1")  # fmt: skip
    shown = 0
    for number in range(COMBINATIONS):
        if number % 10 == 0:
            _decide(correspondence, chance, now, ids)
        rows = [
            dict(zip(COLUMNS, row, strict=True))
            for row in correspondence.execute(
                "select conversations.conversation_id, last_at, last_sort_key, last_direction, assignee, state, until_key, due_at, seen_key"
                " from canonical.conversations as conversations"
                " left join crm.assignments as assignments on assignments.conversation_id = threads[1] and ended_at is null"
                " left join crm.seen_conversations as seen on seen.conversation_id = conversations.conversation_id"
                " and user_name = 'agent'"
            )
        ]
        which, days = chance.choice(list(Which)), chance.choice((1, 7, 30, 90, 36_500))
        looked_at = now - timedelta(hours=chance.choice((2, 50, 400, 5_000)))
        since = datetime.now(UTC) - timedelta(days=days)
        # Who wrote within the days, and whatever somebody has in hand.
        within = [
            row
            for row in rows
            if (row["last_direction"] == "inbound" and row["last_at"] >= since)
            or (row["stored"] or "done") != "done"
        ]
        expected = [row for row in within if listed(row, "agent", looked_at)[which]]
        found = work.work(agent, which, days, looked_at)
        assert [row["conversation_id"] for row in found.rows] == [
            row["conversation_id"] for row in sorted(expected, key=in_order(which))
        ], (which, days, looked_at)
        for each in Which:
            assert found.counts[each.value] == sum(
                listed(row, "agent", looked_at)[each] for row in within
            )
        shown += 0 < len(expected) < len(rows)
    assert shown > COMBINATIONS / 2


def _decide(
    correspondence: Correspondence, chance: random.Random, now: datetime, ids: list[tuple[Any, ...]]
) -> None:
    """Who has what, how it stands, until which message, what was seen: all of it anew."""
    correspondence.execute("truncate crm.assignments, crm.seen_conversations")
    for number, (conversation_id, newest, thread) in enumerate(ids):
        if chance.random() < 0.6:
            correspondence.execute(
                "insert into crm.assignments (assignment_id, conversation_id, assignee, state, due_at, until_key, assigned_by)"
                " values (%s, %s, %s, %s, %s, %s, 't')",
                [
                    f"a{number}",
                    thread,
                    chance.choice(PEOPLE),
                    chance.choice(("open", "waiting", "done")),
                    chance.choice(
                        (None, now + timedelta(hours=number), now - timedelta(hours=number))
                    ),
                    chance.choice((newest, "", newest[:-1])),
                ],
            )
        if chance.random() < 0.3:
            correspondence.execute(
                "insert into crm.seen_conversations (user_name, conversation_id, seen_key) values (%s, %s, %s)",
                [chance.choice(("agent", "mia")), conversation_id, chance.choice((newest, ""))],
            )
