"""Where our own programs answer: what a connection names is asked from inside, and must be none of these.

They are asked there for what nobody outside is answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from warehouse.run_record import recorded
from warehouse.settings import Role, Settings, SettingsError

#: Keys of a connection whose values are addresses that our programs ask.
ASKED = ("api_base", "certs_url", "token_uri")
#: Of the record of what runs.
FACTS = ("app_url", "receiver_url", "receiver_admin_url")


def named_by(settings: Settings, values: Mapping[str, str]) -> list[str]:
    """The keys whose value is an address of our own."""
    return [
        key
        for key in ASKED
        if any(
            is_own(settings, each) for each in (values.get(key) or "").split(",") if each.strip()
        )
    ]


def is_own(settings: Settings, url: str) -> bool:
    """Whether an address is one of our own."""
    return _place(url) in {_place(each) for each in _ours(settings)}


def _ours(settings: Settings) -> Iterator[str]:
    for role in Role:
        # Each program knows the database by its own door.
        with suppress(SettingsError):
            yield settings.url_for(role)
    yield from (url for url in (settings.public_url, settings.app_url) if url)
    if settings.admin_bind:
        yield f"http://{settings.admin_bind}"
    facts = recorded(settings.data_dir).get("facts", {})
    yield from (str(facts[fact]) for fact in FACTS if facts.get(fact))


def _place(url: str) -> tuple[str, int | None]:
    """Host and port; this machine by any of its names is one host."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    try:
        port = parts.port
    except ValueError:
        port = None
    default = {"http": 80, "https": 443, "postgresql": 5432}.get(parts.scheme)
    return "localhost" if is_loopback else host, port or default
