"""`./crm tag`, `untag`, `assign` and `note`: what people decide on the pages, from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for
from warehouse.refusals import Refused

ThingId = Annotated[
    str,
    typer.Argument(
        metavar="CONVERSATION|MESSAGE",
        help="conversation_id or message_id as marts has them; where both are the same, the conversation.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The tag's name.")]
ConversationId = Annotated[
    str,
    typer.Argument(metavar="CONVERSATION", help="conversation_id as marts.conversations has it."),
]
Message = Annotated[
    bool, typer.Option("--message", help="The id is a message's, also where a conversation has it.")
]


def register(app: typer.Typer) -> None:
    app.command("tag")(tag)
    app.command("untag")(untag)
    app.command("assign")(assign)
    app.command("note")(note)


def tag(
    object_id: ThingId,
    name: Name,
    message: Message = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a tag on a conversation or a message. A tag that does not exist is made."""
    _tag(object_id, name, on=True, message=message, data_dir=data_dir, as_json=as_json)


def untag(
    object_id: ThingId,
    name: Name,
    message: Message = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a tag off a conversation or a message."""
    _tag(object_id, name, on=False, message=message, data_dir=data_dir, as_json=as_json)


def _tag(
    object_id: str, name: str, *, on: bool, message: bool, data_dir: DataDir, as_json: bool
) -> None:
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        find = decisions.message if message else decisions.thing
        act = decisions.tag if on else decisions.untag
        made = act(database, actor(), find(database, object_id), name)
    words = {(True, True): "bears now", (True, False): "bore already"}
    said = words.get((on, made.changed), "no longer bears" if made.changed else "did not bear")
    report(
        {
            "decision_id": made.decision_id,
            "changed": made.changed,
            "object_type": made.object_type,
            "object_id": made.object_id,
            "tag": made.tag,
        },
        as_json=as_json,
        lines=[f"{made.object_type} {made.object_id} {said} the tag {made.tag}"],
    )


def assign(
    conversation_id: ConversationId,
    user: Annotated[
        str | None, typer.Argument(metavar="USER", help="The user's name; without one, nobody.")
    ] = None,
    state: Annotated[str | None, typer.Option("--state", help="open, waiting or done.")] = None,
    due: Annotated[
        str | None,
        typer.Option(
            "--due",
            help="When it is due: an ISO date or time, with its offset or in CRM_TIMEZONE; empty for no date.",
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", help="What the next one should know; empty for nothing.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say who has a conversation, and how it stands; what is not said stays as it is."""
    from warehouse import decisions
    from warehouse.decisions import KEEP

    settings = settings_for(data_dir)
    due_at = KEEP if due is None else _moment(due, settings.timezone)
    with connect(settings) as database:
        made = decisions.assign(
            database, actor(), conversation_id, assignee=user, state=KEEP if state is None else state,
            due_at=due_at, note=KEEP if note is None else note,
        )  # fmt: skip
    document: dict[str, Any] = {
        "decision_id": made.decision_id,
        "changed": made.changed,
        "conversation_id": made.conversation_id,
        "assignee": made.assignee,
        "state": made.state,
        "due_at": made.due_at,
        "note": made.note,
    }
    who = made.assignee or "nobody"
    report(
        document,
        as_json=as_json,
        lines=[f"conversation {made.conversation_id}: {who}, {made.state}"],
    )


def _moment(text: str, timezone: str) -> datetime | None:
    from zoneinfo import ZoneInfo

    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"--due {text[:50]!r} is no date: write 2026-12-24 or 2026-12-24T17:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))


def note(
    object_id: Annotated[
        str,
        typer.Argument(
            metavar="CUSTOMER", help="The customer's id; with --conversation, that one's."
        ),
    ],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to remember.")],
    conversation: Annotated[
        bool, typer.Option("--conversation", help="The id is a conversation's.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write an internal note on a customer or a conversation. Nobody outside ever sees it."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        made = decisions.note(
            database,
            actor(),
            text,
            customer_id=None if conversation else object_id,
            conversation_id=object_id if conversation else None,
        )
    report(
        {"decision_id": made.decision_id, "note_id": made.note_id},
        as_json=as_json,
        lines=[f"noted ({made.note_id})"],
    )
