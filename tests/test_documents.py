"""Documents that are proven: what the README and the specs name exists, and what exists is named."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import psycopg
import pytest
import typer.main

from operations.__main__ import build
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
        "docs/architecture.md",
        "docs/decisions.md",
        *(f"specs/{name}" for name in SPECS),
    ],
)
def test_what_a_document_points_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    paths = re.findall(
        r"`((?:app|dbt_project|macros|mail|media|models|operations|pipelines|providers|simulator|tests|transform|warehouse|webhooks|worker)/[\w./]+)`",
        text,
    )
    for target in links:
        assert ((ROOT / document).parent / target).exists(), f"{document} points to {target}"
    for target in paths:
        places = [ROOT / target, ROOT / "dbt_project" / target]
        assert any(place.exists() for place in places), f"{document} names {target}"


def test_decisions_are_numbered_in_their_order_and_dated() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "decisions.md").read_text(), re.MULTILINE)
    numbers = []
    for heading in headings:
        assert re.fullmatch(r"\d+\. .+ \(20\d\d-\d\d-\d\d\)", heading), heading
        numbers.append(int(heading.partition(".")[0]))
    assert numbers == sorted(set(numbers)), "decisions are not in the order of their numbers"


def test_there_is_one_version() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+) \(20\d\d-\d\d-\d\d\)$",
        (ROOT / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    )
    assert versions[0] == written
