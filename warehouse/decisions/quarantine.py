"""Decisions that a kind of event in quarantine is to be ignored: nobody is told of it, and nothing of it is lost."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Change,
    Database,
    Deciding,
    deciding,
    execute,
    line,
    lock,
    reverses,
)
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("quarantine")


def ignore_kind(
    database: Database, actor: Actor, channel: str, reason: str, *, why: str = ""
) -> str | None:
    """Ignore events of this channel that are not understood for this reason, from now on and so far; returns the
    decision's id, None where it stood so before.

    They stay in the quarantine, are counted apart, and can be read again.

    Args:
        reason: the sentence of the quarantine, to the letter.

    Raises:
        Refused: there is no such event.
    """
    kind = {"channel": channel, "reason": reason}
    said = line(why, "reason", LONGEST_REASON, "say why") if why.strip() else ""
    with deciding(database, actor, reason=said) as decided:
        lock(database, [_subject(**kind)])
        if execute(database, SQL["is_ignored"], kind):
            return None
        if not execute(database, SQL["is_known"], kind):
            raise Refused("nothing of this kind is in quarantine any more")
        _ignore(decided, **kind)
        decided.says("quarantine.ignore", "quarantine", _object(**kind), **kind)
    return decided.decision_id


def _subject(channel: str, reason: str) -> str:
    return f"quarantine {_object(channel, reason)}"


def _object(channel: str, reason: str) -> str:
    """A kind in one short word: a sentence may be long."""
    return f"{channel} {hashlib.sha256(reason.encode()).hexdigest()[:16]}"


def _ignore(decided: Deciding, channel: str, reason: str) -> None:
    execute(
        decided.database,
        SQL["ignore"],
        {
            "kind_id": secrets.token_hex(16), "decision_id": decided.decision_id,
            "channel": channel, "reason": reason, "by": decided.actor.name,
        },
    )  # fmt: skip
    _changed(decided, "quarantine.ignore", {"channel": channel, "reason": reason})


def _changed(decided: Deciding, action: str, kind: dict[str, Any]) -> None:
    decided.changed(action, _subject(**kind), "quarantine", _object(**kind), data=kind)


@reverses("quarantine.ignore")
def _tell_again(decided: Deciding, change: Change) -> None:
    execute(decided.database, SQL["tell_again"], {**change.data, "by": decided.actor.name})
    _changed(decided, "quarantine.tell", change.data)


@reverses("quarantine.tell")
def _ignore_again(decided: Deciding, change: Change) -> None:
    _ignore(decided, **change.data)
