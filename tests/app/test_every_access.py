"""Enumerated from the code: whatever shows or changes something leaves its event, by name. What is new must be listed here."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

import app
import privacy
from app.access import sessions
from app.access.roles import MATRIX, Permission, UserRole
from app.serving.routes import ROUTES
from tests.app.conftest import Correspondence
from tests.operations.test_on_record import leaves_an_event
from warehouse.exports import export_file

#: Every room in which somebody decides, by the name of its file.
DECIDING: list[ModuleType] = [
    importlib.import_module(f"app.{file.stem}")
    for file in sorted(Path(app.__file__).parent.glob("act*.py"))
]
#: What of those leaves its event with what it is a part of.
PARTS = {"app.act.deciding"}
#: Routes that leave no event of their own, and why that is right.
SILENT = {"/healthz": "says nothing of anybody", "/metrics": "counts, for monitors"}
#: The event of each other one.
ROUTE_EVENTS = {
    "/session/start": "sign_in.succeed",
    "/attachment": "attachment.open",
    "/mail": "mail.show",
    "/mail/pictures": "mail.load_pictures",
    "/customers.csv": "customer.export",
    "/events.csv": "event.export",
    "/export.zip": "privacy.download",
    "/statement.html": "privacy.breach",
    "/session/end": "sign_in.end",
}


def test_every_route_is_listed() -> None:
    paths = {route.path for route in ROUTES if isinstance(route, Route)}
    assert paths == set(SILENT) | set(ROUTE_EVENTS)


@pytest.fixture
def client(correspondence: Correspondence) -> Iterator[TestClient]:
    correspondence.user("olive", "privacy_officer")
    with TestClient(
        Starlette(routes=ROUTES), base_url="http://crm.example.com", follow_redirects=False
    ) as made:
        yield made


def _asked(correspondence: Correspondence) -> dict[str, str]:
    """How each route is asked for something that is there."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sam@example.com", "help@example.com", "Designed"
    mail["Date"] = "Fri, 27 Nov 2026 10:00:00 +1100"
    mail.set_content("The plain words")
    mail.add_alternative(
        '<p>The <b>words</b> <img src="https://example.com/p.png"></p>', subtype="html"
    )
    mail.add_attachment(b"some bytes", "application", "octet-stream", filename="a.bin")
    correspondence.raw_mail(mail.as_bytes(), datetime.now(UTC))
    ((message_id, attachment_id),) = correspondence.execute(
        "select message_id, attachment_id from marts.attachments"
    )
    return {
        "/healthz": "/healthz",
        "/session/start": f"/session/start?token={sessions.start_token('olive')}",
        "/attachment": f"/attachment?message={message_id}&attachment={attachment_id}",
        "/mail": f"/mail?message={message_id}",
        "/mail/pictures": f"/mail/pictures?message={message_id}",
        "/customers.csv": "/customers.csv?q=sam",
        "/events.csv": "/events.csv?person=olive",
        "/export.zip": f"/export.zip?task={_export(correspondence)}",
        "/statement.html": "/statement.html?incident=i1",
        "/session/end": "/session/end",
    }


def _export(correspondence: Correspondence) -> str:
    """One that the worker has written, and beside it an incident with an account."""
    correspondence.execute(
        "insert into privacy.tasks (task_id, kind, object_id, asked_by, asked_role, state, finished_at)"
        " values ('e1', 'export', 'sam', 'olive', 'privacy_officer', 'done', now())"
    )
    correspondence.execute(
        "insert into privacy.incidents (incident_id, title, suspected_at, due_at, account, seen_from, seen_until, opened_by)"
        " values ('i1', 'A laptop', now(), now() + interval '30 days', 'olive', now() - interval '1 day', now(), 'olive')"
    )
    file = export_file(correspondence.settings, "e1")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"PK")
    return "e1"


def test_every_route_leaves_one_event(correspondence: Correspondence, client: TestClient) -> None:
    correspondence.customer("Sam Example", "email:sam@example.com")
    asked = _asked(correspondence)
    left: dict[str, list[str]] = {}
    # Signed in by the first of them, out by the last.
    for path in ("/healthz", *ROUTE_EVENTS):
        before = correspondence.execute("select count(*) from crm.events")[0][0]
        answer = client.get(asked[path])
        assert answer.status_code in (200, 303), (path, answer.text)
        left[path] = [
            action
            for (action,) in correspondence.execute(
                "select action from crm.events order by at offset %s", [before]
            )
        ]
    assert left == {path: [ROUTE_EVENTS[path]] if path in ROUTE_EVENTS else [] for path in left}


def test_without_its_event_no_route_shows_anything(
    correspondence: Correspondence, client: TestClient
) -> None:
    correspondence.customer("Sam Example", "email:sam@example.com")
    asked = _asked(correspondence)
    client.get(asked["/session/start"])
    correspondence.execute("revoke insert on crm.events from crm_app")
    for path in set(ROUTE_EVENTS) - {"/session/start", "/session/end"}:
        with pytest.raises(Exception, match="permission denied for table events"):
            client.get(asked[path])


#: What each route that shows or takes something out asks of a role; the others are for whoever is signed in.
ROUTE_NEEDS = {
    "/attachment": Permission.READ,
    "/mail": Permission.READ,
    "/mail/pictures": Permission.READ,
    "/customers.csv": Permission.EXPORT,
    "/events.csv": Permission.READ_EVENTS,
    "/export.zip": Permission.HANDLE_PRIVACY,
    "/statement.html": Permission.HANDLE_PRIVACY,
}


def test_every_route_for_every_role_and_for_nobody(
    correspondence: Correspondence, client: TestClient
) -> None:
    """By HTTP: what a role may not is refused, leaves no event of a sight, and says nothing of anybody."""
    correspondence.customer("Sam Example", "email:sam@example.com")
    asked = _asked(correspondence)
    assert set(ROUTE_NEEDS) == set(ROUTE_EVENTS) - {"/session/start", "/session/end"}
    for role in (None, *UserRole):
        client.cookies.clear()
        if role is not None:
            correspondence.execute(
                "update crm.users set role = %s, second_factor_waived = true where user_name = 'olive'", [role.value]
            )  # fmt: skip
            client.get(f"/session/start?token={sessions.start_token('olive')}")
        for path, needed in ROUTE_NEEDS.items():
            before = len(correspondence.events(ROUTE_EVENTS[path]))
            answer = client.get(asked[path])
            left = len(correspondence.events(ROUTE_EVENTS[path])) - before
            is_allowed = role is not None and needed in MATRIX[role]
            assert (answer.status_code == 200, left) == (is_allowed, int(is_allowed)), (role, path)
            if not is_allowed:
                assert answer.status_code in (303, 401, 403, 404), (role, path)
                assert "sam" not in answer.text.lower(), (role, path)


@pytest.mark.parametrize("how", ["signed out", "disabled", "demoted"])
def test_a_stolen_cookie_is_worth_nothing_once_its_person_is_out(
    correspondence: Correspondence, client: TestClient, how: str
) -> None:
    correspondence.customer("Sam Example", "email:sam@example.com")
    asked = _asked(correspondence)
    client.get(asked["/session/start"])
    stolen = dict(client.cookies)
    ((token, *_),) = [tuple(stolen.values())]
    with TestClient(
        Starlette(routes=ROUTES), base_url="http://crm.example.com", follow_redirects=False, cookies=stolen
    ) as thief:  # fmt: skip
        assert thief.get(asked["/events.csv"]).status_code == 200
        if how == "signed out":
            client.get("/session/end")
        elif how == "disabled":
            correspondence.execute(
                "update crm.users set disabled_at = now() where user_name = 'olive'"
            )
        else:
            correspondence.execute("update crm.users set role = 'viewer' where user_name = 'olive'")
        refused = {"/customers.csv", "/events.csv"} if how == "demoted" else set(ROUTE_NEEDS)
        for path in refused:
            assert thief.get(asked[path]).status_code in (303, 401, 403), path
    seen = sessions.viewer_of(token, ip="192.0.2.9", touch=True)
    assert (seen is None) is (how != "demoted")


def acts() -> dict[str, Callable[..., Any]]:
    """Every function that decides something for a person, found by what it takes."""
    return {
        f"{room.__name__}.{name}": function
        for room in DECIDING
        for name, function in vars(room).items()
        if callable(function)
        and not isinstance(function, type)
        and getattr(function, "__module__", "") == room.__name__
        and not name.startswith("_")
        and f"{room.__name__}.{name}" not in PARTS
        and "viewer" in inspect.signature(function).parameters
    }


def test_acts_are_found() -> None:
    assert {
        "app.act.create_customer", "app.act.link_identity", "app.act.tag", "app.act_identity.merge",
        "app.act_saved.save", "app.act_account.change_password",
    } <= set(acts())  # fmt: skip


@pytest.mark.parametrize("name", sorted(acts()))
def test_every_act_is_within_deciding(name: str) -> None:
    """Where who may is asked again, in the transaction of the change; what is decided there writes the event with it."""
    act_of = inspect.unwrap(acts()[name])
    own = vars(inspect.getmodule(act_of))

    def opens(function: Callable[..., Any], depth: int = 0) -> bool:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }  # fmt: skip
        if "deciding" in called or "_deciding" in called:
            return True
        inner = [own[each] for each in called if inspect.isfunction(own.get(each))]
        return depth < 3 and any(opens(each, depth + 1) for each in inner if each is not function)

    assert opens(act_of), f"{name} decides something outside `with deciding(…)`"


@pytest.mark.parametrize("name", sorted(acts()))
def test_every_act_leaves_an_event(name: str) -> None:
    """Written by itself or by what it has decided: whoever takes that line away reads the name of the act here."""
    assert leaves_an_event(acts()[name]), f"{name} leaves no event"


def changes() -> dict[str, Callable[..., Any]]:
    """Every function of `privacy` that does something for somebody, found by what it takes."""
    return {
        f"privacy.{file.stem}.{name}": function
        for file in sorted(Path(privacy.__file__).parent.glob("*.py"))
        for name, function in vars(importlib.import_module(f"privacy.{file.stem}")).items()
        if inspect.isfunction(function)
        and function.__module__ == f"privacy.{file.stem}"
        and not name.startswith("_")
        and "actor" in inspect.signature(function).parameters
    }


def test_what_privacy_does_leaves_an_event() -> None:
    assert {
        "privacy.destruction.destroy",
        "privacy.access_export.export",
        "privacy.retention.apply",
    } <= set(changes())
    assert [name for name, function in changes().items() if not leaves_an_event(function)] == []


def _act_that_forgot_its_event(viewer: object) -> None:
    """What the tests above would say of one."""
    sessions.cookie_name()


def test_an_act_without_its_event_is_found() -> None:
    assert not leaves_an_event(_act_that_forgot_its_event)
