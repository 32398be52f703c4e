"""The lists of work: who stands in which, who comes first, and that no list walks a table that grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app import act, act_identity, work
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from app.work import Which
from tests.app.conftest import Correspondence
from tests.dbt_project.test_plans import nodes
from warehouse.decisions import InTheWay, Overtaken
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Role

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)
NUMBERS = {name: f"+6149157{place:04}" for place, name in enumerate(("sam", "mai", "kim", "ali", "old"), 110)}  # fmt: skip


@pytest.fixture
def there(correspondence: Correspondence) -> dict[str, str]:
    """Five people who wrote, Sam longest ago of those within the month; we answered Ali. Conversations by name."""
    correspondence.folds_at_once = False
    for hours, name in ((50, "sam"), (20, "mai"), (5, "kim"), (3, "ali")):
        correspondence.sms(NUMBERS[name], f"{name} asks", NOW - timedelta(hours=hours))
    correspondence.sms(NUMBERS["ali"], "we answer", NOW - timedelta(hours=1), ours=True)
    correspondence.sms(NUMBERS["old"], "long ago", LONG_AGO)
    correspondence.fold()
    correspondence.customer("Sam", f"phone:{NUMBERS['sam']}")
    correspondence.user("mia")
    rows = correspondence.execute(
        "select counterpart_identity, conversation_id from canonical.conversations"
    )
    known = {identity.partition(":")[2]: it for identity, it in rows}
    return {name: known[number] for name, number in NUMBERS.items()}


def names(viewer: Viewer, which: Which, there: dict[str, str], days: int = 30) -> list[str]:
    found = work.work(viewer, which, days, NOW - timedelta(hours=10))
    by_id = {it: name for name, it in there.items()}
    assert found.counts[which.value] == len(found.rows)
    return [by_id[row["conversation_id"]] for row in found.rows]


def test_who_stands_where_and_who_comes_first(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    assert names(agent, Which.UNASSIGNED, there) == ["sam", "mai", "kim"]
    assert names(agent, Which.OPEN, there, days=36_500) == ["old", "sam", "mai", "kim"]
    assert names(agent, Which.NEW, there) == ["kim"]
    assert names(agent, Which.MINE, there) == names(agent, Which.WAITING, there) == []

    seen = {there["sam"]: act.Seen(), there["ali"]: act.Seen()}
    assert act.assign(agent, seen, assignee="agent") == 2
    # Whoever waits for us comes first; whom we answered after.
    assert names(agent, Which.MINE, there) == ["sam", "ali"]
    assert names(agent, Which.UNASSIGNED, there) == ["mai", "kim"]
    late, soon = NOW - timedelta(days=1), NOW + timedelta(days=1)
    act.assign(agent, {there["mai"]: act.Seen()}, due_at=soon)
    act.assign(agent, {there["kim"]: act.Seen()}, state="waiting", due_at=late)
    assert names(agent, Which.DUE, there) == ["kim", "mai"]
    assert names(agent, Which.WAITING, there) == ["kim"]
    assert work.work(agent, Which.DUE, 30, NOW).counts["overdue"] == 1

    # What is done is gone, until they write again.
    (sam,) = (row for row in work.work(agent, Which.MINE, 30, NOW).rows if row["name"] == "Sam")
    act.assign(agent, {there["sam"]: act.Seen(assignment_id=sam["assignment_id"])}, state="done")
    assert names(agent, Which.MINE, there) == ["ali"]
    correspondence.sms(NUMBERS["sam"], "and another thing", NOW)
    correspondence.sms(NUMBERS["kim"], "here I am", NOW)
    correspondence.fold()
    assert names(agent, Which.MINE, there) == ["sam", "ali"]
    assert names(agent, Which.WAITING, there) == []
    assert names(agent, Which.UNASSIGNED, there) == ["mai", "kim"]


def saw(viewer: Viewer, which: Which, it: str) -> dict[str, act.Seen]:
    """A conversation as it stands on a list, for what somebody decides on there."""
    row = next(
        row for row in work.work(viewer, which, 30, NOW).rows if row["conversation_id"] == it
    )
    return {it: act.Seen(assignment_id=row["assignment_id"], newest_key=row["last_sort_key"])}


def test_what_is_kept_is_what_is_in_force(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    """What the customer opened again meanwhile is handed over open, and what nobody saw is not put aside."""
    sam = there["sam"]
    act.assign(agent, {sam: act.Seen()}, assignee="agent", state="done", note="paid")
    ((done,),) = correspondence.execute("select assignment_id from crm.assignments")
    correspondence.sms(NUMBERS["sam"], "one more thing", NOW)
    correspondence.fold()
    seen = {sam: act.Seen(assignment_id=done)}
    act.assign(agent, seen, assignee="mia")
    stands = "select assignee, state, note from crm.assignments where ended_at is null"
    assert correspondence.execute(stands) == [("mia", "open", "paid")]
    assert sam in {row["conversation_id"] for row in work.work(agent, Which.OPEN, 30, NOW).rows}

    # They write between the look and the click: what was seen is done, what was not opens it again.
    seen = saw(agent, Which.OPEN, sam)
    correspondence.sms(NUMBERS["sam"], "and another", NOW + timedelta(seconds=1))
    correspondence.fold()
    act.assign(agent, seen, state="done")
    (row,) = (
        row for row in work.work(agent, Which.OPEN, 30, NOW).rows if row["conversation_id"] == sam
    )
    assert row["state"] == "open"
    # Who saw that, too, is done with it.
    act.assign(agent, saw(agent, Which.OPEN, sam), state="done")
    assert names(agent, Which.OPEN, there) == ["mai", "kim"]
    # A note may say anything, also what looks like a sign of ours.
    act.assign(agent, saw(agent, Which.OPEN, there["mai"]), note="*")
    assert ("*",) in correspondence.execute("select note from crm.assignments where ended_at is null")  # fmt: skip


def test_tags_of_one_gesture_are_one_decision(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    act.retag(agent, there["sam"], on={"VIP", "Returns"}, off=())
    act.retag(agent, there["sam"], on={"Late"}, off={"VIP", "Returns"})
    tags = "select tags from marts.conversations where conversation_id = %s"
    assert correspondence.execute(tags, [there["sam"]]) == [(["Late"],)]
    made = correspondence.execute("select decision_id from crm.decisions order by at")
    assert len(made) == 2
    act.undo(agent, made[1][0], "r")
    ((back,),) = correspondence.execute(tags, [there["sam"]])
    assert sorted(back) == ["Returns", "VIP"]


def test_what_came_in_is_new_until_it_stood_on_the_screen(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    since = NOW - timedelta(hours=30)

    def new() -> work.Work:
        return work.work(agent, Which.NEW, 30, since)

    def whose(found: work.Work) -> set[str]:
        return {name for name, it in there.items() if it in {row["conversation_id"] for row in found.rows}}  # fmt: skip

    shown = new()
    assert whose(shown) == {"mai", "kim"}
    # While they look: one writes again, and one comes in that was sent before all of what is shown.
    correspondence.sms(NUMBERS["kim"], "are you there?", NOW)
    correspondence.sms(NUMBERS["sam"], "sent long before it came", NOW - timedelta(hours=25))
    correspondence.fold()
    work.looked(agent, shown, since)
    assert whose(new()) == {"kim", "sam"}
    # And this is so for whoever opens the page anew; not for somebody else, who has seen nothing.
    assert work.looked_at(agent) <= since
    mia = correspondence.signed_in("mia")
    assert whose(work.work(mia, Which.NEW, 30, since)) == {"mai", "kim", "sam"}
    # Of a list that is cut the rest was not seen.
    part = new()
    part.rows.pop()
    work.looked(agent, part, since)
    assert len(new().rows) == 1
    work.looked(agent, new(), since)
    assert new().rows == []
    assert new().counts["new"] == 0
    # What is too old to be new needs no line any more.
    correspondence.execute(
        "insert into crm.seen_conversations values ('agent', 'long ago', 'key', now() - interval '40 days')"
    )
    work.looked(agent, new(), since)
    seen = "select count(*) from crm.seen_conversations where user_name = 'agent'"
    assert correspondence.execute(seen) == [(3,)]
    assert new().rows == []


def test_of_several_all_or_none_is_changed(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    seen = dict.fromkeys(there.values(), act.Seen())
    act.assign(agent, {there["mai"]: act.Seen()}, state="waiting")
    with pytest.raises(Overtaken, match="agent was first"):
        act.assign(agent, seen, assignee="agent")
    assert correspondence.execute("select count(*) from crm.assignments") == [(1,)]
    assert act.tag(agent, list(there.values()), "VIP") == 5
    assert act.tag(agent, list(there.values()), "VIP") == 0
    # One decision for all of them, undone at once.
    ((decision_id, changes),) = correspondence.execute(
        "select decision_id, count(*) from crm.decision_changes where action = 'conversation.tag' group by 1"
    )
    assert changes == 5
    act.undo(agent, decision_id, "r")
    assert correspondence.execute("select count(*) from marts.conversations where tags <> '{}'") == [(0,)]  # fmt: skip
    with pytest.raises(Refused, match="undone already"):
        act.undo(agent, decision_id, "r")


def test_who_may_only_read_decides_nothing(
    correspondence: Correspondence, there: dict[str, str]
) -> None:
    viewer = correspondence.signed_in("vic", "viewer")
    for change in (
        lambda: act.tag(viewer, [there["sam"]], "VIP"),
        lambda: act.assign(viewer, {there["sam"]: act.Seen()}, assignee="agent"),
        lambda: act.note(viewer, "n", conversation_id=there["sam"]),
        lambda: act.undo(viewer, "x", "r"),
    ):
        with pytest.raises(Forbidden, match="viewer"):
            change()


def test_the_panel_shows_what_was_decided_and_by_whom(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    ((customer,),) = correspondence.execute("select customer_id from crm.customers")
    act.note(agent, "prefers mornings", customer_id=customer)
    act.tag(agent, [there["sam"]], "VIP")
    act.assign(agent, {there["sam"]: act.Seen()}, assignee="mia", note="rings on Monday")
    found = work.about(agent, customer, None)
    assert found.chosen is not None
    assert (found.chosen["conversation_id"], found.chosen["assignee"], found.chosen["note"]) == (
        there["sam"], "mia", "rings on Monday",
    )  # fmt: skip
    assert [tag["name"] for tag in found.chosen["tags"]] == ["VIP"]
    assert [note["body"] for note in found.notes] == ["prefers mornings"]
    assert [each["action"] for each in found.history] == [
        "conversation.assign", "conversation.tag", "note.add",
    ]  # fmt: skip
    before = len(correspondence.events("panel.view"))
    work.about(agent, customer, None, shown=found)
    assert len(correspondence.events("panel.view")) == before
    # What is nobody's has its panel too.
    assert work.about(agent, "", there["mai"], follows=True).chosen is not None
    assert (last := correspondence.events("panel.view")[-1])["customer_ids"] == []
    assert last["object_id"] == "nobody"
    first = found.history[-2]["decision_id"]
    act.tag(agent, [there["sam"]], "VIP", on=False)
    with pytest.raises(InTheWay, match="agent decided"):
        act.undo(agent, first, "r")


def test_the_panel_and_its_event_name_whose_the_conversation_is_by_now(
    correspondence: Correspondence, agent: Viewer, there: dict[str, str]
) -> None:
    """A line of a list is old: the conversation is somebody else's by the time that it is opened."""
    ((sam,),) = correspondence.execute("select customer_id from crm.customers")
    act.note(agent, "about Sam alone", customer_id=sam)
    kim = correspondence.customer("Kim")
    act_identity.take_away(agent, [f"phone:{NUMBERS['sam']}"], kim, reason="hers")
    found = work.about(agent, sam, there["sam"], follows=True)
    assert found.chosen is not None
    assert (found.customer_id, found.chosen["name"], found.notes) == (kim, "Kim", [])
    event = correspondence.events("panel.view")[-1]
    assert (event["object_id"], event["customer_ids"]) == (kim, [kim])
    # Beside Sam's timeline nothing of hers is shown.
    beside = work.about(agent, sam, there["sam"])
    assert (beside.customer_id, beside.chosen) == (sam, None)
    assert [note["body"] for note in beside.notes] == ["about Sam alone"]
    assert correspondence.events("panel.view")[-1]["customer_ids"] == [sam]


@pytest.fixture
def as_app(correspondence: Correspondence) -> Iterator[psycopg.Connection[Any]]:
    # Of a table with two rows the planner reads any index whole.
    correspondence.customer("Everybody")
    correspondence.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " select 'l' || n, 'd', 'email:' || n || '@example.com', customer_id, 't', 't'"
        " from crm.customers, generate_series(1, 3000) as n"
    )
    correspondence.execute("analyze crm.identity_links")
    url = correspondence.settings.url_for(Role.APP)
    with psycopg.connect(url, autocommit=True) as connection:
        # The other tables are small, where the planner would rather read them whole.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            connection.execute(f"set enable_{way} = off")  # type: ignore[arg-type]
        yield connection


#: Tables with a row for each tag or user, not for each message or decision.
SMALL = {"tags", "users"}
#: What remembers instead of reading.
WRITE = {"see", "look", "forget_seen"}
#: Indexes that hold nothing but what somebody has in hand.
BOUNDED = {"assignments_undone", "assignments_of_user", "assignments_due"}


def test_no_list_walks_a_table_that_grows(as_app: psycopg.Connection[Any]) -> None:
    some: dict[str, Any] = {
        "which": "open", "user_name": "agent", "since": NOW, "looked_at": NOW, "most": 2_000, "page_size": 50,
        "customer_id": "c", "customer_ids": ["c"], "conversation_id": "x", "places": ["x"], "message_id": "x", "roles": ["agent"],
        "id": "x", "object_type": "conversation", "object_ids": ["x"], "note_id": "n", "version": 1,
        "subjects": ["s"], "change_nos": [1], "decision_id": "d", "subject": "s",
    }  # fmt: skip
    asked = {name: text for name, text in queries("work").items() if name not in WRITE}
    asked |= {
        name: queries("organise")[name]
        for name in (
            "conversation_of",
            "message_of",
            "taggings_of",
            "standing_of",
            "state_in_force",
            "note_now",
        )
    }
    asked |= {name: queries("decisions")[name] for name in ["decided_later"]}
    walked = []
    for name, text in asked.items():
        row = as_app.execute(f"explain (format json) {text}", some).fetchone()  # type: ignore[arg-type]
        assert row is not None
        plan = row[0] if not isinstance(row[0], str) else json.loads(row[0])
        for node in nodes(plan[0]["Plan"]):
            table, index = node.get("Relation Name"), node.get("Index Name")
            is_scan = node["Node Type"] == "Seq Scan" or (
                "Index" in node["Node Type"] and "Index Cond" not in node and index not in BOUNDED
            )
            if is_scan and (table or index) and table not in SMALL:
                walked.append(f"{name}: {node['Node Type']} {table} {index}")
    assert walked == []
