"""`./crm test` and `./crm check`: the whole suite, and what CI runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree

import typer

from operations.invocation import ROOT, say
from warehouse.refusals import Refused

CHROMIUM_VARIABLE = "CRM_TEST_CHROMIUM"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: One more than there are cores: a third of a test is waiting for programs, pages and clocks. Each worker brings a
#: server of its own, with a copy of one template. Who is done takes the next test; tests that
#: share what their module made stay together (tests/kinds.py).
WORKERS = min((os.cpu_count() or 1) + 1, 4)
IN_PARALLEL = ["--numprocesses", str(WORKERS), "--dist", "loadgroup"]
#: Short ones that share nothing: handed out by the dozen.
PURE = ["-m", "pure"]
PURE_IN_PARALLEL = [*PURE, "--numprocesses", str(WORKERS), "--dist", "worksteal"]
#: Where no more than so many tests of a whole run fail, each of them is run once more, with nothing beside it
#: (docs/decisions.md, 77).
FEW = 5
#: pytest's exit status for it: nothing was interrupted, and everything could be collected.
TESTS_FAILED = 1
PASSED_ONLY_ALONE = "== passed only when run alone: mend these"
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
STYLE = {
    "lint": [sys.executable, "-m", "ruff", "check", "."],
    "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
}
TYPES = [sys.executable, "-m", "mypy"]
#: The same by a program that stays and knows what it saw; without a word for half an hour it ends by itself.
TYPES_AGAIN = [sys.executable, "-m", "mypy.dmypy", "run", "--timeout", "1800"]


def register(app: typer.Typer) -> None:
    app.command("test", context_settings=PASSED_ON)(all_or_some)
    app.command("check")(check)


def all_or_some(
    context: typer.Context,
    pure: Annotated[
        bool, typer.Option("--pure", help="Only tests that need no database, program or browser.")
    ] = False,
) -> None:
    """Run the tests, browser tests included. Everything after `test` goes to pytest."""
    arguments = list(context.args)
    # Where nobody picks files or tests, every core works.
    whole = PURE_IN_PARALLEL if pure else IN_PARALLEL
    raise typer.Exit(run_tests([*(PURE if pure else []), *arguments] if arguments else whole))


def check(
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Before each commit: types by a daemon, and pure tests alone."),
    ] = False,
) -> None:
    """Lint, types, tests: what CI runs. All of them run, also when one fails; a few tests that fail are run once more,
    alone."""
    failed = []
    for name, command in STYLE.items():
        say(f"== {name}")
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        say(f"failed before the tests: {', '.join(failed)}")
    with tempfile.TemporaryFile() as told, tempfile.TemporaryDirectory() as cache:
        # Beside the tests, which begin with one core's work: their database is made.
        types = subprocess.Popen(
            TYPES_AGAIN if fast else TYPES, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT
        )
        say("== tests, and types")
        status = run_tests(PURE_IN_PARALLEL if fast else [*IN_PARALLEL, *_keeping(cache)])
        if types.wait():
            failed.append("types")
        told.seek(0)
        say(told.read().decode().strip())
        if failed:
            say(f"failed beside the tests: {', '.join(failed)}")
        elif not fast:
            status = few_once_more(status, cache)
    raise typer.Exit(status or (1 if failed else 0))


def run_tests(arguments: list[str], *, root: Path = ROOT) -> int:
    """pytest's own exit status."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    # What the project's own .env or a running data folder says is no business of the tests.
    environment.pop("CRM_DATA_DIR", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=root, env=environment, check=False
    ).returncode


def few_once_more(status: int, cache: str, *, root: Path = ROOT) -> int:
    """Run the tests once more, alone, that failed in a run with this status, where they are few and nothing else was
    wrong. The second run decides; whatever passed only in it is named.

    Args:
        cache: the folder of pytest's cache of that run.
    """
    failed = _failed(cache)
    # A file among them could not be collected.
    is_tests_alone = status == TESTS_FAILED and all("::" in name for name in failed)
    if not is_tests_alone or not 0 < len(failed) <= FEW:
        return status
    say(f"== {len(failed)} once more, alone")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        status = run_tests([*failed, *_keeping(folder), "--junitxml", str(report)], root=root)
        passed = sorted(set(failed) - set(_failed(folder)))
        if not status:
            # Written by pytest a moment ago.
            (told,) = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314
            # What is passed over has not passed.
            if (told.get("tests"), told.get("skipped")) != (str(len(failed)), "0"):
                status, passed = TESTS_FAILED, []
    if passed:
        say("\n".join([PASSED_ONLY_ALONE, *passed]))
    return status


def _keeping(cache: str) -> list[str]:
    """Which tests failed is noted in this folder; in the usual one stands what failed before, too."""
    return ["-p", "cacheprovider", "-o", f"cache_dir={cache}"]


def _failed(cache: str) -> list[str]:
    """The tests that failed, by the names that a run in one process gives them."""
    noted = Path(cache) / "v" / "cache" / "lastfailed"
    names: dict[str, bool] = json.loads(noted.read_text()) if noted.exists() else {}
    # As xdist reads them: an @ behind all brackets begins the name of a group (tests/kinds.py).
    return sorted(
        {name.rpartition("@")[0] if name.rfind("@") > name.rfind("]") else name for name in names}
    )


def chromium() -> str:
    """The browser of the browser tests; installed where that can be done without asking.

    Raises:
        Refused: there is none and it cannot be installed from here.
    """
    given = os.environ.get(CHROMIUM_VARIABLE)
    if given:
        if not (Path(given).is_file() and os.access(given, os.X_OK)):
            raise Refused(f"{CHROMIUM_VARIABLE}={given} is no program: name the Chromium to use")
        return given
    found = _on_path() or _installed_once()
    if found is None:
        raise Refused(
            "the browser tests need Chromium: install it (Debian: apt-get install chromium) or set "
            f"{CHROMIUM_VARIABLE} to its path"
        )
    return found


def _on_path() -> str | None:
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def _installed_once() -> str | None:
    """Each worker of a run asks for it, and only the first one finds it missing."""
    with (Path(tempfile.gettempdir()) / f"crm-chromium-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _on_path() or (_on_path() if _install() else None)


def _install() -> bool:
    """Install Debian's package, as root or by a sudo that asks no password. True when it went well."""
    installer = shutil.which("apt-get")
    if installer is None:
        return False
    before: list[str] = []
    if os.geteuid() != 0:
        sudo = shutil.which("sudo")
        if (
            sudo is None
            or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode
        ):
            return False
        before = [sudo, "-n"]
    say("installing Chromium for the browser tests")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    steps = (["update"], ["install", "-y", "--no-install-recommends", "chromium"])
    return all(
        subprocess.run(
            [*before, installer, "-q", *step], env=environment, stdout=sys.stderr, check=False
        ).returncode
        == 0
        for step in steps
    )
