"""Connecting an account, as HTML: the guide, what is wrong with what was pasted, what the provider said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, shapes
from app.views.components import channel_icon, icon
from warehouse.channels import Channel
from warehouse.guides import Field, Guide

Row = dict[str, Any]
#: A worker takes a request up at once; whoever waits longer looks whether one runs.
NO_WORKER = "No worker runs, and it is the worker that asks providers. Start it (./crm up), and this goes on by itself"


def choice(channel: Channel, told: Guide) -> str:
    """One channel to choose from."""
    return (
        f'<div class="line choice">{channel_icon(channel.channel)}<b>{escape.line(channel.name)}</b>'
        f'<span class="preview">{escape.line(told.what)}</span></div>'
    )


def intro(channel: Channel, told: Guide) -> str:
    """What is connected, which rights that takes, and what is done at the provider before."""
    steps = "".join(f"<li>{_marked(each)}</li>" for each in told.before)
    return (
        f'<section class="guide"><h2>{channel_icon(channel.channel)} Connect {escape.line(channel.name)}</h2>'
        f"<p>{_marked(told.what)}</p>"
        + (
            f'<p class="rights">{icon("shield")} <span>{_marked(told.rights)}</span></p>'
            if told.rights
            else ""
        )
        + (
            f"<h3>1. Before, at {escape.line(channel.provider.title())}</h3><ol>{steps}</ol>"
            if steps
            else ""
        )
        + "<h3>2. Paste</h3></section>"
    )


def under(field: Field, problem: str | None, *, keeps: bool = False) -> str:
    """Where a key is found, and what is wrong with what was pasted.

    Args:
        keeps: there is a value, which an empty field keeps.
    """
    if problem:
        return f'<p class="under bad" role="alert">{icon("error")} <span>{escape.line(problem)}.</span></p>'
    said = [field.where]
    if keeps:
        said.append("There is one; it is never shown. Left empty, it stays")
    elif not field.is_required and not field.is_more:
        said.append("Optional")
    if field.is_secret:
        said.append("By keyboard: Enter takes it")
    words = ". ".join(each for each in said if each)
    return f'<p class="under">{_marked(words)}</p>' if words else ""


def registers(told: Guide) -> str:
    """What our click changes at the provider, and what nobody else can do."""
    said = [told.registers, told.by_hand, *([told.history] if told.history else [])]
    words = "".join(f"<p>{_marked(each)}</p>" for each in said)
    return f'<section class="guide"><h3>4. Save and register</h3>{words}</section>'


def asking(provider: str, worker_lives: bool) -> str:
    """While nobody has answered yet."""
    if not worker_lives:
        return (
            f'<p class="verdict warn" role="status">{icon("warning")} <span>{NO_WORKER}.</span></p>'
        )
    return (
        f'<p class="verdict quiet" role="status">{icon("hourglass_top")} '
        f"<span>Asking {escape.line(provider)} …</span></p>"
    )


def refused(provider: str, problem: str) -> str:
    """The provider's words, or ours where it did not answer."""
    return (
        f'<div class="verdict bad" role="alert">{icon("error")} <div><b>{escape.line(provider)} says no; nothing was '
        f"saved.</b><p><bdi>{escape.line(problem)}</bdi></p></div></div>"
    )


def failed(problem: str) -> str:
    """Why something that was asked of a provider was not done."""
    return (
        f'<div class="verdict bad" role="alert">{icon("error")} <div><b>Not done.</b>'
        f"<p><bdi>{escape.line(problem)}</bdi></p></div></div>"
    )


def found(provider: str, answer: Mapping[str, Any]) -> str:
    """What the provider said of the keys, what is registered there, and whose address would be replaced."""
    said = (
        f'<div class="verdict good" role="status">{icon("check_circle")} <div><b>{escape.line(provider)} answers.</b>'
        f"<p><bdi>{escape.line(answer.get('sentence'))}</bdi></p></div></div>"
    )
    return said + problems_of_address(answer) + others(answer) + advice(answer)


def problems_of_address(answer: Mapping[str, Any]) -> str:
    """What keeps the provider from calling us."""
    listed = "".join(
        f"<p>{escape.line(each)}.</p>" for each in shapes.texts(answer.get("address_problems"))
    )
    if not listed:
        return ""
    return f'<div class="verdict warn">{icon("warning")} <div><b>The provider may not reach us.</b>{listed}</div></div>'


def others(answer: Mapping[str, Any]) -> str:
    """Whose address would be replaced."""
    named = shapes.mapping(answer.get("others"))
    if not named:
        return '<p class="under">No other program is called by these accounts: nobody loses anything.</p>'
    listed = "".join(
        f"<li><bdi>{escape.line(whose)}</bdi>: <bdi><code>{escape.line(address)}</code></bdi></li>"
        for whose, address in named.items()
    )
    return (
        f'<div class="verdict warn">{icon("swap_horiz")} <div><b>Another program is called now, and would '
        f"not be told any more.</b><ul>{listed}</ul></div></div>"
    )


def advice(answer: Mapping[str, Any]) -> str:
    """What only the admin can do, or must know before it bites."""
    listed = "".join(
        f"<li><bdi>{escape.line(each)}</bdi></li>" for each in shapes.texts(answer.get("advice"))
    )
    return (
        f'<details class="more"><summary>To know</summary><ul>{listed}</ul></details>'
        if listed
        else ""
    )


def registered(answer: Mapping[str, Any], key: str, title: str) -> str:
    """What is registered at the provider, object by object."""
    items = []
    for its in shapes.objects(answer.get(key)):
        facts = "".join(
            f"<div><dt>{escape.line(name)}</dt><dd><bdi>{escape.line(value) or '(empty)'}</bdi></dd></div>"
            for name, value in its.items()
            if name not in ("object", "note")
        )
        note = f"<p>{escape.line(its['note'])}</p>" if its.get("note") else ""
        items.append(
            f"<li><b><bdi>{escape.line(its.get('object'))}</bdi></b><dl>{facts}</dl>{note}</li>"
        )
    if not items:
        return ""
    return (
        f'<details class="more"><summary>{escape.line(title)}</summary>'
        f'<ul class="objects">{"".join(items)}</ul></details>'
    )


def waiting(row: Row, register: Row | None, told: Guide, zone: ZoneInfo, now: datetime) -> str:
    """Whether the first message after the registration has come; what to look at where it has not."""
    if register is None or register["answered_at"] is None or register["problem"]:
        return ""
    came, since = row["last_delivery_at"], register["asked_at"]
    if came is not None and came >= since:
        ago = clock.ago(max(0.0, (now - came).total_seconds()))
        return (
            f'<p class="verdict good" role="status">{icon("check_circle")} <span>The provider calls us: something came '
            f'<time datetime="{came.isoformat()}" title="{clock.full(came, zone)}">{ago} ago</time>.</span></p>'
        )
    if register["overdue_at"] is None:
        return (
            f'<p class="verdict quiet" role="status">{icon("hourglass_top")} <span>Waiting for the first message. This '
            "turns green by itself when it comes.</span></p>"
        )
    refusals = row["refusals_last_day"] or 0
    listed = "".join(f"<li>{_marked(each)}</li>" for each in told.silence)
    told_refusals = (
        f"<p><b>{refusals:,} deliveries were refused in the last day</b>: their signature is not made with the secret "
        "that stands here.</p>"
        if refusals
        else ""
    )
    return (
        f'<div class="verdict warn" role="status">{icon("warning")} <div><b>Nothing has come yet.</b>{told_refusals}'
        f"<ul>{listed}</ul></div></div>"
    )


def settings(told: Guide, values: Mapping[str, str], may_be_elsewhere: bool) -> str:
    """The keys of a connection that are no secrets."""
    facts = "".join(
        f"<div><dt>{escape.line(each.label)}</dt><dd><bdi>{escape.line(values[each.key])}</bdi></dd></div>"
        for each in told.fields
        if values.get(each.key) and (may_be_elsewhere or not each.is_elsewhere)
    )
    return f'<dl class="facts">{facts}</dl>' if facts else ""


def _marked(text: str) -> str:
    """Words of ours, in which `*…*` names what stands on a button or in a menu."""
    parts = escape.line(text).split("*")
    return "".join(f"<b>{each}</b>" if place % 2 else each for place, each in enumerate(parts))
