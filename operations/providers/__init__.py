"""What the command line asks of a provider itself: one module per provider of the registry.

Each has
    check(connection) -> str                     one cheap call; the sentence says what answered
    present(connection) -> list[dict]            what is registered there now: {"object", key: value …}
    configure(connection, url) -> list[dict]     register our webhook; the same shape, as it is then
and raises `ProviderRefused` with the provider's own words, never with a credential.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from warehouse.channels import registry
from warehouse.connections import Connection

TIMEOUT_SECONDS = 20.0


class ProviderRefused(Exception):
    """The provider says no, or does not answer; the text names the channel and what it said."""


class Provider(Protocol):
    def check(self, connection: Connection) -> str: ...
    def present(self, connection: Connection) -> list[dict[str, Any]]: ...
    def configure(self, connection: Connection, url: str) -> list[dict[str, Any]]: ...


def provider_of(connection: Connection) -> Provider:
    """The module of the connection's provider."""
    name = registry()[connection.channel].provider
    return cast(Provider, importlib.import_module(f"operations.providers.{name}"))
