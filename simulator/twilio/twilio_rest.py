"""Twilio's REST API 2010-04-01: the account, its messages, and who answers for the rest.

Follows https://www.twilio.com/docs/messaging/api/message-resource, …/media-resource and
https://www.twilio.com/docs/usage/api (pages, Basic auth, error bodies).
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import Faults
from simulator.store.records import Sms, segments
from simulator.store.state import State
from simulator.twilio.twilio_errors import failure
from simulator.twilio.twilio_media import TwilioMedia
from simulator.twilio.twilio_numbers import TwilioNumbers
from simulator.twilio.twilio_pages import date_tests, page, rfc2822
from simulator.twilio.voice_rest import VoiceRest


class TwilioRest:
    """The routes under /2010-04-01 and the storage that media redirect to."""

    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.root = f"/2010-04-01/Accounts/{state.accounts.account_sid}"
        self.media = TwilioMedia(state, self.root)
        self.numbers = TwilioNumbers(state, faults, self.root)
        voice = VoiceRest(state, faults, self.root)
        service = f"/v1/Services/{state.accounts.messaging_service_sid}"
        services = r"/v1/Services"
        self.table = (
            (rf"{self.root}\.json", self._account),
            (rf"{self.root}/Messages\.json", self._messages),
            (rf"{self.root}/Messages/([SM]M\w{{32}})\.json", self._message),
            (rf"{self.root}/Messages/([SM]M\w{{32}})/Media\.json", self.media.list),
            (rf"{self.root}/Messages/([SM]M\w{{32}})/Media/(ME\w{{32}})(\.json)?", self.media.one),
            (rf"{self.root}/IncomingPhoneNumbers\.json", self.numbers.list),
            (rf"{self.root}/IncomingPhoneNumbers/(PN\w{{32}})\.json", self.numbers.one),
            (rf"{self.root}/Calls\.json", voice.calls),
            (rf"{self.root}/Calls/(CA\w{{32}})\.json", voice.call),
            (rf"{self.root}/Calls/(CA\w{{32}})/Recordings\.json", voice.recordings),
            (rf"{self.root}/Recordings\.json", voice.recordings),
            (rf"{self.root}/Recordings/(RE\w{{32}})(\.json|\.mp3|\.wav)?", voice.recording),
            (rf"{self.root}/Recordings/(RE\w{{32}})/Transcriptions\.json", voice.transcriptions),
            (rf"{self.root}/Transcriptions\.json", voice.transcriptions),
            (rf"{self.root}/Transcriptions/(TR\w{{32}})\.json", voice.transcription),
            (service, self.numbers.service),
            (services, self.numbers.services),
            (rf"{services}/(MG\w{{32}})/PhoneNumbers", self.numbers.of_service),
        )

    def routes(self) -> list[Route]:
        return [
            Route("/2010-04-01/{rest:path}", self.answer, methods=["GET", "POST", "DELETE"]),
            Route("/v1/Services", self.answer, methods=["GET"]),
            Route("/v1/Services/{rest:path}", self.answer, methods=["GET", "POST"]),
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
        query = request.query_params
        wrong = self.state.contract.twilio(method, path, query, form)
        if wrong and not wrong.startswith("no such path"):
            return failure(20001)
        for pattern, handle in self.table:
            if found := re.fullmatch(pattern, path):
                try:
                    return handle(request, form, *found.groups())
                except ValueError:
                    return failure(20001)
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
        # A null date_sent (still queued) passes no date filter.
        days = date_tests(query, "DateSent")
        found = (
            m
            for m in reversed(self.state.sms)
            if (not query.get("To") or m.recipient == query["To"])
            and (not query.get("From") or m.sender == query["From"])
            and all(m.sent is not None and test(m.sent) for test in days)
        )
        return JSONResponse(
            page(query, f"{self.root}/Messages.json", "messages", found, self._resource)
        )

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
