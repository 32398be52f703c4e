"""Who wrote a message and to whom, as people read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.views import call_html, escape, identity_html, mail_html
from warehouse.schemes import Scheme

Row = dict[str, Any]

#: How Twilio writes the service before an address: a label says it already.
SERVICE = re.compile(r"^(whatsapp|messenger|rcs):")
#: WhatsApp writes phone numbers without their plus.
BARE_NUMBER = re.compile(r"[1-9][0-9]{9,14}")
MOST_RECEIVERS = 3
#: Who writes from an address of ours without a name of their own.
US = "Us"


def people(row: Row, names: Mapping[str, str]) -> str:
    """Sender and receivers; the addresses as they came are their titles.

    Args:
        names: what identities are called whose customer is known.
    """
    ours = row["direction"] == "outbound"
    sender, written = _sender(row, names, ours=ours), address(row["from_address"], row)
    said = (
        f'<bdi class="who" title="{escape.line(row["from_address"])}">{escape.line(sender)}</bdi>'
    )
    if (
        sender in (US, names.get(str(row.get("counterpart_identity"))))
        and not _scheme(row).is_nameless
        and written
    ):
        said += f'<bdi class="to">from {escape.line(written)}</bdi>'
    # On mail it may be a list.
    to = [address for address in row["to_addresses"] or [] if address]
    if not to or _scheme(row).is_nameless:
        return said
    copies = ""
    for role in ("cc", "bcc") if row["kind"] == "email" else ():
        copied = set(mail_html.copied_to(row, role))
        copies += _listed(role, [each for each in to if str(each).lower() in copied], row)
        to = [each for each in to if str(each).lower() not in copied]
    return f"{said}{_listed('to', to, row)}{copies}"


def _listed(word: str, to: list[Any], row: Row) -> str:
    if not to:
        return ""
    more = f" and {len(to) - MOST_RECEIVERS} more" if len(to) > MOST_RECEIVERS else ""
    receivers = ", ".join(address(each, row) for each in to[:MOST_RECEIVERS]) + more
    title = escape.line(", ".join(map(str, to)))
    return f'<bdi class="to" title="{title}">{word} {escape.line(receivers)}</bdi>'


def _sender(row: Row, names: Mapping[str, str], *, ours: bool) -> str:
    if row["kind"] in call_html.KINDS and not ours and call_html.is_withheld(row):
        return "Withheld number"
    if row["from_name"]:
        return str(row["from_name"])
    known = names.get(str(row.get("counterpart_identity")))
    if ours:
        return US
    if known:
        return known
    if not _scheme(row).is_nameless:
        return address(row["from_address"], row) or "unknown sender"
    return str(row.get("known_name") or _scheme(row).name)


def address(written: object, row: Row) -> str:
    """An address of a message without what its channel says already. Not escaped."""
    text = SERVICE.sub("", str(written or ""))
    is_number = _scheme(row).scheme in ("phone", "bsuid") and BARE_NUMBER.fullmatch(text)
    return f"+{text}" if is_number else text


def _scheme(row: Row) -> Scheme:
    return identity_html.scheme_of(str(row.get("counterpart_identity") or ""))
