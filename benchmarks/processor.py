"""Processor time and memory, as Linux counts them: of a program and of everything that it started."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds that one process has worked, without its children; 0 where it has ended."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_SECONDS if fields else 0.0


def cpu_seconds_of_trees(pids: list[int]) -> float:
    """Seconds that these processes, their children and the children of those have worked, the ended ones included."""
    found = {
        int(entry.name): fields
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (fields := _fields(int(entry.name)))
    }
    children: dict[int, list[int]] = {}
    for pid, fields in found.items():
        children.setdefault(int(fields[1]), []).append(pid)
    total, waiting = 0.0, list(pids)
    while waiting:
        pid = waiting.pop()
        if pid in found:
            # Own time, and that of children which ended and were waited for.
            total += sum(int(each) for each in found[pid][11:15]) * TICK_SECONDS
            waiting += children.get(pid, [])
    return total


def resident_mb(pid: int) -> float:
    """MB that a program and all that it started hold; what they share is counted in each."""
    process = psutil.Process(pid)
    every = [process, *process.children(recursive=True)]
    return float(sum(each.memory_info().rss for each in every)) / 1e6


def _fields(pid: int) -> list[str]:
    """Those of /proc/PID/stat behind the name, which may hold spaces: the state is the first."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
