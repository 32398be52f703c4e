"""Views that people keep: a name for an address of the app, their own or for everybody.

A view is no more than that address: whoever opens one reads what it leads to under their own rights. Whose view it is,
and so who may change it, is in `owner` and `is_shared`; the caller asks (`app/act_saved.py`).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any

from psycopg.rows import DictRow

from warehouse.decisions.ledger import (
    Change,
    Database,
    Deciding,
    Overtaken,
    deciding,
    execute,
    line,
    lock,
    reverses,
)
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("saved_views")

LONGEST_VIEW_NAME = 80
#: An address that a browser still takes.
LONGEST_QUERY = 6_000
#: Of one person; a list that they still find their way in.
MOST_VIEWS = 100
#: New names wait for each other, so that two of one name are refused in words.
NAMES = "view names"
PAGE = re.compile("[a-z_]{1,40}")


def save_view(
    database: Database,
    actor: Actor,
    name: str,
    *,
    page: str,
    query: str,
    is_shared: bool = False,
    customer_ids: Sequence[str] = (),
) -> str:
    """Keep an address under a name; returns the view's id.

    Args:
        query: what stands behind the question mark.
        customer_ids: whose timeline it leads to; the event names them.

    Raises:
        Refused: the name is unusable or taken, there are too many, or it is no address.
    """
    kept = view_name(name)
    if not PAGE.fullmatch(page) or len(query) > LONGEST_QUERY or not query.isascii():
        raise Refused("this page cannot be kept as a view")
    view_id = secrets.token_hex(16)
    row = {"view_id": view_id, "name": kept, "owner": actor.name, "is_shared": is_shared}
    with deciding(database, actor) as decided:
        lock(database, [NAMES])
        if _run(database, "count_of", owner=actor.name)[0]["views"] >= MOST_VIEWS:
            raise Refused(f"you have {MOST_VIEWS} views already: remove one first")
        _refuse_namesake(database, row)
        _run(database, "add", **row, page=page, query=query)
        _told(decided, "view.save", view_id)
        decided.says(
            "view.save", "view", view_id,
            customer_ids=customer_ids, name=kept, page=page, query=query, is_shared=is_shared,
        )  # fmt: skip
    return view_id


def change_view(
    database: Database, actor: Actor, view_id: str, *, name: str, is_shared: bool, expected: int
) -> str | None:
    """Call a view otherwise, or show it to everybody or no longer; the decision's id, None where it was so already.

    Args:
        expected: the version that the person saw.

    Raises:
        Overtaken: somebody else changed it since.
        Refused: there is no such view, or the name is unusable or taken.
    """
    after = {"name": view_name(name), "is_shared": is_shared}
    with deciding(database, actor) as decided:
        lock(database, [NAMES, f"view {view_id}"])
        now = view(database, view_id, expected)
        before = {key: now[key] for key in after}
        if before == after:
            return None
        _change(decided, now, before, after)
        decided.says("view.change", "view", now["view_id"], before=before, after=after)
    return decided.decision_id


def remove_view(database: Database, actor: Actor, view_id: str, *, expected: int) -> str:
    """Keep a view no longer; the decision's id.

    Raises:
        Overtaken: somebody else changed it since.
        Refused: there is no such view.
    """
    with deciding(database, actor) as decided:
        lock(database, [NAMES, f"view {view_id}"])
        now = view(database, view_id, expected)
        _run(database, "remove", view_id=now["view_id"])
        _told(decided, "view.remove", now["view_id"])
        decided.says(
            "view.remove", "view", now["view_id"], name=now["name"], is_shared=now["is_shared"]
        )
    return decided.decision_id


def view(database: Database, view_id: str, expected: int | None = None) -> DictRow:
    """A view as it is: view_id, name, page, query, owner, is_shared, version.

    Raises:
        Overtaken: it is not the version that was expected.
        Refused: there is none of this id, or no longer.
    """
    rows = _run(database, "by_id", view_id=view_id.replace("\0", ""))
    if not rows or rows[0]["removed_at"]:
        raise Refused("there is no such view any more")
    if expected is not None and rows[0]["version"] != expected:
        raise Overtaken(
            f"somebody changed the view meanwhile, it is {rows[0]['name']} now: look again"
        )
    return rows[0]


def view_name(text: str) -> str:
    """A view's name as it is kept: one line, in one spelling of its letters.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    return line(unicodedata.normalize("NFC", text), "name", LONGEST_VIEW_NAME, "give it one")


# -- what is changed, and its reversal -----------------------------------------------------------


def _run(database: Database, name: str, /, **parameters: Any) -> list[DictRow]:
    return execute(database, SQL[name], parameters)


def _refuse_namesake(database: Database, row: DictRow) -> None:
    same = _run(database, "named", name=row["name"], is_shared=row["is_shared"], owner=row["owner"])
    if any(each["view_id"] != row["view_id"] for each in same):
        whose = "shared view" if row["is_shared"] else "view of yours"
        raise Refused(f"there is a {whose} called {row['name']} already: choose another name")


def _told(decided: Deciding, action: str, view_id: str, data: dict[str, Any] | None = None) -> None:
    decided.changed(action, f"view {view_id}", "view", view_id, data=data)


def _change(decided: Deciding, now: DictRow, before: DictRow, after: DictRow) -> None:
    _refuse_namesake(decided.database, {**now, **after})
    _run(decided.database, "change", view_id=now["view_id"], **after)
    _told(decided, "view.change", now["view_id"], {"before": before, "after": after})


def _guards(change: Change) -> list[str]:
    return [NAMES, change.subject]


@reverses("view.save", "view.restore", guards=_guards)
def _remove(decided: Deciding, change: Change) -> None:
    _run(decided.database, "remove", view_id=change.object_id)
    _told(decided, "view.remove", change.object_id)


@reverses("view.remove", guards=_guards)
def _restore(decided: Deciding, change: Change) -> None:
    (gone,) = _run(decided.database, "by_id", view_id=change.object_id)
    _refuse_namesake(decided.database, gone)
    _run(decided.database, "restore", view_id=change.object_id)
    _told(decided, "view.restore", change.object_id)


@reverses("view.change", guards=_guards)
def _change_back(decided: Deciding, change: Change) -> None:
    now = view(decided.database, change.object_id)
    _change(decided, now, change.data["after"], change.data["before"])
