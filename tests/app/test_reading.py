"""Nothing about a person is shown outside `reading`: a permission, a transaction and an event for every sight."""

from __future__ import annotations

import ast
import inspect
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

import app
from app import (
    around,
    attachments,
    database,
    examine,
    filtered,
    finding,
    read,
    read_account,
    read_events,
    read_identity,
    read_quality,
    read_saved,
    read_tags,
    work,
)
from app.access.roles import MATRIX, Forbidden, Permission, UserRole
from app.access.sessions import Viewer
from app.reading import reading
from tests.app.conftest import Correspondence
from warehouse.event_log import Asked
from warehouse.filters import Filter

FOLDER = Path(app.__file__).parent
ROOMS: list[ModuleType] = [
    read,
    filtered,
    finding,
    examine,
    attachments,
    around,
    read_account,
    read_events,
    read_identity,
    read_quality,
    read_saved,
    read_tags,
    work,
]
#: Rooms that read and are tried elsewhere.
ELSEWHERE = {
    "app.designed": "a route: tests/app/test_every_access.py",
    "app.importing": "what a list would do, for who imports it: tests/app/test_importing.py",
    "app.health": "how everything stands: tests/app/test_health.py",
    "app.read_connections": "what a provider answered: tests/app/test_connecting_browser.py",
    "app.read_jobs": "what the worker does: tests/app/test_health.py",
    "app.read_privacy": "what privacy officers answer for: tests/app/test_privacy_browser.py, and its routes in test_every_access.py",
    "app.read_users": "colleagues: tests/app/test_health.py",
    "app.matches": "draws what it reads: tests/app/test_jump_browser.py",
}
#: Sights that are another one's.
DELEGATED = {"app.finding.customers": "app.read.customers"}
#: Who takes a connection without reading for somebody, and why that is right.
OTHERS = {
    "database.py statements": "gives one for a statement by itself, to those who are named here",
    "database.py answers": "asks nothing but whether there is an answer",
    "server.py": "opens the pool at the start",
    "act.py deciding": "decisions, each with its event",
    "sessions.py": "who is signed in, by their own token",
    "sign_in.py": "who may sign in",
    "changing.py": "one's own password, proved a moment ago",
    "second_factor.py": "one's own second factor, for a code of it",
    "health.py report": "counts, for monitors",
    "read.py customers_of": "shown to nobody: decides which pages read again",
    "read.py warehouse_state": "about no person: how the fold stands",
    "reading.py reading": "the one way",
    "replica.py _written": "how far the log is written",
    "replica.py decided": "where in the log a session's last decision lies",
    "alerts.py look": "how everything stands, to be told to admins: tests/app/test_alerts.py",
    "alerts.py send_next": "the same, with the addresses of admins",
}


def sights() -> dict[str, Callable[..., Any]]:
    """Every function that shows something to a viewer, found by what it takes."""
    return {
        f"{room.__name__}.{name}": function
        for room in ROOMS
        for name, function in vars(room).items()
        if inspect.isfunction(function)
        and function.__module__ == room.__name__
        and not name.startswith("_")
        and "viewer" in inspect.signature(function).parameters
        and f"{room.__name__}.{name}" not in DELEGATED
    }


def test_every_room_that_reads_is_known() -> None:
    reading_rooms = {
        f"app.{path.relative_to(FOLDER).with_suffix('').as_posix().replace('/', '.')}"
        for path in FOLDER.rglob("*.py")
        if re.search(r"^from app\.reading import .*\breading\b", path.read_text(), re.MULTILINE)
    }
    assert reading_rooms == {room.__name__ for room in ROOMS} | set(ELSEWHERE)


def needed_for(name: str) -> Permission:
    """The permission that a sight asks for, as it is written in it."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(sights()[name]) or inspect))
    own = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def asked(function: str, seen: frozenset[str] = frozenset()) -> set[str]:
        found = set()
        for call in ast.walk(own[function]):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            if call.func.id == "reading":
                found.add(ast.unparse(call.args[1]).removeprefix("Permission."))
            elif call.func.id in own and call.func.id not in seen | {function}:
                found |= asked(call.func.id, seen | {function})
        return found

    (permission,) = asked(name.rpartition(".")[2])
    return Permission[permission]


def test_sights_are_found() -> None:
    assert {
        "app.read.customers", "app.read.timeline", "app.read.earlier_messages", "app.read.changed_messages",
        "app.read.unassigned", "app.examine.message", "app.examine.message_revisions", "app.examine.raw_row",
        "app.examine.connections", "app.examine.quarantined", "app.attachments.open_attachment",
    } <= set(sights())  # fmt: skip


@pytest.mark.parametrize("name", sorted(sights()))
def test_every_sight_is_within_reading(name: str) -> None:
    sight = sights()[name]
    tree = ast.parse(inspect.getsource(sight))
    # Or in a function of its own that it calls.
    own = vars(inspect.getmodule(sight))
    trees = [tree] + [
        ast.parse(inspect.getsource(own[call.func.id]))
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id.startswith("_")
        and inspect.isfunction(own.get(call.func.id))
    ]
    opened = [
        item.context_expr.func.id
        for each in trees
        for node in ast.walk(each)
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.context_expr, ast.Call) and isinstance(item.context_expr.func, ast.Name)
    ]
    assert "reading" in opened, f"{name} shows something outside `with reading(…)`"


def test_nothing_else_takes_a_connection() -> None:
    found = set()
    for path in FOLDER.rglob("*.py"):
        tree = ast.parse(path.read_text())
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        for node in ast.walk(tree):
            # Of the pool itself, or of what gives one for a statement by itself.
            is_pool = (isinstance(node, ast.Attribute) and node.attr in ("pool", "statements")) or (
                isinstance(node, ast.Name) and node.id in ("pool", "statements")
            )
            if not is_pool:
                continue
            line = node.lineno
            holder = [
                each.name for each in functions if each.lineno <= line <= (each.end_lineno or 0)
            ]
            name = f"{path.name} {holder[0] if holder else ''}".strip()
            found.add(path.name if path.name in OTHERS else name)
    assert found - set(OTHERS) == set()


def test_only_the_rooms_of_reading_know_its_queries() -> None:
    """So that a sight cannot grow elsewhere, where the tests above would not look."""
    own = {
        f"{name.rpartition('.')[2]}.py"
        for name in {room.__name__ for room in ROOMS} | set(ELSEWHERE)
    }
    for path in FOLDER.rglob("*.py"):
        for name in re.findall(r'queries\("(\w+)"\)', path.read_text()):
            # Who is signed in, and what stands in the place of a relation for somebody with limits.
            # Nor what admins are told while they do not look, nor how far a replica is.
            assert (path.name in own) or name in ("sessions", "limits", "alerts", "replica"), (
                f"{path.name} asks {name}.sql"
            )


def asked_for(
    correspondence: Correspondence, customer: str, message: str, identity: str, word: str
) -> dict[str, tuple[Any, ...]]:
    """What shows this message or its customer, for each sight that asks for more than who looks."""
    ((ref,),) = correspondence.execute(
        "select raw_refs -> 0 ->> 'raw_ref' from marts.messages where message_id = %s", [message]
    )
    ((sort_key, sent_at),) = correspondence.execute(
        "select sort_key, sent_at from marts.timeline where message_id = %s", [message]
    )
    return {
        "app.read.customers": (word,),
        "app.read.timeline": (customer,),
        "app.read.counted": (
            customer,
            Filter(directions=("inbound",)),
            filtered.Slice(rows=[], next_before=None),
        ),
        "app.read.earlier_messages": (customer, {"sort_key": sort_key + "z", "sent_at": sent_at}),
        "app.read.changed_messages": (customer, {}),
        "app.filtered.earlier": (
            customer,
            Filter(channels=(message.partition("|")[0],)),
            sort_key + "z",
            50,
        ),
        "app.read_identity.card": (customer,),
        "app.read_identity.compare": ([customer],),
        "app.read_identity.suggestions": ([identity],),
        "app.examine.message": (message,),
        "app.examine.message_revisions": (message,),
        "app.examine.raw_row": (ref, message),
        "app.attachments.open_attachment": (message, "x"),
        "app.work.work": (work.Which.OPEN, 30, datetime(2026, 11, 1, tzinfo=UTC)),
        "app.work.about": (customer, None),
        "app.work.looked": (
            work.Work(rows=[], counts={"new": 0}, is_cut=False),
            datetime(2026, 11, 1, tzinfo=UTC),
        ),
        "app.read.export": (word, read.Sort.NAME, 10, lambda _: None),
        "app.finding.messages": ("one",),
        "app.finding.further_notes": ("one", {"written_at": datetime.now(UTC), "note_id": "z"}),
        "app.read_events.events": (Asked(customer_id=customer),),
        "app.read_events.export": (Asked(), 10, lambda _: None),
        "app.around.read_around": (around.Place(customer, message),),
        "app.around.first_from": (customer, sort_key),
    }


@pytest.fixture
def arguments(correspondence: Correspondence) -> dict[str, tuple[Any, ...]]:
    """What shows something in this warehouse, for each sight."""
    customer = correspondence.customer("Sam", "phone:+61491570006")
    sid = correspondence.sms("+61491570006", "one", datetime(2026, 11, 1, tzinfo=UTC))
    return asked_for(correspondence, customer, f"twilio_sms|{sid}", "phone:+61491570006", "sam")


def shown(name: str, viewer: Viewer, arguments: dict[str, tuple[Any, ...]]) -> Any:
    more = {"is_download": False, "begins": True} if name.startswith("app.attachments") else {}
    return sights()[name](viewer, *arguments.get(name, ()), **more)


def test_whoever_may_nothing_is_shown_nothing(
    arguments: dict[str, tuple[Any, ...]], agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MATRIX, UserRole.AGENT, frozenset())
    for name in sights():
        with pytest.raises(Forbidden):
            shown(name, agent, arguments)


@pytest.mark.parametrize("role", list(UserRole))
def test_each_role_is_shown_what_the_matrix_says_and_nothing_else(
    correspondence: Correspondence, arguments: dict[str, tuple[Any, ...]], role: UserRole
) -> None:
    """Every sight by a direct call: what a role may not is refused where the data is, and leaves no trace of itself."""
    viewer = correspondence.signed_in("somebody", role.value)
    leaks, refused = [], []
    for name in sights():
        try:
            shown(name, viewer, arguments)
        except Forbidden:
            refused.append(name)
        except attachments.NotThere:
            pass
        else:
            leaks += [] if needed_for(name) in MATRIX[role] else [name]
    assert leaks == []
    assert sorted(refused) == sorted(
        name for name in sights() if needed_for(name) not in MATRIX[role]
    )


def test_without_its_event_nothing_is_shown(
    correspondence: Correspondence, arguments: dict[str, tuple[Any, ...]], agent: Viewer
) -> None:
    everything = correspondence.signed_in("admin", "admin")
    # Tried by itself; about nobody.
    apart = {
        "app.attachments.open_attachment",
        "app.examine.model_tests",
        "app.examine.quarantine_kinds",
        "app.examine.message_revisions",
        "app.read_identity.suggestions",
        "app.around.first_from",
        "app.read_saved.views",
        "app.read_tags.tags",
        "app.work.looked_at",
        # Of a timeline that was opened, which is on record.
        "app.read.counted",
    }
    correspondence.execute("revoke insert on crm.events from crm_app")
    for name in sorted(set(sights()) - apart):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shown(name, everything, arguments)
    # The connections are as they should be behind it.
    correspondence.execute("grant insert on crm.events to crm_app")
    left = {}
    for name in sorted(set(sights()) - apart):
        before = correspondence.execute("select count(*) from crm.events")[0][0]
        shown(name, everything, arguments)
        left[name] = correspondence.execute("select count(*) from crm.events")[0][0] - before
    # One each; a sight that lost its event, or has two, stands here by its name.
    assert {name: count for name, count in left.items() if count != 1} == {}


def test_a_sight_that_lost_its_event_is_named(
    arguments: dict[str, tuple[Any, ...]],
    correspondence: Correspondence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the test above would say, were the one line that writes it taken away."""
    everything = correspondence.signed_in("admin", "admin")
    monkeypatch.setattr("app.reading.record", lambda *_: "")
    shown("app.read.customers", everything, arguments)
    assert correspondence.events("customer.search") == []


def test_an_event_names_whose_names_were_shown(
    correspondence: Correspondence, agent: Viewer, arguments: dict[str, tuple[Any, ...]]
) -> None:
    """Lists of customers as well as the place in a timeline; the same again is no new sight."""
    other = correspondence.customer("Samuel")
    (customer,) = arguments["app.read.timeline"]
    found = read.customers(agent, "sam")
    event = correspondence.events("customer.search")[-1]
    assert sorted(event["customer_ids"]) == sorted([customer, other])
    read.customers(agent, "sam", shown=found)
    assert len(correspondence.events("customer.search")) == 1

    (place,) = arguments["app.around.read_around"]
    first = around.read_around(agent, place)
    assert first is not None
    for _ in range(3):
        around.read_around(agent, place, shown=first)
    assert [each["customer_ids"] for each in correspondence.events("timeline.view")] == [[customer]]
    correspondence.sms("+61491570006", "two", datetime(2026, 11, 2, tzinfo=UTC))
    around.read_around(agent, place, shown=first)
    assert len(correspondence.events("timeline.view")) == 2


def test_what_is_refused_is_read_by_nobody_and_on_record_where_that_is_wanted(
    correspondence: Correspondence, agent: Viewer
) -> None:
    with (
        pytest.raises(Forbidden),
        reading(agent, Permission.READ_RAW, "raw.view", "raw", "x", refusal="raw.refuse"),
    ):
        raise AssertionError("it was read")  # fmt: skip
    (event,) = correspondence.events("raw.refuse")
    assert (event["actor"], event["object_id"]) == ("agent", "x")
    assert "may not" in event["detail"]["because"]
    assert correspondence.events("raw.view") == []


def test_an_error_while_reading_leaves_no_event(
    correspondence: Correspondence, agent: Viewer
) -> None:
    def fail() -> None:
        with reading(agent, Permission.READ, "raw.view", "raw", "x") as db:
            db.execute("select 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        fail()
    assert correspondence.events("raw.view") == []


def test_the_event_costs_no_round_trip(correspondence: Correspondence, agent: Viewer) -> None:
    """Once it is known who reads: one statement, event with commit. As many as the same without an event."""

    # Each time another statement: one that a session has had five times is prepared, which takes one more.
    statements = iter(range(10))

    def round_trips(with_event: bool) -> int:
        with tempfile.TemporaryFile() as traced:
            with reading(agent, Permission.READ, "raw.view", "raw", "x") as db:
                db.connection.pgconn.trace(traced.fileno())
                db.execute(f"select {next(statements)}").fetchall()
                if not with_event:
                    db.tells_nothing()
                connection = db.connection
            connection.pgconn.untrace()
            traced.seek(0)
            return len(re.findall(rb"ReadyForQuery", traced.read()))

    for _ in range(3):
        assert round_trips(True) == round_trips(False) == 2
    assert len(correspondence.events("raw.view")) == 3


def test_no_pool_is_left_in_a_pipeline(correspondence: Correspondence, agent: Viewer) -> None:
    for _ in range(12):
        with reading(agent, Permission.READ, "raw.view", "raw", "x") as db:
            assert db.execute("select 1 as one").fetchone() == {"one": 1}
            assert db.connection.pgconn.pipeline_status == psycopg.pq.PipelineStatus.OFF
    with database.pool().connection() as connection:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
