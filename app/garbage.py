"""When Python collects garbage in the app.

What is imported never becomes garbage, and looking through it is most of a full collection: it is taken out of
the collector's sight once. After that a full collection looks at open pages alone.
"""

from __future__ import annotations

import gc

#: New objects before the youngest are looked through, and how many such looks lead to the next older ones.
#: A page is some thousand objects, nearly all of which go with it by themselves.
THRESHOLDS = (20_000, 20, 20)


def settle() -> None:
    """Call when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
