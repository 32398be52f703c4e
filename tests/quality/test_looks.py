"""What is new is looked at once, a failure stands until its rows were looked at again, and nothing but the warehouse is asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import psutil
import psycopg
import pytest

from quality.starting import NotChecked, Run, look_apart
from tests.dbt_project.raw_rows import inbound
from tests.event_loops import apart
from tests.quality.planted import land
from warehouse.health import Watch, judge
from warehouse.settings import ROOT, Role, Settings

Database = psycopg.Connection[Any]


def test_a_failure_stands_until_its_rows_are_looked_at_again(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    # The library takes seconds to import: only here.
    from quality.checking import check

    def failing(found: dict[str, Any]) -> dict[str, list[str]]:
        return {
            each["rule"]: each["keys"]
            for suite in found["suites"]
            for each in suite["checks"]
            if each["status"] != "pass"
        }

    def wrong() -> list[str]:
        with psycopg.connect(settings.url_for(Role.APP)) as app:
            return [
                each.words
                for each in judge(Watch().facts(app, settings.zone))
                if each.what == "data"
            ]

    land(admin, fold_now)
    found = check(settings, "load")
    assert failing(found) == {}
    assert {suite["suite"] for suite in found["suites"]} >= {
        "twilio_sms deliveries",
        "raw_gmail.messages",
    }
    # Nothing is new: nothing is looked at.
    assert check(settings, "load")["suites"] == []
    assert wrong() == []

    rule = "It has the key by which a retry counts as the same"
    inbound(50).insert(admin)
    admin.execute(
        "update raw.webhook_deliveries set delivery_key = '', content_type = 'application/json',"
        " transaction_id = pg_current_xact_id() where payload ->> 'MessageSid' like %s",
        [f"%{50:032x}"],
    )
    found = check(settings, "load")
    (key,) = failing(found)[rule]
    assert [suite["suite"] for suite in found["suites"]] == ["twilio_sms deliveries", "twilio_sms events"]  # fmt: skip
    assert found["suites"][0]["rows"] == 1
    (words,) = wrong()
    assert words == (
        f'The data is not as it must be: twilio_sms deliveries, 1 row breaks the rule "{rule}", for example {key}'
    )
    # What comes after it is sound, and makes it no better.
    inbound(51).insert(admin)
    admin.execute("update raw.webhook_deliveries set content_type = 'application/json' where content_type = ''")  # fmt: skip
    assert failing(check(settings, "load")) == {}
    assert len(wrong()) == 1
    # Mended, and looked at again.
    admin.execute("update raw.webhook_deliveries set delivery_key = 'k' where delivery_key = ''")
    assert rule not in failing(check(settings, "hand", ["twilio_sms"]))
    assert wrong() == []


def test_a_look_that_finds_nothing_new_is_cheap(settings: Settings) -> None:
    """As most are that are taken each hour: it does without the library, which takes seconds of a core to import."""
    program = (
        "import sys\n"
        "from quality.checking import check\n"
        "from warehouse.settings import Settings\n"
        "print(check(Settings(), 'load')['suites'], 'great_expectations' in sys.modules)\n"
    )
    environment = {**os.environ, **settings.for_program((Role.CHECKER,), ())}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "[] False\n", done.stderr


def test_the_process_asks_nobody_but_the_warehouse() -> None:
    program = (
        "import urllib.request\n"
        "from quality.__main__ import keep_inside\n"
        "keep_inside()\n"
        "urllib.request.urlopen('http://192.0.2.1/')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "the checks ask nobody but the warehouse" in done.stderr


def test_a_look_that_cannot_be_done_says_so_and_one_that_is_called_off_ends(
    settings: Settings,
) -> None:
    with pytest.raises(NotChecked, match="ended with status 2"):
        apart(lambda: look_apart(settings, cast("Run", "sometimes")))
    before = looking()

    async def called_off() -> None:
        async with asyncio.timeout(1):
            await look_apart(settings, "night")

    with pytest.raises(TimeoutError):
        apart(called_off)
    assert looking() == before


def looking() -> set[int]:
    """The processes that look at data."""
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][-2:] == ["quality", "night"]
    }


def test_what_is_destroyed_leaves_no_key_behind(settings: Settings, admin: Database) -> None:
    from privacy.destruction import finish

    admin.execute(
        "insert into jobs.data_suites (suite, about, run, rows, checked_at) values ('s', 'about', 'night', 1, now())"
    )
    admin.execute(
        "insert into jobs.data_checks (suite, rule, severity, status, failures, keys, failing_since, checked_at)"
        " values ('s', 'r', 'critical', 'fail', 1, '{twilio_sms|SM1}', now(), now())"
    )
    docs = settings.data_dir / "quality" / "docs"
    docs.mkdir(parents=True)
    (docs / "index.html").write_text("twilio_sms|SM1")
    finish(settings)
    assert not docs.exists()
    assert admin.execute("select status, failures, keys from jobs.data_checks").fetchall() == [
        ("fail", 1, [])
    ]


def test_the_checks_can_change_nothing_else(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.CHECKER), autocommit=True) as checker:
        for statement in (
            "delete from raw.webhook_deliveries",
            "select body from raw.webhook_deliveries",
            "select payload from raw.webhook_deliveries",
            "update canonical.messages set body = ''",
            "select secrets from crm.connections",
            "select * from crm.customers",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                checker.execute(statement)
