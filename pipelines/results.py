"""What a pull tells, and why it may not begin. Free of dlt: the worker reads it, and only its children pull."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.failures import ProviderFailed


class PullUnderWay(ProviderFailed):
    """Another pull of this connection runs."""


@dataclass(frozen=True)
class Progress:
    """How far a pull is: rows loaded by it, and of the whole history, where the provider tells its size."""

    rows: dict[str, int]
    listed: int | None = None
    total: int | None = None


@dataclass
class PullResult:
    """Rows per table that were not held before, seconds, and whether there is more to pull."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    more: bool = False
