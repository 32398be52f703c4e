"""A refused configuration leaves nothing moved, and nobody's address is replaced without being asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from providers.failures import ProviderFailed, TryLater
from providers.registration import is_ours
from providers.twilio import registration as twilio
from providers.twilio.client import Account
from simulator import server
from tests.operations.connecting import Crm, add, run
from tests.webhooks.conftest import RunningReceiver
from warehouse.connections import Connection
from warehouse.settings import Settings

KINDS = {"messenger": "page", "instagram": "instagram", "whatsapp": "whatsapp_business_account"}
OTHER = "https://helpdesk.example.com/twilio"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    with server.start(seed=7, messages=60, state_dir=tmp_path / "simulator") as running:
        yield running


@pytest.fixture
def helpdesk() -> Iterator[str]:
    """Another program's webhook: it answers Meta's handshake with its own verify token alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
            known = asked.get("hub.verify_token") == "the helpdesk's"
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(asked.get("hub.challenge", "").encode() if known else b"")

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/meta"
    listening.shutdown()
    listening.server_close()
    thread.join()


def registered(simulator: server.Simulator) -> dict[str, Any]:
    """What Meta has, without our code."""
    meta = simulator.state()["meta"]
    installed = {asset: apps for asset, apps in meta["installed"].items() if apps}
    return {"callbacks": meta["callbacks"], "installed": installed}


def held_by_another(simulator: server.Simulator, channel: str, url: str) -> None:
    simulator.point(channel, url, "the helpdesk's")


def callback(simulator: server.Simulator, channel: str) -> str:
    app = simulator.accounts[channel]["app_id"]
    found: str = registered(simulator)["callbacks"][app][KINDS[channel]]["callback_url"]
    return found


@pytest.mark.parametrize("channel", ["messenger", "instagram", "whatsapp"])
@pytest.mark.parametrize("kind", ["unasked", "wrong token", "wrong app", "no handshake"])
def test_an_app_subscribed_elsewhere_keeps_its_callback(
    channel: str,
    kind: str,
    crm: Crm,
    simulator: server.Simulator,
    helpdesk: str,
    receiver: RunningReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_by_another(simulator, channel, helpdesk)
    changes: dict[str, str | None] = {}
    options = ["--take-over"]
    if kind == "unasked":
        # WhatsApp's account gets an address of its own, and the app's is not ours to change.
        options = []
    elif kind == "wrong token":
        changes = {"access_token": "EAAG-nobodys"}
    elif kind == "wrong app":
        changes = {"app_id": "111222333444555"}
    else:
        monkeypatch.setenv("CRM_PUBLIC_URL", "http://127.0.0.1:9")
    before = registered(simulator)
    made = add(crm, simulator, channel, **changes)
    status, out, err = crm("connection", "configure-webhook", made["connection_id"], *options)
    assert callback(simulator, channel) == helpdesk
    if kind == "unasked" and channel == "whatsapp":
        assert status == 0, err
        assert "come to the app's own URL alone" in out
        return
    assert status == 1, out
    if kind == "unasked":
        assert f"page: {helpdesk}" in err or f"instagram: {helpdesk}" in err
        assert "--take-over" in err
        assert registered(simulator) == before
    if kind == "no handshake":
        assert "what it was" in err
        assert helpdesk in err
        assert registered(simulator)["callbacks"] == before["callbacks"]


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_it_is_taken_over_where_that_is_said(
    channel: str,
    crm: Crm,
    simulator: server.Simulator,
    helpdesk: str,
    receiver: RunningReceiver,
) -> None:
    held_by_another(simulator, channel, helpdesk)
    made = add(crm, simulator, channel)
    done = run(crm, "configure-webhook", made["connection_id"], "--take-over")
    assert helpdesk in json.dumps(done["before"])
    assert callback(simulator, channel) == made["webhook_url"]
    # From then on it is ours, and nothing need be said.
    run(crm, "configure-webhook", made["connection_id"])


def test_an_override_of_another_program_is_not_replaced(
    crm: Crm, simulator: server.Simulator, helpdesk: str, receiver: RunningReceiver
) -> None:
    keys = simulator.accounts["whatsapp"]
    simulator.point("whatsapp", helpdesk, "the helpdesk's")
    simulator.faults(require_proof=0)
    answer = httpx.post(
        f"{keys['api_base']}/v26.0/{keys['business_account_id']}/subscribed_apps",
        headers={"Authorization": f"Bearer {keys['access_token']}"},
        data={"override_callback_uri": f"{helpdesk}/own", "verify_token": "the helpdesk's"},
    )
    assert answer.is_success, answer.text
    made = add(crm, simulator, "whatsapp")
    status, _, err = crm("connection", "configure-webhook", made["connection_id"])
    assert (status, f"{helpdesk}/own" in err) == (1, True)
    installed = registered(simulator)["installed"][keys["business_account_id"]][keys["app_id"]]
    assert installed["override_callback_uri"] == f"{helpdesk}/own"
    after = run(crm, "configure-webhook", made["connection_id"], "--take-over")["after"]
    assert made["webhook_url"] in json.dumps(after)


@pytest.mark.parametrize("channel", ["twilio_sms", "twilio_voice"])
def test_a_numbers_address_is_not_replaced(
    channel: str, crm: Crm, simulator: server.Simulator, warehouse: Settings
) -> None:
    simulator.point(channel, OTHER)
    made = add(crm, simulator, channel)
    status, _, err = crm("connection", "configure-webhook", made["connection_id"])
    assert (status, OTHER in err, "--take-over" in err) == (1, True, True)
    after = run(crm, "configure-webhook", made["connection_id"], "--take-over")
    assert OTHER in json.dumps(after["before"])
    assert OTHER not in json.dumps(after["after"])


def test_a_refusal_half_way_puts_the_others_back(
    simulator: server.Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = simulator.accounts["twilio_voice"]
    of = Connection(
        connection_id="c2",
        channel="twilio_voice",
        name="Shop",
        settings={name: value for name, value in keys.items() if name != "auth_token"},
        secrets={"auth_token": keys["auth_token"]},
    )
    before = twilio.present(of)
    change = Account.change
    posts: list[str] = []

    def refusing(account: Account, path: str, fields: dict[str, str]) -> dict[str, Any]:
        posts.append(path)
        if len(posts) == 2:
            raise TryLater("twilio_voice: Twilio answered 500: down")
        return change(account, path, fields)

    monkeypatch.setattr(Account, "change", refusing)
    with pytest.raises(ProviderFailed, match="all addresses are what they were"):
        twilio.configure(of, "https://crm.example.com/webhooks/twilio_voice/c2")
    assert len(posts) == 4
    assert twilio.present(of) == before


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://crm.example.com/webhooks/messenger/c1", True),
        ("https://crm.example.com/webhooks/messenger/c9", True),
        ("https://CRM.example.com/webhooks/messenger/c9", True),
        ("https://old.example.com/webhooks/messenger/c1", True),
        ("https://old.example.com/webhooks/messenger/c9", False),
        ("https://crm.example.com/webhooks/instagram/c1", False),
        ("https://crm.example.com/helpdesk", False),
        ("https://[", False),
    ],
)
def test_which_addresses_are_ours(address: str, ours: bool) -> None:
    of = Connection(connection_id="c1", channel="messenger", name="", settings={}, secrets={})
    assert is_ours(address, of, "https://crm.example.com/webhooks/messenger/c1") is ours
