"""How an open timeline keeps up: what changed since it was read, read alone."""

from __future__ import annotations

from datetime import UTC, datetime

from app import filtered, read
from app.access.sessions import Viewer
from app.live import changes, topics
from app.shown import Shown


def follow(viewer: Viewer, shown: Shown) -> bool:
    """Bring what is shown up to now; nothing is asked where nothing changed.

    False where it has to begin anew: there would be a gap, or the messages are of other identities.
    """
    mark, wanted = changes.mark(), shown.wanted
    change = changes.since(topics.timeline(shown.customer_id), shown.mark)
    if change is changes.Change.DECIDED:
        return False
    if change is changes.Change.FOLDED and shown.fold:
        rows = read.changed_messages(
            viewer, shown.customer_id, shown.by_id, since_fold=shown.fold, wanted=wanted
        )
        shown.take_changes(rows or [], datetime.now(UTC))
    elif change is not None:
        rows = read.changed_messages(viewer, shown.customer_id, shown.by_id, wanted=wanted)
        if rows is not None and not shown.take(rows, datetime.now(UTC)):
            return False
    shown.mark = mark
    return True


def further_back(viewer: Viewer, shown: Shown) -> None:
    """Read the page before the oldest message, or, with a filter, before where the search for what passes ended."""
    if shown.reached_first:
        return
    if shown.wanted and shown.next_before:
        found = filtered.earlier(
            viewer, shown.customer_id, shown.wanted, shown.next_before, read.PAGE_SIZE
        )
        shown.add_before(found.rows[::-1], found.next_before)
    elif shown.oldest:
        rows = read.earlier_messages(viewer, shown.customer_id, shown.oldest)
        shown.add_older(rows, read.PAGE_SIZE)
