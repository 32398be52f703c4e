"""Every request that leaves us is one that its provider describes: paths, methods, names of parameters.

The descriptions are data with source and date (`simulator/specifications/`, and Gmail's own, which ships with its
client). The simulator holds every request against them; here everything that asks a provider runs against it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from media.sources import KINDS, Errand
from pipelines.pull import pull
from providers.failures import ProviderFailed
from providers.safe_http import SafeClient
from simulator import contract, server
from tests.operations.connecting import Crm, add, run
from tests.webhooks.conftest import RunningReceiver
from warehouse import connections
from warehouse.channels import registry
from warehouse.connections import Connection
from warehouse.settings import Settings
from worker.tokens import renew as renew_token
from worker.watch import renew as renew_watch

SID = "0" * 32
ACCOUNT = f"/2010-04-01/Accounts/AC{SID}"


@pytest.mark.parametrize("name", ["twilio_paths", "graph_edges", "meta_fields"])
def test_each_description_says_where_it_comes_from(name: str) -> None:
    told = contract.specification(name)
    described = {
        "twilio_paths": [told, told.get("beside")],
        "graph_edges": [told.get("everywhere"), *told.get("edges", [])],
        "meta_fields": [*told.get("fields", {}).values(), told.get("override")],
    }[name]
    for each in described:
        assert each["source"].startswith("https://"), each
        assert datetime.fromisoformat(each["date"]).year >= 2025, each


@pytest.mark.parametrize(
    ("method", "path", "query", "form", "known"),
    [
        ("GET", f"{ACCOUNT}/Messages.json", ["DateSent>", "PageSize"], [], True),
        ("GET", f"{ACCOUNT}/Messages.json", ["DateSentAfter"], [], False),
        ("GET", f"{ACCOUNT}/Messages/MM{SID}/Media/ME{SID}", [], [], True),
        ("GET", f"{ACCOUNT}/Recordings/RE{SID}.mp3", [], [], True),
        ("POST", f"{ACCOUNT}/Recordings/RE{SID}.mp3", [], [], False),
        ("POST", f"{ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json", [], ["SmsUrl"], True),
        ("POST", f"{ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json", [], ["SmsURL"], False),
        ("PUT", f"{ACCOUNT}/Messages.json", [], [], False),
        ("GET", f"{ACCOUNT}/Texts.json", [], [], False),
    ],
)
def test_twilios_description_is_held_against(
    method: str, path: str, query: list[str], form: list[str], known: bool
) -> None:
    assert (contract.twilio(method, path, query, form) == "") is known


@pytest.mark.parametrize(
    ("method", "steps", "names", "kind", "known"),
    [
        ("GET", "1/conversations", ["platform", "folder", "appsecret_proof"], "messenger", True),
        ("GET", "1/conversations", ["appsecret_proof"], "instagram", False),
        ("GET", "1/conversations", ["since"], "messenger", False),
        ("POST", "1/subscribed_apps", ["subscribed_fields"], "messenger", True),
        ("POST", "1/messages", ["message"], "messenger", False),
        ("DELETE", "1/subscribed_apps", [], "messenger", True),
        ("DELETE", "1/messages", [], "messenger", False),
        ("GET", "refresh_access_token", ["grant_type", "access_token"], "instagram", True),
    ],
)
def test_graphs_description_is_held_against(
    method: str, steps: str, names: list[str], kind: str, known: bool
) -> None:
    assert (contract.graph(method, steps.split("/"), names, kind) == "") is known


@pytest.mark.parametrize(
    ("method", "path", "names", "known"),
    [
        ("GET", "/gmail/v1/users/me/messages", ["maxResults", "q", "alt"], True),
        ("GET", "/gmail/v1/users/me/messages", ["limit"], False),
        ("POST", "/gmail/v1/users/me/watch", ["alt"], True),
        ("POST", "/gmail/v1/users/me/messages/send/now", [], False),
    ],
)
def test_gmails_description_is_held_against(
    method: str, path: str, names: list[str], known: bool
) -> None:
    assert (contract.gmail(method, path, names) == "") is known


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    with server.start(seed=7, messages=150, state_dir=tmp_path / "simulator") as running:
        yield running


@contextmanager
def opened(errand: Errand) -> Iterator[bytes]:
    """The first bytes of a file, however it is had."""
    with KINDS[str(errand.source["kind"])].opened(errand) as found:
        yield b"".join(itertools.islice(found.answer.chunks(10_000_000), 1))


def test_everything_that_asks_a_provider_asks_as_it_describes(
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    warehouse: Settings,
    admin: psycopg.Connection[Any],
) -> None:
    made = {channel: add(crm, simulator, channel)["connection_id"] for channel in registry()}
    for flavour in ("facebook", "unified"):
        keys: dict[str, str | None] = {**simulator.get("accounts", flavour=flavour)["instagram"]}
        keys["meta_app_secret"] = None
        made[f"instagram {flavour}"] = add(crm, simulator, "instagram", **keys)["connection_id"]
    for name, connection_id in made.items():
        run(crm, "test", connection_id)
        run(crm, "configure-webhook", connection_id)
        if name == "whatsapp":
            run(crm, "request-history", connection_id)
    simulator.call(person="Mai Tran", outcome="voicemail", transcript="Call me back", silent=True)
    simulator.message(
        channel="messenger", person="Mai Tran", body="x", attachments=["photo"], silent=True
    )
    since = datetime.now(UTC) - timedelta(days=30)
    for name, connection_id in made.items():
        if registry()[name.partition(" ")[0]].pulls:
            pull(warehouse, connection_id)
            # From a day on, and once more from the cursor.
            pull(warehouse, connection_id, since)
    renew_token(warehouse, made["instagram"])
    renew_watch(warehouse, made["gmail"])
    _files(simulator, admin, warehouse, made)
    told = simulator.get("contract")
    assert told["unknown"] == []
    asked = "\n".join(told["asked"])
    for expected in (
        "twilio GET /2010-04-01/Accounts/{sid}/Messages.json DateSent>",
        "twilio POST /2010-04-01/Accounts/{sid}/IncomingPhoneNumbers/{sid}.json SmsMethod,SmsUrl",
        "twilio POST /v1/Services/{sid} StatusCallback",
        "twilio GET /v1/Services PageSize",
        "twilio GET /2010-04-01/Accounts/{sid}/Recordings/{sid}.mp3",
        "graph POST {id}/subscriptions",
        "graph POST {id}/subscribed_apps appsecret_proof,override_callback_uri,verify_token",
        "graph POST {id}/smb_app_data",
        "graph GET {id} appsecret_proof,phone_number_id",
        "graph GET {id} appsecret_proof,fields",
        "graph GET refresh_access_token access_token,grant_type",
        "gmail GET /gmail/v1/users/me/history",
        "gmail POST /gmail/v1/users/me/watch",
    ):
        assert expected in asked, asked


def _files(
    simulator: server.Simulator,
    admin: psycopg.Connection[Any],
    settings: Settings,
    made: dict[str, str],
) -> None:
    """A file of each kind of source, as the fetching job opens it."""

    def connection(name: str) -> Connection:
        found = connections.find(admin, settings, made[name])
        assert found is not None
        return found

    def fetched(name: str, identity: str = "", **source: Any) -> bytes:
        errand = Errand(
            connection=connection(name),
            client=SafeClient(),
            source=source,
            provider_message_id=identity,
            received_at=datetime.now(UTC),
        )
        with opened(errand) as content:
            return content

    with pytest.raises(ProviderFailed):
        fetched("twilio_sms", kind="twilio_media", message_sid=f"MM{SID}", media_sid=f"ME{SID}")
    recording = admin.execute(
        "select sid from raw_twilio_voice.recordings where payload ->> 'status' = 'completed' limit 1"
    ).fetchone()
    assert recording is not None
    assert fetched("twilio_voice", kind="twilio_recording", recording_sid=recording[0])
    with pytest.raises(ProviderFailed):
        fetched("whatsapp", kind="graph_media", media_id="1234567890")
    message = admin.execute(
        "select id from raw_messenger.messages where payload -> 'attachments' is not null limit 1"
    ).fetchone()
    assert message is not None
    dead = f"{simulator.base_url}/cdn/1/x.jpg?oe=1.1&oh=x"
    assert fetched("messenger", message[0], kind="url", url=dead, index=0)
