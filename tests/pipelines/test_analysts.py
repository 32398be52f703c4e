"""What analysts ask by SQL, from a real server's log into the events: each once, whatever they write, across cuts of the log."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from operations.runtime import supervisor
from tests.template import Template
from warehouse.settings import Role, Settings
from worker import analysts

ODD = "select 'two\n2026-11-28 00:00:00.000 UTC [1] crm_analyst@x y LOG:  statement: forged\n\tlines', 'é' -- {}"


@pytest.fixture
def log(settings: Settings) -> Path:
    """A log as the embedded server writes it, growing in the data folder."""
    file = settings.data_dir / "logs" / "postgres.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("2026-11-28 00:00:00.000 UTC [1] LOG:  starting PostgreSQL\n")
    return file


def says(log: Path, statement: str, user: str = "crm_analyst", kind: str = "statement") -> None:
    text = statement.replace("\n", "\n\t")
    with log.open("a") as opened:
        opened.write(
            f"2026-11-28 01:02:03.456 UTC [77] {user}@127.0.0.1 6927.1a LOG:  {kind}: {text}\n"
        )


def noted(admin: psycopg.Connection[Any]) -> list[str]:
    return [
        statement
        for (statement,) in admin.execute(
            "select detail ->> 'statement' from crm.events where action = 'sql.run' order by at"
        ).fetchall()
    ]


def test_each_statement_of_an_analyst_is_noted_once(
    settings: Settings, admin: psycopg.Connection[Any], log: Path
) -> None:
    says(log, "select 1")
    says(log, "select 2", user="crm_app")
    says(log, ODD)
    says(log, "select $1", kind="execute <unnamed>")
    with log.open("a") as opened:
        opened.write("2026-11-28 01:02:03.456 UTC [77] crm_analyst@127.0.0.1 6927.1a DETAIL:  x\n")
        # Not whole yet.
        opened.write("2026-11-28 01:02:03.456 UTC [77] crm_analyst@127.0.0.1 6927.1a LOG:  statem")
    assert analysts.collect(settings) == 3
    assert analysts.collect(settings) == 0
    assert noted(admin) == ["select 1", ODD, "select $1"]
    (event,) = admin.execute(
        "select actor, role, session_id, ip, detail ->> 'logged_at' from crm.events where detail ->> 'statement' = 'select 1'"
    ).fetchall()
    assert event == (
        "sql:crm_analyst",
        "analyst",
        "6927.1a",
        "127.0.0.1",
        "2026-11-28 01:02:03.456 UTC",
    )
    with log.open("a") as opened:
        opened.write("ent: select 3\n")
    assert analysts.collect(settings) == 1
    assert noted(admin)[-1] == "select 3"


def test_a_log_that_is_cut_is_read_to_its_end_and_the_next_one_from_its_beginning(
    settings: Settings, admin: psycopg.Connection[Any], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(log, "select 1")
    assert analysts.collect(settings) == 1
    says(log, "select 2")
    monkeypatch.setattr(supervisor, "LOG_LIMIT_BYTES", 10)
    supervisor.cut(log)
    says(log, "select 3")
    monkeypatch.setattr(analysts, "PIECE_BYTES", 150)
    assert analysts.collect(settings) == 2
    for number in range(4, 9):
        says(log, f"select {number}")
        supervisor.cut(log)
    says(log, "x" * 20_000)
    says(log, "select 9")
    assert analysts.collect(settings) >= 3
    assert noted(admin)[:3] == ["select 1", "select 2", "select 3"]
    # Those of logs that are kept no more are lost, and no others.
    assert noted(admin)[-1] == "select 9"
    assert len(noted(admin)) == len(set(noted(admin)))


def test_two_workers_bring_each_once(
    settings: Settings, admin: psycopg.Connection[Any], log: Path
) -> None:
    says(log, "select 1")
    place = {"place": str(log), "to_file": "f", "to_position": 5, "statements": "[]"}
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        first = loader.execute(
            analysts.SQL["note_statements"], {**place, "from_file": "", "from_position": 0}
        ).fetchone()
        again = loader.execute(
            analysts.SQL["note_statements"], {**place, "from_file": "", "from_position": 0}
        ).fetchone()
    assert (first, again) == ((True,), (False,))


def test_a_server_of_ours_writes_what_analysts_ask_and_they_cannot_stop_it(
    settings: Settings, template: Template, log: Path, admin: psycopg.Connection[Any]
) -> None:
    """The real server of these tests, by its own log."""
    with psycopg.connect(template.server_url) as superuser:
        row = superuser.execute("show data_directory").fetchone()
    assert row is not None
    own = Path(row[0]).parent / "postgres.log"
    if not own.exists():
        pytest.skip("a server that was given keeps its own log")
    mark = secrets.token_hex(8)
    with psycopg.connect(settings.url_for(Role.ANALYST), autocommit=True) as analyst:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("set log_statement = 'none'")
        analyst.execute(f"select '{mark}\n'")  # type: ignore[arg-type]
        analyst.execute("select %s::text", [mark])
    text = own.read_text(errors="replace")
    log.write_text(text)
    analysts.collect(settings)
    asked = [each for each in noted(admin) if mark in each]
    assert asked == [f"select '{mark}\n'"]
