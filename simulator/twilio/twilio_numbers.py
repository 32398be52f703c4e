"""Twilio's IncomingPhoneNumber resources, and the Messaging Service that the shop's texts go through.

Follows https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource: a number's
`status_callback` is told how calls end. Statuses of texts go to the address that their sender set,
per message or on the Messaging Service (https://www.twilio.com/docs/messaging/api/service-resource).
Where the service names none, the shop's sending program takes the address that came in one request
with the number's SMS URL.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.faults import Faults
from simulator.store.state import State
from simulator.twilio.twilio_errors import failure

WRITABLE = (
    "SmsUrl",
    "SmsMethod",
    "SmsFallbackUrl",
    "SmsFallbackMethod",
    "SmsApplicationSid",
    "StatusCallback",
    "StatusCallbackMethod",
    "VoiceUrl",
    "VoiceMethod",
    "FriendlyName",
)
# What the shop's sending program remembers, and no resource shows.
HIDDEN = "sender_callback"
#: A service that takes the texts of one number to itself.
CATCHING_SID = "MG" + "c" * 32


class TwilioNumbers:
    """The numbers of the account."""

    def __init__(self, state: State, faults: Faults, root: str) -> None:
        self.state, self.faults, self.root = state, faults, root

    def list(self, request: Request, form: dict[str, str]) -> Response:
        wanted = request.query_params.get("PhoneNumber")
        found = [n for n in self.state.numbers if wanted in (None, "", n["phone_number"])]
        uri = f"{self.root}/IncomingPhoneNumbers.json?PageSize=50&Page=0"
        return JSONResponse(
            {
                "incoming_phone_numbers": [_shown(n) for n in found],
                "page": 0,
                "page_size": 50,
                "start": 0,
                "end": max(0, len(found) - 1),
                "uri": uri,
                "first_page_uri": uri,
                "previous_page_uri": None,
                "next_page_uri": None,
            }
        )

    def one(self, request: Request, form: dict[str, str], sid: str) -> Response:
        number = next((n for n in self.state.numbers if n["sid"] == sid), None)
        if number is None:
            return failure(20404)
        if request.method == "POST":
            values = {_underscored(k): v for k, v in form.items() if k in WRITABLE}
            if "SmsUrl" in form and "StatusCallback" in form:
                values[HIDDEN] = form["StatusCallback"]
            values["date_updated"] = format_datetime(datetime.now(UTC).replace(microsecond=0))
            self.state.record({"what": "number", "sid": sid, "values": values})
        return JSONResponse(_shown(number))

    def services(self, request: Request, form: dict[str, str]) -> Response:
        """The account's Messaging Services: the shop's, and where one was made to catch texts, that."""
        found = [self._service()]
        if self.faults.values["catching_service"]:
            found.append(
                {
                    **self._service(),
                    "sid": CATCHING_SID,
                    "friendly_name": "Reminders",
                    "inbound_request_url": "https://reminders.example.com/inbound",
                    "use_inbound_webhook_on_number": False,
                    "status_callback": None,
                }
            )
        return JSONResponse({"services": found, "meta": _meta(request, "services")})

    def of_service(self, request: Request, form: dict[str, str], sid: str) -> Response:
        held = self.state.numbers[:1] if sid == CATCHING_SID else self.state.numbers
        found = [
            {"sid": n["sid"], "service_sid": sid, "phone_number": n["phone_number"]} for n in held
        ]
        return JSONResponse({"phone_numbers": found, "meta": _meta(request, "phone_numbers")})

    def service(self, request: Request, form: dict[str, str]) -> Response:
        """/v1/Services/{MG}: only what concerns the addresses."""
        if request.method == "POST":
            values = self.state.messaging_service | {
                _underscored(k): v for k, v in form.items() if k in ("StatusCallback",)
            }
            self.state.record({"what": "messaging_service", "values": values})
        return JSONResponse(self._service())

    def _service(self) -> dict[str, Any]:
        return {
            "sid": self.state.accounts.messaging_service_sid,
            "account_sid": self.state.accounts.account_sid,
            "friendly_name": "Saltbush texts",
            "inbound_request_url": None,
            "use_inbound_webhook_on_number": True,
            "status_callback": self.state.messaging_service["status_callback"] or None,
        }


def _meta(request: Request, key: str) -> dict[str, Any]:
    return {"key": key, "page": 0, "page_size": 50, "url": str(request.url), "next_page_url": None}


def _underscored(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _shown(number: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in number.items() if key != HIDDEN}
