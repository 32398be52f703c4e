"""Twilio's webhooks: inbound messages and status callbacks, signed with the Auth Token.

Follows https://www.twilio.com/docs/messaging/guides/webhook-request (parameters),
https://www.twilio.com/docs/usage/security (signature) and
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (`#rc=…`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twilio.request_validator import RequestValidator

from simulator.courier import Courier
from simulator.records import Sms, segments
from simulator.state import State

CHANNEL = "twilio_sms"
ERRORS = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
}
DEFAULTS = {"ct": "5000", "tt": "15000", "rc": "1", "rp": "ct"}


def sign(auth_token: str, url: str, params: dict[str, str]) -> str:
    """X-Twilio-Signature for a request to `url`, which must be without fragment."""
    return str(RequestValidator(auth_token).compute_signature(url, params))


def inbound_params(state: State, sms: Sms) -> dict[str, str]:
    """Every parameter of an inbound message, the empty ones included."""
    account = state.accounts.account_sid
    place = {f"{side}{what}": "" for side in ("From", "To") for what in ("City", "State", "Zip")}
    params = {
        "ToCountry": "AU",
        **place,
        "SmsMessageSid": sms.sid,
        "NumMedia": str(len(sms.media)),
        "SmsSid": sms.sid,
        "SmsStatus": "received",
        "Body": sms.body,
        "FromCountry": "AU",
        "To": sms.recipient,
        "NumSegments": str(segments(sms.body)),
        "MessageSid": sms.sid,
        "AccountSid": account,
        "From": sms.sender,
        "ApiVersion": "2010-04-01",
    }
    if sms.body.strip().upper() in ("STOP", "START", "HELP"):
        params["OptOutType"] = sms.body.strip().upper()
    for n, media in enumerate(sms.media):
        params[f"MediaContentType{n}"] = media.file.content_type
        params[f"MediaUrl{n}"] = (
            f"{state.base_url}/2010-04-01/Accounts/{account}/Messages/{sms.sid}/Media/{media.sid}"
        )
    return params


def status_params(state: State, sms: Sms, status: str, error_code: int | None) -> dict[str, str]:
    """The parameters of a status callback."""
    params = {
        "SmsSid": sms.sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": sms.recipient,
        "MessageSid": sms.sid,
        "AccountSid": state.accounts.account_sid,
        "From": sms.sender,
        "ApiVersion": "2010-04-01",
    }
    if error_code:
        params |= {
            "ErrorCode": str(error_code),
            "ErrorMessage": ERRORS.get(error_code, "Unknown error"),
        }
    if status in ("delivered", "undelivered"):
        params["RawDlrDoneDate"] = time.strftime("%y%m%d%H%M", time.gmtime())
    return params


class TwilioWebhooks:
    """Calls the SMS URL and the status callback of the shop's numbers."""

    def __init__(self, state: State, courier: Courier) -> None:
        self.state, self.courier = state, courier

    def number(self, phone: str) -> dict[str, Any] | None:
        return next((n for n in self.state.numbers if n["phone_number"] == phone), None)

    def received(self, sms: Sms) -> asyncio.Future[dict[str, Any]]:
        """Announce an inbound message to its number's SMS URL."""
        number = self.number(sms.recipient) or {}
        return self._announce(
            "inbound",
            {"sid": sms.sid},
            number.get("sms_url", ""),
            number.get("sms_method", "POST"),
            inbound_params(self.state, sms),
            number.get("sms_fallback_url", ""),
        )

    async def sent(
        self, sms: Sms, final: str, error_code: int | None, callback: str | None
    ) -> None:
        """Let an outbound message go through its statuses, each told to the status callback."""
        number = self.number(sms.sender) or {}
        url = number.get("status_callback", "") if callback is None else callback
        steps = ["queued", "failed"] if final == "failed" else ["queued", "sent", final]
        for status in dict.fromkeys(steps):
            error = error_code if status in ("failed", "undelivered") else None
            if status != "queued":
                await asyncio.sleep(0.05 + self.courier.faults.random.random() * 0.15)
                self.state.set_sms_status(sms.sid, status, int(time.time()), error)
            self._announce(
                "status",
                {"sid": sms.sid, "status": status},
                url,
                number.get("status_callback_method", "POST"),
                status_params(self.state, sms, status, error),
                "",
            )

    def _announce(
        self,
        kind: str,
        ids: dict[str, str],
        url: str,
        method: str,
        params: dict[str, str],
        fallback: str,
    ) -> asyncio.Future[dict[str, Any]]:
        if not url:
            future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            future.set_result(self.courier.note(CHANNEL, kind, ids, "unsubscribed"))
            return future
        token = str(uuid.uuid4())

        async def send() -> dict[str, Any]:
            return await self._attempts(kind, ids, url, method, params, fallback, token)

        return self.courier.carry(CHANNEL, kind, ids, send)

    async def _attempts(
        self,
        kind: str,
        ids: dict[str, str],
        url: str,
        method: str,
        params: dict[str, str],
        fallback: str,
        token: str,
    ) -> dict[str, Any]:
        """The first attempt and its retries by the overrides of the fragment; returns the first's
        log line."""
        bare, _, fragment = url.partition("#")
        settings = DEFAULTS | dict(parse_qsl(fragment))
        policies = set(settings["rp"].split(","))
        first: dict[str, Any] | None = None
        line: dict[str, Any] = {}
        for attempt in range(1, 2 + min(5, int(settings["rc"]))):
            line = await self._once(
                kind, ids, bare, method, params, attempt, settings, token if attempt > 1 else None
            )
            first = first or line
            if not self._again(line, policies):
                break
        assert first is not None
        if fallback and not 200 <= (line["status"] or 0) < 300:
            await self._once(
                kind,
                ids,
                fallback.partition("#")[0],
                "POST",
                params | {"ErrorCode": "11200", "ErrorUrl": bare},
                1,
                DEFAULTS,
                None,
            )
        return first

    async def _once(
        self,
        kind: str,
        ids: dict[str, str],
        url: str,
        method: str,
        params: dict[str, str],
        attempt: int,
        settings: dict[str, str],
        token: str | None,
    ) -> dict[str, Any]:
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(params).encode()
        if (
            method.upper() == "GET"
        ):  # then the parameters are part of the URL, and nothing else is signed
            url, body = f"{url}{'&' if '?' in url else '?'}{body.decode()}", b""
        signed = {} if method.upper() == "GET" else params
        secret = (
            self.state.accounts.auth_token
            if not self.courier.faults.hit("forge")
            else "not-the-token"
        )
        headers["X-Twilio-Signature"] = sign(secret, url, signed)
        if token:
            headers["I-Twilio-Idempotency-Token"] = token
        return await self.courier.post(
            CHANNEL,
            kind,
            ids,
            url,
            method=method.upper(),
            body=body,
            headers=headers,
            attempt=attempt,
            connect_seconds=int(settings["ct"]) / 1000,
            total_seconds=int(settings["tt"]) / 1000,
        )

    @staticmethod
    def _again(line: dict[str, Any], policies: set[str]) -> bool:
        status = line["status"] or 0
        failed = {
            "ct": line["outcome"] == "connect_failed",
            "rt": line["outcome"] == "timed_out",
            "4xx": 400 <= status < 500,
            "5xx": status >= 500,
        }
        return any(
            hit and (policy in policies or "all" in policies) for policy, hit in failed.items()
        )
