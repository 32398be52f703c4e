"""Twilio: who we are there, and the webhooks of our numbers.

https://www.twilio.com/docs/messaging/api/message-resource
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
https://www.twilio.com/docs/messaging/api/service-resource
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides

A number has one SMS URL, one Voice URL and one status callback, and that callback is told of calls. Taking
the Voice URL would mean answering the call, and an empty answer hangs up: it is shown here and never touched.
What becomes of a text is told to the URL that its sender named, or to that of its Messaging Service: neither
is the number's, so both channels can have the same numbers.
"""

from __future__ import annotations

from typing import Any

import httpx

from operations.providers import TIMEOUT_SECONDS, ProviderRefused
from warehouse.connections import Connection, webhook_path

#: By default Twilio tries once more, and only when it could not connect; then the event is lost
#: to us.
OVERRIDES = "#rc=5&rp=ct,rt,5xx"
SMS, VOICE = "twilio_sms", "twilio_voice"
#: What answers first, what is told, and what makes both not count.
SHOWN = {
    SMS: ("sms_url", "sms_method", "sms_application_sid"),
    VOICE: (
        "voice_url",
        "voice_application_sid",
        "trunk_sid",
        "status_callback",
        "status_callback_method",
    ),
}
OVERRULING = {SMS: ("sms_application_sid",), VOICE: ("voice_application_sid", "trunk_sid")}
SERVICE_SHOWN = ("status_callback", "inbound_request_url", "use_inbound_webhook_on_number")
#: The list that a check reads one item of, and when that was.
NEWEST = {SMS: ("Messages", "messages", "date_sent"), VOICE: ("Calls", "calls", "start_time")}


def check(connection: Connection) -> str:
    """List one message, or one call, of the account."""
    path, items, moment = NEWEST[connection.channel]
    answer = _call(connection, "GET", f"{_account(connection)}/{path}.json", {"PageSize": "1"})
    newest = answer[items][0][moment] if answer.get(items) else None
    account = connection.required("account_sid")
    return f"account {account} answers; newest of its {items}: {newest or 'none'}"


def present(connection: Connection) -> list[dict[str, Any]]:
    """The webhooks of our numbers as they are now; all numbers of the account where none are named."""
    return [*(_shown(connection, number) for number in _numbers(connection)), *_service(connection)]


def configure(connection: Connection, url: str) -> list[dict[str, Any]]:
    """Point what the channel needs of our numbers to us, with retries; nothing else of them changes.

    Raises:
        ProviderRefused: no number is there, or Twilio says no.
    """
    numbers = _numbers(connection)
    if not numbers:
        raise ProviderRefused(f"{connection.channel}: the account has none of these numbers")
    called = f"{url}{OVERRIDES}"
    fields = {
        SMS: {"SmsUrl": called, "SmsMethod": "POST"},
        VOICE: {"StatusCallback": called, "StatusCallbackMethod": "POST"},
    }[connection.channel]
    for number in numbers:
        path = f"{_account(connection)}/IncomingPhoneNumbers/{number['sid']}.json"
        _call(connection, "POST", path, fields)
    if _service_path(connection):
        # Without touching where the service's inbound texts go: null there means that none are taken at all.
        _call(connection, "POST", _service_path(connection), {"StatusCallback": called})
    return present(connection)


def _service_path(connection: Connection) -> str:
    """The Messaging Service of our texts; empty where there is none, and for calls."""
    service = connection.value("messaging_service_sid")
    return f"/v1/Services/{service}" if service and connection.channel == SMS else ""


def _service(connection: Connection) -> list[dict[str, Any]]:
    path = _service_path(connection)
    if not path:
        return []
    found = _call(connection, "GET", path, {})
    shown: dict[str, Any] = {"object": connection.required("messaging_service_sid")}
    shown |= {key: _text(found.get(key)) for key in SERVICE_SHOWN}
    if not found.get("use_inbound_webhook_on_number"):
        shown["note"] = (
            "texts to the numbers of this service go to its inbound_request_url, and nowhere if that is empty; "
            "to have them here, make the service defer to the sender's webhook"
        )
    return [shown]


def _numbers(connection: Connection) -> list[dict[str, Any]]:
    wanted = set(connection.several("numbers"))
    found: list[dict[str, Any]] = []
    path, query = f"{_account(connection)}/IncomingPhoneNumbers.json", {"PageSize": "1000"}
    while True:
        answer = _call(connection, "GET", path, query)
        found += answer["incoming_phone_numbers"]
        # A path of the host: null on the last page.
        following = answer.get("next_page_uri") or ""
        if not following.startswith(f"{_account(connection)}/"):
            break
        path, _, text = following.partition("?")
        query = dict(httpx.QueryParams(text))
    return [number for number in found if not wanted or number["phone_number"] in wanted]


def _shown(connection: Connection, number: dict[str, Any]) -> dict[str, Any]:
    channel = connection.channel
    shown = {"object": number["phone_number"]}
    shown |= {key: _text(number.get(key)) for key in SHOWN[channel]}
    if any(number.get(key) for key in OVERRULING[channel]):
        shown["note"] = "this number follows an application or a trunk; its own URLs do not count"
    if webhook_path(connection) in shown.get("voice_url", ""):
        shown["note"] = (
            "this number's Voice URL is our webhook: its callers are hung up on; give the Voice URL "
            "back to what answers calls"
        )
    return shown


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _account(connection: Connection) -> str:
    return f"/2010-04-01/Accounts/{connection.required('account_sid')}"


def _call(connection: Connection, method: str, path: str, fields: dict[str, str]) -> dict[str, Any]:
    account = connection.required("account_sid")
    key = connection.value("api_key_sid")
    # The first of several tokens is the newest; the others only verify signatures.
    secret = connection.value("api_key_secret") if key else connection.several("auth_token")[0]
    where = {"params": fields} if method == "GET" else {"data": fields}
    try:
        response = httpx.request(
            method,
            f"{_base(connection, path)}{path}",
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


def _base(connection: Connection, path: str) -> str:
    given = connection.value("api_base")
    if given:
        return given.rstrip("/")
    region, edge = connection.value("region"), connection.value("edge")
    middle = "".join(f".{part}" for part in (edge, region) if part)
    product = "messaging" if path.startswith("/v1/Services/") else "api"
    return f"https://{product}{middle}.twilio.com"
