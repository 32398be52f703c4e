"""Messages made now: written into the provider's record, then announced by webhook or push."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from simulator.conversations import Turn
from simulator.courier import Courier
from simulator.pubsub import PubSub
from simulator.records import Mail, Sms
from simulator.scribe import write_mail, write_sms
from simulator.state import State
from simulator.twilio_webhooks import TwilioWebhooks

Announced = asyncio.Future[dict[str, Any]]
FINAL_STATUSES = {"delivered": None, "sent": None, "undelivered": 30005, "failed": 30006}


class Arrivals:
    """The one place where live messages of both channels come into being."""

    def __init__(
        self, state: State, courier: Courier, webhooks: TwilioWebhooks, pubsub: PubSub
    ) -> None:
        self.state, self.courier, self.webhooks, self.pubsub = state, courier, webhooks, pubsub

    def sms(
        self,
        turn: Turn,
        *,
        at: float | None = None,
        final: str = "delivered",
        callback: str | None = None,
        silent: bool = False,
    ) -> tuple[Sms, Announced | None]:
        """An SMS at `at` (epoch seconds, default now). An outbound one starts as queued and ends as
        `final`. With `silent` nothing is announced: only the history knows."""
        sms = write_sms(
            turn, int(at if at is not None else time.time()), self.state.next_key(), history=False
        )
        if silent and sms.direction != "inbound":
            sms.status, sms.sent, sms.error_code = final, sms.created, FINAL_STATUSES[final]
        self.state.add_sms(sms)
        if silent:
            return sms, None
        if sms.direction == "inbound":
            return sms, self.webhooks.received(sms)
        self.courier.start(self.webhooks.sent(sms, final, FINAL_STATUSES[final], callback))
        return sms, None

    def mail(
        self,
        turn: Turn,
        previous: Mail | None,
        *,
        at: float | None = None,
        raw: str | None = None,
        silent: bool = False,
    ) -> tuple[Mail, Announced | None]:
        """A mail at `at` (epoch seconds, default now), answering `previous`. `raw` is base64 of a
        whole RFC 822 message to take as it is."""
        at_ms = int((at if at is not None else time.time()) * 1000)
        mail = write_mail(
            turn, at_ms, self.state.next_key(), previous, self.state.next_history_id()
        )
        while mail.id in self.state.mail_by_id:  # same millisecond, same 20 bits
            mail = write_mail(
                turn, at_ms, self.state.next_key(), previous, self.state.next_history_id()
            )
        mail.raw = raw
        if turn.direction == "inbound" and turn.labels is None:
            mail.labels.append("UNREAD")
        self.state.add_mail(mail)
        return mail, None if silent else self.pubsub.notify()
