"""Twilio: who we are there, and the webhooks of our numbers.

https://www.twilio.com/docs/messaging/api/message-resource
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
https://www.twilio.com/docs/messaging/api/service-resource
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides

A number has one SMS URL, one Voice URL and one status callback. Taking the Voice URL would mean answering the call,
and an empty answer hangs up: it is shown here and never touched. The status callback is told of one thing, the end of
an incoming call; the rest has addresses of its own in the TwiML of whoever answers (`advice`), or comes with the pull.
What becomes of a text is told to the URL that its sender named, or to that of its Messaging Service: neither
is the number's, so both channels can have the same numbers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from providers.failures import NeedsAdmin, NotAccepted, ProviderFailed
from providers.registration import check_not_taken
from providers.twilio.client import Account
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
#: What of a number is ours to set.
TOLD = {SMS: "sms_url", VOICE: "status_callback"}
OVERRULING = {SMS: ("sms_application_sid",), VOICE: ("voice_application_sid", "trunk_sid")}
SERVICE_SHOWN = ("status_callback", "inbound_request_url", "use_inbound_webhook_on_number")
PAST_THE_NUMBER = (
    "texts to the numbers of this service go to its inbound_request_url, and nowhere if that is empty; "
    "to have them here, make the service defer to the sender's webhook"
)
#: What Twilio puts there itself when a number is bought: nobody's.
PLACEHOLDER = "https://demo.twilio.com/"
#: The list that a check reads one item of, and when that was.
NEWEST = {SMS: ("Messages", "messages", "date_sent"), VOICE: ("Calls", "calls", "start_time")}


def check(connection: Connection) -> str:
    """List one message, or one call, as a pull does; see that the numbers are there, and that the token signs.

    Raises:
        ProviderFailed: one of it is not so.
    """
    path, items, moment = NEWEST[connection.channel]
    answer = Account(connection).ask(f"{_account(connection)}/{path}.json", {"PageSize": "1"})
    newest = answer[items][0][moment] if answer.get(items) else None
    account = connection.required("account_sid")
    said = [f"account {account} answers; newest of its {items}: {newest or 'none'}"]
    if connection.value("api_key_sid"):
        # Calls go by the key, and webhooks are signed with the token: each must be right.
        token = (account, connection.several("auth_token")[0])
        try:
            Account(connection, token).ask(f"{_account(connection)}.json")
        except NeedsAdmin as refused:
            raise NeedsAdmin(f"{refused}: auth_token, which signs the webhooks") from None
    wanted = connection.several("numbers")
    if wanted:
        found = {number["phone_number"] for number in _numbers(connection)}
        if missing := [number for number in wanted if number not in found]:
            raise NotAccepted(
                f"{connection.channel}: the account does not have {', '.join(missing)} "
                "(numbers are written with country code, as +61255501234)"
            )
        said.append(f"numbers: {', '.join(wanted)}")
    return "; ".join(said)


def present(connection: Connection) -> list[dict[str, Any]]:
    """The webhooks of our numbers as they are now; all numbers of the account where none are named."""
    numbers = _numbers(connection)
    return [
        *(_shown(connection, number) for number in numbers),
        *_service(connection),
        *_other_services(connection, numbers),
    ]


def called_now(connection: Connection) -> dict[str, str]:
    """The addresses of our numbers, and of our Messaging Service, that Twilio tells of what happens."""
    path = _service_path(connection)
    service = Account(connection).ask(path) if path else {}
    return _held(connection, _numbers(connection), service)


def _held(
    connection: Connection, numbers: list[dict[str, Any]], service: dict[str, Any]
) -> dict[str, str]:
    field = TOLD[connection.channel]
    held = {
        f"{number['phone_number']} {field}": _text(number.get(field))
        for number in numbers
        if not _text(number.get(field)).startswith(PLACEHOLDER)
    }
    if service:
        whose = f"{connection.required('messaging_service_sid')} status_callback"
        held[whose] = _text(service.get("status_callback"))
    return held


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    """Point what the channel needs of our numbers to us, with retries; nothing else of them changes.

    Raises:
        TakenByAnother: another program is called now.
        ProviderFailed: no number is there, or Twilio says no; what was changed before is put back.
    """
    numbers = _numbers(connection)
    if not numbers:
        raise NotAccepted(f"{connection.channel}: the account has none of these numbers")
    path = _service_path(connection)
    service = Account(connection).ask(path) if path else {}
    field = TOLD[connection.channel]
    check_not_taken(connection, url, _held(connection, numbers, service), take_over=take_over)
    called = f"{url}{OVERRIDES}"
    names = {SMS: ("SmsUrl", "SmsMethod"), VOICE: ("StatusCallback", "StatusCallbackMethod")}
    address, method = names[connection.channel]
    method_of = {SMS: "sms_method", VOICE: "status_callback_method"}[connection.channel]
    changes = [
        (
            f"{_account(connection)}/IncomingPhoneNumbers/{number['sid']}.json",
            {address: called, method: "POST"},
            {address: _text(number.get(field)), method: _text(number.get(method_of)) or "POST"},
            number["phone_number"],
        )
        for number in numbers
    ]
    if path:
        # Without touching where the service's inbound texts go: null there means that none are taken at all.
        was = {"StatusCallback": _text(service.get("status_callback"))}
        named = connection.required("messaging_service_sid")
        changes.append((path, {"StatusCallback": called}, was, named))
    _all_or_none(connection, changes)
    return present(connection)


def _all_or_none(
    connection: Connection, changes: list[tuple[str, dict[str, str], dict[str, str], str]]
) -> None:
    """Make all changes, each `(path, new, old, name)`; where one is refused, put back those before it.

    Raises:
        ProviderFailed: with what was and what is.
    """
    done: list[tuple[str, dict[str, str], str]] = []
    for path, new, old, name in changes:
        # Also where no answer came: it may have been done.
        done.append((path, old, name))
        try:
            Account(connection).change(path, new)
        except ProviderFailed as refused:
            left = _put_back(connection, done)
            state = (
                f"could not be put back: {', '.join(left)}"
                if left
                else "all addresses are what they were"
            )
            raise NotAccepted(f"{refused}; {state}") from None


def _put_back(connection: Connection, done: list[tuple[str, dict[str, str], str]]) -> list[str]:
    """The names of what could not be put back."""
    left = []
    for path, old, name in reversed(done):
        try:
            Account(connection).change(path, old)
        except ProviderFailed:
            address = next(iter(old.values()))
            left.append(f"{name} (it was {address or 'empty'})")
    return left


def advice(connection: Connection, url: str) -> list[str]:
    """What only the program that answers the calls can do: name our address in its TwiML."""
    if connection.channel != VOICE:
        return []
    return [
        "a number's status callback tells of the end of incoming calls alone; outgoing calls, legs, recordings and "
        "transcripts come with the pull, a minute after the end of an incoming call and every five minutes",
        f"to have them at once, name {url} in the TwiML of what answers and dials: "
        'statusCallback="URL" statusCallbackEvent="initiated ringing answered completed" on <Number>, <Sip> and '
        '<Client> (legs); recordingStatusCallback="URL" on <Dial>, <Record> and <Conference>; '
        'transcribeCallback="URL" on <Record transcribe="true">; StatusCallback=URL where calls are made by the API',
    ]


def _service_path(connection: Connection) -> str:
    """The Messaging Service of our texts; empty where there is none, and for calls."""
    service = connection.value("messaging_service_sid")
    return f"/v1/Services/{service}" if service and connection.channel == SMS else ""


def _service(connection: Connection) -> list[dict[str, Any]]:
    path = _service_path(connection)
    if not path:
        return []
    found = Account(connection).ask(path)
    shown: dict[str, Any] = {"object": connection.required("messaging_service_sid")}
    shown |= {key: _text(found.get(key)) for key in SERVICE_SHOWN}
    if not found.get("use_inbound_webhook_on_number"):
        shown["note"] = PAST_THE_NUMBER
    return [shown]


def _other_services(connection: Connection, numbers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messaging Services that take the texts of our numbers to themselves, past the numbers' SMS URL.

    A key with few rights may not ask; then that is said.
    """
    if connection.channel != SMS:
        return []
    known, ours = connection.value("messaging_service_sid"), {each["sid"] for each in numbers}
    found = []
    try:
        for service in _listed(connection, "/v1/Services", "services"):
            if service.get("sid") == known or service.get("use_inbound_webhook_on_number"):
                continue
            path = f"/v1/Services/{service.get('sid')}/PhoneNumbers"
            held = [
                each["phone_number"]
                for each in _listed(connection, path, "phone_numbers")
                if each.get("sid") in ours
            ]
            if held:
                shown = {"object": _text(service.get("sid")), "numbers": ",".join(held)}
                shown |= {key: _text(service.get(key)) for key in SERVICE_SHOWN}
                found.append(shown | {"note": PAST_THE_NUMBER})
    except ProviderFailed as refused:
        return [
            {
                "object": "Messaging Services",
                "note": f"could not be asked for ({refused}): a number in one may not follow its own SMS URL",
            }
        ]
    return found


def _listed(connection: Connection, path: str, items: str) -> list[dict[str, Any]]:
    """A list of Twilio's newer APIs, whole: its next page is a whole address."""
    found: list[dict[str, Any]] = []
    query = {"PageSize": "100"}
    while True:
        answer = Account(connection).ask(path, query)
        found += answer.get(items) or []
        following = _text((answer.get("meta") or {}).get("next_page_url"))
        query = dict(parse_qsl(following.partition("?")[2]))
        if not query:
            return found


def _numbers(connection: Connection) -> list[dict[str, Any]]:
    wanted = set(connection.several("numbers"))
    found: list[dict[str, Any]] = []
    path, query = f"{_account(connection)}/IncomingPhoneNumbers.json", {"PageSize": "1000"}
    while True:
        answer = Account(connection).ask(path, query)
        found += answer["incoming_phone_numbers"]
        # A path of the host: null on the last page.
        following = answer.get("next_page_uri") or ""
        if not following.startswith(f"{_account(connection)}/"):
            break
        path, _, text = following.partition("?")
        query = dict(parse_qsl(text))
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
