"""Meta's Graph API as a pull needs it: read only, at Meta's pace (providers.md §6.5).

The token goes into a header and nowhere else. Graph itself writes it into every `paging.next`: that address is
never followed, and the token is cut out of an answer before anything is read from it.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.auth import AuthBase

from pipelines.failures import BACK_OFF, PullFailed, TryLater
from pipelines.graph_failures import failure_of
from pipelines.graph_pace import pace_of
from warehouse.connections import Connection

FACEBOOK = "https://graph.facebook.com"
INSTAGRAM = "https://graph.instagram.com"
VERSION = "v26.0"
#: Connecting, and between two pieces of an answer.
TIMEOUT_SECONDS = (10.0, 30.0)
CUT_OUT = "[access token]"
VERSIONED = re.compile(r"/v\d+\.\d+$")


class Graph:
    """Graph for one connection. Every call repeats itself while Meta says "slower" or is away."""

    def __init__(self, connection: Connection, host: str = FACEBOOK) -> None:
        self.name = f"{connection.channel} connection {connection.connection_id}"
        self._token = connection.required("access_token")
        self._root = (connection.value("api_base") or host).rstrip("/")
        version = connection.value("api_version") or VERSION
        found = VERSIONED.search(self._root)
        if found:
            self._root, version = self._root.removesuffix(found[0]), found[0][1:]
        self._versioned = f"{self._root}/{version}"
        self.pace = pace_of(self.name)
        self._session = ReadOnly()
        self._session.auth = _Bearer(self._token)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """What Graph knows at a path such as `t_1` or `me/conversations`.

        Raises:
            NotAvailable: there is nothing there, or its details are not given.
            Refused: Graph does not accept the request.
            NeedsAdmin, TryLater: see pipelines.failures.
        """
        url = f"{self._versioned}/{path}"
        return BACK_OFF.run(lambda: self._once(url, parameters, hidden=self._token))

    def page(self, path: str, **parameters: Any) -> tuple[list[dict[str, Any]], str | None]:
        """A page of a list, and the cursor of the next one; raises as `get` does."""
        url = f"{self._versioned}/{path}"
        return BACK_OFF.run(lambda: page_of(self._once(url, parameters, hidden=self._token)))

    def renewed_token(self) -> tuple[str, float]:
        """A fresh token of an Instagram Login, and how many seconds it lives. The old one goes on working."""
        url = f"{self._root}/refresh_access_token"
        answer = BACK_OFF.run(lambda: self._once(url, {"grant_type": "ig_refresh_token"}))
        try:
            return str(answer["access_token"]), float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise PullFailed(f"{self.name}: Graph's answer holds no token") from None

    def _once(
        self, url: str, parameters: dict[str, Any], hidden: str | None = None
    ) -> dict[str, Any]:
        self.pace.wait()
        try:
            response = self._session.get(
                url, params=parameters, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TryLater(
                f"{self.name}: Graph cannot be reached ({type(error).__name__})"
            ) from None
        self.pace.told(response.headers)
        text = response.content.decode("utf-8", "replace")
        if hidden:
            text = text.replace(hidden, CUT_OUT)
        if response.status_code == 200:
            try:
                answer = json.loads(text)
            except ValueError:
                raise TryLater(f"{self.name}: Graph's answer is no JSON") from None
            if isinstance(answer, dict) and "error" not in answer:
                return answer
        failure = failure_of(response.status_code, response.headers, text, self.name)
        if isinstance(failure, TryLater):
            # The steps that follow in this process keep the pause too.
            self.pace.close(failure.after_seconds or 0.0)
        raise failure


def page_of(answer: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The items of a list that Graph gave, and the cursor of the next page.

    A page may be short, or empty, while there is another: the end is where `paging.next` is missing.

    Raises:
        TryLater: there is another page, and nothing says which.
    """
    paging = answer.get("paging") or {}
    address = paging.get("next")
    if not address:
        return list(answer.get("data") or []), None
    after = (paging.get("cursors") or {}).get("after") or _parameter(str(address), "after")
    if not after:
        raise TryLater("Graph names a next page without saying which")
    return list(answer.get("data") or []), str(after)


def _parameter(address: str, name: str) -> str | None:
    try:
        found = parse_qs(urlsplit(address).query).get(name)
    except ValueError:
        return None
    return found[0] if found else None


class ReadOnly(requests.Session):
    """A session that only reads, whatever its caller asks for: nobody is ever written to."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if request.method != "GET":
            raise PullFailed(f"{request.method} is refused: pulls only read")
        return super().send(request, **kwargs)


class _Bearer(AuthBase):
    """The token as a header. Given as `auth`, it is not replaced by what a .netrc may hold."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
