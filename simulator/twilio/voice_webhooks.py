"""Sends Twilio's webhooks of calls to the status callback of the number they belong to.

The number's own `status_callback` hears one thing: that an incoming call has ended. With `twiml_callbacks` the
shop's phone menu, another system, names the same address for the legs it dials, for recordings and transcriptions,
and for the calls that it makes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from simulator.channels import VOICE
from simulator.store.calls import PhoneCall, Recording
from simulator.twilio.twilio_caller import TwilioCaller
from simulator.twilio.voice_events import Told, VoiceEvents


class VoiceWebhooks:
    """Tells of whole calls."""

    def __init__(self, events: VoiceEvents, caller: TwilioCaller) -> None:
        self.events, self.caller = events, caller

    def tell(self, call: PhoneCall) -> list[asyncio.Future[dict[str, Any]]]:
        """What is told of a call that is over: everything, or what a number's own callback hears."""
        if not self.caller.courier.faults.values["twiml_callbacks"]:
            told = self.events.progress(call.root) if call.root.direction == "inbound" else []
            if not told:
                return [self._unheard(call)]
            return [self._announce(call, each) for each in told]
        return [self._announce(call, told) for told in self.events.told(call)]

    def tell_spoken(self, call: PhoneCall) -> list[asyncio.Future[dict[str, Any]]]:
        """Its transcription in real time."""
        if not self.caller.courier.faults.values["twiml_callbacks"]:
            return []
        return [self._announce(call, told) for told in self.events.spoken(call)]

    def tell_conference(self, recording: Recording, phone: str) -> asyncio.Future[dict[str, Any]]:
        """Of the recording of a conference, where the menu names the address of a number of ours."""
        kind, ids, params = self.events.recorded(recording)
        number = self.caller.number(phone) or {}
        url = str(number.get("status_callback", ""))
        if not self.caller.courier.faults.values["twiml_callbacks"]:
            url = ""
        method = number.get("status_callback_method", "POST")
        return self.caller.announce(VOICE, kind, ids, url, method, params)

    def address(self, call: PhoneCall) -> str:
        return str((self.caller.number(call.root.number) or {}).get("status_callback", ""))

    def _unheard(self, call: PhoneCall) -> asyncio.Future[dict[str, Any]]:
        """A call of which no number's callback is told."""
        done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        note = self.caller.courier.note
        done.set_result(note(VOICE, "call", {"sid": call.root.sid}, "unsubscribed"))
        return done

    def _announce(self, call: PhoneCall, told: Told) -> asyncio.Future[dict[str, Any]]:
        kind, ids, params = told
        number = self.caller.number(call.root.number) or {}
        method = number.get("status_callback_method", "POST")
        return self.caller.announce(VOICE, kind, ids, self.address(call), method, params)
