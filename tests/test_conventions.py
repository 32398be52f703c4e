"""The registry and the folders, compared: a channel that lacks a piece fails with the sentence that names it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from warehouse import bounded_http
from warehouse.channels import ROOT, Channel, registry

CHANNELS = list(registry().values())
MODELS = ROOT / "dbt_project" / "models"


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def test_the_registry_is_well_formed() -> None:
    assert CHANNELS
    for entry in CHANNELS:
        assert re.fullmatch(r"[a-z][a-z_]*", entry.channel)
        assert entry.pushes or entry.pulls, f"{entry.channel} neither pushes nor pulls"
        assert set(entry.secret_keys) <= set(entry.keys), f"{entry.channel}: a secret key is no key"
        assert set(entry.signing_keys) <= set(entry.secret_keys)
        assert entry.body_limit_bytes >= 1024 * 1024
        # Who sends a little too much hears it, and the largest that may be sent is read.
        assert entry.body_limit_bytes < bounded_http.REST_BYTES < bounded_http.REQUEST_BYTES
        assert entry.history_note


@pytest.mark.parametrize(
    "entry", [entry for entry in CHANNELS if entry.pushes], ids=lambda entry: entry.channel
)
def test_a_channel_that_pushes_has_its_receiver(entry: Channel) -> None:
    where = f"channels.csv says {entry.channel} pushes, but webhooks/{entry.channel}.py"
    assert (ROOT / "webhooks" / f"{entry.channel}.py").exists(), f"{where} is missing"
    module = importlib.import_module(f"webhooks.{entry.channel}")
    for name in ("verify", "delivery_key", "acknowledge"):
        assert callable(getattr(module, name, None)), f"{where} has no `{name}`"
    own = {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    exported = own | set(getattr(module, "__all__", ()))
    contract = {"verify", "delivery_key", "acknowledge", "certificates_url", "handshake"}
    assert exported <= contract, f"{where} exports more than the contract"
    assert "now" in inspect.signature(module.verify).parameters, f"{where}: the clock must come in"
    payloads = list((ROOT / "tests" / "payloads" / entry.channel).glob("*.json"))
    assert len(payloads) > 1, (
        f"{entry.channel} pushes, but tests/payloads/{entry.channel}/ has no recorded payloads"
    )


@pytest.mark.parametrize(
    "entry", [entry for entry in CHANNELS if entry.pulls], ids=lambda entry: entry.channel
)
def test_a_channel_that_pulls_has_its_source(entry: Channel) -> None:
    where = f"channels.csv says {entry.channel} pulls, but pipelines/{entry.channel}.py"
    assert (ROOT / "pipelines" / f"{entry.channel}.py").exists(), f"{where} is missing"
    module = importlib.import_module(f"pipelines.{entry.channel}")
    assert callable(getattr(module, "source", None)), f"{where} has no `source`"
    assert module.RESOURCES, f"{where} names no resources"
    assert "python -m pipelines.pull" in (module.__doc__ or ""), (
        f"{where}: its docstring lacks the command to run it alone"
    )
    for resource in module.RESOURCES:
        assert resource.write_disposition == {"disposition": "merge", "strategy": "insert-only"}, (
            f"{where}: {resource.name} could rewrite what was loaded"
        )


@pytest.mark.parametrize("entry", CHANNELS, ids=lambda entry: entry.channel)
def test_a_channel_has_its_staging_models(entry: Channel) -> None:
    folder = MODELS / "staging" / entry.channel
    assert (folder / f"_{entry.channel}.yml").exists(), (
        f"models/staging/{entry.channel}/_{entry.channel}.yml is missing"
    )
    described = {
        model["name"]
        for model in yaml.safe_load((folder / f"_{entry.channel}.yml").read_text())["models"]
    }
    models = {file.stem for file in folder.glob("*.sql")}
    assert models == described, (
        f"{entry.channel}: models without a description, or descriptions without a model"
    )
    assert all(name.startswith(f"stg_{entry.channel}__") for name in models)
    copies = (MODELS / "canonical" / "message_copies.sql").read_text()
    events = (MODELS / "canonical" / "events.sql").read_text()
    for name in models:
        if name.endswith("_copies"):
            assert f"ref('{name}')" in copies, (
                f"{name} is not in message_copies.sql: nobody would see its messages"
            )
        if name.endswith("_events"):
            assert f"ref('{name}')" in events, (
                f"{name} is not in events.sql: nobody would account for them"
            )
    if entry.pushes:
        assert f"stg_{entry.channel}__webhook_events" in models, (
            f"{entry.channel} pushes, but has no model of its events"
        )


def test_no_channel_is_listed_anywhere_else() -> None:
    """Python outside a channel's own modules must not name a channel: the registry does. What a provider calls its
    own interfaces stands in providers/."""
    own = re.compile(
        rf"(^|/)({'|'.join(registry())})[a-z_]*\.py$|^(simulator|tests|benchmarks|providers)/|^operations/demo|^warehouse/customer_(file|lines)"
    )
    offenders = []
    for file in tracked("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if own.search(name):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and node.value in registry():
                offenders.append(f"{name}:{node.lineno} names {node.value}")
    assert not offenders, offenders


def test_sources_are_read_in_staging_and_decisions_in_marts_only() -> None:
    for file in MODELS.glob("**/*.sql"):
        place = file.relative_to(MODELS).parts[0]
        for schema in re.findall(r"source\('(\w+)'", file.read_text()):
            if schema.startswith("raw_"):
                assert place == "staging", f"{file.name} reads {schema} outside staging"
            if schema == "raw":
                # Whether it was read again, how much was refused, when the last one came: no payload.
                known = {"marts_channel_health", "marts_quarantine", "quarantine"}
                assert place == "staging" or file.stem in known, f"{file.name} reads raw"


def test_a_page_is_short_and_holds_no_sql() -> None:
    for file in (ROOT / "app" / "pages").glob("*.py"):
        text = file.read_text()
        imports = {
            line
            for node in ast.parse(text).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        code = [line for number, line in enumerate(text.splitlines(), 1) if number not in imports]
        assert len(code) <= 84, f"{file.name} is longer than a page should be, its imports aside"
        assert not re.search(r"\bselect\b.+\bfrom\b", text, re.IGNORECASE | re.DOTALL), (
            f"{file.name} holds SQL"
        )
        assert "st.query_params" not in text, f"{file.name} reads the address itself"
        for word in ("psycopg", "database.pool", "insert into", "delete from"):
            assert word not in text.lower(), f"{file.name} talks to the database itself"


def test_no_file_of_the_app_hides_a_module() -> None:
    """The script's folder comes first on the path when Streamlit runs a script."""
    names = {
        file.stem for file in (ROOT / "app").iterdir() if file.suffix == ".py" or file.is_dir()
    }
    assert not names & set(sys.stdlib_module_names), names & set(sys.stdlib_module_names)
    assert "app" not in names
    # Nor may a page of ours hide a package of ours.
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert {"mail", "media", "worker"} <= packages
    assert not names & packages, names & packages


def test_names_are_nouns_and_verbs() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    found = [file for file in tracked("*.py", "*.sql") if file.stem in vague]
    assert not found, found


def test_nothing_names_a_package_index_or_a_machine() -> None:
    texts = [file for file in tracked() if file.suffix not in {".png", ".json"}]
    pattern = re.compile(
        r"index-url|/(?:root|work|home)/[a-z.]|pypi\.org|pythonhosted|npmjs", re.IGNORECASE
    )
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in texts
        if file.name != "test_conventions.py" and file.suffix != ".lock"
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, found


def test_tests_run_coroutines_in_one_way() -> None:
    """Whether a browser test ran before in the same process must make no difference."""
    own = [
        path.relative_to(ROOT).as_posix()
        for path in tracked("tests/*.py")
        if re.search(r"\basyncio\.run\(", path.read_text())
    ]
    assert own == ["tests/event_loops.py"]
