"""An import as a process of its own: `python -m warehouse.import_process`, started by the app (`app/importing.py`).

Reading 100,000 lines is seconds of Python, and the app's interpreter is everybody's. In: one line of JSON that says
what is asked, then the file. Out: a line of JSON for each step, and one with the result. Who started a preview and is
gone needs it no more; an import that was begun is finished, or, where it is killed, leaves nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

import psycopg

from warehouse import customer_import, customer_plan
from warehouse.customer_file import read_file
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

#: Of each list so many lines go back to a page.
MOST_SHOWN = 200


def main() -> None:
    os.nice(5)
    asked = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    try:
        _tell(result=_done(asked, content))
    except Refused as refused:
        _tell(refused=str(refused))


def _done(asked: dict[str, Any], content: bytes) -> dict[str, Any]:
    read = read_file(content, called=asked["name"])
    with psycopg.connect(
        Settings().url_for(Role.APP), autocommit=True, application_name="crm import"
    ) as database:
        plan = (
            customer_import.carry_out(
                database, Actor(**asked["actor"]), read.lines, source=asked["name"], progress=_step
            )
            if asked["carries_out"]
            else customer_plan.plan(database, read.lines, progress=_step)
        )
    return {
        **customer_plan.shown(plan, MOST_SHOWN),
        "encoding": read.encoding,
        "lines": len(read.lines),
    }


def _step(words: str, done: int, total: int) -> None:
    _tell(step=[words, done, total])


def _tell(**said: Any) -> None:
    # Nobody may listen any more: an import that was begun is finished all the same.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
