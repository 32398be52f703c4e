"""Twilio: who we are there, and the webhooks of our numbers.

https://www.twilio.com/docs/messaging/api/message-resource
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides

A number has one SMS URL and one voice URL. Taking the voice URL would mean answering the call,
and an empty answer hangs up: it is never touched here.
"""

from __future__ import annotations

from typing import Any

import httpx

from operations.providers import TIMEOUT_SECONDS, ProviderRefused
from warehouse.connections import Connection

#: By default Twilio tries once more, and only when it could not connect; then the event is lost
#: to us.
OVERRIDES = "#rc=5&rp=ct,rt,5xx"
SHOWN = ("sms_url", "sms_method", "status_callback", "sms_application_sid")


def check(connection: Connection) -> str:
    """List one message of the account."""
    answer = _call(connection, "GET", "/Messages.json", {"PageSize": "1"})
    newest = answer["messages"][0]["date_sent"] if answer.get("messages") else None
    account = connection.required("account_sid")
    return f"account {account} answers; newest message: {newest or 'none'}"


def present(connection: Connection) -> list[dict[str, Any]]:
    """The webhooks of our numbers as they are now; all numbers of the account where none are named."""
    return [_shown(number) for number in _numbers(connection)]


def configure(connection: Connection, url: str) -> list[dict[str, Any]]:
    """Point the SMS URL and the status callback of our numbers to us, with retries.

    Raises:
        ProviderRefused: no number is there, or Twilio says no.
    """
    numbers = _numbers(connection)
    if not numbers:
        raise ProviderRefused(f"{connection.channel}: the account has none of these numbers")
    changed = []
    for number in numbers:
        answer = _call(
            connection,
            "POST",
            f"/IncomingPhoneNumbers/{number['sid']}.json",
            {
                "SmsUrl": f"{url}{OVERRIDES}",
                "SmsMethod": "POST",
                "StatusCallback": f"{url}{OVERRIDES}",
                "StatusCallbackMethod": "POST",
            },
        )
        changed.append(_shown(answer))
    return changed


def _numbers(connection: Connection) -> list[dict[str, Any]]:
    wanted = set(connection.several("numbers"))
    found: list[dict[str, Any]] = []
    path, query = "/IncomingPhoneNumbers.json", {"PageSize": "1000"}
    while True:
        answer = _call(connection, "GET", path, query)
        found += answer["incoming_phone_numbers"]
        following = answer.get("next_page_uri")
        if not following:
            break
        # A path of the host; ours is relative to the account.
        path, _, text = following.partition(f"/{connection.required('account_sid')}")[2].partition(
            "?"
        )
        query = dict(httpx.QueryParams(text))
    return [number for number in found if not wanted or number["phone_number"] in wanted]


def _shown(number: dict[str, Any]) -> dict[str, Any]:
    shown = {"object": number["phone_number"]} | {key: number.get(key) or "" for key in SHOWN}
    if shown["sms_application_sid"]:
        shown["note"] = "this number follows an application; its own URLs do not count"
    return shown


def _call(connection: Connection, method: str, path: str, fields: dict[str, str]) -> dict[str, Any]:
    account = connection.required("account_sid")
    key = connection.value("api_key_sid")
    # The first of several tokens is the newest; the others only verify signatures.
    secret = connection.value("api_key_secret") if key else connection.several("auth_token")[0]
    where = {"params": fields} if method == "GET" else {"data": fields}
    try:
        response = httpx.request(
            method,
            f"{_base(connection)}/2010-04-01/Accounts/{account}{path}",
            auth=(key or account, secret or ""),
            timeout=TIMEOUT_SECONDS,
            **where,  # type: ignore[arg-type]
        )
    except httpx.HTTPError as error:
        raise ProviderRefused(
            f"{connection.channel}: Twilio does not answer ({type(error).__name__})"
        ) from error
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if response.is_error or not isinstance(answer, dict):
        words = answer.get("message", "no reason given") if isinstance(answer, dict) else ""
        raise ProviderRefused(
            f"{connection.channel}: Twilio answers {response.status_code}: {words}"
        )
    return answer


def _base(connection: Connection) -> str:
    given = connection.value("api_base")
    if given:
        return given.rstrip("/")
    region, edge = connection.value("region"), connection.value("edge")
    middle = "".join(f".{part}" for part in (edge, region) if part)
    return f"https://api{middle}.twilio.com"
