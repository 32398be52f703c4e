"""Whose contact cards a vCard file holds (RFC 6350, and the older forms that phones write): name, numbers, addresses.

A card is told in the form in which WhatsApp passes one on, so that the models read both by one rule
(`dbt_project/models/canonical/link_evidence.sql`).
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from typing import Any

TYPES = {"text/vcard", "text/x-vcard", "text/directory"}
#: A picture may stand before what is looked for.
CHARACTERS_LIMIT = 2_000_000
LINES_LIMIT = 50_000
CARDS_LIMIT, ADDRESSES_LIMIT = 50, 20
VALUE_LIMIT = 320
#: `item1.TEL;TYPE=cell:`, `TEL;CELL;VOICE:`; the colon of a quoted parameter parts nothing.
LINE = re.compile(r'(?:[\w-]{1,40}\.)?([A-Za-z-]{1,40})((?:;(?:"[^"]*"|[^":;])*)*):')


def is_card(content_type: str, filename: str | None) -> bool:
    """Whether a part of a mail is a file of contact cards."""
    return content_type in TYPES or (filename or "").lower().endswith(".vcf")


def cards_of(text: str) -> list[dict[str, Any]]:
    """`{name: {formatted_name}, phones: [{phone}], emails: [{email}]}` of each card that has a number or an address."""
    found: list[dict[str, Any]] = []
    name, parts = "", ""
    phones: list[str] = []
    emails: list[str] = []
    for what, value in _properties(text):
        if what == "BEGIN":
            name, parts, phones, emails = "", "", [], []
        elif what == "FN":
            name = name or value
        elif what == "N":
            family, _, rest = value.partition(";")
            parts = " ".join(f"{rest.partition(';')[0]} {family}".split())
        elif what == "TEL":
            # `tel:+61-491-570-006;ext=4`
            phones.append(re.sub(r"^tel:([^;]*).*", r"\1", value, flags=re.IGNORECASE))
        elif what == "EMAIL":
            emails.append(re.sub(r"^mailto:", "", value, flags=re.IGNORECASE))
        elif what == "END":
            if (phones or emails) and len(found) < CARDS_LIMIT:
                found.append(
                    {
                        "name": {"formatted_name": _unescaped(name) or _unescaped(parts)},
                        "phones": [{"phone": each} for each in phones[:ADDRESSES_LIMIT]],
                        "emails": [{"email": each} for each in emails[:ADDRESSES_LIMIT]],
                    }
                )
            name, parts, phones, emails = "", "", [], []
    return found


def _properties(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line, folded ones put together."""
    whole = re.sub(r"\r?\n[ \t]", "", text[:CHARACTERS_LIMIT])
    lines = iter(whole.splitlines()[:LINES_LIMIT])
    for line in lines:
        match = LINE.match(line[:4_000])
        if match is None:
            continue
        parameters, value = match[2].upper(), line[match.end() :]
        if "QUOTED-PRINTABLE" in parameters:
            # vCard 2.1 has a way of its own to go on in the next line.
            while value.endswith("=") and len(value) < VALUE_LIMIT * 12:
                value = value[:-1] + next(lines, "")
            value = _plain(value, parameters)
        yield match[1].upper(), " ".join(value.split())[:VALUE_LIMIT]


def _plain(value: str, parameters: str) -> str:
    charset = re.search(r"CHARSET=\"?([\w-]{1,40})", parameters)
    content = quopri.decodestring(value.encode())
    try:
        return content.decode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:
        return content.decode(errors="replace")


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: " " if match[1] in "nN" else match[1], value).strip()
