"""When Python collects garbage in the app, and when Streamlit lets go of pages that were left.

What is imported never becomes garbage, and looking through it is most of a full collection: it is taken out of
the collector's sight once. After that a full collection looks at open pages alone.
"""

from __future__ import annotations

import asyncio
import gc

from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

#: New objects before the youngest are looked through, and how many such looks lead to the next older ones.
#: A page is some thousand objects, nearly all of which go with it by themselves.
THRESHOLDS = (20_000, 20, 20)
SWEEP_SECONDS = 60.0


def settle() -> None:
    """Call when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def sweep() -> None:
    """Let go of pages whose time to come back is over, until cancelled.

    Streamlit keeps a page that lost its connection for `server.disconnectedSessionTTL`, and looks at that time only
    when another page leaves: the last ones to leave in the evening would stay until the morning.
    """
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        storage = getattr(Runtime.instance()._session_mgr, "_session_storage", None)
        if isinstance(storage, MemorySessionStorage) and let_go(storage):
            # A page is a knot of objects that hold each other.
            await asyncio.to_thread(gc.collect)


def let_go(storage: MemorySessionStorage) -> int:
    """How many pages were let go of."""
    expired = storage._cache.expire()  # type: ignore[attr-defined]
    return len(expired or ())
