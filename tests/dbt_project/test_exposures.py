"""Every page is an exposure that names the models which the page reads."""

from __future__ import annotations

from tests.app.role_matrix import pages
from tests.dbt_project.exposures import FILE, exposures, read_by
from warehouse.channels import ROOT


def test_the_exposures_are_those_of_the_pages() -> None:
    assert exposures() == FILE.read_text(), "write them anew: python -m tests.dbt_project.exposures"


def test_every_page_is_in_the_navigation() -> None:
    files = {file.stem for file in (ROOT / "app" / "pages").glob("*.py")}
    assert {page.name for page in pages()} == files


def test_the_walk_finds_queries_through_other_modules() -> None:
    """It would not notice a page that reads nothing: so one is known to read through two modules."""
    assert "shown_entries" in read_by("timeline")
    assert len({frozenset(read_by(page.name)) for page in pages()}) > 3
