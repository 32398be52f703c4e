"""What holds for every command: help, --data-dir, one line and status 2 for what is unusable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from operations.__main__ import build
from operations.commands.testing import chromium
from warehouse.refusals import Refused
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[2]
#: These run tools of the developer, not the product on a data folder.
WITHOUT_DATA_DIR = {("test",), ("check",)}
#: What it prints is dbt's.
WITHOUT_JSON = WITHOUT_DATA_DIR | {("dbt",)}


def commands(
    command: Any = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the program with its path, groups left out."""
    command = command or get_command(build())
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from commands(each, (*path, name))


COMMANDS = dict(commands())


def test_the_commands_of_the_interface_are_there() -> None:
    assert {
        ("demo",), ("up",), ("down",), ("status",), ("test",), ("check",), ("database-url",),
        ("connection", "add"), ("connection", "list"), ("connection", "test"), ("connection",
        "disable"), ("connection", "enable"), ("connection", "rotate"), ("connection",
        "configure-webhook"), ("user", "add"), ("user", "list"), ("user", "disable"), ("user",
        "role"), ("customer", "import"), ("link",), ("unlink",), ("backfill",), ("bench",),
    } <= set(COMMANDS)  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], crm: Crm) -> None:
    status, out, err = crm(*path, "--help")
    assert (status, err) == (0, "")
    assert f"Usage: crm {' '.join(path)}" in out
    assert COMMANDS[path].help, "the first line of a command's docstring is its help"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_takes_a_data_folder(path: tuple[str, ...]) -> None:
    options = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert ("--data-dir" in options) == (path not in WITHOUT_DATA_DIR)
    assert ("--json" in options) == (path not in WITHOUT_JSON)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["status", "--frobnicate"],
        ["link", "phone:0491570006"],
        ["database-url", "--role", "root"],
        ["database-url"],
        ["user", "list"],
        ["connection", "list"],
        ["connection", "add", "twilio_sms", "--name", "x"],
        ["customer", "import", "nowhere.csv"],
        ["backfill", "nothing"],
        ["backfill", "nothing", "--since", "yesterday"],
        ["bench", "nothing"],
        ["up", "--port-base", "70000"],
        ["up", "--port-base", "many"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("no_warehouse")
def test_what_is_unusable_is_one_line_and_status_two(arguments: list[str], crm: Crm) -> None:
    status, out, err = crm(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("crm: ")
    assert len(err.splitlines()) == 1


def test_a_weak_master_key_is_refused(
    crm: Crm, no_warehouse: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")
    monkeypatch.setenv("CRM_MASTER_KEY", "secret")
    status, out, err = crm("user", "list")
    assert (status, out) == (2, "")
    assert "CRM_MASTER_KEY is weak" in err
    assert len(err.splitlines()) == 1


def test_a_warehouse_that_does_not_answer_is_named(
    crm: Crm, no_warehouse: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")
    monkeypatch.setenv("CRM_MASTER_KEY", "0123456789abcdef0123456789abcdef")
    status, _, err = crm("user", "list")
    assert status == 2
    assert "./crm up" in err
    assert len(err.splitlines()) == 1


def test_a_password_of_the_database_is_not_in_the_refusal(
    crm: Crm, warehouse: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signing in with keys of another installation."""
    other = "fedcba9876543210fedcba9876543210"
    monkeypatch.setenv("CRM_MASTER_KEY", other)
    status, _, err = crm("user", "list")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "CRM_MASTER_KEY" in err
    assert other not in err


@pytest.mark.parametrize("role", ["admin", "analyst", "app"])
def test_a_database_url_is_one_that_psycopg_accepts(
    role: str, crm: Crm, warehouse: Settings
) -> None:
    import psycopg

    status, out, _ = crm("database-url", "--role", role)
    assert status == 0
    with psycopg.connect(out.strip()) as connection:
        row = connection.execute("select current_user").fetchone()
    expected = {"analyst": "crm_analyst", "app": "crm_app"}
    assert row is not None
    assert row[0] == expected.get(role, row[0])
    assert json.loads(crm("database-url", "--role", role, "--json")[1])["url"] == out.strip()


@pytest.mark.usefixtures("no_warehouse")
def test_status_of_nothing(crm: Crm, tmp_path: Path) -> None:
    status, out, err = crm("status", "--json", "--data-dir", str(tmp_path / "new"))
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["processes"] == {}
    assert document["app_url"] is document["receiver_url"] is document["simulator_url"] is None
    assert not (tmp_path / "new").exists(), "looking makes nothing"


@pytest.mark.usefixtures("no_warehouse")
def test_down_of_nothing_is_done(crm: Crm, tmp_path: Path) -> None:
    assert json.loads(crm("down", "--json", "--data-dir", str(tmp_path))[1]) == {"stopped": {}}


@pytest.mark.parametrize("arguments", [["--help"], ["status"]], ids=" ".join)
def test_a_command_starts_in_under_a_second(arguments: list[str], tmp_path: Path) -> None:
    """What is heavy is imported by the command that needs it. Processor time: others share the machine."""
    code = (
        "import sys, time\n"
        "from operations.__main__ import main\n"
        f"status = main({arguments!r})\n"
        "print(time.process_time(), file=sys.stderr)\n"
        "heavy = {'dlt', 'dbt', 'streamlit', 'psycopg', 'googleapiclient', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"CRM_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stderr.splitlines()[-1]) < 1.0


def test_a_browser_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TEST_CHROMIUM", str(tmp_path / "nowhere"))
    with pytest.raises(Refused, match=r"^CRM_TEST_CHROMIUM=.* is no program"):
        chromium()


def test_arguments_and_exit_status_of_pytest_pass_through(
    crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 5 is pytest's own for "nothing was collected"."""
    monkeypatch.setenv("CRM_TEST_CHROMIUM", sys.executable)
    assert crm("test", "--collect-only", "-q", "--noconftest", str(tmp_path))[0] == 5
