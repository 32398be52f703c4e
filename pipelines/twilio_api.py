"""Twilio's REST API as a pull needs it, through Twilio's own client (providers.md §2.3).

The client is asked for whole answers instead of its message objects: those drop every field that their
version does not know, and a raw row keeps the resource exactly as it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from pipelines.failures import BACK_OFF, NeedsAdmin, PullFailed, TryLater, seconds_asked
from warehouse.connections import Connection

API_BASE = "https://api.twilio.com"
PAGE_SIZE = 1000
TIMEOUT_SECONDS = 30.0


class Refused(PullFailed):
    """Twilio does not accept the request: repeating it changes nothing."""


class Gone(Refused):
    """Twilio answered 404."""


class Account:
    """One Twilio account, by its Auth Token or an API key."""

    def __init__(self, connection: Connection) -> None:
        self.name = f"twilio_sms connection {connection.connection_id}"
        account_sid = connection.required("account_sid")
        key = connection.value("api_key_sid")
        # While the Auth Token rotates it has two values; calls need the one that is valid now, the first.
        secret = (
            connection.required("api_key_secret") if key else connection.several("auth_token")[0]
        )
        self.client = Client(
            key or account_sid,
            secret,
            account_sid=account_sid,
            region=connection.value("region"),
            edge=connection.value("edge"),
            http_client=TwilioHttpClient(timeout=TIMEOUT_SECONDS),
        )
        self.base = (connection.value("api_base") or API_BASE).rstrip("/")
        self.root = f"/2010-04-01/Accounts/{account_sid}"

    def page(
        self, next_page: str | None, since: datetime | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of the message list, newest first, and the address of the next one.

        Args:
            next_page: the address that the page before gave, or None for the first page.
            since: only messages sent at this time or later.
        """
        if next_page:
            answer = self._get(next_page, {})
        else:
            parameters: dict[str, Any] = {"PageSize": PAGE_SIZE}
            if since:
                # The operator is part of the parameter's name: this one means "at this time or later".
                parameters["DateSent>"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = self._get(f"{self.root}/Messages.json", parameters)
        return list(answer.get("messages") or []), answer.get("next_page_uri") or None

    def media(self, sid: str) -> list[dict[str, Any]]:
        """The media resources of a message; none where the message is gone."""
        return list(self._media(sid))

    def _media(self, sid: str) -> Iterator[dict[str, Any]]:
        uri: str | None = f"{self.root}/Messages/{sid}/Media.json"
        parameters = {"PageSize": PAGE_SIZE}
        while uri:
            try:
                answer = self._get(uri, parameters)
            except Gone:
                return
            yield from answer.get("media_list") or []
            uri, parameters = answer.get("next_page_uri"), {}

    def is_gone(self, sid: str) -> bool:
        """Whether Twilio says explicitly that there is no such message."""
        try:
            self._get(f"{self.root}/Messages/{sid}.json", {})
        except Gone:
            return True
        return False

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
            return Gone(f"{said}: no such account or message; check account_sid and region")
        if status == 429 or status >= 500:
            headers = {name.lower(): value for name, value in dict(response.headers or {}).items()}
            return TryLater(
                f"{said}: it asks us to slow down or is away",
                seconds_asked(headers.get("retry-after")),
            )
        return Refused(f"{said}: the request was refused")
