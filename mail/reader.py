"""Mails read in a process of its own, in which time and memory of each are limited whatever it contains.

    parent ── lengths, mode, part, bytes ──> child: 5 s of processor time, 512 MB ── length, JSON or bytes ──> parent

A mail that kills the child is tried again with less: its text without repair of markup and folding, then only the
beginning of it, then nothing but its hash. Each time the note says so, and the next mail gets a new child.

    python -m mail.reader        the child: reads from stdin, writes to stdout
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, BinaryIO

from mail.headers import envelope
from mail.mime import Entity
from mail.parse import ParsedMail, parse, part_bytes

#: Of one mail.
CPU_SECONDS = 5.0
#: Within which nearly every mail is read; slower ones wait until the others are in.
QUICK_SECONDS = 1.0
MEMORY_BYTES = 512_000_000
#: A child may wait for a processor that others hold.
WALL_SECONDS = 60.0
#: A child gives its memory back after so many mails.
MAILS_A_CHILD = 2000
#: Of a mail that cannot be read whole, in the third mode.
BEGINNING_BYTES = 200_000
WHOLE, PLAINLY, BEGINNING, PART, DESIGNED = range(5)
MODES = {
    PLAINLY: "reading it whole took more than its share of time or memory: its text stands without form",
    BEGINNING: "reading it took more than its share of time or memory: only its beginning was read",
}
#: Length of the mail, mode, processor time, length of the part's id.
HEAD = struct.Struct("!QBdH")
ANSWER = struct.Struct("!Q")
#: What stands before the bytes of a part, or instead of them.
FOUND, NOT_FOUND = b"+", b"-"


class TooCostly(Exception):
    """A mail takes more than its share of time or memory."""


class MailReader:
    """Reads one mail after the other; the child is started when the first one comes."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self.cpu_seconds, self.memory_bytes = cpu_seconds, memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._read = 0

    def __enter__(self) -> MailReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def quickly(self, raw: bytes) -> dict[str, Any] | None:
        """The parsed columns of a mail that takes little time, as nearly every one does; None for another one."""
        return self._columns(raw, WHOLE, QUICK_SECONDS)

    def columns(self, raw: bytes) -> dict[str, Any]:
        """The parsed columns of a mail (mail/parse.py). Never raises over what the mail contains."""
        for mode in (WHOLE, PLAINLY, BEGINNING):
            read = raw[:BEGINNING_BYTES] if mode == BEGINNING else raw
            columns = self._columns(read, mode, self.cpu_seconds)
            if columns is not None:
                if mode in MODES:
                    columns["parse_notes"] = [MODES[mode], *columns["parse_notes"]]
                return columns
        mail = ParsedMail(
            envelope(Entity(b"", [], 0, 0, 0), []),
            parse_notes=[
                "it could not be read: it took more than its share of time or memory each time"
            ],
        )
        return mail.columns()

    def part(self, raw: bytes, part_id: str) -> bytes | None:
        """The decoded bytes of one part (mail/parse.py); None where there is none.

        Raises:
            TooCostly: finding it takes more than a mail's share of time or memory.
        """
        answer = self._ask(raw, PART, self.cpu_seconds, part_id)
        if answer is None:
            raise TooCostly
        return answer[1:] if answer[:1] == FOUND else None

    def designed(self, raw: bytes) -> str | None:
        """The HTML of a mail, made inert (mail/designed.py); None where it has none.

        Raises:
            TooCostly: as for `part`.
        """
        answer = self._ask(raw, DESIGNED, self.cpu_seconds)
        if answer is None:
            raise TooCostly
        return answer[1:].decode() if answer[:1] == FOUND else None

    def _columns(self, raw: bytes, mode: int, cpu_seconds: float) -> dict[str, Any] | None:
        answer = self._ask(raw, mode, cpu_seconds)
        columns: dict[str, Any] | None = None if answer is None else json.loads(answer)
        return columns

    def _ask(self, raw: bytes, mode: int, cpu_seconds: float, part_id: str = "") -> bytes | None:
        """What the child says; None where it died over this mail."""
        if self._child is None or self._read >= MAILS_A_CHILD:
            self.close()
            self._child, self._read = self._start(), 0
        self._read += 1
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        deadline = time.monotonic() + WALL_SECONDS
        try:
            part = part_id.encode()
            child.stdin.write(HEAD.pack(len(raw), mode, cpu_seconds, len(part)) + part)
            child.stdin.write(raw)
            child.stdin.flush()
            (size,) = ANSWER.unpack(_exactly(child.stdout.fileno(), ANSWER.size, deadline))
            answer = _exactly(child.stdout.fileno(), size, deadline)
        except (EOFError, OSError):
            self.close()
            return None
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "mail.reader", str(self.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a dying interpreter says may hold words of a mail.
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


def _exactly(descriptor: int, size: int, deadline: float) -> bytes:
    """So many bytes.

    Raises:
        EOFError: the other side ended, or took too long.
    """
    found = bytearray()
    while len(found) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise EOFError
        piece = os.read(descriptor, min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def serve(source: BinaryIO, answers: BinaryIO) -> None:
    """The child's loop. The timer counts processor time and ends the process, whatever code is running."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while head := source.read(HEAD.size):
        size, mode, cpu_seconds, part_size = HEAD.unpack(head)
        part_id = source.read(part_size).decode()
        raw = source.read(size)
        if len(raw) < size:
            return
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        if mode == PART:
            pieces = _found(part_bytes(raw, part_id))
        elif mode == DESIGNED:
            pieces = _found(_designed(raw))
        else:
            pieces = [_parsed(raw, plainly=mode != WHOLE)]
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(ANSWER.pack(sum(map(len, pieces))))
        for piece in pieces:
            answers.write(piece)
        answers.flush()
        del raw, pieces


def _parsed(raw: bytes, *, plainly: bool) -> bytes:
    mail = parse(raw, plainly=plainly)
    if any("MemoryError" in note for note in mail.parse_notes):
        # Half of it was read: less of it can be read whole.
        os._exit(1)
    return json.dumps(mail.columns(), ensure_ascii=False).encode("utf-8")


def _designed(raw: bytes) -> bytes | None:
    # Only this needs it.
    from mail.designed import designed

    markup = designed(raw)
    return None if markup is None else markup.encode("utf-8", "replace")


def _found(content: bytes | None) -> list[bytes]:
    return [NOT_FOUND] if content is None else [FOUND, content]


def main(arguments: list[str]) -> int:
    memory_bytes = int(arguments[0])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # Dying is part of the work; it leaves no file behind.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
