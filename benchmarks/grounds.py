"""What an installation stands on, to be struck from outside: a disk that fills, a clock that is set, TCP that is cut.

Each is the real thing as far as the programs can tell, and none of them knows that it is tried. What this machine does
not allow is left out, with the sentence that says why.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

#: The file takes no more room than what is written on it, and what PostgreSQL keeps of its log is bounded by 4 GiB.
DISK_BYTES = 8 * 2**30
SOURCE = Path(__file__).with_name("stepped_clock.c")
#: Fourteen hours before Greenwich, and written as few write it: whoever takes local time for the time is found.
ODD_ZONE = ":Pacific/Kiritimati"
#: Linux has the same number for it on every machine that we know.
PIDFD_GETFD = 438


@dataclass
class Grounds:
    """Where the data folder lies, and what the programs must be started with."""

    data_dir: Path
    disk: Disk | None = None
    clock: SteppedClock | None = None
    #: What cannot be had here: kind of fault -> why.
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"TZ": ODD_ZONE} | (self.clock.environment if self.clock else {})


@contextmanager
def grounds(folder: Path) -> Iterator[Grounds]:
    """A disk and a clock in this folder, gone with the block. Every program on them must have ended by then."""
    made = Grounds(folder / "data")
    # An embedded server of root is another user, who passes through.
    folder.chmod(0o711)
    try:
        try:
            made.disk = Disk.mounted(folder / "disk")
            made.data_dir = made.disk.place / "data"
        except (OSError, subprocess.SubprocessError) as error:
            made.missing["disk full"] = f"no small disk can be mounted here ({_why(error)})"
        try:
            made.clock = SteppedClock.compiled(folder / "clock")
        except (OSError, subprocess.SubprocessError) as error:
            made.missing["clock set"] = f"needs a C compiler, cc ({_why(error)})"
        yield made
    finally:
        if made.disk:
            made.disk.unmount()


def _why(error: Exception) -> str:
    told = getattr(error, "stderr", None) or str(error)
    return " ".join(str(told).split())[:200]


@dataclass
class Disk:
    """A file system of its own, in a file that grows with what is written."""

    place: Path

    @classmethod
    def mounted(cls, place: Path) -> Disk:
        """
        Raises:
            OSError, SubprocessError: this machine does not allow it to us.
        """
        image = place.with_suffix(".image")
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        place.mkdir()
        # Nothing is kept for root: it is as full for the supervisor as for the server.
        for command in (
            ["mkfs.ext4", "-q", "-m", "0", str(image)],
            ["mount", "-o", "loop", str(image), str(place)],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        place.chmod(0o755)
        return cls(place)

    def fill(self) -> None:
        """To the last block, at once: the room is taken, nothing is written."""
        with (self.place / "filling").open("wb") as file:
            for piece in (2**30, 2**24, 2**20, 2**16, 4096):
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece)

    def free(self) -> None:
        (self.place / "filling").unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=False, capture_output=True)


@dataclass
class SteppedClock:
    """The time of day of all programs that were started with `environment`, and of no other.

    The C library is asked instead of the kernel, so times of files stay the kernel's.
    """

    library: Path
    file: Path
    ahead_seconds: float = 0.0

    @classmethod
    def compiled(cls, folder: Path) -> SteppedClock:
        """
        Raises:
            OSError, SubprocessError: there is no C compiler.
        """
        folder.mkdir()
        library, file = folder / "stepped_clock.so", folder / "ahead"
        compiler = shutil.which("cc") or "cc"
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        file.write_bytes(bytes(8))
        for path, mode in ((folder, 0o755), (library, 0o755), (file, 0o644)):
            path.chmod(mode)
        return cls(library, file)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "STEPPED_CLOCK": str(self.file)}

    def set_ahead(self, seconds: float) -> None:
        """So many seconds before (or behind) the machine's clock, from now on and for all of them."""
        with self.file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as mapped:
            mapped[:] = struct.pack("q", round(seconds * 1e9))
        self.ahead_seconds = seconds


def cut(pids: list[int]) -> int:
    """End every TCP connection of these processes as a network would, from outside; returns how many.

    Raises:
        PermissionError: nobody but root may, where processes are kept apart from each other.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    ended = 0
    for pid in pids:
        with suppress(psutil.Error, ProcessLookupError):
            found = psutil.Process(pid).net_connections("tcp")
            process = os.pidfd_open(pid)
            try:
                for each in found:
                    if each.status != psutil.CONN_ESTABLISHED or each.fd < 0:
                        continue
                    taken = kernel.syscall(PIDFD_GETFD, process, each.fd, 0)
                    if taken < 0:
                        error = ctypes.get_errno()
                        if error == 1:
                            raise PermissionError(error, "the connections of others cannot be cut")
                        continue
                    with suppress(OSError), socket.socket(fileno=taken) as connection:
                        connection.shutdown(socket.SHUT_RDWR)
                        ended += 1
            finally:
                os.close(process)
    return ended
