"""One rule has one home: each test names what stands outside of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.test_conventions import ROOT, tracked

#: What people decide about customers. Whoever adds a table of decisions adds it here.
DECISION_TABLES = (
    "customers",
    "identity_links",
    "assignments",
    "tags",
    "taggings",
    "notes",
    "decisions",
    "decision_changes",
    "not_customers",
    "corrections",
    "dismissed_suggestions",
    "ignored_kinds",
)
#: Rows by the hundred thousand to measure with; nobody decided on them.
MADE_TO_MEASURE = {"benchmarks/storing.sql", "benchmarks/suggestions.sql"}


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path, pattern: str) -> ast.Module:
    """Nothing where the text does not hold the pattern: to parse all files takes seconds."""
    text = file.read_text()
    return ast.parse(text if re.search(pattern, text) else "")


def test_nothing_but_decisions_writes_what_is_decided() -> None:
    writes = re.compile(
        rf"\b(insert\s+into|update|delete\s+from|merge\s+into|truncate(\s+table)?|copy)\s+(only\s+)?"
        rf"crm\.({'|'.join(DECISION_TABLES)})\b",
        re.IGNORECASE,
    )
    #: One decision at a time, and thousands at once.
    home = {
        "warehouse/queries/decisions.sql",
        "warehouse/queries/organise.sql",
        "warehouse/queries/merging.sql",
        "warehouse/queries/customer_import.sql",
        "warehouse/queries/quarantine.sql",
        # What is destroyed is no decision: it goes from everywhere.
        "warehouse/queries/privacy.sql",
    }
    writers = {
        named(file)
        for file in tracked("*.sql", "*.py", "*.csv", "*.yml")
        if not named(file).startswith(("tests/", "warehouse/migrations/"))
        and writes.search(file.read_text())
    }
    assert writers - MADE_TO_MEASURE == home
    # And those statements are run by one package, and by the import of thousands.
    assert asking_for("decisions") == {"warehouse/decisions/ledger.py"}
    assert asking_for("organise") == {"warehouse/decisions/conversations.py"}
    assert asking_for("merging") == {
        "warehouse/decisions/customers.py",
        "warehouse/decisions/merging.py",
    }
    assert asking_for("privacy") == {
        f"privacy/{name}.py" for name in ("destruction", "erasure", "files", "holds", "outside")
    }
    assert asking_for("customer_import") == {"warehouse/decisions/lists.py"}


def asking_for(queries: str) -> set[str]:
    """Modules that name a file of queries."""
    return {
        named(file)
        for file in tracked("*.py")
        if not named(file).startswith("tests/")
        for call in ast.walk(parsed(file, rf"queries\([^)]*{queries}"))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "queries"
        and any(isinstance(each, ast.Constant) and each.value == queries for each in call.args)
    }


def test_what_cannot_be_stored_is_replaced_in_one_place() -> None:
    """NUL and lone surrogates, in whatever comes from outside."""
    pattern = re.compile(r"\\ud800-\\udfff|def sanitis", re.IGNORECASE)
    homes = {
        named(file)
        for file in tracked("*.py")
        if not named(file).startswith("tests/") and pattern.search(file.read_text())
    }
    assert homes == {"warehouse/sanitise.py"}


def test_what_a_spreadsheet_would_run_is_known_in_one_place() -> None:
    pattern = re.compile(r"""["']=["'],\s*["']\+["']""")
    homes = {
        named(file)
        for file in tracked("*.py")
        if not named(file).startswith("tests/") and pattern.search(file.read_text())
    }
    assert homes == {"warehouse/spreadsheet.py"}


#: Libraries that call out.
CALLING = {
    "aiohttp", "dlt.sources.helpers", "google_auth_httplib2", "googleapiclient", "http.client", "httpcore", "httplib2",
    "httpx", "requests", "smtplib", "twilio", "urllib.request", "urllib3",
}  # fmt: skip
LIBRARIES = "|".join({library.partition(".")[0] for library in CALLING})
#: Who calls something else than a provider.
CALLS_OURSELVES = {
    "operations/runtime/programs.py": "asks our own programs whether they answer",
    "operations/demo_data.py": "tells the simulator what to do",
}


def test_nothing_calls_out_but_providers() -> None:
    found = {}
    for file in tracked("*.py"):
        name = named(file)
        if name.startswith(("providers/", "tests/", "simulator/", "benchmarks/")):
            continue
        for node in ast.walk(parsed(file, LIBRARIES)):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [
                    node.module or "",
                    *(f"{node.module}.{each.name}" for each in node.names),
                ]
            calling = {
                library
                for module in modules
                for library in CALLING
                if module == library or module.startswith(f"{library}.")
            }
            if calling:
                found[name] = calling
    assert {name: found[name] for name in found.keys() - CALLS_OURSELVES.keys()} == {}
    assert CALLS_OURSELVES.keys() <= found.keys()


def test_refusals_are_one_tree() -> None:
    """One class bears the name, and whatever is refused to a person is of it; what a provider refuses has its own tree."""
    bearing = {
        f"{named(file)}:{node.name}"
        for file in tracked("*.py")
        for node in ast.walk(parsed(file, r"class \w*Refused\b"))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Refused")
    }
    assert bearing == {"warehouse/refusals.py:Refused"}


def test_failures_of_providers_are_one_tree() -> None:
    """Every failure that says what to do about a provider is permanent, to be tried later, or for an admin."""
    import providers.failures as tree
    from media import sources
    from pipelines import results
    from providers.google import failures as google
    from providers.meta import commands
    from providers.meta import failures as meta

    kinds = (tree.Permanent, tree.TryLater, tree.NeedsAdmin, results.PullUnderWay)
    for module in (tree, google, meta, commands, sources):
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__
            if own and isinstance(value, type) and issubclass(value, Exception):
                assert value is tree.ProviderFailed or issubclass(value, kinds), name
