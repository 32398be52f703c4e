"""`./crm search`: messages that hold what was typed, by the page's own operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, report, settings_for
from operations.reading import read

if TYPE_CHECKING:
    import psycopg

    from warehouse.events import Event

MOST_ROWS = 1_000


def register(app: typer.Typer) -> None:
    # A query may begin with a word to leave out: `./crm search -- -refund`.
    app.command("search")(search)


def search(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help='Words, "phrases", -without, begin*, channel: direction: from: to: in: tag: assigned: '
            "has:attachment before: after: on:.",
        ),
    ],
    customer_id: Annotated[
        str | None,
        typer.Option("--customer", metavar="ID", help="Only on this customer's timeline."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=MOST_ROWS, help="So many at most.")
    ] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find messages and notes of ours, newest first; the count of messages is exact up to 10,000."""
    from zoneinfo import ZoneInfo

    from operations.invocation import say
    from warehouse import note_search
    from warehouse import search as messages
    from warehouse.search_query import parse
    from warehouse.search_snippet import plain, snippet

    settings = settings_for(data_dir)
    zone = ZoneInfo(settings.timezone)
    asked = parse(query, zone)

    def find(database: psycopg.Connection[Any]) -> tuple[messages.Found, note_search.FoundNotes]:
        return (
            messages.find(database, asked, customer_id=customer_id, page_size=limit),
            note_search.find(database, asked, customer_id=customer_id, page_size=limit),
        )

    def event(both: tuple[messages.Found, note_search.FoundNotes]) -> Event:
        found, notes = both
        noted = note_search.customers_of(notes.rows)
        return messages.event(actor(), query, found, customer_id, noted, notes=notes.count)

    found, notes = read(settings, find, event)
    for note in found.meant.notes:
        say(note)
    shown = [
        {
            "message_id": row["message_id"],
            "sent_at": row["sent_at"].isoformat(),
            "snippet": plain(snippet(row, asked.terms)),
        }
        for row in found.rows
    ]
    told = [
        f"{row['sent_at'].astimezone(zone):%Y-%m-%d %H:%M}  {row['channel']:<12}  {each['snippet']}"
        f"  ({each['message_id']})"
        for row, each in zip(found.rows, shown, strict=True)
    ]
    shown_notes = [
        {
            "note_id": row["note_id"],
            "written_at": row["written_at"].isoformat(),
            "written_by": row["written_by"],
            "customer_id": row["customer_id"],
            "snippet": plain(snippet(note_search.as_text(row), asked.terms)),
        }
        for row in notes.rows
    ]
    told += [
        f"{row['written_at'].astimezone(zone):%Y-%m-%d %H:%M}  {'note':<12}  {each['snippet']}"
        f"  (by {row['written_by']}, {row['customer_name'] or row['identity'] or 'nobody'})"
        for row, each in zip(notes.rows, shown_notes, strict=True)
    ]
    said = messages.counted(found.count, is_exact=found.is_exact)
    report(
        {
            "count": found.count, "is_exact": found.is_exact, "messages": shown,
            "note_count": notes.count, "notes": shown_notes,
        },
        as_json=as_json,
        lines=[*told, f"{said}, {note_search.counted(notes.count)}" if notes.count else said],
    )  # fmt: skip
