"""Every exposure names the models that its page reads: its functions are walked to their queries, and those to their relations."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from warehouse.channels import ROOT
from warehouse.queries import queries

MODELS = ROOT / "dbt_project" / "models"
PAGES = sorted(file.stem for file in (ROOT / "app" / "pages").glob("*.py"))
#: Rooms in which a page's functions call others.
ROOMS = ("app", "media", "warehouse")
Place = tuple[str, str]


@cache
def relations() -> dict[str, str]:
    """The model behind each relation of marts and canonical."""
    found = {f"canonical.{file.stem}": file.stem for file in (MODELS / "canonical").glob("*.sql")}
    for file in (MODELS / "marts").glob("*.sql"):
        found[f"marts.{file.stem.removeprefix('marts_')}"] = file.stem
    assert len(found) > 20
    return found


class Module:
    """What each top-level name of a file refers to, and the named queries that it runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        file = ROOT / (name.replace(".", "/") + ".py")
        if not file.exists():
            file = ROOT / name.replace(".", "/") / "__init__.py"
        tree = ast.parse(file.read_text())
        self.imported: dict[str, Place] = {}
        self.files: dict[str, str] = {}
        self.parts: dict[str, list[ast.stmt]] = {"": []}
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.parts[statement.name] = [statement]
            else:
                self.parts[""].append(statement)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (node.module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (alias.name, "")
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                called = node.value
                if getattr(called.func, "id", "") == "queries":
                    (argument,) = called.args
                    assert isinstance(argument, ast.Constant)
                    self.files[node.targets[0].id] = argument.value  # type: ignore[attr-defined]

    def nodes(self, part: str) -> list[ast.AST]:
        return [node for statement in self.parts[part] for node in ast.walk(statement)]


@cache
def module(name: str) -> Module:
    return Module(name)


def is_file(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@cache
def read_by(page: str) -> set[str]:
    """The models that the queries read which the page can come to."""
    start = f"app.pages.{page}"
    waiting: list[Place] = [(start, part) for part in module(start).parts]
    seen: set[Place] = set()
    found: set[str] = set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        name, part = place
        here = module(name)
        if part not in here.parts:
            continue
        for node in here.nodes(part):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                if node.value.id in here.files and isinstance(node.slice, ast.Constant):
                    found |= models_of(queries(here.files[node.value.id])[node.slice.value])
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                source, inner = here.imported.get(node.value.id, ("", ""))
                target = f"{source}.{inner}" if inner else source
                if target.partition(".")[0] in ROOMS and is_file(target):
                    waiting.append((target, node.attr))
            if isinstance(node, ast.Name):
                source, inner = here.imported.get(node.id, (name, node.id))
                if source.partition(".")[0] in ROOMS and is_file(source):
                    waiting.append((source, inner))
    return found


def models_of(query: str) -> set[str]:
    text = re.sub(r"--.*", "", query)
    return {
        relations()[name]
        for name in re.findall(r"\b(?:marts|canonical)\.\w+\b", text)
        if name in relations()
    }


@pytest.mark.parametrize("page", PAGES)
def test_an_exposure_names_what_its_page_reads(page: str) -> None:
    listed = yaml.safe_load((MODELS / "marts" / "_exposures.yml").read_text())["exposures"]
    (exposure,) = (each for each in listed if each["name"] == page)
    named = {re.fullmatch(r"ref\('(\w+)'\)", each)[1] for each in exposure["depends_on"]}  # type: ignore[index]
    assert named == read_by(page)


def test_the_walk_finds_queries_through_other_modules(tmp_path: Path) -> None:
    """It would not notice a page that reads nothing: so one is known to read through two modules."""
    assert "shown_entries" in read_by("timeline")
    assert len({frozenset(read_by(page)) for page in PAGES}) > 3
