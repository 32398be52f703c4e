"""What speaks for two identities being one person's: looked for in everything that came, now and then.

It reads every message, so no page and no fold waits for it: the worker runs it every hour and after histories were
pulled, in a process of its own, on one core, with an end to its time. What it found last is what pages show.
"""

from __future__ import annotations

import psycopg

from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("suggestions")
#: All of everything is joined, and of what stands between no statistics are kept: the planner takes it for a few rows,
#: and would walk it anew for each of a hundred thousand.
SERVER_OPTIONS = (
    "-c jit=off -c max_parallel_workers_per_gather=0 -c enable_nestloop=off"
    " -c statement_timeout=1200000 -c work_mem=64MB"
)


def find_evidence(settings: Settings) -> int:
    """Look at everything again; returns how many signs were found.

    -1 where somebody else is at it already, or where nothing was built yet, which a worker may begin before.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), options=SERVER_OPTIONS) as database:
        row = database.execute(SQL["one_at_a_time"]).fetchone()
        if row != (True,) or database.execute(SQL["is_built"]).fetchone() != (True,):
            return -1
        database.execute(SQL["in_zone"], {"zone": settings.timezone})
        database.execute(SQL["forget_evidence"])
        signs = database.execute(SQL["put_evidence"]).rowcount
        database.execute(SQL["gather_statistics"])
        return signs
