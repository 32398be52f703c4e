"""Graph calls about people, conversations and messages of Messenger and Instagram."""

from __future__ import annotations

from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.chat_scribe import thread_id
from simulator.chats import Chat, Contact
from simulator.faults import Faults
from simulator.graph_errors import gone
from simulator.graph_fields import Wanted, parse
from simulator.graph_pages import page
from simulator.graph_rest import Answer, Call
from simulator.graph_views import GraphViews, newest, visible
from simulator.state import State

CONVERSATION_FIELDS = {MESSENGER: "id,updated_time,link", INSTAGRAM: "id,updated_time"}
MESSAGE_FIELDS = "id,created_time"
DELETED = "The message has been deleted."


class GraphConversations:
    """What each token may read: the page's token both channels, Instagram's its own."""

    def __init__(self, state: State, faults: Faults, views: GraphViews) -> None:
        self.state, self.faults, self.views = state, faults, views
        self.meta = state.accounts.meta

    async def answer(self, call: Call) -> Answer | None:
        if call.method != "GET" or not call.steps or call.channel not in (MESSENGER, INSTAGRAM):
            return None
        first, rest = call.steps[0], call.steps[1:]
        accounts = {self.meta.page_id: MESSENGER, self.meta.instagram_id: INSTAGRAM}
        if first in accounts:
            return self._account(call, accounts[first]) if not rest else self._of_account(call)
        for channel in self._readable(call):
            if thread := self.state.chats.thread(channel, first):
                return self._conversation(call, thread)
        chat = self.state.chats.by_id.get(first)
        if chat is not None and chat.channel in self._readable(call):
            return self._message(call, chat)
        return self._person(call, first) if not rest else None

    def _readable(self, call: Call) -> list[str]:
        return [MESSENGER, INSTAGRAM] if call.channel == MESSENGER else [INSTAGRAM]

    # -- accounts and people -----------------------------------------------------------------------

    def _account(self, call: Call, channel: str) -> Answer:
        """The page, or the Instagram account, whose plain id is of this app alone."""
        if channel not in self._readable(call):
            raise gone()
        whole = {
            MESSENGER: {"id": self.meta.page_id, "name": self.meta.page_name},
            INSTAGRAM: {
                "user_id": self.meta.instagram_id,
                "username": self.meta.instagram_username,
                "name": self.meta.page_name,
                "account_type": "BUSINESS",
                "id": self.meta.instagram_scoped_id,
            },
        }[channel]
        if channel == MESSENGER:
            whole["instagram_business_account"] = {"id": self.meta.instagram_id}  # type: ignore[assignment]
        wanted = parse(call.query.get("fields") or "id,name")
        return {name: whole[name] for name in (*wanted, "id") if name in whole}

    def _person(self, call: Call, identity: str) -> Answer | None:
        for channel in self._readable(call):
            chats = self.state.chats.thread(channel, thread_id(channel, Contact(identity)))
            if chats:
                return _profile(chats[-1].contact, call.query.get("fields") or "name")
        return None

    # -- conversations -----------------------------------------------------------------------------

    def _of_account(self, call: Call) -> Answer | None:
        if call.steps[1:] != ["conversations"]:
            return None
        own = MESSENGER if call.channel == MESSENGER else INSTAGRAM
        channel = call.query.get("platform") or own
        if channel not in self._readable(call) or channel == WHATSAPP:
            raise gone()
        wanted = parse(call.query.get("fields") or CONVERSATION_FIELDS[channel])
        person = call.query.get("user_id")
        found = [
            chats
            for chats in self.state.chats.conversations(channel)
            if visible(chats) and person in (None, "", chats[-1].contact.address)
        ]
        return page(
            found,
            lambda chats: (chats[-1].at_ms, chats[-1].thread),
            lambda chats: self._shown(call, chats, wanted),
            call.query,
            call.url,
            call.token,
            empty=self.faults.hit("graph_empty_page"),
        )

    def _conversation(self, call: Call, chats: list[Chat]) -> Answer | None:
        if call.steps[1:] == ["messages"]:
            wanted = parse(call.query.get("fields") or MESSAGE_FIELDS)
            return self._messages(call, chats, wanted, call.query, call.url)
        if call.steps[1:]:
            return None
        fields = call.query.get("fields") or CONVERSATION_FIELDS[chats[-1].channel]
        return self._shown(call, chats, parse(fields))

    def _shown(self, call: Call, chats: list[Chat], wanted: dict[str, Wanted]) -> dict[str, Any]:
        """A conversation, with its messages where they are wanted."""
        shown = self.views.conversation(chats, wanted)
        if "messages" in wanted:
            nested = wanted["messages"]
            url = f"{self.state.base_url}/v26.0/{chats[-1].thread}/messages"
            fields = nested.fields or parse(MESSAGE_FIELDS)
            shown["messages"] = self._messages(call, chats, fields, nested.modifiers, url)
        return shown

    def _messages(
        self,
        call: Call,
        chats: list[Chat],
        wanted: dict[str, Wanted],
        query: dict[str, str],
        url: str,
    ) -> dict[str, Any]:
        detailed = newest(chats)
        return page(
            visible(chats),
            lambda chat: (chat.at_ms, chat.id),
            lambda chat: self.views.message(chat, wanted, detailed=chat.id in detailed),
            query,
            url,
            call.token,
        )

    def _message(self, call: Call, chat: Chat) -> Answer | None:
        if call.steps[1:]:
            return None
        thread = self.state.chats.thread(chat.channel, chat.thread)
        if chat.id not in newest(thread):
            raise gone(what=DELETED)
        wanted = parse(call.query.get("fields") or MESSAGE_FIELDS)
        return self.views.message(chat, wanted, detailed=True)


def _profile(contact: Contact, fields: str) -> Answer:
    first, _, last = contact.name.rpartition(" ")
    whole = {
        "id": contact.address,
        "name": contact.name,
        "first_name": first or last,
        "last_name": last if first else "",
        "username": contact.username,
    }
    return {name: whole[name] for name in (*parse(fields), "id") if whole.get(name)}
