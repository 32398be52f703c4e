"""Events of WhatsApp, Messenger and Instagram as Meta writes them, for one invented account on each."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

NUMBER_ID, BUSINESS, PAGE, ACCOUNT = (
    "106540000000001",
    "102290000000001",
    "100200300400500",
    "17841400000000001",
)
OUR_NUMBER, THEIR_NUMBER, USER_ID = "61255501000", "61491570006", "AU.13491208655302741918"
CONNECTIONS = {
    "whatsapp": {"phone_number_id": NUMBER_ID, "business_account_id": BUSINESS},
    "messenger": {"page_id": PAGE},
    "instagram": {"account_id": ACCOUNT},
}
_numbers = itertools.count(1)


def new_id() -> str:
    return f"wamid.{next(_numbers):06}="


def whatsapp(
    kind: str,
    content: dict[str, Any] | list[dict[str, Any]],
    *,
    name: str = "Sam Example",
    message_id: str = "",
    with_number: bool = True,
    user_id: str = USER_ID,
    **more: Any,
) -> dict[str, Any]:
    """One inbound message; `with_number` False: WhatsApp leaves the phone number out."""
    contact: dict[str, Any] = {"profile": {"name": name}, "user_id": user_id}
    message = {
        "id": message_id or new_id(),
        "from_user_id": user_id,
        "timestamp": str(int(datetime.now(UTC).timestamp())),
        "type": kind,
        kind: content,
        **more,
    }
    if with_number:
        contact["wa_id"] = message["from"] = THEIR_NUMBER
    return _whatsapp({"contacts": [contact], "messages": [message]})


def whatsapp_echo(
    kind: str, content: dict[str, Any], *, message_id: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """One message that staff sent from their phone."""
    message = {
        "id": message_id or new_id(),
        "from": OUR_NUMBER,
        "to": THEIR_NUMBER,
        "timestamp": str(int((at or datetime.now(UTC)).timestamp())),
        "type": kind,
        kind: content,
    }
    return _whatsapp({"message_echoes": [message]}, field="smb_message_echoes")


def _whatsapp(value: dict[str, Any], *, field: str = "messages") -> dict[str, Any]:
    metadata = {"display_phone_number": OUR_NUMBER, "phone_number_id": NUMBER_ID}
    change = {
        "field": field,
        "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": BUSINESS, "changes": [change]}],
    }


def messaging(channel: str, person: str, **event: Any) -> dict[str, Any]:
    """One event of a person on Messenger or Instagram."""
    account = {"messenger": PAGE, "instagram": ACCOUNT}[channel]
    now = int(datetime.now(UTC).timestamp() * 1000)
    item = {"sender": {"id": person}, "recipient": {"id": account}, "timestamp": now, **event}
    return {
        "object": {"messenger": "page", "instagram": "instagram"}[channel],
        "entry": [{"id": account, "time": now, "messaging": [item]}],
    }
