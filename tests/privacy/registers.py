"""The registers as Markdown: the tables of specs/privacy.md. A test compares the two; this writes them.

python -m tests.privacy.registers
"""

from __future__ import annotations

from privacy import register
from warehouse.settings import ROOT

SPEC = ROOT / "specs" / "privacy.md"
BEGIN, END = "<!-- registers: written by tests/privacy/registers.py -->\n", "<!-- end -->\n"


def tables() -> str:
    """The registers, as Markdown."""
    lines = ["| Class | What it is |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in register.CLASSES.items()]
    lines += ["", "| Kept | Until |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in register.KEPT.items()]
    lines += ["", "| Relation | Columns | Class | What for | Kept | Who sees it |", "|---|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| `{each.relation}` | {', '.join(each.columns)} | {each.class_} | {each.purpose} | {each.retention} |"
        f" {each.recipients} |"
        for each in register.data_map()
    ]
    lines += ["", "| Host | Whose | Country | What for | What they learn | Why that may be |", "|---|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {each.host} | {each.whose} | {each.country} | {each.why} | {each.data} | {each.basis} |"
        for each in register.hosts()
    ]
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """What stands in the document."""
    return document.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    before, _, rest = SPEC.read_text().partition(BEGIN)
    SPEC.write_text(before + BEGIN + tables() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
