"""A list of customers is imported: its plan is made and carried out in one transaction, all of it or nothing.

    customer_file      bytes ──> lines
    customer_lines     lines ──> names and identities
    customer_plan      what they would do now: the preview
    decisions.lists    doing it

Where somebody else decided on one of the identities meanwhile, nothing of it stands and the plan is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from warehouse import decisions
from warehouse.customer_file import Line
from warehouse.customer_lines import Progress, quiet
from warehouse.customer_plan import Plan, plan
from warehouse.events import Actor
from warehouse.refusals import Refused

TRIES = 3


def carry_out(
    database: psycopg.Connection[Any],
    actor: Actor,
    lines: Sequence[Line],
    *,
    source: str,
    progress: Progress = quiet,
) -> Plan:
    """Import the lines: all that the plan says, in one transaction, or nothing. `database` is in autocommit.

    Args:
        source: where the lines come from, for reasons and events: the name of a file.

    Raises:
        Refused: others decided on the same identities again and again meanwhile.
    """
    for _ in range(TRIES):
        try:
            with database.transaction():
                made = plan(database, lines, progress=progress)
                decisions.import_list(database, actor, made, source=source, progress=progress)
        except (decisions.OthersDecided, psycopg.errors.DeadlockDetected):
            continue
        return made
    raise Refused(
        "others decide on the same identities just now, and nothing was imported: try again"
    )
