"""The supervisor's own process: `python -m operations.runtime.supervise --data-dir DIR --port-base N …`.

`up` and `demo` start it in a session of its own with its output in `<data
dir>/logs/supervisor.log`; it outlives them with --until-ready, and with --owner it stops when
they are gone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from operations.invocation import settings_for
from operations.runtime import running
from operations.runtime.programs import Ports, facts, programs
from operations.runtime.supervisor import Supervisor, tell


def main() -> int:
    """Run the programs of one data folder until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.runtime.supervise", description=__doc__
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--reload", action="store_true")
    parser.add_argument("--only", help="the parts that run here, with commas; all unless told")
    parser.add_argument("--owner", type=int, help="stop when the process of this pid is gone")
    given = parser.parse_args()
    settings = settings_for(given.data_dir)
    ports = Ports(base=given.port_base)
    parts = given.only.split(",") if given.only else None
    held = running.lock(settings.data_dir, patience_seconds=2.0)
    if held is None:
        tell(f"another supervisor holds {settings.data_dir}")
        return 2
    with held:
        settings.make_master_key()
        supervisor = Supervisor(
            settings.data_dir,
            programs(
                settings,
                ports,
                demo=given.demo,
                messages=given.messages,
                reload=given.reload,
                parts=parts,
            ),
            facts=facts(ports, settings, demo=given.demo, parts=parts),
            owner=given.owner,
        )
        return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
