"""One list of schemes: what dbt makes of senders, what people may type, what pages say."""

from __future__ import annotations

import re

import pytest

from app.views import identity_html
from tests.test_conventions import ROOT, tracked
from warehouse.customer_search import patterns
from warehouse.identities import parse
from warehouse.schemes import LIST, schemes

#: How dbt and the functions that it calls write the beginning of an identity: `'phone:' || …`, or as a pattern that keeps a provider's own.
MADE = re.compile(r"'([a-z_]+):'\s*\|\|")
KEPT = re.compile(r"~ '\^\(([a-z|]+)\):\.\+\$' then address")

#: Who did something, in the log of events (migration 0174): written alike, and no identity of a customer.
OF_ACTORS = {"sql"}


def made_by_dbt() -> set[str]:
    sql = "\n".join(
        file.read_text() for file in tracked("dbt_project/*.sql", "warehouse/migrations/*.sql")
    )
    return set(MADE.findall(sql)) | set("|".join(KEPT.findall(sql)).split("|"))


def test_dbt_makes_schemes_of_the_list_and_no_others() -> None:
    # Schemes that a call of a macro names, and one that is cut from the provider's address.
    by_argument = {"psid", "igsid", "client", "sip"}
    made = made_by_dbt()
    assert {"rcs", "sim", "phone", "bsuid", "unknown"} <= made
    assert (made | by_argument) - OF_ACTORS == set(schemes())


@pytest.mark.parametrize("scheme", schemes())
def test_what_dbt_makes_can_be_typed_said_and_found(scheme: str) -> None:
    known = schemes()[scheme]
    value = {"phone": "+61491570006", "email": "sam@example.com"}.get(scheme, "AbC1")
    identity = f"{scheme}:1234:{value}" if known.scope else f"{scheme}:{value}"
    assert str(parse(identity)) == identity
    assert identity_html.described(identity).startswith(known.name)
    wanted = patterns(identity)
    assert wanted is not None
    assert (len(wanted.identity), wanted.is_identity) == (1, True)


def test_every_scheme_says_what_it_means() -> None:
    for known in schemes().values():
        assert known.means, known.scheme
        assert known.searched_as <= {"digits", "lower", "upper", "region", "exact"}
        assert known.scope_in_words.count("{}") == bool(known.scope)
        # Who can be somebody else needs a word of caution; who is known everywhere needs none.
        assert bool(known.caution) == (known.scheme not in ("phone", "email"))


def test_the_list_stands_nowhere_else() -> None:
    """Three schemes and more in a row are a list of them."""
    names = "|".join(schemes())
    row = re.compile(rf"\b(?:{names})\b(?:[^a-z]{{1,6}}\b(?:{names})\b){{2,}}")
    found = [
        file.relative_to(ROOT).as_posix()
        for file in tracked("*.py", "*.sql", "*.js")
        if not file.is_relative_to(ROOT / "tests")
        and any(len(set(re.findall(names, listed))) > 2 for listed in row.findall(file.read_text()))
    ]
    assert found == []
    assert LIST.exists()
