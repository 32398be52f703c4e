"""Pages that were left are let go of, also when nobody else leaves."""

from __future__ import annotations

import gc
import time
from types import SimpleNamespace
from typing import Any
from weakref import ref

from streamlit.runtime.memory_session_storage import MemorySessionStorage

from app.serving import garbage


class Page:
    """A knot, as a page of Streamlit is one."""

    def __init__(self) -> None:
        self.id, self.itself = "page", self


def test_a_page_that_was_left_is_let_go_of_when_its_time_is_over() -> None:
    storage = MemorySessionStorage(ttl_seconds=1)
    page = Page()
    seen = ref(page)
    info: Any = SimpleNamespace(session=page)
    storage.save(info)
    del page, info
    assert garbage.let_go(storage) == 0
    assert storage.get("page") is not None
    time.sleep(1.1)
    assert garbage.let_go(storage) == 1
    gc.collect()
    assert seen() is None


def test_what_is_imported_is_not_looked_through_again() -> None:
    former = gc.get_threshold()
    try:
        garbage.settle()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == garbage.THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*former)
