"""One decision of the ledger in words, as HTML: who, what, when and why, and whether it still holds.

Of two histories, who a customer is (customer_card.sql) and how their conversations are organised (work.sql), each
decision stands in one, and both are told here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, identity_html

Row = dict[str, Any]

#: What each kind of decision is called. Another kind is called by its own word.
WORDS = {
    "customer.create": "made the customer", "customer.rename": "renamed", "customer.archive": "archived",
    "customer.merge": "merged", "customer.split": "split", "identity.link": "linked", "identity.unlink": "unlinked",
    "identity.move": "moved", "identity.mark": "marked as no customer", "suggestion.dismiss": "dismissed a suggestion",
    "message.correct": "corrected a message", "customer.correct": "noted what they say against their name",
    "note.add": "wrote a note", "note.change": "wrote a note anew", "note.remove": "took a note away",
    "note.restore": "brought a note back", "conversation.tag": "tagged the conversation",
    "conversation.untag": "untagged the conversation", "message.tag": "tagged a message",
    "message.untag": "untagged a message", "decision.undo": "took back",
    "quarantine.ignore": "ignores a kind of event that nobody understood",
}  # fmt: skip
#: Word and icon of each state of a conversation.
STATES = {
    "open": ("Open", "mark_chat_unread"),
    "waiting": ("Waiting", "hourglass_top"),
    "done": ("Done", "task_alt"),
}
LONGEST_REASON = 300


def words(action: str) -> str:
    """A kind of decision in words: `merged`."""
    return WORDS.get(action, action.replace(".", " ").replace("_", " "))


def decision(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """Args: row: of `card_decisions` or of `history`."""
    gone = (
        f' <span class="none">· taken back by <bdi>{escape.line(row["undone_by"])}</bdi></span>'
        if row["undone_at"]
        else ""
    )
    reason = (
        f'<p class="why" dir="auto">{escape.line(row["reason"][:LONGEST_REASON])}</p>'
        if row["reason"]
        else ""
    )
    actor = f"<b><bdi>{escape.line(row['actor'])}</bdi></b>"
    return (
        f'<div class="decision{" undone" if row["undone_at"] else ""}"><p>{actor} '
        f'<span class="what">{_what(row)}</span>{gone} <time datetime="{row["at"].isoformat()}" '
        f'title="{clock.full(row["at"], zone)}">{clock.short(row["at"], zone, now)}</time></p>{reason}</div>'
    )


def _what(row: Row) -> str:
    if row["undoes_action"]:
        return f"{words(row['action'])}: {words(row['undoes_action'])}{_of(row)}"
    if row.get("change_action") == "conversation.assign":
        return f"{_stands(row['data'].get('after'))}{_others(row)}"
    # In a history of conversations the change says more than the decision that it is a part of.
    return f"{words(row.get('change_action') or row['action'])}{_of(row)}{_others(row)}"


def _of(row: Row) -> str:
    """What it is about: identities, or a tag."""
    about = ", ".join(identity_html.words(each) for each in row.get("identities") or ())
    about = about or row.get("tag") or ""
    return f" <b><bdi>{escape.line(about)}</bdi></b>" if about else ""


def _others(row: Row) -> str:
    others = row["changes"] - 1 if "change_action" in row else 0
    return f" and {others} more" if others > 0 else ""


def _stands(after: Row | None) -> str:
    if not after:
        return "left it as it was"
    who = after["assignee"]
    whom = f"gave it to <bdi>{escape.line(who)}</bdi>" if who else "left it to nobody"
    word = STATES.get(after["state"], STATES["open"])[0].lower()
    return f"{whom}, {word}"
