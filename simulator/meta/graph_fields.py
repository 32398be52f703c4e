"""The `fields` parameter: names with nested ones in braces and modifiers such as `.limit(5)`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simulator.meta.graph_errors import invalid_parameter

TOKEN = re.compile(r"\s*([A-Za-z_][\w]*)((?:\.\w+\([^)]*\))*)\s*")
MODIFIER = re.compile(r"\.(\w+)\(([^)]*)\)")


@dataclass
class Wanted:
    """One name of a fields list. `fields` is None where no braces follow."""

    fields: dict[str, Wanted] | None = None
    modifiers: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> dict[str, Wanted]:
    """`id,messages.limit(5){id,message}` and the like.

    Raises:
        GraphError: 100 where it is no such list.
    """
    found, end = _list(text, 0)
    if end != len(text):
        raise invalid_parameter(f"Syntax error in fields at {end}: {text[end : end + 20]}")
    return found


def _list(text: str, at: int) -> tuple[dict[str, Wanted], int]:
    found: dict[str, Wanted] = {}
    while match := TOKEN.match(text, at):
        wanted = Wanted(modifiers=dict(MODIFIER.findall(match.group(2))))
        at = match.end()
        if text[at : at + 1] == "{":
            wanted.fields, at = _list(text, at + 1)
            if text[at : at + 1] != "}":
                raise invalid_parameter("Syntax error in fields: a brace is not closed")
            at += 1
        found[match.group(1)] = wanted
        if text[at : at + 1] != ",":
            break
        at += 1
    return found, at
