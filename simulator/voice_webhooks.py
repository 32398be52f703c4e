"""Sends Twilio's webhooks of calls to the status callback of the number they belong to.

The number's own `status_callback` hears how a call ended; the shop's phone menu, another system,
names the same address for the legs it dials, for recordings and for transcriptions.
"""

from __future__ import annotations

import asyncio
from typing import Any

from simulator.calls import PhoneCall
from simulator.channels import VOICE
from simulator.twilio_caller import TwilioCaller
from simulator.voice_events import Told, VoiceEvents


class VoiceWebhooks:
    """Tells of whole calls."""

    def __init__(self, events: VoiceEvents, caller: TwilioCaller) -> None:
        self.events, self.caller = events, caller

    def tell(self, call: PhoneCall) -> list[asyncio.Future[dict[str, Any]]]:
        """Everything about a call that is over."""
        return [self._announce(call, told) for told in self.events.told(call)]

    def tell_spoken(self, call: PhoneCall) -> list[asyncio.Future[dict[str, Any]]]:
        """Its transcription in real time."""
        return [self._announce(call, told) for told in self.events.spoken(call)]

    def address(self, call: PhoneCall) -> str:
        return str((self.caller.number(call.root.number) or {}).get("status_callback", ""))

    def _announce(self, call: PhoneCall, told: Told) -> asyncio.Future[dict[str, Any]]:
        kind, ids, params = told
        number = self.caller.number(call.root.number) or {}
        method = number.get("status_callback_method", "POST")
        return self.caller.announce(VOICE, kind, ids, self.address(call), method, params)
