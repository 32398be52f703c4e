"""Icons and small labels: the smallest pieces of our HTML."""

from __future__ import annotations

from app.views import escape
from warehouse.channels import registry


def icon(name: str, title: str = "") -> str:
    """A glyph of the icon font that Streamlit brings along."""
    said = f' role="img" aria-label="{escape.line(title)}" title="{escape.line(title)}"'
    return f'<span class="icon"{said if title else " aria-hidden=true"}>{escape.line(name)}</span>'


def chip(glyph: str, words: str, *, title: str = "", kind: str = "") -> str:
    """A label of a message: what it is beside its text. `words` and `title` may be others'."""
    hint = f' title="{escape.line(title)}"' if title else ""
    return f'<span class="chip {kind}"{hint}>{icon(glyph)} <bdi>{escape.line(words)}</bdi></span>'


def note(glyph: str, words: str, *, kind: str = "") -> str:
    """A sentence of ours in a message, beside or instead of its text. `words` may quote others."""
    return f'<p class="note {kind}">{icon(glyph)} <span>{escape.line(words)}</span></p>'


def channel_icon(slug: str) -> str:
    """The icon of a channel in its colour, its name for those who do not see it."""
    channel = registry().get(slug)
    if channel is None:
        return icon("chat", slug)
    name = escape.line(channel.name)
    said = f'role="img" aria-label="{name}" title="{name}"'
    return f'<span class="icon channel channel-{slug}" {said}>{channel.icon}</span>'


def channel_colours() -> str:
    """The hue of each channel, for the style of whatever bears its class."""
    rules = "".join(f".channel-{slug}{{--hue:{each.hue}}}" for slug, each in registry().items())
    return f"<style>{rules}</style>"
