"""Lists of which each line leads to a page of ours, each list one piece of HTML.

A line as elements of Streamlit is three of them (a container, what is seen, and a link), which a run makes, a
connection carries and a browser draws one by one; a list of fifty is one so, and assets/leading.js follows its links.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app import address, layout, markup
from app.database import Row
from app.views import list_html, search_html
from warehouse.search_query import Query


def customers(rows: Sequence[Row]) -> None:
    """Each leads to its timeline."""
    now, namesakes = datetime.now(UTC), list_html.namesakes(rows)
    markup.show(
        "".join(
            list_html.leading(
                list_html.customer(
                    row, layout.zone(), now, tells_apart=row["customer_id"] in namesakes
                ),
                address.path(address.TIMELINE, address.of_customer(row["customer_id"])),
                list_html.link_label(row["name"]),
            )
            for row in rows
        )
    )


def messages(rows: Sequence[Row], query: Query, typed: str) -> None:
    """What a search found: each leads to its place on a timeline, or to the page about it where it is nobody's."""
    now, namesakes = datetime.now(UTC), list_html.namesakes(rows, "customer_name")
    markup.show("".join(_message(row, query, typed, now, namesakes) for row in rows))


def _message(row: Row, query: Query, typed: str, now: datetime, namesakes: set[str]) -> str:
    customer_id, message_id = row["customer_id"], row["message_id"]
    to = (
        address.path(address.TIMELINE, address.of_place(customer_id, message_id, typed))
        if customer_id
        else address.path(address.ABOUT_MESSAGE, address.of_message(message_id))
    )
    line = search_html.result(row, query, layout.zone(), now, tells_apart=customer_id in namesakes)
    name = row["customer_name"] or row["display_name"] or "message"
    return list_html.leading(line, to, list_html.link_label(name))


def notes(rows: Sequence[Row], query: Query) -> None:
    """Notes of ours that a search found: each leads to where it stands."""
    now, namesakes = datetime.now(UTC), list_html.namesakes(rows, "customer_name")
    markup.show("".join(_note(row, query, now, namesakes) for row in rows))


def _note(row: Row, query: Query, now: datetime, namesakes: set[str]) -> str:
    apart = row["customer_id"] in namesakes
    line = search_html.note(row, query, layout.zone(), now, tells_apart=apart)
    name = row["customer_name"] or row["display_name"] or "note"
    return list_html.leading(line, address.path(*address.of_note(row)), list_html.link_label(name))
