"""`./crm dbt`: dbt's own commands on a warehouse that serves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import add_connections, mail
from tests.operations.conftest import Crm
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(autouse=True)
def _parsed_before(warehouse: Settings, kept: Path) -> None:
    """dbt keeps what it has parsed, as between the commands of somebody at work."""
    warehouse.data_dir.mkdir(parents=True, exist_ok=True)
    (warehouse.data_dir / "dbt").symlink_to(kept)


def test_docs_describe_what_serves(crm: Crm, warehouse: Settings) -> None:
    status, out, err = crm("dbt", "docs", "generate", "--no-compile")
    assert status == 0, out + err
    catalog = json.loads((warehouse.data_dir / "dbt" / "target" / "catalog.json").read_text())
    messages = catalog["nodes"]["model.correspondence.marts_messages"]
    assert messages["metadata"]["schema"] == "marts"
    assert messages["metadata"]["comment"].startswith("One row per message")
    assert "stable under rebuild" in messages["columns"]["message_id"]["comment"]


def test_a_run_leaves_what_landed_to_the_fold(
    crm: Crm,
    warehouse: Settings,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
) -> None:
    add_connections(admin)
    mail(1).insert(admin)
    fold_now()
    mail(2).insert(admin)
    status, out, err = crm("dbt", "run", "--select", "stg_gmail__history_copies+")
    assert status == 0, out + err
    count = "select count(*) from marts.messages"
    assert admin.execute(count).fetchone() == (1,)
    fold_now()
    assert admin.execute(count).fetchone() == (2,)


def test_what_a_lone_view_took_with_it_is_named(crm: Crm, warehouse: Settings) -> None:
    status, _, err = crm("dbt", "run", "--select", "stg_gmail__history_copies")
    assert status == 1
    assert "canonical.message_copies" in err
    assert "./crm rebuild" in err


def test_a_full_refresh_is_refused(crm: Crm, warehouse: Settings) -> None:
    status, _, err = crm("dbt", "run", "--full-refresh")
    assert status == 2
    assert "./crm rebuild" in err


def test_what_dbt_does_not_know_is_its_own_complaint(crm: Crm, warehouse: Settings) -> None:
    status, out, err = crm("dbt", "bild")
    assert status == 2
    assert "No such command" in out + err
