"""What every test stands on is the same for each: a database that is rewound equals one that was copied."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.dbt_project.raw_rows import add_connections, inbound, mail
from tests.template import ROOT, Template, copy_kept, made_of
from warehouse.settings import Role, Settings

TABLES = """
    select namespaces.nspname, classes.relname
    from pg_class as classes
    inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
    where classes.relkind = 'r' and classes.relpersistence = 'p'
        and namespaces.nspname not in ('pg_catalog', 'information_schema', 'test_pristine')
    order by 1, 2
"""


def everything(settings: Settings) -> dict[str, Any]:
    """Every row and every sequence, and who the database is."""
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        held: dict[str, Any] = {
            f"{schema}.{name}": admin.execute(
                sql.SQL(
                    "select count(*), sum(hashtextextended(each::text, 0)) from {} as each"
                ).format(sql.Identifier(schema, name))
            ).fetchone()
            for schema, name in admin.execute(TABLES).fetchall()
        }
        held["sequences"] = admin.execute(
            "select schemaname, sequencename, last_value from pg_sequences order by 1, 2"
        ).fetchall()
        held["database"] = admin.execute(
            "select oid from pg_database where datname = current_database()"
        ).fetchone()
    assert len(held) > 50
    return held


def without_name(held: dict[str, Any]) -> dict[str, Any]:
    """Whether it was rewound or copied is no matter here."""
    return {name: rows for name, rows in held.items() if name != "database"}


@pytest.fixture
def copied(template: Template, settings: Settings) -> Iterator[dict[str, Any]]:
    """All that a fresh copy holds."""
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute("create table public.altered ()")
    template.clone()
    yield everything(settings)
    template.clone()


def test_what_was_written_is_gone_and_what_was_there_is_back(
    copied: dict[str, Any], template: Template, settings: Settings, fold_now: Callable[[], int]
) -> None:
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        add_connections(admin)
        inbound(1, media=1).insert(admin)
        mail(1).insert(admin)
        assert fold_now() > 0
        admin.execute(
            "insert into crm.customers (customer_id, name, created_by) values ('a', 'A', 'test')"
        )
        admin.execute("delete from staging.channels where channel = 'gmail'")
        admin.execute("update canonical.fold_state set fold = fold + 100")
    written = everything(settings)
    assert len([name for name in copied if written[name] != copied[name]]) > 10
    template.clone()
    # Rewound or copied: the same.
    assert without_name(everything(settings)) == without_name(copied)


def test_a_session_that_folds_goes_on_after_it(
    copied: dict[str, Any], template: Template, settings: Settings, fold_now: Callable[[], int]
) -> None:
    for number in range(3):
        with psycopg.connect(settings.admin_url, autocommit=True) as admin:
            add_connections(admin)
            inbound(number).insert(admin)
            fold_now()
            assert admin.execute("select count(*) from marts.messages").fetchone() == (1,)
        template.clone()
    assert without_name(everything(settings)) == without_name(copied)


def test_a_forgotten_session_is_ended(
    copied: dict[str, Any], template: Template, settings: Settings
) -> None:
    with psycopg.connect(settings.url_for(Role.APP)) as forgotten:
        forgotten.execute("select from crm.customers")
        template.clone()
        with pytest.raises(psycopg.OperationalError):
            forgotten.execute("select")
    assert without_name(everything(settings)) == without_name(copied)


@pytest.mark.parametrize(
    "command",
    [
        "create view marts.own as select 1 as one",
        "drop view marts.quarantine cascade",
        "alter table crm.customers add column more text",
        "grant select on crm.customers to crm_analyst",
        "comment on table crm.customers is 'another'",
        "analyze crm.customers",
    ],
)
def test_what_cannot_be_rewound_is_copied(
    command: str, copied: dict[str, Any], template: Template, settings: Settings
) -> None:
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute(
            "insert into crm.customers (customer_id, name, created_by)"
            " select number::text, 'A', 'test' from generate_series(1, 300) as number"
        )
        admin.execute(command)
    template.clone()
    now = everything(settings)
    assert now.pop("database") != copied.pop("database")
    assert now == copied


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("warehouse/migrations/0001-schemas.sql", True),
        ("dbt_project/seeds/channels.csv", True),
        ("dbt_project/macros/fold.sql", True),
        ("pipelines/gmail.py", True),
        ("requirements.lock", True),
        ("media/sniff.py", False),
        ("app/read.py", False),
        ("README.md", False),
    ],
)
def test_a_template_is_named_by_what_it_is_made_of(name: str, counts: bool, tmp_path: Path) -> None:
    for folder in ("warehouse", "dbt_project", "pipelines", "transform"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in (name, "requirements.lock"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / file, tmp_path / file)
    before = made_of(tmp_path)
    assert made_of(tmp_path) == before
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert (made_of(tmp_path) != before) is counts


def test_two_runs_at_once_make_one_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The making itself is played here: what matters is who does it, and what stays."""
    home, made = tmp_path / "home", tmp_path / "made"
    monkeypatch.setenv("CRM_TEST_TEMPLATES", str(home))
    for number in range(9):
        (home / f"{number:020x}").mkdir(parents=True)
    program = (
        "import sys, time; from pathlib import Path; from tests import template\n"
        "def make(kept):\n"
        "    open(sys.argv[2], 'a').write('made ')\n"
        "    time.sleep(0.5); kept.mkdir(); (kept / 'file').write_text('whole')\n"
        "template._make = make\n"
        "template.copy_kept(Path(sys.argv[1]))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / f"copy{number}"), str(made)], cwd=ROOT
        )
        for number in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert made.read_text() == "made "
    assert [(tmp_path / f"copy{number}" / "file").read_text() for number in range(3)] == [
        "whole"
    ] * 3
    copy_kept(tmp_path / "again")
    folders = [folder for folder in home.iterdir() if folder.is_dir()]
    assert len(folders) == 6
    assert home / made_of() in folders
