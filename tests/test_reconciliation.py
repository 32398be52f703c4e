"""One webhook of twenty is lost on its way: what `./crm reconcile` brings back, and what it says of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from operations.__main__ import main
from pipelines.pull import pull
from pipelines.reconcile import GRACE
from providers.meta import pace as graph_pace
from simulator import server
from tests.long_form import LONG
from tests.test_any_order import connected
from tests.webhooks.conftest import RunningReceiver, serve
from transform.build import build
from transform.models import Models
from warehouse.channels import registry
from warehouse.settings import Settings

EVENTS = 1000
Database = psycopg.Connection[Any]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    with server.start(seed=11, messages=120, state_dir=tmp_path / "simulator") as running:
        yield running


@pytest.fixture
def receiver(settings: Settings) -> Iterator[RunningReceiver]:
    with serve(settings) as running:
        yield running


def reconciled(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> dict[str, dict[str, Any]]:
    """What the command reports, by channel."""
    monkeypatch.setenv("CRM_DATABASE_URL", settings.admin_url)
    monkeypatch.setenv("CRM_MASTER_KEY", settings.master_keys[0])
    monkeypatch.setenv("CRM_DATA_DIR", str(settings.data_dir))
    capfd.readouterr()
    assert main(["reconcile", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["failed"] == {}
    return {each["channel"]: each for each in told["connections"]}


def shown(admin: Database) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (channel, identity): (direction, body)
        for channel, identity, direction, body in admin.execute(
            "select channel, provider_message_id, direction, body from marts.messages"
        ).fetchall()
    }


def test_what_webhooks_lost_comes_back_where_the_provider_can_give_it(
    settings: Settings,
    models: Models,
    fold_now: Callable[[], int],
    admin: Database,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Meta's simulated limits are tested elsewhere; here they would be a minute of waiting.
    monkeypatch.setattr(graph_pace, "SECONDS_BETWEEN_CALLS", 0.0)
    ids = connected(admin, receiver.settings, simulator, receiver.base_url)
    for channel, connection_id in ids.items():
        if registry()[channel].pulls:
            pull(settings, connection_id)
    # The burst's messages are of the last hour, in which the connections were there.
    admin.execute("update crm.connections set created_at = now() - interval '1 day'")
    simulator.faults(drop=0.05)
    told = simulator.burst(EVENTS, seed=5)
    simulator.faults(drop=0)
    assert told["dropped"] > EVENTS // 40
    truth = {
        (message["channel"], message["id"]): message
        for message in simulator.truth()
        if (message["body"] or "").startswith("#")
    }
    fold_now()
    before = shown(admin)
    lost = {key for key in truth if key not in before}
    compared = {
        key for key in lost if datetime.fromisoformat(truth[key]["at"]) < datetime.now(UTC) - GRACE
    }
    assert {channel for channel, _ in lost} >= {"twilio_sms", "whatsapp", "instagram", "messenger"}

    found = reconciled(settings, monkeypatch, capfd)

    assert set(found) == set(registry())
    after = shown(admin)
    # What is still missing went over WhatsApp, which has no history. Of some messages there only a status came.
    missing = {
        key
        for key, message in truth.items()
        if after.get(key) != (message["direction"], message["body"])
    }
    # Elsewhere also a text is whole whose edit alone was lost: the history has it.
    assert {channel for channel, _ in missing} == {"whatsapp"}
    for channel, entry in registry().items():
        document = found[channel]
        if not entry.pulls:
            assert document["missing"] is None
            assert entry.history_note in document["unrecoverable"]
            continue
        theirs = {identity for lost_on, identity in compared if lost_on == channel}
        assert document["brought_in"] >= len(theirs)
        if entry.push_carries_messages:
            promised = {
                identity
                for identity in theirs
                if truth[channel, identity]["direction"] in entry.pushed_directions
            }
            assert promised <= {each.rpartition("|")[2] for each in document["missing_ids"]}, (
                channel
            )

    if LONG:
        build(settings, models, compare=False)
        assert shown(admin) == after
    health = {
        channel: (missing, at is not None)
        for channel, missing, at in admin.execute(
            "select channel, missing, reconciled_at from marts.channel_health"
        ).fetchall()
    }
    assert health == {channel: (found[channel]["missing"], True) for channel in registry()}
    again = reconciled(settings, monkeypatch, capfd)
    assert {each["brought_in"] for each in again.values()} <= {0, None}
    assert shown(admin) == after
