"""What may be said of a connection. Nothing is called good that nothing proves.

Good means one thing: a comparison with the provider's own history (pipelines/reconcile.py), made a short while
ago, found that webhooks had brought all of it, and that nothing is known to be lost. A channel without a
history is never good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.views import clock, shapes

Row = dict[str, Any]

#: A comparison runs every six hours; one that is older than two of them proves nothing about now.
PROVEN_FOR = timedelta(hours=13)
#: A pull runs every few minutes; one that is older means that nobody pulls.
PULLED_WITHIN = timedelta(hours=1)
#: A token or a watch that ends within this is said in time to be renewed.
ENDS_SOON = timedelta(days=7)
WATCH_ENDS_SOON = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class State:
    """What is true of a connection: `kind` is good, warn, bad or quiet."""

    kind: str
    icon: str
    words: str


def state(row: Row, now: datetime) -> State:
    """The one sentence at the top of the card: the worst that is known, or what is proven."""
    if row["is_disabled"]:
        return State(
            kind="quiet", icon="pause_circle",
            words="Disabled: nothing is pulled. What arrives is still received and kept",
        )  # fmt: skip
    for error, doing in (
        ("token_error", "Our access is refused"),
        ("pull_error", "The last pull failed"),
    ):
        if row[error]:
            return State(kind="bad", icon="error", words=f"{doing}. What arrives is still received")
    if row["watch_error"]:
        return State(
            kind="bad", icon="error", words="The watch could not be renewed: pushes will stop"
        )
    if _has_ended(row["token_expires_at"], now):
        return State(
            kind="bad", icon="error", words="The token has expired. What arrives is still received"
        )
    if row["last_delivery_at"] is None and row["last_pull_succeeded_at"] is None:
        return State(kind="quiet", icon="pending", words="Nothing has come in yet")
    if not row["pulls"]:
        known = "some are known to be" if lost(row) else "nobody can say whether any are"
        return State(
            kind="warn" if lost(row) else "quiet",
            icon="help",
            words=f"Cannot be reconciled: {known} missing",
        )
    return _compared(row, now)


def _compared(row: Row, now: datetime) -> State:
    pulled_at, compared_at = row["last_pull_succeeded_at"], row["reconciled_at"]
    if pulled_at is None or now - pulled_at > PULLED_WITHIN:
        since = f"for {_ago(pulled_at, now)}" if pulled_at else "yet"
        return State(kind="warn", icon="warning", words=f"No pull has succeeded {since}")
    if is_loading(row):
        return State(kind="quiet", icon="downloading", words="The history is still being loaded")
    if row["reconcile_error"]:
        return State(
            kind="warn", icon="warning", words="The last comparison with the provider failed"
        )
    if compared_at is None:
        return State(kind="quiet", icon="help", words="Not compared with the provider yet")
    if now - compared_at > PROVEN_FOR:
        return State(
            kind="warn",
            icon="warning",
            words=f"Last compared with the provider {_ago(compared_at, now)} ago",
        )
    if lost(row):
        return State(kind="warn", icon="warning", words="Some messages cannot be brought back")
    if row["missing"]:
        missing = f"{row['missing']:,} message{'' if row['missing'] == 1 else 's'}"
        return State(
            kind="warn",
            icon="warning",
            words=f"{missing} came by no webhook; the history brought them",
        )
    return State(
        kind="good", icon="check_circle",
        words=f"Compared with the provider {_ago(compared_at, now)} ago: nothing missing",
    )  # fmt: skip


def lost(row: Row) -> str:
    """What cannot be brought back, in words; empty where nothing is known to be lost."""
    # The comparison ends with what the provider's history can give at all: no loss by itself.
    said = str(row["unrecoverable"] or "").removesuffix(str(row["history_note"] or ""))
    return said.strip("; ")


def is_loading(row: Row) -> bool:
    """Whether a backfill is under way."""
    detail = shapes.mapping(row["pull_detail"])
    return bool(detail.get("more")) or shapes.count(detail.get("listed")) is not None


def _has_ended(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _ago(moment: datetime, now: datetime) -> str:
    return clock.ago(max(0.0, (now - moment).total_seconds()))
