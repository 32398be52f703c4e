"""`./crm up`, `status` and `down` with the real programs, on a data folder and ports of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from operations.runtime import running
from operations.runtime.ports import FOLLOWING, free_port
from operations.runtime.programs import Ports
from tests.built import built
from warehouse import run_record

Crm = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> tuple[int, str, str]:
    """`./crm …` as a process whose pipes are read to their end, as a script would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "operations", *arguments],
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A data folder on which everything runs, and its port base. Two commands began it at the same moment. It was built
    before (tests/built.py)."""
    data_dir, base = tmp_path_factory.mktemp("up") / "data", free_port()
    built(data_dir)
    arguments = ("--until-ready", "--data-dir", str(data_dir), "--port-base", str(base))
    try:
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda _: command("up", *arguments), range(2)))
        for status, out, err in both:
            assert status == 0, err
            assert f"http://127.0.0.1:{base + 1}\n" in out
        # One did it, and the other says so.
        assert sum("It runs already" in out for _, out, _ in both) == 1, both
        said = (data_dir / "logs" / "supervisor.log").read_text()
        assert said.count("everything serves") == said.count("migrate: started") == 1
        yield data_dir, base
    finally:
        running.stop(data_dir)


def status_of(data_dir: Path) -> dict[str, Any]:
    done, out, err = command("status", "--json", "--data-dir", str(data_dir))
    assert (done, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def test_status_says_what_runs_and_where(up: tuple[Path, int]) -> None:
    data_dir, base = up
    document = status_of(data_dir)
    assert document["receiver_url"] == f"http://127.0.0.1:{base + 2}"
    assert document["simulator_url"] is None
    assert document["processes"].keys() == {"postgres", "receiver", "worker", "fold", "app"}
    assert all(psutil.pid_exists(pid) for pid in document["processes"].values())
    for url in (f"http://127.0.0.1:{base + 5}/readyz", document["app_url"]):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200


def test_a_second_start_says_so_and_starts_nothing(up: tuple[Path, int]) -> None:
    data_dir, base = up
    before = status_of(data_dir)["processes"]
    status, out, _ = command("up", "--until-ready", "--data-dir", str(data_dir))
    assert status == 0
    assert "runs already" in out
    assert f"http://127.0.0.1:{base + 1}" in out
    assert status_of(data_dir)["processes"] == before


def test_a_busy_port_is_named(up: tuple[Path, int], tmp_path: Path) -> None:
    _, base = up
    status, out, err = command(
        "up", "--data-dir", str(tmp_path / "other"), "--port-base", str(base)
    )
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert f"port {base + 1}" in err
    assert "--port-base" in err


def test_the_ports_of_a_base_are_those_that_are_looked_for() -> None:
    of_base = [
        getattr(Ports(base=100), name)
        for name, value in vars(Ports).items()
        if isinstance(value, property)
    ]
    assert sorted(of_base) == list(range(101, 100 + FOLLOWING + 1))


def test_a_killed_postgres_comes_back_and_is_named(up: tuple[Path, int]) -> None:
    data_dir, _ = up
    before = status_of(data_dir)["processes"]["postgres"]
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        document = status_of(data_dir)
        if document["programs"]["postgres"]["state"] == "ready" and document["processes"].get(
            "postgres"
        ) not in (None, before):
            break
    assert document["programs"]["postgres"]["restarts"] >= 1
    assert document["programs"]["postgres"]["last_exit"] == -signal.SIGKILL


def test_a_connection_can_be_added_without_further_settings(up: tuple[Path, int]) -> None:
    """The public URL is the receiver's own, the keys are those in the data folder."""
    data_dir, base = up
    status, out, err = command(
        "connection", "add", "twilio_sms", "--name", "x", "--set", "account_sid=AC1",
        "--set", "auth_token=t", "--json", "--data-dir", str(data_dir),
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out)["webhook_url"].startswith(f"http://127.0.0.1:{base + 2}/webhooks/")


def test_nobody_else_may_read_what_was_written(up: tuple[Path, int]) -> None:
    data_dir, _ = up
    modes = {path: path.stat().st_mode & 0o777 for path in data_dir.rglob("*") if path.exists()}
    assert modes
    assert [path for path, mode in modes.items() if mode & 0o077] == []
    # The embedded server of root is another user, who passes through.
    assert data_dir.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)


def test_down_leaves_nothing(up: tuple[Path, int]) -> None:
    """Last in this file: it ends what the others used."""
    data_dir, _ = up
    status, out, _ = command("down", "--json", "--data-dir", str(data_dir))
    assert status == 0
    assert {"supervisor", "postgres", "app"} <= json.loads(out)["stopped"].keys()
    assert running.leftovers(data_dir) == {}
    assert status_of(data_dir)["processes"] == {}
    assert "FATAL" not in (data_dir / "logs" / "supervisor.log").read_text()


def test_in_the_foreground_a_signal_stops_everything(tmp_path: Path) -> None:
    """Either signal; and a folder goes on under other ports than those that it was made with."""
    data_dir = tmp_path / "data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    for number in (signal.SIGINT, signal.SIGTERM):
        base = free_port()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "operations", "up", "--data-dir", str(data_dir),
             "--port-base", str(base)],
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while (
                run_record.recorded(data_dir).get("programs", {}).get("migrate", {}).get("state")
                != "done"
            ):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
            assert f":{base + 4}/" in (data_dir / "postgres.url").read_text()
            process.send_signal(number)
            process.wait(timeout=40)
            assert running.leftovers(data_dir) == {}
        finally:
            process.kill()
            running.stop(data_dir)
