"""Every name that stands in a code span of the specs is a name of the program: table, column, function, role, notice,
command, option, setting, endpoint, file, or a word that its sources say.

A new span that is none of these fails here, with the document: either the spec is out of date, or it is an example.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import psycopg
import pytest
import typer.main

from app.serving.routes import ROUTES
from operations.__main__ import build
from tests.test_conventions import tracked
from warehouse.channels import ROOT, registry
from warehouse.settings import Settings
from webhooks.main import PREFIX, create_app

SPECS = sorted((ROOT / "specs").glob("*.md"))
SPAN = re.compile(r"`([^`\n]+)`")
#: What a spec shows as an example of what people or providers write, and what an operator types elsewhere.
EXAMPLES = {
    "Mai", "Mai Tran", "M. Tran", "Tran, Mai", "info@", "sales@", "email:sam@example.com", "phone:+61491570006",
    "alphanumeric:AU:EXAMPLECO", "short_code:AU:19970006", "127.0.0.1:N+5", "kill -9", "SQL, DMY", "umask 077", "alter role",
    "alter role crm_analyst set log_statement = 'all'", "copy … from program",
}  # fmt: skip
#: One wrong name of each kind.
PLANTED = (
    "marts.inventions", "crm.events.inventor", "canonical.invented(text)", "crm.retry_media(text,bigint)", "threads.invented_until",
    "crm_inventor", "CRM_INVENTION", "GET /inventions", "POST /healthz", "/inventions", "invented_column", "app/invention",
    "warehouse/inventions/", "./crm invent", "./crm privacy invent", "./crm rebuild --invented",
)  # fmt: skip
#: While a build lasts.
SCHEMAS_OF_ONE_MOMENT = ("canonical_next", "marts_next", "staging_next")


@cache
def sources() -> str:
    """Everything that the program says, but for documents and tests."""
    files = tracked(
        "*.py", "*.sql", "*.csv", "*.yml", "*.toml", "*.js", "crm", "Dockerfile", ".env.example"
    )
    told = [
        file.read_text()
        for file in files
        if file.relative_to(ROOT).parts[0] not in {"tests", "docs", "specs"}
    ]
    return "\n".join(told)  # fmt: skip


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", sources()))


def is_said(word: str) -> bool:
    """As a whole word of the sources."""
    if re.fullmatch(r"\w+", word):
        return word in words()
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sources()) is not None


@pytest.fixture
def relations(admin: psycopg.Connection[Any]) -> dict[str, set[str]]:
    """schema.name of each table and view, with its columns."""
    found: dict[str, set[str]] = {}
    for schema, name, column in admin.execute(
        """
        select namespaces.nspname, classes.relname, attributes.attname
        from pg_class as classes
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        left join pg_attribute as attributes
            on attributes.attrelid = classes.oid and attributes.attnum > 0 and not attributes.attisdropped
        where classes.relkind in ('r', 'v', 'm', 'p') and namespaces.nspname !~ '^pg_|^information_schema$'
        """
    ).fetchall():
        found.setdefault(f"{schema}.{name}", set()).add(column)
    return found


@pytest.fixture
def functions(admin: psycopg.Connection[Any]) -> set[str]:
    return {
        name
        for (name,) in admin.execute(
            """
            select format('%s.%s(%s)', nspname, proname, replace(oidvectortypes(proargtypes), ', ', ','))
            from pg_proc inner join pg_namespace on pg_namespace.oid = pronamespace
            where nspname !~ '^pg_|^information_schema$'
            """
        ).fetchall()
    }


def command_fault(span: str) -> str | None:
    """What is wrong with a command as it is written: its words, its options."""
    node: Any = typer.main.get_command(build())
    words = span.removeprefix("./crm").split()
    while words and re.fullmatch(r"[a-z][a-z-]*", words[0]) and hasattr(node, "commands"):
        word = words.pop(0)
        if word not in node.commands:
            return f"there is no command {word}"
        node = node.commands[word]
    options = {option for parameter in node.params for option in parameter.opts}
    for word in words:
        if word.startswith("--") and word not in options:
            return f"it has no option {word}"
    return None


def endpoints(settings: Settings) -> set[str]:
    receiver = create_app(settings)
    routes: list[Any] = [*ROUTES, *receiver.routes, *receiver.state.admin.routes]
    # Of these the receiver has no route of its framework: it answers them before it.
    found = {f"{method} {PREFIX}{{channel}}/{{connection_id}}" for method in ("GET", "POST")}
    for route in routes:
        found.add(route.path)
        found |= {f"{method} {route.path}" for method in getattr(route, "methods", None) or ()}
    return found


def test_what_the_specs_name_is_there(
    admin: psycopg.Connection[Any],
    settings: Settings,
    relations: dict[str, set[str]],
    functions: set[str],
) -> None:
    schemas = {name.partition(".")[0] for name in relations} | {
        schema for (schema,) in admin.execute("select nspname from pg_namespace").fetchall()
    }
    schemas |= {entry.history_schema for entry in registry().values() if entry.pulls}
    # A channel's history and what a load leaves beside it are made by its first pull, a build's tables by the build.
    schemas |= {f"{schema}_staging" for schema in schemas} | set(SCHEMAS_OF_ONE_MOMENT)
    roles = {role for (role,) in admin.execute("select rolname from pg_roles").fetchall()}
    names = {name.partition(".")[2] for name in relations}
    columns = set().union(*relations.values())
    settings_named = {f"CRM_{name.upper()}" for name in Settings.model_fields}
    ways = endpoints(settings)
    files = {file.name for file in tracked("*")}

    def in_schema(span: str) -> bool:
        schema, _, rest = span.partition(".")
        if rest.endswith(")"):
            return span in functions or any(span.startswith(f"{name.partition('(')[0]}(") and not _typed(span) for name in functions)  # fmt: skip
        table, _, column = rest.partition(".")
        if rest == "*":
            return schema in schemas
        if column:
            return column in relations.get(f"{schema}.{table}", ())
        return f"{schema}.{table}" in relations or any(each.startswith(f"{span}(") for each in functions)  # fmt: skip

    def is_known(span: str) -> bool:
        if span in EXAMPLES or span in schemas | roles | names | ways:
            return True
        if span.startswith("CRM_"):
            return span in settings_named
        if re.fullmatch(r"(GET|POST) /.*|/[a-z]\w*", span):
            return span in ways
        first, _, rest = span.partition(".")
        if first in schemas and rest and re.match(r"[\w*]", rest) and not _is_file(span):
            return in_schema(span)
        if rest in relations.get(f"canonical.{first}", ()):
            return True
        if re.fullmatch(r"[\w./-]*[\w/]", span) and ("/" in span or _is_file(span)):
            # A file of the program; or of the data folder, whose names the sources say.
            places = (ROOT / span, ROOT / "dbt_project" / span)
            return (
                any(place.exists() for place in places)
                or span in files
                or all(is_said(part) for part in span.strip("/").split("/"))
            )
        return span in columns or all(is_said(part) for part in _parts(span))

    def unknown(text: str) -> list[str]:
        """The spans of a text that name nothing, and what is wrong with a command."""
        found = []
        for span in sorted(set(SPAN.findall(text))):
            if span.startswith("./crm"):
                fault = command_fault(span)
                found += [f"{span}: {fault}"] if fault else []
            elif not is_known(span):
                found.append(span)
        return found

    assert {spec.name: unknown(spec.read_text()) for spec in SPECS} == {
        spec.name: [] for spec in SPECS
    }
    # What is not there is told, of each kind.
    for wrong in PLANTED:
        assert unknown(f"`{wrong}`") != [], wrong


def _typed(span: str) -> bool:
    """Whether a function is written with the types of its arguments."""
    return re.search(r"\((?:[a-z ]+(?:,|\)))", span) is not None


def _is_file(span: str) -> bool:
    return re.search(r"\.(?:py|sql|csv|yml|md|jsonl|log|url|key)$", span) is not None


def _parts(span: str) -> list[str]:
    """The words of a span that are no placeholders: what stands in pointed or curly brackets is filled in."""
    bare = re.sub(r"<[^>]*>|\{[^}]*\}|…", " ", span)
    return re.findall(r"[A-Za-z][\w-]*", bare)
