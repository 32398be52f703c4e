"""The messages that Meta knows, by id, by conversation and by medium."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from simulator.channels import CHATS
from simulator.store.chats import Chat, Happening, Medium, chat_from_json
from simulator.store.records import to_json

Record = Callable[[dict[str, Any]], None]


class ChatBook:
    """Changes go through the journal: each method records, each `_apply` does."""

    def __init__(self, chats: list[Chat], record: Record) -> None:
        self._record = record
        self.by_id: dict[str, Chat] = {}
        self.threads: dict[tuple[str, str], list[Chat]] = {}
        self.media: dict[str, tuple[Chat, Medium]] = {}
        self.counts = dict.fromkeys(CHATS, 0)
        for chat in chats:
            self.hold(chat)

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "chat": lambda event: self.hold(chat_from_json(event["record"])),
            "chat_happening": self._apply_happening,
            "chat_status": self._apply_status,
            "media_issued": self._apply_issued,
        }

    def add(self, chat: Chat, made: int) -> None:
        self._record({"what": "chat", "made": made, "record": to_json(chat)})

    def happen(self, chat: Chat, happening: Happening, made: int) -> None:
        self._record(
            {"what": "chat_happening", "made": made, "id": chat.id, "happening": asdict(happening)}
        )

    def set_status(self, chat: Chat, status: str) -> None:
        self._record({"what": "chat_status", "id": chat.id, "status": status})

    def issue(self, chats: list[Chat], at_ms: int) -> None:
        """Media ids and addresses of these messages were told now: their lives begin anew."""
        ids = [medium.id for chat in chats for medium in chat.media]
        if ids:
            self._record({"what": "media_issued", "ids": ids, "at_ms": at_ms})

    def of(self, channel: str) -> Iterator[Chat]:
        """Every message of a channel, conversation by conversation."""
        for (on, _), chats in self.threads.items():
            if on == channel:
                yield from chats

    def in_order(self, channel: str) -> list[Chat]:
        return sorted(self.of(channel), key=lambda chat: chat.order)

    def conversations(self, channel: str) -> list[list[Chat]]:
        """The conversations of a channel, the one with the newest message first."""
        found = [chats for (on, _), chats in self.threads.items() if on == channel]
        return sorted(found, key=lambda chats: (chats[-1].at_ms, chats[-1].thread), reverse=True)

    def thread(self, channel: str, identity: str) -> list[Chat]:
        return self.threads.get((channel, identity), [])

    def hold(self, chat: Chat) -> None:
        self.by_id[chat.id] = chat
        thread = self.threads.setdefault((chat.channel, chat.thread), [])
        insort(thread, chat, key=lambda c: c.order)
        self.counts[chat.channel] += 1
        for medium in chat.media:
            self.media[medium.id] = (chat, medium)

    def _apply_happening(self, event: dict[str, Any]) -> None:
        self.by_id[event["id"]].happenings.append(Happening(**event["happening"]))

    def _apply_status(self, event: dict[str, Any]) -> None:
        self.by_id[event["id"]].status = event["status"]

    def _apply_issued(self, event: dict[str, Any]) -> None:
        for identity in event["ids"]:
            self.media[identity][1].issued_ms = event["at_ms"]
