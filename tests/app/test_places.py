"""What was decided of a conversation stands where it was decided, and every reader finds it there."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from app import act, read, read_identity, work
from app.access.sessions import Viewer
from app.work import Which
from tests.app.conftest import Correspondence
from tests.app.meta_events import CONNECTIONS, THEIR_NUMBER, whatsapp
from tests.app.test_work import NOW
from warehouse import decisions, search
from warehouse.events import Actor
from warehouse.filters import Filter
from warehouse.search_query import parse
from warehouse.settings import Role

PHONE = f"phone:+{THEIR_NUMBER}"
NOAH = Actor(name="noah", role="agent")


@pytest.fixture
def customer(correspondence: Correspondence) -> str:
    """One conversation of two threads: by number, and by id without it."""
    connection_id = correspondence.connect("whatsapp", **CONNECTIONS["whatsapp"])
    for number, with_number in enumerate((True, False)):
        message = whatsapp(
            "text",
            {"body": f"bike {number}"},
            message_id=f"wamid.{number}",
            with_number=with_number,
        )
        correspondence.land("whatsapp", connection_id, message)
    for name in ("mia", "noah"):
        correspondence.user(name)
    return correspondence.customer("Sam", PHONE)


def conversation(correspondence: Correspondence) -> tuple[str, list[str]]:
    ((conversation_id, threads),) = correspondence.execute(
        "select conversation_id, threads from canonical.conversations"
    )
    return conversation_id, threads


def assigned(correspondence: Correspondence, place: str, assignee: str, days_ago: int) -> None:
    correspondence.execute(
        "insert into crm.assignments (assignment_id, conversation_id, assignee, assigned_by, assigned_at)"
        " values (%s, %s, %s, 't', now() - make_interval(days => %s))",
        [f"{assignee} {place}", place, assignee, days_ago],
    )


def tagged(correspondence: Correspondence, object_type: str, object_id: str, name: str) -> None:
    correspondence.execute(
        "insert into crm.tags (tag_id, name, colour, created_by) values (%s, %s, 'red', 't')",
        [name, name],
    )
    correspondence.execute(
        "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by) values (%s, %s, %s, %s, 't')",
        [object_id, name, object_type, object_id],
    )


def found(correspondence: Correspondence, typed: str) -> list[str]:
    url = correspondence.settings.url_for(Role.APP)
    with psycopg.connect(url) as database:
        rows = search.find(database, parse(typed, ZoneInfo("Australia/Sydney"))).rows
    return sorted(row["body"] for row in rows)


def shown(viewer: Viewer, customer: str, **wanted: tuple[str, ...]) -> list[str]:
    opened = read.timeline(viewer, customer, Filter(**wanted))  # type: ignore[arg-type]
    assert opened is not None
    return [row["body"] for row in opened.messages]


def test_of_two_threads_the_last_decision_holds_for_every_reader(
    correspondence: Correspondence, agent: Viewer, customer: str
) -> None:
    _, (one, two) = conversation(correspondence)
    both = ["bike 0", "bike 1"]
    assigned(correspondence, one, "mia", 2)
    assigned(correspondence, two, "agent", 1)
    panel = work.about(agent, customer, None)
    assert panel.chosen is not None
    assert panel.chosen["assignee"] == "agent"
    assert correspondence.execute("select assignee from marts.conversations") == [("agent",)]
    assert len(work.work(agent, Which.MINE, 30, NOW).rows) == 1
    assert found(correspondence, "assigned:agent") == both
    assert found(correspondence, "assigned:mia") == []
    assert shown(agent, customer, assignees=("agent",)) == both
    assert shown(agent, customer, assignees=("mia",)) == []


def test_what_was_decided_under_the_id_of_the_conversation_stands(
    correspondence: Correspondence, agent: Viewer, customer: str
) -> None:
    """As before decisions were kept by thread, and where no thread bears that id."""
    conversation_id, _ = conversation(correspondence)
    correspondence.execute(
        "update canonical.conversations set threads = array_remove(threads, conversation_id)"
    )
    _, (thread,) = conversation(correspondence)
    assert thread != conversation_id
    correspondence.execute("delete from canonical.threads where thread_id <> %s", [thread])
    assigned(correspondence, conversation_id, "agent", 1)
    tagged(correspondence, "conversation", conversation_id, "VIP")
    panel = work.about(agent, customer, None)
    assert panel.chosen is not None
    assert (panel.chosen["assignee"], [tag["name"] for tag in panel.chosen["tags"]]) == ("agent", ["VIP"])  # fmt: skip
    assert correspondence.execute("select assignee, tags from marts.conversations") == [("agent", ["VIP"])]  # fmt: skip
    assert len(work.work(agent, Which.MINE, 30, NOW).rows) == 1
    assert found(correspondence, "tag:vip") == found(correspondence, "assigned:agent") == ["bike 1"]
    assert len(shown(agent, customer, tags=("VIP",), assignees=("agent",))) == 2
    # Decided anew it is kept by the thread, taken back it stands as before.
    act.assign(
        agent, {conversation_id: act.Seen(assignment_id=f"agent {conversation_id}")}, assignee="mia"
    )
    assert correspondence.execute("select assignee from marts.conversations") == [("mia",)]
    assert act.tag(agent, [conversation_id], "VIP", on=False) == 1
    assert correspondence.execute("select tags from marts.conversations") == [([],)]
    for (decision_id,) in correspondence.execute("select decision_id from crm.decisions where action ~ '^conversation'"):  # fmt: skip
        act.undo(agent, decision_id, "r")
    assert correspondence.execute("select assignee, tags from marts.conversations") == [("agent", ["VIP"])]  # fmt: skip


def test_a_message_that_bears_a_tag_is_found_by_it(
    correspondence: Correspondence, agent: Viewer, customer: str
) -> None:
    conversation_id, _ = conversation(correspondence)
    tagged(correspondence, "message", "whatsapp|wamid.0", "Receipt")
    assert found(correspondence, "tag:receipt") == ["bike 0"]
    assert found(correspondence, "tag:receipt bike") == ["bike 0"]
    assert found(correspondence, "tag:receipt 1") == []
    assert found(correspondence, "bike -tag:receipt") == ["bike 1"]
    assert found(correspondence, "tag:receipt -tag:receipt") == []
    assert shown(agent, customer, tags=("Receipt",)) == ["bike 0"]
    opened = read.timeline(agent, customer)
    assert opened is not None
    assert opened.choices["tags"] == ["Receipt"]
    act.tag(agent, [conversation_id], "VIP")
    # Of several any, whatever bears them.
    assert found(correspondence, "tag:receipt tag:vip") == ["bike 0", "bike 1"]
    assert shown(agent, customer, tags=("Receipt", "VIP")) == ["bike 0", "bike 1"]
    with psycopg.connect(correspondence.settings.url_for(Role.APP)) as database:
        meant = search.find(database, parse("tag:nothing", ZoneInfo("UTC"))).meant
    assert meant.notes == ("tag:nothing stands on no conversation and on no message.",)


def test_notes_of_all_who_were_merged_are_read_on_who_they_became(
    correspondence: Correspondence, agent: Viewer
) -> None:
    one, two, three = (correspondence.customer(f"Sam {number}") for number in (1, 2, 3))
    for number, each in enumerate((one, two, three)):
        act.note(agent, f"note {number}", customer_id=each)
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as database:
        decisions.merge(database, NOAH, one, two, reason="r")
        decisions.merge(database, NOAH, two, three, reason="r")
    notes = [row["body"] for row in work.about(agent, three, None).notes]
    assert notes == ["note 2", "note 1", "note 0"]
    card = read_identity.card(agent, three)
    assert card is not None
    assert {row["customer_id"] for row in card["merged"]} == {one, two}


def test_what_became_of_notes_on_a_strangers_conversation_is_told(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.sms("+61491570110", "who am I", NOW)
    ((conversation_id,),) = correspondence.execute(
        "select conversation_id from canonical.conversations"
    )
    act.note(agent, "rang twice", conversation_id=conversation_id)
    panel = work.about(agent, "", conversation_id)
    (note,) = panel.notes
    act.change_note(agent, note["note_id"], note["version"], None)
    panel = work.about(agent, "", conversation_id)
    assert panel.notes == []
    actions: list[Any] = [row["action"] for row in panel.history]
    assert actions == ["note.remove", "note.add"]
    act.undo(agent, panel.history[0]["decision_id"], "r")
    assert [row["body"] for row in work.about(agent, "", conversation_id).notes] == ["rang twice"]


def test_ones_own_older_work_and_what_is_due_stand_whatever_others_took_since(
    correspondence: Correspondence, agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST", 1)
    correspondence.folds_at_once = False
    for number in range(6):
        correspondence.sms(f"+6149157011{number}", f"message {number}", NOW)
    correspondence.fold()
    correspondence.user("mia")
    ids = [each for (each,) in correspondence.execute("select conversation_id from canonical.conversations order by 1")]  # fmt: skip
    for number, each in enumerate(ids):
        assigned(correspondence, each, "agent" if number == 0 else "mia", 100 - number)
    correspondence.execute(
        "update crm.assignments set due_at = now() where conversation_id = %s", [ids[1]]
    )
    # Nobody waits within the days that are asked for.
    mine, due = (work.work(agent, which, 0, NOW) for which in (Which.MINE, Which.DUE))
    assert [row["conversation_id"] for row in mine.rows] == [ids[0]]
    assert [row["conversation_id"] for row in due.rows] == [ids[1]]

    # And the list goes on behind its first page.
    monkeypatch.setattr(work, "MOST", 2_000)
    pages = [work.work(agent, Which.OPEN, 0, NOW, size=size) for size in (2, 4, 6)]
    assert [len(page.rows) for page in pages] == [2, 4, 6]
    assert {page.counts["open"] for page in pages} == {6}
    assert pages[2].rows[:2] == pages[0].rows
