"""The web site: nothing is registered there by us."""

from __future__ import annotations

from typing import Any

from providers.website.client import transcript

from warehouse.connections import Connection


def check(connection: Connection) -> str:
    return f"the transcript answers; messages: {len(transcript(connection))}"


def present(connection: Connection) -> list[dict[str, Any]]:
    return []


def called_now(connection: Connection) -> dict[str, str]:
    return {}


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    return [{"object": "chat", "enter there": url}]


def advice(connection: Connection, url: str) -> list[str]:
    return []
