"""What privacy officers decide: whether they may, then the decision itself (`warehouse/decisions`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.access.roles import Permission, require
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import decisions

MAY = Permission.HANDLE_PRIVACY


def open_case(
    viewer: Viewer, customer_id: str, *, kind: str, asked_by: str, received_at: datetime | None
) -> str:
    """Open a request of a person; returns its id.

    Raises:
        Forbidden: the role may not.
        Refused: it is not said who asks, or a day is to come.
    """
    with deciding(viewer, MAY) as db:
        return decisions.open_case(
            db, viewer.actor, customer_id, kind=kind, asked_by=asked_by, received_at=received_at
        )


def check_identity(viewer: Viewer, case_id: str, how: str) -> None:
    """Note how it was made sure who asks. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.check_identity(db, viewer.actor, case_id, how)


def close_case(
    viewer: Viewer, case_id: str, *, outcome: str, reason: str, grounds: Sequence[str]
) -> None:
    """Say how a request ended. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.close_case(
            db, viewer.actor, case_id, outcome=outcome, reason=reason, grounds=grounds
        )


def reopen_case(viewer: Viewer, case_id: str) -> None:
    """Open a request again. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.reopen_case(db, viewer.actor, case_id)


def ask_export(viewer: Viewer, case_id: str) -> None:
    """Have the worker write what is held. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.ask_export(db, viewer.actor, case_id)


def open_incident(viewer: Viewer, title: str, *, suspected_at: datetime | None) -> str:
    """Open an incident; returns its id. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        return decisions.open_incident(db, viewer.actor, title, suspected_at=suspected_at)


def describe_incident(
    viewer: Viewer,
    incident_id: str,
    *,
    expected: int,
    description: str,
    kinds: str,
    steps: str,
    account: str,
    seen_from: datetime | None,
    seen_until: datetime | None,
) -> None:
    """Write the parts of its statement, and whose account it was.

    Raises:
        Forbidden: the role may not.
        Overtaken: somebody else wrote since.
        Refused: a text is too long, a moment cannot be.
    """
    with deciding(viewer, MAY) as db:
        decisions.describe_incident(
            db, viewer.actor, incident_id, expected=expected, description=description, kinds=kinds,
            steps=steps, account=account, seen_from=seen_from, seen_until=seen_until,
        )  # fmt: skip


def decide_incident(viewer: Viewer, incident_id: str, *, decision: str, reason: str) -> None:
    """Decide whether it is notifiable. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.decide_incident(db, viewer.actor, incident_id, decision=decision, reason=reason)


def note_notified(viewer: Viewer, incident_id: str) -> None:
    """Note that people were told. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.note_notified(db, viewer.actor, incident_id)


def approve_class(viewer: Viewer, class_id: str, *, standing: bool) -> None:
    """Approve a retention class as it stands, which another person changed. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.approve_class(db, viewer.actor, class_id, standing=standing)


def apply_class(viewer: Viewer, class_id: str) -> None:
    """Have the worker take away what is due of a class. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.ask_apply(db, viewer.actor, class_id)


def change_class(viewer: Viewer, row: dict[str, object], *, keep: str, reason: str) -> None:
    """Keep what a class covers for another time; another person approves it. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.set_class(
            db, viewer.actor, str(row["class_id"]),
            covers=str(row["covers"]), keep=keep, basis=str(row["basis"]), reason=reason,
            channels=_texts(row["channels"]), kinds=_texts(row["kinds"]),
            tag=str(row["tag"]) if row["tag"] else None, counted_from=str(row["counted_from"]),
        )  # fmt: skip


def _texts(values: object) -> list[str]:
    return [str(each) for each in values] if isinstance(values, list) else []


def correct(
    viewer: Viewer, object_id: str, *, field: str, value: str, statement: str, reason: str
) -> None:
    """Correct what is shown of a message, or note what the person says against it. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.correct(
            db,
            viewer.actor,
            object_id,
            field=field,
            value=value,
            statement=statement,
            reason=reason,
        )


def take_back(viewer: Viewer, decision_id: str) -> None:
    """Undo a correction: what was in force before is again. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        for action in decisions.actions_of(db, decision_id):
            require(viewer.role, MAY if action.endswith(".correct") else Permission.ORGANISE)
        decisions.undo(db, viewer.actor, decision_id, "the correction is taken back")


def place_hold(viewer: Viewer, customer_id: str, reason: str) -> None:
    """Hold a customer: nothing destroys what is theirs. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.place_hold(db, viewer.actor, customer_id=customer_id, reason=reason)


def release_hold(viewer: Viewer, hold_id: str, reason: str) -> None:
    """Release a hold. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.release_hold(db, viewer.actor, hold_id, reason=reason)


def ask_destruction(viewer: Viewer, customer_id: str, reason: str) -> None:
    """Propose that a customer is destroyed; another person agrees. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.ask_destruction(db, viewer.actor, customer_id, reason)


def agree(viewer: Viewer, task_id: str) -> None:
    """Agree to a destruction that another person proposed: the worker does it. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.approve_task(db, viewer.actor, task_id)


def drop(viewer: Viewer, task_id: str) -> None:
    """Take back what is proposed. Raises as `open_case`."""
    with deciding(viewer, MAY) as db:
        decisions.drop_task(db, viewer.actor, task_id)
