"""Mails and changes as rows, and which of them are held already."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipelines.gmail_api import Mailbox
from pipelines.holdings import Holdings
from pipelines.mail import PARSER_VERSION, parse
from pipelines.storable import storable, version_of

#: Labels of what is no correspondence (yet): such a mail is fetched when the label goes.
UNFETCHED = {"DRAFT", "SPAM", "CHAT"}


class Rows:
    """The rows of one mailbox in one step; `fetched` are the ids that became rows."""

    def __init__(self, mailbox: Mailbox, connection_id: str, holdings: Holdings) -> None:
        self.mailbox, self.connection_id, self.holdings = mailbox, connection_id, holdings
        self.fetched: set[str] = set()

    def held(self, ids: list[str]) -> dict[str, tuple[int, list[str]]]:
        """Of these mails the held ones: epoch milliseconds, and the labels last told."""
        found = self.holdings.rows("held_mails", ids=ids) if ids else []
        return {
            identity: (int(at) if at.isdigit() else 0, labels) for identity, at, labels in found
        }

    def mails(
        self, ids: list[str]
    ) -> Iterator[tuple[list[dict[str, Any]], dict[str, list[str]], set[str]]]:
        """Batch by batch: rows of these mails, labels of those that exist, and which were asked for."""
        for batch in self.mailbox.batches(ids, "raw"):
            labels = {
                identity: list(mail.get("labelIds") or []) for identity, mail in batch if mail
            }
            rows = [
                self._row(mail)
                for identity, mail in batch
                if mail and mail.get("raw") and not UNFETCHED & set(labels[identity])
            ]
            self.fetched.update(row["id"] for row in rows)
            yield rows, labels, {identity for identity, _ in batch}

    def _row(self, mail: dict[str, Any]) -> dict[str, Any]:
        raw = base64.urlsafe_b64decode(mail["raw"] + "=" * (-len(mail["raw"]) % 4))
        raw_sha256 = self.holdings.media.store(raw)
        labels = sorted(mail.get("labelIds") or [])
        return {
            "connection_id": self.connection_id,
            "mailbox": self.mailbox.address,
            "id": mail["id"],
            "thread_id": mail.get("threadId"),
            "history_id": mail.get("historyId"),
            "label_ids": labels,
            "internal_date": mail.get("internalDate"),
            "size_estimate": mail.get("sizeEstimate"),
            "version": version_of([raw_sha256, PARSER_VERSION, labels]),
            "raw_sha256": raw_sha256,
            "raw_size_bytes": len(raw),
            **parse(raw).columns(),
            "pulled_at": datetime.now(UTC),
        }

    def of_changes(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        always = {"connection_id": self.connection_id, "mailbox": self.mailbox.address}
        return [{**always, **storable(change), "pulled_at": datetime.now(UTC)} for change in told]
