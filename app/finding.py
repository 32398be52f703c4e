"""What a search shows: messages and notes that hold what was typed, and customers who are called so."""

from __future__ import annotations

from dataclasses import dataclass

from app import database, read
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse import note_search, search
from warehouse.note_search import NO_NOTES, FoundNotes
from warehouse.search_query import Query, parse

#: Notes above the messages; a button brings more.
NOTES_SHOWN = 3
#: Customers above the messages; the page Customers has all.
CUSTOMERS_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A page of results: what was understood, and what was found."""

    query: Query
    found: search.Found
    #: With the first page of messages.
    notes: FoundNotes = NO_NOTES

    @property
    def last(self) -> Row | None:
        """The row behind which the next page begins; None where there is none."""
        rows = self.found.rows
        return rows[-1] if len(rows) == search.PAGE_SIZE else None


def messages(viewer: Viewer, typed: str, behind: Row | None = None) -> Answer:
    """The newest messages that match, behind a row of the list; the first page with the newest notes that match."""
    query = parse(typed, database.settings().zone)
    detail = {"query": search.shown_query(typed)}
    with reading(viewer, Permission.READ, "message.search", "message", "*", detail=detail) as db:
        found = db.ask(search.find, query, behind=behind["sort_key"] if behind else None)
        notes = NO_NOTES
        if found.meant.is_empty:
            db.tells_nothing()
        else:
            if behind is None:
                notes = db.ask(note_search.find, query, page_size=NOTES_SHOWN)
                db.tells(notes=notes.count)
            whose = {*search.customers_of(found), *note_search.customers_of(notes.rows)}
            db.tells(customer_ids=sorted(whose), count=found.count, is_exact=found.is_exact)
    return Answer(query=query, found=found, notes=notes)


def further_notes(viewer: Viewer, typed: str, behind: Row) -> FoundNotes:
    """The newest notes that match, behind a row of the list."""
    query = parse(typed, database.settings().zone)
    detail = {"query": search.shown_query(typed)}
    with reading(viewer, Permission.READ, "note.search", "note", "*", detail=detail) as db:
        found = db.ask(note_search.find, query, behind=behind)
        db.tells(customer_ids=note_search.customers_of(found.rows), count=found.count)
    return found


def customers(viewer: Viewer, query: Query) -> read.Found | None:
    """Customers for the words of a query; None where it asks for more than words, which customers do not have."""
    if query.conditions or query.since or query.before or not query.terms:
        return None
    if any(term.excluded for term in query.terms):
        return None
    typed = " ".join(term.text for term in query.terms)
    # Those who are found are named in an event: no more than are shown.
    return read.customers(viewer, typed, page_size=CUSTOMERS_SHOWN)


def has_more(found: read.Found) -> bool:
    """Whether the page Customers may hold more than stand here."""
    return found.matched > len(found.rows) or (
        found.is_alike and len(found.rows) == CUSTOMERS_SHOWN
    )
