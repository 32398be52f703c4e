"""HTML of messages that was made a moment ago, for whoever sees the same message with the same rights.

What is kept is compared with the whole row, so nothing old is ever shown: a key that is forgotten costs time alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

Row = dict[str, Any]

#: All that is kept, in characters of HTML and of bodies; a message is some thousand.
MOST_CHARACTERS = 24_000_000
#: One that is longer is made anew each time.
LONGEST = 200_000


class DrawnCache:
    """The latest drawn first to stay; used by all threads."""

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most = most_characters
        self._kept: OrderedDict[Hashable, tuple[Row, Row | None, str, int]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def drawn(self, key: Hashable, row: Row, answered: Row | None, draw: Callable[[], str]) -> str:
        """The HTML of a message.

        Args:
            key: its id, and what of the viewer makes a difference.
            answered: the message that it answers, where that is quoted.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is not None and kept[0] == row and kept[1] == answered:
            return kept[2]
        html = draw()
        size = len(html) + len(str(row.get("body") or "")) + len(str(row.get("quoted_body") or ""))
        if size > LONGEST:
            return html
        with self._lock:
            former = self._kept.pop(key, None)
            self._characters += size - (former[3] if former else 0)
            self._kept[key] = (row, answered, html, size)
            while self._characters > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._characters -= dropped[3]
        return html

    def __len__(self) -> int:
        return len(self._kept)
