"""What a list of customers would do: the plan that a preview shows, and that an import carries out.

    lines ──> identities ──> open links ──> made | matched | conflicts | refused

Making it changes nothing. An address that a file gives to two people goes to neither: whose private messages they are
is no guess.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse.customer_file import Line
from warehouse.customer_lines import Progress, Told, UsableLine, quiet, read_lines, some_at_once
from warehouse.queries import queries

SQL = queries("customer_plan")

Database = psycopg.Connection[Any]


@dataclass(frozen=True, kw_only=True)
class NewCustomer:
    customer_id: str
    name: str
    notes: str
    line: int


@dataclass(frozen=True, kw_only=True)
class NewLink:
    identity: str
    customer_id: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Match:
    """A line about a customer whom we have, or whom an earlier line makes; `identity` is by which address."""

    line: int
    customer_id: str
    identity: str
    name: str
    name_in_file: str


@dataclass(kw_only=True)
class Plan:
    """What an import would do. Made, matched and refused together are all lines.

    `conflicts` holds the lines whose addresses are somebody else's, or are given to two people: some of them are
    refused, some taken without that address. `left_out` are unusable addresses of lines that are taken.
    """

    customers: list[NewCustomer] = field(default_factory=list)
    links: list[NewLink] = field(default_factory=list)
    matched: list[Match] = field(default_factory=list)
    conflicts: list[Told] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)
    left_out: list[Told] = field(default_factory=list)
    #: The customers of ours whom what is told of a line names.
    named: dict[int, set[str]] = field(default_factory=dict)
    #: Once it was carried out, and only where it changed something: a long list is several decisions.
    decision_ids: list[str] = field(default_factory=list)

    def of_ours(self, matched: Iterable[Match], lines: Iterable[int]) -> list[str]:
        """The customers of ours whom these matches, and what is told of these lines, name."""
        named = {each.customer_id for each in matched}
        named = named.union(*(self.named.get(line, ()) for line in lines))
        return sorted(named - {each.customer_id for each in self.customers})

    def refuse(self, line: int, reason: str, *, in_conflict: bool = False) -> None:
        self.refused.append(Told(line=line, reason=reason))
        if in_conflict:
            self.conflicts.append(Told(line=line, reason=reason))


def plan(database: Database, lines: Sequence[Line], *, progress: Progress = quiet) -> Plan:
    """What importing these lines would do now; changes nothing."""
    read = read_lines(database, lines, progress)
    made = Plan(refused=read.refused, left_out=read.left_out)
    usable = read.usable
    wanted = list({identity: None for line in usable for identity in line.identities})
    owners = _owned(database, wanted)
    shared = _given_to_two(usable, owners)
    names = {owner["customer_id"]: owner["name"] for owner in owners.values()}
    holders = {identity: owner["customer_id"] for identity, owner in owners.items()}
    for line in usable:
        kept = []
        conflicts = []
        for identity in line.identities:
            because = shared.get(identity, {}).get(_folded(line.name))
            if because:
                conflicts.append(because)
                if identity in owners:
                    made.named.setdefault(line.number, set()).add(owners[identity]["customer_id"])
            else:
                kept.append(identity)
        customers = sorted({holders[identity] for identity in kept if identity in holders})
        if len(customers) > 1:
            said = ", ".join(
                f"{identity} to {names[holders[identity]][:60]}, customer {holders[identity]}"
                for identity in kept
                if identity in holders
            )
            made.refuse(
                line.number, f"belongs to {len(customers)} customers: {said}", in_conflict=True
            )
            made.named.setdefault(line.number, set()).update(customers)
            continue
        if not kept:
            made.refuse(line.number, "; ".join(conflicts), in_conflict=True)
            continue
        made.conflicts += [Told(line=line.number, reason=reason) for reason in conflicts]
        if customers:
            customer_id = customers[0]
            match = Match(
                line=line.number, customer_id=customer_id, name=names[customer_id],
                name_in_file=line.name, identity=next(each for each in kept if each in holders),
            )  # fmt: skip
            made.matched.append(match)
        else:
            customer_id = secrets.token_hex(16)
            names[customer_id] = line.name
            new = NewCustomer(
                customer_id=customer_id, name=line.name, notes=line.notes, line=line.number
            )
            made.customers.append(new)
        for identity in kept:
            if identity not in holders:
                holders[identity] = customer_id
                made.links.append(
                    NewLink(identity=identity, customer_id=customer_id, line=line.number)
                )
    for told in (made.conflicts, made.refused, made.left_out):
        told.sort(key=lambda each: each.line)
    return made


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _owned(database: Database, wanted: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with database.cursor(row_factory=dict_row) as cursor:
        for some in some_at_once(wanted):
            cursor.execute(SQL["owned"], {"identities": list(some)})
            found |= {row["identity"]: row for row in cursor}
    return found


def _given_to_two(
    usable: list[UsableLine], owners: dict[str, dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """identity -> name (folded) -> why a line of this name does not get it; only where lines disagree."""
    given: dict[str, dict[str, UsableLine]] = defaultdict(dict)
    for line in usable:
        for identity in line.identities:
            given[identity].setdefault(_folded(line.name), line)
    refused: dict[str, dict[str, str]] = {}
    for identity, lines in given.items():
        if len(lines) == 1:
            continue
        first = [f"{line.name[:60]} (line {line.number})" for line in list(lines.values())[:3]]
        more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
        said = f"{identity} is given to {', '.join(first)}{more}"
        owner = owners.get(identity)
        keeps = _folded(owner["name"]) if owner else None
        goes = f"it stays with {owner['name'][:60]}" if owner else "it goes to none of them"
        refused[identity] = {name: f"{said}: {goes}" for name in lines if name != keeps}
    return refused


def summary(made: Plan) -> dict[str, Any]:
    """What became, or would become, of the lines: counts, and what there is to say of single lines."""

    def listed(told: list[Told]) -> list[dict[str, Any]]:
        return [{"line": each.line, "reason": each.reason} for each in told]

    return {
        "made": len(made.customers),
        "matched": len(made.matched),
        "conflicts": listed(made.conflicts),
        "refused": listed(made.refused),
        "left_out": listed(made.left_out),
        "decision_id": made.decision_ids[0] if made.decision_ids else None,
        "decision_ids": made.decision_ids,
    }


def shown(made: Plan, most: int) -> dict[str, Any]:
    """For a page: the summary, of each list no more than `most`, with how many there are; and some of what is made and
    matched, first the lines that call a customer otherwise than we do."""
    told = summary(made)
    identities_of_customer: dict[str, list[str]] = defaultdict(list)
    for link in made.links:
        identities_of_customer[link.customer_id].append(link.identity)
    differing = [each for each in made.matched if _folded(each.name) != _folded(each.name_in_file)]
    same = [each for each in made.matched if _folded(each.name) == _folded(each.name_in_file)]
    matched = (differing + same)[:most]
    lines = {each["line"] for kind in ("conflicts", "refused") for each in told[kind][:most]}
    return {
        **told,
        **{f"{kind}_count": len(told[kind]) for kind in ("conflicts", "refused", "left_out")},
        **{kind: told[kind][:most] for kind in ("conflicts", "refused", "left_out")},
        "differing_count": len(differing),
        "new_links": len(made.links),
        "some_made": [
            {
                "line": each.line, "name": each.name,
                "identities": identities_of_customer[each.customer_id][:3],
            }
            for each in made.customers[:most]
        ],
        "some_matched": [
            {
                "line": each.line, "name": each.name, "name_in_file": each.name_in_file,
                "identity": each.identity,
            }
            for each in matched
        ],
        # Whose names stand in it, but for those whom it makes.
        "customer_ids": made.of_ours(matched, lines),
    }  # fmt: skip
