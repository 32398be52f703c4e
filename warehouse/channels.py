"""The registry of channels: `dbt_project/seeds/channels.csv`, read once.

dbt loads the same file as a seed, so Python, SQL and the pages share one list.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = ROOT / "dbt_project" / "seeds" / "channels.csv"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One row of the registry. `channel` is the slug that names modules, schemas and folders."""

    channel: str
    name: str
    provider: str
    pushes: bool
    pulls: bool
    #: False where a push only says that something changed, so that a pull must follow at once.
    push_carries_messages: bool
    #: So long after a push a pull follows, where the rest is to be had by then; None where a push tells all.
    pull_after_push_seconds: int | None
    #: `inbound`, `outbound`: which messages the provider promises to push, so that one that came by history
    #: alone was missed. Empty where pushes carry none.
    pushed_directions: tuple[str, ...]
    body_limit_bytes: int
    required_keys: tuple[str, ...]
    optional_keys: tuple[str, ...]
    #: Encrypted at rest, never printed.
    secret_keys: tuple[str, ...]
    #: Secrets that may hold several comma-separated values while they rotate.
    signing_keys: tuple[str, ...]
    #: Hosts from which media are fetched, `*.` for any name below; a connection's `media_hosts` adds to them.
    media_hosts: tuple[str, ...]
    icon: str
    #: The colour of its icon, in degrees of the circle of hues (oklch).
    hue: int
    #: What the provider's history can and cannot give, said on screen.
    history_note: str

    @property
    def history_schema(self) -> str:
        return f"raw_{self.channel}"

    @property
    def keys(self) -> tuple[str, ...]:
        return self.required_keys + self.optional_keys


@cache
def registry() -> dict[str, Channel]:
    """Every channel by its slug, in the order of the file."""
    with REGISTRY.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["channel"]: Channel(
            channel=row["channel"],
            name=row["name"],
            provider=row["provider"],
            pushes=row["pushes"] == "true",
            pulls=row["pulls"] == "true",
            push_carries_messages=row["push_carries_messages"] == "true",
            pull_after_push_seconds=int(row["pull_after_push_seconds"] or 0) or None,
            pushed_directions=tuple(row["pushed_directions"].split()),
            body_limit_bytes=int(row["body_limit_bytes"]),
            required_keys=tuple(row["required_keys"].split()),
            optional_keys=tuple(row["optional_keys"].split()),
            secret_keys=tuple(row["secret_keys"].split()),
            signing_keys=tuple(row["signing_keys"].split()),
            media_hosts=tuple(row["media_hosts"].split()),
            icon=row["icon"],
            hue=int(row["hue"]),
            history_note=row["history_note"],
        )
        for row in rows
    }
