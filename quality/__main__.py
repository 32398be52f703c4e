"""One look at the data, as a program: `python -m quality load|night|hand|build [CHANNEL…]`.

Prints one JSON document. It is meant to be small: it gives way to everything else, holds no more memory than it may,
ends with whoever started it, and opens no connection but libpq's to the warehouse.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from typing import Any, cast, get_args

from quality.starting import MOST_SECONDS, Run
from warehouse.settings import Settings

#: Some times of what it takes.
MEMORY_BYTES = 2 * 1024**3
#: What Python itself would connect or look up with. libpq is no part of it.
ASKING = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")

log = logging.getLogger("crm.quality")


def keep_inside() -> None:
    """Refuse whatever this process would ask of the network by itself: telemetry, new versions, styles."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in ASKING:
            raise PermissionError(f"the checks ask nobody but the warehouse ({event})")

    sys.addaudithook(refuse)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> int:
    run, *channels = sys.argv[1:] or [""]
    if run not in get_args(Run):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    signal.alarm(MOST_SECONDS)
    if run in ("load", "night"):
        # Nobody waits for it.
        os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    keep_inside()
    # The library writes to standard output; the document alone belongs there.
    document = os.dup(1)
    os.dup2(2, 1)
    # Here, behind the limits.
    from quality.checking import check

    try:
        # It leaves folders behind.
        with tempfile.TemporaryDirectory() as tempfile.tempdir:
            found = check(Settings(), cast("Run", run), channels)
    except Exception as error:
        # Its text may hold a statement, or a row: only its kind and its last place are told.
        *_, place = traceback.extract_tb(error.__traceback__)
        log.error("the checks failed: %s in %s:%d", type(error).__name__, place.name, place.lineno)
        return 1
    with os.fdopen(document, "w") as out:
        json.dump(found, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
