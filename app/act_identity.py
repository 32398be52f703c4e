"""What people decide on pages about whose an identity is: whether they may, then the decision itself."""

from __future__ import annotations

from collections.abc import Sequence

from app import read_identity
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from app.database import Row
from warehouse import decisions

MAY = Permission.DECIDE_CUSTOMER


@decisions.gives_way
def take_away(
    viewer: Viewer, identities: Sequence[str], customer_id: str | None, *, reason: str
) -> None:
    """These identities are another customer's, or wait in the queue again, as one decision.

    Args:
        customer_id: whose they are; None for nobody's.

    Raises:
        Forbidden: the role may not.
        Refused: one of them is nobody's by now, or that customer's already; then none is changed.
    """
    decision_id = decisions.new_decision_id()
    with deciding(viewer, MAY) as database:
        decisions.owners(database, identities)
        for identity in dict.fromkeys(identities):
            if customer_id is None:
                decisions.unlink(
                    database, viewer.actor, identity, reason=reason, decision_id=decision_id
                )
            else:
                decisions.move(
                    database, viewer.actor, identity, customer_id, reason=reason, decision_id=decision_id
                )  # fmt: skip


@decisions.gives_way
def merge(viewer: Viewer, from_customer: str, into_customer: str, *, reason: str) -> None:
    """Two customers are one."""
    with deciding(viewer, MAY) as database:
        decisions.merge(database, viewer.actor, from_customer, into_customer, reason=reason)


@decisions.gives_way
def split(
    viewer: Viewer, customer_id: str, identities: Sequence[str], name: str, *, reason: str
) -> str:
    """One customer is two; returns the id of the new one."""
    with deciding(viewer, MAY) as database:
        return decisions.split(
            database, viewer.actor, customer_id, identities, name, reason=reason
        ).customer_id


@decisions.gives_way
def rename(viewer: Viewer, customer_id: str, name: str) -> None:
    """They are called otherwise."""
    with deciding(viewer, MAY) as database:
        decisions.rename_customer(database, viewer.actor, customer_id, name)


@decisions.gives_way
def make_customer(viewer: Viewer, name: str, *, phone: str, email: str, reason: str) -> str:
    """Make a customer, known by the phone and the mail address that were typed, as one decision; returns their id.

    Raises:
        Forbidden: the role may not.
        Refused: the name, an address or the reason is unusable, or an address is somebody's; then nobody is made.
    """
    typed = {"phone": phone.strip(), "email": email.strip()}
    decision_id = decisions.new_decision_id()
    with deciding(viewer, MAY) as database:
        customer_id = decisions.create_customer(
            database, viewer.actor, name, decision_id=decision_id
        )
        for scheme, value in typed.items():
            if value:
                decisions.link(
                    database, viewer.actor, f"{scheme}:{value}", customer_id,
                    reason=reason, evidence={"from": "typed"}, decision_id=decision_id,
                )  # fmt: skip
    return customer_id


@decisions.gives_way
def archive(viewer: Viewer, customer_id: str, *, reason: str) -> None:
    """They leave the lists; nobody who has identities."""
    with deciding(viewer, MAY) as database:
        decisions.archive_customer(database, viewer.actor, customer_id, reason=reason)


@decisions.gives_way
def not_a_customer(viewer: Viewer, identity: str, *, reason: str) -> None:
    """The queue asks about this identity no more."""
    with deciding(viewer, MAY) as database:
        decisions.not_a_customer(database, viewer.actor, identity, reason=reason)


@decisions.gives_way
def dismiss(viewer: Viewer, identity: str, customer_id: str) -> None:
    """This identity is not that customer, and is not suggested again."""
    with deciding(viewer, MAY) as database:
        decisions.dismiss(database, viewer.actor, identity, customer_id)


@decisions.gives_way
def accept(viewer: Viewer, suggestion: Row) -> None:
    """Link as suggested; what spoke for it is the reason and the evidence."""
    with deciding(viewer, MAY) as database:
        _accept(database, viewer, suggestion, decision_id=None)


@decisions.gives_way
def accept_all(viewer: Viewer, suggestions: Sequence[Row]) -> int:
    """Link all of these in one decision; returns how many. Whoever is somebody's by now, is marked as nobody's, or is
    suggested for this customer no more, stays as they are."""
    decision_id = decisions.new_decision_id()
    done = 0
    with deciding(viewer, MAY) as database:
        free = _free(database, [row["identity"] for row in suggestions])
        sure = read_identity.sure_still(database, free)
        for row in suggestions:
            if (row["identity"], row["customer_id"]) in sure:
                _accept(database, viewer, row, decision_id=decision_id)
                done += 1
    return done


def _accept(
    database: decisions.Database, viewer: Viewer, row: Row, *, decision_id: str | None
) -> None:
    decisions.link(
        database, viewer.actor, row["identity"], row["customer_id"],
        reason=f"suggested: {row['said']}"[: decisions.LONGEST_REASON],
        evidence={"from": "suggestion", "score": row["score"], "said": row["said"]},
        decision_id=decision_id,
    )  # fmt: skip


@decisions.gives_way
def make_all(viewer: Viewer, named: Sequence[Row]) -> int:
    """Make a customer of each of these in one decision; returns how many. Whoever is somebody's by now, or is marked as
    nobody's, stays as they are."""
    decision_id = decisions.new_decision_id()
    done = 0
    with deciding(viewer, MAY) as database:
        free = _free(database, [row["identity"] for row in named])
        for row in named:
            if row["identity"] not in free:
                continue
            name = " ".join(row["display_name"].split())[: decisions.LONGEST_NAME]
            customer_id = decisions.create_customer(
                database, viewer.actor, name, decision_id=decision_id
            )
            decisions.link(
                database, viewer.actor, row["identity"], customer_id,
                reason="made of all who wait and have a name", evidence={"from": "unassigned queue"},
                decision_id=decision_id,
            )  # fmt: skip
            done += 1
    return done


def _free(database: decisions.Database, identities: list[str]) -> set[str]:
    """Those of whom nothing is decided; all are locked at once, so that two who do this do not wait for each other."""
    free = set(identities) - decisions.owners(database, identities).keys()
    return free - read_identity.marked(database, free)
