"""What people decide on pages: whether they may, then the decision itself (`warehouse/decisions`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from app import database, replica
from app.access.authority import viewer_within
from app.access.roles import Permission, require
from app.access.sessions import Viewer
from app.database import Database
from warehouse import decisions
from warehouse.decisions import KEEP, Keep

#: Where a link that a page decides on was seen.
EVIDENCE = {"from": "unassigned queue"}


@contextmanager
def deciding(viewer: Viewer, permission: Permission) -> Iterator[Database]:
    """A transaction for what this person may decide: all of it or nothing. They stay who they are until it ends.

    Raises:
        Forbidden: the role may not, or their session has ended.
    """
    with database.pool().connection() as connection, connection.transaction():
        viewer_within(connection, viewer, permission, holds=True)
        yield connection
    replica.decided(viewer.session_id)


@decisions.gives_way
def create_customer(
    viewer: Viewer, name: str, *, identity: str | None = None, reason: str = ""
) -> str:
    """Make a customer, and link the identity to it where one is given; returns the customer's id.

    Raises:
        Forbidden: the role may not.
        Refused: the name or the reason is missing, or the identity is someone's already.
    """
    decision_id = decisions.new_decision_id()
    with deciding(viewer, Permission.DECIDE_CUSTOMER) as connection:
        customer_id = decisions.create_customer(
            connection, viewer.actor, name, decision_id=decision_id
        )
        if identity:
            decisions.link(
                connection, viewer.actor, identity, customer_id,
                reason=reason, evidence=EVIDENCE, decision_id=decision_id,
            )  # fmt: skip
    return customer_id


@decisions.gives_way
def link_identity(viewer: Viewer, identity: str, customer_id: str, *, reason: str) -> None:
    """Decide that an identity belongs to a customer: their whole timeline follows at once.

    Raises:
        Forbidden: the role may not.
        Refused: no reason, no such customer, or the identity is someone else's already.
    """
    with deciding(viewer, Permission.DECIDE_CUSTOMER) as connection:
        decisions.link(
            connection, viewer.actor, identity, customer_id, reason=reason, evidence=EVIDENCE
        )


# -- organising ----------------------------------------------------------------------------------


@decisions.gives_way
def tag(viewer: Viewer, object_ids: Sequence[str], name: str, *, on: bool = True) -> int:
    """Put a tag on these conversations or messages, or take it off, as one decision; returns on how many it changed
    anything.

    Raises:
        Forbidden: the role may not.
        Refused: the name is unusable, or one of them is gone; then none is changed.
    """
    with deciding(viewer, Permission.ORGANISE) as connection:
        made = decisions.tag_all(connection, viewer.actor, _in_turn(object_ids), name, on=on)
    return sum(each.changed for each in made)


@decisions.gives_way
def retag(viewer: Viewer, object_id: str, *, on: Iterable[str], off: Iterable[str]) -> None:
    """Take tags off one conversation or message and put others on, as one decision.

    Raises:
        Forbidden: the role may not.
        Refused: a name is unusable, there are too many, or it is gone; then nothing is changed.
    """
    with deciding(viewer, Permission.ORGANISE) as connection:
        decisions.retag(connection, viewer.actor, object_id, on=on, off=off)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What stood on the screen of a conversation that somebody decides on."""

    #: Its `assignment_id`; None where nothing was decided of it.
    assignment_id: str | None = None
    #: The `sort_key` of its newest message; None where messages make no difference.
    newest_key: str | None = None


@decisions.gives_way
def assign(
    viewer: Viewer,
    seen: Mapping[str, Seen],
    *,
    assignee: str | Keep | None = KEEP,
    state: str | Keep = KEEP,
    due_at: datetime | Keep | None = KEEP,
    note: str | Keep = KEEP,
) -> int:
    """Say of these conversations who has them and how they stand, as one decision; returns of how many it was news.

    Args:
        seen: each conversation with what the person saw of it. What was written since is not put aside with it.
        assignee, state, due_at, note: `KEEP` leaves with each what is in force when the decision is made.

    Raises:
        Forbidden: the role may not.
        Overtaken: somebody decided on one of them since; then none is changed.
        Refused: there is no such user, or a conversation is gone.
    """
    decision_id, changed = decisions.new_decision_id(), 0
    with deciding(viewer, Permission.ORGANISE) as connection:
        its = {each: decisions.conversation(connection, each) for each in _in_turn(seen)}
        decisions.hold(connection, its.values())
        for conversation_id, it in its.items():
            saw = seen[conversation_id]
            made = decisions.assign(
                connection, viewer.actor, it,
                assignee=assignee, state=state, due_at=due_at, note=note,
                expected=saw.assignment_id, seen_key=saw.newest_key, decision_id=decision_id,
            )  # fmt: skip
            changed += made.changed
    return changed


@decisions.gives_way
def note(
    viewer: Viewer, text: str, *, customer_id: str | None = None, conversation_id: str | None = None
) -> None:
    """Write a note on a customer or a conversation.

    Raises:
        Forbidden: the role may not.
        Refused: it is empty or too long.
    """
    with deciding(viewer, Permission.ORGANISE) as connection:
        decisions.note(
            connection, viewer.actor, text, customer_id=customer_id, conversation_id=conversation_id
        )


@decisions.gives_way
def change_note(viewer: Viewer, note_id: str, version: int, text: str | None) -> None:
    """Write a note anew, or take it away where the text is None.

    Raises:
        Forbidden: the role may not.
        Overtaken: somebody else did since.
        Refused: it is empty or too long.
    """
    with deciding(viewer, Permission.ORGANISE) as connection:
        if text is None:
            decisions.remove_note(connection, viewer.actor, note_id, expected=version)
        else:
            decisions.change_note(connection, viewer.actor, note_id, text, expected=version)


@decisions.gives_way
def undo(viewer: Viewer, decision_id: str, reason: str) -> None:
    """Take a decision back, or an undo; whoever may decide so may take it back.

    Raises:
        Forbidden: the role may not decide that kind of thing.
        Refused: something stands in the way; the text says what.
    """
    with deciding(viewer, Permission.ORGANISE) as connection:
        for action in decisions.actions_of(connection, decision_id):
            require(viewer.role, _needed(action))
        decisions.undo(connection, viewer.actor, decision_id, reason)


def _needed(action: str) -> Permission:
    if action in ("tag.change", "tag.merge", "tag.part", "tag.discard", "tag.recover"):
        return Permission.MANAGE_TAGS
    if action.endswith(".correct"):
        return Permission.HANDLE_PRIVACY
    if action.startswith("view."):
        # Whose view it is `app/act_saved.py` asks.
        return Permission.MANAGE_VIEWS
    if action.startswith("quarantine."):
        return Permission.MANAGE_CONNECTIONS
    organising = action.partition(".")[0] in ("conversation", "message", "note", "tag")
    return Permission.ORGANISE if organising else Permission.DECIDE_CUSTOMER


def _in_turn(ids: Iterable[str]) -> list[str]:
    """Each once, in one order."""
    return sorted(set(ids))
