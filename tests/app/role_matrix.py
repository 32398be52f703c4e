"""What each role of the app may, as Markdown: the matrix of specs/security.md. A test compares the two; this writes it.

python -m tests.app.role_matrix
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.access.roles import MATRIX, Permission, UserRole
from app.access.sign_in import FACTOR_NEEDED_BY
from app.navigation import PAGES
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
    """Every page in the order of the navigation."""
    return [
        ListedPage(name=Path(file).stem, title=title, needed=needed)
        for file, title, _, _, needed in PAGES
    ]


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
