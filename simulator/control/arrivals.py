"""Messages made now: written into the provider's record, then announced by webhook or push."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from simulator.control.chat_arrivals import ChatArrivals
from simulator.courier import Courier
from simulator.google.pubsub import PubSub
from simulator.store.call_scribe import write_call
from simulator.store.calls import PhoneCall, Recording
from simulator.store.records import Mail, Sms
from simulator.store.scribe import sid, write_mail, write_sms
from simulator.store.state import State
from simulator.twilio.twilio_webhooks import TwilioWebhooks
from simulator.twilio.voice_webhooks import VoiceWebhooks
from simulator.world.turns import Turn

Announced = asyncio.Future[dict[str, Any]]
FINAL_STATUSES = {"delivered": None, "sent": None, "undelivered": 30005, "failed": 30006}


class Arrivals:
    """The one place where live messages of all channels come into being."""

    def __init__(
        self,
        state: State,
        courier: Courier,
        webhooks: TwilioWebhooks,
        voice: VoiceWebhooks,
        pubsub: PubSub,
        chats: ChatArrivals,
    ) -> None:
        self.state, self.courier, self.pubsub = state, courier, pubsub
        self.webhooks, self.voice, self.chats = webhooks, voice, chats
        self._last_ms = 0

    def now(self, at: float | None = None) -> float:
        """The time of a message that comes in now, in epoch seconds; earlier where the fault
        `age_seconds` makes everything late."""
        if at is not None:
            return at
        return time.time() - float(self.courier.faults.values["age_seconds"])

    def now_ms(self, at: float | None = None) -> int:
        """The same in milliseconds, never twice the same where no time is given."""
        if at is not None:
            return int(at * 1000)
        now = int(self.now() * 1000)
        is_repeated = 0 <= self._last_ms - now < 1000
        self._last_ms = self._last_ms + 1 if is_repeated else now
        return self._last_ms

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
        sms = write_sms(turn, int(self.now(at)), self.state.next_key(), history=False)
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
        at_ms = self.now_ms(at)
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

    def call(
        self,
        turn: Turn,
        *,
        at: float | None = None,
        silent: bool = False,
        spoken: bool = False,
    ) -> tuple[PhoneCall, Announced | None]:
        """A call that has just ended (or began at `at`), told leg by leg; with `spoken` its
        real-time transcription as well. The future is that of the root's end."""
        assert turn.call
        begun = self.now(at) if at is not None else self.now() - turn.call.seconds - 30
        call = write_call(turn, int(begun), self.state.next_key())
        self.state.calls.add(call, self.state.made_count)
        if silent:
            return call, None
        if spoken:
            self.voice.tell_spoken(call)
        return call, self.voice.tell(call)[-1]

    def conference(self, seconds: int) -> tuple[Recording, Announced]:
        """The recording of a conference that has just ended: of no one call."""
        key, ended = self.state.next_key(), int(self.now())
        recording = Recording(
            sid("RE", key), None, "Conference", "completed", 1, seconds, ended - seconds, ended,
            conference_sid=sid("CF", key),
        )  # fmt: skip
        self.state.calls.add_conference(recording, self.state.made_count)
        return recording, self.voice.tell_conference(
            recording, self.state.numbers[0]["phone_number"]
        )
