"""The decision to import a list: customers and links by the thousand, entered as if each were decided by itself.

Written in a few statements where `customers` and `links` have one each; the ledger's rows, the events and so the undo
are the same. No decision is longer than what is undone at once: a long list is several of them.

A list does not lock each identity of its thousands. Whoever links one of them meanwhile meets it at the one open link
that an identity has; whoever would mark one as no customer waits for no list and is told to (`marks`).
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from warehouse.decisions.ledger import LONGEST_REASON, MOST_CHANGES, Database, new_decision_id
from warehouse.events import Actor
from warehouse.queries import queries

if TYPE_CHECKING:
    from warehouse.customer_lines import Progress
    from warehouse.customer_plan import NewCustomer, Plan

SQL = queries("customer_import")
ROWS_AT_ONCE = 5_000
#: A decision of this size is undone in seconds. Each link may end a mark, which is a change more.
CHANGES_OF_ONE_DECISION = 20_000
assert 2 * CHANGES_OF_ONE_DECISION <= MOST_CHANGES


class OthersDecided(Exception):
    """One of the identities has another owner than the plan was made with."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One customer made, or one identity linked."""

    action: str
    object_id: str
    customer_id: str
    line: int
    link_id: str = ""
    decision_id: str = ""


def import_list(
    database: Database, actor: Actor, made: Plan, *, source: str, progress: Progress
) -> None:
    """Carry a plan out within the caller's transaction, and write down in it which decisions that were.

    Raises:
        OthersDecided: nothing of it may stand, and the plan is to be made anew.
    """
    decided = list(_decisions(made))
    made.decision_ids = [changes[0].decision_id for changes in decided]
    if not decided:
        return
    database.execute(SQL["lock_out_marks"])
    shared = {
        "actor": actor.name, "role": actor.role, "session_id": actor.session_id, "ip": actor.ip,
        "source": source, "reason": f"imported from {source}"[:LONGEST_REASON],
    }  # fmt: skip
    database.execute(
        SQL["enter_decisions"],
        {
            **shared,
            "decision_ids": made.decision_ids,
            "actions": [changes[0].action for changes in decided],
        },
    )
    _add_customers(database, shared, made.customers)
    changes = [change for changes in decided for change in changes]
    for start in range(0, len(changes), ROWS_AT_ONCE):
        some = changes[start : start + ROWS_AT_ONCE]
        _write(database, shared, some)
        progress("written", start + len(some), len(changes))
    known = {each.customer_id for each in made.links} - {
        each.customer_id for each in made.customers
    }
    # Their rows are locked by the links: who merges or archives them waits for this to end.
    if database.execute(SQL["archived_meanwhile"], {"customer_ids": list(known)}).rowcount:
        raise OthersDecided


def _decisions(made: Plan) -> Iterator[list[_Change]]:
    """Everything that a plan changes, cut into decisions: a customer's own changes stay together where they can."""
    together: list[_Change] = []
    for changes in _of_each_customer(made):
        for start in range(0, len(changes), CHANGES_OF_ONE_DECISION):
            some = changes[start : start + CHANGES_OF_ONE_DECISION]
            if together and len(together) + len(some) > CHANGES_OF_ONE_DECISION:
                yield _decision(together)
                together = []
            together += some
    if together:
        yield _decision(together)


def _of_each_customer(made: Plan) -> Iterator[list[_Change]]:
    """First that there is a customer, then by which identities; those whom the list makes first."""
    links: dict[str, list[_Change]] = defaultdict(list)
    for each in made.links:
        links[each.customer_id].append(
            _Change(
                action="identity.link", object_id=each.identity, customer_id=each.customer_id,
                line=each.line, link_id=secrets.token_hex(16),
            )
        )  # fmt: skip
    for new in made.customers:
        creation = _Change(
            action="customer.create", object_id=new.customer_id, customer_id=new.customer_id,
            line=new.line,
        )  # fmt: skip
        yield [creation, *links.pop(new.customer_id, [])]
    yield from links.values()


def _decision(changes: Sequence[_Change]) -> list[_Change]:
    decision_id = new_decision_id()
    return [replace(change, decision_id=decision_id) for change in changes]


def _add_customers(
    database: Database, shared: dict[str, Any], customers: Sequence[NewCustomer]
) -> None:
    for start in range(0, len(customers), ROWS_AT_ONCE):
        some = customers[start : start + ROWS_AT_ONCE]
        columns = {
            "customer_ids": [each.customer_id for each in some],
            "names": [each.name for each in some],
            "notes": [each.notes for each in some],
        }
        database.execute(SQL["add_customers"], shared | columns)


def _write(database: Database, shared: dict[str, Any], changes: Sequence[_Change]) -> None:
    links = [each for each in changes if each.link_id]
    linked = shared | _columns(links)
    if database.execute(SQL["open_links"], linked).rowcount != len(links):
        raise OthersDecided
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
