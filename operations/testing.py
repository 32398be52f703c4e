"""`./crm test` and `./crm check`: the whole suite, and what CI runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import typer

from operations.invocation import ROOT, say
from warehouse.refusals import Refused

CHROMIUM_VARIABLE = "CRM_TEST_CHROMIUM"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Each worker brings a server and a template of its own; a file's tests stay together.
WORKERS = min(os.cpu_count() or 1, 4)
IN_PARALLEL = ["--numprocesses", str(WORKERS), "--dist", "loadfile"]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    app.command("test", context_settings=PASSED_ON)(test)
    app.command("check")(check)


def test(context: typer.Context) -> None:
    """Run the tests, browser tests included. Everything after `test` goes to pytest."""
    raise typer.Exit(run_tests(context.args))


def check() -> None:
    """Lint, types, tests: what CI runs. All of them run, also when one fails."""
    steps = {
        "lint": [sys.executable, "-m", "ruff", "check", "."],
        "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
        "types": [sys.executable, "-m", "mypy"],
    }
    failed = []
    for name, command in steps.items():
        say(f"== {name}")
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    say("== tests")
    if failed:
        say(f"failed before the tests: {', '.join(failed)}")
    status = run_tests([])
    raise typer.Exit(status or (1 if failed else 0))


def run_tests(arguments: list[str]) -> int:
    """pytest's own exit status. Without arguments the whole suite runs, on every core."""
    browser = chromium()
    environment = os.environ | {"PYTHONPATH": str(ROOT), CHROMIUM_VARIABLE: browser}
    # What the project's own .env or a running data folder says is no business of the tests.
    environment.pop("CRM_DATA_DIR", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *(arguments or IN_PARALLEL)],
        cwd=ROOT,
        env=environment,
        check=False,
    ).returncode


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
    found = _on_path()
    if found is None and _install():
        found = _on_path()
    if found is None:
        raise Refused(
            "the browser tests need Chromium: install it (Debian: apt-get install chromium) or set "
            f"{CHROMIUM_VARIABLE} to its path"
        )
    return found


def _on_path() -> str | None:
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


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
