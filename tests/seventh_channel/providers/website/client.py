"""The web site: its transcript is read, and nothing else is ever asked of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.failures import TryLater
from providers.guard import Allowed, Guard
from warehouse.connections import Connection

GUARD = Guard("the web site", (Allowed("GET", r"/[^?#]*"),))
TIMEOUT_SECONDS = 10.0


def transcript(connection: Connection) -> list[dict[str, Any]]:
    """Every message there is.

    Raises:
        TryLater: it cannot be had now.
    """
    address = connection.required("transcript")
    GUARD.check("GET", urlsplit(address).path or "/")
    try:
        answer = httpx.get(address, timeout=TIMEOUT_SECONDS).raise_for_status()
        found: list[dict[str, Any]] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise TryLater(f"the transcript cannot be had: {type(error).__name__}") from None
    return found
