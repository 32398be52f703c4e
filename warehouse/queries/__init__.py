"""Named queries: each `<name>.sql` here holds queries headed `-- query_name --` and a sentence.

SQL stays SQL: a file can be pasted into psql, and nothing is assembled from strings. What many queries share is
written once: a line `--> filters.passes` stands for the query `passes` of `filters.sql`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

FOLDER = Path(__file__).parent
HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)
SHARED = re.compile(r"^ *--> (\w+)\.(\w+)$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, LiteralString]:
    """The queries of `<file>.sql` by name.

    Raises:
        KeyError (on look-up): there is no query of that name.
    """
    return {name: _whole(text) for name, text in _written(file).items()}


@cache
def _written(file: str) -> dict[str, LiteralString]:
    return parse((FOLDER / f"{file}.sql").read_text())


def _whole(text: str) -> LiteralString:
    """A query with what it shares in its place."""
    return SHARED.sub(lambda place: _whole(_written(place[1])[place[2]]), text)


def parse(text: str) -> dict[str, LiteralString]:
    """Split a file of named queries. Text before the first heading is a comment on the file."""
    pieces = HEADING.split(text)[1:]
    named = dict(zip(pieces[::2], (body.strip() for body in pieces[1::2]), strict=True))
    return cast("dict[str, LiteralString]", named)
