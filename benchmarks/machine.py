"""What a figure was measured on. A figure without its machine says nothing."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

PROBES = 200
#: One page of PostgreSQL's write-ahead log.
PROBE_BYTES = 8192


def machine(database_url: str, folder: Path) -> dict[str, Any]:
    """Processor, cores, memory, PostgreSQL, and the milliseconds of one fdatasync in this folder."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("show server_version").fetchone()
    assert row is not None
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "postgres": row[0],
        "python": platform.python_version(),
        "fdatasync_ms": round(fdatasync_ms(folder), 3),
        "load_at_end": round(os.getloadavg()[0], 2),
    }


def fdatasync_ms(folder: Path) -> float:
    """The median milliseconds to make one written log page durable: what no commit can go below."""
    # macOS has no fdatasync.
    make_durable = getattr(os, "fdatasync", os.fsync)
    page, times = os.urandom(PROBE_BYTES), []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(PROBES):
            started = time.perf_counter()
            file.write(page)
            make_durable(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
