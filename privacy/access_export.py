"""Everything that is held about one customer, for the customer (APP 12): a ZIP for people and for programs.

    READ ME.html      a page for people: what is in here, the messages in their order, why something is left out
    messages.json     one message a line
    messages.csv      the same for a spreadsheet, nothing in it that one would run
    about.json        identities, links, notes, who of us was shown something
    files/            attachments and recordings

Written row by row: memory does not grow with the correspondence. What is other people's is left out: their addresses
and names in the heads of messages are replaced. What somebody wrote about a third person stays as it was written, and
the page says that whoever hands this over reads it first.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from mail.reader import MailReader, TooCostly
from media.store import DamagedMedia, MediaStore, MissingMedia
from privacy.destruction import destroying, find
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Settings
from warehouse.spreadsheet import as_text

SQL = queries("access_export")
PIECE = 500
SOMEBODY = "[another person]"
#: What stands in a column of the CSV.
COLUMNS = (
    "sent_at", "channel", "direction", "kind", "from_address", "from_name", "to_addresses", "subject", "body",
    "status", "files",
)  # fmt: skip
POLICY = (
    '<meta http-equiv="Content-Security-Policy"'
    " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid #ccc;padding:.8rem 0}article p{white-space:pre-wrap;overflow-wrap:anywhere}
small{color:#555}dt{font-weight:600}"""

Told = Callable[[int, int], None]


@dataclass
class Exported:
    """What was written."""

    messages: int = 0
    files: int = 0
    #: Files that are not in it, and why.
    left_out: list[dict[str, str]] = field(default_factory=list)
    #: Messages in whose heads somebody else's address or name was replaced.
    redacted: int = 0


def export(
    settings: Settings,
    actor: Actor,
    customer_id: str,
    out: Path,
    told: Told = lambda done, of: None,
) -> Exported:
    """Write everything of a customer into a ZIP that is there whole or not at all.

    Raises:
        Refused: there is no such customer, or no place for the file.
    """
    if not out.parent.is_dir():
        raise Refused(f"--out {out}: there is no folder {out.parent}")
    unfinished = out.with_name(f".{out.name}.unfinished")
    done = Exported()
    with destroying(settings) as database:
        found = find(database, customer_id, with_shared=True)
        # Whoever takes it is in the log before a byte is written.
        event = actor.event(
            "privacy.export", "customer", customer_id,
            customer_ids=found.customer_ids, detail={"messages": found.messages},
        )  # fmt: skip
        record(database, event)
        database.commit()
        # One moment: what arrives meanwhile is not half in it.
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        whose = {"customers": found.customer_ids, "identities": found.identities}
        whose["threads"] = [row for (row,) in database.execute(SQL["threads"], whose).fetchall()]
        try:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
                unfinished.chmod(0o600)
                _Writer(settings, database, archive, whose, found.names, done, told).write()
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    return done


class _Writer:
    def __init__(
        self,
        settings: Settings,
        database: psycopg.Connection[Any],
        archive: zipfile.ZipFile,
        whose: dict[str, list[str]],
        names: list[str],
        done: Exported,
        told: Told,
    ) -> None:
        self.settings, self.database, self.archive = settings, database, archive
        self.whose, self.names, self.done, self.told = whose, names, done, told
        row = database.execute(SQL["count"], whose).fetchone()
        assert row is not None
        self.total = int(row[0])
        #: message -> where its files lie in the archive.
        self.files: dict[str, list[str]] = {}

    def write(self) -> None:
        self._write_files()
        self._write_json()
        self._write_csv()
        self._write_about()
        self._write_page()

    # -- parts --------------------------------------------------------------------------------------

    def _write_files(self) -> None:
        store = MediaStore(self.settings.media_root)
        with MailReader() as reader:
            for number, row in enumerate(self._rows("files"), 1):
                name = f"files/{number:06d}-{_plain(row['filename'] or row['attachment_id'])}"
                why = self._write_file(store, reader, row, name)
                if why is None:
                    self.done.files += 1
                    self.files.setdefault(row["message_id"], []).append(name)
                else:
                    left = {
                        "message_id": row["message_id"],
                        "file": row["filename"] or "",
                        "why": why,
                    }
                    self.done.left_out.append(left)

    def _write_file(
        self, store: MediaStore, reader: MailReader, row: DictRow, name: str
    ) -> str | None:
        """Returns why it is not in the archive, or None where it is."""
        try:
            if row["mail_sha256"] and row["part_id"]:
                content = reader.part(store.read(row["mail_sha256"]), row["part_id"])
                if content is None:
                    return "it is no longer found in its mail"
                self.archive.writestr(name, content)
                return None
            if not row["sha256"]:
                return row["reason"] or f"it is not stored ({row['state'] or 'not fetched yet'})"
            with self.archive.open(name, "w", force_zip64=True) as member:
                for piece in store.pieces(row["sha256"]):
                    member.write(piece)
        except TooCostly:
            return "its mail cannot be taken apart within its limits"
        except (MissingMedia, DamagedMedia, ValueError):
            return "its bytes are missing or damaged"
        return None

    def _write_json(self) -> None:
        with self.archive.open("messages.json", "w", force_zip64=True) as member:
            for message in self._messages():
                self.done.messages += 1
                self.done.redacted += bool(message.pop("is_redacted"))
                member.write(json.dumps(message, ensure_ascii=False, default=str).encode() + b"\n")
                if self.done.messages % PIECE == 0:
                    self.told(self.done.messages, self.total)
        self.told(self.done.messages, self.total)

    def _write_csv(self) -> None:
        with (
            self.archive.open("messages.csv", "w", force_zip64=True) as member,
            io.TextIOWrapper(member, "utf-8-sig", newline="") as text,
        ):
            lines = csv.writer(text)
            lines.writerow(COLUMNS)
            for message in self._messages():
                lines.writerow([as_text(_cell(message[column])) for column in COLUMNS])

    def _write_about(self) -> None:
        about = {
            "names": self.names,
            **{
                name: list(self._rows(name))
                for name in ("identities", "links", "notes", "shown_to", "statements")
            },
            "files_left_out": self.done.left_out,
        }
        self.archive.writestr(
            "about.json", json.dumps(about, ensure_ascii=False, default=str, indent=1)
        )

    def _write_page(self) -> None:
        with (
            self.archive.open("READ ME.html", "w", force_zip64=True) as member,
            io.TextIOWrapper(member, "utf-8") as page,
        ):
            title = escape(f"What we hold about {', '.join(self.names)}")
            page.write(
                f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{POLICY}'
                f"<style>{STYLE}</style><h1>{title}</h1><p>Made on {datetime.now(UTC):%d %B %Y} (times in UTC)."
                f" {self.done.messages} messages, {self.done.files} files.</p>"
            )
            if self.done.redacted:
                page.write(
                    f"<p>In {self.done.redacted} messages the addresses and names of other people were replaced by"
                    f" {escape(SOMEBODY)}: access would have an unreasonable impact on their privacy (APP 12.3(b)).</p>"
                )
            for left in self.done.left_out:
                page.write(
                    f"<p>Not included: {escape(left['file'] or 'a file')}: {escape(left['why'])}.</p>"
                )
            page.write("<h2>Under which addresses we know you</h2><ul>")
            for identity in self._rows("identities"):
                page.write(
                    f"<li>{escape(str(identity['value']))} ({escape(identity['scheme'])})</li>"
                )
            page.write("</ul><h2>Messages</h2>")
            for message in self._messages():
                page.write(_article(message))
            page.write("<h2>What we noted</h2>")
            for note in self._rows("notes"):
                written = f"{note['written_at']:%Y-%m-%d %H:%M}"
                page.write(
                    f"<article><small>{written}</small><p>{escape(note['body'])}</p></article>"
                )
            page.write(
                "<p>Who of us was shown something of you, and when, stands in about.json.</p></html>"
            )

    # -- rows ---------------------------------------------------------------------------------------

    def _rows(self, query: str) -> Iterator[DictRow]:
        with self.database.cursor(name=f"export_{query}", row_factory=dict_row) as cursor:
            cursor.itersize = PIECE
            yield from cursor.execute(SQL[query], self.whose)

    def _messages(self) -> Iterator[dict[str, Any]]:
        for row in self._rows("messages"):
            others = {each.casefold() for each in (*row.pop("others"), *row.pop("other_names"))}
            row.pop("listed")
            is_redacted = False
            for column in ("from_address", "from_name"):
                if str(row[column] or "").casefold() in others:
                    row[column], is_redacted = SOMEBODY, True
            addresses = row["to_addresses"] or []
            row["to_addresses"] = [
                SOMEBODY if each.casefold() in others else each for each in addresses
            ]
            is_redacted |= row["to_addresses"] != addresses
            yield {
                **row,
                "files": self.files.get(row["message_id"], []),
                "is_redacted": is_redacted,
            }


def _article(message: dict[str, Any]) -> str:
    subject = f"<strong>{escape(message['subject'])}</strong>" if message["subject"] else ""
    files = "".join(
        f'<li><a href="{escape(name)}">{escape(name)}</a></li>' for name in message["files"]
    )
    corrected = "".join(_corrected(each) for each in message["corrections"] or [])
    who = escape(f"{message['from_name'] or message['from_address'] or ''}")
    return (
        f"<article><small>{message['sent_at']:%Y-%m-%d %H:%M} · {escape(message['channel'])} ·"
        f" {escape(message['kind'])} · {who}</small> {subject}<p>{escape(message['body'] or '')}</p>{corrected}"
        f"{f'<ul>{files}</ul>' if files else ''}</article>"
    )


def _corrected(each: dict[str, Any]) -> str:
    """What we show in its place, and what they say against it."""
    shown = (
        f"<p>Corrected ({escape(each['field'])}): {escape(each['value'])}</p>"
        if each["value"]
        else ""
    )
    said = f"<p>Your statement: {escape(each['statement'])}</p>" if each["statement"] else ""
    return shown + said


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "")


def _plain(name: str) -> str:
    """A file's name that is a name on every system."""
    return re.sub(r"[^\w.\- ]+", "_", name)[-80:].strip(". ") or "file"
