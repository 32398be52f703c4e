"""What may be said of a connection. Nothing is called good that nothing proves.

Good means one thing: a comparison with the provider's own history (pipelines/reconcile.py), made a short while
ago, found that webhooks had brought all of it, and that nothing is known to be lost. A channel without a
history is never good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.views import clock
from warehouse import health

Row = dict[str, Any]
ICONS = {"bad": "error", "warn": "warning"}


@dataclass(frozen=True, kw_only=True)
class State:
    """What is true of a connection: `kind` is good, warn, bad or quiet."""

    kind: str
    icon: str
    words: str


def state(row: Row, now: datetime) -> State:
    """The one sentence at the top of the card: the worst that is known, or what is proven."""
    if row["is_disabled"]:
        words = "Disabled: nothing is pulled. What arrives is still received and kept"
        return State(kind="quiet", icon="pause_circle", words=words)
    if row.get("is_paused"):
        words = "Paused: nothing is pulled until you resume. What is pushed is still received"
        return State(kind="quiet", icon="pause_circle", words=words)
    found = health.of_connection(row, now)
    if found:
        worst = min(found, key=lambda each: each.kind != "bad")
        return State(kind=worst.kind, icon=ICONS[worst.kind], words=worst.words)
    if row["last_delivery_at"] is None and row["last_pull_succeeded_at"] is None:
        return State(kind="quiet", icon="pending", words="Nothing has come in yet")
    if not row["pulls"]:
        words = "Cannot be reconciled: nobody can say whether any are missing"
        return State(kind="quiet", icon="help", words=words)
    if health.is_loading(row):
        return State(kind="quiet", icon="downloading", words="The history is still being loaded")
    compared_at = row["reconciled_at"]
    if compared_at is None:
        return State(kind="quiet", icon="help", words="Not compared with the provider yet")
    ago = clock.ago(max(0.0, (now - compared_at).total_seconds()))
    words = f"Compared with the provider {ago} ago: nothing missing"
    return State(kind="good", icon="check_circle", words=words)
