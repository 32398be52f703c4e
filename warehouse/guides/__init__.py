"""How each channel is connected: one file a channel, read by the page, by its check of what is pasted, by documents.

`docs/connect/<channel>.md` is written from it (warehouse/guides/documents.py), so that page and document say the same.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from warehouse.channels import registry

FOLDER = Path(__file__).parent
#: Nothing that is pasted is longer than a key file.
LONGEST_VALUE = 10_000


@dataclass(frozen=True, kw_only=True)
class Field:
    """One key of a connection, as a person meets it."""

    key: str
    label: str
    #: Where it is found at the provider.
    where: str = ""
    #: What it looks like; a value that does not is refused before anybody is asked.
    shape: str = ""
    wrong: str = ""
    #: Comma-separated values, each of this shape.
    several: bool = False
    choices: tuple[str, ...] = ()
    is_required: bool = False
    is_secret: bool = False
    #: Few need it.
    is_more: bool = False
    #: For a provider that is played at another address.
    is_elsewhere: bool = False

    def fits(self, value: str) -> bool:
        """Whether the value has this shape."""
        parts = [part.strip() for part in value.split(",")] if self.several else [value]
        if self.choices:
            return value in self.choices
        return not self.shape or all(re.fullmatch(self.shape, part) for part in parts)


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What is said of connecting a channel, and its keys."""

    channel: str
    fields: tuple[Field, ...]
    what: str = ""
    #: Which rights are asked for, and that nothing is sent.
    rights: str = ""
    #: What is done at the provider before.
    before: tuple[str, ...] = ()
    #: What our click changes there.
    registers: str = ""
    by_hand: str = ""
    #: How a history is asked for, where it comes by webhook and is not pulled.
    history: str = ""
    #: What to look at where no message comes.
    silence: tuple[str, ...] = ()

    def field(self, key: str) -> Field | None:
        return next((each for each in self.fields if each.key == key), None)

    def problem(self, key: str, value: str) -> str | None:
        """What is wrong with the shape of a value, in a sentence; None where nothing is, and for an empty one."""
        field = self.field(key)
        if field is None or not value:
            return None
        if len(value) > LONGEST_VALUE or "\0" in value:
            return "This is not what belongs here: it is far too long, or no text"
        if field.fits(value):
            return None
        if value != value.strip() or field.fits("".join(value.split())):
            return f"There are blanks or line breaks in it that do not belong to it. {field.wrong}"
        if value[0] == value[-1] and value[0] in "\"'`" and len(value) > 1:
            return f"Leave the quotation marks out. {field.wrong}"
        other = next(
            (each for each in self.fields if each.shape and _is_telling(each) and each.fits(value)),
            None,
        )
        if other is not None:
            return f"This looks like another key: {other.label}. {field.wrong}"
        return field.wrong

    def problems(self, values: dict[str, str]) -> dict[str, str]:
        """What is wrong, by key: shapes, and keys that must not be empty."""
        found = {}
        for field in self.fields:
            value = values.get(field.key, "")
            if field.is_required and not value:
                found[field.key] = "This is needed"
            elif said := self.problem(field.key, value):
                found[field.key] = said
        return found


def _is_telling(field: Field) -> bool:
    """Whether only this kind of value looks so: the shape begins with letters of its own."""
    return bool(re.match(r"[A-Z]{2}|1//|\(IG|projects", field.shape))


@cache
def guide(channel: str) -> Guide:
    """The guide of a channel. One that nobody has written yet has its keys and no words."""
    known = registry()[channel]
    file = FOLDER / f"{channel}.toml"
    told = tomllib.loads(file.read_text()) if file.exists() else {}
    listed = told.pop("field", [])
    named = {each["key"] for each in listed}
    listed += [
        {"key": key, "label": key.replace("_", " ").capitalize()}
        for key in known.keys
        if key not in named
    ]
    fields = tuple(
        Field(
            **{**each, "choices": tuple(each.get("choices", ()))},
            is_required=each["key"] in known.required_keys,
            is_secret=each["key"] in known.secret_keys,
        )
        for each in listed
    )
    for name in ("before", "silence"):
        told[name] = tuple(told.get(name, ()))
    return Guide(channel=channel, fields=fields, **told)
