"""What privacy officers have the worker do: write an export, destroy a customer, apply a retention class.

    asked ──(a destruction: another person agrees)──> privacy.tasks ── crm_asked ──> worker (privacy/tasks.py)

The app may not touch raw, so it asks. Nothing of it is undone: what was proposed is dropped before anybody agrees.
"""

from __future__ import annotations

import secrets

from psycopg.rows import DictRow

from warehouse.decisions.cases import customer_of, granting
from warehouse.decisions.ledger import Database, execute, line
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("cases")
KINDS = {"export": "Export", "destroy": "Destruction", "apply": "Retention"}
LONGEST_REASON = 500


def ask_export(database: Database, actor: Actor, case_id: str) -> str:
    """Have everything written that is held about the customer of an access request; returns the task's id.

    Raises:
        Refused: there is no such open case, or nobody has checked who asks.
    """
    with database.transaction():
        found = granting(database, case_id)
        return _ask(database, actor, "export", found["customer_id"], case_id=case_id)


def ask_destruction(database: Database, actor: Actor, customer_id: str, reason: str) -> str:
    """Propose that a customer is destroyed; returns the task's id. Nothing goes before another person agrees.

    Raises:
        Refused: there is no such customer, no reason, or they wait for access to what would go.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why: it stands in the certificate")
    with database.transaction():
        name = customer_of(database, customer_id)["name"]
        if name.strip() and name.casefold() in why.casefold():
            raise Refused("the reason names the customer, and it is kept: write it without name")
        # What somebody has asked for is not destroyed before they have it.
        if execute(database, SQL["open_access"], {"customer_id": customer_id}):
            raise Refused("an access request of theirs is open: answer it first")
        return _ask(database, actor, "destroy", customer_id, reason=why)


def ask_apply(database: Database, actor: Actor, class_id: str) -> str:
    """Have taken away what is due of a retention class; returns the task's id. Whether somebody else approved the class
    is asked when it is done.

    Raises:
        Refused: it is asked for already.
    """
    with database.transaction():
        return _ask(database, actor, "apply", line(class_id, "class", 40, "say which"))


def approve_task(database: Database, actor: Actor, task_id: str) -> None:
    """Agree to what another person proposed: the worker does it, and nothing brings it back.

    Raises:
        Refused: there is nothing of the kind proposed, or they proposed it themselves.
    """
    with database.transaction():
        found = task(database, task_id)
        if found["state"] == "proposed" and found["asked_by"] == actor.name:
            raise Refused("you proposed it yourself: another person agrees")
        if not execute(database, SQL["approve_task"], {"task_id": task_id, "by": actor.name}):
            raise Refused("this is no longer proposed")
        _tell(database, actor, "task.approve", found)


def drop_task(database: Database, actor: Actor, task_id: str) -> None:
    """Take back what is proposed, one's own or another's.

    Raises:
        Refused: it is not proposed any more.
    """
    with database.transaction():
        found = task(database, task_id)
        if not execute(database, SQL["drop_task"], {"task_id": task_id}):
            raise Refused("this is no longer proposed")
        _tell(database, actor, "task.drop", found)


def task(database: Database, task_id: str) -> DictRow:
    """One task.

    Raises:
        Refused: there is none.
    """
    rows = execute(database, SQL["task"], {"task_id": task_id})
    if not rows:
        raise Refused(f"there is no task {task_id[:64]!r}")
    return rows[0]


def tasks(database: Database, *, most: int = 50) -> list[DictRow]:
    """What is under way, and the last that ended."""
    return execute(database, SQL["tasks"], {"most": most})


def _ask(
    database: Database,
    actor: Actor,
    kind: str,
    object_id: str,
    *,
    case_id: str | None = None,
    reason: str = "",
) -> str:
    same = execute(database, SQL["same_task"], {"kind": kind, "object_id": object_id})
    if same:
        raise Refused(f"this is asked for already ({same[0]['state']})")
    values = {
        "task_id": secrets.token_hex(16), "kind": kind, "object_id": object_id, "case_id": case_id,
        "reason": reason, "asked_by": actor.name, "asked_role": actor.role,
        "state": "proposed" if kind == "destroy" else "waiting",
    }  # fmt: skip
    execute(database, SQL["ask_task"], values)
    _tell(database, actor, "task.ask", values)
    return str(values["task_id"])


def _tell(database: Database, actor: Actor, action: str, task: DictRow) -> None:
    detail = {"kind": task["kind"]}
    if task["kind"] == "apply":
        detail["class_id"] = task["object_id"]
    customer_ids = [] if task["kind"] == "apply" else [task["object_id"]]
    record(
        database,
        actor.event(action, "task", task["task_id"], customer_ids=customer_ids, detail=detail),
    )
