"""What the providers know: the history from the seed, and all that happened since the anchor.

The state directory holds `anchor.json` (seed, size and the "now" of the history, fixed at the first
start), `journal.jsonl` (one line per thing that happened since) and the Pub/Sub signing key. A
second start with the same directory reads the journal again, so no message is lost and no id used
twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from bisect import bisect_right, insort
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulator.channels import MAIL, SMS, VOICE
from simulator.contract import Contract
from simulator.control import burst_plan
from simulator.meta.meta_registrations import MetaRegistrations
from simulator.store.call_book import CallBook
from simulator.store.calls import PhoneCall
from simulator.store.chat_book import ChatBook
from simulator.store.records import Mail, Sms, mail_from_json, sms_from_json, to_json
from simulator.world import accounts, history, people

log = logging.getLogger("simulator")
HISTORY_KEPT_DAYS = 7


class State:
    """Messages, numbers, labels, watch and subscription of the simulated accounts; calls, chats and
    what is registered at Meta have books of their own."""

    def __init__(
        self,
        directory: Path,
        *,
        seed: int,
        messages: int,
        base_url: str,
        anchor: datetime | None = None,
    ) -> None:
        self.directory, self.base_url = directory, base_url
        directory.mkdir(parents=True, exist_ok=True)
        self.seed, self.messages, self.anchor = self._anchored(seed, messages, anchor)
        self.people = people.cast(self.seed, self.messages)
        past = history.write(self.seed, self.messages, self.anchor, self.people)
        self.accounts = accounts.Accounts.of(self.seed)
        self.sms: list[Sms] = past.sms
        self.mails: list[Mail] = past.mails
        self.sms_by_sid = {m.sid: m for m in self.sms}
        self.mail_by_id = {m.id: m for m in self.mails}
        self.calls = CallBook(past.calls, self.record)
        self.chats = ChatBook(past.chats, self.record)
        #: What was asked of the providers, and what of it none of them describes.
        self.contract = Contract()
        self.meta = MetaRegistrations(self.accounts.meta, self.record)
        self.history_id = past.last_history_id
        week = int((self.anchor - timedelta(days=HISTORY_KEPT_DAYS)).timestamp() * 1000)
        recent = [m for m in self.mails if m.received_ms >= week]
        # (history id, kind, mail id, thread id, all labels, changed labels), in order of history id
        self.changes: list[tuple[int, str, str, str, list[str], list[str]]] = [
            (m.history_id, "messageAdded", m.id, m.thread_id, list(m.labels), []) for m in recent
        ]
        self.history_floor = recent[0].history_id if recent else self.history_id
        self.numbers = accounts.numbers(self.accounts, self.anchor)
        self.subscription: dict[str, str] = {"endpoint": "", "audience": ""}
        self.watch_until_ms = 0
        self.messaging_service: dict[str, str] = {"status_callback": ""}
        self.rehearsed: list[str] = []
        self.burst: list[burst_plan.Group] = []
        self.made_count = 0
        self._handlers = self.calls.handlers() | self.chats.handlers() | self.meta.handlers()
        self._journal_path = directory / "journal.jsonl"
        self._read_journal()
        self._journal = self._journal_path.open("a", encoding="utf-8")

    def _anchored(
        self, seed: int, messages: int, anchor: datetime | None
    ) -> tuple[int, int, datetime]:
        """Seed, size and anchor as they were at the first start: a provider's past does not
        change."""
        path = self.directory / "anchor.json"
        if path.exists():
            kept = json.loads(path.read_text())
            if (kept["seed"], kept["messages"]) != (seed, messages):
                log.warning(
                    "this state directory holds seed %s with %s messages; those are used",
                    kept["seed"],
                    kept["messages"],
                )
            return kept["seed"], kept["messages"], datetime.fromisoformat(kept["anchor"])
        now = (anchor or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        path.write_text(json.dumps({"seed": seed, "messages": messages, "anchor": now.isoformat()}))
        return seed, messages, now

    def _read_journal(self) -> None:
        if not self._journal_path.exists():
            return
        lines = self._journal_path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        if len(whole) != len(
            lines
        ):  # killed in the middle of a line: what was not written did not happen
            self._journal_path.write_bytes(b"".join(whole))
        for line in whole:
            self._apply(json.loads(line))

    def record(self, happening: dict[str, Any]) -> None:
        """Write down that something happened, and let it happen."""
        self._journal.write(json.dumps(happening, ensure_ascii=True) + "\n")
        self._journal.flush()
        self._apply(happening)

    def close(self) -> None:
        self._journal.close()

    def next_key(self) -> str:
        """A key never used before, for the ids of the next message."""
        self.made_count += 1
        return f"{self.seed}|live|{self.made_count}"

    def next_history_id(self) -> int:
        return self.history_id + 1 + self.history_id % 5

    def find_mail(self, identity: str) -> Mail | None:
        return self.mail_by_id.get(identity)

    # -- happenings --------------------------------------------------------------------------------

    def add_sms(self, sms: Sms) -> None:
        self.record({"what": "sms", "made": self.made_count, "record": to_json(sms)})

    def add_mail(self, mail: Mail) -> None:
        self.record({"what": "mail", "made": self.made_count, "record": to_json(mail)})

    def set_sms_status(self, sid: str, status: str, at: int, error_code: int | None = None) -> None:
        self.record(
            {"what": "sms_status", "sid": sid, "status": status, "at": at, "error_code": error_code}
        )

    def redact_sms(self, sid: str) -> None:
        self.record({"what": "sms_redact", "sid": sid, "at": int(time.time())})

    def delete_sms(self, sid: str) -> None:
        self.record({"what": "sms_delete", "sid": sid})

    def delete_media(self, sid: str, media_sid: str) -> None:
        self.record({"what": "media_delete", "sid": sid, "media_sid": media_sid})

    def delete_mail(self, identity: str) -> None:
        self.record({"what": "mail_delete", "id": identity, "history_id": self.next_history_id()})

    def change_labels(self, identity: str, add: list[str], remove: list[str]) -> None:
        """Labels of a mail, as staff would change them by reading, binning or marking."""
        mail = self.mail_by_id[identity]
        for kind, labels in (
            ("labelAdded", [x for x in add if x not in mail.labels]),
            ("labelRemoved", [x for x in remove if x in mail.labels]),
        ):
            if labels:
                self.record(
                    {
                        "what": "mail_labels",
                        "id": identity,
                        "kind": kind,
                        "labels": labels,
                        "history_id": self.next_history_id(),
                    }
                )

    def _apply(self, event: dict[str, Any]) -> None:
        handler = self._handlers.get(event["what"]) or getattr(self, f"_apply_{event['what']}")
        handler(event)
        self.made_count = max(self.made_count, event.get("made", 0))

    def _apply_sms(self, event: dict[str, Any]) -> None:
        self._hold_sms(sms_from_json(event["record"]))

    def _hold_sms(self, sms: Sms) -> None:
        insort(self.sms, sms, key=lambda m: m.order)
        self.sms_by_sid[sms.sid] = sms

    def _apply_mail(self, event: dict[str, Any]) -> None:
        self._hold_mail(mail_from_json(event["record"]))

    def _hold_mail(self, mail: Mail) -> None:
        insort(self.mails, mail, key=lambda m: m.order)
        self.mail_by_id[mail.id] = mail
        self._changed(mail.history_id, "messageAdded", mail, [])

    def _apply_sms_status(self, event: dict[str, Any]) -> None:
        sms = self.sms_by_sid.get(event["sid"])
        if sms is None:
            return  # deleted while its status was on the way
        sms.status, sms.updated, sms.error_code = event["status"], event["at"], event["error_code"]
        if sms.sent is None and event["status"] not in ("queued", "accepted", "scheduled"):
            sms.sent = event["at"]

    def _apply_sms_redact(self, event: dict[str, Any]) -> None:
        sms = self.sms_by_sid[event["sid"]]
        sms.body, sms.updated = "", event["at"]

    def _apply_sms_delete(self, event: dict[str, Any]) -> None:
        self.sms.remove(self.sms_by_sid.pop(event["sid"]))

    def _apply_media_delete(self, event: dict[str, Any]) -> None:
        for media in self.sms_by_sid[event["sid"]].media:
            media.deleted = media.deleted or media.sid == event["media_sid"]

    def _apply_mail_delete(self, event: dict[str, Any]) -> None:
        mail = self.mail_by_id.pop(event["id"])
        self.mails.remove(mail)
        self._changed(event["history_id"], "messageDeleted", mail, [])

    def _apply_mail_labels(self, event: dict[str, Any]) -> None:
        mail, labels = self.mail_by_id[event["id"]], event["labels"]
        mail.labels = [x for x in mail.labels if x not in labels] + (
            labels if event["kind"] == "labelAdded" else []
        )
        mail.history_id = event["history_id"]
        self._changed(event["history_id"], event["kind"], mail, labels)

    def _apply_number(self, event: dict[str, Any]) -> None:
        for number in self.numbers:
            if number["sid"] == event["sid"]:
                number.update(event["values"])

    def _apply_messaging_service(self, event: dict[str, Any]) -> None:
        self.messaging_service = event["values"]

    def _apply_burst(self, event: dict[str, Any]) -> None:
        """All messages of a burst; they are made again from its seed."""
        self.burst = burst_plan.records(event, self.people)
        for group in self.burst:
            record = group.record
            if isinstance(record, Sms):
                self._hold_sms(record)
            elif isinstance(record, Mail):
                self._hold_mail(record)
            elif isinstance(record, PhoneCall):
                self.calls.hold(record)
            else:
                self.chats.hold(record)

    def _apply_rehearsed(self, event: dict[str, Any]) -> None:
        self.rehearsed.append(event["channel"])

    def _apply_subscription(self, event: dict[str, Any]) -> None:
        self.subscription = {"endpoint": event["endpoint"], "audience": event["audience"]}

    def _apply_watch(self, event: dict[str, Any]) -> None:
        self.watch_until_ms = event["until_ms"]

    def _changed(self, history_id: int, kind: str, mail: Mail, labels: list[str]) -> None:
        self.history_id = max(self.history_id, history_id)
        self.changes.append((history_id, kind, mail.id, mail.thread_id, list(mail.labels), labels))

    def changes_after(
        self, history_id: int
    ) -> list[tuple[int, str, str, str, list[str], list[str]]]:
        return self.changes[bisect_right(self.changes, history_id, key=lambda c: c[0]) :]

    def counts(self) -> dict[str, int]:
        """Messages by channel; a phone call is one."""
        return {
            SMS: len(self.sms),
            MAIL: len(self.mails),
            VOICE: len(self.calls.calls),
            **self.chats.counts,
        }

    def fingerprint(self) -> str:
        """A hash of everything the providers would show; equal states are equal histories."""
        chats = sorted(self.chats.by_id.values(), key=lambda chat: (chat.channel, chat.id))
        digest = hashlib.sha256()
        for records in (self.sms, self.mails, self.calls.calls, chats):
            for record in records:
                digest.update(json.dumps(to_json(record), sort_keys=True).encode())
        return digest.hexdigest()
