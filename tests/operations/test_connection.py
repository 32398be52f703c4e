"""`./crm connection`: keys are checked by name, secrets never shown, changes recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from operations.runtime import running
from operations.runtime.programs import Ports, facts
from warehouse import connections
from warehouse.settings import Role, Settings

Crm = Callable[..., tuple[int, str, str]]
SID, TOKEN = "AC" + "0" * 32, "an-invented-token-of-the-test"


@pytest.fixture
def twilio(crm: Crm, warehouse: Settings) -> str:
    """The id of a Twilio connection."""
    status, out, err = crm(
        "connection", "add", "twilio_sms", "--name", "Front desk", "--set", f"account_sid={SID}",
        "--set", f"auth_token={TOKEN}", "--set", "api_base=http://127.0.0.1:9", "--json",
    )  # fmt: skip
    assert status == 0, err
    return str(json.loads(out)["connection_id"])


def opened(settings: Settings, connection_id: str) -> connections.Connection:
    with psycopg.connect(settings.url_for(Role.APP)) as database:
        found = connections.find(database, settings, connection_id)
    assert found is not None
    return found


def test_adding_prints_what_the_provider_must_know(
    crm: Crm, warehouse: Settings, tmp_path: Path, admin: psycopg.Connection[Any]
) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    status, out, err = crm(
        "connection", "add", "twilio_sms", "--name", "Front desk", "--set", f"account_sid={SID}",
        "--set-file", f"auth_token={tmp_path / 'token'}", "--json",
    )  # fmt: skip
    assert status == 0, err
    document = json.loads(out)
    assert document.keys() >= {"connection_id", "webhook_url", "verify_token"}
    identifier = document["connection_id"]
    assert document["webhook_url"] == f"https://crm.example.com/webhooks/twilio_sms/{identifier}"
    stored = opened(warehouse, identifier)
    assert stored.secrets == {"auth_token": TOKEN, "verify_token": document["verify_token"]}
    assert stored.settings == {"account_sid": SID}
    event = admin.execute("select action, object_id, detail::text from crm.events").fetchone()
    assert event is not None
    assert event[:2] == ("connection.add", identifier)
    assert TOKEN not in event[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pigeon"], "unknown channel pigeon"),
        (["twilio_sms"], "missing: account_sid, auth_token"),
        (["twilio_sms", "--set", "account_sid=AC1", "--set", "colour=red"], "unknown: colour"),
        (["twilio_sms", "--set", "account_sid=AC1", "--set", "colour=red"], "missing: auth_token"),
        (["twilio_sms", "--set", TOKEN], "takes KEY=VALUE"),
        (["twilio_sms", "--set", "numbers=1", "--set", "numbers=2"], "numbers is given twice"),
        (["twilio_sms", "--set", "auth_token="], "auth_token"),
        (["twilio_sms", "--set-file", "auth_token=/nowhere/at/all"], "cannot be read"),
    ],
)
def test_what_is_wrong_with_the_keys_is_named(
    arguments: list[str], said: str, crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any]
) -> None:
    status, out, err = crm("connection", "add", *arguments, "--name", "x")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert said in err
    assert TOKEN not in err
    assert admin.execute("select count(*) from crm.connections").fetchone() == (0,)


def test_a_provider_is_not_one_of_our_own_programs(crm: Crm, warehouse: Settings) -> None:
    """What a connection names is asked from inside. What else runs on this machine, such as a simulator, may be named."""
    said = facts(Ports(base=21_000), warehouse, demo=False)
    running.record(warehouse.data_dir, {"facts": said})
    ours = [
        warehouse.admin_url.replace("postgresql://", "http://"),
        "https://crm.example.com/webhooks",
        "http://localhost:21005/readyz",
        "http://[::1]:21005",
    ]
    for address in ours:
        status, _, err = crm(
            "connection", "add", "twilio_sms", "--name", "x", "--set", f"account_sid={SID}",
            "--set", f"auth_token={TOKEN}", "--set", f"api_base={address}",
        )  # fmt: skip
        assert (status, len(err.splitlines())) == (2, 1), address
        assert "an address of our own" in err
        assert "crm_owner:" not in err


def test_the_list_shows_no_secret(crm: Crm, twilio: str) -> None:
    status, out, _ = crm("connection", "list", "--json")
    assert status == 0
    listed = json.loads(out)["connections"]
    assert [each["connection_id"] for each in listed] == [twilio]
    assert TOKEN not in out
    assert "verify" not in out
    assert twilio in crm("connection", "list")[1]


def test_disabling_and_enabling(crm: Crm, twilio: str, warehouse: Settings, admin: Any) -> None:
    assert json.loads(crm("connection", "disable", twilio, "--json")[1])["disabled"] is True
    assert opened(warehouse, twilio).disabled_at is not None
    assert json.loads(crm("connection", "enable", twilio, "--json")[1])["disabled"] is False
    assert opened(warehouse, twilio).disabled_at is None
    actions = [row[0] for row in admin.execute("select action from crm.events order by at")]
    assert actions == ["connection.add", "connection.disable", "connection.enable"]


def test_a_new_signing_secret_goes_before_the_old_one(
    crm: Crm, twilio: str, warehouse: Settings
) -> None:
    verify_token = opened(warehouse, twilio).required("verify_token")
    status, out, _ = crm(
        "connection", "rotate", twilio, "--set", "auth_token=the-newer-one", "--json"
    )
    assert (status, json.loads(out)["rotated"]) == (0, {"auth_token": 2})
    assert opened(warehouse, twilio).several("auth_token") == ["the-newer-one", TOKEN]
    crm("connection", "rotate", twilio, "--set", "api_key_secret=one")
    crm("connection", "rotate", twilio, "--set", "api_key_secret=two")
    crm("connection", "rotate", twilio, "--set", "auth_token=the-newer-one", "--drop-old")
    stored = opened(warehouse, twilio)
    assert stored.value("api_key_secret") == "two"
    assert stored.several("auth_token") == ["the-newer-one"]
    assert stored.value("account_sid") == SID
    assert stored.required("verify_token") == verify_token


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to rotate"),
        (["--set", "account_sid=AC2"], "not a secret: account_sid"),
        (["--set", "verify_token=mine"], "not a secret: verify_token"),
        (["--set", "auth_token= "], "empty: auth_token"),
    ],
)
def test_only_secrets_rotate(arguments: list[str], said: str, crm: Crm, twilio: str) -> None:
    status, _, err = crm("connection", "rotate", twilio, *arguments)
    assert (status, len(err.splitlines())) == (2, 1)
    assert said in err


@pytest.mark.parametrize(
    "command", ["test", "disable", "enable", "configure-webhook", "request-history"]
)
def test_an_unknown_connection_is_one_line(command: str, crm: Crm, warehouse: Settings) -> None:
    status, out, err = crm("connection", command, "nothing")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "there is no connection nothing" in err


def test_a_provider_that_does_not_answer_is_status_one(crm: Crm, twilio: str) -> None:
    status, out, err = crm("connection", "test", twilio, "--json")
    assert status == 1
    assert json.loads(out)["ok"] is False
    assert "Twilio cannot be reached" in err
    assert TOKEN not in err + out
