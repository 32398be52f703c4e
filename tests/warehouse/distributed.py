"""What a statement asks that one server does and a distributed one (Citus) refuses or does by shipping whole tables.

Tried on Citus with 300,000 messages: recursion over a distributed table, a join of two of them that is not on their keys, and
a correlated subquery or a lateral join over one fail, or take forty times as long. Plain forms of the same reads do not:
gather by key in a common table expression, and join what was gathered. A view is looked at by itself, not where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

#: Tables that grow with messages, with the column that they would be spread by, and with whom they would lie together. All others are
#: small enough to lie on every node, or stay with the coordinator.
SPREAD = {
    "canonical.messages": ("message_id", "message"),
    "canonical.attachments": ("message_id", "message"),
    "canonical.search_documents": ("message_id", "message"),
    "jobs.media": ("message_id", "message"),
    "canonical.message_participants": ("identity", "identity"),
    "canonical.identities": ("identity", "identity"),
    "canonical.search_people": ("identity", "identity"),
    "canonical.conversations": ("conversation_id", "conversation"),
    "canonical.threads": ("conversation_id", "conversation"),
}
PARAMETER = re.compile(r"%\(\w+\)[sbt]|%s")
OWN_FUNCTION = re.compile(r"\b(?:canonical|crm|marts)\.(?=\w+\()|\"canonical\"\.(?=\w+\()")
#: What a program puts in, which knows the name of a table.
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, order=True)
class Broken:
    """One rule that a statement breaks, and over which table."""

    rule: str
    table: str


def parsed(statement: str) -> list[exp.Expression]:
    """The statements of a text; parameters stand for nothing, and a table that is put in for one of no weight."""
    text = PLACE.sub(_put_in, PARAMETER.sub("null", statement)).replace("%%", "%")
    # What the parser does not know: an operator of pg_trgm, an order within a call of a function with a schema, an arrow there.
    text = OWN_FUNCTION.sub("", text.replace("<%", "=")).replace(" -> ", " ->> ")
    return [each for each in sqlglot.parse(text, read="postgres") if each is not None]  # type: ignore[misc]


def _put_in(place: re.Match[str]) -> str:
    return place[1] if place[1] in ("canonical", "marts") else "put_in"


def broken_by(statement: str) -> set[Broken]:
    """Every rule that it breaks."""
    found: set[Broken] = set()
    for tree in parsed(statement):
        found |= set(_recursions(tree))
        for select in tree.find_all(exp.Select, exp.Update, exp.Delete):
            found |= set(_joins(select))
        for select in tree.find_all(exp.Select):
            found |= set(_correlations(select))
    return found


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}"


def _sources(node: exp.Expression) -> list[exp.Expression]:
    """What stands in its FROM and its joins."""
    found: list[exp.Expression] = []
    if isinstance(node, exp.Update | exp.Delete) and isinstance(node.this, exp.Table):
        found.append(node.this)
    from_ = node.args.get("from_") or node.args.get("from")
    if from_ is not None:
        found.append(from_.this)
    found += [each.this for each in node.args.get("joins") or []]
    found += node.args.get("laterals") or []
    found += [each for each in node.args.get("using") or [] if isinstance(each, exp.Expression)]
    flat: list[exp.Expression] = []
    while found:
        each = found.pop(0)
        # A join may hang on the table that it begins with, and stand in brackets, as the server writes views.
        found += [join.this for join in each.args.get("joins") or []]
        if isinstance(each, exp.Paren | exp.Subquery) and not isinstance(each.this, exp.Query):
            found.append(each.this)
        else:
            flat.append(each)
    return flat


def _spread(node: exp.Expression) -> dict[str, str]:
    """Its own tables that are spread, by the name that it has for them."""
    return {
        each.alias_or_name: _name(each)
        for each in _sources(node)
        if isinstance(each, exp.Table) and _name(each) in SPREAD
    }


def _own(node: exp.Expression, *kinds: type[exp.Expression]) -> Iterator[exp.Expression]:
    """Parts of it that belong to no query within it."""
    for each in node.walk(
        prune=lambda part: part is not node and isinstance(part, exp.Query | exp.CTE)
    ):
        if isinstance(each, kinds):
            yield each


def _joins(node: exp.Expression) -> Iterator[Broken]:
    """Two spread tables side by side, without equality of the columns that they are spread by."""
    tables = _spread(node)
    if len(tables) < 2:
        return
    together = {alias: {alias} for alias in tables}

    def join(one: str, other: str) -> None:
        both = together[one] | together[other]
        for alias in both:
            together[alias] = both

    for equality in _own(node, exp.EQ):
        sides = [equality.this, equality.expression]
        if all(isinstance(side, exp.Column) and side.table in tables for side in sides):
            one, other = sides
            (by_one, with_one), (by_other, with_other) = (
                SPREAD[tables[side.table]] for side in sides
            )
            if with_one == with_other and (one.name, other.name) == (by_one, by_other):
                join(one.table, other.table)
    for each in node.args.get("joins") or []:
        used = {column.name for column in each.args.get("using") or []}
        for alias, table in tables.items():
            for other, its in tables.items():
                if SPREAD[table] == SPREAD[its] and SPREAD[table][0] in used:
                    join(alias, other)
    first, *rest = tables
    for alias in rest:
        if alias not in together[first]:
            yield Broken("join", tables[alias])


def _correlations(select: exp.Select) -> Iterator[Broken]:
    """A query over a spread table that asks for something of the row round it."""
    tables = _spread(select)
    if not tables:
        return
    own = {each.alias_or_name for each in _sources(select)}
    outer: set[str] = set()
    above = select.parent
    while above is not None and not isinstance(above, exp.CTE):
        if isinstance(above, exp.Select | exp.Update | exp.Delete):
            outer |= {each.alias_or_name for each in _sources(above)}
        above = above.parent
    asked = {
        column.table
        for column in _own(select, exp.Column)
        if isinstance(column, exp.Column) and column.table
    }
    if asked & (outer - own):
        for table in tables.values():
            is_lateral = select.find_ancestor(exp.Lateral, exp.Select) is not None and isinstance(
                select.find_ancestor(exp.Lateral, exp.Select), exp.Lateral
            )
            yield Broken("lateral" if is_lateral else "correlated", table)


def _recursions(tree: exp.Expression) -> Iterator[Broken]:
    """A common table expression that asks itself again, over a spread table."""
    for with_ in tree.find_all(exp.With):
        if not with_.args.get("recursive"):
            continue
        for each in with_.expressions:
            read = list(each.this.find_all(exp.Table))
            if any(not table.db and table.name == each.alias for table in read):
                for table in read:
                    if _name(table) in SPREAD:
                        yield Broken("recursion", _name(table))
