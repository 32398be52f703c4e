"""Decisions about what bears a tag: put on conversations and messages, and taken off, several at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg.rows import DictRow

from warehouse.decisions import conversations
from warehouse.decisions.conversations import Thing, run
from warehouse.decisions.ledger import (
    Change,
    Database,
    Deciding,
    deciding,
    lock,
    new_decision_id,
    reverses,
)
from warehouse.decisions.tags import NAMES, known, make, tag_name
from warehouse.events import Actor
from warehouse.refusals import Refused

MOST_TAGS_ON_ONE = 30


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What a tag was put on or taken off. Not `changed`: it was so before, and nothing was decided."""

    object_type: str
    object_id: str
    tag: str
    decision_id: str | None

    @property
    def changed(self) -> bool:
        return self.decision_id is not None


def tag(
    database: Database,
    actor: Actor,
    object_id: str | Thing,
    name: str,
    *,
    decision_id: str | None = None,
) -> Tagged:
    """Put a tag on a conversation or a message; a tag that does not exist is made.

    Raises:
        Refused: the name is unusable, there is no such thing, or there are too many tags.
    """
    (made,) = tag_all(database, actor, [object_id], name, decision_id=decision_id)
    return made


def untag(
    database: Database,
    actor: Actor,
    object_id: str | Thing,
    name: str,
    *,
    decision_id: str | None = None,
) -> Tagged:
    """Take a tag off a conversation or a message. Where it is not on it nothing is decided.

    Raises:
        Refused: there is no such tag or no such thing.
    """
    (made,) = tag_all(database, actor, [object_id], name, on=False, decision_id=decision_id)
    return made


def tag_all(
    database: Database,
    actor: Actor,
    object_ids: Sequence[str | Thing],
    name: str,
    *,
    on: bool = True,
    decision_id: str | None = None,
) -> list[Tagged]:
    """Put a tag on each of these, or take it off, as one decision; an event tells of each that it changed.

    Raises:
        Refused: the name is unusable, one of them is gone, or has too many tags; then none is changed. There is no
            such tag to take off, or the one to put on went away meanwhile.
    """
    return _turned(
        database, actor, object_ids,
        on=[name] if on else [], off=[] if on else [name], decision_id=decision_id,
    )  # fmt: skip


def retag(
    database: Database,
    actor: Actor,
    object_id: str | Thing,
    *,
    on: Iterable[str],
    off: Iterable[str],
) -> list[Tagged]:
    """Take tags off one conversation or message and put others on, as one decision; an event tells of each tag.

    Raises:
        Refused: as `tag_all`; then nothing is changed.
    """
    return _turned(database, actor, [object_id], on=on, off=off, decision_id=None)


def _turned(
    database: Database,
    actor: Actor,
    object_ids: Sequence[str | Thing],
    *,
    on: Iterable[str],
    off: Iterable[str],
    decision_id: str | None,
) -> list[Tagged]:
    """What is taken off goes first: so one tag takes another's place also where no more have room."""
    put_on, taken_off = (sorted({tag_name(each) for each in names}) for names in (on, off))
    shared = decision_id or new_decision_id()
    made: list[Tagged] = []
    with database.transaction():
        its = [_thing(database, each) for each in object_ids]
        found = {name: known(database, name) for name in (*taken_off, *put_on)}
        for name in taken_off:
            if found[name] is None:
                raise Refused(f"there is no tag {name}")
        guards = [_guard(it.object_type, part) for it in its for part in it.parts]
        # A new tag is made once, however many make it.
        lock(database, guards if all(found.values()) else [NAMES, *guards])
        held = _held(database, found)
        for turn, verb, names in ((_bear_no_more, "untag", taken_off), (_bear, "tag", put_on)):
            for name in names:
                for it in its:
                    with deciding(database, actor, decision_id=shared) as decided:
                        shown = held.get(name) or known(database, name) or make(decided, name)
                        held[name] = shown
                        if turn(decided, it, shown["tag_id"]):
                            decided.says(
                                f"{it.object_type}.{verb}", it.object_type, it.object_id,
                                customer_ids=it.customer_ids, tag=shown["name"],
                            )  # fmt: skip
                    made.append(
                        Tagged(
                            object_type=it.object_type,
                            object_id=it.object_id,
                            tag=shown["name"],
                            decision_id=shared if decided.event else None,
                        )
                    )
    return made


def _held(database: Database, found: dict[str, DictRow | None]) -> dict[str, DictRow]:
    """The tags of these names, which nobody renames, merges or removes until the transaction ends."""
    there = run(database, "hold_tags", names=list(found))
    by_id = {row["tag_id"]: row for row in there}
    for name, row in found.items():
        if row and row["tag_id"] not in by_id:
            raise Refused(f"somebody changed the tag {name} just now: look again")
    return {name: by_id[row["tag_id"]] for name, row in found.items() if row}


def _bear(decided: Deciding, it: Thing, tag_id: str) -> bool:
    """Put a tag on; False where it shows already."""
    shown = {row["shown_tag_id"] for row in _taggings(decided.database, it)}
    if tag_id in shown:
        return False
    if len(shown) >= MOST_TAGS_ON_ONE:
        raise Refused(f"this {it.object_type} has {MOST_TAGS_ON_ONE} tags: take one off first")
    _put_on(decided, tag_id, it.object_type, it.anchor, it)
    conversations.remember_id(decided.database, it)
    return True


def _bear_no_more(decided: Deciding, it: Thing, tag_id: str) -> bool:
    """Take a tag off wherever it shows on the thing; False where it shows nowhere."""
    there = [row for row in _taggings(decided.database, it) if row["shown_tag_id"] == tag_id]
    for row in there:
        _take_off(decided, row["tag_id"], it.object_type, row["object_id"], it)
    return bool(there)


# -- what is asked -------------------------------------------------------------------------------


def _thing(database: Database, object_id: str | Thing) -> Thing:
    return object_id if isinstance(object_id, Thing) else conversations.thing(database, object_id)


def _taggings(database: Database, it: Thing) -> list[DictRow]:
    return run(database, "taggings_of", object_type=it.object_type, object_ids=it.parts)


def _subject(tag_id: str, object_type: str, part: str) -> str:
    return f"tag {tag_id} on {object_type} {part}"


def _guard(object_type: str, part: str) -> str:
    """What one decides about the tags of a thing is decided one after the other, whichever tag it is: which of them
    it bears is known only then."""
    return f"tags of {object_type} {part}"


# -- what is changed, and its reversal -----------------------------------------------------------


def _put_on(decided: Deciding, tag_id: str, object_type: str, part: str, it: Thing) -> None:
    opened = run(
        decided.database, "open_tagging",
        tagging_id=secrets.token_hex(16), tag_id=tag_id, object_type=object_type, object_id=part,
        tagged_by=decided.actor.name,
    )  # fmt: skip
    if opened:
        _told(decided, "tag", tag_id, part, it)


def _take_off(decided: Deciding, tag_id: str, object_type: str, part: str, it: Thing) -> None:
    ended = run(
        decided.database, "end_tagging",
        tag_id=tag_id, object_type=object_type, object_id=part, removed_by=decided.actor.name,
    )  # fmt: skip
    if ended:
        _told(decided, "untag", tag_id, part, it)


def _told(decided: Deciding, verb: str, tag_id: str, part: str, it: Thing) -> None:
    decided.changed(
        f"{it.object_type}.{verb}", _subject(tag_id, it.object_type, part), it.object_type, it.object_id,
        customer_ids=it.customer_ids, data={"tag_id": tag_id, "part": part},
    )  # fmt: skip


def _guards(change: Change) -> list[str]:
    return [_guard(change.object_type, change.data["part"])]


@reverses("conversation.tag", "message.tag", "conversation.untag", "message.untag", guards=_guards)
def _turn_round(decided: Deciding, change: Change) -> None:
    part, tag_id = change.data["part"], change.data["tag_id"]
    puts_on = change.action.endswith(".untag")
    if puts_on and not run(decided.database, "hold_tag_by_id", tag_id=tag_id):
        raise Refused("there is no such tag any more: undo first that it was taken away")
    find = conversations.message if change.object_type == "message" else conversations.conversation
    it = find(decided.database, part)
    turn = _put_on if puts_on else _take_off
    turn(decided, tag_id, change.object_type, part, it)
