"""What we know about types of files: `media_types.csv`, read once.

`media_type`: as our own look at the bytes names it (`media/sniff.py`). `ending`: for a file that came without a
name; none for what nobody should start by opening it. `shows_inline`: a page may show or play it by itself; no SVG (it
is a program), no PDF (its reader is one). `also_written`: names that senders give the same type. `holds`: a pattern of
types that are written in it as in a container, so that a sender who names them is right.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIST = Path(__file__).parent / "media_types.csv"
#: Bytes that say nothing about themselves.
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class MediaType:
    """One row of the list."""

    media_type: str
    ending: str
    shows_inline: bool
    also_written: tuple[str, ...]
    holds: str


@cache
def media_types() -> dict[str, MediaType]:
    """Every type by its name."""
    with LIST.open(newline="") as file:
        return {
            row["media_type"]: MediaType(
                media_type=row["media_type"],
                ending=row["ending"],
                shows_inline=row["shows_inline"] == "true",
                also_written=tuple(row["also_written"].split()),
                holds=row["holds"],
            )
            for row in csv.DictReader(file)
        }


@cache
def inline_types() -> frozenset[str]:
    """What a page may show or play by itself."""
    return frozenset(each.media_type for each in media_types().values() if each.shows_inline)


@cache
def pictures() -> frozenset[str]:
    """What a browser draws itself."""
    return frozenset(each for each in inline_types() if each.startswith("image/"))


def plain_type(written: str) -> str:
    """`Audio/X-WAV; rate=8000` -> `audio/wav`: the bare type under the one name that it has here."""
    bare = written.partition(";")[0].strip().lower()
    return _names().get(bare, bare)


@cache
def _names() -> dict[str, str]:
    return {
        other: each.media_type for each in media_types().values() for other in each.also_written
    }
