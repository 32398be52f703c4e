"""Attachments and recordings, one at a time: who may open it, the event that says so, then the bytes.

    viewer ──> the message as of now ──> may they? ──> event ──> the media store (or a part of a stored mail)

A browser is shown a file by itself only where our own look at its bytes says that it can be (media.sniff);
everything else is handed over for download under a type that nothing opens.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app import database
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import Reading, reading
from mail.reader import MailReader, TooCostly
from media.sniff import HEAD_BYTES, sniff
from media.store import MediaStore, MissingMedia
from warehouse.media_types import UNKNOWN, inline_types, media_types, plain_type
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
    """The file, once it is known that they may, and written down that they do. Where there is none, nobody opened it.

    Args:
        begins: False where a later piece is asked for, of what this session may have opened a moment ago.

    Raises:
        NotThere: nothing of this name can be opened by anybody.
        NotOpened: it is there, and taking it out of its mail costs too much.
        Forbidden: the role may not, or the law may not. That it was asked for is written down.
    """
    key = {"message_id": message_id, "attachment_id": attachment_id}
    if any(not text or len(text) > LONGEST_ID or "\0" in text for text in key.values()):
        raise NotThere
    detail = {**key, "is_download": is_download}
    # As marts.attachments calls it.
    object_id = f"{message_id}|{attachment_id}"
    # A part is taken out of its mail between two looks: that takes longer than a transaction should.
    taken: tuple[str, File] | None = None
    while True:
        row, file = _permitted(viewer, key, detail, object_id, taken, begins=begins)
        if file is not None:
            return file
        try:
            taken = str(row["listed"]["source"]), _file(row)
        except NotOpened as costly:
            told = {**detail, "because": str(costly)}
            with reading(
                viewer, Permission.READ, "attachment.refuse", "attachment", object_id,
                customer_ids=row["customer_ids"], detail=told,
            ):  # fmt: skip
                pass
            raise


def _permitted(
    viewer: Viewer,
    key: dict[str, str],
    detail: dict[str, Any],
    object_id: str,
    taken: tuple[str, File] | None,
    *,
    begins: bool,
) -> tuple[Row, File | None]:
    """What they may open, and the file with the event that says so; None, and no event, where it has to be taken out of
    its mail first: `taken` is from where, and what that was."""
    why, file = None, None
    with reading(
        viewer, Permission.READ, "attachment.open", "attachment", object_id,
        detail=detail, refusal="attachment.refuse", on_primary=True,
    ) as db:  # fmt: skip
        row = db.execute(SQL["attachment_to_open"], key).fetchone()
        if row is None or not _was_stored(row):
            raise NotThere
        action = "recording.play" if row["kind"] in ("call", "voicemail") else "attachment.open"
        db.tells(action=action, customer_ids=row["customer_ids"])
        why = _why_not(viewer, row)
        if why:
            db.tells(action="attachment.refuse", because=why)
        else:
            if not _is_part_of_mail(row):
                file = _file(row)
            elif taken and taken[0] == str(row["listed"]["source"]):
                file = taken[1]
            if file is None or (not begins and _was_opened(db, viewer, action, object_id)):
                db.tells_nothing()
    if why:
        raise Forbidden(why)
    return row, file


def _was_stored(row: Row) -> bool:
    return _is_part_of_mail(row) or row["state"] == "stored"


def _is_part_of_mail(row: Row) -> bool:
    return ((row["listed"] or {}).get("source") or {}).get("kind") == "mail_part"


def _why_not(viewer: Viewer, row: Row) -> str | None:
    was_taken_back = row["is_unsent"] or row["listed"] is None
    if was_taken_back and not viewer.may(Permission.READ_REVISIONS):
        return "The sender took this back. Your role may not open it."
    if row["kind"] == "call" and not row["has_recording_basis"]:
        return (
            "This call was recorded, and its connection does not say how callers learn that calls "
            "are recorded (recording_basis). It is kept and cannot be played."
        )
    return None


def _was_opened(db: Reading, viewer: Viewer, action: str, object_id: str) -> bool:
    """Whether it is a further piece of what this session opened a moment ago."""
    known = {
        "actor": viewer.user_name,
        "session_id": viewer.session_id,
        "action": action,
        "object_id": object_id,
        "seconds": ONE_LOOK_SECONDS,
    }
    found = db.execute(SQL["was_opened"], known).fetchone()
    return found is not None and bool(found["was_opened"])


def _file(row: Row) -> File:
    """The bytes of an attachment, and what they may be sent as.

    Raises:
        NotThere: they are not in the store.
        NotOpened: they are a part of a mail that cannot be read within its limits.
    """
    listed: dict[str, Any] = row["listed"] or {}
    store = MediaStore(database.settings().media_root)
    if _is_part_of_mail(row):
        return _part_of_mail(store, listed, listed["source"])
    if not store.has(row["sha256"]):
        raise NotThere
    sniffed = row["sniffed_type"]
    is_inline = row["is_inline"] and sniffed in inline_types()
    return File(
        content_type=sniffed if is_inline else UNKNOWN,
        size_bytes=row["size_bytes"],
        tag=row["sha256"],
        filename=_name(listed, sniffed),
        is_inline=is_inline,
        _store=store,
    )


@contextmanager
def mail_reader() -> Iterator[MailReader]:
    """A reader of mails that nobody else uses; its process starts with the first mail, and ends with this one."""
    reader = _readers.get()
    try:
        yield reader
    finally:
        _readers.put(reader)


def _part_of_mail(store: MediaStore, listed: dict[str, Any], source: dict[str, Any]) -> File:
    sha256, part_id = str(source.get("sha256")), str(source.get("part_id"))
    try:
        with mail_reader() as reader:
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


def _name(listed: dict[str, Any], sniffed_type: str | None) -> str:
    given = listed.get("filename")
    if isinstance(given, str) and given.strip():
        return given
    known = media_types().get(plain_type(sniffed_type or ""))
    return f"attachment{known.ending if known else ''}"
