"""The conversations of a page or an Instagram account, newest first, in steps (docs/providers/messenger.md).

    conversations, by updated_time ──> the messages of each ──> raw_<channel>.messages

Graph cannot filter by time: a frequent pull reads the list down to OVERLAP before the cursor and visits what
was updated since its last visit; a nightly one visits everything of the last days again, for edits and
reactions. A first pull shows the newest conversations first, and each with its newest messages first.

A walk for news stops in a conversation where it meets what is held. The others do not: one that is limited by a
date, or half done, leaves messages unread below some that are held.

A conversation that cannot be read is passed over, and the next ones go on; it is named in the connection's health
and visited again after a growing pause. Where Graph refuses the request for several in a row, the pull says so.

An edit whose text the webhook did not tell is asked for by the message's id, at most MOST_ASKED times.

The state of an account, kept by dlt:

    updated_at   the cursor: when the newest known conversation was updated
    visited      conversations that were updated within OVERLAP of it, as they were when they were visited
    way          how details are asked for (pipelines.conversation_messages)
    folders      the parts of the list that have been read at least once, or are being read
    passed_over  conversations that could not be read: {id: {reason, times, next}}
    untold       edits that were asked for: {id|edit: [how often, when]}
    walks        what is still to be read, in this order; each {kind, folder, since, after, passed, open}:
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
from pipelines.existing_rows import ExistingRows
from providers.failures import NotAccepted, ProviderFailed, TryLater
from providers.meta.client import Graph
from providers.meta.failures import NotAvailable, Stumbled, TooMuch

Page = dict[str, list[dict[str, Any]]]
Walk = dict[str, Any]

#: Update times may come a little late, and in no strict order.
OVERLAP = timedelta(days=1)
#: How far a nightly pull looks back for edits, reactions and details that came late.
LOOK_BACK: timedelta = timedelta(days=3)
#: How many conversations are asked for at once, where Graph finds more too much.
LIST_SIZES = (50, 10, 1)
#: The first rows of a new connection show soon; later steps are worth a longer load.
FIRST_STEP_SECONDS = 3.0
STEP_SECONDS = 15.0
#: More conversations a day than this are visited again now and then; nothing is missed.
MOST_VISITED = 5000
#: So many conversations in a row whose request Graph refuses, and it is not for them.
MOST_REFUSED = 3
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(days=1)
#: How often and how soon again Graph is asked for the text of an edit.
MOST_ASKED = 3
ASKED_AGAIN_AFTER = timedelta(minutes=10)
MOST_UNTOLD = 100
MOST_REMEMBERED = 1000

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
    graph: Graph, account: Account, since: datetime | None, existing_rows: ExistingRows
) -> Iterator[Page]:
    """One step of a pull; the state moves on only together with the rows."""
    yield from Step(graph, account, existing_rows, dlt.current.source_state()).run(since)


class Step:
    """One bounded step; it changes `state`, which the caller commits with the pages."""

    def __init__(
        self, graph: Graph, account: Account, existing_rows: ExistingRows, state: dict[str, Any]
    ) -> None:
        self.graph, self.account, self.state = graph, account, state
        self.messages = Messages(graph, account, existing_rows, state.get("way", 0))
        self.walks: list[Walk] = [dict(walk) for walk in state.get("walks") or ()]
        self.visited: dict[str, str] = dict(state.get("visited") or {})
        self.passed_over: dict[str, dict[str, Any]] = dict(state.get("passed_over") or {})
        self.folders: list[str | None] = list(state.get("folders") or [])
        self.newest: datetime | None = None
        self.listed = 0
        #: Whether the state learned of a conversation that cannot be read.
        self.is_wiser = False
        self._refused = 0
        seconds = STEP_SECONDS if state.get("updated_at") else FIRST_STEP_SECONDS
        self.deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """When the time is up or Meta asks for a pause, what was read is loaded first."""
        late = time.monotonic() > self.deadline or self.graph.pace.is_closed
        return late and (self.listed > 0 or self.is_wiser)

    def run(self, since: datetime | None) -> Iterator[Page]:
        """What is new since the cursor, then as much of the rest as fits in the time."""
        cursor = self.state.get("updated_at")
        if since:
            # Behind a first pull that goes on: it must find nothing held below what is not.
            first = [walk for walk in self.walks if walk["kind"] == "all"]
            place = len(self.walks) if first else 0
            self.walks[place:place] = [_walk("again", f, since) for f in self.account.folders]
            self.messages.way = 0
        if cursor:
            floor = datetime.fromisoformat(cursor) - OVERLAP
            # What was read before there were folders is what Graph lists by itself.
            known = self.folders or [None]
            self.walks[0:0] = [_walk("news", f, floor) for f in self.account.folders if f in known]
            self.walks += [_walk("all", f) for f in self.account.folders if f not in known]
        elif not since:
            self.walks += [_walk("all", f) for f in self.account.folders]
        self.folders = list(self.account.folders)
        try:
            yield from self._ask_for_untold()
            yield from self._visit_again()
            while self.walks and (yield from self._read(self.walks[0])):
                self.walks.pop(0)
                if self.is_over:
                    break
        except TryLater:
            if not (self.listed or self.is_wiser):
                raise
            # What was read stays; the next step says why it cannot go on.
        self._keep(cursor)

    # -- what a walk does not bring ---------------------------------------------------------------

    def _ask_for_untold(self) -> Iterator[Page]:
        """Messages that were edited and of which no webhook told the new text."""
        asked: dict[str, list[Any]] = dict(self.state.get("untold") or {})
        now = datetime.now(UTC)
        found = self.messages.existing_rows.rows(self.account.untold, limit=MOST_UNTOLD)
        for identity, edit, conversation in found:
            key = f"{identity}|{edit}"
            times, last = asked.get(key, (0, None))
            soon = last and datetime.fromisoformat(last) > now - times * ASKED_AGAIN_AFTER
            if times >= MOST_ASKED or soon:
                continue
            asked.pop(key, None)
            asked[key] = [times + 1, now.isoformat()]
            rows = self.messages.told_now(conversation or "", identity)
            if rows:
                yield {"messages": rows}
        self.state["untold"] = dict(list(asked.items())[-MOST_REMEMBERED:])

    def _visit_again(self) -> Iterator[Page]:
        """Conversations that could not be read before, and whose pause is over."""
        now = datetime.now(UTC)
        for identity, told in list(self.passed_over.items()):
            if datetime.fromisoformat(told["next"]) <= now:
                walk = _walk("all")
                # With the time up in the middle of it, it has a walk of its own.
                if not (yield from self._visit(walk, identity)):
                    self.walks.append({**walk, "kind": "one"})

    def _pass_over(self, conversation: str, failure: ProviderFailed) -> None:
        """
        Raises:
            ProviderFailed: the failure itself, where it is no matter of this conversation.
        """
        self._refused += isinstance(failure, NotAccepted)
        if self._refused >= MOST_REFUSED:
            raise failure
        times = self.passed_over.get(conversation, {}).get("times", 0) + 1
        pause = min(FIRST_PAUSE * 2 ** min(times - 1, 10), LONGEST_PAUSE)
        self.passed_over[conversation] = {
            "reason": str(failure),
            "times": times,
            "next": (datetime.now(UTC) + pause).isoformat(),
        }
        self.is_wiser = True

    def _keep(self, cursor: str | None) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        # Of an account without conversations the clock is the cursor.
        newest = min(self.newest or now, now).isoformat() if self.newest or not cursor else ""
        self.state["updated_at"] = max(newest, cursor or "")
        done = (self.state.get("backfill") or {}).get("done", 0) + self.listed
        self.state["backfill"] = {"done": done, "total": None} if self.walks else None
        self.state["walks"] = self.walks
        self.state["way"] = self.messages.way
        self.state["folders"] = self.folders
        self.state["passed_over"] = self.passed_over
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
            if not (yield from self._rest(walk, conversation, after, whole=True)):
                return False
        if walk["kind"] == "one":
            return True
        while True:
            try:
                found, following = self._page(walk)
            except NotAccepted:
                # A folder that this account does not have.
                if walk.get("folder") is None:
                    raise
                return True
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
            return self._list(walk, walk["after"])
        except NotAccepted:
            if walk["after"] is None:
                raise
            # A cursor does not live for ever. From the top again: what is done is passed over.
            walk["after"] = None
            return self._list(walk, None)

    def _list(self, walk: Walk, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        for size in LIST_SIZES:
            try:
                return self.graph.page(
                    self.account.conversations,
                    is_much=True,
                    platform=self.account.platform,
                    folder=walk.get("folder"),
                    fields="id,updated_time",
                    limit=size,
                    after=after,
                )
            except TooMuch:
                if size == LIST_SIZES[-1]:
                    raise
        raise AssertionError("the last size returns or raises")

    def _is_due(self, walk: Walk, identity: str, updated: str, at: datetime | None) -> bool:
        if at:
            self.newest = max(at, self.newest or at)
        if walk["passed"] and at:
            time_passed, ids = walk["passed"]
            passed = datetime.fromisoformat(time_passed)
            if at > passed or (at == passed and identity in ids):
                return False
        if identity in self.passed_over and walk["kind"] == "news":
            # Its own time comes (`_visit_again`).
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
            self.passed_over.pop(conversation, None)
            return True
        except (TooMuch, NotAccepted, Stumbled) as failure:
            self._pass_over(conversation, failure)
            return True
        self._refused = 0
        self.passed_over.pop(conversation, None)
        yield self._rows(listed)
        if after is None or (is_news and listed.ends_held) or _is_far_enough(walk, listed):
            return True
        return (yield from self._rest(walk, conversation, after, whole=not is_news))

    def _rest(
        self, walk: Walk, conversation: str, after: str | None, *, whole: bool
    ) -> Generator[Page, None, bool]:
        """As `_older`; a conversation whose rest cannot be read is passed over."""
        try:
            return (yield from self._older(walk, conversation, after, whole=whole))
        except (TooMuch, Stumbled) as failure:
            self._pass_over(conversation, failure)
            walk["open"] = None
            return True

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
            except NotAccepted:
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


def _walk(kind: str, folder: str | None = None, since: datetime | None = None) -> Walk:
    return {
        "kind": kind,
        "folder": folder,
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
