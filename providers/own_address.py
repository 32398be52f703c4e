"""Whether providers can call us: what is wrong with the address that is registered with them, in words."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx

from providers.public_addresses import is_public, parsed

TIMEOUT_SECONDS = 5.0
#: What the receiver says of itself; no other program answers so.
ALIVE = {"status": "alive"}


def problems(public_url: str, *, played_here: bool = False) -> list[str]:
    """What keeps providers from calling this address; empty where nothing is known to.

    Args:
        played_here: providers are played on this machine, so an address of its own will do.
    """
    if not public_url:
        return [
            "CRM_PUBLIC_URL is not set: give the address that providers are to call, as https://crm.example.com, "
            "and start anew"
        ]
    parts = urlsplit(public_url)
    found = []
    if not played_here:
        if parts.scheme != "https":
            found.append(
                f"CRM_PUBLIC_URL is {public_url}, and providers call https alone: put a proxy with TLS before the "
                "receiver"
            )
        try:
            listed = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
            addresses = sorted({str(each[4][0]) for each in listed})
        except OSError:
            return [*found, f"the name {parts.hostname} of CRM_PUBLIC_URL leads to no address"]
        private = [each for each in addresses if not is_public(parsed(each))]
        if private:
            found.append(
                f"the name {parts.hostname} of CRM_PUBLIC_URL leads to {', '.join(private)}, which nobody outside can "
                "reach"
            )
    if said := _unreachable(public_url):
        found.append(said)
    return found


def _unreachable(public_url: str) -> str:
    """As seen from here, which is not from everywhere."""
    address = f"{public_url.rstrip('/')}/healthz"
    try:
        answer = httpx.get(address, timeout=TIMEOUT_SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        return f"{address} does not answer ({kind}): see that the receiver runs and that the proxy leads to it"
    try:
        is_ours = answer.status_code == 200 and answer.json() == ALIVE
    except ValueError:
        is_ours = False
    if is_ours:
        return ""
    return (
        f"{address} answers {answer.status_code}, and not as our receiver does: the path of CRM_PUBLIC_URL, or the "
        "proxy, leads to another program"
    )
