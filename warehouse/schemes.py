"""The schemes of identities: `dbt_project/seeds/identity_schemes.csv`, read once.

dbt loads the same file as a seed, so what staging makes, what a person may type and what pages say come from one list.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIST = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds" / "identity_schemes.csv"


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """One row of the list."""

    scheme: str
    #: Within what a value is one person's; empty where it is everywhere.
    scope: str
    #: Whether a name may suggest whose it is: not of what anybody can send under, or what is one call alone.
    is_suggested: bool
    means: str
    #: What kind of address it is, as people read it.
    name: str
    #: Where it holds, with {} for the scope.
    scope_in_words: str
    #: Stands for one message alone, so that its value says nothing to a reader.
    is_one_message: bool
    #: How what was typed is looked for in its values (warehouse/customer_search.py).
    searched_as: frozenset[str]
    #: Its values are numbers of a service, which name nobody to a reader.
    is_nameless: bool
    icon: str
    #: What a person should weigh before such an identity becomes a customer's.
    caution: str


@cache
def schemes() -> dict[str, Scheme]:
    """Every scheme by its name, those that people know first."""
    with LIST.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["scheme"]: Scheme(
            scheme=row["scheme"],
            scope=row["scope"],
            is_suggested=row["is_suggested"] == "true",
            means=row["means"],
            name=row["name"],
            scope_in_words=row["scope_in_words"],
            is_one_message=row["is_one_message"] == "true",
            searched_as=frozenset(row["searched_as"].split()),
            is_nameless=row["is_nameless"] == "true",
            icon=row["icon"],
            caution=row["caution"],
        )
        for row in rows
    }
