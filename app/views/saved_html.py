"""Saved views as HTML: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.views import escape
from app.views.components import icon

#: What each page is called, and its icon.
PLACES = {
    "pages/customers.py": ("Customers", "group"),
    "pages/search.py": ("Messages", "search"),
    "pages/timeline.py": ("Timeline", "forum"),
    "pages/work.py": ("Work", "inbox"),
}
#: Parameters that say nothing to a reader by their word, or by their value.
SAID_ALONE, UNSAID = frozenset({"q", "list", "when"}), frozenset({"customer", "conversation"})
LONGEST_VALUE = 120


def line(name: str, script: str, parameters: Mapping[str, Sequence[str]], owner: str = "") -> str:
    """One view: its name, the page it leads to, what it asks for.

    Args:
        owner: who shares it; empty for one's own.
    """
    place, glyph = PLACES[script]
    asks = _asks(parameters)
    whose = f'<span class="whose">{icon("person")} <bdi>{escape.line(owner)}</bdi></span>'
    return (
        f'<div class="line saved">{icon(glyph)}<span class="who"><bdi class="name">{escape.line(name)}</bdi></span>'
        f'<span class="preview" dir="auto">{place}{f": {asks}" if asks else ""}</span>'
        f"{whose if owner else ''}</div>"
    )


def _asks(parameters: Mapping[str, Sequence[str]]) -> str:
    """What an address asks for, in its own words."""
    parts = []
    for word, values in parameters.items():
        if word in UNSAID:
            continue
        said = ", ".join(escape.line(value[:LONGEST_VALUE]) for value in values)
        parts.append(f"<bdi>{said}</bdi>" if word in SAID_ALONE else f"{word} <bdi>{said}</bdi>")
    return ", ".join(parts)
