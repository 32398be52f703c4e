"""Mails and changes as rows, and which of them are held already."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mail.parse import PARSER_VERSION
from mail.reader import MailReader
from pipelines.culprits import Culprits
from pipelines.existing_rows import ExistingRows
from providers.google.client import Mailbox
from warehouse.sanitise import sanitised, version_of

#: Labels of what is no correspondence (yet): such a mail is fetched when the label goes.
UNFETCHED = {"DRAFT", "SCHEDULED", "SPAM", "CHAT"}


class Rows:
    """The rows of one mailbox in one step.

    `fetched` are the ids that became rows, `slow` those that take long to read: they wait until the others are in.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        connection_id: str,
        existing_rows: ExistingRows,
        reader: MailReader,
        culprits: Culprits,
    ) -> None:
        self.mailbox, self.connection_id, self.existing_rows = mailbox, connection_id, existing_rows
        self.reader, self.culprits = reader, culprits
        self.fetched: set[str] = set()
        self.slow: set[str] = set()

    def held(self, ids: list[str]) -> dict[str, tuple[int, list[str]]]:
        """Of these mails the held ones: epoch milliseconds, and the labels last told."""
        found = self.existing_rows.rows("held_mails", ids=ids) if ids else []
        return {
            identity: (int(at) if at.isdigit() else 0, labels) for identity, at, labels in found
        }

    def mails(
        self, ids: list[str], *, patiently: bool = False
    ) -> Iterator[tuple[list[dict[str, Any]], dict[str, list[str]], set[str]]]:
        """Batch by batch: rows of these mails, labels of those that exist, and which were asked for.

        Args:
            patiently: read each to the end, where otherwise a slow one only joins `slow`.
        """
        for wanted in self.culprits.parted(ids):
            yield from self._in_batches(wanted, patiently)
        set_aside = self.culprits.set_aside.intersection(ids)
        if set_aside:
            yield [], {}, set_aside

    def _in_batches(
        self, ids: list[str], patiently: bool
    ) -> Iterator[tuple[list[dict[str, Any]], dict[str, list[str]], set[str]]]:
        while ids:
            wanted, ids = ids[: self.mailbox.batch_size], ids[self.mailbox.batch_size :]
            with self.culprits.in_hand(wanted):
                batch = self.mailbox.batch(wanted, "raw")
                labels = {
                    identity: list(mail.get("labelIds") or []) for identity, mail in batch if mail
                }
                rows = []
                for identity, mail in batch:
                    if not mail or not mail.get("raw") or UNFETCHED & set(labels[identity]):
                        continue
                    row = self._row(mail, patiently)
                    if row is None:
                        self.slow.add(identity)
                    else:
                        rows.append(row)
            self.fetched.update(row["id"] for row in rows)
            yield rows, labels, set(wanted)

    def _row(self, mail: dict[str, Any], patiently: bool) -> dict[str, Any] | None:
        raw = base64.urlsafe_b64decode(mail["raw"] + "=" * (-len(mail["raw"]) % 4))
        columns = self.reader.columns(raw) if patiently else self.reader.quickly(raw)
        if columns is None:
            return None
        raw_sha256 = self.existing_rows.media.store(raw)
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
            **columns,
            **references(columns["envelope"]),
            "pulled_at": datetime.now(UTC),
        }

    def set_aside(self, ids: set[str]) -> list[dict[str, Any]]:
        """One change for each of these that no pull survived: what quarantine shows of it."""
        return self.of_changes(
            [
                {
                    "history_id": "0",
                    "id": identity,
                    "thread_id": None,
                    "change": "set aside",
                    "label_ids": None,
                    "changed_labels": [],
                }
                for identity in sorted(self.culprits.set_aside & ids)
            ]
        )

    def of_changes(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        always = {"connection_id": self.connection_id, "mailbox": self.mailbox.address}
        return [{**always, **sanitised(change), "pulled_at": datetime.now(UTC)} for change in told]


def references(envelope: dict[str, Any]) -> dict[str, str | None]:
    """The Message-IDs by which a report and the mail that it is about find each other; they stand in an index."""
    reported = (envelope.get("report") or {}) if (envelope.get("is_bounce")) else {}
    return {
        "rfc822_message_id": _bounded(envelope.get("message_id")),
        "reported_message_id": _bounded(reported.get("message_id")),
    }


def _bounded(text: str | None) -> str | None:
    content = (text or "").encode()
    if len(content) <= 512:
        return text or None
    return f"{(text or '')[:100]}~{hashlib.sha256(content).hexdigest()}"
