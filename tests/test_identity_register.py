"""The register of automatic rules, and the table of evidence, are what the models do (specs/identity.md)."""

from __future__ import annotations

import re

from warehouse.channels import ROOT

SPEC = (ROOT / "specs" / "identity.md").read_text()
MACROS = ROOT / "dbt_project" / "macros"


def first_column(heading: str) -> list[list[str]]:
    section = SPEC.split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


def test_the_register_names_every_rule_that_links_without_a_person() -> None:
    counting = re.search(
        r"macro ways_that_count\(\) -%\}(.*?)\{%-", (MACROS / "same_as.sql").read_text()
    )
    assert counting
    told = {row[0] for row in first_column("Register of automatic rules")}
    assert told == {"equal identity", "address of a list", *re.findall(r"'([^']+)'", counting[1])}
    # And nothing opens a link but decisions and imports, which people ask for (tests/test_one_home.py).
    for row in first_column("Register of automatic rules"):
        assert len(row) == 4
        assert all(cell.strip() for cell in row)


def test_the_table_of_evidence_is_what_the_models_trust() -> None:
    trusted = re.findall(
        r"'([^']+)': \['([a-z]+)', (0\.\d+), (0\.\d+)\]", (MACROS / "suggestions.sql").read_text()
    )
    told = [tuple(cell.strip() for cell in row[:4]) for row in first_column("Suggestions")]
    assert sorted(told) == sorted(trusted)
    assert len(told) > 15
