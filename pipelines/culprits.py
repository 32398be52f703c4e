"""Which item a pull died over, so that the next pull does not begin it again for ever.

    taken in hand ──> read: forgotten
         └── the pull died: suspected, fetched alone ──> died over it alone, twice: set aside

A pull also dies for reasons of its own (a host that is switched off): suspicion costs a request, nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.existing_rows import ExistingRows

#: So many pulls may die over one item alone.
DEATHS = 2
REASON = f"the pulling process died {DEATHS} times over it"


class Culprits:
    """The suspects of one connection. Begun once a pull: only one pull of a connection runs at a time."""

    def __init__(self, existing_rows: ExistingRows) -> None:
        self.existing_rows = existing_rows
        found = existing_rows.rows("suspects", deaths=DEATHS)
        self.suspected = {item for item, is_set_aside in found if not is_set_aside}
        self.set_aside = {item for item, is_set_aside in found if is_set_aside}

    def parted(self, items: list[str]) -> Iterator[list[str]]:
        """These items without those set aside: the suspected ones one by one, behind all others."""
        sound = [item for item in items if item not in self.suspected | self.set_aside]
        if sound:
            yield sound
        for item in items:
            if item in self.suspected:
                yield [item]

    @contextmanager
    def in_hand(self, items: list[str]) -> Iterator[None]:
        """These are worked on now. What raises in here is told by itself; only a death leaves a trace."""
        self.existing_rows.rows("take_in_hand", items=items)
        try:
            yield
        finally:
            self.existing_rows.rows("put_down", items=items)
            self.suspected -= set(items)
