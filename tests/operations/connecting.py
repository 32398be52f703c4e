"""Accounts connected as an admin does it, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import psycopg

from simulator import server

Crm = Callable[..., tuple[int, str, str]]


def add(
    crm: Crm, simulator: server.Simulator, channel: str, **changes: str | None
) -> dict[str, Any]:
    """The answer of `connection add`; None as a change leaves the key out."""
    keys: dict[str, str | None] = {**simulator.accounts[channel], **changes}
    options = [
        part
        for key, value in keys.items()
        if value is not None
        for part in ("--set", f"{key}={value}")
    ]
    status, out, err = crm("connection", "add", channel, "--name", "Shop", *options, "--json")
    assert status == 0, err
    return dict(json.loads(out))


def run(crm: Crm, *arguments: str) -> dict[str, Any]:
    status, out, err = crm("connection", *arguments, "--json")
    assert status == 0, err
    return dict(json.loads(out))


def landed(admin: psycopg.Connection[Any], channel: str, text: str) -> bool:
    row = admin.execute(
        "select count(*) from raw.webhook_deliveries where channel = %s and position(%s in payload::text) > 0",
        [channel, text],
    ).fetchone()
    assert row is not None
    return bool(row[0])


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
