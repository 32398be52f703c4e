"""Tokens are renewed in time, the loader changes nothing else, and health says when one dies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pipelines.pull import pull
from providers.failures import NeedsAdmin, ProviderFailed
from tests.pipelines.small_graph import TOKEN, SmallGraph, error
from warehouse import connections
from warehouse.settings import Role, Settings
from worker.tokens import SQL, look_after, renew

Database = psycopg.Connection[Any]
ACCOUNT = "17841400008460056"


@pytest.fixture
def made(connect: Callable[..., str], graph: SmallGraph) -> Callable[..., str]:
    def one(**more: str) -> str:
        keys = {key: value for key, value in graph.keys.items() if key != "page_id"}
        return connect("instagram", {**keys, "account_id": ACCOUNT, **more})

    return one


def health(admin: Database, connection: str) -> tuple[Any, ...] | None:
    return admin.execute(
        "select error, detail from jobs.connection_health where connection_id = %s and job = 'token'",
        [connection],
    ).fetchone()


def test_a_renewed_token_takes_the_place_of_the_old_one(
    settings: Settings, admin: Database, graph: SmallGraph, made: Callable[..., str]
) -> None:
    connection, other = made(), made()
    before = connections.find(admin, settings, connection)
    expires_at = renew(settings, connection)
    ((_, path, query, given),) = graph.requests
    assert (path, query, given) == (
        "/refresh_access_token",
        {"grant_type": "ig_refresh_token"},
        f"Bearer {TOKEN}",
    )
    after = connections.find(admin, settings, connection)
    assert before
    assert after
    assert after.secrets == {**before.secrets, "access_token": graph.token}
    assert graph.token != TOKEN
    assert expires_at - datetime.now(UTC) > timedelta(days=59)
    assert health(admin, connection) == (
        None,
        {
            "renewed_at": (expires_at - timedelta(seconds=5183944)).isoformat(),
            "expires_at": expires_at.isoformat(),
        },
    )
    events = admin.execute(
        "select actor, role, object_id, detail::text from crm.events where action = 'connection.renew_token'"
    ).fetchall()
    assert [event[:3] for event in events] == [("worker", "system", connection)]
    assert TOKEN not in str(events)
    untouched = connections.find(admin, settings, other)
    assert untouched
    assert untouched.secrets["access_token"] == TOKEN
    # The next pull uses it.
    pull(settings, connection)


def test_health_says_when_a_token_that_is_not_renewed_dies(
    settings: Settings, admin: Database, graph: SmallGraph, made: Callable[..., str]
) -> None:
    connection = made()
    graph.next_answers = [error(100)] * 2
    with pytest.raises(ProviderFailed, match="when the present token dies is not known"):
        renew(settings, connection)
    expires_at = renew(settings, connection)
    graph.next_answers = [error(190, 463)]
    with pytest.raises(NeedsAdmin, match=rf"dies on {expires_at:%d %B %Y}"):
        renew(settings, connection)
    told = health(admin, connection)
    assert told
    assert "the present token dies on" in told[0]
    assert told[1]["expires_at"] == expires_at.isoformat()
    assert TOKEN not in str(told)


def test_a_token_that_nobody_renews_is_told_of_a_month_before_it_dies(
    settings: Settings, admin: Database, graph: SmallGraph, connect: Callable[..., str]
) -> None:
    connection = connect("messenger", {**graph.keys, "app_id": "1234"})
    now = datetime.now(UTC).replace(microsecond=0)

    def told(**ends: int) -> datetime | None:
        graph.next_answers = [(200, {}, {"data": {"is_valid": True, **ends}})]
        return look_after(settings, connection)

    assert told(expires_at=0, data_access_expires_at=0) is None
    assert health(admin, connection) == (None, {"expires_at": None})
    far, near = now + timedelta(days=45), now + timedelta(days=29)
    assert told(expires_at=int(far.timestamp())) == far
    assert health(admin, connection) == (None, {"expires_at": far.isoformat()})
    with pytest.raises(NeedsAdmin, match=rf"dies on {near:%d %B %Y}"):
        told(expires_at=int(far.timestamp()), data_access_expires_at=int(near.timestamp()))
    found = health(admin, connection)
    assert found
    assert found[1] == {"expires_at": near.isoformat()}
    assert "connection rotate" in found[0]
    assert TOKEN not in str(found)
    _, path, query, given = graph.requests[-1]
    assert (path, query["input_token"], given) == (
        "/v26.0/debug_token",
        TOKEN,
        f"Bearer 1234|{graph.keys['app_secret']}",
    )
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        assert loader.execute(SQL["due_tokens"]).fetchall() == []
        admin.execute(
            "update jobs.connection_health set last_started_at = now() - interval '1 day' where job = 'token'"
        )
        assert loader.execute(SQL["due_tokens"]).fetchall() == [(connection,)]


def test_a_secret_that_an_admin_sets_meanwhile_wins(
    settings: Settings, admin: Database, graph: SmallGraph, made: Callable[..., str]
) -> None:
    connection, other = made(), made()

    def changed(path: str) -> None:
        admin.execute(
            "update crm.connections set secrets = (select secrets from crm.connections where connection_id = %s) "
            "where connection_id = %s",
            [other, connection],
        )

    graph.before = changed
    with pytest.raises(ProviderFailed, match="those count"):
        renew(settings, connection)
    found = connections.find(admin, settings, connection)
    assert found
    assert found.secrets["access_token"] == TOKEN
    assert admin.execute(
        "select count(*) from crm.events where action = 'connection.renew_token'"
    ).fetchone() == (0,)


def test_due_are_instagram_logins_a_week_old(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connect: Callable[..., str],
    made: Callable[..., str],
) -> None:
    fresh, fresher, old, disabled = made(), made(flavour="instagram"), made(), made()
    facebook, page = made(flavour="facebook", page_id="1"), connect("messenger", graph.keys)
    connections.set_disabled(admin, disabled, disabled=True)
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:

        def due() -> set[str]:
            return {identity for (identity,) in loader.execute(SQL["due_tokens"])}

        assert due() == set()
        admin.execute(
            "update crm.connections set created_at = now() - interval '26 hours' where connection_id = any(%s)",
            [[fresh, old, disabled, facebook, page]],
        )
        assert due() == {fresh, old}
        renew(settings, old)
        assert due() == {fresh}
        admin.execute(
            "update jobs.connection_health set last_succeeded_at = now() - interval '8 days' where connection_id = %s",
            [old],
        )
        assert due() == {fresh, old}
    assert fresher


def test_the_loader_may_renew_and_nothing_else(
    settings: Settings, admin: Database, made: Callable[..., str]
) -> None:
    connection = made()
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        for statement in (
            "update crm.connections set secrets = ''",
            "update crm.connections set disabled_at = now()",
            "insert into crm.events (event_id, actor, role, action, object_type, object_id) values ('x', 'x', 'x', 'x.y', 'x', 'x')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                loader.execute(statement)
        values = {"connection_id": connection, "renewed": b"x", "valid_until": None}
        assert loader.execute(SQL["renew_secrets"], {**values, "known": b"guess"}).fetchone() == (
            False,
        )
    for role in (Role.RECEIVER, Role.TRANSFORMER, Role.APP, Role.ANALYST):
        with (
            psycopg.connect(settings.url_for(role)) as database,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            database.execute(SQL["renew_secrets"], {**values, "known": b"guess"})


def test_an_expired_token_stops_pulls_and_nothing_else(
    settings: Settings, admin: Database, graph: SmallGraph, made: Callable[..., str]
) -> None:
    connection = made()
    graph.token = "another"
    with pytest.raises(NeedsAdmin, match="it has expired.*receiving goes on"):
        pull(settings, connection)
    # What may receive is told by the connection, which is as it was.
    found = connections.find(admin, settings, connection)
    assert found
    assert found.disabled_at is None
    with pytest.raises(ProviderFailed, match="no connection"):
        renew(settings, "0" * 16)
