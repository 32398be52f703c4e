"""One look at the data: which suites, tried by Great Expectations, their answers written down.

The library reads through a session that can change nothing, gets no value to keep (its results and its documents hold
keys alone), and has no telemetry to send: this process opens no connection but libpq's (`quality/__main__.py`).
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from quality import suites
from quality.datasets import Look
from quality.docs import without_the_web
from quality.starting import Run, failing
from quality.suites import Rule, Suite
from warehouse.channels import registry
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("quality")
#: So many rows of a dataset, the newest: after a load and before a swap everybody waits, by night nobody.
MOST = {"load": 20_000, "build": 20_000, "night": 200_000, "hand": 200_000}
KEYS = 20
SESSION = (
    "-c default_transaction_read_only=on -c statement_timeout=300000 -c jit=off -c work_mem=64MB"
    " -c max_parallel_workers_per_gather=0 -c application_name=crm_checks"
)
#: Keys, and how many: no value goes into a result.
RESULT_FORMAT = {
    "result_format": "SUMMARY",
    "unexpected_index_column_names": ["key"],
    "partial_unexpected_count": KEYS,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """The answer to one rule."""

    rule: str
    severity: str
    #: pass, fail; error where it could not be tried.
    status: str
    failures: int = 0
    keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The answers of one suite."""

    suite: str
    about: str
    rows: int
    checks: list[Check]


def check(settings: Settings, run: Run, channels: Sequence[str] = ()) -> dict[str, Any]:
    """Look, and write down what was found.

    Args:
        channels: only what is expected of these; all, where none is named.

    Returns:
        `{"run", "suites": [{suite, about, rows, checks: [{rule, severity, status, failures, keys}]}]}`
    """
    with psycopg.connect(settings.url_for(Role.CHECKER), autocommit=True) as database:
        row = database.execute(SQL["horizon"]).fetchone()
        assert row is not None
        horizon = str(row[0])
        chosen, unchanged = _chosen(database, settings, run, channels, horizon)
        checked = _tried(settings, chosen, has_docs=run in ("night", "hand")) if chosen else []
        with database.transaction():
            _write(database, run, chosen, checked, horizon)
            for suite in unchanged:
                database.execute(SQL["note_until"], {"suite": suite.name, "until": horizon})
    return {"run": run, "suites": [asdict(each) for each in checked]}


def _chosen(
    database: psycopg.Connection[Any],
    settings: Settings,
    run: Run,
    channels: Sequence[str],
    horizon: str,
) -> tuple[list[tuple[Suite, Look]], list[Suite]]:
    """What is looked at, and how far; and what would be, were anything new in it."""
    if run == "build":
        look = Look(most=MOST[run], zone=settings.timezone, build="_next")
        return [(each, look) for each in (suites.compared(), *suites.of_marts("_next"))], []
    known = dict(database.execute(SQL["looked_at"]).fetchall())
    chosen: list[tuple[Suite, Look]] = []
    unchanged: list[Suite] = []
    for channel in registry().values():
        if channels and channel.channel not in channels:
            continue
        standing = _standing(database, channel.history_schema)
        for suite in suites.of_channel(channel):
            if any(table not in standing and table[0] != "raw" for table in suite.dataset.tables):
                # Never pulled: its tables are made with the first pull.
                continue
            look = Look(most=MOST[run], zone=settings.timezone)
            if run == "load":
                since = known.get(suite.name, "0")
                # Progress that lies in the future is another cluster's: after a restore it begins anew.
                since = since if int(since) <= int(horizon) else "0"
                look = Look(since=since, until=horizon, most=MOST[run], zone=settings.timezone)
                if not suite.dataset.has_new(database, look):
                    unchanged.append(suite)
                    continue
            chosen.append((suite, suite.dataset.narrowed(database, look)))
    if run != "load" and not channels:
        look = Look(most=MOST[run], zone=settings.timezone)
        chosen += [(each, look) for each in (suites.volumes(), *suites.of_marts())]
    return chosen, unchanged


def _standing(database: psycopg.Connection[Any], schema: str) -> set[tuple[str, str]]:
    rows = database.execute(SQL["histories"], {"schema": schema}).fetchall()
    return {(schema, name) for (name,) in rows}


def _tried(
    settings: Settings, chosen: Iterable[tuple[Suite, Look]], *, has_docs: bool
) -> list[Checked]:
    """The answers of Great Expectations."""
    # Before it is imported: it reads these then.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["TQDM_DISABLE"] = "1"
    # Here: most looks after an hour find nothing new, and need none of its seconds.
    importlib.import_module("quality.lean")
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    url = settings.url_for(Role.CHECKER)
    source = context.data_sources.add_sql(
        "warehouse",
        connection_string="postgresql+psycopg2://" + url.partition("://")[2],
        kwargs={"connect_args": {"options": SESSION}},
    )
    validations = []
    named: dict[str, Suite] = {}
    for suite, look in chosen:
        asset = source.add_query_asset(suite.name, query=suite.dataset.text(look))
        batch = asset.add_batch_definition_whole_table("rows")
        expected = context.suites.add(
            gx.ExpectationSuite(
                name=suite.name,
                expectations=[_expected(rule) for rule in suite.rules],
                meta={"about": suite.about},
            )
        )
        validations.append(
            context.validation_definitions.add(
                gx.ValidationDefinition(name=suite.name, data=batch, suite=expected)
            )
        )
        named[suite.name] = suite
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="look", validation_definitions=validations, result_format=RESULT_FORMAT)
    )
    try:
        outcome = checkpoint.run()
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
    if has_docs:
        _document(context, settings.data_dir)
    return [_answers(named[result.suite_name], result) for result in outcome.run_results.values()]


def _expected(rule: Rule) -> Any:
    """In the library's own words."""
    from great_expectations import expectations

    kind = getattr(expectations, rule.kind)
    return kind(severity=rule.severity, meta={"rule": rule.words}, **rule.given)


def _answers(suite: Suite, result: Any) -> Checked:
    rows = 0
    checks = []
    for each in result.results:
        found = each.result or {}
        rows = max(rows, int(found.get("element_count") or 0))
        config = each.expectation_config
        is_error = any(
            bool(told.get("raised_exception")) if isinstance(told, dict) else told is True
            for told in _told(each.exception_info)
        )
        keys = [
            str(key)
            for entry in found.get("partial_unexpected_index_list") or []
            # One of all keys, or one for each.
            for key in (entry["key"] if isinstance(entry["key"], list) else [entry["key"]])
        ]
        checks.append(
            Check(
                rule=config.meta["rule"],
                severity=str(getattr(config.severity, "value", config.severity)),
                status="error" if is_error else "pass" if each.success else "fail",
                failures=0 if is_error or each.success else int(found.get("unexpected_count") or 0),
                keys=[] if each.success else keys[:KEYS],
            )
        )
    return Checked(suite=suite.name, about=suite.about, rows=rows, checks=checks)


def _told(exception_info: Any) -> list[Any]:
    """One exception, or one for each metric that failed."""
    if not isinstance(exception_info, dict):
        return []
    if "raised_exception" in exception_info:
        return [exception_info]
    return list(exception_info.values())


def _document(context: Any, folder: Path) -> None:
    """Data Docs, put in the place of the former ones."""
    place = folder / "quality" / "docs"
    beside = place.with_name("docs.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    with suppress(KeyError):
        context.delete_data_docs_site("local_site")
    context.add_data_docs_site(
        site_name="data",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(beside),
            },
        },
    )
    context.build_data_docs(site_names=["data"])
    without_the_web(beside)
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)


def _write(
    database: psycopg.Connection[Any],
    run: Run,
    chosen: Sequence[tuple[Suite, Look]],
    checked: Sequence[Checked],
    horizon: str,
) -> None:
    if run == "build":
        # Only what stops a swap is told; one that was done says nothing of what serves now.
        database.execute(SQL["forget_build"])
        if not failing([asdict(each) for each in checked], "critical"):
            return
    of_loads = {suite.name for suite, _ in chosen if suite.dataset.tables}
    for each in checked:
        database.execute(
            SQL["note_suite"],
            {
                "suite": each.suite,
                "about": each.about,
                "run": run,
                "rows": each.rows,
                "until": horizon if each.suite in of_loads else None,
            },
        )
        database.execute(
            SQL["forget_rules"],
            {"suite": each.suite, "rules": [check.rule for check in each.checks]},
        )
        for check in each.checks:
            database.execute(
                SQL["note_check"],
                {"suite": each.suite, "is_new_only": run == "load", **asdict(check)},
            )
    if run == "night":
        database.execute(SQL["forget_suites"], {"suites": [each.suite for each in checked]})
