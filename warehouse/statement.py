"""The statement about a notifiable data breach (Privacy Act, s 26WK), as a draft: its four parts, from an incident.

What only people know stands in brackets. Nobody is named in it but the organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

TITLE = "Statement about an eligible data breach"
#: Nothing in the file is fetched or run.
POLICY = (
    '<meta http-equiv="Content-Security-Policy"'
    " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "p{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}small{color:#555}"
)
MISSING = "[to be written]"


def parts(incident: Mapping[str, Any], people: int | None) -> list[tuple[str, str]]:
    """Heading and text of each part."""
    whom = "" if people is None else f"\n\nBy our log it concerns {people} people."
    return [
        (
            "1. Who we are",
            "[name of the organisation, address, telephone, mail, and who answers questions]",
        ),
        ("2. What happened", (incident["description"] or MISSING) + whom),
        ("3. Which kinds of information it is about", incident["kinds"] or MISSING),
        ("4. What we recommend that you do", incident["steps"] or MISSING),
    ]


def as_text(incident: Mapping[str, Any], people: int | None) -> str:
    """To read in a terminal, or to paste into a mail."""
    lines = [TITLE, _when(incident), ""]
    for heading, text in parts(incident, people):
        lines += [heading, "", text, ""]
    return "\n".join(lines)


def as_html(incident: Mapping[str, Any], people: int | None) -> str:
    """To read in a browser, or to print."""
    body = "".join(
        f"<h2>{escape(heading)}</h2><p>{escape(text)}</p>"
        for heading, text in parts(incident, people)
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{TITLE}</title>{POLICY}<style>{STYLE}</style>'
        f"<h1>{TITLE}</h1><p><small>{escape(_when(incident))}</small></p>{body}</html>"
    )


def _when(incident: Mapping[str, Any]) -> str:
    since = incident["suspected_at"].astimezone(UTC)
    return f"Draft of {datetime.now(UTC):%d %B %Y}. First suspected on {since:%d %B %Y} (UTC)."
