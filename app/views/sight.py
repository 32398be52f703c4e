"""Who looks at messages and from where: what drawing one needs beside the message itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The same messages drawn for the same sight are the same HTML."""

    zone: ZoneInfo
    now: datetime
    #: Whether what was unsent, and what an edit replaced, may be asked for.
    may_read_revisions: bool = False
    #: Connections whose recorded calls may be played, because callers are told.
    playable_connections: frozenset[str] = frozenset()
    #: What identities are called whose customer is known.
    names: Mapping[str, str] = field(default_factory=dict)
    #: Messages on the same screen by id: a reply quotes and links to what is there.
    on_screen: Mapping[str, dict[str, Any]] = field(default_factory=dict)
