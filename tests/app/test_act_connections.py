"""Connections through the app's functions: what is checked is saved once, by whom it was asked, and no program sees too much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app import act_connections, database, read_connections
from app.access.roles import Forbidden
from operations.runtime import running
from operations.runtime.ports import free_port
from simulator import server
from tests.app.conftest import Correspondence
from warehouse import connection_requests, connections
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings
from worker import connecting

CHANNEL = "twilio_sms"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    with server.start(seed=7, messages=10, state_dir=tmp_path / "simulator") as running:
        yield running


@pytest.fixture
def house(correspondence: Correspondence, simulator: server.Simulator) -> Settings:
    """The settings of all programs: the providers are played here."""
    more = {"public_url": "https://crm.example.com", "provider_addresses": [simulator.base_url]}
    changed = correspondence.settings.model_copy(update=more)
    database.use(changed)
    return changed


def row_of(correspondence: Correspondence, request_id: str) -> dict[str, Any]:
    with psycopg.connect(
        correspondence.settings.admin_url, row_factory=psycopg.rows.dict_row
    ) as owner:
        found = owner.execute(
            "select * from crm.connection_requests where request_id = %s", [request_id]
        ).fetchone()
    assert found is not None
    return found


def test_what_is_checked_is_saved_once_and_by_whom_it_was_asked(
    correspondence: Correspondence, house: Settings, simulator: server.Simulator
) -> None:
    admin, other = (
        correspondence.signed_in("admin", "admin"),
        correspondence.signed_in("other", "admin"),
    )
    keys = simulator.accounts[CHANNEL]
    with pytest.raises(Forbidden):
        act_connections.check(correspondence.signed_in("agent"), CHANNEL, keys)
    with pytest.raises(Refused, match="Auth Token: .*32 characters"):
        act_connections.check(admin, CHANNEL, {**keys, "auth_token": "f" * 31})
    with pytest.raises(Refused, match="does not name this address"):
        act_connections.check(admin, CHANNEL, {**keys, "api_base": "http://169.254.169.254"})

    wrong = act_connections.check(admin, CHANNEL, {**keys, "auth_token": "f" * 32})
    assert connecting.answer(house, wrong) is None
    asked = read_connections.asked(admin, wrong)
    assert asked is not None
    assert "auth_token" in asked.row["problem"]
    with pytest.raises(Refused, match="nothing to save"):
        act_connections.save_new(admin, wrong, "Shop", registers=False)

    request = act_connections.check(admin, CHANNEL, keys)
    before = row_of(correspondence, request)
    assert keys["auth_token"] not in str(before)
    with pytest.raises(Refused, match="nothing to save"):
        act_connections.save_new(admin, request, "Shop", registers=False)
    assert connecting.answer(house, request) is not None
    # Answered once: whoever comes second finds nothing to do.
    assert connecting.answer(house, request) is None
    answered = row_of(correspondence, request)
    assert answered["pasted"] is None
    assert answered["answer"]["webhook_url"].startswith(
        "https://crm.example.com/webhooks/twilio_sms/"
    )
    assert keys["auth_token"] not in json.dumps(answered["answer"])
    assert answered["answer"]["others"] == {}
    with pytest.raises(Refused, match="nothing to save"):
        act_connections.save_new(other, request, "Shop", registers=False)
    made = act_connections.save_new(admin, request, "  Front   desk ", registers=False)
    with pytest.raises(Refused, match="nothing to save"):
        act_connections.save_new(admin, request, "Shop", registers=False)
    used = row_of(correspondence, request)
    assert (used["secrets"], used["signing"]) == (None, None)

    with psycopg.connect(house.url_for(Role.APP)) as db:
        stored = connections.find(db, house, made)
    assert stored is not None
    assert stored.name == "Front desk"
    assert stored.required("auth_token") == keys["auth_token"]
    assert stored.required("verify_token") == answered["answer"]["verify_token"]
    (event,) = correspondence.events("connection.add")
    assert (event["actor"], event["object_id"]) == ("admin", made)
    assert keys["auth_token"] not in str(event)


def test_keys_are_changed_with_overlap_and_not_over_what_was_changed_meanwhile(
    correspondence: Correspondence, house: Settings, simulator: server.Simulator
) -> None:
    admin, keys = correspondence.signed_in("admin", "admin"), simulator.accounts[CHANNEL]
    with psycopg.connect(house.admin_url) as owner:
        old = connections.add(
            owner, house, channel=CHANNEL, name="Shop", actor="test",
            values={**keys, "auth_token": "0" * 32, "numbers": ""},
        )  # fmt: skip

    def checked(drop_old: bool = False) -> str:
        given = {"auth_token": keys["auth_token"], "numbers": keys["numbers"]}
        request = act_connections.check(
            admin, CHANNEL, given, connection_id=old.connection_id, drop_old=drop_old
        )
        connecting.answer(house, request)
        return request

    def now() -> connections.Connection:
        with psycopg.connect(house.url_for(Role.APP)) as db:
            found = connections.find(db, house, old.connection_id)
        assert found is not None
        return found

    request, late = checked(), checked()
    assert act_connections.save_changed(admin, request) == old.connection_id
    assert now().several("auth_token") == [keys["auth_token"], "0" * 32]
    assert now().value("numbers") == keys["numbers"]
    assert now().required("verify_token") == old.required("verify_token")
    # Checked before the other was saved: it would take that back.
    with pytest.raises(Refused, match="others by now"):
        act_connections.save_changed(admin, late)
    act_connections.save_changed(admin, checked(drop_old=True))
    assert now().several("auth_token") == [keys["auth_token"]]
    assert next(each["detail"]["keys"] for each in correspondence.events("connection.rotate")) == [
        "auth_token", "numbers",
    ]  # fmt: skip


def test_paused_renamed_and_removed(correspondence: Correspondence, house: Settings) -> None:
    admin, one = correspondence.signed_in("admin", "admin"), correspondence.sms_connection
    pullable = (
        "select connection_id from crm.connections where disabled_at is null and paused_at is null"
    )
    act_connections.pause(admin, one)
    assert (one,) not in correspondence.execute(pullable)
    act_connections.resume(admin, one)
    assert (one,) in correspondence.execute(pullable)
    act_connections.disable(admin, one)
    act_connections.enable(admin, one)
    act_connections.rename(admin, one, "Workshop")
    with pytest.raises(Refused, match="say what people call"):
        act_connections.rename(admin, one, " ")
    shown = read_connections.connection(admin, one)
    assert shown is not None
    assert shown["name"] == "Workshop"
    # Resumed and enabled: what was missed is asked for.
    assert correspondence.execute(
        "select count(*) from crm.connection_requests where kind = 'pull' and connection_id = %s",
        [one],
    ) == [(2,)]
    act_connections.remove(admin, one)
    assert read_connections.connection(admin, one) is None
    ((secrets, signing, name),) = correspondence.execute(
        "select secrets, signing, name from crm.connections where connection_id = %s", [one]
    )
    assert (bytes(secrets), signing, name) == (b"", None, "Workshop")
    with psycopg.connect(house.url_for(Role.RECEIVER)) as db:
        assert (
            db.execute(connections.SQL["one_to_verify"], {"connection_id": one}).fetchone() is None
        )
    for change in (act_connections.enable, act_connections.pause, act_connections.remove):
        with pytest.raises(Refused, match="not there any more"):
            change(admin, one)
    told = {
        each
        for (each,) in correspondence.execute(
            "select action from crm.events where object_id = %s", [one]
        )
    }
    assert {
        f"connection.{verb}"
        for verb in ("pause", "resume", "disable", "enable", "rename", "remove")
    } <= told


def test_a_page_has_nobody_ask_one_of_our_own_programs(
    correspondence: Correspondence, house: Settings, simulator: server.Simulator
) -> None:
    """What a connection names is asked from inside: the same rule as on the command line, before anything is asked."""
    admin = correspondence.signed_in("admin", "admin")
    keys = simulator.accounts[CHANNEL]
    receiver = f"http://127.0.0.1:{free_port()}"
    running.record(house.data_dir, {"facts": {"receiver_admin_url": receiver}})
    own = ["https://crm.example.com", receiver, receiver.replace("127.0.0.1", "localhost")]
    named = house.model_copy(update={"provider_addresses": [simulator.base_url, *own]})
    database.use(named)
    for address in own:
        request = act_connections.check(admin, CHANNEL, {**keys, "api_base": address})
        assert connecting.answer(named, request) is None
        assert (
            row_of(correspondence, request)["problem"]
            == "api_base is an address of our own, not the provider's"
        )
    assert correspondence.execute("select count(*) from crm.connections where name = ''") == [(0,)]

    # Nor is one that stands led there.
    request = act_connections.check(admin, CHANNEL, keys)
    assert connecting.answer(named, request) is not None
    connection_id = act_connections.save_new(admin, request, "Shop", registers=False)
    moved = act_connections.check(
        admin, CHANNEL, {"api_base": receiver}, connection_id=connection_id
    )
    assert connecting.answer(named, moved) is None
    assert "of our own" in row_of(correspondence, moved)["problem"]


def test_what_was_asked_is_forgotten_in_time(
    correspondence: Correspondence, house: Settings, simulator: server.Simulator
) -> None:
    """The verify token with the secrets: what is promised for a day is not kept for a month."""
    admin = correspondence.signed_in("admin", "admin")
    asked = {
        hours: act_connections.check(admin, CHANNEL, simulator.accounts[CHANNEL])
        for hours in (1, 25, 24 * 31)
    }
    for hours, request in asked.items():
        assert connecting.answer(house, request) is not None
        correspondence.execute(
            "update crm.connection_requests set asked_at = now() - make_interval(hours => %s) where request_id = %s",
            [hours, request],
        )
    with psycopg.connect(house.url_for(Role.LOADER), autocommit=True) as worker:
        worker.execute(connection_requests.SQL["forget_old"])
    young, old = row_of(correspondence, asked[1]), row_of(correspondence, asked[25])
    assert young["answer"]["verify_token"]
    assert young["secrets"]
    assert "verify_token" not in old["answer"]
    assert old["answer"]["webhook_url"]
    assert (old["pasted"], old["secrets"], old["signing"]) == (None, None, None)
    assert correspondence.execute("select count(*) from crm.connection_requests") == [(2,)]
