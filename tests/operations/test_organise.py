"""`./crm tag`, `untag`, `assign` and `note`: what they print, what they leave, and that undo takes each back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import add_connections, inbound
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]
Database = psycopg.Connection[Any]


@pytest.fixture
def conversation(warehouse: Settings, admin: Database, fold_now: Callable[[], int]) -> str:
    """One conversation with a customer, and somebody who may work on it."""
    add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('sam', 'Sam', 't')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l', 'd', 'phone:+61491570006', 'sam', 't', 't')"
    )
    admin.execute(
        "insert into crm.users (user_name, display_name, email, role, password_hash)"
        " values ('kim', 'Kim', 'kim@example.com', 'agent', 'x')"
    )
    inbound(1).insert(admin)
    fold_now()
    ((conversation_id,),) = admin.execute(
        "select conversation_id from marts.conversations"
    ).fetchall()
    return str(conversation_id)


@pytest.fixture
def said(crm: Crm) -> Callable[..., dict[str, Any]]:
    """What a command that succeeds prints with --json."""

    def run(*arguments: str) -> dict[str, Any]:
        status, out, err = crm(*arguments, "--json")
        assert (status, err) == (0, ""), err
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    return run


Said = Callable[..., dict[str, Any]]


def standing(admin: Database) -> tuple[Any, ...]:
    """What analysts see of the one conversation."""
    ((assignee, tags),) = admin.execute("select assignee, tags from marts.conversations").fetchall()
    return assignee, tags


def events(admin: Database) -> list[tuple[Any, ...]]:
    return admin.execute(
        "select action, detail ->> 'decision_id' from crm.events where actor like 'cli:%' order by at"
    ).fetchall()


def test_a_tag_comes_and_goes(said: Said, admin: Database, conversation: str) -> None:
    made = said("tag", conversation, "VIP")
    assert (made["object_type"], made["object_id"], made["tag"], made["changed"]) == (
        "conversation", conversation, "VIP", True,
    )  # fmt: skip
    assert standing(admin) == (None, ["VIP"])
    # What it bears already is no decision.
    again = said("tag", conversation, "vip")
    assert (again["changed"], again["decision_id"]) == (False, None)
    gone = said("untag", conversation, "VIP")
    assert (gone["changed"], standing(admin)) == (True, (None, []))
    assert said("undo", gone["decision_id"])["action"] == "conversation.untag"
    assert standing(admin) == (None, ["VIP"])
    assert [decided for _, decided in events(admin)][:2] == [
        made["decision_id"],
        gone["decision_id"],
    ]


def test_a_message_bears_a_tag_of_its_own(said: Said, admin: Database, conversation: str) -> None:
    ((message_id,),) = admin.execute("select message_id from marts.messages").fetchall()
    made = said("tag", message_id, "quote", "--message")
    assert (made["object_type"], made["object_id"]) == ("message", message_id)
    assert standing(admin) == (None, [])
    assert said("untag", message_id, "quote", "--message")["changed"] is True


def test_somebody_is_given_a_conversation(said: Said, admin: Database, conversation: str) -> None:
    made = said("assign", conversation, "kim", "--state", "waiting", "--due", "2026-12-24")
    assert (made["conversation_id"], made["assignee"], made["state"], made["changed"]) == (
        conversation, "kim", "waiting", True,
    )  # fmt: skip
    # A day is meant where the business is.
    assert made["due_at"].startswith("2026-12-24 00:00:00+11:00")
    assert standing(admin) == ("kim", [])
    # Who gives it to somebody else and says no more leaves how it stands, until when, and what they should know.
    admin.execute(
        "insert into crm.users select 'lee', 'Lee', 'lee@example.com', role, 'x' from crm.users"
    )
    noted = said("assign", conversation, "kim", "--note", "rings back")
    given = said("assign", conversation, "lee")
    for each in (noted, given):
        assert (each["state"], each["note"]) == ("waiting", "rings back")
        # The same moment, in whatever zone it is said.
        assert datetime.fromisoformat(each["due_at"]) == datetime.fromisoformat(made["due_at"])
    assert standing(admin) == ("lee", [])
    emptied = said("assign", conversation, "lee", "--note", "", "--due", "")
    assert (emptied["state"], emptied["note"], emptied["due_at"]) == ("waiting", "", None)
    for decided in (emptied, given, noted):
        said("undo", decided["decision_id"])
    assert said("undo", made["decision_id"])["action"] == "conversation.assign"
    assert standing(admin) == (None, [])


def test_a_note_is_kept_with_a_customer_or_a_conversation(
    said: Said, admin: Database, conversation: str
) -> None:
    first = said("note", "sam", "prefers the phone")
    second = said("note", conversation, "asked twice", "--conversation")
    notes = "select note_id, object_type, body from crm.notes where ended_at is null order by body"
    assert admin.execute(notes).fetchall() == [
        (second["note_id"], "conversation", "asked twice"),
        (first["note_id"], "customer", "prefers the phone"),
    ]
    assert said("undo", first["decision_id"])["customer_ids"] == ["sam"]
    assert [row[0] for row in admin.execute(notes).fetchall()] == [second["note_id"]]


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (("tag", "nowhere", "VIP"), "nowhere"),
        (("tag", "HERE", " "), "empty"),
        (("untag", "HERE", "never made"), "never made"),
        (("assign", "HERE", "nobody-of-ours"), "nobody-of-ours"),
        (("assign", "HERE", "kim", "--state", "asleep"), "asleep"),
        (("assign", "HERE", "kim", "--due", "soon"), "--due 'soon' is no date"),
        (("note", "nobody", "text"), "nobody"),
        (("note", "sam", "  "), "empty"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_one_line(
    crm: Crm, admin: Database, conversation: str, arguments: tuple[str, ...], because: str
) -> None:
    given = [conversation if each == "HERE" else each for each in arguments]
    status, out, err = crm(*given, "--json")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert because in err
    assert events(admin) == []
