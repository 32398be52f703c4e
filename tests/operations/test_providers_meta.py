"""Meta's accounts as an admin connects them: the simulator's Graph, and the receiver that it calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from providers.meta.subscriptions import CARRIED, FIELDS, OBJECTS
from simulator import contract, server
from tests.operations.connecting import Crm, add, landed, run, wait_for
from tests.webhooks.conftest import RunningReceiver
from warehouse.settings import Settings

META = ("whatsapp", "instagram", "messenger")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    """One for each test: its apps begin with nobody's addresses."""
    with server.start(seed=7, messages=60, state_dir=tmp_path / "simulator") as running:
        yield running


#: What a person of the simulator has who is on the channel.
ADDRESS = {"whatsapp": "whatsapp", "instagram": "igsid", "messenger": "psid"}


@pytest.mark.parametrize("channel", META)
def test_what_is_configured_receives(
    channel: str,
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    admin: psycopg.Connection[Any],
) -> None:
    made = add(crm, simulator, channel)
    assert run(crm, "test", made["connection_id"])["ok"] is True
    first = run(crm, "configure-webhook", made["connection_id"])
    assert made["webhook_url"] in json.dumps(first["after"])
    assert made["webhook_url"] not in json.dumps(first["before"])
    again = run(crm, "configure-webhook", made["connection_id"])
    assert again["before"] == first["after"] == again["after"]
    person = next(each["name"] for each in simulator.people() if each[ADDRESS[channel]])
    simulator.message(channel=channel, person=person, body="Is the blue one there?")
    wait_for(lambda: landed(admin, channel, "Is the blue one there?"))


@pytest.mark.parametrize("channel", META)
def test_showing_changes_nothing_and_tells_no_secret(
    channel: str, crm: Crm, simulator: server.Simulator, receiver: RunningReceiver
) -> None:
    made = add(crm, simulator, channel)
    status, out, err = crm("connection", "configure-webhook", made["connection_id"], "--show-only")
    assert status == 0, err
    shown = run(crm, "configure-webhook", made["connection_id"], "--show-only")
    assert shown["before"] == shown["after"]
    assert made["webhook_url"] not in json.dumps(shown["before"])
    keys = simulator.accounts[channel]
    for secret in (keys["access_token"], keys["app_secret"], made["verify_token"]):
        assert secret not in out + err + json.dumps(shown)


@pytest.mark.parametrize("channel", META)
def test_a_receiver_that_shakes_no_hands_is_refused(
    channel: str, crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    """Nobody listens at the public URL: Meta asks for the handshake before it agrees."""
    made = add(crm, simulator, channel)
    status, out, err = crm("connection", "configure-webhook", made["connection_id"])
    assert (status, out) == (1, "")
    assert "Meta answers 400" in err
    assert made["verify_token"] not in err
    # Neither the account's subscription nor, for WhatsApp, the app's is left behind.
    meta = simulator.state()["meta"]
    assert not any(meta["installed"].values())
    assert not any(meta["callbacks"].values())
    assert "sends nothing to the app, as before" in err


@pytest.mark.parametrize("channel", META)
def test_without_the_apps_id_the_admin_is_told_what_to_do(
    channel: str, crm: Crm, simulator: server.Simulator, receiver: RunningReceiver
) -> None:
    made = add(crm, simulator, channel, app_id=None)
    after = run(crm, "configure-webhook", made["connection_id"])["after"]
    (note,) = [each["note"] for each in after if "note" in each]
    assert made["webhook_url"] in note
    assert "standby" in note
    assert made["verify_token"] not in note
    assert run(crm, "test", made["connection_id"])["ok"] is True


def test_a_page_stands_for_its_instagram_account(
    crm: Crm, simulator: server.Simulator, receiver: RunningReceiver
) -> None:
    page = simulator.accounts["messenger"]
    same: dict[str, str | None] = {
        key: page[key] for key in ("app_id", "app_secret", "access_token", "page_id")
    }
    same["meta_app_secret"] = None
    made = add(crm, simulator, "instagram", flavour="facebook", **same)
    assert run(crm, "test", made["connection_id"])["ok"] is True
    after = run(crm, "configure-webhook", made["connection_id"])["after"]
    assert any(each["object"] == f"app {page['app_id']} for instagram" for each in after)
    assert any(each["object"].startswith(f"{page['page_id']} to app") for each in after)
    other = add(
        crm, simulator, "instagram", flavour="facebook", **same, account_id="17841400000000000"
    )
    status, _, err = crm("connection", "test", other["connection_id"])
    assert (status, "not of account_id 17841400000000000" in err) == (1, True)


def test_a_system_user_reaches_an_instagram_account_without_its_page(
    crm: Crm, simulator: server.Simulator, receiver: RunningReceiver, admin: psycopg.Connection[Any]
) -> None:
    keys = simulator.get("accounts", flavour="unified")["instagram"]
    changes: dict[str, str | None] = dict(keys)
    made = add(crm, simulator, "instagram", **{**changes, "meta_app_secret": None})
    assert run(crm, "test", made["connection_id"])["ok"] is True
    run(crm, "configure-webhook", made["connection_id"])
    simulator.message(channel="instagram", person="Mai Tran", body="By the business")
    wait_for(lambda: landed(admin, "instagram", "By the business"))


def test_the_two_secrets_of_an_instagram_login_are_told_apart(
    crm: Crm, simulator: server.Simulator, receiver: RunningReceiver
) -> None:
    made = add(crm, simulator, "instagram")
    assert "app_secret is the secret of the Instagram app" in made["advice"][0]
    one = simulator.accounts["instagram"]["app_secret"]
    mixed = add(crm, simulator, "instagram", meta_app_secret=one)
    for command in ("test", "configure-webhook"):
        status, _, err = crm("connection", command, mixed["connection_id"])
        assert status == 1
        assert "app_id and meta_app_secret are those of the Meta app" in err
        assert one not in err
    without = add(crm, simulator, "instagram", meta_app_secret=None)
    after = run(crm, "configure-webhook", without["connection_id"])["after"]
    (note,) = [each["note"] for each in after if "note" in each]
    assert "set meta_app_secret" in note


@pytest.mark.parametrize("channel", ["instagram", "messenger"])
def test_fields_that_meta_does_not_know_are_left_out_and_named(
    channel: str,
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = {**FIELDS, channel: (*FIELDS[channel], "message_telepathy")}
    monkeypatch.setattr("providers.meta.subscriptions.FIELDS", more)
    made = add(crm, simulator, channel)
    after = run(crm, "configure-webhook", made["connection_id"])["after"]
    notes = [each["note"] for each in after if "note" in each]
    assert notes == ["Meta does not know, and did not take: message_telepathy"] * 2
    assert "messages" in json.dumps([each.get("subscribed_fields") for each in after])


def test_every_field_that_is_asked_for_is_described() -> None:
    for channel, kind in OBJECTS.items():
        assert set(FIELDS[channel]) <= contract.fields(kind), channel
    assert set(FIELDS["whatsapp"]) & contract.overridden() == CARRIED


def test_the_account_id_must_be_the_one_of_webhooks(
    crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    made = add(crm, simulator, "instagram", account_id="17841400000000000")
    status, _, err = crm("connection", "test", made["connection_id"])
    assert status == 1
    assert simulator.accounts["instagram"]["account_id"] in err
    assert "not of account_id 17841400000000000" in err


@pytest.mark.parametrize("channel", META)
def test_a_dead_token_is_said_without_being_repeated(
    channel: str, crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    made = add(crm, simulator, channel, access_token="EAAG-a-token-of-nobody")
    status, out, err = crm("connection", "test", made["connection_id"], "--json")
    assert status == 1
    assert json.loads(out)["ok"] is False
    assert "code 190" in err
    assert "EAAG" not in out + err


@pytest.mark.parametrize("channel", ["whatsapp", "messenger"])
def test_a_check_tells_until_when_the_token_lives(
    channel: str, crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    made = add(crm, simulator, channel)
    said = run(crm, "test", made["connection_id"])["detail"]
    assert "token does not expire" in said
    assert "data access expires 20" in said


def test_the_chats_of_a_number_are_asked_for_once(
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    admin: psycopg.Connection[Any],
) -> None:
    made = add(crm, simulator, "whatsapp")
    run(crm, "configure-webhook", made["connection_id"])
    asked = run(crm, "request-history", made["connection_id"])["asked"]
    assert [each["object"] for each in asked] == ["smb_app_state_sync", "history"]
    assert {each["state"] for each in asked} == {"asked for"}
    wait_for(lambda: landed(admin, "whatsapp", '"history"'))
    status, out, err = crm("connection", "request-history", made["connection_id"], "--json")
    assert status == 1
    assert {each["state"] for each in json.loads(out)["asked"]} == {"refused"}
    assert "Meta answers" in err
    actions = admin.execute("select count(*) from crm.events where action like '%request_history'")
    assert actions.fetchone() == (2,)


@pytest.mark.parametrize("channel", ["messenger", "instagram", "twilio_sms", "gmail"])
def test_other_channels_have_no_history_to_ask_for(
    channel: str, crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    made = add(crm, simulator, channel)
    status, out, err = crm("connection", "request-history", made["connection_id"])
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "there is nothing to ask for" in err
