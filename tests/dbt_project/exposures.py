"""The exposures of the pages, written from the pages: which models each reads, by walking its functions to their queries, and those
to their relations. A test compares the two.

python -m tests.dbt_project.exposures
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache

from tests.app.role_matrix import pages
from warehouse.channels import ROOT
from warehouse.queries import queries

MODELS = ROOT / "dbt_project" / "models"
FILE = MODELS / "marts" / "_exposures.yml"
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


HEAD = """\
version: 2

# One exposure per page: `./crm dbt ls --select +exposure:timeline` answers what feeds it. Written by
# `python -m tests.dbt_project.exposures` from the pages: what each says of itself, and what its queries read.
exposures:
"""


def exposures() -> str:
    """All of them, in the order of the navigation."""
    return HEAD + "".join(_exposure(page.name) for page in pages())


def _exposure(page: str) -> str:
    said = ast.get_docstring(ast.parse((ROOT / "app" / "pages" / f"{page}.py").read_text())) or ""
    lines = [
        f"  - name: {page}",
        "    type: application",
        "    owner: {name: The platform's engineers, email: platform@example.com}",
        # In quotes, as JSON has them: a sentence may hold a colon.
        f"    description: {json.dumps(said.partition(chr(10))[0], ensure_ascii=False)}",
    ]
    if models := sorted(read_by(page)):
        lines += ["    depends_on:", *(f"      - ref('{model}')" for model in models)]
    else:
        lines.append("    depends_on: []")
    return "\n".join(lines) + "\n"


def main() -> None:
    FILE.write_text(exposures())


if __name__ == "__main__":
    main()
