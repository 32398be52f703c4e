"""`./crm validate` and what it stops: each suite fails by its rule and key, and what breaks a critical rule is not published."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.operations.conftest import Crm
from tests.quality.planted import FAULTS, SECRET_WORDS, land, plant
from transform.models import Models
from warehouse.health import Watch, judge
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]


def test_each_suite_names_rule_and_key_of_a_fault_of_its_kind(
    crm: Crm, warehouse: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    land(admin, fold_now)
    keys = plant(admin)
    status, out, err = crm("validate", "--json")
    assert status == 1, err
    document = json.loads(out)
    suites = {each["suite"]: each for each in document["suites"]}
    assert {fault.suite for fault in FAULTS} == suites.keys(), "a suite without a fault of its kind"
    found, expected = {}, {}
    for fault in FAULTS:
        checks = [check for check in suites[fault.suite]["checks"] if check["status"] != "pass"]
        # The other rules of the suite hold: what is sound is not called wrong.
        found[fault.suite] = [
            (check["rule"], check["severity"], check["status"]) for check in checks
        ]
        expected[fault.suite] = [(fault.rule, fault.severity, "fail")]
        assert not checks or keys[fault] in checks[0]["keys"], (fault.suite, checks)
    assert found == expected
    # The sentence names a suite, its rule and a key; the page reads the same.
    assert "rule" in err
    assert "raw" in err or "marts" in err
    failed = admin.execute(
        "select suite, rule, keys from jobs.data_checks where status <> 'pass'"
    ).fetchall()
    assert {(suite, rule) for suite, rule, _ in failed} == {
        (each.suite, each.rule) for each in FAULTS
    }
    # Neither the table nor the documents hold a word, a number or an address of anybody, or a way in.
    docs = warehouse.data_dir / "quality" / "docs"
    assert (docs / "index.html").exists()
    assert docs.parent.stat().st_mode & 0o077 == 0
    written = out + str(failed) + "".join(page.read_text() for page in docs.rglob("*.html"))
    assert "It is of a kind that pages know" in written
    secret = warehouse.role_password(Role.CHECKER)
    for hidden in (SECRET_WORDS, "91570006", "sam@example.org", "Sam Example", secret):
        assert hidden not in written, hidden
    # Who opens them asks nobody.
    for page in docs.rglob("*.html"):
        assert 'src="http' not in page.read_text()
        assert 'rel="stylesheet" href="http' not in page.read_text()


def test_what_breaks_a_critical_rule_is_not_published(
    crm: Crm,
    warehouse: Settings,
    admin: Database,
    fold_now: Callable[[], int],
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Raw is lost, and a rebuild would empty the screen: the last good marts stay on it."""
    land(admin, fold_now)
    shown = "select * from marts.messages order by message_id"
    before = admin.execute(shown).fetchall()
    assert len(before) > 8
    admin.execute("delete from raw.webhook_deliveries where channel <> 'gmail'")
    # The project is parsed once for all tests.
    monkeypatch.setattr("transform.build.Models", lambda *_: models)
    status, _out, err = crm("rebuild", "--json")
    assert status == 1
    assert "what was built is not published, and what served before serves on" in err
    assert 'the rule "It holds at least nine tenths of what serves", for example' in err
    assert admin.execute(shown).fetchall() == before
    # Nothing of it is left beside, and the health page says so.
    assert admin.execute("select to_regclass('canonical_next.messages')").fetchone() == (None,)
    with psycopg.connect(warehouse.url_for(Role.APP)) as app:
        (found,) = [
            each
            for each in judge(Watch().facts(app, warehouse.zone))
            if each.what == "not_published"
        ]
    assert found.kind == "bad"
    assert "built beside, " in found.words
