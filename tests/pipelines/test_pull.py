"""A pull survives kill -9, never overlaps with another, and says in words what went wrong."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import psycopg
import pyarrow.parquet as pq
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from psycopg import sql

from pipelines import pull as pull_module
from pipelines.destination import prepare_all
from pipelines.pull import main, pull
from pipelines.results import PullUnderWay
from providers.failures import ProviderFailed, TryLater
from simulator.server import Simulator
from tests.long_form import LONG
from tests.pipelines.programs import start
from warehouse import connections
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
#: Small steps, so that a short history takes many of them.
SMALL_STEPS = """
import sys
from pipelines import gmail_steps, pull, twilio_sms
from providers.google import client as gmail_api
from providers.twilio import client as twilio_api
gmail_api.BATCH_SIZE = 10
gmail_steps.STEP_SECONDS = gmail_steps.FIRST_STEP_SECONDS = twilio_sms.STEP_SECONDS = 0.0
twilio_api.PAGE_SIZE = 10
raise SystemExit(pull.main(sys.argv[1:]))
"""
CONTENT = {
    "gmail": "select id, raw_sha256 from raw_gmail.messages where connection_id = %s order by 1, 2",
    "twilio_sms": "select sid, version from raw_twilio_sms.messages where connection_id = %s order by 1, 2",
}


@pytest.mark.parametrize("channel", ["gmail", "twilio_sms"] if LONG else ["twilio_sms"])
def test_kill_9_at_any_moment_neither_doubles_nor_loses(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    tmp_path: Path,
    channel: str,
) -> None:
    killed, whole = (connect(channel, provider.accounts[channel]) for _ in range(2))
    log = tmp_path / "pull.log"
    partly = 0
    for attempt in range(30):
        process = start(settings, ["-c", SMALL_STEPS, killed], log)
        try:
            # Moments from the first requests on to the middle of a load.
            # Later ones wait longer and longer: what is left is soon done, also on a busy machine.
            moment = (0.2 + 0.15 * attempt) * 1.25 ** max(0, attempt - (15 if LONG else 4))
            assert process.wait(moment) == 0, log.read_text()
            break
        except Exception as error:
            if isinstance(error, AssertionError):
                raise
            process.kill()
            process.wait()
            partly += 1
    else:
        pytest.fail("the pull never came to its end")
    assert partly
    pull(settings, whole)
    loaded = admin.execute(CONTENT[channel], [killed]).fetchall()
    assert loaded == admin.execute(CONTENT[channel], [whole]).fetchall()
    assert len(loaded) == len({key for key, _ in loaded}) > 30
    assert not any(pull(settings, killed).rows.values())


def test_a_package_that_a_crash_left_broken_is_dropped_and_pulled_again(
    settings: Settings,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    whole, broken = dlt.Pipeline.load, 0

    def load(self: dlt.Pipeline) -> Any:
        nonlocal broken
        if broken < 2:
            broken += 1
            cause = OSError(errno.ENOTEMPTY, "Directory not empty")
            raise PipelineStepFailed(self, "load", "1", cause) from cause
        return whole(self)

    monkeypatch.setattr(dlt.Pipeline, "load", load)
    with pytest.raises(ProviderFailed, match="load failed .*ENOTEMPTY") as failed:
        pull(settings, connection)
    assert not isinstance(failed.value, TryLater)
    assert pull(settings, connection).rows["messages"] > 30
    assert broken == 2


def test_a_pull_that_finds_no_free_session_is_tried_later(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    """The limit of its role, which other pulls have reached."""
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    role = sql.Identifier(Role.LOADER)
    (limit,) = admin.execute(
        "select rolconnlimit from pg_roles where rolname = %s", [Role.LOADER]
    ).fetchone() or (0,)
    admin.execute(sql.SQL("alter role {} connection limit 1").format(role))
    try:
        with pytest.raises(TryLater, match="the warehouse is away"):
            pull(settings, connection)
    finally:
        admin.execute(sql.SQL("alter role {} connection limit {}").format(role, limit))
    assert pull(settings, connection).rows["messages"] > 30


def test_another_machine_goes_on_from_the_warehouse(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    connection = connect("gmail", provider.accounts["gmail"])
    pull(settings, connection)
    shutil.rmtree(settings.data_dir / "dlt")
    provider.message(channel="gmail", sender="sam@example.com", body="hello")
    assert pull(settings, connection).rows == {"changes": 1, "messages": 1, "send_as": 0}


def test_two_pulls_of_one_connection_never_overlap(
    settings: Settings,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    monkeypatch.setattr(pull_module, "LOCK_SECONDS", 0.2)
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as other:
        other.execute(pull_module.SQL["lock"], {"name": f"pull {connection}"})
        with pytest.raises(PullUnderWay):
            pull(settings, connection)
    assert pull(settings, connection).rows["messages"] > 30


def test_a_load_asks_for_a_refresh_and_an_idle_pull_does_not(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    admin.execute("listen crm_loaded")
    pull(settings, connection)
    assert [note.payload for note in admin.notifies(timeout=30, stop_after=1)] == ["twilio_sms"]
    pull(settings, connection)
    assert list(admin.notifies(timeout=0.2)) == []


def test_a_failed_load_is_loaded_by_the_next_pull(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    with psycopg.connect(settings.url_for(Role.ADMIN)) as blocker:
        # The table can be read but not written while the package is loaded: that runs into its limit.
        blocker.execute("lock table raw_twilio_sms.messages in exclusive mode")
        admin.execute("alter role crm_loader set lock_timeout = '200ms'")
        try:
            with pytest.raises(ProviderFailed) as failure:
                pull(settings, connection)
        finally:
            admin.execute("alter role crm_loader reset lock_timeout")
    assert "twilio_sms" in str(failure.value)
    pull(settings, connection)
    assert admin.execute(
        "select count(*), count(distinct sid) from raw_twilio_sms.messages where connection_id = %s",
        [connection],
    ).fetchall() == [(provider.state()["twilio_sms"],) * 2]


def test_what_is_loaded_stays_in_no_file(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    """Neither after a load, nor after one that failed and was taken up again, nor what former versions left."""
    secret = "the code of the safe is 7391-kestrel"

    def files_with_it() -> list[Path]:
        files = [file for file in settings.data_dir.rglob("*") if file.is_file()]
        return [
            file
            for file in files
            # A Parquet file is packed.
            if secret in (str(pq.read_table(file).to_pylist()) if file.suffix == ".parquet" else "")
            or secret.encode() in file.read_bytes()
        ]

    provider.message(channel="twilio_sms", sender="+61491570110", body=secret)
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    held = "select count(*) from raw_twilio_sms.messages where payload ->> 'body' = %s"
    with psycopg.connect(settings.url_for(Role.ADMIN)) as blocker:
        blocker.execute("lock table raw_twilio_sms.messages in exclusive mode")
        admin.execute("alter role crm_loader set lock_timeout = '200ms'")
        try:
            with pytest.raises(ProviderFailed):
                pull(settings, connection)
        finally:
            admin.execute("alter role crm_loader reset lock_timeout")
    assert files_with_it(), "the package waits for the next pull"
    pull(settings, connection)
    assert admin.execute(held, [secret]).fetchone() == (1,)
    assert files_with_it() == []
    left = settings.data_dir / "dlt" / "twilio_sms_gone" / "load" / "loaded" / "1.5"
    left.mkdir(parents=True)
    (left / "messages.1.insert_values").write_text(secret)
    prepare_all(settings)
    assert files_with_it() == []
    pull(settings, connection)
    other = connect("twilio_sms", provider.accounts["twilio_sms"])
    pull(settings, other)
    assert admin.execute(held, [secret]).fetchone() == (2,)
    assert files_with_it() == []


def test_an_extract_that_fails_moves_no_cursor(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connect("gmail", provider.accounts["gmail"])
    pull(settings, connection)
    made = provider.message(channel="gmail", sender="sam@example.com", body="not to be lost")
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.gmail_rows.references", lambda envelope: 1 / 0)
        with pytest.raises(ProviderFailed, match="ZeroDivisionError"):
            pull(settings, connection)
    assert pull(settings, connection).rows["messages"] == 1
    assert admin.execute(
        "select body_text from raw_gmail.messages where id = %s", [made["id"]]
    ).fetchall() == [("not to be lost",)]


def test_a_disabled_and_an_unknown_connection_are_not_pulled(
    settings: Settings, admin: Database, provider: Simulator, connect: Callable[..., str]
) -> None:
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    connections.set_disabled(admin, connection, disabled=True)
    with pytest.raises(ProviderFailed, match="disabled"):
        pull(settings, connection)
    with pytest.raises(ProviderFailed, match="no connection"):
        pull(settings, "0" * 16)
    with pytest.raises(ValueError, match="aware"):
        pull(settings, connection, since=datetime(2026, 1, 1))


def test_a_channel_without_history_is_not_pulled_and_says_why(
    settings: Settings, admin: Database, connect: Callable[..., str], tmp_path: Path
) -> None:
    keys = ("app_secret", "access_token", "phone_number_id", "business_account_id")
    connection = connect("whatsapp", dict.fromkeys(keys, "invented"))
    with pytest.raises(ProviderFailed, match="whatsapp cannot be pulled: WhatsApp has no history"):
        pull(settings, connection)
    log = tmp_path / "backfill.log"
    assert start(settings, ["-m", "operations", "backfill", connection], log).wait(60) == 2
    assert "whatsapp cannot be pulled: WhatsApp has no history" in " ".join(log.read_text().split())
    assert admin.execute("select count(*) from jobs.connection_health").fetchone() == (0,)


def test_two_connections_of_a_channel_may_be_pulled_at_once(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    tmp_path: Path,
) -> None:
    made = [connect("gmail", provider.accounts["gmail"]) for _ in range(3)]
    processes = [start(settings, ["-m", "pipelines.pull", one], tmp_path / "log") for one in made]
    assert [process.wait(60) for process in processes] == [0, 0, 0], (tmp_path / "log").read_text()
    contents = [admin.execute(CONTENT["gmail"], [one]).fetchall() for one in made]
    assert contents[0] == contents[1] == contents[2]
    assert len(contents[0]) > 30


def test_the_command_says_what_it_loaded_and_what_is_wrong(
    settings: Settings,
    provider: Simulator,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pull_module, "Settings", lambda: settings)
    connection = connect("twilio_sms", provider.accounts["twilio_sms"])
    assert main([connection, "--since", "2020-01-01"]) == 0
    assert " messages, 0 removals in " in capsys.readouterr().out
    assert main(["0" * 16]) == 1
    assert "no connection" in capsys.readouterr().err
