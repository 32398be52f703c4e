"""Decisions about tags themselves: that there is one, what it is called, that two are one, that it is shown no more.

Whoever tags makes the tag where there is none of the name (`taggings`). A merged tag leads to the one that it went
into: nothing that bears it is touched, so taking the merge back restores everything.
"""

from __future__ import annotations

import secrets
import unicodedata
import zlib
from typing import Any

from psycopg.rows import DictRow

from warehouse.decisions.conversations import run
from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Change,
    Database,
    Deciding,
    Overtaken,
    deciding,
    line,
    lock,
    reverses,
)
from warehouse.events import Actor
from warehouse.refusals import Refused

#: Colours by name; the style says how each looks in light and in dark.
COLOURS = ("grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
LONGEST_TAG = 50
LONGEST_DESCRIPTION = 300
#: A list that a person still finds their way in.
MOST_TAGS = 500
#: Who decides what tags there are and what they are called waits for each other, so that two of one name are one.
NAMES = "tag names"


def tag_name(text: str) -> str:
    """A tag's name as it is kept: one line, in one spelling of its letters.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    return line(unicodedata.normalize("NFC", text), "tag", LONGEST_TAG, "give it a name")


def change_tag(
    database: Database,
    actor: Actor,
    tag_id: str,
    *,
    name: str,
    colour: str,
    description: str,
    expected: int,
    reason: str = "",
) -> str | None:
    """Rename a tag, give it another colour or description; everything that bears it shows it at once.

    Args:
        expected: the version of the tag that the person saw.

    Returns:
        The decision's id; None where it is so already.

    Raises:
        Overtaken: somebody else changed it since.
        Refused: there is no such tag, or another bears the name: merge them.
    """
    wanted = {
        "name": tag_name(name),
        "colour": colour,
        "description": " ".join(description.replace("\0", " ").split()),
    }
    if colour not in COLOURS:
        raise Refused(f"{colour[:50]} is no colour of a tag: {', '.join(COLOURS)}")
    if len(wanted["description"]) > LONGEST_DESCRIPTION:
        raise Refused(f"description is longer than {LONGEST_DESCRIPTION} characters")
    with deciding(database, actor, reason=_why(reason)) as decided:
        lock(database, [NAMES])
        now = _expected(database, tag_id, expected)
        before = {key: now[key] for key in wanted}
        if before == wanted:
            return None
        other = known(database, wanted["name"])
        if other and other["tag_id"] != now["tag_id"]:
            raise Refused(f"there is a tag {other['name']} already: merge the two instead")
        _change(decided, now["tag_id"], before, wanted)
        decided.says("tag.change", "tag", now["tag_id"], before=before, after=wanted)
    return decided.decision_id


def merge_tags(
    database: Database, actor: Actor, tag_id: str, into: str, *, expected: int, reason: str = ""
) -> str:
    """Make one tag of two: what bore `tag_id` bears `into`. Returns the decision's id.

    Raises:
        Overtaken: somebody else changed the tag since.
        Refused: there is no such tag, or it is the same.
    """
    with deciding(database, actor, reason=_why(reason)) as decided:
        lock(database, [NAMES])
        now, other = _expected(database, tag_id, expected), _standing(database, into)
        if now["tag_id"] == other["tag_id"]:
            raise Refused("a tag cannot be merged into itself")
        _merge(decided, now["tag_id"], other["tag_id"])
        decided.says("tag.merge", "tag", now["tag_id"], tag=now["name"], into=other["name"])
    return decided.decision_id


def remove_tag(
    database: Database, actor: Actor, tag_id: str, *, expected: int, reason: str = ""
) -> str:
    """Show a tag on nothing any more, nor offer it. What bears it keeps it unseen, so that undo restores all of it.

    Returns the decision's id.

    Raises:
        Overtaken: somebody else changed the tag since.
        Refused: there is no such tag.
    """
    with deciding(database, actor, reason=_why(reason)) as decided:
        lock(database, [NAMES])
        now = _expected(database, tag_id, expected)
        _discard(decided, now["tag_id"])
        decided.says("tag.discard", "tag", now["tag_id"], tag=now["name"])
    return decided.decision_id


# -- what is asked -------------------------------------------------------------------------------


def known(database: Database, name: str) -> DictRow | None:
    rows = run(database, "tag_named", name=name)
    return rows[0] if rows else None


def _standing(database: Database, tag_id: str) -> DictRow:
    rows = run(database, "tag_by_id", tag_id=tag_id.replace("\0", ""))
    if not rows or rows[0]["merged_into"] or rows[0]["removed_at"]:
        raise Refused("there is no such tag any more: look again")
    return rows[0]


def _expected(database: Database, tag_id: str, expected: int) -> DictRow:
    now = _standing(database, tag_id)
    if now["version"] != expected:
        raise Overtaken(f"somebody changed the tag meanwhile, it is {now['name']} now: look again")
    return now


def _why(reason: str) -> str:
    return line(reason, "reason", LONGEST_REASON, "say why") if reason.strip() else ""


# -- what is changed, and its reversal -----------------------------------------------------------


def _names(change: Change) -> list[str]:
    """Two tags never bear one name: who makes, renames, merges or brings back one has all names to themselves."""
    return [NAMES]


def make(decided: Deciding, name: str) -> DictRow:
    if run(decided.database, "count_tags")[0]["tags"] >= MOST_TAGS:
        raise Refused(f"there are {MOST_TAGS} tags already: use one of them, or merge some")
    tag_id = secrets.token_hex(16)
    # Every tag begins with a colour of its own, so that two are told apart before anybody chose one.
    colour = COLOURS[1:][zlib.crc32(name.casefold().encode()) % (len(COLOURS) - 1)]
    run(
        decided.database, "add_tag",
        tag_id=tag_id, name=name, colour=colour, description="", created_by=decided.actor.name,
    )  # fmt: skip
    decided.changed("tag.create", f"tag {tag_id}", "tag", tag_id)
    return {"tag_id": tag_id, "name": name}


@reverses("tag.create", "tag.restore", guards=_names)
def _remove(decided: Deciding, change: Change) -> None:
    # Who puts it on something holds its row.
    run(decided.database, "hold_tag_alone", tag_id=change.object_id)
    # Others may use it by now; then it stays.
    if run(decided.database, "tag_is_used", tag_id=change.object_id):
        return
    run(decided.database, "remove_tag", tag_id=change.object_id)
    decided.changed("tag.remove", change.subject, "tag", change.object_id)


@reverses("tag.remove", "tag.discard", guards=_names)
def _restore(decided: Deciding, change: Change) -> None:
    (gone,) = run(decided.database, "tag_by_id", tag_id=change.object_id)
    if known(decided.database, gone["name"]):
        raise Refused(f"there is another tag {gone['name']} by now")
    run(decided.database, "restore_tag", tag_id=change.object_id)
    action = "tag.recover" if change.action == "tag.discard" else "tag.restore"
    decided.changed(action, change.subject, "tag", change.object_id)


# Apart from tag.remove, which goes with the first tagging that is taken back, and which every agent may redo.
def _discard(decided: Deciding, tag_id: str) -> None:
    run(decided.database, "remove_tag", tag_id=tag_id)
    decided.changed("tag.discard", f"tag {tag_id}", "tag", tag_id)


@reverses("tag.recover", guards=_names)
def _discard_again(decided: Deciding, change: Change) -> None:
    _discard(decided, change.object_id)


def _change(decided: Deciding, tag_id: str, before: Any, after: Any) -> None:
    run(decided.database, "change_tag", tag_id=tag_id, **after)
    decided.changed(
        "tag.change", f"tag {tag_id}", "tag", tag_id, data={"before": before, "after": after}
    )


@reverses("tag.change", guards=_names)
def _change_back(decided: Deciding, change: Change) -> None:
    other = known(decided.database, change.data["before"]["name"])
    if other and other["tag_id"] != change.object_id:
        raise Refused(f"there is another tag {other['name']} by now")
    _change(decided, change.object_id, change.data["after"], change.data["before"])


def _merge(decided: Deciding, tag_id: str, into: str) -> None:
    """The tag leads to the other one, with those that led to it: no way is longer than one step. Each is a change of
    its own, so that what is decided on one of them later stands in the way of taking this back."""
    for row in run(decided.database, "merge_tag", tag_id=tag_id, into=into):
        _led(decided, "tag.merge", row["tag_id"], into=into, former=row["former"])


def _led(decided: Deciding, action: str, tag_id: str, **data: Any) -> None:
    decided.changed(action, f"tag {tag_id}", "tag", tag_id, data=data)


@reverses("tag.merge", guards=_names)
def _part(decided: Deciding, change: Change) -> None:
    (merged,) = run(decided.database, "tag_by_id", tag_id=change.object_id)
    into, former = change.data["into"], change.data.get("former")
    if merged["merged_into"] != into:
        raise Refused(f"the tag {merged['name']} was merged otherwise by now: undo that first")
    if former is None and known(decided.database, merged["name"]):
        raise Refused(f"there is another tag {merged['name']} by now")
    run(decided.database, "lead_tag", tag_id=change.object_id, into=former)
    # As merges were entered before each tag was a change of its own.
    for other in change.data.get("others", []):
        run(decided.database, "lead_tag_back", tag_id=other, into=change.object_id, from_tag=into)
    _led(decided, "tag.part", change.object_id, **change.data)


@reverses("tag.part", guards=_names)
def _merge_again(decided: Deciding, change: Change) -> None:
    into, former = change.data["into"], change.data.get("former")
    _standing(decided.database, into)
    if "others" in change.data:
        _merge(decided, change.object_id, into)
        return
    (parted,) = run(decided.database, "tag_by_id", tag_id=change.object_id)
    if parted["merged_into"] != former:
        raise Refused(f"the tag {parted['name']} was merged otherwise by now: undo that first")
    run(decided.database, "lead_tag", tag_id=change.object_id, into=into)
    _led(decided, "tag.merge", change.object_id, into=into, former=former)
