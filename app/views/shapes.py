"""Values whose shape a provider chose: taken as what they should be, or as nothing.

A page must never fail because a provider, or somebody who writes to us, sent another type.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

LONGEST_NUMBER = re.compile(r"[0-9]{1,15}")


def mapping(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def metadata(row: dict[str, Any]) -> dict[str, Any]:
    """What one provider tells of a message and others do not: the keys of metadata_keys.csv, of any shape."""
    return mapping(row.get("provider_metadata"))


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of an array; what is none is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def count(value: object) -> int | None:
    """A whole number that is not negative, written as a number or as digits."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)
    return int(text) if LONGEST_NUMBER.fullmatch(text) else None


def words(value: object) -> str:
    """A text or a number as text; empty for anything else."""
    return (
        str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    )


def moment(value: object) -> datetime | None:
    """An aware time from ISO 8601; None where it is no such text, or has no zone."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else None


def texts(value: object) -> list[str]:
    """The texts of an array; what is none is left out."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
