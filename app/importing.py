"""Lists of customers on their way in: read and imported by a process of their own, at most two at a time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app import database, replica
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from app.reading import reading
from warehouse.refusals import Refused

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = threading.BoundedSemaphore(2)
#: It may have ended just after everything was stored: what became of it is not known here.
UNTOLD = (
    "the import ended before it said what it did: all of the list was imported, or nothing of it. Import it again: "
    "who is there already is matched, and not made twice"
)
#: Told what is under way, and how far it is, 0 to 1.
Step = Callable[[str, float], None]


def preview(viewer: Viewer, name: str, content: bytes, step: Step) -> dict[str, Any]:
    """What importing this file would do (`warehouse/customer_plan.py:shown`); it changes nothing.

    Raises:
        Refused: the file is unusable, or two others are read just now.
    """
    with deciding(viewer, Permission.DECIDE_CUSTOMER):
        pass
    found = _run(viewer, name, content, step, carries_out=False)
    detail = {"file": name[:200], "lines": found["lines"]}
    # Whose the addresses of a file are is told by it.
    with reading(
        viewer, Permission.DECIDE_CUSTOMER, "customer.preview", "customer", "*",
        customer_ids=found.pop("customer_ids"), detail=detail,
    ):  # fmt: skip
        return found


def carry_out(viewer: Viewer, name: str, content: bytes, step: Step) -> dict[str, Any]:
    """Import the file, as a whole or not at all; what became of its lines, as `preview` says it.

    Raises:
        Refused: the file is unusable, or others decided on the same people meanwhile.
    """
    # Whether they may is asked as for any decision; the process acts for them from here on.
    with deciding(viewer, Permission.DECIDE_CUSTOMER):
        pass
    return _run(viewer, name, content, step, carries_out=True)


def _run(
    viewer: Viewer, name: str, content: bytes, step: Step, *, carries_out: bool
) -> dict[str, Any]:
    if not AT_ONCE.acquire(blocking=False):
        raise Refused("two other lists are read just now: try again in a minute")
    try:
        process = _started()
        try:
            asked = {"name": name, "carries_out": carries_out, "actor": viewer.actor.__dict__}
            result = _listened(process, json.dumps(asked).encode() + b"\n" + content, step)
        finally:
            # Who left the page needs no preview any more; an import goes on to its end.
            if not carries_out:
                process.kill()
                process.wait()
        if result is None:
            raise Refused(UNTOLD if carries_out else "the list was not read to its end: try again")
        if carries_out:
            # Another process decided it, for this session.
            replica.decided(viewer.session_id)
        return result
    finally:
        AT_ONCE.release()


def _started() -> subprocess.Popen[bytes]:
    settings = database.settings()
    known = {
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_MASTER_KEY": settings.master_key.get_secret_value() if settings.master_key else "",
        "CRM_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "warehouse.import_process"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, **{key: value for key, value in known.items() if value}},
    )  # fmt: skip


def _listened(process: subprocess.Popen[bytes], given: bytes, step: Step) -> dict[str, Any] | None:
    """What the process said in the end; None where it ended before."""
    assert process.stdin
    assert process.stdout
    # One that ended already reads nothing more; what it said, or that it said nothing, is heard below.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(given)
        process.stdin.close()
    for line in process.stdout:
        if not line.endswith(b"\n"):
            break
        said = json.loads(line)
        if "step" in said:
            words, done, total = said["step"]
            step(f"{done:,} of {total:,} {words}", done / max(total, 1))
        elif "refused" in said:
            raise Refused(said["refused"])
        else:
            result: dict[str, Any] = said["result"]
            return result
    return None
