"""A list as a file for spreadsheets: written beside the pages that others wait for, and sent when it is whole."""

from __future__ import annotations

import csv
import io
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from starlette.responses import Response, StreamingResponse

#: Files that are written at the same time.
AT_ONCE = threading.BoundedSemaphore(2)
#: More stands on the disk until it was sent.
MEMORY_BYTES, PIECE_BYTES = 2_000_000, 64_000


class Busy(Exception):
    """Others take lists just now."""


def answer(name: str, columns: Sequence[str], fill: Callable[[Any], None]) -> Response:
    """The file, once `fill` has written its lines, and with that who took it.

    Raises:
        Busy: two others are written just now.
    """
    if not AT_ONCE.acquire(blocking=False):
        raise Busy
    try:
        file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  closed when it was sent
        with lines_into(file, columns) as lines:
            fill(lines)
    finally:
        AT_ONCE.release()
    return StreamingResponse(
        _pieces(file),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


@contextmanager
def lines_into(file: IO[bytes], columns: Sequence[str]) -> Iterator[Any]:
    """Something that writes lines into the file, below the names of the columns; it is at its beginning again after."""
    # The mark at the beginning tells a spreadsheet that it is UTF-8.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    lines = csv.writer(text)
    lines.writerow(columns)
    yield lines
    text.detach()
    file.seek(0)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece
