"""What people ask of us under the Privacy Act: access (APP 12) and correction (APP 13), each due in thirty days.

    opened ──> who asks is checked, how and by whom ──> granted, refused with grounds, or withdrawn

A refusal says why in words that go to the person. A case is not undone: closed by mistake it is opened again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import DictRow

from warehouse.decisions.ledger import Database, execute, line
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("cases")
#: What the Commissioner calls a reasonable period, from the day on which it was asked.
DUE = timedelta(days=30)
KINDS = {"access": "Access", "correction": "Correction"}
OUTCOMES = {"granted": "Granted", "refused": "Refused", "withdrawn": "Withdrawn"}
#: Why access may be refused, by the letters of APP 12.3.
GROUNDS = {
    "a": "a serious threat to the life, health or safety of somebody, or to public health or safety",
    "b": "an unreasonable impact on the privacy of other people",
    "c": "the request is frivolous or vexatious",
    "d": "it is about legal proceedings under way or expected, and would not be found by discovery there",
    "e": "it would reveal what we intend in negotiations with the person, and harm them",
    "f": "it would be unlawful",
    "g": "a law or a court asks for the refusal or allows it",
    "h": "it would harm what is done about a suspected unlawful act or serious misconduct in our business",
    "i": "it would harm what an enforcement body does",
    "j": "it would reveal how a commercially sensitive decision is made",
}
LONGEST_NAME = 200
LONGEST_REASON = 1_000


def open_case(
    database: Database,
    actor: Actor,
    customer_id: str,
    *,
    kind: str = "access",
    asked_by: str,
    received_at: datetime | None = None,
) -> str:
    """Open a case; returns its id. The days are counted from when it was received.

    Raises:
        Refused: no such kind or customer, nobody who asks, or a day to come.
    """
    if kind not in KINDS:
        raise Refused(f"a case is about {' or '.join(KINDS)}: not {kind[:40]!r}")
    who = line(asked_by, "who asks", LONGEST_NAME, "say who asks, and by which way")
    now = datetime.now(UTC)
    received = received_at or now
    if received > now + timedelta(minutes=5):
        raise Refused("a request cannot have been received in days to come")
    with database.transaction():
        customer = str(customer_of(database, customer_id)["customer_id"])
        case_id = secrets.token_hex(8)
        execute(
            database, SQL["open_case"],
            {
                "case_id": case_id, "kind": kind, "customer_id": customer, "asked_by": who,
                "received_at": received, "due_at": received + DUE, "opened_by": actor.name,
            },
        )  # fmt: skip
        _tell(database, actor, "case.open", case_id, customer, kind=kind)
    return case_id


def check_identity(database: Database, actor: Actor, case_id: str, how: str) -> None:
    """Note how it was made sure that whoever asks is who they say, or may ask for them.

    Raises:
        Refused: there is no such open case, or nothing is said.
    """
    said = line(how, "how it was checked", LONGEST_REASON, "say how you know that it is them")
    with database.transaction():
        found = _open(database, case_id)
        execute(
            database, SQL["check_identity"], {"case_id": case_id, "how": said, "by": actor.name}
        )
        _tell(database, actor, "case.check_identity", case_id, found["customer_id"])


def close_case(
    database: Database,
    actor: Actor,
    case_id: str,
    *,
    outcome: str,
    reason: str = "",
    grounds: Sequence[str] = (),
) -> None:
    """Say how it ended.

    Raises:
        Refused: there is no such open case; it is granted to somebody unknown; a reason or a ground is missing.
    """
    if outcome not in OUTCOMES:
        raise Refused(f"a case ends {', '.join(OUTCOMES)}: not {outcome[:40]!r}")
    unknown = [each for each in grounds if each not in GROUNDS]
    if unknown:
        raise Refused(f"APP 12.3 has grounds {', '.join(GROUNDS)}: not {unknown[0][:20]!r}")
    with database.transaction():
        found = _open(database, case_id)
        if outcome == "granted" and not found["identity_check"]:
            raise Refused("nobody has checked who asks: note first how it was made sure")
        if outcome == "refused" and found["kind"] == "access" and not grounds:
            raise Refused("access is refused on a ground of APP 12.3: say which, a to j")
        if outcome != "refused" and grounds:
            raise Refused("grounds are those of a refusal")
        said = reason.strip() and line(reason, "reason", LONGEST_REASON, "")
        if outcome == "refused" and not said:
            raise Refused("a refusal is given in writing, with its reasons: say why")
        execute(
            database, SQL["close_case"],
            {
                "case_id": case_id, "outcome": outcome, "grounds": sorted(set(grounds)),
                "reason": said or None, "by": actor.name,
            },
        )  # fmt: skip
        told = {"outcome": outcome, "grounds": sorted(set(grounds))}
        _tell(database, actor, "case.close", case_id, found["customer_id"], **told)


def reopen_case(database: Database, actor: Actor, case_id: str) -> None:
    """Open a case again that was closed by mistake; its days run on.

    Raises:
        Refused: there is no such closed case.
    """
    with database.transaction():
        rows = execute(database, SQL["case"], {"case_id": case_id})
        if not rows or rows[0]["closed_at"] is None:
            raise Refused(f"there is no closed case {case_id[:64]!r}")
        execute(database, SQL["reopen_case"], {"case_id": case_id})
        was = {"outcome": rows[0]["outcome"], "closed_by": rows[0]["closed_by"]}
        _tell(database, actor, "case.reopen", case_id, rows[0]["customer_id"], **was)


def case(database: Database, case_id: str) -> DictRow:
    """One case, held until the transaction ends.

    Raises:
        Refused: there is none.
    """
    rows = execute(database, SQL["case"], {"case_id": case_id})
    if not rows:
        raise Refused(f"there is no case {case_id[:64]!r}")
    return rows[0]


def granting(database: Database, case_id: str) -> DictRow:
    """An access request whose customer may be given what is held, now that it is known who asks.

    Raises:
        Refused: there is no such open request, or nobody has checked who asks.
    """
    found = _open(database, case_id)
    if found["kind"] != "access":
        raise Refused(f"case {case_id} is no access request")
    if not found["identity_check"]:
        raise Refused("nobody has checked who asks: note first how it was made sure")
    return found


def cases(database: Database, *, closed: bool = False, most: int = 200) -> list[DictRow]:
    """The open ones by the day on which they are due, and those that are closed if asked for."""
    return execute(database, SQL["cases"], {"closed": closed, "most": most})


def _open(database: Database, case_id: str) -> DictRow:
    rows = execute(database, SQL["case"], {"case_id": case_id})
    if not rows or rows[0]["closed_at"] is not None:
        raise Refused(f"there is no open case {case_id[:64]!r}")
    return rows[0]


def customer_of(database: Database, customer_id: str) -> DictRow:
    """Who is meant.

    Raises:
        Refused: there is no such customer, or it was merged into another.
    """
    rows = execute(database, SQL["customer"], {"customer_id": customer_id})
    if not rows:
        raise Refused(f"there is no customer {customer_id[:64]!r}")
    if rows[0]["merged_into"]:
        raise Refused(f"this customer was merged into {rows[0]['merged_into']}: name that one")
    return rows[0]


def _tell(
    database: Database, actor: Actor, action: str, case_id: str, customer_id: str, **detail: Any
) -> None:
    # What was said of a person's papers and reasons stands with the case, and not in the log.
    event = actor.event(action, "case", case_id, customer_ids=[customer_id], detail=detail)
    record(database, event)
