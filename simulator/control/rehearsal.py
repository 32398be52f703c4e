"""The webhooks of the hero's last days, told once, each with the time at which it happened.

Histories show a message as it stands now: what was edited, unsent or reacted to since, and what went
over WhatsApp, is known only to who listened. This lets a receiver that comes late have listened.
"""

from __future__ import annotations

from typing import Any

from simulator.channels import CHANNELS, CHATS, MAIL, SMS, VOICE
from simulator.control.arrivals import Announced, Arrivals
from simulator.control.deeds import Deed, first_try
from simulator.store.calls import PhoneCall
from simulator.store.chats import Chat
from simulator.store.records import Sms

HOURS = 80


class Rehearsal:
    """POST /simulator/rehearse; a channel is told once, when its webhooks have an address."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals, self.state = arrivals, arrivals.state
        self.hero = next(p for p in self.state.people if p.hero)

    def all(self) -> dict[str, Deed]:
        return {"rehearse": self.rehearse}

    async def rehearse(self, body: dict[str, Any]) -> Any:
        """{"sent": {channel: webhooks}, "already": [channel], "unsubscribed": [channel]}"""
        already = list(self.state.rehearsed)
        sent: dict[str, int] = {}
        unsubscribed = []
        for channel in CHANNELS:
            if channel in already:
                continue
            if not has_address(self.arrivals, channel):
                unsubscribed.append(channel)
                continue
            self.state.record({"what": "rehearsed", "channel": channel})
            sent[channel] = await self._tell(channel)
        return {"sent": sent, "already": already, "unsubscribed": unsubscribed}

    async def _tell(self, channel: str) -> int:
        """One after the other, as it happened."""
        count = 0
        if channel == MAIL:
            await first_try(self.arrivals.pubsub.notify())
            return 1
        for record in self._records(channel):
            for announced in self._announced(record):
                await first_try(announced)
                count += 1
        return count

    def _records(self, channel: str) -> list[Any]:
        since = self.state.anchor.timestamp() - HOURS * 3600
        until = self.state.anchor.timestamp()
        if channel == SMS:
            texts = (s for s in self.state.sms if self.hero.phone in (s.sender, s.recipient))
            return [s for s in texts if since <= s.created <= until]
        if channel == VOICE:
            calls = (c for c in self.state.calls.calls if self._is_with_hero(c))
            return [c for c in calls if since <= c.root.created <= until]
        contact = self.hero.contact(channel)
        assert contact
        chats = (c for c in self.state.chats.of(channel) if c.contact.address == contact.address)
        return [c for c in chats if since <= c.at_ms / 1000 <= until]

    def _is_with_hero(self, call: PhoneCall) -> bool:
        return any(self.hero.phone in (leg.sender, leg.recipient) for leg in call.legs)

    def _announced(self, record: Any) -> list[Announced]:
        if isinstance(record, Sms):
            return self.arrivals.webhooks.retell(record)
        if isinstance(record, PhoneCall):
            return self.arrivals.voice.tell(record)
        assert isinstance(record, Chat)
        chats = self.arrivals.chats
        told = [chats.announce(record)]
        if record.outbound:
            told += chats.tell_statuses(record)
        happened = [chats.tell_happening(record, h) for h in record.happenings]
        return told + [announced for announced in happened if announced is not None]


def has_address(arrivals: Arrivals, channel: str) -> bool:
    """Whether anybody hears of the channel's messages."""
    if channel == MAIL:
        return bool(arrivals.state.subscription["endpoint"])
    if channel in CHATS:
        return bool(arrivals.chats.webhooks.targets(channel, "messages"))
    key = "sms_url" if channel == SMS else "status_callback"
    return any(number[key] for number in arrivals.state.numbers)
