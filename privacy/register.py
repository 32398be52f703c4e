"""The registers: what is kept about people and why, and where anything of it is asked of somebody elsewhere.

    privacy/registers/data_map.csv   each column of marts, crm and privacy: class, purpose, retention, who sees it
    privacy/registers/hosts.csv      each host that our programs call: whose it is, in which country, what it learns

Tests hold them against the warehouse and the program, and print them into specs/privacy.md. The register of automatic
rules stands in specs/identity.md, beside the rules.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "registers"
#: What a column holds.
CLASSES = {
    "identifier": "who somebody is: a name, an address, a number, an id of a provider's",
    "content": "what somebody wrote, said or sent",
    "behaviour": "when and how often somebody wrote, and what became of it",
    "opinion": "what we wrote about somebody",
    "key": "an id of ours that leads to a person; says nothing by itself",
    "staff": "about those who work here",
    "secret": "proves who somebody is, or opens a provider; shown to nobody",
    "operation": "nobody's",
}
#: How long it is kept, beside the classes of privacy.retention_classes.
KEPT = {
    "messages": "as the message that it is of: a retention class, or the destruction of a customer",
    "events": "as the retention class of events says; then it names nobody",
    "customer": "until the customer is destroyed",
    "as long as the account": "until the user is removed",
    "until the connection is removed": "its secrets go with it",
    "stays": "names no customer, or only by a mark",
    "operation": "nobody's data",
}  # fmt: skip
#: What goes by itself after a while.
SHORT = ("seconds", "minutes", "a day")


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """What some columns of one relation hold."""

    relation: str
    columns: tuple[str, ...]
    class_: str
    purpose: str
    retention: str
    recipients: str


@dataclass(frozen=True, kw_only=True)
class Host:
    """Whom our programs call."""

    host: str
    whose: str
    country: str
    why: str
    #: What they learn by it.
    data: str
    #: Why that may be.
    basis: str


@cache
def data_map() -> tuple[Mapped, ...]:
    """Every line of it, as it is written."""
    with (FOLDER / "data_map.csv").open(newline="") as file:
        return tuple(
            Mapped(
                relation=row["relation"], columns=tuple(row["columns"].split()), class_=row["class"],
                purpose=row["purpose"], retention=row["retention"], recipients=row["recipients"],
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


@cache
def hosts() -> tuple[Host, ...]:
    """Every host, as it is written."""
    with (FOLDER / "hosts.csv").open(newline="") as file:
        return tuple(Host(**row) for row in csv.DictReader(file))
