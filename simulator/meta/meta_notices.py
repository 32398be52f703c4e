"""One thing that Meta tells, and the envelope that one or several of them go in.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
"""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP

OBJECTS = {
    WHATSAPP: "whatsapp_business_account",
    INSTAGRAM: "instagram",
    MESSENGER: "page",
}
# Documents write both.
SYNONYMS = {"message_edit": "message_edits", "message_edits": "message_edit"}
MERGED = ("messages", "statuses", "message_echoes")


@dataclass
class Notice:
    """`item` is a change's value (holder "changes") or an element of `messaging` or `standby`.
    `field` is what one subscribes to. `asset` is whose entry it stands in; `raw` is a whole body
    instead."""

    channel: str
    asset: str
    field: str
    item: dict[str, Any]
    kind: str
    ids: dict[str, str] = dataclasses.field(default_factory=dict)
    holder: str = "messaging"
    raw: dict[str, Any] | None = None


def envelope(notices: list[Notice], now_ms: int, rng: random.Random) -> dict[str, Any]:
    """The body for these notices, which are of one channel."""
    if notices[0].raw is not None:
        return notices[0].raw
    channel = notices[0].channel
    entries = [_entry(channel, group, now_ms + n) for n, group in enumerate(_grouped(notices, rng))]
    return {"object": OBJECTS[channel], "entry": entries}


def _grouped(notices: list[Notice], rng: random.Random) -> list[list[Notice]]:
    """Who shares an entry: some do, some have one of their own with the same id."""
    groups: list[list[Notice]] = []
    for notice in notices:
        fits = groups and (groups[-1][0].asset, groups[-1][0].holder) == (
            notice.asset,
            notice.holder,
        )
        if fits and rng.random() < 0.6:
            groups[-1].append(notice)
        else:
            groups.append([notice])
    return groups


def _entry(channel: str, notices: list[Notice], now_ms: int) -> dict[str, Any]:
    first = notices[0]
    if channel == WHATSAPP:
        return {"id": first.asset, "changes": _changes(notices)}
    if first.holder == "changes":
        content = [{"field": n.field, "value": n.item} for n in notices]
        return {"id": first.asset, "time": now_ms // 1000, "changes": content}
    items = [notice.item for notice in notices]
    if channel == INSTAGRAM:
        return {"time": now_ms, "id": first.asset, first.holder: items}
    return {"id": first.asset, "time": now_ms, first.holder: items}


def _changes(notices: list[Notice]) -> list[dict[str, Any]]:
    """Neighbours of one field become one change: their contacts come together, and need not stand
    in the order of the messages."""
    changes: list[dict[str, Any]] = []
    for notice in notices:
        last = changes[-1] if changes else None
        kinds = [k for k in MERGED if k in notice.item]
        fits = last and last["field"] == notice.field and kinds and kinds[0] in last["value"]
        if last is None or not fits:
            value = {k: list(v) if isinstance(v, list) else v for k, v in notice.item.items()}
            changes.append({"value": value, "field": notice.field})
            continue
        last["value"][kinds[0]] = [*last["value"][kinds[0]], *notice.item[kinds[0]]]
        known = last["value"].get("contacts", [])
        new = [c for c in notice.item.get("contacts", []) if c not in known]
        if new or known:
            last["value"]["contacts"] = [*new, *known]
    return changes
