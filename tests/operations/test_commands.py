"""What holds for every command: help, --data-dir, one line and status 2 for what is unusable."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from operations.__main__ import build, command_modules
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


#: What others call by name: scripts, other programs, people who read about it. One that goes fails by its name.
PROMISED = (
    "demo", "up", "down", "status", "test", "check", "database-url", "connection add", "connection list",
    "connection test", "connection disable", "connection enable", "connection rotate", "connection configure-webhook",
    "connection request-history", "connection pause", "connection resume", "connection rename",
    "connection remove", "user add", "user list", "user disable", "user role", "user password",
    "user enable", "user sign-out", "user forget-factor", "user limit", "customer import",
    "customer list", "customer show", "customer rename", "customer archive", "customer export", "link", "unlink",
    "move", "merge", "split", "undo", "search", "tag", "untag", "assign", "note", "backup", "restore", "backfill",
    "refresh", "reconcile", "replay", "rebuild", "dbt", "bench", "events", "audit verify",
    "audit seal", "validate", "hold add", "hold list", "hold release", "case check", "case close", "case correct", "case export", "case list",
    "case open", "case reopen", "incident decide", "incident describe", "incident list", "incident notified", "incident open",
    "incident statement", "privacy breach", "privacy destroy", "privacy export",
    "privacy notice", "privacy reapply", "privacy registers", "privacy sweep", "retention apply", "retention approve", "retention preview", "retention set",
)  # fmt: skip
#: `./crm connection add / list / test ID` in a document names three.
WRITTEN = re.compile(r"\./crm ([a-z][^`\n]*)")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "specs").glob("*.md")]  # fmt: skip


@pytest.mark.parametrize("name", PROMISED)
def test_a_command_that_is_promised_is_there(name: str) -> None:
    assert tuple(name.split()) in COMMANDS


def test_every_command_is_promised() -> None:
    assert {" ".join(path) for path in COMMANDS} == set(PROMISED)


def named_in(document: Path) -> Iterator[tuple[str, ...]]:
    """The commands that a document names: of a group, each that it counts up."""
    groups = {path[0] for path in COMMANDS if len(path) > 1}
    for written in WRITTEN.findall(document.read_text()):
        first, *others = re.split(r" / ", written)
        words = re.findall(r"[a-z][a-z-]*", first.partition(" #")[0])
        if words[0] not in groups:
            yield (words[0],)
            continue
        if len(words) > 1:
            yield (words[0], words[1])
        for other in others:
            if known := re.match(r"[a-z][a-z-]*", other):
                yield (words[0], known.group())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_command_that_a_document_names_is_there(document: Path) -> None:
    gone = [" ".join(path) for path in named_in(document) if path not in COMMANDS]
    assert not gone


def test_the_documents_are_read() -> None:
    named = set(named_in(ROOT / "README.md"))
    assert {
        ("tag",),
        ("untag",),
        ("customer", "archive"),
        ("connection", "request-history"),
        ("undo",),
    } <= named


def test_a_module_that_has_a_command_lies_where_commands_are_found() -> None:
    """Commands are found by their folder: one beside it is missed by nobody but its users."""
    having = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "operations").rglob("*.py")
        if "\ndef register(app: typer.Typer)" in file.read_text()
    }
    assert having == {f"operations/commands/{name}.py" for name in command_modules()}


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


@pytest.mark.usefixtures("no_warehouse")
@pytest.mark.parametrize("given", ["a-file", "a-file/below", "/proc/crm"])
def test_a_data_folder_that_cannot_be_made_is_named(given: str, crm: Crm, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    status, out, err = crm("up", "--until-ready", "--data-dir", str(tmp_path / given))
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "give another folder with --data-dir" in err


@pytest.mark.usefixtures("no_warehouse")
@pytest.mark.parametrize(
    "place", ["-o size=4k none {0} && dd if=/dev/zero of={0}/fill bs=4k 2>&-", "-o ro none {0}"],
    ids=["full", "read-only"],
)  # fmt: skip
def test_a_data_folder_without_room_is_one_line(place: str, tmp_path: Path) -> None:
    """A small file system of its own, which is gone with the command: nobody needs to be root for that."""
    folder = tmp_path / "data"
    folder.mkdir()
    mounted = f"mount -t tmpfs {place.format(folder)}; exec {sys.executable} -P -m operations up"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
         f"{mounted} --until-ready --data-dir {folder}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert done.stderr.startswith("crm: ")
    assert "--data-dir" in done.stderr


def test_another_place_that_cannot_be_written_to_is_named_without_that_advice(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path / "data"))
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("operations.__main__.build", lambda: _raising(error))
    assert crm("status") == (2, "", f"crm: {tmp_path}/elsewhere: Permission denied\n")


def test_a_file_of_ours_that_is_missing_is_no_trouble_of_the_data_folder(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is a fault of the program, and shows where."""
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path / "data"))
    for missing in (ROOT / "warehouse" / "queries" / "none.sql", tmp_path / "data" / "none"):
        error = FileNotFoundError(errno.ENOENT, "No such file or directory", str(missing))
        monkeypatch.setattr("operations.__main__.build", lambda error=error: _raising(error))
        with pytest.raises(FileNotFoundError):
            crm("status")


def _raising(error: Exception) -> Callable[..., None]:
    def command(**_: Any) -> None:
        raise error

    return command


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


@pytest.mark.parametrize("module", ["worker.asking", "worker.main"])
def test_what_asks_for_pulls_imports_nothing_that_pulls(module: str) -> None:
    """`./crm connection add` would take two seconds more, and the worker be there as much later."""
    code = (
        f"import sys, {module}\n"
        "heavy = {'dlt', 'pandas', 'pyarrow', 'googleapiclient', 'twilio'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_children_do_is_imported_before_they_are_forked() -> None:
    """Each of them would import it anew, for up to two seconds."""
    jobs, warm = (ast.parse((ROOT / "worker" / name).read_text()) for name in ("jobs.py", "warm.py"))  # fmt: skip
    later = {
        each.module
        for function in jobs.body
        if isinstance(function, ast.FunctionDef)
        for each in ast.walk(function)
        if isinstance(each, ast.ImportFrom)
    }
    (ahead,) = (
        ast.literal_eval(each.value)
        for each in warm.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and each.targets[0].id == "WORK"
    )  # fmt: skip
    assert "pipelines.pull" in later
    assert later <= set(ahead)


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
