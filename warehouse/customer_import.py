"""A list of customers: what each line would do, and doing all of it or nothing.

    lines ──> identities ──> open links ──> a plan: made | matched | conflicts | refused ──> one transaction

A plan is made without changing anything, so it is the preview too. It is carried out in one transaction with a few
statements for thousands of lines; where somebody else decided on one of the identities meanwhile, nothing of it
stands and the plan is made anew. Of a line one address may be unusable: what is good of it is taken, and the rest is
reported. An address that a file gives to two people goes to neither: whose private messages they are is no guess.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from warehouse import decisions, identities
from warehouse.customer_file import Line
from warehouse.events import Actor
from warehouse.identities import UnusableIdentity, Written
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("customer_import")
#: Pages that messages come from name accounts by numbers; a name in a list is only a hint for people.
HINTS = ("instagram", "facebook")
#: One cell of a spreadsheet may hold several numbers or addresses.
SEPARATORS = re.compile(r"[;\n|]")
#: How Excel keeps the zero of a number: ="0491570006" or '0491570006.
KEPT_AS_TEXT = re.compile(r"""^(?:="(?P<quoted>[^"]*)"|'(?P<marked>.*))$""", re.DOTALL)
#: A number of which Excel kept only the beginning.
SCIENTIFIC = re.compile(r"\d[.,]?\d*E\+?\d+", re.IGNORECASE)
#: A spreadsheet that opens an export would run what begins with one of these.
FORMULA = ("=", "+", "-", "@")
LONGEST_NOTES = 10_000
ROWS_AT_ONCE = 5_000
#: So many customers are undone at once (warehouse/decisions/ledger.py); a longer list is several decisions.
CUSTOMERS_OF_ONE_DECISION = 10_000
TRIES = 3

T = TypeVar("T")
Database = psycopg.Connection[Any]
#: Told what is under way, how many lines of it are done, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something to say about a line of the file."""

    line: int
    reason: str


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
    """A line about a customer whom we have, or whom an earlier line makes."""

    line: int
    customer_id: str
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

    def refuse(self, line: int, reason: str, *, in_conflict: bool = False) -> None:
        self.refused.append(Told(line=line, reason=reason))
        if in_conflict:
            self.conflicts.append(Told(line=line, reason=reason))


@dataclass(frozen=True, kw_only=True)
class _Usable:
    """A line that names a customer and at least one address."""

    number: int
    name: str
    notes: str
    identities: list[str]


class _OthersDecided(Exception):
    """One of the identities has another owner than the plan was made with."""


def quiet(words: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def plan(database: Database, lines: Sequence[Line], *, progress: Progress = quiet) -> Plan:
    """What importing these lines would do now; changes nothing."""
    made = Plan()
    usable = list(_read(database, lines, made, progress))
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
                name_in_file=line.name,
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


def carry_out(
    database: Database,
    actor: Actor,
    lines: Sequence[Line],
    *,
    source: str,
    progress: Progress = quiet,
) -> Plan:
    """Import the lines: all that the plan says, in one transaction, or nothing. `database` is in autocommit.

    Args:
        source: where the lines come from, for reasons and events: the name of a file.

    Raises:
        Refused: others decided on the same identities again and again meanwhile.
    """
    for _ in range(TRIES):
        try:
            with database.transaction():
                made = plan(database, lines, progress=progress)
                _write(database, actor, made, source=source, progress=progress)
        except (_OthersDecided, psycopg.errors.DeadlockDetected):
            continue
        return made
    raise Refused(
        "others decide on the same identities just now, and nothing was imported: try again"
    )


def _read(
    database: Database, lines: Sequence[Line], made: Plan, progress: Progress
) -> Iterator[_Usable]:
    done = 0
    for some in _some_at_once(lines):
        told: list[tuple[Line, str, list[Written], list[str]]] = []
        for line in some:
            try:
                name = _name(line)
                written, problems = identities_of(line.cells)
                if problems and not written:
                    raise Refused("; ".join(problems))
                if not written:
                    raise Refused(
                        "neither phone nor email: nothing would ever be matched to this customer"
                    )
            except Refused as refused:
                made.refuse(line.number, str(refused))
                continue
            made.left_out += [Told(line=line.number, reason=problem) for problem in problems]
            told.append((line, name, written, problems))
        formed = map(str, identities.normal(database, [one for each in told for one in each[2]]))
        for line, name, written, _ in told:
            theirs = list(dict.fromkeys(next(formed) for _ in written))
            yield _Usable(
                number=line.number, name=name, notes=notes_of(line.cells), identities=theirs
            )
        done += len(some)
        progress("read", done, len(lines))


def _name(line: Line) -> str:
    if line.problem:
        raise Refused(line.problem)
    if any("\0" in cell for cell in line.cells.values()):
        raise Refused("a cell contains a NUL character")
    name = decisions.customer_name(line.cells.get("name", ""))
    if name.startswith(FORMULA):
        raise Refused(
            f"name begins with {name[0]}, as a formula of a spreadsheet does: write the name itself"
        )
    if len(line.cells.get("notes", "")) > LONGEST_NOTES:
        raise Refused(f"notes are longer than {LONGEST_NOTES:,} characters")
    return name


def identities_of(cells: dict[str, str]) -> tuple[list[Written], list[str]]:
    """Phones and mail addresses of a line, and in words what is neither."""
    found: list[Written] = []
    problems: list[str] = []
    for column, read in (("phone", identities.phone), ("email", identities.email)):
        for part in SEPARATORS.split(cells.get(column, "")):
            text = part.strip()
            if kept := KEPT_AS_TEXT.match(text):
                text = (kept["quoted"] or kept["marked"] or "").strip()
            if not text:
                continue
            if column == "phone" and SCIENTIFIC.fullmatch(text):
                problems.append(
                    "phone: the spreadsheet cut the number short (it shows an E): format the column as text"
                )
                continue
            try:
                found.append(read(text[:LONGEST_NOTES]))
            except UnusableIdentity as error:
                problems.append(f"{column}: {error}")
    return found, problems


def notes_of(cells: dict[str, str]) -> str:
    """The notes, and below them the names on platforms that messages do not carry."""
    hints = [f"{column}: {cells[column][:200]}" for column in HINTS if cells.get(column)]
    return "\n".join(filter(None, [cells.get("notes", ""), *hints]))


def _some_at_once(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _owned(database: Database, wanted: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with database.cursor(row_factory=dict_row) as cursor:
        for some in _some_at_once(wanted):
            cursor.execute(SQL["owned"], {"identities": list(some)})
            found |= {row["identity"]: row for row in cursor}
    return found


def _given_to_two(
    usable: list[_Usable], owners: dict[str, dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """identity -> name (folded) -> why a line of this name does not get it; only where lines disagree."""
    given: dict[str, dict[str, _Usable]] = defaultdict(dict)
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


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One customer made, or one identity linked."""

    decision_id: str
    action: str
    object_id: str
    customer_id: str
    line: int
    link_id: str = ""


def _changes(made: Plan) -> list[_Change]:
    """Everything that a plan changes: of each customer that it makes the links are of the same decision."""
    of_decision = [
        decisions.new_decision_id()
        for _ in range(0, max(len(made.customers), 1), CUSTOMERS_OF_ONE_DECISION)
    ]
    decision_of = {
        each.customer_id: of_decision[place // CUSTOMERS_OF_ONE_DECISION]
        for place, each in enumerate(made.customers)
    }
    made.decision_ids = of_decision
    customers = [
        _Change(
            decision_id=decision_of[each.customer_id], action="customer.create",
            object_id=each.customer_id, customer_id=each.customer_id, line=each.line,
        )
        for each in made.customers
    ]  # fmt: skip
    links = [
        _Change(
            decision_id=decision_of.get(each.customer_id, of_decision[0]), action="identity.link",
            object_id=each.identity, customer_id=each.customer_id, line=each.line,
            link_id=secrets.token_hex(16),
        )
        for each in made.links
    ]  # fmt: skip
    return customers + links


def _write(
    database: Database, actor: Actor, made: Plan, *, source: str, progress: Progress
) -> None:
    if not made.customers and not made.links:
        return
    changes = _changes(made)
    shared = {
        "actor": actor.name, "role": actor.role, "session_id": actor.session_id, "ip": actor.ip,
        "source": source, "reason": f"imported from {source}"[: decisions.LONGEST_REASON],
        "action": changes[0].action,
    }  # fmt: skip
    database.execute(SQL["enter_decisions"], shared | {"decision_ids": made.decision_ids})
    for customers in _some_at_once(made.customers):
        columns = {
            "customer_ids": [each.customer_id for each in customers],
            "names": [each.name for each in customers],
            "notes": [each.notes for each in customers],
        }
        database.execute(SQL["add_customers"], shared | columns)
    done = 0
    for some in _some_at_once(changes):
        _write_changes(database, shared, some)
        done += len(some)
        progress("written", done, len(changes))
    known = list(
        {each.customer_id for each in made.links} - {each.customer_id for each in made.customers}
    )
    # Their rows are locked by the links: who merges or archives them waits for this to end.
    if database.execute(SQL["archived_meanwhile"], {"customer_ids": known}).rowcount:
        raise _OthersDecided


def _write_changes(database: Database, shared: dict[str, Any], changes: Sequence[_Change]) -> None:
    links = [each for each in changes if each.link_id]
    linked = shared | _columns(links)
    if database.execute(SQL["open_links"], linked).rowcount != len(links):
        raise _OthersDecided
    database.execute(SQL["end_marks"], linked)
    columns = shared | _columns(changes)
    database.execute(SQL["enter_changes"], columns)
    database.execute(SQL["record_events"], columns)


def _columns(changes: Sequence[_Change]) -> dict[str, list[Any]]:
    return {
        "event_ids": [secrets.token_hex(16) for _ in changes],
        "decision_ids": [each.decision_id for each in changes],
        "actions": [each.action for each in changes],
        "object_ids": [each.object_id for each in changes],
        "customer_ids": [each.customer_id for each in changes],
        "link_ids": [each.link_id for each in changes],
        "lines": [each.line for each in changes],
    }


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
    named = {each.customer_id for each in matched}.union(
        *(made.named.get(line, ()) for line in lines)
    )
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
            {"line": each.line, "name": each.name, "name_in_file": each.name_in_file}
            for each in matched
        ],
        # Whose names stand in it, but for those whom it makes.
        "customer_ids": sorted(named - {each.customer_id for each in made.customers}),
    }  # fmt: skip
