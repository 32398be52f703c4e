"""The ASGI application: Streamlit with our routes beside it and our middleware round it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from app import alerts, chosen, database, read, replica
from app.live import bell, changes
from app.serving import garbage, options, runs
from app.serving.bounds import BoundedSockets
from app.serving.headers import SecurityHeaders
from app.serving.routes import ROUTES

log = logging.getLogger("crm.app")

SCRIPT = Path(__file__).parents[1] / "main.py"


class WrongOptions(Exception):
    """Streamlit does not run with our config.toml; the text says what is otherwise."""


@asynccontextmanager
async def _lifespan(_: Any) -> AsyncIterator[None]:
    # Streamlit switches uvicorn's access log on; the query of /session/start holds a token.
    logging.getLogger("uvicorn.access").disabled = True
    # Opened here, so that the first visitor does not wait for the first connection.
    database.pool()
    replica.beside()
    bell.register()
    chosen.register()
    tasks = [
        asyncio.create_task(changes.listen(read.customers_of)),
        asyncio.create_task(garbage.sweep()),
        asyncio.create_task(alerts.watch()),
    ]
    garbage.settle()
    options.read_without_waiting()
    options.remember_themes()
    runs.keep_in_order()

    log.info("Streamlit runs with all %d options of config.toml", len(options.wanted()))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    replica.close()
    database.close()


def application() -> st.App:
    """The app that uvicorn serves. One per process: Streamlit's runtime is a process-wide object.

    Raises:
        WrongOptions: this process would serve without the options of .streamlit/config.toml.
    """
    wrong = options.not_in_force()
    if wrong:
        raise WrongOptions("; ".join(wrong))
    # Until st.navigation has run once, Streamlit runs the scripts of a folder `pages` by themselves,
    # past main.py and its sign-in. The first request of a process must not be such a one.
    PagesManager.uses_pages_directory = False
    return st.App(
        SCRIPT,
        routes=ROUTES,
        middleware=[Middleware(SecurityHeaders), Middleware(BoundedSockets)],
        lifespan=_lifespan,
    )
