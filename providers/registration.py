"""What an admin asks of a provider, on a page or by a command: `providers/<provider>/registration.py`, one each.

Each has
    check(connection) -> str                     calls with what pulls and webhooks use; the sentence says what answered
    present(connection) -> list[dict]            what is registered there now: {"object", key: value …}
    called_now(connection) -> dict[str, str]     the addresses that configuring would set, by what they are of
    configure(connection, url, *, take_over)     register our webhook -> the same shape, as it is then
    advice(connection, url) -> list[str]         what the admin must know or do at the provider, said when he connects
and raises a failure of `providers/failures.py` with the provider's own words, never with a credential.

`configure` replaces nobody's address unless told (`TakenByAnother`), and where it is refused half way, what it changed
before is put back; the words say what was and what is.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from providers.failures import NotAccepted
from warehouse.channels import registry
from warehouse.connections import Connection, webhook_path


class TakenByAnother(NotAccepted):
    """An address is registered that is not ours; nothing was changed."""

    def __init__(self, channel: str, found: dict[str, str]) -> None:
        named = "; ".join(f"{whose}: {address}" for whose, address in found.items())
        super().__init__(
            f"{channel}: another program is called now, and would not hear any more ({named}); nothing was changed: "
            "to take its place, say --take-over"
        )
        self.found = found


class Provider(Protocol):
    def check(self, connection: Connection) -> str: ...
    def present(self, connection: Connection) -> list[dict[str, Any]]: ...
    def called_now(self, connection: Connection) -> dict[str, str]: ...
    def configure(
        self, connection: Connection, url: str, *, take_over: bool = False
    ) -> list[dict[str, Any]]: ...
    def advice(self, connection: Connection, url: str) -> list[str]: ...


def is_ours(address: str, connection: Connection, url: str) -> bool:
    """Whether a registered address is one of this installation's for the channel.

    It is where the host is that of `url`, or the path is this connection's, from before we moved.
    """
    try:
        registered, ours = urlsplit(address), urlsplit(url)
    except ValueError:
        return False
    here = (registered.scheme, registered.netloc.lower()) == (ours.scheme, ours.netloc.lower())
    path = webhook_path(connection)
    channel = path.rpartition("/")[0] + "/"
    # A public URL may have a path of its own before ours.
    before = ours.path.removesuffix(path)
    return (here and registered.path.startswith(before + channel)) or registered.path.endswith(path)


def check_not_taken(
    connection: Connection, url: str, found: dict[str, str], *, take_over: bool
) -> None:
    """
    Args:
        found: the registered addresses, by what they are of.

    Raises:
        TakenByAnother: one of them is somebody else's, and nobody said to replace it.
    """
    others = of_others(connection, url, found)
    if others and not take_over:
        raise TakenByAnother(connection.channel, others)


def of_others(connection: Connection, url: str, found: dict[str, str]) -> dict[str, str]:
    """The addresses among these that are another program's."""
    return {
        whose: address
        for whose, address in found.items()
        if address and not is_ours(address, connection, url)
    }


def provider_of(connection: Connection) -> Provider:
    """The module of the connection's provider."""
    name = registry()[connection.channel].provider
    return cast(Provider, importlib.import_module(f"providers.{name}.registration"))
