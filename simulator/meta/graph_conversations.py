"""Graph calls about people, conversations and messages of Messenger and Instagram."""

from __future__ import annotations

from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.faults import Faults
from simulator.meta.graph_errors import gone, invalid_parameter, too_much
from simulator.meta.graph_fields import Wanted, parse
from simulator.meta.graph_pages import DEFAULT_LIMIT, page
from simulator.meta.graph_rest import Answer, Call
from simulator.meta.graph_tokens import GraphTokens
from simulator.meta.graph_views import GraphViews, newest, visible
from simulator.store.chat_scribe import thread_id
from simulator.store.chats import Chat, Contact
from simulator.store.scribe import digits
from simulator.store.state import State

#: What a list of conversations may be asked for; without a folder it is the inbox.
FOLDERS = ("inbox", "page_done", "other", "spam", "pending")
CONVERSATION_FIELDS = {MESSENGER: "id,updated_time,link", INSTAGRAM: "id,updated_time"}
MESSAGE_FIELDS = "id,created_time"
DELETED = "The message has been deleted."


class GraphConversations:
    """What each token may read: the page's token both channels, Instagram's its own."""

    def __init__(
        self, state: State, faults: Faults, views: GraphViews, tokens: GraphTokens
    ) -> None:
        self.state, self.faults, self.views, self.tokens = state, faults, views, tokens
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
                self._demand(call, channel)
                return self._conversation(call, thread)
        chat = self.state.chats.by_id.get(first)
        if chat is not None and chat.channel in self._readable(call):
            self._demand(call, chat.channel)
            return self._message(call, chat)
        return self._person(call, first) if not rest else None

    def _readable(self, call: Call) -> list[str]:
        return [MESSENGER, INSTAGRAM] if call.channel == MESSENGER else [INSTAGRAM]

    def _demand(self, call: Call, channel: str) -> None:
        """What belongs to the page is for the page's own token."""
        if channel == MESSENGER:
            self.tokens.demand_page(call.token)

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
                # Only a login has an id of its own for the account.
                "id": self.meta.instagram_scoped_id
                if call.channel == INSTAGRAM
                else self.meta.instagram_id,
            },
        }[channel]
        if channel == MESSENGER:
            whole["access_token"] = self.meta.page_token
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
        if call.steps[0] == self.meta.page_id:
            self.tokens.demand_page(call.token)
        folder = call.query.get("folder") or "inbox"
        if folder not in FOLDERS:
            raise invalid_parameter(f"Param folder must be one of {', '.join(FOLDERS)}")
        wanted = parse(call.query.get("fields") or CONVERSATION_FIELDS[channel])
        person = call.query.get("user_id")
        found = [
            chats
            for chats in self.state.chats.conversations(channel)
            if visible(chats)
            and person in (None, "", chats[-1].contact.address)
            and folder == folder_of(chats[-1])
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
            asked = int(nested.modifiers.get("limit") or DEFAULT_LIMIT)
            large = len(chats) >= self.faults.values["graph_large_conversation"]
            if large and nested.fields and asked > self.faults.values["graph_most_nested"]:
                raise too_much()
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


def folder_of(chat: Chat) -> str:
    """Where a conversation of a page lies; Instagram's have one list."""
    if chat.channel != MESSENGER:
        return "inbox"
    place = int(digits(6, "folder", chat.thread)) % 20
    return {0: "spam", 1: "other", 2: "page_done", 3: "page_done"}.get(place, "inbox")


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
