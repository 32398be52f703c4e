"""A streaming replica of the tests' server (benchmarks/standby.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.standby import Standby
from benchmarks.standby import replica_of as replica_in
from tests.template import TEST_SETTINGS, _folder

__all__ = ["Standby", "replica_of"]


@contextmanager
def replica_of(primary_url: str) -> Iterator[Standby]:
    """With the settings of the tests' servers, and where they lie.

    Args:
        primary_url: as its superuser.
    """
    with _folder() as folder, replica_in(primary_url, folder, TEST_SETTINGS) as standby:
        yield standby
