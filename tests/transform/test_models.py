"""Which files decide whether an installation builds its tables anew."""

from __future__ import annotations

from transform.models import made_of


def test_what_a_page_reads_builds_no_table_anew_and_what_makes_one_does() -> None:
    named = {file.name for file in made_of()}
    assert "_exposures.yml" not in named
    # Nor are tests: whoever corrects one builds nothing anew.
    assert "assert_every_event_has_one_outcome.sql" not in named
    assert {"dbt_project.yml", "channels.csv", "copies.sql", "messages.sql"} <= named
