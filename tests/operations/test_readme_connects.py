"""The README's own commands connect all six channels, with the kinds of tokens that providers hand out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulator import server
from tests.operations.connecting import Crm, landed, wait_for
from tests.webhooks.conftest import RunningReceiver
from warehouse.channels import ROOT, registry

#: What only a test must say: where the simulated providers are.
WHERE = ("api_base", "media_hosts", "certs_url", "token_uri")
PERSON = "Mai Tran"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[server.Simulator]:
    """One whose apps and numbers nobody has configured."""
    with server.start(seed=7, messages=120, state_dir=tmp_path / "simulator") as running:
        yield running


def commands() -> list[list[str]]:
    """The commands of the README's section, in its order."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("### Connect the real accounts") :].split("\n## ")[0]
    section = section[: section.index("Customers you know already")]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("./crm")]


def test_all_six_channels_connect_by_the_readme_alone(
    crm: Crm,
    simulator: server.Simulator,
    receiver: RunningReceiver,
    admin: psycopg.Connection[Any],
    tmp_path: Path,
) -> None:
    found = commands()
    made: dict[str, dict[str, Any]] = {}
    channel = ""
    for command in found:
        if command[:2] == ["connection", "add"]:
            channel = command[2]
            made[channel] = _added(crm, command, simulator.accounts[channel], tmp_path)
            if channel == "gmail":
                # In Google Cloud, by hand, as the README says.
                endpoint = made[channel]["webhook_url"]
                simulator.subscribe(endpoint, simulator.accounts[channel]["push_audience"])
            continue
        named = [made[channel]["connection_id"] if part == "ID" else part for part in command]
        status, out, err = crm(*named, "--json")
        assert status == 0, f"{command}: {err}"
        if command[1] == "test":
            assert json.loads(out)["ok"] is True
    assert list(made) == list(registry().keys() & made.keys()) or set(made) == set(registry())
    assert simulator.get("contract")["unknown"] == []
    _live(simulator, admin)
    _history(simulator, admin, made)


def _added(crm: Crm, command: list[str], keys: dict[str, str], folder: Path) -> dict[str, Any]:
    """`connection add` with this account's values instead of the README's."""
    filled = list(command)
    for place, part in enumerate(filled):
        if filled[place - 1] not in ("--set", "--set-file"):
            continue
        key = part.partition("=")[0]
        value = keys[key]
        if filled[place - 1] == "--set-file":
            (folder / key).write_text(value + "\n")
            value = str(folder / key)
        filled[place] = f"{key}={value}"
    for key in WHERE:
        if key in keys:
            filled += ["--set", f"{key}={keys[key]}"]
    status, out, err = crm(*filled, "--json")
    assert status == 0, err
    return dict(json.loads(out))


def _live(simulator: server.Simulator, admin: psycopg.Connection[Any]) -> None:
    """A message of each channel arrives as a webhook."""
    for channel in ("twilio_sms", "whatsapp", "instagram", "messenger"):
        simulator.message(channel=channel, person=PERSON, body=f"Live over {channel}")
        wait_for(lambda channel=channel: landed(admin, channel, f"Live over {channel}"))  # type: ignore[misc]
    call = simulator.message(channel="twilio_voice", person=PERSON)
    wait_for(lambda: landed(admin, "twilio_voice", call["id"]))
    before = _count(admin, "raw.webhook_deliveries where channel = 'gmail'")
    simulator.message(channel="gmail", person=PERSON, body="Live by mail")
    wait_for(lambda: _count(admin, "raw.webhook_deliveries where channel = 'gmail'") > before)


def _history(
    simulator: server.Simulator, admin: psycopg.Connection[Any], made: dict[str, Any]
) -> None:
    """A history came, of every channel that has one."""
    for channel, table in (
        ("twilio_sms", "messages"),
        ("twilio_voice", "calls"),
        ("gmail", "messages"),
        ("instagram", "messages"),
        ("messenger", "messages"),
    ):
        there = len(simulator.truth(channel))
        assert _count(admin, f"raw_{channel}.{table}") >= there // 2 > 0, channel
    wait_for(lambda: landed(admin, "whatsapp", '"history"'))
    # The page's conversations of every folder are there.
    folders = admin.execute("select count(distinct conversation_id) from raw_messenger.messages")
    assert folders.fetchone() != (0,)


def _count(admin: psycopg.Connection[Any], what: str) -> int:
    row = admin.execute(f"select count(*) from {what}").fetchone()
    assert row is not None
    return int(row[0])
