"""The simulator's own JSON interface, under /simulator/: it exists at no provider."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import orders
from simulator.arrivals import Arrivals
from simulator.faults import ACTIONS, AMOUNTS, HITS, Faults, UnknownFault
from simulator.gmail_rest import WATCH_DAYS, GmailRest
from simulator.live import Live
from simulator.records import Sms

WAIT_SECONDS = 15.0


class Control:
    """Makes messages, sets faults, shows what was sent."""

    def __init__(self, arrivals: Arrivals, gmail: GmailRest, faults: Faults, live: Live) -> None:
        self.arrivals, self.gmail, self.faults, self.live = arrivals, gmail, faults, live
        self.state, self.courier = arrivals.state, arrivals.courier

    def routes(self) -> list[Route]:
        gets: dict[str, Callable[[Request], Any]] = {
            "accounts": self.accounts,
            "people": self.people,
            "deliveries": self.deliveries,
            "faults": self.show_faults,
            "state": self.summary,
        }
        posts: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "subscriptions": self.subscribe,
            "messages": self.message,
            "live": self.stream,
            "faults": self.set_faults,
            "redact": self.redact,
            "delete": self.delete,
            "labels": self.labels,
        }
        return [
            Route("/healthz", _shown(lambda request: {"status": "ok"}), methods=["GET"]),
            *(
                Route(f"/simulator/{name}", _shown(call), methods=["GET"])
                for name, call in gets.items()
            ),
            *(
                Route(f"/simulator/{name}", _done(call), methods=["POST"])
                for name, call in posts.items()
            ),
        ]

    # -- shown -------------------------------------------------------------------------------------

    def accounts(self, request: Request) -> dict[str, dict[str, str]]:
        audience = self.state.subscription["audience"] or self.state.subscription["endpoint"]
        return self.state.accounts.connections(
            self.state.base_url, audience or "https://crm.example.com/webhooks/gmail"
        )

    def people(self, request: Request) -> list[dict[str, object]]:
        return [p.public() for p in self.state.people]

    def deliveries(self, request: Request) -> dict[str, Any]:
        """The log, newest last; ?after=NUMBER and ?channel= narrow it."""
        after, channel = (
            int(request.query_params.get("after", 0)),
            request.query_params.get("channel"),
        )
        lines = [
            x for x in self.courier.log if x["number"] > after and channel in (None, x["channel"])
        ]
        return {"deliveries": lines}

    def show_faults(self, request: Request) -> dict[str, Any]:
        return {"faults": self.faults.values, "known": {**HITS, **AMOUNTS, **ACTIONS}}

    def summary(self, request: Request) -> dict[str, Any]:
        """Counts, and a hash of everything a pull would find."""
        return {
            "seed": self.state.seed,
            "messages": self.state.messages,
            "anchor": self.state.anchor.isoformat(),
            "twilio_sms": len(self.state.sms),
            "gmail": len(self.state.mails),
            "history_id": self.state.history_id,
            "live_per_minute": self.live.per_minute,
            "subscription": self.state.subscription,
            "watch_until_ms": self.state.watch_until_ms,
            "fingerprint": self.state.fingerprint(),
        }

    # -- done --------------------------------------------------------------------------------------

    async def subscribe(self, body: dict[str, Any]) -> Any:
        """Point the Pub/Sub push subscription at a receiver; also watches the mailbox unless watch
        is false."""
        endpoint, audience = str(body.get("endpoint", "")), str(body.get("audience", ""))
        self.state.record(
            {"what": "subscription", "endpoint": endpoint, "audience": audience or endpoint}
        )
        if body.get("watch", True):
            self.state.record(
                {"what": "watch", "until_ms": int((time.time() + WATCH_DAYS * 86_400) * 1000)}
            )
        return {
            "subscription": self.state.subscription,
            "watch_until_ms": self.state.watch_until_ms,
        }

    async def message(self, body: dict[str, Any]) -> Any:
        """Make one message now. Waits for the first attempt of its webhook or push unless wait is
        false."""
        wanted = orders.read(self.state, body)
        record: Any
        if wanted.turn.channel == "twilio_sms":
            record, announced = self.arrivals.sms(
                wanted.turn,
                at=wanted.at,
                final=wanted.final,
                callback=wanted.callback,
                silent=wanted.silent,
            )
        else:
            record, announced = self.arrivals.mail(
                wanted.turn, wanted.previous, at=wanted.at, raw=wanted.raw, silent=wanted.silent
            )
        made = (
            {"sid": record.sid, "media": [m.sid for m in record.media]}
            if isinstance(record, Sms)
            else {
                "id": record.id,
                "thread_id": record.thread_id,
                "history_id": str(record.history_id),
                "message_id": record.message_id,
            }
        )
        delivery = None
        if announced is not None and wanted.wait:
            with contextlib.suppress(asyncio.TimeoutError):
                delivery = await asyncio.wait_for(asyncio.shield(announced), WAIT_SECONDS)
        return {"channel": wanted.turn.channel, **made, "delivery": delivery}

    async def stream(self, body: dict[str, Any]) -> Any:
        per_minute = body.get("per_minute")
        if not isinstance(per_minute, (int, float)) or not 0 <= per_minute <= 6000:
            raise orders.BadRequest("per_minute must be a number from 0 to 6000")
        self.live.set(float(per_minute), body.get("seed"))
        return {"per_minute": self.live.per_minute}

    async def set_faults(self, body: dict[str, Any]) -> Any:
        actions = {name: body.pop(name) for name in ACTIONS if name in body}
        if body.get("expire_history_before") == "now":
            # Everything handed out so far is too old, the present historyId included.
            self.state.history_id = self.state.next_history_id()
            body["expire_history_before"] = self.state.history_id
        elif isinstance(body.get("expire_history_before"), str):
            body["expire_history_before"] = int(body["expire_history_before"])
        self.faults.set(body)
        if actions.get("expire_access_tokens"):
            self.gmail.tokens.access_tokens.clear()
        if actions.get("rotate_signing_key"):
            self.arrivals.pubsub.keys.rotate()
        return {"faults": self.faults.values}

    async def redact(self, body: dict[str, Any]) -> Any:
        """Empty the body of an SMS at the provider; mails cannot be redacted."""
        if body.get("channel") != "twilio_sms" or body.get("id") not in self.state.sms_by_sid:
            raise orders.BadRequest("redact needs channel twilio_sms and the id of a message")
        self.state.redact_sms(str(body["id"]))
        return {"redacted": body["id"]}

    async def delete(self, body: dict[str, Any]) -> Any:
        """Remove a message at the provider for good. Twilio tells nobody; Gmail notifies of a
        change."""
        identity = str(body.get("id"))
        if body.get("channel") == "twilio_sms" and identity in self.state.sms_by_sid:
            self.state.delete_sms(identity)
        elif body.get("channel") == "gmail" and identity in self.state.mail_by_id:
            self.state.delete_mail(identity)
            self.arrivals.pubsub.notify()
        else:
            raise orders.BadRequest("delete needs a channel and the id of one of its messages")
        return {"deleted": identity}

    async def labels(self, body: dict[str, Any]) -> Any:
        """Change a mail's labels, as staff do by reading, binning, or marking as no spam."""
        if body.get("id") not in self.state.mail_by_id:
            raise orders.BadRequest("labels needs the id of a mail")
        self.state.change_labels(str(body["id"]), body.get("add") or [], body.get("remove") or [])
        self.arrivals.pubsub.notify()
        return asdict(self.state.mail_by_id[body["id"]])["labels"]


def _shown(call: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(call(request))

    return endpoint


def _done(
    call: Callable[[dict[str, Any]], Awaitable[Any]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            if not isinstance(body, dict):
                raise orders.BadRequest("the body must be a JSON object")
            return JSONResponse(await call(body))
        except (ValueError, UnknownFault) as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint
