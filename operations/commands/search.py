"""`./crm search`: messages that hold what was typed, by the page's own operators."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

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
    """Find messages, newest first; the count is exact up to 10,000."""
    from zoneinfo import ZoneInfo

    from operations.invocation import say
    from warehouse import search as messages
    from warehouse.events import record
    from warehouse.search_query import parse
    from warehouse.search_snippet import plain, snippet

    settings = settings_for(data_dir)
    zone = ZoneInfo(settings.timezone)
    asked = parse(query, zone)
    with connect(settings) as database:
        found = messages.find(database, asked, customer_id=customer_id, page_size=limit)
        record(database, messages.event(actor(), query, found, customer_id))
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
    report(
        {"count": found.count, "is_exact": found.is_exact, "messages": shown},
        as_json=as_json,
        lines=[*told, messages.counted(found.count, is_exact=found.is_exact)],
    )
