"""Twilio's REST API: the one client for pulls, files, checks and webhooks (docs/providers/twilio.md).

Twilio's own client carries the calls. It is asked for whole answers instead of its message objects: those drop every
field that their version does not know, and a raw row keeps the resource exactly as it was sent. Files come over
`SafeClient`, since Twilio redirects to its storage, which must not see the credentials.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from providers import clock
from providers.failures import (
    BACK_OFF,
    Gone,
    NeedsAdmin,
    NotAccepted,
    NotAllowed,
    Permanent,
    ProviderFailed,
    TryLater,
    seconds_asked,
)
from providers.pace import pace_of
from providers.safe_http import Answer, Hosts, SafeClient, is_there
from providers.twilio.allowed import GUARD, base_of
from warehouse.connections import Connection

PAGE_SIZE = 1000
TIMEOUT_SECONDS = 30.0
CREDENTIALS = "check account_sid and auth_token (or api_key_sid and api_key_secret)"
#: Of Twilio's own words so many are repeated.
LONGEST_WORDS = 200


@dataclass(frozen=True)
class Listing:
    """A list resource: its path below the account, what its items are called, and how it is narrowed."""

    path: str
    items: str
    #: The parameter that means "at this time or later"; the operator is part of its name. None: it has none.
    since: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)


def credentials_of(connection: Connection) -> tuple[str, str]:
    """User and password of a call: an API key, or the account with its Auth Token.

    Raises:
        UnusableConnection: neither is complete.
    """
    key = connection.value("api_key_sid")
    if key:
        return key, connection.required("api_key_secret")
    # While the Auth Token rotates it has two values; calls need the one that is valid now, the first.
    tokens = connection.several("auth_token") or [connection.required("auth_token")]
    return connection.required("account_sid"), tokens[0]


class Account:
    """One Twilio account, by its Auth Token or an API key.

    Args:
        credentials: user and password to ask with instead, to see whether they are right.
    """

    def __init__(self, connection: Connection, credentials: tuple[str, str] | None = None) -> None:
        self.name = f"{connection.channel} connection {connection.connection_id}"
        account_sid = connection.required("account_sid")
        user, secret = credentials or credentials_of(connection)
        self.client = Client(
            user,
            secret,
            account_sid=account_sid,
            http_client=TwilioHttpClient(timeout=TIMEOUT_SECONDS),
        )
        # It would take these from the environment of the process, and ask another host than `base_of` says.
        self.client.region = self.client.edge = None
        self.base = base_of(connection)
        self.root = f"/2010-04-01/Accounts/{account_sid}"
        self._messaging = base_of(connection, "messaging")
        self._pace = pace_of(f"Twilio account {account_sid} at {self.base}")
        given = connection.value("api_base")
        host = urlsplit(self.base).hostname or ""
        self.hosts = Hosts.of_base(given) if given else Hosts(patterns=(host,))
        self._secret = secret
        basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._authorization = {"Authorization": f"Basic {basic}"}

    # -- lists and resources, as a pull needs them: repeated while Twilio cannot answer ---------------

    def page(
        self, listing: Listing, next_page: str | None, since: datetime | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of a list, newest first, and the address of the next one.

        Args:
            next_page: the address that the page before gave, or None for the first page.
            since: only items of this time or later, where the list can tell.
        """
        if next_page:
            answer = self._get(next_page, {})
        else:
            parameters: dict[str, Any] = {"PageSize": PAGE_SIZE, **listing.parameters}
            if since and listing.since:
                parameters[listing.since] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = self._get(f"{self.root}/{listing.path}.json", parameters)
        return list(answer.get(listing.items) or []), answer.get("next_page_uri") or None

    def every(self, listing: Listing) -> list[dict[str, Any]]:
        """All items of a short list; none where what it belongs to is gone."""
        try:
            found, next_page = self.page(listing, None, None)
            while next_page:
                more, next_page = self.page(listing, next_page, None)
                found += more
        except Gone:
            return []
        return found

    def one(self, path: str) -> dict[str, Any] | None:
        """A resource by its path below the account; None where Twilio says explicitly that there is none."""
        try:
            return self._get(f"{self.root}/{path}.json", {})
        except Gone:
            return None

    def _get(self, uri: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return BACK_OFF.run(lambda: self._once("GET", self.base, uri, parameters, {}))

    # -- what an admin waits for: asked once ---------------------------------------------------------

    def ask(self, path: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        """The answer at a path."""
        return self._once("GET", self._base_of(path), path, parameters or {}, {})

    def change(self, path: str, fields: dict[str, str]) -> dict[str, Any]:
        """Set these fields of what is at a path."""
        return self._once("POST", self._base_of(path), path, {}, fields)

    def _base_of(self, path: str) -> str:
        return self._messaging if path.startswith("/v1/Services") else self.base

    # -- files ---------------------------------------------------------------------------------------

    @contextmanager
    def file(self, client: SafeClient, path: str, onward: Hosts) -> Iterator[Answer]:
        """The answer at a path below the account, from wherever Twilio keeps the file.

        Args:
            onward: where a redirect may lead. The credentials go to Twilio's API alone.
        """
        url = self._file_address(path)
        with client.follow(url, self.hosts, self._authorization, onward) as answer:
            self._check_credentials(answer)
            yield answer

    def described(self, client: SafeClient, path: str) -> dict[str, Any] | None:
        """What Twilio says about a file; None where it has no such thing. Asked once."""
        url = self._file_address(f"{path}.json")
        with client.get(url, self.hosts, self._authorization) as answer:
            self._check_credentials(answer)
            if not is_there(answer):
                return None
            told = answer.json()
        if not isinstance(told, dict):
            raise TryLater("Twilio's answer is no JSON")
        return told

    def _file_address(self, path: str) -> str:
        GUARD.check("GET", f"{self.root}/{path}")
        self._pace.wait()
        return f"{self.base}{self.root}/{path}"

    def _check_credentials(self, answer: Answer) -> None:
        host = urlsplit(self.base).hostname
        if answer.host.strip("[]") == host and answer.status in (401, 403):
            raise NeedsAdmin(f"Twilio answered {answer.status}: {CREDENTIALS}")

    # -- one request ---------------------------------------------------------------------------------

    def _once(
        self,
        method: str,
        base: str,
        uri: str,
        parameters: dict[str, Any],
        fields: dict[str, str],
    ) -> dict[str, Any]:
        """
        Args:
            uri: a path, or a path with its query as an answer of Twilio named it.

        Raises:
            NotAllowed: it is none of what we ask for; nothing was sent.
            NeedsAdmin, NotAccepted, TryLater: Twilio's answer.
        """
        if urlsplit(base + uri)[:2] != urlsplit(base)[:2]:
            # An answer that names a next page cannot lead the credentials elsewhere.
            raise NotAllowed(f"{self.name}: an address of another host is never asked")
        GUARD.check(method, uri.partition("?")[0], fields)
        self._pace.wait()
        try:
            response = self.client.request(
                method, base + uri, params=parameters or None, data=fields or None
            )
        except requests.RequestException as error:
            raise TryLater(
                f"{self.name}: Twilio cannot be reached ({type(error).__name__})"
            ) from None
        except TwilioException as error:
            raise Permanent(
                f"{self.name}: the Twilio client refuses ({type(error).__name__})"
            ) from None
        clock.heard((response.headers or {}).get("Date"))
        if 200 <= response.status_code < 300:
            try:
                answer = json.loads(response.text)
            except ValueError:
                raise TryLater(f"{self.name}: Twilio's answer is no JSON") from None
            if isinstance(answer, dict):
                return answer
        raise self._failure(response)

    def _failure(self, response: Response) -> ProviderFailed:
        status = response.status_code
        try:
            told = json.loads(response.text)
            code = f", code {int(told['code'])}"
        except (ValueError, KeyError, TypeError):
            told, code = {}, ""
        words = str(told.get("message") or "") if isinstance(told, dict) else ""
        words = words.replace(self._secret, "…")
        said = f"{self.name}: Twilio answered {status}{code}"
        said += f": {' '.join(words.split())[:LONGEST_WORDS]}" if words else ""
        if status in (401, 403):
            return NeedsAdmin(f"{said}: {CREDENTIALS}")
        if status == 404:
            return Gone(f"{said}: there is nothing of this name; check account_sid and region")
        if status == 429 or status >= 500:
            headers = {name.lower(): value for name, value in dict(response.headers or {}).items()}
            after = seconds_asked(headers.get("retry-after"))
            # For whoever else asks of this account now.
            self._pace.close(after or 0.0)
            return TryLater(f"{said}: it asks us to slow down or is away", after)
        return NotAccepted(f"{said}: the request was refused")
