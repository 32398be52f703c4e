"""Two addresses of one receiver: deliveries for everybody, and what watches over it for its own machine.

`/readyz` and `/metrics` say how we stand and cost a connection of the warehouse, so strangers are not given them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from warehouse.settings import SettingsError


class Beside(uvicorn.Server):
    """A second server in a process whose signals the first one has."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(public: uvicorn.Server, admin: uvicorn.Server) -> None:
    """Both until the first ends. The one beside starts when what it tells of has started."""
    serving = asyncio.create_task(public.serve())
    # uvicorn has no event for it.
    while not public.started and not serving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    beside = asyncio.create_task(admin.serve())
    await serving
    admin.should_exit = True
    await beside


def address(bind: str) -> tuple[str, int]:
    """Host and port of `CRM_ADMIN_BIND`.

    Raises:
        SettingsError: it is no such address.
    """
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingsError("CRM_ADMIN_BIND is no address and port, such as 127.0.0.1:8505")
    return host.strip("[]"), int(port)


def beside(application: Any, bind: str, **options: Any) -> Beside:
    """The server of the second address."""
    host, port = address(bind)
    return Beside(uvicorn.Config(application, host=host, port=port, lifespan="off", **options))
