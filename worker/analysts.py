"""What analysts asked by SQL, from the server's own log into crm.events, within a minute.

    crm_analyst ──> server (log_statement = all, for that role alone) ──> logs/postgres.log ──> crm.events, sql.run

Only of an embedded server: of one that is not ours the log is not ours to read (specs/security.md). The supervisor cuts
that log by copying it; which file was read how far stands in crm.read_logs, a file known by its first line. Each
statement is brought once, also where the worker is killed in between, or several run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from warehouse.queries import queries
from warehouse.sanitise import sanitised_text
from warehouse.settings import Role, Settings

SQL = queries("events")
COLLECT_SECONDS = 20.0
#: So much of a log is read at once, and so much of a statement is kept.
PIECE_BYTES, LONGEST_STATEMENT = 1_000_000, 10_000
#: So much of its first line a log is known by.
NAMED_BY = 4096
#: The log, and those that it was before: the supervisor keeps three.
KEPT = 3
#: As warehouse/postgres.py has them written: time, process, who from where in which session, what.
LINE = re.compile(
    r"^(?P<logged_at>\d{4}-\d\d-\d\d \S+ \S+) \[\d+\] (?P<user>\S*)@(?P<ip>\S*) (?P<session_id>\S+) "
    r"LOG:  (?:statement|execute [^:]*): (?P<statement>.*)$",
    re.DOTALL,
)
#: The beginning of an entry; what does not begin so goes on with the one before.
BEGINS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+ \[\d+\] ", re.MULTILINE)

log = logging.getLogger("crm.worker")


@dataclass(frozen=True)
class _Place:
    file: str
    position: int


def collect(settings: Settings) -> int:
    """Bring what is new; returns how many statements that were. Nothing where the server is not ours."""
    newest = settings.data_dir / "logs" / "postgres.log"
    if not newest.exists():
        return 0
    brought = 0
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        while True:
            row = database.execute(SQL["read_log"], {"place": str(newest)}).fetchone()
            before = _Place(*row) if row else _Place("", 0)
            step = _read(newest, before)
            if step is None:
                return brought
            after, statements = step
            taken = database.execute(
                SQL["note_statements"],
                {
                    "place": str(newest),
                    "from_file": before.file,
                    "from_position": before.position,
                    "to_file": after.file,
                    "to_position": after.position,
                    "statements": json.dumps(statements),
                },
            ).fetchone()
            if taken != (True,):
                return brought
            brought += len(statements)


def _read(newest: Path, before: _Place) -> tuple[_Place, list[dict[str, Any]]] | None:
    """The next piece of the log behind a place in it, and where it ends; None where nothing is left."""
    files = [
        *(newest.with_name(f"{newest.name}.{number}") for number in range(KEPT, 0, -1)),
        newest,
    ]
    known = [(file, name) for file in files if (name := _name(file))]
    names = [name for _, name in known]
    # A file that is kept no more was not read to its end: the oldest that is goes on.
    begin = names.index(before.file) if before.file in names else 0
    for number, (file, name) in enumerate(known[begin:]):
        position = before.position if number == 0 and name == before.file else 0
        with file.open("rb") as opened:
            opened.seek(position)
            piece = opened.read(PIECE_BYTES)
        is_last = file == newest
        end = _whole(piece, is_last=is_last and len(piece) < PIECE_BYTES)
        if end:
            return _Place(name, position + end), _statements(piece[:end].decode(errors="replace"))
        if piece and len(piece) == PIECE_BYTES:
            # An entry that is longer than a piece: its beginning is kept.
            return _Place(name, position + len(piece)), _statements(piece.decode(errors="replace"))
    return None


def _name(file: Path) -> str | None:
    """What a log is known by: its first line, or the beginning of it, once that is whole."""
    try:
        with file.open("rb") as opened:
            line = opened.readline(NAMED_BY)
    except FileNotFoundError:
        return None
    is_whole = line.endswith(b"\n") or len(line) == NAMED_BY
    return hashlib.sha256(line).hexdigest() if is_whole else None


def _whole(piece: bytes, *, is_last: bool) -> int:
    """How much of a piece is whole entries. The last one of a log that is written to may go on."""
    end = piece.rfind(b"\n") + 1
    if is_last or not end:
        return end
    begins = [found.start() for found in BEGINS.finditer(piece[:end].decode("latin-1"))]
    return begins[-1] if len(begins) > 1 else end


def _statements(text: str) -> list[dict[str, Any]]:
    """Each statement of an analyst in a piece of the log, in its order."""
    starts = [found.start() for found in BEGINS.finditer(text)]
    entries = [text[start:end] for start, end in pairwise([*starts, len(text)])]
    found = []
    for entry in entries:
        # A statement of several lines goes on behind a tab.
        said = LINE.match(entry.rstrip("\n").replace("\n\t", "\n"))
        if said is not None and said["user"] == Role.ANALYST.value:
            statement = sanitised_text(said["statement"])[:LONGEST_STATEMENT]
            found.append({**said.groupdict(), "statement": statement})
    return found
