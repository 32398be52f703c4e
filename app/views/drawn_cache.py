"""HTML of messages that was made a moment ago, for whoever sees the same message with the same rights.

What is kept is compared with the whole row, so nothing old is ever shown: a key that is forgotten costs time alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from sys import getsizeof
from typing import Any

Row = dict[str, Any]

#: All that is kept; a message is some nine thousand.
MOST_BYTES = 24_000_000
#: What a row takes beside its bodies, measured on rows of timelines: some thirty values, most of them objects.
ROW_BYTES = 5_000
#: One that takes more is made anew each time.
LARGEST_BYTES = 200_000


class DrawnCache:
    """The latest drawn first to stay; used by all threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Row, Row | None, str, int]] = OrderedDict()
        self._bytes = 0
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
        size = ROW_BYTES + sum(map(getsizeof, (html, row.get("body"), row.get("quoted_body"))))
        if size > LARGEST_BYTES:
            return html
        with self._lock:
            former = self._kept.pop(key, None)
            self._bytes += size - (former[3] if former else 0)
            self._kept[key] = (row, answered, html, size)
            while self._bytes > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped[3]
        return html

    def __len__(self) -> int:
        return len(self._kept)
