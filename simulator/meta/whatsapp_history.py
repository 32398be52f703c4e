"""What the WhatsApp Business app hands over once: 180 days of chats and the contact book.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history
and …/smb_app_state_sync. Three phases by age, in chunks of up to 3 MB, sent in any order; files come
later, those of the last 14 days. Day 0 is the anchor of the history.
"""

from __future__ import annotations

import time
from typing import Any

from simulator.channels import WHATSAPP
from simulator.courier import Courier
from simulator.meta.meta_notices import Notice
from simulator.meta.meta_webhooks import MetaWebhooks
from simulator.meta.meta_wire import body_of
from simulator.meta.whatsapp_events import WhatsappEvents
from simulator.store.chats import Chat
from simulator.store.state import State

DAY_MS = 86_400_000
PHASE_DAYS = (1, 90, 180)
MEDIA_DAYS = 14
CHUNK_BYTES, CHUNK_MESSAGES = 2_900_000, 8_000
CONTACTS_PER_WEBHOOK, MEDIA_PER_WEBHOOK = 100, 20
STATUSES = {"read": "READ", "delivered": "DELIVERED", "sent": "SENT", "failed": "ERROR"}


class WhatsappHistory:
    """Sends it all in the background, as fast as it is taken."""

    def __init__(
        self, state: State, courier: Courier, webhooks: MetaWebhooks, events: WhatsappEvents
    ) -> None:
        self.state, self.courier, self.webhooks, self.events = state, courier, webhooks, events

    def start(self, kind: str) -> None:
        notices = self.contacts() if kind == "smb_app_state_sync" else self.history()
        self.courier.start(self._send(notices))

    async def _send(self, notices: list[Notice]) -> None:
        for notice in notices:
            await self.webhooks.announce(notice)

    def history(self) -> list[Notice]:
        """The chunks in a shuffled order, then the files."""
        anchor = int(self.state.anchor.timestamp() * 1000)
        past = [
            chat
            for chat in self.state.chats.in_order(WHATSAPP)
            if chat.at_ms <= anchor and not chat.unsent
        ]
        phases: list[list[Chat]] = [[] for _ in PHASE_DAYS]
        for chat in past:
            age = (anchor - chat.at_ms) / DAY_MS
            phase = next((n for n, days in enumerate(PHASE_DAYS) if age <= days), None)
            if phase is not None:
                phases[phase].append(chat)
        chunks = [
            (phase, order, chunk)
            for phase, chats in enumerate(phases)
            for order, chunk in enumerate(self._chunks(chats), 1)
        ]
        values = [
            self._chunk(phase, order, chunk, 100 * number // len(chunks))
            for number, (phase, order, chunk) in enumerate(chunks, 1)
        ] or [self._chunk(2, 1, [], 100)]
        self.courier.faults.random.shuffle(values)
        recent = [c for c in past if c.media and c.at_ms > anchor - MEDIA_DAYS * DAY_MS]
        return [self._notice("history", value) for value in values] + self._files(recent)

    def contacts(self) -> list[Notice]:
        """The contact book: who is on WhatsApp with a number."""
        at = str(int(self.state.anchor.timestamp()))
        entries = [
            {
                "type": "contact",
                "contact": {
                    "full_name": person.name,
                    "first_name": person.first,
                    "phone_number": contact.address,
                },
                "action": "add",
                "metadata": {"timestamp": at},
            }
            for person in self.state.people
            if (contact := person.contact(WHATSAPP)) and not contact.hidden and person.known
        ]
        size = CONTACTS_PER_WEBHOOK
        return [
            self._notice("smb_app_state_sync", self.events.value(state_sync=entries[n : n + size]))
            for n in range(0, len(entries), size)
        ]

    def chunk_of(self, chats: list[Chat]) -> Notice:
        """One chunk with all of these, however large."""
        return self._notice("history", self._chunk(2, 1, chats, 100))

    # -- parts -------------------------------------------------------------------------------------

    def _chunks(self, chats: list[Chat]) -> list[list[Chat]]:
        """As many as fit in a webhook. Conversations stay together where they can."""
        most = int(self.courier.faults.values["history_chunk_messages"]) or CHUNK_MESSAGES
        chunks: list[list[Chat]] = []
        room = 0
        for chat in sorted(chats, key=lambda c: (c.thread, c.at_ms)):
            size = len(body_of(self._message(chat))) + 60
            if not chunks or room < size or len(chunks[-1]) >= most:
                chunks.append([])
                room = CHUNK_BYTES
            chunks[-1].append(chat)
            room -= size
        return chunks

    def _chunk(self, phase: int, order: int, chats: list[Chat], progress: int) -> dict[str, Any]:
        threads: dict[str, list[dict[str, Any]]] = {}
        for chat in chats:
            threads.setdefault(chat.contact.address, []).append(self._message(chat))
        told = {
            "metadata": {"phase": phase, "chunk_order": order, "progress": progress},
            "threads": [{"id": number, "messages": m} for number, m in threads.items()],
        }
        return self.events.value(history=[told])

    def _message(self, chat: Chat) -> dict[str, Any]:
        """A message of the history has numbers only, and a placeholder for a file."""
        status = STATUSES.get(chat.status, "READ") if chat.outbound else "READ"
        if chat.media:
            content: dict[str, Any] = {"type": "media_placeholder"}
        else:
            content = self.events.content(chat, with_url=False)
            if chat.kind == "text":
                content["text"] = {"body": chat.body}
        return {
            **self._parties(chat),
            "id": chat.id,
            "timestamp": str(chat.at_ms // 1000),
            **content,
            "history_context": {"status": status},
        }

    def _parties(self, chat: Chat) -> dict[str, str]:
        ours, theirs = self.events.accounts.display_phone_number, chat.contact.address
        return {"from": ours, "to": theirs} if chat.outbound else {"from": theirs}

    def _files(self, chats: list[Chat]) -> list[Notice]:
        self.state.chats.issue(chats, int(time.time() * 1000))
        told = [
            {
                **self._parties(chat),
                "id": chat.id,
                "timestamp": str(chat.at_ms // 1000),
                **self.events.content(chat, with_url=False),
            }
            for chat in chats
        ]
        size = MEDIA_PER_WEBHOOK
        return [
            self._notice("history", self.events.value(messages=told[n : n + size]))
            for n in range(0, len(told), size)
        ]

    def _notice(self, field: str, value: dict[str, Any]) -> Notice:
        asset = self.webhooks.asset[WHATSAPP]
        return Notice(WHATSAPP, asset, field, value, field, {}, "changes")
