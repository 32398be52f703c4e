"""Twilio's REST API as a pull needs it, through Twilio's own client (docs/providers/twilio.md).

The client is asked for whole answers instead of its message objects: those drop every field that their
version does not know, and a raw row keeps the resource exactly as it was sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from pipelines.failures import BACK_OFF, NeedsAdmin, PullFailed, TryLater, seconds_asked
from warehouse.connections import Connection

#: Where an edge is named without a region, Twilio's region of old counts.
DEFAULT_REGION = "us1"
PAGE_SIZE = 1000
TIMEOUT_SECONDS = 30.0


class Refused(PullFailed):
    """Twilio does not accept the request: repeating it changes nothing."""


class Gone(Refused):
    """Twilio answered 404."""


@dataclass(frozen=True)
class Listing:
    """A list resource: its path below the account, what its items are called, and how it is narrowed."""

    path: str
    items: str
    #: The parameter that means "at this time or later"; the operator is part of its name. None: it has none.
    since: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)


def base_of(connection: Connection, product: str = "api") -> str:
    """Scheme and host of a product's API: `api_base`, or Twilio's host for the edge and the region.

    https://www.twilio.com/docs/global-infrastructure/using-the-twilio-rest-api-in-a-non-us-region
    """
    given = connection.value("api_base")
    if given:
        return given.rstrip("/")
    edge, region = connection.value("edge"), connection.value("region")
    if edge and not region:
        region = DEFAULT_REGION
    return "https://" + ".".join(part for part in (product, edge, region, "twilio.com") if part)


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
    """One Twilio account, by its Auth Token or an API key."""

    def __init__(self, connection: Connection) -> None:
        self.name = f"{connection.channel} connection {connection.connection_id}"
        account_sid = connection.required("account_sid")
        user, secret = credentials_of(connection)
        self.client = Client(
            user,
            secret,
            account_sid=account_sid,
            http_client=TwilioHttpClient(timeout=TIMEOUT_SECONDS),
        )
        self.base = base_of(connection)
        self.root = f"/2010-04-01/Accounts/{account_sid}"

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
        return BACK_OFF.run(lambda: self._once(uri, parameters))

    def _once(self, uri: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            response = self.client.request("GET", self.base + uri, params=parameters)
        except requests.RequestException as error:
            raise TryLater(
                f"{self.name}: Twilio cannot be reached ({type(error).__name__})"
            ) from None
        except TwilioException as error:
            raise PullFailed(
                f"{self.name}: the Twilio client refuses ({type(error).__name__})"
            ) from None
        if response.status_code == 200:
            try:
                answer = json.loads(response.text)
            except ValueError:
                raise TryLater(f"{self.name}: Twilio's answer is no JSON") from None
            if isinstance(answer, dict):
                return answer
        raise self._failure(response)

    def _failure(self, response: Response) -> PullFailed:
        status = response.status_code
        try:
            code = f", code {int(json.loads(response.text)['code'])}"
        except (ValueError, KeyError, TypeError):
            code = ""
        said = f"{self.name}: Twilio answered {status}{code}"
        if status in (401, 403):
            return NeedsAdmin(
                f"{said}: check account_sid and auth_token (or api_key_sid and api_key_secret)"
            )
        if status == 404:
            return Gone(f"{said}: there is nothing of this name; check account_sid and region")
        if status == 429 or status >= 500:
            headers = {name.lower(): value for name, value in dict(response.headers or {}).items()}
            return TryLater(
                f"{said}: it asks us to slow down or is away",
                seconds_asked(headers.get("retry-after")),
            )
        return Refused(f"{said}: the request was refused")
