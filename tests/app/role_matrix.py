"""What each role of the app may, as Markdown: the matrix of specs/security.md. A test compares the two; this writes it.

python -m tests.app.role_matrix
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from app.access.roles import MATRIX, Permission, UserRole
from app.access.sign_in import FACTOR_NEEDED_BY
from warehouse.settings import ROOT
from warehouse.users import LIMITABLE

SPEC = ROOT / "specs" / "security.md"
BEGIN, END = "<!-- roles: written by tests/app/role_matrix.py -->\n", "<!-- end of roles -->\n"


@dataclass(frozen=True, kw_only=True)
class ListedPage:
    """One page: its file, which is its address too, its title, and what it asks of who opens it."""

    name: str
    title: str
    needed: Permission


def pages() -> list[ListedPage]:
    """Every page in the order of the navigation, as app/main.py lists them, which is a script."""
    tree = ast.parse((Path(ROOT) / "app" / "main.py").read_text())
    (listed,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES"
    ]
    assert isinstance(listed, ast.List)
    found = []
    for pair in listed.elts:
        assert isinstance(pair, ast.Tuple)
        page, needed = pair.elts
        assert isinstance(page, ast.Call)
        file = ast.literal_eval(page.args[0])
        (title,) = [ast.literal_eval(each.value) for each in page.keywords if each.arg == "title"]
        found.append(
            ListedPage(
                name=Path(file).stem,
                title=title,
                needed=Permission[ast.unparse(needed).removeprefix("Permission.")],
            )
        )
    return found


def matrix() -> str:
    """Role by action, and role by page."""
    heads = [role.value.replace("_", " ") for role in UserRole]

    def marks(permission: Permission) -> str:
        return " | ".join("yes" if permission in MATRIX[role] else "–" for role in UserRole)

    lines = [f"| May | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    lines += [f"| {permission.value} | {marks(permission)} |" for permission in Permission]
    needs = " | ".join("yes" if role in FACTOR_NEEDED_BY else "–" for role in UserRole)
    lines.append(f"| (needs a second factor) | {needs} |")
    limited = " | ".join("yes" if role in LIMITABLE else "–" for role in UserRole)
    lines.append(f"| (may be limited to channels and connections) | {limited} |")
    lines += ["", f"| Opens the page | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    lines += [f"| {page.title} | {marks(page.needed)} |" for page in pages()]
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """The matrix that stands in the document."""
    return document.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    before, _, rest = SPEC.read_text().partition(BEGIN)
    SPEC.write_text(before + BEGIN + matrix() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
