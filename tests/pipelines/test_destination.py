"""The history tables stand before anything is pulled, and guard what is in them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pipelines import prepared
from pipelines.destination import prepare_all
from pipelines.pull import pull
from pipelines.twilio_sms import Messages
from providers.failures import ProviderFailed
from tests.pipelines.conftest import Twilio
from warehouse.channels import registry
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]


def test_every_table_has_its_key_its_transaction_id_and_its_indexes(
    settings: Settings, admin: Database
) -> None:
    prepare_all(settings)
    tables = {
        f"{schema}.{table}": (columns, definitions)
        for schema, table, columns, definitions in admin.execute(
            """
            select
                schemaname, tablename,
                array(
                    select column_name::text from information_schema.columns
                    where table_schema = schemaname and table_name = tablename
                ),
                array(select indexdef from pg_indexes where pg_indexes.schemaname = pg_tables.schemaname
                    and pg_indexes.tablename = pg_tables.tablename)
            from pg_tables where schemaname = any(%s) and tablename not like '\\_dlt%%'
            """,
            [[channel.history_schema for channel in registry().values() if channel.pulls]],
        )
    }
    assert set(tables) == {
        "raw_twilio_sms.messages",
        "raw_twilio_sms.removals",
        "raw_gmail.messages",
        "raw_gmail.changes",
        "raw_gmail.send_as",
        "raw_twilio_voice.calls",
        "raw_twilio_voice.recordings",
        "raw_twilio_voice.transcriptions",
        "raw_twilio_voice.removals",
        "raw_messenger.messages",
        "raw_instagram.messages",
    }
    for columns, definitions in tables.values():
        assert {"connection_id", "transaction_id", "_dlt_id", "_dlt_load_id"} <= set(columns)
        assert any("UNIQUE" in one and "(connection_id, " in one for one in definitions)
        assert any("(transaction_id)" in one for one in definitions)


def test_preparing_again_changes_nothing_and_waits_for_no_reader(
    settings: Settings, admin: Database
) -> None:
    with psycopg.connect(settings.url_for(Role.ADMIN)) as reader:
        reader.execute("select count(*) from raw_gmail.messages")
        started = time.monotonic()
        prepare_all(settings)
        # The reader stays for ever.
        assert time.monotonic() - started < 20


def test_a_start_makes_only_what_does_not_stand(
    settings: Settings, admin: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, as at a start: what stands costs no import of dlt."""
    monkeypatch.setenv("CRM_DATABASE_URL", settings.admin_url)
    monkeypatch.setenv("CRM_MASTER_KEY", settings.master_keys[0])
    monkeypatch.setenv("CRM_DATA_DIR", str(settings.data_dir))
    prepare_all(settings)
    left = settings.data_dir / "dlt" / "gmail_1" / "load" / "loaded" / "1" / "texts.parquet"
    left.parent.mkdir(parents=True)
    left.touch()
    asked = (
        "import sys; from operations.runtime.prepare import histories; from warehouse.settings import Settings;"
        "histories(Settings()); print('dlt' in sys.modules)"
    )

    def imports_dlt() -> bool:
        done = subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip() == "True"

    assert not imports_dlt()
    assert not left.exists()
    # Made by another version: made again, and then they stand.
    admin.execute("comment on schema raw_gmail is 'Its tables were made by another'")
    assert imports_dlt()
    assert prepared.stand(settings)


def test_the_transformer_may_read_and_the_receiver_may_not(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.TRANSFORMER)) as database:
        assert database.execute("select count(*) from raw_gmail.messages").fetchone() == (0,)
    with (
        psycopg.connect(settings.url_for(Role.RECEIVER)) as database,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        database.execute("select 1 from raw_gmail.messages")


def test_a_row_gets_the_transaction_that_inserted_it(
    settings: Settings, admin: Database, twilio: Twilio, connect: Callable[..., str]
) -> None:
    twilio.answers["/Messages.json"] = [
        (200, {}, {"messages": [{"sid": "SM" + "1" * 32, "date_sent": None, "num_media": "0"}]})
    ]
    before = admin.execute("select pg_snapshot_xmin(pg_current_snapshot())").fetchone()
    pull(settings, connect("twilio_sms", twilio.keys))
    after = admin.execute("select pg_snapshot_xmax(pg_current_snapshot())").fetchone()
    assert before
    assert after
    assert admin.execute(
        "select transaction_id >= %s::xid8 and transaction_id < %s::xid8 from raw_twilio_sms.messages",
        [str(before[0]), str(after[0])],
    ).fetchall() == [(True,)]


def test_a_changed_type_stops_the_pull_and_names_the_column(
    settings: Settings,
    admin: Database,
    twilio: Twilio,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twilio.answers["/Messages.json"] = [
        (200, {}, {"messages": [{"sid": "SM" + "1" * 32, "date_sent": None, "num_media": "0"}]})
    ]
    connection = connect("twilio_sms", twilio.keys)
    made = Messages.versions
    monkeypatch.setattr(
        Messages,
        "versions",
        lambda self, listed: [row | {"sent_at": "no time at all"} for row in made(self, listed)],
    )
    with pytest.raises(ProviderFailed, match=r"messages\.sent_at") as failure:
        pull(settings, connection)
    assert "no time at all" not in str(failure.value)
    assert admin.execute("select count(*) from raw_twilio_sms.messages").fetchone() == (0,)
    monkeypatch.undo()
    assert pull(settings, connection).rows["messages"] == 1


def test_dlt_neither_reports_home_nor_imports_streamlit_nor_pandas_in_a_pull() -> None:
    program = (
        "import sys, tempfile, worker.lean, pipelines.pull, dlt\n"
        "from dlt.destinations import postgres\n"
        "made = dlt.pipeline('x', destination=postgres('postgresql://a:b@127.0.0.1:1/x'), pipelines_dir=tempfile.mkdtemp())\n"
        "from dlt.common.runtime.run_context import active\n"
        "print('streamlit' in sys.modules, 'pandas' in sys.modules, active().runtime_config.dlthub_telemetry)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "False", "False"]
