"""The steps by which a mailbox is read: history, backfill, and the comparison after a resync.

The state of a mailbox, kept by dlt:

    history_id   the cursor: everything up to it is loaded, or is part of the backfill
    behind       the history has more pages than one step had time for
    slow         ids of mails that take long to read: they are read when the others are in
    backfill     None, or what is still to be listed: {since, page_token, passed, done, total, resync,
                 compare}; `passed` are ids of the present page that are not to be fetched again
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mail.reader import MailReader
from pipelines.culprits import Culprits
from pipelines.existing_rows import ExistingRows
from pipelines.gmail_changes import changes_of, difference
from pipelines.gmail_rows import UNFETCHED, Rows
from providers.failures import NotAccepted
from providers.google.client import Mailbox
from providers.google.failures import NotFound

Page = dict[str, list[dict[str, Any]]]

#: The first rows of a new connection show soon; later steps are worth a longer load.
FIRST_STEP_SECONDS = 2.0
STEP_SECONDS = 10.0
STEP_MAILS = 2000
#: Labels that keep a mail out of the ordinary list.
UNLISTED = ("TRASH", "SPAM")


class Step:
    """One bounded step; it changes `state`, which the caller commits with the pages."""

    def __init__(
        self,
        mailbox: Mailbox,
        connection_id: str,
        existing_rows: ExistingRows,
        state: dict[str, Any],
        reader: MailReader,
    ) -> None:
        self.mailbox, self.existing_rows, self.state = mailbox, existing_rows, state
        self.rows = Rows(mailbox, connection_id, existing_rows, reader, Culprits(existing_rows))
        seconds = STEP_SECONDS if state.get("history_id") else FIRST_STEP_SECONDS
        self.deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.deadline or len(self.rows.fetched) >= STEP_MAILS

    def page(self, **rows: list[dict[str, Any]]) -> Page:
        return {"messages": [], "changes": [], "send_as": [], **rows}

    # -- where to begin ---------------------------------------------------------------------------

    def start(self, since: datetime | None) -> None:
        """The cursor first, then the list: what changes in between is told by the history."""
        profile = self.mailbox.profile()
        self.state["history_id"] = str(profile["historyId"])
        self.state["backfill"] = _backfill(since, total=profile.get("messagesTotal"))

    def list_again(self, since: datetime) -> None:
        """List from a date again, and whatever an unfinished backfill still had to do."""
        unfinished = self.state.get("backfill")
        if unfinished is None:
            self.state["backfill"] = _backfill(since)
        else:
            starts = [unfinished["since"], since.isoformat()]
            unfinished |= {
                "since": None if None in starts else min(starts),
                "page_token": None,
                "passed": [],
                "done": 0,
                "compare": False,
                "finished": False,
            }

    def resync(self) -> None:
        """The cursor is too old: list everything again, and compare."""
        self.start(None)
        self.state["behind"] = False
        self.state["backfill"]["resync"] = self.state.get("followed_at") or 0.0

    # -- the history ------------------------------------------------------------------------------

    def changes(self) -> Iterator[Page]:
        """Everything since the cursor, or as much as fits in the step."""
        start, token = str(self.state["history_id"]), None
        while True:
            try:
                answer = self.mailbox.history(start, token)
            except NotFound:
                self.resync()
                return
            records = answer.get("history") or []
            if records:
                yield from self._changed(records)
            token = answer.get("nextPageToken")
            self.state["behind"] = bool(token)
            if not token:
                self.state["history_id"] = str(answer.get("historyId") or start)
                self.state["followed_at"] = time.time()
                return
            if records and self.is_over:
                self.state["history_id"] = str(records[-1]["id"])
                return

    def _changed(self, records: list[dict[str, Any]]) -> Iterator[Page]:
        told = changes_of(records)
        last = {change["id"]: change for change in told}
        known = self.rows.held(list(last))
        fetch = [
            identity
            for identity, change in last.items()
            if change["change"] != "removed"
            and identity not in known
            and identity not in self.rows.fetched
            and not UNFETCHED & set(change["label_ids"] or ())
        ]
        for rows, labels, asked in self.rows.mails(fetch):
            _fill(last, labels)
            yield self.page(messages=rows, changes=self.rows.set_aside(asked))
            self._remember_slow()
        unknown = [
            identity
            for identity, change in last.items()
            if change["label_ids"] is None and change["change"] != "removed" and identity in known
        ]
        for batch in self.mailbox.batches(unknown, "minimal"):
            _fill(last, {identity: mail.get("labelIds") or [] for identity, mail in batch if mail})
        yield self.page(changes=self.rows.of_changes(told))

    # -- the backfill -----------------------------------------------------------------------------

    def backfill(self) -> Iterator[Page]:
        """Go on with the list where the last step ended."""
        todo = self.state.get("backfill")
        while todo and not todo["compare"]:
            try:
                yield from self._listed(todo)
            except NotAccepted:
                if todo["page_token"] is None:
                    raise
                # A page token does not live for ever. From the top again: what is held is passed over.
                todo |= {"page_token": None, "passed": [], "done": 0}
            if todo["finished"] and todo["resync"] is None:
                self.state["backfill"] = todo = None
            elif todo["finished"]:
                todo["compare"] = True
                return
            if self.is_over:
                return
        if todo and todo["compare"]:
            yield from self._compared()
            self.state["backfill"] = None

    def slow(self) -> Iterator[Page]:
        """The mails that were put off, when there is nothing else to do: at least one a step."""
        if self.state.get("backfill") or self.state.get("behind") or self.rows.fetched:
            return
        # Those of this very step wait for the next one: what is ready shows first.
        waiting = [
            identity for identity in self.state.get("slow") or [] if identity not in self.rows.slow
        ]
        for identity in waiting:
            for rows, _, asked in self.rows.mails([identity], patiently=True):
                yield self.page(messages=rows, changes=self.rows.set_aside(asked))
            self.state["slow"] = [each for each in self.state["slow"] if each != identity]
            if self.is_over:
                return

    def _remember_slow(self) -> None:
        if self.rows.slow:
            self.state["slow"] = sorted({*(self.state.get("slow") or []), *self.rows.slow})

    def _listed(self, todo: dict[str, Any]) -> Iterator[Page]:
        since = datetime.fromisoformat(todo["since"]) if todo["since"] else None
        ids, following = self.mailbox.page(todo["page_token"], since=since)
        known = self.rows.held(ids)
        passed = set(todo["passed"])
        fetch = [
            identity for identity in ids if identity not in {*known, *passed, *self.rows.fetched}
        ]
        for rows, _, asked in self.rows.mails(fetch):
            passed |= asked - {row["id"] for row in rows}
            yield self.page(messages=rows, changes=self.rows.set_aside(asked))
            self._remember_slow()
            if self.is_over:
                # The same page again in the next step: by then these are held, or passed.
                todo["passed"] = sorted(passed)
                return
        if todo["resync"] is not None:
            recent = (todo["resync"] - timedelta(days=1).total_seconds()) * 1000
            doubtful = {
                identity: labels
                for identity, (at, labels) in known.items()
                if at >= recent or {*UNFETCHED, *UNLISTED} & set(labels)
            }
            yield from self._relabelled(doubtful)
        todo |= {"page_token": following, "passed": [], "done": todo["done"] + len(ids)}
        todo["finished"] = following is None

    def _compared(self) -> Iterator[Page]:
        """After a resync: held mails that are not listed have moved, or are gone for good."""
        listed = set(self._all_ids(None))
        apart = {identity: label for label in UNLISTED for identity in self._all_ids(label)}
        held = [
            identity
            for (identity, _) in self.existing_rows.rows("all_held_mails")
            if identity not in listed
        ]
        for start in range(0, len(held), 500):
            known = self.rows.held(held[start : start + 500])
            yield from self._relabelled(
                {
                    identity: labels
                    for identity, (_, labels) in known.items()
                    if apart.get(identity) not in labels
                }
            )

    def _all_ids(self, label: str | None) -> Iterator[str]:
        token = None
        while True:
            ids, token = self.mailbox.page(token, label=label)
            yield from ids
            if token is None:
                return

    def _relabelled(self, known: dict[str, list[str]]) -> Iterator[Page]:
        """Changes of held mails that no history told: other labels, or gone."""
        for batch in self.mailbox.batches(list(known), "minimal"):
            told = [
                change
                for identity, mail in batch
                if (change := difference(identity, known[identity], mail, self.state["history_id"]))
            ]
            yield self.page(changes=self.rows.of_changes(told))


def _backfill(since: datetime | None, total: int | None = None) -> dict[str, Any]:
    return {
        "since": since.isoformat() if since else None,
        "page_token": None,
        "passed": [],
        "done": 0,
        "total": total,
        # The time (epoch seconds) until which the history was followed, where the cursor had expired.
        "resync": None,
        "compare": False,
        "finished": False,
    }


def _fill(last: dict[str, dict[str, Any]], labels: dict[str, list[str]]) -> None:
    """Give the last change of a mail the labels that Gmail left out of its record."""
    for identity, found in labels.items():
        if identity in last and last[identity]["label_ids"] is None:
            last[identity]["label_ids"] = found
