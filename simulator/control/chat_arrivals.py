"""Chat messages made now: written into Meta's record, then announced by webhook."""

from __future__ import annotations

import asyncio
import time

from simulator.courier import Courier
from simulator.meta.chat_notices import STEP_MS, STEPS, ChatNotices
from simulator.meta.meta_webhooks import Announced, MetaWebhooks
from simulator.store.chat_scribe import happenings, message_id, write_chat
from simulator.store.chats import EDIT, Chat, Happening
from simulator.store.state import State
from simulator.world.turns import Turn


class ChatArrivals:
    """The one place where live messages of the three chats come into being."""

    def __init__(
        self, state: State, courier: Courier, webhooks: MetaWebhooks, notices: ChatNotices
    ) -> None:
        self.state, self.courier, self.webhooks, self.notices = state, courier, webhooks, notices

    def say(
        self,
        turn: Turn,
        *,
        at_ms: int,
        replied: Chat | None = None,
        final: str | None = None,
        silent: bool = False,
        standby: bool = False,
    ) -> tuple[Chat, Announced | None]:
        """A message at `at_ms`. What the turn says will happen to it happens after real seconds,
        or at once with `silent`, which announces nothing."""
        key = self.state.next_key()
        chat = write_chat(turn, at_ms, key, replied, history=False)
        if replied is not None:
            chat.reply_to = replied.id
        if silent:
            chat.status = (final or "read") if chat.outbound else "received"
            chat.happenings = happenings(turn, chat, key)
        self.state.chats.add(chat, self.state.made_count)
        if silent:
            return chat, None
        announced = self.announce(chat, standby=standby)
        if chat.outbound:
            self.courier.start(self.go_on(chat, final or "read", standby=standby))
        for happening in happenings(turn, chat, key):
            self.courier.start(self._later(chat, happening))
        return chat, announced

    async def _later(self, chat: Chat, happening: Happening) -> None:
        await asyncio.sleep((happening.at_ms - chat.at_ms) / 1000)
        self.happen(chat, happening)

    # -- announcements -----------------------------------------------------------------------------

    def announce(self, chat: Chat, *, standby: bool = False) -> Announced:
        """Tell of a message; its media may be fetched from now on."""
        self.state.chats.issue([chat], int(time.time() * 1000))
        told = [self.webhooks.announce(n) for n in self.notices.message(chat, standby=standby)]
        return told[0]

    def happen(self, chat: Chat, happening: Happening) -> Announced | None:
        """Let a reaction, an edit or an unsend happen and tell of it. None where nobody is told."""
        self.state.chats.happen(chat, happening, self.state.made_count)
        return self.tell_happening(chat, happening)

    def tell_happening(self, chat: Chat, happening: Happening) -> Announced | None:
        notice = self.notices.happening(chat, happening)
        return self.webhooks.announce(notice) if notice else None

    def make_happening(
        self, chat: Chat, what: str, *, by_us: bool, text: str = "", emoji: str = "", at_ms: int
    ) -> Happening:
        identity = message_id(chat.channel, chat.contact, self.state.next_key())
        return Happening(what, at_ms, by_us, text if what == EDIT else "", emoji, identity)

    async def go_on(self, chat: Chat, final: str, *, standby: bool = False) -> None:
        """The statuses of an outbound message, up to its end."""
        steps = STEPS[chat.channel].get(final, ())
        for number, status in enumerate(steps, 1):
            await asyncio.sleep(0.05 + self.courier.faults.random.random() * 0.15)
            self.state.chats.set_status(chat, status)
            if chat.by_api and number == 1:
                continue  # told already, as the only sign of it
            self._tell_status(chat, status, chat.at_ms + number * STEP_MS, standby=standby)

    def read(self, chat: Chat) -> Announced | None:
        """The person reads our message now."""
        self.state.chats.set_status(chat, "read")
        return self._tell_status(chat, "read", int(time.time() * 1000))

    def tell_statuses(self, chat: Chat) -> list[Announced]:
        """All that became of an outbound message, without waiting."""
        steps = STEPS[chat.channel].get(chat.status, ())
        return [
            self._tell_status(chat, status, chat.at_ms + number * STEP_MS)
            for number, status in enumerate(steps, 1)
        ]

    def _tell_status(
        self, chat: Chat, status: str, at_ms: int, *, standby: bool = False
    ) -> Announced:
        return self.webhooks.announce(self.notices.status(chat, status, at_ms, standby=standby))
