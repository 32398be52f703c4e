"""The conversations of a page or an Instagram account, newest first, in steps (providers.md §8.4 and 9.4).

    conversations, by updated_time ──> the messages of each ──> raw_<channel>.messages

Graph cannot filter by time: a frequent pull reads the list down to OVERLAP before the cursor and visits what
was updated since its last visit; a nightly one visits everything of the last days again, for edits and
reactions. A first pull shows the newest conversations first, and each with its newest messages first.

A walk for news stops in a conversation where it meets what is held. The others do not: one that is limited by a
date, or half done, leaves messages unread below some that are held.

The state of an account, kept by dlt:

    updated_at   the cursor: when the newest known conversation was updated
    visited      conversations that were updated within OVERLAP of it, as they were when they were visited
    way          how details are asked for (pipelines.conversation_messages)
    walks        what is still to be read, in this order; each {kind, since, after, passed, open}:
                 `kind` news, again or all; `after` the cursor of the present page of the list; `passed` the
                 update time down to which it is done, and the ids of exactly this time; `open` a conversation
                 that is half read, and where to go on in it
    backfill     None, or how many messages the walks have listed: {done, total}
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt

from pipelines.conversation_messages import Account, Listed, Messages, moment
from pipelines.failures import TryLater
from pipelines.graph_api import Graph
from pipelines.graph_failures import NotAvailable, Refused
from pipelines.holdings import Holdings

Page = dict[str, list[dict[str, Any]]]
Walk = dict[str, Any]

#: Update times may come a little late, and in no strict order.
OVERLAP = timedelta(days=1)
#: How far a nightly pull looks back for edits, reactions and details that came late.
LOOK_BACK: timedelta = timedelta(days=3)
LIST_SIZE = 50
#: The first rows of a new connection show soon; later steps are worth a longer load.
FIRST_STEP_SECONDS = 3.0
STEP_SECONDS = 15.0
#: More conversations a day than this are visited again now and then; nothing is missed.
MOST_VISITED = 5000

MESSAGE_KEY = ("connection_id", "id", "version")
MESSAGE_COLUMNS: dict[str, Any] = {
    "connection_id": {"data_type": "text"},
    "account_id": {"data_type": "text", "nullable": False},
    "conversation_id": {"data_type": "text", "nullable": False},
    "id": {"data_type": "text"},
    "version": {"data_type": "text"},
    "payload": {"data_type": "json"},
    "unavailable": {"data_type": "bool", "nullable": False},
    "counterpart": {"data_type": "json"},
    "created_time": {"data_type": "text"},
    "created_at": {"data_type": "timestamp"},
    "pulled_at": {"data_type": "timestamp", "nullable": False},
}
MESSAGE_INDEXES = {
    "messages": [("connection_id", "conversation_id"), ("connection_id", "created_at")]
}


@dlt.resource(name="walk", selected=False)
def walk(
    graph: Graph, account: Account, since: datetime | None, holdings: Holdings
) -> Iterator[Page]:
    """One step of a pull; the state moves on only together with the rows."""
    yield from Step(graph, account, holdings, dlt.current.source_state()).run(since)


class Step:
    """One bounded step; it changes `state`, which the caller commits with the pages."""

    def __init__(
        self, graph: Graph, account: Account, holdings: Holdings, state: dict[str, Any]
    ) -> None:
        self.graph, self.account, self.state = graph, account, state
        self.messages = Messages(graph, account, holdings, state.get("way", 0))
        self.walks: list[Walk] = [dict(walk) for walk in state.get("walks") or ()]
        self.visited: dict[str, str] = dict(state.get("visited") or {})
        self.newest: datetime | None = None
        self.listed = 0
        seconds = STEP_SECONDS if state.get("updated_at") else FIRST_STEP_SECONDS
        self.deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """When the time is up or Meta asks for a pause, what was read is loaded first."""
        late = time.monotonic() > self.deadline or self.graph.pace.is_closed
        return late and self.listed > 0

    def run(self, since: datetime | None) -> Iterator[Page]:
        """What is new since the cursor, then as much of the rest as fits in the time."""
        cursor = self.state.get("updated_at")
        if since:
            # Behind a first pull that goes on: it must find nothing held below what is not.
            first = [walk for walk in self.walks if walk["kind"] == "all"]
            self.walks.insert(len(self.walks) if first else 0, _walk("again", since))
            self.messages.way = 0
        if cursor:
            self.walks.insert(0, _walk("news", datetime.fromisoformat(cursor) - OVERLAP))
        elif not since:
            self.walks.append(_walk("all"))
        try:
            while self.walks and (yield from self._read(self.walks[0])):
                self.walks.pop(0)
                if self.is_over:
                    break
        except TryLater:
            if not self.listed:
                raise
            # What was read stays; the next step says why it cannot go on.
        self._keep(cursor)

    def _keep(self, cursor: str | None) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        # Of an account without conversations the clock is the cursor.
        newest = min(self.newest or now, now).isoformat() if self.newest or not cursor else ""
        self.state["updated_at"] = max(newest, cursor or "")
        done = (self.state.get("backfill") or {}).get("done", 0) + self.listed
        self.state["backfill"] = {"done": done, "total": None} if self.walks else None
        self.state["walks"] = self.walks
        self.state["way"] = self.messages.way
        floor = datetime.fromisoformat(self.state["updated_at"]) - OVERLAP
        recent = {
            identity: updated
            for identity, updated in self.visited.items()
            if (moment(updated) or now) >= floor
        }
        self.state["visited"] = dict(list(recent.items())[-MOST_VISITED:])

    # -- one walk ---------------------------------------------------------------------------------

    def _read(self, walk: Walk) -> Generator[Page, None, bool]:
        """Go on with a walk; whether it came to its end."""
        since = datetime.fromisoformat(walk["since"]) if walk["since"] else None
        if walk["open"]:
            conversation, after = walk["open"]
            if not (yield from self._older(walk, conversation, after, whole=True)):
                return False
        while True:
            found, following = self._page(walk)
            for conversation in found:
                updated = str(conversation.get("updated_time") or "")
                at = moment(updated)
                if since and at and at < since:
                    return True
                if not self._is_due(walk, conversation["id"], updated, at):
                    continue
                whole = yield from self._visit(walk, conversation["id"])
                self._visited(walk, conversation["id"], updated, at)
                if not whole or self.is_over:
                    return False
            if following is None:
                return True
            walk["after"] = following

    def _page(self, walk: Walk) -> tuple[list[dict[str, Any]], str | None]:
        try:
            return self._list(walk["after"])
        except Refused:
            if walk["after"] is None:
                raise
            # A cursor does not live for ever. From the top again: what is done is passed over.
            walk["after"] = None
            return self._list(None)

    def _list(self, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        return self.graph.page(
            self.account.conversations,
            platform=self.account.platform,
            fields="id,updated_time",
            limit=LIST_SIZE,
            after=after,
        )

    def _is_due(self, walk: Walk, identity: str, updated: str, at: datetime | None) -> bool:
        if at:
            self.newest = max(at, self.newest or at)
        if walk["passed"] and at:
            time_passed, ids = walk["passed"]
            passed = datetime.fromisoformat(time_passed)
            if at > passed or (at == passed and identity in ids):
                return False
        return walk["kind"] != "news" or not updated or self.visited.get(identity) != updated

    def _visited(self, walk: Walk, identity: str, updated: str, at: datetime | None) -> None:
        if at is None:
            return
        self.visited.pop(identity, None)
        self.visited[identity] = updated
        time_passed, ids = walk["passed"] or (None, [])
        same = time_passed == at.isoformat()
        walk["passed"] = [at.isoformat(), [*ids, identity] if same else [identity]]

    # -- one conversation -------------------------------------------------------------------------

    def _visit(self, walk: Walk, conversation: str) -> Generator[Page, None, bool]:
        """The newest messages, then those before; False where the time is up before the end."""
        is_news = walk["kind"] == "news"
        try:
            listed, after = self.messages.newest(conversation, again=walk["kind"] == "again")
        except NotAvailable:
            return True
        yield self._rows(listed)
        if after is None or (is_news and listed.ends_held) or _is_far_enough(walk, listed):
            return True
        return (yield from self._older(walk, conversation, after, whole=not is_news))

    def _older(
        self, walk: Walk, conversation: str, after: str | None, *, whole: bool
    ) -> Generator[Page, None, bool]:
        """Pages of a conversation from `after` on; False where the time is up before the end.

        Args:
            whole: go on behind what is held.
        """
        while True:
            walk["open"] = [conversation, after]
            if self.is_over:
                return False
            try:
                listed, following = self.messages.older(conversation, after)
            except NotAvailable:
                break
            except Refused:
                if after is None:
                    raise
                # A cursor does not live for ever. From the top again, through what is held.
                after, whole = None, True
                continue
            yield self._rows(listed)
            if following is None or (listed.ends_held and not whole):
                break
            if _is_far_enough(walk, listed):
                break
            after = following
        walk["open"] = None
        return True

    def _rows(self, listed: Listed) -> Page:
        self.listed += listed.count
        return {"messages": listed.rows}


def _walk(kind: str, since: datetime | None = None) -> Walk:
    return {
        "kind": kind,
        "since": since.isoformat() if since else None,
        "after": None,
        "passed": None,
        "open": None,
    }


def _is_far_enough(walk: Walk, listed: Listed) -> bool:
    """Whether a walk that goes back to a date has reached it in this conversation."""
    if walk["kind"] != "again" or listed.oldest is None:
        return False
    return listed.oldest < datetime.fromisoformat(walk["since"])
