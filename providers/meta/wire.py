"""The transport to Graph: what leaves is looked at here, whoever asks."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.auth import AuthBase

from providers import clock
from providers.failures import NotAllowed
from providers.meta import access
from providers.meta.allowed import GUARD
from warehouse.connections import Connection

#: Connecting, and between two pieces of an answer.
TIMEOUT_SECONDS = (10.0, 30.0)
#: With every call, and no part of what it sets.
PROOF = "appsecret_proof"


def check(connection: Connection, method: str, url: str, fields: Iterable[str] = ()) -> None:
    """
    Args:
        fields: the names of what the request would set.

    Raises:
        NotAllowed: it is none of what we ask for, or at another host than Graph's; nothing was sent.
    """
    for root in access.roots(connection):
        if url.startswith(f"{root}/"):
            path = url.removeprefix(root).partition("?")[0]
            GUARD.check(method, path, set(fields) - {PROOF})
            return
    raise NotAllowed("Meta: a request to another host is not sent")


class Guarded(requests.Session):
    """A session that sends what is allowed for a connection, and nothing else."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._of = connection

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        check(self._of, request.method or "", request.url or "", _set_by(request))
        response = super().send(request, **kwargs)
        clock.heard(response.headers.get("Date"))
        return response


def _set_by(request: requests.PreparedRequest) -> list[str]:
    """The names of what a request would set, from wherever they stand in it."""
    if request.method == "GET":
        return []
    names = [name for name, _ in parse_qsl(urlsplit(request.url or "").query, True)]
    body = request.body or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    if not text:
        return names
    if "json" in str(request.headers.get("Content-Type")):
        return [*names, *json.loads(text)]
    return [*names, *(name for name, _ in parse_qsl(text, True))]


@contextmanager
def unlogged() -> Iterator[None]:
    """No line of the HTTP library about addresses, not even for whoever logs everything."""
    log = logging.getLogger("urllib3.connectionpool")
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


class Bearer(AuthBase):
    """The token as a header. Given as `auth`, it is not replaced by what a .netrc may hold."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
