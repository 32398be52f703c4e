"""Results of a search as HTML: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from app.database import Row
from app.views import clock, escape, kind_html, list_html
from app.views.components import icon
from app.views.identity_html import identity
from warehouse.note_search import as_text
from warehouse.note_search import counted as counted_notes
from warehouse.search import Beside, counted
from warehouse.search_query import Query
from warehouse.search_snippet import Part, highlighted, snippet

#: Of a query as it is repeated.
LONGEST_WORDS = 80
#: What each operator is for, with an example that can be typed.
HELP = (
    ("refund order", "both words, anywhere in a message"),
    ('"late refund"', "one behind the other"),
    ("-refund", "messages without it"),
    ("refund*", "words that begin so"),
    (
        "ORD-2024-0817 · 12.50 · 0491 570",
        "codes, amounts and parts of a number, however it is spelled",
    ),
    ("from:sam  to:@example.com", "who wrote, who was written to: a name, a number, an address"),
    ('in:"Sam Citizen"', "one customer's timeline"),
    ("channel:whatsapp  direction:inbound", "where it came"),
    ("has:attachment", "with a file, a picture or a recording"),
    ("on:2026-11-27  after:01/11/2026  before:today", "days; 2026-11 is a month, 2026 a year"),
    ("tag:vip  assigned:alex", "what was decided on its conversation"),
)


def result(
    row: Row, query: Query, zone: ZoneInfo, now: datetime, *, tells_apart: bool = False
) -> str:
    """One message: whose it is, what it says round the match, when.

    Args:
        tells_apart: of another customer of the same name: the address says which.
    """
    sent_at, ours = row["sent_at"], row["direction"] == "outbound"
    who = _who(row, tells_apart=tells_apart)
    nobodys = "" if row["customer_id"] else '<span class="unassigned">unassigned</span>'
    told = highlighted(row["subject"], query.terms)
    subject = f"<b>{marked(told)}</b> " if told else ""
    said = snippet({**row, "subject": None}, query.terms)
    words = marked(said) or (kind_html.in_words(row) if not told else "")
    return (
        '<div class="line found">'
        f'<span class="channels">{list_html.channels([row["channel"]])}</span>'
        f'<span class="way">{icon("north_east" if ours else "south_west", "Sent by us" if ours else "Received")}</span>'
        f'<span class="who">{who}{nobodys}</span>'
        f'<span class="preview" dir="auto">{subject}{words}</span>'
        f'<span class="when"><time datetime="{sent_at.isoformat()}" title="{clock.full(sent_at, zone)}">'
        f"{clock.short(sent_at, zone, now)}</time></span></div>"
    )


def marked(parts: Sequence[Part]) -> str:
    """A snippet with its matches marked, escaped."""
    return "".join(
        f"<mark>{_kept(text)}</mark>" if matched else _kept(text) for text, matched in parts
    )


def _kept(text: str) -> str:
    """One line, with the blanks at its ends."""
    left = " " if text[:1].isspace() else ""
    right = " " if text[-1:].isspace() and text.strip() else ""
    return f"{left}{escape.line(text)}{right}"


def tally(count: int, *, is_exact: bool, shown: int) -> str:
    """How many there are, and how many of them stand here."""
    said = counted(count, is_exact=is_exact)
    here = f"; here the newest {shown:,}" if shown < count else ""
    return f'<p class="tally" role="status">{said[0].upper()}{said[1:]}{here}</p>'


def place(found: Beside, typed: str) -> str:
    """Which of the matches of a timeline is looked at."""
    words = f'<bdi class="words">{escape.line(typed[:LONGEST_WORDS])}</bdi>'
    return f'<p class="tally" role="status">Match {found.place:,} of {found.count:,} here for {words}</p>'


def _who(row: Row, *, tells_apart: bool) -> str:
    name, known = row["customer_name"] or row["display_name"], row["identity"]
    if not name:
        return identity(known or "")
    # A note on a customer has no address beside it: the beginning of the id is what there is.
    apart = identity(known) if known else escape.line((row["customer_id"] or "")[:8])
    return f'<bdi class="name">{escape.line(name)}</bdi>{f" {apart}" if tells_apart else ""}'


def note(
    row: Row, query: Query, zone: ZoneInfo, now: datetime, *, tells_apart: bool = False
) -> str:
    """One note of ours: that it is one, whom it is about, what it says round the match, who wrote it and when."""
    who = _who(row, tells_apart=tells_apart)
    where = icon("forum", "On a conversation") if row["object_type"] == "conversation" else ""
    words = marked(snippet(as_text(row), query.terms))
    at = row["written_at"]
    return (
        '<div class="line found noted">'
        f'<span class="is-note">{icon("sticky_note_2")} Note</span>'
        f'<span class="who">{who}{where}</span><span class="preview" dir="auto">{words}</span>'
        f'<span class="when"><bdi>{escape.line(row["written_by"])}</bdi> <time datetime="{at.isoformat()}"'
        f' title="{clock.full(at, zone)}">{clock.short(at, zone, now)}</time></span></div>'
    )


def note_tally(count: int, *, shown: int) -> str:
    """How many notes there are, and how many of them stand here."""
    here = f"; here the newest {shown:,}" if shown < count else ""
    return f'<p class="tally" role="status">{counted_notes(count)}{here}</p>'


def unmeant(sentences: Sequence[str]) -> str:
    """What was typed and could not be meant."""
    lines = "".join(f"<li>{escape.line(sentence)}</li>" for sentence in sentences)
    return f'<ul class="notes">{lines}</ul>'


def operators() -> str:
    """What can be typed, while nothing is."""
    rows = "".join(
        f"<tr><td><code>{escape.line(example)}</code></td><td>{escape.line(meaning)}</td></tr>"
        for example, meaning in HELP
    )
    return (
        '<div class="operators"><h3>Find in all messages</h3>'
        f"<p>Press <kbd>/</kbd> on any page to begin.</p><table>{rows}</table></div>"
    )
