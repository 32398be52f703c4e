"""Rows of the customer list and of the unassigned queue, and the head of a timeline, as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.filtered import Counted
from app.views import clock, escape, identity_html, kind_html
from app.views.components import channel_icon, icon
from app.views.identity_html import identities, identity
from warehouse.channels import registry

Row = dict[str, Any]

#: Identities shown in a list before "and 3 more".
SHOWN_IDENTITIES = 2
PREVIEW_CHARACTERS = 180
LOOKS = {"Density": ("Comfortable", "Compact"), "Colours": ("System", "Light", "Dark")}
#: What Streamlit's Markdown acts on.
MARKDOWN = re.compile(r"[\\`*_{}\[\]()#+!|<>~$:&]")


def channels(slugs: Sequence[str]) -> str:
    return "".join(channel_icon(slug) for slug in registry() if slug in slugs)


def count(number: int, noun: str) -> str:
    """`1 message`, `1,204 messages`"""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def customer(row: Row, zone: ZoneInfo, now: datetime, *, tells_apart: bool = False) -> str:
    """One line of the customer list.

    Args:
        tells_apart: another in the list has the same name, so the line says since when this one is known, and the id.
    """
    last = row["last_at"]
    when = (
        f'<time datetime="{last.isoformat()}" title="{clock.full(last, zone)}">'
        f"{clock.short(last, zone, now)}</time>"
        if last
        else '<span class="none">no messages</span>'
    )
    return (
        '<div class="line customer">'
        f'<span class="initials" aria-hidden="true">{escape.initials(row["name"])}</span>'
        f'<bdi class="name">{escape.line(row["name"])}</bdi>'
        f'<span class="identities">{_apart(row, zone, now) if tells_apart else ""}'
        f"{identities(row['identities'], SHOWN_IDENTITIES)}</span>"
        f'<span class="channels">{channels(row["channels"] or [])}</span>'
        f'<span class="count">{count(row["message_count"], "message")}</span>'
        f'<span class="when">{when}</span>'
        "</div>"
    )


def waiting(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One identity of the unassigned queue with the beginning of its last message."""
    # Whom we only wrote to has never written.
    last = row["last_inbound_at"] or row["last_seen_at"]
    subject = escape.line(row["subject"])
    preview = escape.line((row["body"] or "")[:PREVIEW_CHARACTERS]) or kind_html.in_words(row)
    name = row["display_name"]
    who = (
        f'<bdi class="name">{escape.line(name)}</bdi>{identity(row["identity"])}'
        if name
        else f'<span class="name">{identity(row["identity"])}</span>'
    )
    return (
        '<div class="line waiting">'
        f'<span class="channels">{channels([row["channel"]])}</span>'
        f'<span class="who">{who}</span>'
        f'<span class="preview" dir="auto">{f"<b>{subject}</b> " if subject else ""}{preview}</span>'
        f'<span class="count">{count(row["message_count"], "message")}</span>'
        f'<span class="when"><time datetime="{last.isoformat()}" title="{clock.full(last, zone)}">'
        f"{clock.short(last, zone, now)}</time></span></div>"
    )


def missed(sentence: str) -> str:
    """Why nothing was gone to."""
    return f'<p class="tally" role="status">{icon("event_busy")} {escape.line(sentence)}</p>'


def customer_head(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """Who this is: name, first and last contact, how much there is; and what folds the area beside."""
    facts = [count(row["message_count"], "message")]
    if row["first_at"]:
        facts.append(f"first {clock.short(row['first_at'], zone, now)}")
    if row["last_at"]:
        facts.append(f"last {clock.short(row['last_at'], zone, now)}")
    return (
        '<div class="customer-head">'
        f'<span class="initials" aria-hidden="true">{escape.initials(row["name"])}</span>'
        f"<h2><bdi>{escape.line(row['name'])}</bdi></h2>"
        f'<span class="channels">{channels(row["channels"] or [])}</span>'
        f'<span class="facts">{" · ".join(facts)}</span>'
        f'<button type="button" class="show-keys" title="Keys">{icon("keyboard", "Keys")}</button>'
        f'<button type="button" class="fold-about" title="About this customer">'
        f"{icon('right_panel_open', 'About this customer')}</button></div>"
    )


def names(row: Row) -> dict[str, str]:
    """What the identities of a customer are called: as the customer is."""
    return {identity: str(row["name"]) for identity in row["identities"]}


def empty(title: str, advice: str, glyph: str = "inbox") -> str:
    """An empty state: what is not here, and what to do about it."""
    return (
        f'<div class="empty">{icon(glyph)}<h3>{escape.line(title)}</h3>'
        f"<p>{escape.line(advice)}</p></div>"
    )


def banner(sentence: str) -> str:
    """A notice that stands above every page."""
    return f'<div class="banner" role="status">{icon("warning")}<span>{escape.line(sentence)}</span></div>'


def signed_in_as(name: str, role: str) -> str:
    return (
        f'<div class="signed-in"><b><bdi>{escape.line(name)}</bdi></b>'
        f"<span>{escape.line(role.replace('_', ' '))}</span></div>"
    )


def looks(paths: Sequence[str]) -> str:
    """How close the lines stand, and in which colours (assets/look.js); `paths` are those of all pages."""
    groups = "".join(
        f'<div class="look" role="group" aria-label="{name}"><span>{name}</span>'
        + "".join(
            f'<button type="button" data-look="{name.lower()}" data-value="{each.lower()}">{each}</button>'
            for each in values
        )
        + "</div>"
        for name, values in LOOKS.items()
    )
    return f'<div class="looks" data-paths="{escape.line(" ".join(paths))}">{groups}</div>'


def plain(text: str) -> str:
    """A label that Streamlit reads as Markdown, with nothing in it that Markdown would act on."""
    kept = "".join(
        c if c.isalnum() or c in "@.+'/" or (c == "-" and _is_within_a_word(text, at)) else " "
        for at, c in enumerate(text)
    )
    return " ".join(kept.split())[:80]


def _is_within_a_word(text: str, at: int) -> bool:
    """Elsewhere a hyphen begins a list or, with others, a line."""
    return text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()


def link_label(name: str, verb: str = "Open") -> str:
    """What a screen reader says of a line that is a link."""
    return f"{verb} {plain(name)}"


def leading(line: str, to: str, label: str) -> str:
    """A line that leads to a page of ours (assets/leading.js): the link lies over all of it, unseen.

    Args:
        line: what is seen, as HTML.
        to: the address, as `address.path` makes it.
        label: what a screen reader says of it.
    """
    way = f'<a class="leads" href="{escape.line(to)}" aria-label="{escape.line(label)}"></a>'
    return f'<div class="row">{line}{way}</div>'


def sentence(said: str) -> str:
    """What was refused, for Streamlit's boxes: it may name what somebody wrote, and they read Markdown."""
    return MARKDOWN.sub(r"\\\g<0>", f"{said[:1].upper()}{said[1:]}".rstrip(".")) + "."


def choice(row: Row, zone: ZoneInfo) -> str:
    """A customer in a list to choose from: name, and what tells namesakes apart."""
    # With a joiner behind the sign a mail address stays text, of which Markdown makes no link.
    words = (plain(identity_html.words(text)) for text in row["identities"][:2])
    known = ", ".join(words).replace("@", "@\u2060")
    day = clock.days(each := clock.day_of(row["last_at"], zone), each) if row["last_at"] else ""
    last = f" · last contact {day}" if day else ""
    return f"{plain(row['name'])} · {known or row['customer_id'][:8]}{last}"


def said(words: str) -> str:
    """What became of something, above a list."""
    return f'<p class="tally" role="status">{escape.line(words)}</p>'


def counted(matched: int, words: str, *, is_cut: bool) -> str:
    """How many stand in a list, and what they are."""
    more = "More than " if is_cut else ""
    return f'<p class="tally">{more}{matched:,} {words}</p>'


def left_and_hidden(counted: Counted, days: str) -> str:
    """What a filter leaves and hides, in words, and the days that are meant where it does not name them."""
    newest = ", of the newest" if counted.is_cut else ""
    return (
        f'<p class="tally" role="status"><b>{count(counted.passed, "message")}</b> shown,'
        f" {counted.hidden:,} hidden{newest}{f' · {days}' if days else ''}</p>"
    )


def _apart(row: Row, zone: ZoneInfo, now: datetime) -> str:
    since = clock.short(row["created_at"], zone, now)
    return f'<span class="apart">since {since} · {escape.line(row["customer_id"][:8])}</span> '


def namesakes(rows: Sequence[Row], name: str = "name") -> set[str]:
    """The customers of a list whose name another one of it has, too; `name` is where the rows have it."""
    by_name: dict[str, set[str]] = {}
    for row in rows:
        if row["customer_id"]:
            by_name.setdefault(" ".join(row[name].casefold().split()), set()).add(
                row["customer_id"]
            )
    return {each for same in by_name.values() if len(same) > 1 for each in same}


def export(address: str, most: int) -> str:
    """The way to a list as a file, which holds no more than so many."""
    title = f"All of them as a file for spreadsheets, {most:,} at most"
    return (
        f'<a class="export" href="{escape.line(address)}" title="{title}" download>'
        f"{icon('download')} Export</a>"
    )


def tally(
    rows: int, matched: int, *, is_cut: bool, searched: bool, is_alike: bool = False, sort: str = "Latest contact"
) -> str:  # fmt: skip
    """How many there are, and how many of them stand here in which order."""
    if is_alike:
        return f'<p class="tally">Nobody is called so; {count(rows, "name")} much like it</p>'
    first = f"the first {rows} by {sort.lower()}"
    if not searched:
        which = f"{first[0].upper()}{first[1:]}, of " if matched > rows else ""
        return f'<p class="tally">{which}{count(matched, "customer")}</p>'
    noun = "match" if matched == 1 else "matches"
    more = "More than " if is_cut else ""
    shown = f"; here {first}" if matched > rows else ""
    return f'<p class="tally">{more}{matched:,} {noun}{shown}</p>'
