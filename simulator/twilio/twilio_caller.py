"""Sends what Twilio sends: signed with the Auth Token, tried again as the address asks for.

Follows https://www.twilio.com/docs/usage/security (signature) and
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (`#rc=…`).
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from twilio.request_validator import RequestValidator

from simulator.channels import VOICE
from simulator.courier import Courier
from simulator.store.state import State

DEFAULTS = {"ct": "5000", "tt": "15000", "rc": "1", "rp": "ct"}


def sign(auth_token: str, url: str, params: dict[str, str]) -> str:
    """X-Twilio-Signature for a request to `url`, which must be without fragment."""
    return str(RequestValidator(auth_token).compute_signature(url, params))


def signed_url(channel: str, url: str) -> str:
    """The address as it is signed: calls over HTTPS are signed without the port."""
    split = urlsplit(url)
    if channel != VOICE or split.scheme != "https" or split.port is None:
        return url
    return urlunsplit(split._replace(netloc=split.hostname or ""))


class TwilioCaller:
    """Calls the addresses that numbers name, for texts and for calls."""

    def __init__(self, state: State, courier: Courier) -> None:
        self.state, self.courier = state, courier

    def number(self, phone: str) -> dict[str, Any] | None:
        return next((n for n in self.state.numbers if n["phone_number"] == phone), None)

    def announce(
        self,
        channel: str,
        kind: str,
        ids: dict[str, str],
        url: str,
        method: str,
        params: dict[str, str],
        fallback: str = "",
    ) -> asyncio.Future[dict[str, Any]]:
        """The future has the log line of the first attempt."""
        if not url:
            future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            future.set_result(self.courier.note(channel, kind, ids, "unsubscribed"))
            return future
        token = str(uuid.uuid4())

        async def send() -> dict[str, Any]:
            return await self._attempts(channel, kind, ids, url, method, params, fallback, token)

        return self.courier.carry(channel, kind, ids, send)

    async def _attempts(
        self,
        channel: str,
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
                channel,
                kind,
                ids,
                bare,
                method,
                params,
                attempt,
                settings,
                token if attempt > 1 else None,
            )
            first = first or line
            if not self._again(line, policies):
                break
        assert first is not None
        if fallback and not 200 <= (line["status"] or 0) < 300:
            await self._once(
                channel,
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
        channel: str,
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
        headers["X-Twilio-Signature"] = sign(secret, signed_url(channel, url), signed)
        if token:
            headers["I-Twilio-Idempotency-Token"] = token
        return await self.courier.post(
            channel,
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
