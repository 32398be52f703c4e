"""Tags, assignment and notes: several people at once lose nothing of each other's, and every act can be taken back."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from operations.__main__ import main as command
from tests.app.conftest import Correspondence
from tests.long_form import LONG
from transform import build
from transform.models import Models
from warehouse import decisions
from warehouse.decisions import KEEP, Keep
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PEOPLE = ("mia", "noah", "zoe", "ali")
#: What is said to whom it is handed over; with the last one what stands there stays.
NOTES: tuple[str | Keep, ...] = ("", "call back", KEEP)
TAGS = ("Returns", "VIP", "עברית", "100 %_\\")
NUMBERS = tuple(f"+6149157{number:04}" for number in (6, 156, 157, 158, 159))

#: All that was decided, as it stands now.
LEDGER = "select decision_id, undone_at, undo_decision_id from crm.decisions order by 1"

Database = psycopg.Connection[Any]


@pytest.fixture
def database(correspondence: Correspondence) -> Iterator[Database]:
    """As pages and commands are signed in; five people wrote, three of them are customers."""
    for number in NUMBERS:
        correspondence.sms(number, f"hello from {number}", NOW)
    for number in NUMBERS[:3]:
        correspondence.customer(f"Customer {number}", f"phone:{number}")
    for name in PEOPLE:
        correspondence.user(name)
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as connection:
        yield connection


def person(name: str) -> Actor:
    return Actor(name=name, role="agent", session_id=f"s-{name}")


def conversations(database: Database) -> list[str]:
    rows = database.execute("select conversation_id from canonical.conversations order by 1")
    return [conversation_id for (conversation_id,) in rows.fetchall()]


def messages(database: Database) -> list[str]:
    rows = database.execute("select message_id from marts.messages order by 1")
    return [message_id for (message_id,) in rows.fetchall()]


def state(correspondence: Correspondence) -> list[tuple[Any, ...]]:
    """What analysts and readers see, and what stands behind it, in an order that a rebuild keeps."""
    in_force = queries("organise")["state_in_force"]
    return [
        *(
            (*row, *correspondence.execute(in_force, {"conversation_id": row[0]})[0])
            for row in correspondence.execute(
                "select conversation_id, assignee, tags from marts.conversations order by 1"
            )
        ),
        *correspondence.execute(
            "select conversation_id, assignee, state, due_at, note from crm.assignments where ended_at is null order by 1"
        ),
        *correspondence.execute(
            "select object_type, object_id, tag_id from crm.taggings where removed_at is null order by 1, 2, 3"
        ),
    ]


class OnePerson(threading.Thread):
    """Does at random what a person can do, and writes down what was decided."""

    def __init__(self, name: str, seed: int, settings: Settings, made: list[str]) -> None:
        super().__init__()
        self.actor, self.random, self.settings, self.made = (
            person(name), random.Random(f"{seed} {name}"), settings, made,
        )  # fmt: skip
        self.refused: Counter[str] = Counter()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self.settings.url_for(Role.APP), autocommit=True) as database:
                things, written = conversations(database), messages(database)
                for _ in range(40):
                    try:
                        decided = self.act(database, things, written)
                    except Refused as refusal:
                        self.refused[type(refusal).__name__] += 1
                    else:
                        if decided:
                            self.made.append(decided)
        except Exception as failure:
            self.failure = failure

    def act(self, database: Database, things: list[str], written: list[str]) -> str | None:
        chance, actor = self.random, self.actor
        it = chance.choice(things)
        match chance.choice(
            ("tag", "tag", "untag", "retag", "assign", "close", "reopen", "wait", "undo", "undo")
        ):
            case "tag":
                several = chance.sample([*things, *written], chance.choice((1, 1, 3)))
                made = decisions.tag_all(database, actor, several, chance.choice(TAGS))
                return next((each.decision_id for each in made if each.changed), None)
            case "untag":
                on = chance.choice([it, chance.choice(written)])
                return decisions.untag(database, actor, on, chance.choice(TAGS)).decision_id
            case "retag":
                on, off = chance.sample(TAGS, 2)
                made = decisions.retag(database, actor, it, on=[on], off=[off])
                return next((each.decision_id for each in made if each.changed), None)
            case "assign":
                # Handed over by whoever looked first, with a note now and then.
                seen = decisions.standing(database, it)
                return decisions.assign(
                    database, actor, it,
                    assignee=chance.choice((*PEOPLE, None)), note=chance.choice(NOTES),
                    due_at=chance.choice((None, NOW + timedelta(days=1))),
                    expected=seen["assignment_id"] if seen else None,
                ).decision_id  # fmt: skip
            case "undo":
                if not self.made:
                    return None
                return decisions.undo(database, actor, chance.choice(self.made), "r").decision_id
            case verb:
                made_so = {"close": "done", "reopen": "open", "wait": "waiting"}[verb]
                whose: list[str | Keep] = [actor.name, KEEP]
                return decisions.assign(
                    database, actor, it, assignee=chance.choice(whose), state=made_so
                ).decision_id


class TheyWrite(threading.Thread):
    """The customers write meanwhile, which opens again what was put aside."""

    def __init__(self, correspondence: Correspondence) -> None:
        super().__init__()
        self.correspondence = correspondence

    def run(self) -> None:
        for minute, number in enumerate(NUMBERS, start=1):
            at = NOW + timedelta(minutes=minute)
            self.correspondence.sms(number, f"hello again from {number}", at)


def told(database: Database) -> tuple[set[tuple[str, str]], dict[str, Any]]:
    """The state that the ledger tells, read in its order: tags by thread or message, and how each thread stands."""
    tags: set[tuple[str, str]] = set()
    standing: dict[str, Any] = {}
    with database.cursor(row_factory=dict_row) as cursor:
        changes = cursor.execute("select * from crm.decision_changes order by change_no").fetchall()
    for change in changes:
        data = change["data"]
        match change["action"]:
            case "conversation.tag" | "message.tag":
                assert (data["part"], data["tag_id"]) not in tags
                tags.add((data["part"], data["tag_id"]))
            case "conversation.untag" | "message.untag":
                tags.remove((data["part"], data["tag_id"]))
            case "conversation.assign":
                # Nobody's row was replaced by somebody who had not seen it.
                assert data["before"] == standing.get(data["thread_id"]), change
                standing[data["thread_id"]] = data["after"]
    return tags, {thread: row for thread, row in standing.items() if row}


@pytest.mark.parametrize("seed", range(1, 9 if LONG else 2))
def test_several_people_at_once_lose_nothing_and_a_rebuild_keeps_it(
    correspondence: Correspondence,
    database: Database,
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Tag, untag, hand over, close, reopen and undo in any order, while the customers write."""
    made: list[str] = []
    people = [OnePerson(name, seed, correspondence.settings, made) for name in PEOPLE]
    crowd = [*people, TheyWrite(correspondence)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert [each.failure for each in people if each.failure] == []
    assert len(made) > 60
    _hold_what_the_ledger_tells(database, made)

    # A rebuild, by the function or (in the long form) by the command itself, changes nothing of it.
    before = state(correspondence)
    stood = database.execute(LEDGER).fetchall()
    if LONG:
        monkeypatch.setenv("CRM_DATABASE_URL", correspondence.settings.admin_url)
        monkeypatch.setenv("CRM_MASTER_KEY", correspondence.settings.master_keys[0])
        monkeypatch.setenv("CRM_DATA_DIR", str(correspondence.settings.data_dir))
        assert command(["rebuild", "--json"]) == 0
    else:
        assert build.build(correspondence.settings, models).is_equal
    assert state(correspondence) == before
    assert database.execute(LEDGER).fetchall() == stood
    # And what was decided is still taken back by its decision.
    for decided in reversed(made):
        with suppress(Refused):
            decisions.undo(database, person("mia"), decided, "r")
            break
    else:
        pytest.fail("nothing could be undone")
    assert state(correspondence) != before


def _hold_what_the_ledger_tells(database: Database, made: list[str]) -> None:
    # Every decision is in the ledger once, and nothing is that nobody decided.
    entered = database.execute("select decision_id from crm.decisions").fetchall()
    assert sorted(made) == sorted(row[0] for row in entered)
    # Each has its event; of several things that were decided on together, each has one.
    assert database.execute(
        "select decision_id from crm.decisions as decided where ("
        "  select count(*) from crm.events where detail ->> 'decision_id' = decided.decision_id"
        ") <> case when undoes is null then ("
        "  select count(distinct (object_id, action)) from crm.decision_changes as changes"
        "  where changes.decision_id = decided.decision_id and action not like 'tag.%'"
        ") else 1 end"
    ).fetchall() == []  # fmt: skip
    assert database.execute(
        "select count(*) from crm.events where detail ? 'decision_id' and not exists ("
        " select from crm.decisions where decision_id = detail ->> 'decision_id')"
    ).fetchall() == [(0,)]
    # What is undone says by what; an undo that stands has undone something.
    assert database.execute(
        "select decision_id from crm.decisions as undone where undone_at is not null and not exists ("
        "select from crm.decisions as undo where undo.decision_id = undone.undo_decision_id"
        " and undo.undoes = undone.decision_id and undo.undone_at is null)"
    ).fetchall() == []  # fmt: skip
    assert database.execute(
        "select decision_id from crm.decisions as undo where undoes is not null and undone_at is null"
        " and not exists (select from crm.decisions as undone where undone.undo_decision_id = undo.decision_id)"
    ).fetchall() == []  # fmt: skip

    # The tables hold what the ledger tells, read in its order.
    tags, standing = told(database)
    assert tags == set(
        database.execute(
            "select object_id, tag_id from crm.taggings where removed_at is null"
        ).fetchall()
    )
    rows = database.execute(
        "select conversation_id, assignee, state, note from crm.assignments where ended_at is null"
    ).fetchall()
    assert {(thread, row["assignee"], row["state"], row["note"]) for thread, row in standing.items()} == set(rows)  # fmt: skip


def test_every_act_is_undone_exactly_and_made_again(
    correspondence: Correspondence, database: Database
) -> None:
    """Back to the beginning by undo, and to the end again by undoing those."""
    things, written = conversations(database), messages(database)
    made: list[str] = []
    states = []
    one = OnePerson("mia", 7, correspondence.settings, [])
    while len(made) < 25:
        states.append(state(correspondence))
        decided = None
        with suppress(Refused):
            decided = one.act(database, things, written)
        if decided:
            made.append(decided)
        else:
            states.pop()
    states.append(state(correspondence))
    undone = []
    for decided, before in zip(reversed(made), reversed(states[:-1]), strict=True):
        undone.append(decisions.undo(database, person("noah"), decided, "r").decision_id)
        assert state(correspondence) == before
    for decided, after in zip(reversed(undone), states[1:], strict=True):
        decisions.undo(database, person("zoe"), decided, "r")
        assert state(correspondence) == after


def test_the_second_is_told_what_the_first_did(database: Database) -> None:
    it = conversations(database)[0]
    mia, noah = person("mia"), person("noah")
    first = decisions.assign(
        database,
        mia,
        it,
        assignee="zoe",
        state="waiting",
        note="rings back on Monday",
        expected=None,
    )
    with pytest.raises(
        decisions.Overtaken, match="mia was first: .* gave it to zoe, waiting, saying: rings back"
    ):
        decisions.assign(database, noah, it, assignee="noah", expected=None)
    # The same twice is no second decision; and who looked again may.
    again = decisions.assign(
        database, noah, it, assignee="zoe", state="waiting", note="rings back on Monday"
    )
    assert not again.changed
    assert decisions.assign(
        database, noah, it, assignee="noah", expected=first.assignment_id
    ).changed
    with pytest.raises(decisions.InTheWay, match="noah decided"):
        decisions.undo(database, mia, str(first.decision_id), "r")

    customer = database.execute("select customer_id from crm.customers limit 1").fetchone()
    assert customer
    noted = decisions.note(database, mia, "likes tea\n\nand biscuits", customer_id=customer[0])
    changed = decisions.change_note(database, noah, noted.note_id, "likes coffee", expected=1)
    with pytest.raises(decisions.Overtaken, match="noah wrote the note anew .*: likes coffee"):
        decisions.change_note(database, mia, noted.note_id, "likes water", expected=1)
    removed = decisions.remove_note(database, mia, noted.note_id, expected=2)
    with pytest.raises(decisions.Overtaken, match="mia took the note away"):
        decisions.change_note(database, noah, noted.note_id, "x", expected=2)
    for undo_of in (removed, changed):
        decisions.undo(database, noah, undo_of.decision_id, "r")
    assert database.execute(
        "select body, version from crm.notes where ended_at is null"
    ).fetchall() == [("likes tea\n\nand biscuits", 4)]


def test_tags_are_renamed_and_merged_and_parted(
    correspondence: Correspondence, database: Database
) -> None:
    one, two = conversations(database)[:2]
    mia, admin = person("mia"), Actor(name="root", role="admin")
    decisions.tag(database, mia, one, "Return")
    assert not decisions.tag(database, mia, one, " RETURN ").changed
    decisions.tag(database, mia, two, "Returns")
    ids = dict(database.execute("select name, tag_id from crm.tags").fetchall())
    shown = "select tags from marts.conversations where conversation_id = any(%s) order by conversation_id"
    merged = decisions.merge_tags(database, admin, ids["Return"], ids["Returns"], expected=1)
    assert correspondence.execute(shown, [[one, two]]) == [(["Returns"],), (["Returns"],)]
    renamed = decisions.change_tag(
        database, admin, ids["Returns"], name="Sent back", colour="red", description="d", expected=1
    )
    with pytest.raises(decisions.Overtaken, match="Sent back"):
        decisions.change_tag(
            database, admin, ids["Returns"], name="X", colour="red", description="", expected=1
        )
    assert correspondence.execute(shown, [[one, two]]) == [(["Sent back"],), (["Sent back"],)]
    for decided in (merged, renamed):
        decisions.undo(database, admin, str(decided), "r")
    assert correspondence.execute(shown, [[one, two]]) == [(["Return"],), (["Returns"],)]
    # Taking the first tagging back takes its tag away too, unless somebody uses it by now.
    first = decisions.tag(database, mia, one, "Once")
    decisions.undo(database, mia, str(first.decision_id), "r")
    names = "select name from crm.tags where removed_at is null order by 1"
    assert database.execute(names).fetchall() == [("Return",), ("Returns",)]
    for name, said in (("", "empty"), ("x" * 51, "longer"), ("\0 \n", "empty")):
        with pytest.raises(Refused, match=said):
            decisions.tag(database, mia, one, name)
    with pytest.raises(Refused, match="no conversation and no message"):
        decisions.tag(database, mia, "sms|nothing", "x")


def test_one_event_and_one_notice_each(
    correspondence: Correspondence, database: Database, admin: Database
) -> None:
    it = conversations(database)[0]
    (message,) = correspondence.execute("select message_id from marts.messages order by 1 limit 1")
    (customer,) = correspondence.execute("select customer_id from crm.customers limit 1")
    mia = person("mia")
    admin.execute("listen crm_changed")
    decisions.tag(database, mia, it, "A")
    decisions.tag(database, mia, message[0], "A")
    decisions.assign(database, mia, it, assignee="noah")
    decisions.assign(database, mia, it, assignee="noah", state="done")
    decisions.note(database, mia, "n", customer_id=customer[0])
    decisions.note(database, mia, "n", conversation_id=it)
    told = [notice.payload for notice in admin.notifies(timeout=3, stop_after=7)]
    assert len(told) == 6
    assert all('"beside": true' in payload for payload in told)
    actions = correspondence.execute(
        "select action from crm.events where actor = 'mia' order by at"
    )
    assert [action for (action,) in actions] == [
        "conversation.tag", "message.tag", "conversation.assign", "conversation.close", "note.add", "note.add",
    ]  # fmt: skip
