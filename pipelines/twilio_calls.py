"""Calls, recordings and transcripts as rows: which are new, and which are gone at Twilio."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.existing_rows import ExistingRows
from pipelines.twilio_lists import CHECKED_PER_PAGE, Page, gone, told_at
from providers.twilio.client import Account, Listing
from warehouse.sanitise import sanitised, version_of

OVERLAP = timedelta(minutes=30)
#: What goes on is looked at again for so long: a call lives for hours, its transcript comes minutes later.
GOES_ON = timedelta(days=1)
#: Twilio lists calls for 13 months.
CALLS_KEPT_AT_LEAST = timedelta(days=365)
VOICEMAIL = "RecordVerb"
ASKED_AT_ONCE = 6

CALLS = Listing("Calls", "calls", "StartTime>")
RECORDINGS = Listing("Recordings", "recordings", "DateCreated>", {"IncludeSoftDeleted": "true"})
TRANSCRIPTIONS = Listing("Transcriptions", "transcriptions")


class _Versions:
    """Rows of one table by sid and version."""

    listing: Listing
    cursor: str
    kept_at_least: timedelta | None = None
    #: The query that tells which versions of some sids are held.
    held: str

    def __init__(self, account: Account, connection_id: str, existing_rows: ExistingRows) -> None:
        self.account, self.connection_id, self.existing_rows = account, connection_id, existing_rows
        self.again = False
        #: Of this step, which are not in the warehouse yet: versions, and what is gone.
        self._seen: set[tuple[str, str]] = set()
        self.noticed: set[str] = set()

    def start(self, cursor: datetime) -> datetime:
        return cursor - OVERLAP

    def new(self, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the resources that are not held in this version, without what a table has of its own."""
        found = {}
        for resource in map(sanitised, listed):
            found[resource["sid"], version_of(resource)] = resource
        held = self._seen.union(self.existing_rows.rows(self.held, sids=[sid for sid, _ in found]))
        self._seen.update(found)
        now = datetime.now(UTC)
        return [
            {
                "connection_id": self.connection_id,
                "sid": sid,
                "version": version,
                "payload": resource,
                "pulled_at": now,
            }
            for (sid, version), resource in found.items()
            if (sid, version) not in held
        ]

    def removals(self, sids: list[str], kind: str) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        return [
            {"connection_id": self.connection_id, "sid": sid, "kind": kind, "noticed_at": now}
            for sid in sids
        ]


class Calls(_Versions):
    """The call list as rows."""

    listing = CALLS
    cursor = "started_at"
    kept_at_least: timedelta | None = CALLS_KEPT_AT_LEAST
    held = "held_calls"

    def at(self, item: dict[str, Any]) -> datetime | None:
        return told_at(item, "start_time")

    def start(self, cursor: datetime) -> datetime:
        """Calls that went on when they were last seen are looked at until they end."""
        ((oldest,),) = self.existing_rows.rows("oldest_call_under_way", after=cursor - GOES_ON)
        return min(cursor - OVERLAP, oldest or cursor)

    def rows(self, listed: list[dict[str, Any]], after: datetime, before: datetime) -> Page:
        known = self.existing_rows.rows(
            "held_calls_between", after=after, before=before, limit=len(listed) + CHECKED_PER_PAGE
        )
        return _page(
            calls=[{**row, "started_at": self.at(row["payload"])} for row in self.new(listed)],
            removals=self.removals(
                gone(self.account, CALLS.path, known, listed, self.noticed), "call"
            ),
        )


class Transcriptions(_Versions):
    """The transcript list as rows: of recordings of any kind. It cannot be narrowed by time."""

    listing = TRANSCRIPTIONS
    cursor = "created_at"
    held = "held_transcriptions"

    def __init__(self, account: Account, connection_id: str, existing_rows: ExistingRows) -> None:
        super().__init__(account, connection_id, existing_rows)
        #: The calls of the recordings that this step has seen.
        self.calls: dict[str, str | None] = {}

    def at(self, item: dict[str, Any]) -> datetime | None:
        return told_at(item, "date_created")

    def rows(self, listed: list[dict[str, Any]], after: datetime, before: datetime) -> Page:
        return _page(transcriptions=self.of(listed))

    def of(self, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of transcripts, each with the call of its recording."""
        new = self.new(listed)
        unknown = {row["payload"].get("recording_sid") for row in new} - {*self.calls, None}
        self.calls |= dict(self.existing_rows.rows("calls_of_recordings", sids=sorted(unknown)))
        for sid in sorted(unknown - set(self.calls)):
            self.calls[sid] = (self.account.one(f"Recordings/{sid}") or {}).get("call_sid")
        recording_sids = [row["payload"].get("recording_sid") for row in new]
        return [
            {**row, "recording_sid": sid, "call_sid": self.calls.get(sid)}
            for row, sid in zip(new, recording_sids, strict=True)
        ]


class Recordings(_Versions):
    """The recording list as rows, with the transcripts of voicemails, which are asked for one by one."""

    listing = RECORDINGS
    cursor = "created_at"
    held = "held_recordings"

    def __init__(
        self,
        account: Account,
        connection_id: str,
        existing_rows: ExistingRows,
        transcriptions: Transcriptions,
    ) -> None:
        super().__init__(account, connection_id, existing_rows)
        self.transcriptions = transcriptions

    def at(self, item: dict[str, Any]) -> datetime | None:
        return told_at(item, "date_created")

    def start(self, cursor: datetime) -> datetime:
        """Recordings that were not ready when they were last seen are looked at until they are."""
        ((oldest,),) = self.existing_rows.rows("oldest_recording_under_way", after=cursor - GOES_ON)
        return min(cursor - OVERLAP, oldest or cursor)

    def rows(self, listed: list[dict[str, Any]], after: datetime, before: datetime) -> Page:
        new = self.new(listed)
        self.transcriptions.calls |= {item["sid"]: item.get("call_sid") for item in listed}
        known = self.existing_rows.rows(
            "held_recordings_between",
            after=after,
            before=before,
            limit=len(listed) + CHECKED_PER_PAGE,
        )
        missing = gone(self.account, RECORDINGS.path, known, listed, self.noticed)
        return _page(
            recordings=[
                {
                    **row,
                    "call_sid": row["payload"].get("call_sid"),
                    "created_at": self.at(row["payload"]),
                }
                for row in new
            ],
            transcriptions=self._transcripts(listed, {row["sid"] for row in new}),
            removals=self.removals(missing + self._deleted(listed), "recording"),
        )

    def _deleted(self, listed: list[dict[str, Any]]) -> list[str]:
        """Recordings that are still listed, as deleted, and were not noticed before."""
        sids = [item["sid"] for item in listed if item.get("status") == "deleted"]
        known = {sid for (sid,) in self.existing_rows.rows("held_call_removals", sids=sids)}
        found = sorted(set(sids) - known - self.noticed)
        self.noticed.update(found)
        return found

    def _transcripts(self, listed: list[dict[str, Any]], new: set[str]) -> list[dict[str, Any]]:
        """Transcripts of voicemails: of new ones, and of recent ones that have none yet."""
        voicemails = [
            item["sid"]
            for item in listed
            if item.get("source") == VOICEMAIL
            and item.get("status") != "deleted"
            and (self.again or item["sid"] in new or self._is_recent(item))
        ]
        finished = {
            sid for (sid,) in self.existing_rows.rows("transcribed_recordings", sids=voicemails)
        }
        asked = [sid for sid in voicemails if self.again or sid not in finished]
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            found = list(pool.map(self._transcripts_of, asked))
        return self.transcriptions.of([transcript for each in found for transcript in each])

    def _is_recent(self, recording: dict[str, Any]) -> bool:
        created = self.at(recording)
        return created is not None and created > datetime.now(UTC) - GOES_ON

    def _transcripts_of(self, sid: str) -> list[dict[str, Any]]:
        return self.account.every(
            Listing(f"{RECORDINGS.path}/{sid}/{TRANSCRIPTIONS.path}", TRANSCRIPTIONS.items)
        )


def _page(**rows: list[dict[str, Any]]) -> Page:
    return {"calls": [], "recordings": [], "transcriptions": [], "removals": [], **rows}
