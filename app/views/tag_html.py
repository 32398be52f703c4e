"""Tags as those see them who look after them, as HTML: pure functions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, list_html, work_html
from app.views.components import icon

Row = dict[str, Any]


def line(row: Row, *, is_chosen: bool) -> str:
    """One tag: how it looks, what it is for, and how often it is used."""
    if row.get("removed_at"):
        used = "removed"
    else:
        more = "more than " if row["is_cut"] else ""
        counts = ((row["conversations"], "conversation"), (row["messages"], "message"))
        borne = [list_html.count(number, noun) for number, noun in counts if number]
        used = f"{more}{', '.join(borne)}" if borne else "not used"
    merged = row.get("merged") or []
    also = f' <span class="also">also {_names(merged)}</span>' if merged else ""
    return (
        f'<div class="line tagged{" chosen" if is_chosen else ""}"><span class="who">{work_html.tags([row])}</span>'
        f'<span class="preview" dir="auto">{escape.line(row["description"])}{also}</span>'
        f'<span class="used">{used}</span></div>'
    )


def _names(names: list[str]) -> str:
    return ", ".join(f"<bdi>{escape.line(name)}</bdi>" for name in names)


def decided(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One line of the history of a tag."""
    undone = (
        f' <span class="undone">undone by <bdi>{escape.line(row["undone_by"])}</bdi></span>'
        if row["undone_at"]
        else ""
    )
    return (
        f'<div class="decided{" gone" if row["undone_at"] else ""}"><p><bdi>{escape.line(row["actor"])}</bdi> '
        f'{_words(row)}{undone}</p><p class="by"><time title="{clock.full(row["at"], zone)}">'
        f"{clock.short(row['at'], zone, now)}</time></p></div>"
    )


def _words(row: Row) -> str:
    tag, into = (f"<b><bdi>{escape.line(row[name])}</bdi></b>" for name in ("tag", "into_tag"))
    match row["action"]:
        case "tag.merge":
            return f"merged {tag} into {into}"
        case "tag.part":
            return f"parted {tag} from {into} again"
        case "tag.discard":
            return f"removed {tag}"
        case "tag.recover":
            return f"brought {tag} back"
    before, after = row["data"]["before"], row["data"]["after"]
    changed = [key for key in ("name", "colour", "description") if before[key] != after[key]]
    return "; ".join(
        f"{icon('edit')} {key}: <bdi>{escape.line(before[key]) or 'none'}</bdi> → "
        f"<bdi>{escape.line(after[key]) or 'none'}</bdi>"
        for key in changed
    )


def missing() -> str:
    """Where no tag is chosen."""
    return '<p class="tally">Choose a tag to rename, describe, merge or remove it.</p>'


def heading(row: Row) -> str:
    """Above what can be changed of a tag."""
    return f'<div class="panel-head">{icon("sell")}<h2><bdi>{escape.line(row["name"])}</bdi></h2></div>'
