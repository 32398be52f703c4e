"""Attachments and recordings, one at a time: who may open it, the event that says so, then the bytes.

    viewer ──> the message as of now ──> may they? ──> event ──> media store (or a part of a stored mail)

A browser is shown a file by itself only where our own look at its bytes says that it can be (pipelines.sniff);
everything else is handed over for download under a type that nothing opens.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app import database
from app.database import Row
from app.roles import Permission
from app.sessions import Viewer
from pipelines.mail_reader import MailReader, TooCostly
from pipelines.media import MediaStore, MissingMedia
from pipelines.sniff import HEAD_BYTES, INLINE_TYPES, UNKNOWN, sniff
from warehouse.events import record
from warehouse.queries import queries

SQL = queries("media")

#: Ids are made of a provider's own; no provider's are longer.
LONGEST_ID = 2_000
#: A player asks for piece after piece: within this time they are one look.
ONE_LOOK_SECONDS = 600
#: A mail is parsed whole for one part of it, under the limits of a pull; so many at once.
READERS = 2
_readers: queue.LifoQueue[MailReader] = queue.LifoQueue()
for _ in range(READERS):
    _readers.put(MailReader())


class NotThere(Exception):
    """There is no such attachment, or its bytes are not in the store."""


class NotOpened(Exception):
    """The mail that it is a part of cannot be read within its limits; the text says so."""


class NotAllowed(Exception):
    """This person may not open it; the text says why."""


@dataclass(frozen=True, kw_only=True)
class File:
    """What may be sent now: the event is written."""

    content_type: str
    size_bytes: int
    #: Changes when the bytes do.
    tag: str
    filename: str | None
    is_inline: bool
    _bytes: bytes | None = None
    _store: MediaStore | None = None

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `stop`.

        Raises:
            MissingMedia: they are gone; at once.
            DamagedMedia: they are others; while the pieces are taken.
        """
        if self._bytes is not None:
            return iter([self._bytes[start:stop]])
        assert self._store is not None
        if (start, stop) == (0, self.size_bytes):
            return self._store.pieces(self.tag)
        return self._store.pieces(self.tag, start, stop)


def open_attachment(
    viewer: Viewer, message_id: str, attachment_id: str, *, is_download: bool, begins: bool
) -> File:
    """The file, once it is written down who opens it.

    Args:
        begins: False where a later piece is asked for, of what this session may have opened a moment ago.

    Raises:
        NotThere: nothing of this name can be opened by anybody.
        NotOpened: it is there, and taking it out of its mail costs too much.
        NotAllowed: this person may not.
    """
    key = {"message_id": message_id, "attachment_id": attachment_id}
    if any(not text or len(text) > LONGEST_ID or "\0" in text for text in key.values()):
        raise NotThere
    with database.pool().connection() as connection:
        row = connection.execute(SQL["attachment_to_open"], key).fetchone()
    if row is None:
        raise NotThere
    look = _Look(viewer, row, message_id, attachment_id, is_download)
    file = _file(row)
    look.require()
    look.tell(begins=begins)
    return file


class _Look:
    """One person's look at one attachment."""

    def __init__(
        self, viewer: Viewer, row: Row, message_id: str, attachment_id: str, is_download: bool
    ) -> None:
        self.viewer, self.row = viewer, row
        # As marts.attachments calls it.
        self.object_id = f"{message_id}|{attachment_id}"
        self.detail: dict[str, object] = {
            "message_id": message_id,
            "attachment_id": attachment_id,
            "is_download": is_download,
        }
        self.action = "recording.play" if _is_recording(row) else "attachment.open"

    def require(self) -> None:
        """
        Raises:
            NotAllowed: the role may not, or the law may not. That it was asked for is written down.
        """
        why = self._why_not()
        if why is None:
            return
        with database.pool().connection() as connection:
            record(connection, self._event("attachment.refuse", {"because": why}))
        raise NotAllowed(why)

    def _why_not(self) -> str | None:
        if not self.viewer.may(Permission.READ):
            return "Your role may not open attachments."
        was_taken_back = self.row["is_unsent"] or self.row["listed"] is None
        if was_taken_back and not self.viewer.may(Permission.READ_REVISIONS):
            return "The sender took this back. Your role may not open it."
        if self.row["kind"] == "call" and not self.row["has_recording_basis"]:
            return (
                "This call was recorded, and its connection does not say how callers learn that calls "
                "are recorded (recording_basis). It is kept and cannot be played."
            )
        return None

    def tell(self, *, begins: bool) -> None:
        """Write down the look, before any byte leaves."""
        with database.pool().connection() as connection:
            if not begins:
                known = {
                    "actor": self.viewer.user_name,
                    "session_id": self.viewer.session_id,
                    "action": self.action,
                    "object_id": self.object_id,
                    "seconds": ONE_LOOK_SECONDS,
                }
                found = connection.execute(SQL["was_opened"], known).fetchone()
                if found is not None and found["was_opened"]:
                    return
            record(connection, self._event(self.action, {}))

    def _event(self, action: str, more: dict[str, object]) -> Any:
        return self.viewer.event(
            action,
            "attachment",
            self.object_id,
            customer_ids=self.row["customer_ids"],
            detail={**self.detail, **more},
        )


def _is_recording(row: Row) -> bool:
    return row["kind"] in ("call", "voicemail")


def _file(row: Row) -> File:
    """The bytes of an attachment, and what they may be sent as.

    Raises:
        NotThere: they are not in the store.
        NotOpened: they are a part of a mail that cannot be read within its limits.
    """
    listed: dict[str, Any] = row["listed"] or {}
    store = MediaStore(database.settings().media_root)
    source = listed.get("source") or {}
    if source.get("kind") == "mail_part":
        return _part_of_mail(store, listed, source)
    if row["state"] != "stored" or not store.has(row["sha256"]):
        raise NotThere
    sniffed = row["sniffed_type"]
    is_inline = row["is_inline"] and sniffed in INLINE_TYPES
    return File(
        content_type=sniffed if is_inline else UNKNOWN,
        size_bytes=row["size_bytes"],
        tag=row["sha256"],
        filename=_name(listed, sniffed),
        is_inline=is_inline,
        _store=store,
    )


@contextmanager
def _reader() -> Iterator[MailReader]:
    """A reader of mails that nobody else uses; its process starts with the first mail, and ends with this one."""
    reader = _readers.get()
    try:
        yield reader
    finally:
        _readers.put(reader)


def _part_of_mail(store: MediaStore, listed: dict[str, Any], source: dict[str, Any]) -> File:
    sha256, part_id = str(source.get("sha256")), str(source.get("part_id"))
    try:
        with _reader() as reader:
            content = reader.part(store.read(sha256), part_id)
    except (MissingMedia, ValueError):
        content = None
    except TooCostly:
        raise NotOpened(
            "This part cannot be taken out of its mail: that takes more than a mail's share of time or memory."
        ) from None
    if content is None:
        raise NotThere
    sniffed = sniff(content[:HEAD_BYTES], listed.get("content_type"))
    return File(
        content_type=sniffed.type if sniffed.is_inline else UNKNOWN,
        size_bytes=len(content),
        tag=f"{sha256}-{part_id}",
        filename=_name(listed, sniffed.type),
        is_inline=sniffed.is_inline,
        _bytes=content,
    )


#: For files that came without a name.
ENDINGS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic",
    "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/ogg": ".ogg", "audio/mp4": ".m4a", "audio/aac": ".aac",
    "audio/webm": ".weba", "audio/amr": ".amr", "video/mp4": ".mp4", "video/webm": ".webm", "video/3gpp": ".3gp",
    "video/quicktime": ".mov", "application/pdf": ".pdf", "application/zip": ".zip", "text/vcard": ".vcf",
    "text/calendar": ".ics", "text/plain": ".txt", "image/svg+xml": ".svg", "text/html": ".html",
}  # fmt: skip


def _name(listed: dict[str, Any], sniffed_type: str | None) -> str:
    given = listed.get("filename")
    if isinstance(given, str) and given.strip():
        return given
    return f"attachment{ENDINGS.get(sniffed_type or '', '')}"
