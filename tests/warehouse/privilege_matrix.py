"""What each role may, as Markdown: the matrix of specs/security.md. A test compares the two; this writes it.

python -m tests.warehouse.privilege_matrix "$(./crm database-url --role admin)"
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg

from warehouse.queries import parse
from warehouse.settings import DEFINERS, ROOT, Role

SQL = parse((Path(__file__).parent / "privileges.sql").read_text())
SPEC = ROOT / "specs" / "security.md"
HOW = 'python -m tests.warehouse.privilege_matrix "$(./crm database-url --role admin)"'
BEGIN, END = (
    "<!-- privileges: written by tests/warehouse/privilege_matrix.py -->\n",
    "<!-- end -->\n",
)
LOGIN = [role.value for role in Role if role is not Role.ADMIN]


def matrix(admin: psycopg.Connection[Any]) -> str:
    """What each role may, as Markdown."""
    names = {"roles": [*LOGIN, *DEFINERS]}
    lines = [
        "| Role | Signs in | Sessions | Temporary tables | Member of |",
        "|---|---|---|---|---|",
    ]
    for row in admin.execute(SQL["roles"]).fetchall():
        name, login, *powers, limit, temporary, member_of = row
        assert not any(powers[i] for i in (0, 2, 3, 4)), f"{name} has a power of the server"
        assert powers[1] == (name == "crm_owner"), f"{name} makes roles"
        # How many depends on the machine's cores.
        most = "by its processes" if name == Role.APP else str(limit) if limit >= 0 else "any"
        others = "all of these" if name == "crm_owner" else ", ".join(member_of) or "–"
        lines.append(
            f"| `{name}` | {'yes' if login else 'no'} | {most if login else '–'} |"
            f" {'yes' if temporary else 'no'} | {others} |"
        )
    lines += ["", "| Schema | Role | May | On |", "|---|---|---|---|"]
    for name, schema, may in admin.execute(SQL["schemas"], names).fetchall():
        lines.append(f"| `{schema}` | `{name}` | {may} | the schema |")
    for name, schema, privileges, relations in admin.execute(SQL["relations"], names).fetchall():
        lines.append(f"| `{schema}` | `{name}` | {privileges} | {relations} |")
    lines += ["", "| Function with definer's rights | Whose | Who calls it |", "|---|---|---|"]
    for function, owner, callers, _ in admin.execute(SQL["definers"], names).fetchall():
        lines.append(f"| `{function}` | `{owner}` | {', '.join(callers)} |")
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """The matrix that stands in the document."""
    return document.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    before, _, rest = SPEC.read_text().partition(BEGIN)
    with psycopg.connect(sys.argv[1]) as admin:
        SPEC.write_text(before + BEGIN + matrix(admin) + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
