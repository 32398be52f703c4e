"""Coroutines in tests: in a thread of their own, because Playwright keeps an event loop in the main one for the whole run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def apart(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run it in an event loop of its own, and return what it returns or raise what it raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
