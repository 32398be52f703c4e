"""Free ports on the loopback address."""

from __future__ import annotations

import os
import socket

#: `--port-base N` takes N+1 to N+5 (operations/runtime/programs.py:Ports).
PORTS_OF_A_BASE = range(1, 6)


def free_base() -> int:
    """A port base of whose ports nobody listens on any; other workers look elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    first = 20_000 + 2_000 * (worker % 5)
    for base in range(first, first + 2_000, 10):
        sockets = []
        try:
            for after in PORTS_OF_A_BASE:
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", base + after))
            return base
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no free ports")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
