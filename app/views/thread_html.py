"""How messages hang together, as HTML: what one answers, and who reacted to it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from app.views import body_html, clock, escape, kind_html, shapes
from app.views.components import icon
from app.views.sight import Sight

Row = dict[str, Any]

#: Reactions beyond this are counted, not listed.
MOST_REACTIONS = 24


def anchor(message_id: str) -> str:
    """The id of a message's element: an id of a provider may hold what no fragment may."""
    return f"m{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()[:16]}"


def page_of(message_id: str, *, versions: bool = False) -> str:
    """The address of the page about one message, as an attribute's value."""
    parameters = {"message": message_id, **({"versions": "1"} if versions else {})}
    return f"/message?{urlencode(parameters, errors='replace')}".replace("&", "&amp;")


def reply(row: Row, sight: Sight) -> str:
    """What a message answers: its first words where it is on the screen, a link to it in any case.

    A mail says so by its subject and its quoted text.
    """
    answered_id = row.get("in_reply_to")
    if not answered_id or row["kind"] == "email":
        return ""
    answered = sight.on_screen.get(answered_id)
    if answered is None:
        return (
            f'<p class="reply">{icon("reply")} <a href="{page_of(answered_id)}" target="_blank">'
            "In reply to an earlier message</a></p>"
        )
    who = "us" if answered["direction"] == "outbound" else answered["from_name"] or "them"
    return (
        f'<p class="reply">{icon("reply")} <a href="#{anchor(answered_id)}"><b><bdi>{escape.line(who)}</bdi></b> '
        f"<bdi>{_words_of(answered)}</bdi></a></p>"
    )


def _words_of(row: Row) -> str:
    if row.get("removal") == "unsent":
        return "an unsent message"
    words = body_html.first_words(str(row["body"] or row["subject"] or ""))
    return words or f"({kind_html.in_words(row).lower()})"


def reactions(row: Row, sight: Sight) -> str:
    """Reactions that stand now, each with who made it."""
    found = [each for each in shapes.objects(row["reactions"]) if shapes.words(each.get("emoji"))]
    if not found:
        return ""
    more = f"<li>and {len(found) - MOST_REACTIONS} more</li>" if len(found) > MOST_REACTIONS else ""
    shown = "".join(_reaction(each, sight) for each in found[:MOST_REACTIONS])
    return f'<ul class="reactions">{shown}{more}</ul>'


def _reaction(reaction: Row, sight: Sight) -> str:
    ours = reaction.get("is_ours") is True
    by = "us" if ours else shapes.words(reaction.get("by")).rpartition(":")[2] or "them"
    at = shapes.moment(reaction.get("at"))
    when = f", {clock.full(at, sight.zone)}" if at else ""
    title = escape.line(f"Reaction of {by}{when}")
    return (
        f'<li class="{"ours" if ours else "theirs"}" title="{title}">'
        f"{escape.line(shapes.words(reaction['emoji'])[:40])} <span>{'us' if ours else 'them'}</span></li>"
    )
