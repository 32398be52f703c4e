"""The statements of a fold: what dbt compiled from its incremental models and their working tables.

They stand in the warehouse beside the fingerprint of the models (`canonical.built`), so a process that folds needs no
dbt, and the one that takes over folds with what serves, whichever version of the project it was started with.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

#: Schemas and name of what is built beside the serving tables, as they stand in compiled text.
BESIDE = (
    ('"canonical_next"', '"canonical"'),
    ('"staging_next"', '"staging"'),
    ('"marts_next"', '"marts"'),
    ("'next'", "'live'"),
)


PART = re.compile(r"^-- of channel (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One model of a fold."""

    name: str
    #: Selects that together are the model, each with the channel whose new rows it needs; an empty one is needed for
    #: all.
    parts: tuple[tuple[str, str], ...]
    #: Whether it fills a working table of the session, or brings a table of the warehouse forward.
    is_working: bool
    #: Of a table: the working table that names the keys to forget, and their column.
    forget: str
    forget_key: str
    #: The working tables that it reads.
    reads: tuple[str, ...]


@dataclass(frozen=True)
class RawTable:
    """A table that something lands in."""

    schema: str
    name: str
    #: Empty for the deliveries, which name theirs.
    channel: str
    is_accounted: bool

    @property
    def is_deliveries(self) -> bool:
        return self.schema == "raw"

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Statements:
    """In the order in which a fold runs them."""

    models: tuple[Statement, ...]
    raw_tables: tuple[RawTable, ...]

    def serving(self) -> Statements:
        """The same for the tables that serve, once those beside them have been moved there."""
        return Statements(
            models=tuple(
                replace(model, parts=tuple((channel, _moved(sql)) for channel, sql in model.parts))
                for model in self.models
            ),
            raw_tables=self.raw_tables,
        )

    def dumped(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loaded(cls, found: dict[str, Any]) -> Statements:
        return cls(
            models=tuple(
                Statement(
                    **{
                        **model,
                        "parts": tuple((channel, sql) for channel, sql in model["parts"]),
                        "reads": tuple(model["reads"]),
                    }
                )
                for model in found["models"]
            ),
            raw_tables=tuple(RawTable(**table) for table in found["raw_tables"]),
        )


def in_parts(sql: str) -> tuple[tuple[str, str], ...]:
    """A model's text, split where it says `-- of channel …`: one part a channel, united by `union all`."""
    pieces = PART.split(sql)
    if len(pieces) == 1:
        return (("", sql),)
    return tuple(
        (channel, text.strip().removesuffix("union all").strip())
        for channel, text in zip(pieces[1::2], pieces[2::2], strict=True)
    )


def portable(sql: str, database: str) -> str:
    """Compiled text without the name of the database, which a restored or renamed one does not share."""
    return sql.replace(f'"{database}".', "")


def _moved(sql: str) -> str:
    for beside, serving in BESIDE:
        sql = sql.replace(beside, serving)
    return sql
