"""The web site: nothing is registered there by us."""

from __future__ import annotations

from typing import Any

import httpx

from operations.providers import TIMEOUT_SECONDS
from providers.failures import NotAccepted
from warehouse.connections import Connection


def check(connection: Connection) -> str:
    answer = httpx.get(connection.required("transcript"), timeout=TIMEOUT_SECONDS)
    if not answer.is_success:
        raise NotAccepted(f"the web site answers {answer.status_code}")
    return "the transcript answers"


def present(connection: Connection) -> list[dict[str, Any]]:
    return []


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    return [{"object": "chat", "enter there": url}]


def advice(connection: Connection, url: str) -> list[str]:
    return []
