"""The script `crm` in a checkout of its own, with a lock file of one small wheel that lies beside it."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "readlink", "cmp", "awk", "grep", "rm", "cp", "mv")
PROGRAM = """
import os, sys, tiny
print(tiny.VERSION, os.getcwd(), *sys.argv[1:])
sys.exit(7 if "fail" in sys.argv else 0)
"""


def wheel(folder: Path, version: str) -> Path:
    """A wheel of the invented package `tiny`."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = (
            base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        )
        record += f"{name},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


class Checkout:
    """A folder with the script, a lock and a program that says what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "check out"
        (self.folder / "operations").mkdir(parents=True)
        (self.folder / "operations" / "__main__.py").write_text(PROGRAM)
        shutil.copy(ROOT / "crm", self.folder / "crm")
        self.tools = folder / "bin"
        self.tools.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is part of every POSIX system"
            (self.tools / tool).symlink_to(found)
        # Not this project's virtual environment, but the Python under it; and no uv.
        (self.tools / "python3").symlink_to(Path(sys.executable).resolve())
        self.lock("1.0")

    def lock(self, version: str, digest: str | None = None) -> None:
        made = wheel(self.folder.parent, version)
        digest = digest or hashlib.sha256(made.read_bytes()).hexdigest()
        (self.folder / "requirements.lock").write_text(
            f"# made for a test\ntiny @ {made.as_uri()} \\\n    --hash=sha256:{digest}\n"
        )

    def start(
        self, *arguments: str, cwd: Path | None = None, script: Path | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(script or self.folder / "crm"), *arguments],
            cwd=cwd or self.folder,
            env={"PATH": str(self.tools), "HOME": str(self.folder.parent), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *arguments: str, cwd: Path | None = None, script: Path | None = None
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, cwd=cwd, script=script)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@dataclass(frozen=True)
class Begun:
    """A checkout whose first start was killed, and the two that were started after it at one moment."""

    checkout: Checkout
    both: list[tuple[int, str, str]]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Once for all tests: each install makes a virtual environment, which takes eight seconds of a core."""
    checkout = Checkout(tmp_path_factory.mktemp("begun"))
    process = checkout.start()
    deadline = time.monotonic() + 60
    while not (checkout.folder / ".venv" / "bin").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    _, err = process.communicate()
    assert "installing the packages of requirements.lock with pip" in err
    assert (checkout.folder / ".venv").exists()
    both = [checkout.start("--json", "a b", word) for word in ("one", "two")]
    said = [process.communicate(timeout=240) for process in both]
    return Begun(
        checkout,
        [(process.returncode, *each) for process, each in zip(both, said, strict=True)],
    )


@pytest.fixture
def installed(begun: Begun) -> Checkout:
    return begun.checkout


def test_two_starts_at_once_install_once_what_a_killed_one_left(begun: Begun) -> None:
    folder = begun.checkout.folder
    assert [(status, out) for status, out, _ in begun.both] == [
        (0, f"1.0 {folder} --json a b {word}\n") for word in ("one", "two")
    ], begun.both
    errors = [err for _, _, err in begun.both]
    assert sum("is not complete: making it anew" in err for err in errors) == 1
    assert sum("installing the packages" in err for err in errors) == 1
    assert sum("crm: installed" in err for err in errors) == 1
    assert sum("another ./crm is installing" in err for err in errors) == 1


def test_a_second_start_says_nothing_and_is_fast(installed: Checkout) -> None:
    before = os.times()
    status, out, err = installed.run("fail")
    assert (status, err) == (7, "")
    assert out.startswith("1.0 ")
    # Of a core: an install takes eight, however busy the others are.
    after = os.times()
    assert after.children_user + after.children_system - sum(before[2:4]) < 4


def test_the_caller_keeps_the_folder_and_a_link_works(installed: Checkout, tmp_path: Path) -> None:
    """And what lies in the caller's folder is not imported."""
    (tmp_path / "tiny.py").write_text("VERSION = 'the wrong one'")
    link = tmp_path / "crm"
    link.symlink_to(installed.folder / "crm")
    assert installed.run("x", cwd=tmp_path, script=link) == (0, f"1.0 {tmp_path} x\n", "")


def test_a_changed_lock_is_installed_a_touched_one_is_not_and_another_hash_is_refused(
    installed: Checkout,
) -> None:
    os.utime(installed.folder / "requirements.lock")
    assert installed.run() == (0, f"1.0 {installed.folder}\n", "")
    installed.lock("2.0", digest="0" * 64)
    status, out, err = installed.run()
    assert (status, out) == (2, "")
    assert "requirements.lock has changed" in err
    assert "HASHES" in err
    assert "could not be installed" in err.splitlines()[-1]
    installed.lock("2.0")
    assert installed.run()[:2] == (0, f"2.0 {installed.folder}\n")


def test_without_a_fitting_python_one_line_says_so(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (checkout.tools / "python3").unlink()
    status, out, err = checkout.run()
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "Python 3.11 to 3.14 was not found" in err
