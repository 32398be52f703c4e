"""The dbt project: parsed once, then run, tested or compiled in this process.

A cold dbt start costs seconds, so nothing that must be quick runs dbt: it makes the models, builds them anew and tests
them. What lands is folded by the statements that dbt compiled (`transform.fold`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from transform.statements import RawTable, Statement, Statements, in_parts, portable
from warehouse.settings import Role, Settings

ROOT = Path(__file__).resolve().parent.parent
#: The models that a fold runs, in dbt's words.
FOLDED = "config.materialized:incremental config.meta.working:true"
#: A build reads everything once, so every core helps; just-in-time compilation of thousands of expressions does not.
BUILD_OPTIONS = (
    "-c jit=off -c max_parallel_workers_per_gather=3 -c min_parallel_table_scan_size=1MB"
    " -c parallel_setup_cost=10 -c parallel_tuple_cost=0.001 -c work_mem=128MB -c maintenance_work_mem=512MB"
)


class ModelsFailed(Exception):
    """The models could not be parsed, built or folded; the text is dbt's or the database's own, model by model."""


class NotPublished(ModelsFailed):
    """What was built breaks what is expected of it, or could not be checked: what served before serves on."""


@dataclass(frozen=True, kw_only=True)
class DataTest:
    """What one of dbt's data tests found."""

    name: str
    #: pass, warn, fail; error where it could not be run.
    status: str
    #: How many rows it found wrong.
    failures: int


class Models:
    """The dbt project, parsed for one build. One at a time in a process: dbt does not run twice at once in one.

    build: '' for the tables that serve; 'next' for schemas beside them.
    options: of the server, for the sessions of this work.
    """

    def __init__(
        self, settings: Settings, build: str = "", *, options: str = BUILD_OPTIONS
    ) -> None:
        self.settings = settings
        self.build_name = build
        self.options = options
        self.fingerprint = fingerprint()
        with self._environment():
            # dbt takes seconds to import, and only the programs that run it should pay.
            from dbt.cli.main import dbtRunner

            parsed = dbtRunner().invoke([*self._flags(), "parse"])
            if not parsed.success:
                raise ModelsFailed(f"the models could not be parsed: {parsed.exception}")
            manifest: Any = parsed.result
            self.manifest = manifest
            self._runner: Any = dbtRunner(manifest=manifest)

    def run(self, *, whole: bool = False) -> None:
        """Make every seed and view, and take what is new into the tables; or build them `whole`, from all of raw.

        Raises:
            ModelsFailed: names each model that failed.
        """
        self.invoke("seed")
        self.invoke("run", *(["--full-refresh"] if whole else []))

    def data_tests(self) -> list[DataTest]:
        """Run dbt's data tests on what stands, one at a time; failures are no exception here.

        Raises:
            ModelsFailed: none was run.
        """
        outcome = self._outcome("test", "--select", "test_type:data", "--threads", "1")
        results = list(outcome.result or [])
        if not results:
            raise ModelsFailed(str(outcome.exception))
        return [
            DataTest(
                name=result.node.name, status=str(result.status), failures=result.failures or 0
            )
            for result in results
        ]

    def compile(self) -> Statements:
        """The statements of a fold, as dbt compiles them from models that stand.

        Raises:
            ModelsFailed: names each model that could not be compiled.
        """
        compiled = {
            result.node.unique_id: result.node
            # Without the tests of these models, which are no part of a fold.
            for result in self.invoke(
                "compile", "--indirect-selection", "empty", "--select", *FOLDED.split()
            )
            if result.node.resource_type == "model"
        }
        ordered = _in_order(compiled)
        database = next(iter(compiled.values())).database
        return Statements(
            models=tuple(
                Statement(
                    name=node.alias,
                    parts=in_parts(portable(node.compiled_code, database)),
                    is_working=bool(node.config.meta.get("working")),
                    forget=node.config.meta.get("forget", ""),
                    forget_key=node.config.meta.get("forget_key", ""),
                    reads=tuple(
                        compiled[parent].alias
                        for parent in node.depends_on.nodes
                        if parent in compiled and compiled[parent].config.meta.get("working")
                    ),
                )
                for node in ordered
            ),
            raw_tables=tuple(
                RawTable(
                    schema=source.schema,
                    name=source.identifier,
                    channel=source.source_name.removeprefix("raw").removeprefix("_"),
                    is_accounted=bool((source.config.meta or {}).get("accounted", True)),
                )
                for source in sorted(self.manifest.sources.values(), key=lambda s: s.unique_id)
                if source.source_name == "raw" or source.source_name.startswith("raw_")
            ),
        )

    def invoke(self, *arguments: str) -> list[Any]:
        """Run a dbt command; returns its results.

        Raises:
            ModelsFailed: names each node that failed.
        """
        outcome = self._outcome(*arguments)
        results: Any = outcome.result or []
        if outcome.success:
            return list(results)
        failed = [
            f"{result.node.name}: {_first_words(result.message)}"
            for result in results
            if result.status in ("error", "fail", "runtime error")
        ]
        raise ModelsFailed("; ".join(failed) or str(outcome.exception))

    def _outcome(self, *arguments: str) -> Any:
        with self._environment():
            return self._runner.invoke(
                [
                    *self._flags(),
                    *arguments,
                    "--project-dir",
                    str(ROOT),
                    "--profiles-dir",
                    str(ROOT),
                ]
            )

    def _flags(self) -> list[str]:
        return [
            "--quiet",
            "--log-level",
            "error",
            "--log-level-file",
            "none",
            "--no-write-json",
            "--no-partial-parse",
        ]

    @contextmanager
    def _environment(self) -> Iterator[None]:
        """What profiles.yml and the macros read; the former values come back afterwards."""
        given = environment(self.settings, self.build_name) | {"PGOPTIONS": self.options}
        former = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for name, value in former.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def environment(settings: Settings, build: str = "") -> dict[str, str]:
    """The variables that dbt needs for a warehouse. The password's name keeps it out of dbt's logs."""
    parts = urlsplit(settings.url_for(Role.TRANSFORMER))
    query = parse_qs(parts.query)
    return {
        "CRM_DBT_HOST": query.get("host", [parts.hostname or "127.0.0.1"])[0],
        "CRM_DBT_PORT": query.get("port", [str(parts.port or 5432)])[0],
        "CRM_DBT_USER": unquote(parts.username or ""),
        "DBT_ENV_SECRET_CRM_PASSWORD": unquote(parts.password or ""),
        "CRM_DBT_DATABASE": parts.path.lstrip("/"),
        "CRM_DBT_BUILD": build,
        "DBT_TARGET_PATH": str(settings.data_dir / "dbt" / f"target{build}"),
        "DBT_LOG_PATH": str(settings.data_dir / "dbt" / "logs"),
        "DBT_PROJECT_DIR": str(ROOT),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PGOPTIONS": BUILD_OPTIONS,
    }


def fingerprint() -> str:
    """The hash of every file that makes the models: where another one stands in the warehouse, all is built anew."""
    digest = hashlib.sha256()
    for file in made_of():
        digest.update(f"{file.relative_to(ROOT).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def made_of() -> list[Path]:
    """The files of the dbt project but its tests and what says which page reads what: neither another test nor a new
    page makes other tables."""
    project = ROOT / "dbt_project"
    files = [ROOT / "dbt_project.yml", *sorted(project.rglob("*.*"))]
    return [
        file
        for file in files
        if file.is_file()
        and file.name != "_exposures.yml"
        and project / "tests" not in file.parents
    ]


def _in_order(nodes: dict[str, Any]) -> list[Any]:
    """Each node behind those that it depends on."""
    ordered: dict[str, Any] = {}

    def place(name: str) -> None:
        if name in ordered or name not in nodes:
            return
        for parent in nodes[name].depends_on.nodes:
            place(parent)
        ordered[name] = nodes[name]

    for name in sorted(nodes):
        place(name)
    return list(ordered.values())


def _first_words(message: str | None) -> str:
    """dbt's message without the trace of macros behind it, short enough for a banner."""
    return " ".join((message or "").split("\n  > in macro")[0].split())[:300]
