"""Pulls in processes of their own, forked from a warm one: dlt takes most of a second to import.

dlt is not made for several pipelines in the threads of one process, its work would hold the event loop up,
and a process gives its memory back after a mailbox of large mails. One that crashes or hangs takes no other
pull with it. A child ends with its parent, even when that is killed.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import psycopg

from providers.failures import ProviderFailed, TryLater
from providers.health import words_of

T = TypeVar("T")
#: Imported once and in this order, before the first fork.
WARM = ["worker.lean", "worker.warm"]
STOP_SECONDS = 1.0

log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(WARM)
_STARTS = ThreadPoolExecutor(1, thread_name_prefix="child start")


async def warm() -> None:
    """Start the process that children are forked from, so that the first pull does not wait for it. Takes seconds: what
    needs no child goes on meanwhile."""
    await run(os.getpid)


async def run(work: Callable[..., T], *arguments: Any) -> T:
    """The result of `work(*arguments)`, done in a child. Cancelling ends the child.

    Raises:
        ProviderFailed: what the work raised; TryLater where the child died without a word.
    """
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_child, args=(sender, work, arguments), daemon=True)
    # The first start waits for the imports of the forking process: no more than one thread waits with it.
    await asyncio.get_running_loop().run_in_executor(_STARTS, process.start)
    sender.close()
    try:
        await _readable(receiver)
        try:
            failure, result = receiver.recv()
        except EOFError:
            await asyncio.to_thread(process.join, STOP_SECONDS)
            log.warning("a child died without a word (exit code %s)", process.exitcode)
            failure, result = TryLater("the pulling process died"), None
    finally:
        receiver.close()
        await asyncio.shield(asyncio.to_thread(_end, process))
    if failure is not None:
        raise failure
    answer: T = result
    return answer


async def _readable(receiver: Connection) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(receiver.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(receiver.fileno())


def _end(process: Any) -> None:
    process.join(STOP_SECONDS / 10)
    if process.is_alive():
        process.terminate()
        process.join(STOP_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()


def _child(sender: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the whole group; the parent decides what ends when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: tuple[ProviderFailed | None, Any]
    try:
        answer = (None, work(*arguments))
    except ProviderFailed as failure:
        answer = (failure, None)
    except psycopg.OperationalError as error:
        # No session was free, or it was lost: it says nothing about what was asked.
        answer = (TryLater(f"the warehouse is away ({type(error).__name__})"), None)
    except Exception as error:
        answer = (ProviderFailed(words_of(error)), None)
    sender.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
