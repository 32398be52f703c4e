"""Documents that are proven: what the README and the specs name exists, and what exists is named."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from typing import Any

import psycopg
import pytest
import typer.main

from operations.__main__ import build
from operations.commands.bench import benchmarks
from tests.app.role_matrix import pages
from tests.test_conventions import tracked
from warehouse.channels import ROOT, registry

README = (ROOT / "README.md").read_text()
SPECS = {file.name: file.read_text() for file in (ROOT / "specs").glob("*.md")}


def commands() -> list[str]:
    root = typer.main.get_command(build())
    names = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        names += [f"{name} {sub}" for sub in inner] if inner else [name]
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme(command: str) -> None:
    first, _, second = command.partition(" ")
    table = README[README.index("## Commands") : README.index("## How it is built")]
    row = next((line for line in table.splitlines() if f"./crm {first}" in line), "")
    assert row, f"README's table of commands lacks ./crm {first}"
    assert not second or re.search(rf"\b{second}\b", row), (
        f"README's row of ./crm {first} lacks {second}"
    )


def test_every_benchmark_is_in_the_readme() -> None:
    row = next(line for line in README.splitlines() if line.startswith("| `./crm bench NAME`"))
    assert re.findall(r"`(\w+)`", row) == benchmarks()


def test_every_mart_and_schema_is_in_the_data_model(admin: psycopg.Connection[Any]) -> None:
    text = SPECS["data-model.md"]
    marts = admin.execute(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    ).fetchall()
    assert len(marts) >= 11
    for (name,) in marts:
        assert f"`marts.{name}`" in text, f"data-model.md lacks marts.{name}"
    for schema in (
        "raw",
        "crm",
        "jobs",
        "staging",
        "canonical",
        *(entry.history_schema for entry in registry().values() if entry.pulls),
    ):
        assert f"`{schema}`" in text, f"data-model.md lacks the schema {schema}"
    for named in set(re.findall(r"`marts\.(\w+)`", text)):
        assert (named,) in marts, f"data-model.md names marts.{named}, which is not there"


def test_an_analyst_sees_what_each_mart_and_column_means(admin: psycopg.Connection[Any]) -> None:
    undescribed = admin.execute(
        """
        select classes.relname, attributes.attname
        from pg_class as classes
        left join pg_attribute as attributes on attributes.attrelid = classes.oid and attributes.attnum > 0
        where classes.relnamespace = 'marts'::regnamespace
            and (
                obj_description(classes.oid, 'pg_class') is null
                or col_description(classes.oid, attributes.attnum) is null
            )
        """
    ).fetchall()
    assert not undescribed


def test_every_channel_is_in_ingestion() -> None:
    for channel in registry():
        assert f"`{channel}`" in SPECS["ingestion.md"]


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "benchmarks/README.md",
        *(str(file.relative_to(ROOT)) for file in sorted((ROOT / "docs").rglob("*.md"))),
        *(f"specs/{name}" for name in SPECS),
    ],
)
def test_what_a_document_points_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    paths = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./]+)`", text)
    for target in links:
        assert ((ROOT / document).parent / target).exists(), f"{document} points to {target}"
    for target in paths:
        if target.startswith("privacy/") and not target.endswith(".py"):
            # Of the data folder, in which one is called as our room is.
            continue
        places = [ROOT / target, ROOT / "dbt_project" / target]
        assert any(place.exists() for place in places), f"{document} names {target}"


def test_decisions_are_numbered_in_their_order_and_dated() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "decisions.md").read_text(), re.MULTILINE)
    numbers = []
    for heading in headings:
        assert re.fullmatch(r"\d+\. .+ \(20\d\d-\d\d-\d\d\)", heading), heading
        numbers.append(int(heading.partition(".")[0]))
    assert numbers == list(range(1, len(numbers) + 1)), "decisions are numbered without a gap"


#: Of these a comment names files by their whole path.
ROOMS = (
    "app", "benchmarks", "dbt_project", "docs", "macros", "mail", "media", "models", "operations", "pipelines",
    "privacy", "providers", "quality", "seeds", "simulator", "specs", "tests", "transform", "warehouse", "webhooks", "worker",
)  # fmt: skip
CITED = re.compile(
    rf"(?<![\w./<>{{}}*-])((?:{'|'.join(ROOMS)})/[\w./-]*\w\.(?:py|sql|md|csv|js|css|yml|toml|sh|jpg|png|webp))\b"
)
#: By its name alone: somewhere there is one.
CITED_BY_NAME = re.compile(r"(?<![\w./<>{}*\"'-])([a-z]\w+\.(?:py|sql|css))\b(?![\w(])")
ANY_NAME = re.compile(r"\b[a-z]\w+\.(?:py|sql|css)\b")


def test_what_a_file_cites_is_there() -> None:
    """In comments, docstrings and code alike. Released migrations stay as they were (tests/warehouse)."""
    released = (ROOT / "tests" / "warehouse" / "released_migrations.sha256").read_text()
    names = {file.name for file in tracked("*")}
    gone = []
    for file in tracked("*.py", "*.sql", "*.yml", "*.js", "*.css", "*.toml", "*.csv", "Dockerfile", "crm", ".env.example"):  # fmt: skip
        if file.name in released:
            continue
        text = file.read_text()
        for found in CITED.finditer(text):
            places = [ROOT, ROOT / "dbt_project", file.parent]
            if not any((place / found[1]).exists() for place in places):
                gone.append((file.name, text[: found.start()].count("\n") + 1, found[1]))
        # To find the comments of all files takes ten seconds; few speak of a file that is nowhere.
        if file.suffix == ".py" and set(ANY_NAME.findall(text)) - names:
            gone += [
                (file.name, 0, found[1])
                for found in CITED_BY_NAME.finditer(comments_of(text))
                if found[1] not in names
            ]
    assert not gone


def comments_of(text: str) -> str:
    """The comments and the docstrings of a Python file."""
    told = [
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT
    ]  # fmt: skip
    holders = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    told += [
        ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, holders)
    ]  # fmt: skip
    return "\n".join(told)


def test_every_page_is_shown() -> None:
    """By its title, in the words beside its picture."""
    shown = "".join((ROOT / "docs" / name).read_text() for name in ("pages.md", "timeline.md"))
    words = re.sub(r"!\[[^]]*\]\([^)]*\)", "", shown)
    assert [page.title for page in pages() if page.title not in words] == []


def test_every_picture_stands_in_a_document() -> None:
    documents = "".join(file.read_text() for file in tracked("*.md"))
    unused = [file.name for file in tracked("docs/*.jpg", "docs/*.png", "docs/*.webp") if file.name not in documents]  # fmt: skip
    assert not unused


def test_every_picture_is_taken_by_one_command() -> None:
    """So that none shows what the app looked like once."""
    from tests.app import screenshots

    assert {file.name for file in tracked("docs/screenshots/*")} == screenshots.files()


#: What a test does with its hands: it clicks somewhere, or presses keys.
HANDS = {"mouse": r"\.(click|hover|wheel)\(", "keyboard": r"keyboard\.|\.press\(|press_on\("}


def test_what_staff_do_is_tried_by_mouse_and_by_keyboard() -> None:
    """Each line of the table names tests of a browser for both."""
    bodies = {
        node.name: ast.unparse(node)
        for file in tracked("tests/app/test_*browser*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    text = (ROOT / "docs" / "pages.md").read_text()
    table = text[text.index("## By mouse and by keyboard alone") :]
    lines = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)[1:]
    assert len(lines) >= 38
    for action, *cells in lines:
        for (way, hand), cell in zip(HANDS.items(), cells, strict=True):
            named = re.findall(r"`(test_\w+)`", cell)
            assert named, f"{action}: no test by {way}"
            for name in named:
                assert re.search(hand, bodies.get(name, "")), (
                    f"{action}: {name} is no test by {way}"
                )


def test_packages_depend_on_each_other_as_it_is_written() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    order = re.search(r"in this order, none backwards:\n([^.;]+?)\. `webhooks`", text)
    assert order
    tiers = [re.findall(r"`(\w+)`", tier) for tier in order[1].split(" · ")]
    may = {room: {each for tier in tiers[:place] for each in tier} for place, tier in enumerate(tiers) for room in tier}  # fmt: skip
    for room, allowed in re.findall(r"`(webhooks|app)` imports\s+([^.;]+?) only", text):
        may[room] = set(re.findall(r"`(\w+)`", allowed))
    may["simulator"] = set()
    may["operations"] = may.keys() - {"simulator", "operations"}
    assert len(may) == 13
    backwards = {
        (room, name)
        for room in may
        for file in tracked(f"{room}/*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level
                       else [each.name for each in node.names] if isinstance(node, ast.Import) else [])
        if (name := module.partition(".")[0]) in (may.keys() | {"benchmarks", "tests"}) - {room} - may[room]
    }  # fmt: skip
    assert not backwards


def test_there_is_one_version() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+) \(20\d\d-\d\d-\d\d\)$",
        (ROOT / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    )
    assert versions[0] == written
