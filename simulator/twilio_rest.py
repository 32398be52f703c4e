"""Twilio's REST API 2010-04-01: messages, media and incoming phone numbers.

Follows https://www.twilio.com/docs/messaging/api/message-resource, …/media-resource and
https://www.twilio.com/docs/usage/api (pages, Basic auth, error bodies).
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import Faults
from simulator.records import Sms, segments
from simulator.state import State
from simulator.twilio_errors import failure
from simulator.twilio_media import TwilioMedia
from simulator.twilio_pages import date_test, page_token, read_page_token, rfc2822

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


class TwilioRest:
    """The routes under /2010-04-01 and the storage that media redirect to."""

    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.root = f"/2010-04-01/Accounts/{state.accounts.account_sid}"
        self.media = TwilioMedia(state, self.root)

    def routes(self) -> list[Route]:
        return [
            Route("/2010-04-01/{rest:path}", self.answer, methods=["GET", "POST", "DELETE"]),
            Route("/media-storage/{sid}", self.media.storage, methods=["GET"]),
        ]

    async def answer(self, request: Request) -> Response:
        """Everything of the account, behind Basic auth."""
        if not self._authorised(request):
            return failure(20003)
        for fault, code in (("http_429", 20429), ("http_500", 20500)):
            if self.faults.hit(fault):
                return failure(code)
        path, method = request.url.path, request.method
        form = (
            dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            if method == "POST"
            else {}
        )
        table = (
            (r"\.json", self._account),
            (r"/Messages\.json", self._messages),
            (r"/Messages/([SM]M\w{32})\.json", self._message),
            (r"/Messages/([SM]M\w{32})/Media\.json", self.media.list),
            (r"/Messages/([SM]M\w{32})/Media/(ME\w{32})(\.json)?", self.media.one),
            (r"/IncomingPhoneNumbers\.json", self._numbers),
            (r"/IncomingPhoneNumbers/(PN\w{32})\.json", self._number),
        )
        for pattern, handle in table:
            if found := re.fullmatch(re.escape(self.root) + pattern, path):
                return handle(request, form, *found.groups())
        return failure(20404)

    def _authorised(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        wanted = f"{self.state.accounts.account_sid}:{self.state.accounts.auth_token}"
        return scheme.lower() == "basic" and hmac.compare_digest(
            given.strip(), base64.b64encode(wanted.encode()).decode()
        )

    def _account(self, request: Request, form: dict[str, str]) -> Response:
        return JSONResponse(
            {
                "sid": self.state.accounts.account_sid,
                "friendly_name": "Saltbush (simulated)",
                "status": "active",
                "type": "Full",
                "uri": f"{self.root}.json",
            }
        )

    # -- messages ----------------------------------------------------------------------------------

    def _messages(self, request: Request, form: dict[str, str]) -> Response:
        if request.method != "GET":
            return failure(20004)  # nothing of this project sends, and neither does its provider
        query = dict(request.query_params)
        try:
            size = max(1, min(1000, int(query.get("PageSize", 50))))
            page = int(query.get("Page", 0))
            found = self._selected(query)
        except ValueError:
            return failure(20001)
        kept = {k: v for k, v in query.items() if k not in ("Page", "PageToken", "PageSize")} | {
            "PageSize": str(size)
        }

        def uri(number: int, token: str = "") -> str:
            return f"{self.root}/Messages.json?" + urlencode(
                kept | {"Page": str(number)} | ({"PageToken": token} if token else {})
            )

        shown = found[:size]
        following = uri(page + 1, page_token(shown[-1])) if len(found) > size else None
        return JSONResponse(
            {
                "messages": [self._resource(m) for m in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(0, len(shown) - 1),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": following,
            }
        )

    def _selected(self, query: dict[str, str]) -> list[Sms]:
        """Newest first, filtered, from behind the page token (a place in time, so that arrivals and
        deletions between two pages skip nothing)."""
        # A null date_sent (still queued) passes no date filter.
        tests = [
            date_test(query[key], key[8:])
            for key in ("DateSent", "DateSent<", "DateSent>")
            if query.get(key)
        ]
        behind = read_page_token(query["PageToken"]) if query.get("PageToken") else None
        return [
            m
            for m in reversed(self.state.sms)
            if (behind is None or m.order < behind)
            and (not query.get("To") or m.recipient == query["To"])
            and (not query.get("From") or m.sender == query["From"])
            and all(m.sent is not None and test(m.sent) for test in tests)
        ]

    def _message(self, request: Request, form: dict[str, str], sid: str) -> Response:
        sms = self.state.sms_by_sid.get(sid)
        if sms is None:
            return failure(20404)
        if request.method == "DELETE":
            self.state.delete_sms(sid)
            return Response(status_code=204)
        if request.method == "POST":
            if form.get("Body") != "":
                return failure(20001)  # the only change Twilio allows is emptying the body
            self.state.redact_sms(sid)
        return JSONResponse(self._resource(sms))

    def _resource(self, sms: Sms) -> dict[str, Any]:
        uri, outbound = f"{self.root}/Messages/{sms.sid}", sms.direction != "inbound"
        priced = outbound and sms.status in ("sent", "delivered", "undelivered")
        return {
            "sid": sms.sid,
            "account_sid": self.state.accounts.account_sid,
            "messaging_service_sid": None,
            "from": sms.sender,
            "to": sms.recipient,
            "body": sms.body,
            "direction": sms.direction,
            "status": sms.status,
            "num_segments": str(segments(sms.body)),
            "num_media": str(len(sms.media)),
            "error_code": sms.error_code,
            "error_message": None,
            "price": f"-{0.0515 * segments(sms.body):.5f}" if priced else None,
            "price_unit": "USD",
            "date_created": rfc2822(sms.created),
            "date_updated": rfc2822(sms.updated),
            "date_sent": rfc2822(sms.sent),
            "uri": f"{uri}.json",
            "api_version": "2010-04-01",
            "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        }

    # -- numbers -----------------------------------------------------------------------------------

    def _numbers(self, request: Request, form: dict[str, str]) -> Response:
        wanted = request.query_params.get("PhoneNumber")
        found = [n for n in self.state.numbers if wanted in (None, "", n["phone_number"])]
        uri = f"{self.root}/IncomingPhoneNumbers.json?PageSize=50&Page=0"
        return JSONResponse(
            {
                "incoming_phone_numbers": found,
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

    def _number(self, request: Request, form: dict[str, str], sid: str) -> Response:
        number = next((n for n in self.state.numbers if n["sid"] == sid), None)
        if number is None:
            return failure(20404)
        if request.method == "POST":
            values = {
                re.sub(r"(?<!^)(?=[A-Z])", "_", k).lower(): v
                for k, v in form.items()
                if k in WRITABLE
            }
            values["date_updated"] = format_datetime(datetime.now(UTC).replace(microsecond=0))
            self.state.record({"what": "number", "sid": sid, "values": values})
        return JSONResponse(number)
