"""The log of events as HTML: who, what, about whom, when. What an event quotes was typed by somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson

from app.views import clock, escape
from app.views.components import icon

Row = dict[str, Any]

PAGE = "/audit"
#: So much of an event's detail stands in a line; the rest on demand.
DETAIL_CHARACTERS = 160
#: Acts that were refused, or failed: the endings of their names.
REFUSALS = (".refuse", ".fail")


#: Where the server's log is not ours to read.
NO_ANALYSTS = (
    "What analysts ask by SQL does not stand here: the database server keeps its own log of that"
)


def headline(
    given: Mapping[str, str], names: Mapping[str, str], *, has_analysts: bool = True
) -> str:
    """What is asked, in words; and what the log does not know."""
    person, customer = given.get("person"), given.get("customer")
    whom = f"<b><bdi>{escape.line(names.get(customer, customer))}</bdi></b>" if customer else ""
    who = f"<b><bdi>{escape.line(person)}</bdi></b>" if person else ""
    if who and whom:
        said = f"What {who} saw and did of {whom}"
    elif whom:
        said = f"Who saw {whom}, and what was done"
    elif who:
        said = f"What {who} saw and did"
    else:
        said = "Everything that was seen and done"
    lacks = "" if has_analysts else f'<p class="tally">{icon("info")} {NO_ANALYSTS}</p>'
    return f'<p class="tally" role="status">{said}, the newest first</p>{lacks}'


def lines(rows: Sequence[Row], names: Mapping[str, str], zone: ZoneInfo) -> str:
    """Events, one line each, under the day on which they were: one element of the browser."""
    drawn, day = [], None
    for row in rows:
        its = clock.day_of(row["at"], zone)
        if its != day:
            day = its
            drawn.append(f'<h3 class="day">{clock.days(day, day)}</h3>')
        drawn.append(_line(row, names, zone))
    return f'<div class="events">{"".join(drawn)}</div>'


def _line(row: Row, names: Mapping[str, str], zone: ZoneInfo) -> str:
    refused = " refused" if row["action"].endswith(REFUSALS) else ""
    at = row["at"]
    return (
        f'<div class="line event{refused}">'
        f'<time class="when" datetime="{at.isoformat()}" title="{clock.full(at, zone)}">'
        f"{at.astimezone(zone):%H:%M:%S}</time>"
        f'<span class="who">{_link(row["actor"], "person", row["actor"])}'
        f'<span class="role">{escape.line(row["role"].replace("_", " "))}</span></span>'
        f'<span class="act">{_link(row["action"], "action", row["action"])}</span>'
        f'<span class="about">{_about(row, names)}</span></div>'
    )


def _link(words: object, parameter: str, value: str) -> str:
    query = urlencode({parameter: value}, errors="replace")
    return (
        f'<a href="{PAGE}?{escape.line(query)}" target="_self"><bdi>{escape.line(words)}</bdi></a>'
    )


def _about(row: Row, names: Mapping[str, str]) -> str:
    """What it was done to, whose it is, and what else the event says."""
    said = []
    customers = row["customer_ids"]
    known = [each for each in customers if each in names][:3] or customers[:1]
    said += [_link(names.get(each, each), "customer", each) for each in known]
    if len(customers) > len(known):
        said.append(f'<span class="more">and {len(customers) - len(known):,} more</span>')
    if row["object_id"] != "*" and row["object_id"] not in customers:
        said.append(
            f'<span class="object">{escape.line(row["object_type"])} <bdi>{escape.line(row["object_id"])}</bdi></span>'
        )
    return f'<span class="whom">{" ".join(said)}</span>{_detail(row)}'


def _detail(row: Row) -> str:
    """All that the event holds, folded up; its beginning in the line."""
    rest = {"session": row["session_id"], "address": row["ip"]} if row["ip"] else {}
    told = ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in row["detail"].items())  # fmt: skip
    whole = orjson.dumps({**row["detail"], **rest}, option=orjson.OPT_INDENT_2).decode()
    if whole == "{}":
        return ""
    cut = told[:DETAIL_CHARACTERS] + "…" * (len(told) > DETAIL_CHARACTERS)
    return (
        f'<details><summary dir="auto">{icon("unfold_more", "All that this event says")} '
        f"{escape.line(cut)}</summary><pre>{escape.body(whole)}</pre></details>"
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
