"""Events that are no messages, by name, with plausible content: what POST /simulator/events sends.

Each entry is (field, holder, what); in the item SENDER, RECIPIENT and so on stand for the person and
the account.
"""

from __future__ import annotations

from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.meta.messaging_events import MessagingEvents
from simulator.meta.whatsapp_events import UNKNOWN, WhatsappEvents, contact_of
from simulator.store.chats import Contact
from simulator.store.scribe import sid

Named = tuple[str, str, dict[str, Any]]
OTHER = "AU.79990000000000000000"
# What stands beside sender, recipient and timestamp; the field one subscribes to.
MESSAGING: dict[str, tuple[str, dict[str, Any]]] = {
    "pass_thread_control": (
        "messaging_handovers",
        {
            "previous_owner_app_id": "26390203743090",
            "new_owner_app_id": "123456789",
            "metadata": "",
        },
    ),
    "take_thread_control": (
        "messaging_handovers",
        {"previous_owner_app_id": "123456789", "new_owner_app_id": 26390203743090, "metadata": ""},
    ),
    "request_thread_control": (
        "messaging_handovers",
        {"requested_owner_app_id": "123456789", "metadata": "please"},
    ),
    "referral": (
        "messaging_referrals",
        {"ref": "window-poster", "source": "SHORTLINK", "type": "OPEN_THREAD"},
    ),
    "optin": (
        "messaging_optins",
        {
            "type": "notification_messages",
            "payload": "NEWS",
            "notification_messages_token": "example-token",
            "title": "Saltbush news",
        },
    ),
    "account_linking": ("messaging_account_linking", {"status": "unlinked"}),
    "policy_enforcement": (
        "messaging_policy_enforcement",
        {"action": "warning", "reason": "example"},
    ),
    "app_roles": ("messaging_handovers", {"123456789": ["primary_receiver"]}),
    "response_feedback": ("response_feedback", {"feedback": "Good response"}),
    "order": (
        "send_cart",
        {
            "products": [
                {
                    "id": 123,
                    "retailer_id": "SB-0042",
                    "name": "Brass bell",
                    "unit_price": 24.5,
                    "currency": "AUD",
                    "quantity": 1,
                }
            ],
            "note": "loud please",
        },
    ),
}
# Instagram has other field names for some.
INSTAGRAM_FIELDS = {
    "messaging_handovers": "messaging_handover",
    "messaging_referrals": "messaging_referral",
}
WITHOUT_SENDER = ("policy_enforcement", "app_roles")
COMMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    MESSENGER: ("feed", {"item": "comment", "verb": "add", "message": "Nice window!"}),
    INSTAGRAM: ("comments", {"id": "17900000000000009", "text": "nice!"}),
}
# field -> value of WhatsApp's administrative changes.
ADMINISTRATION: dict[str, dict[str, Any]] = {
    "account_update": {"event": "VERIFIED_ACCOUNT"},
    "account_alerts": {"alert_severity": "INFORMATIONAL", "alert_status": "NONE"},
    "phone_number_quality_update": {"event": "UPGRADE", "current_limit": "TIER_10K"},
    "message_template_status_update": {"event": "APPROVED", "message_template_name": "service_due"},
    "business_capability_update": {"max_daily_conversation_per_phone": 1000},
    "security": {"event": "PIN_CHANGED"},
}
SYSTEM = ("user_changed_number", "user_changed_user_id", "customer_identity_changed")
WHATSAPP_NAMES = (
    *SYSTEM,
    "user_preferences",
    "error",
    "request_welcome",
    "unsupported_edit",
    "unavailable",
    "unknown_type",
    "contact_add",
    "contact_remove",
    "history_declined",
    *ADMINISTRATION,
)


def names(channel: str) -> list[str]:
    """What can be asked for on a channel."""
    if channel == WHATSAPP:
        return list(WHATSAPP_NAMES)
    return [*MESSAGING, "comment"]


def messaging(
    events: MessagingEvents, channel: str, name: str, contact: Contact, at_ms: int, more: Any
) -> Named:
    """An event of Messenger or Instagram; `more` is put over the usual content."""
    if name == "comment":
        field, value = COMMENTS[channel]
        return field, "changes", {**value, **more}
    field, content = MESSAGING[name]
    if channel == INSTAGRAM:
        field = INSTAGRAM_FIELDS.get(field, field)
    item: dict[str, Any] = {
        "sender": {"id": contact.address},
        "recipient": {"id": events.account(channel)},
        "timestamp": at_ms,
        name: {**content, **more},
    }
    if name in WITHOUT_SENDER:
        del item["sender"]
    return field, "messaging", item


def whatsapp(
    events: WhatsappEvents, name: str, contact: Contact, key: str, at_ms: int, more: Any
) -> Named:
    """A change of WhatsApp; `more` is put over the usual content."""
    at = str(at_ms // 1000)
    if name in ADMINISTRATION:
        return name, "changes", {**ADMINISTRATION[name], **more}
    if name == "user_preferences":
        told = {
            "wa_id": contact.address,
            "user_id": contact.bsuid,
            "detail": "User requested to stop marketing messages",
            "category": "marketing_messages",
            "value": "stop",
            "timestamp": at_ms // 1000,
            **more,
        }
        value = events.value(contacts=[contact_of(contact)], user_preferences=[told])
        return name, "changes", value
    if name == "error":
        error = {"code": 131000, "title": "Something went wrong", "message": "Something went wrong"}
        return "messages", "changes", events.value(errors=[{**error, **more}])
    if name == "history_declined":
        text = "History sync is turned off by the business from the WhatsApp Business App"
        error = {"code": 2593109, "title": text, "message": text}
        return "history", "changes", events.value(history=[{"errors": [error]}])
    if name in ("contact_add", "contact_remove"):
        entry = {"phone_number": contact.address}
        if name == "contact_add":
            entry = {"full_name": contact.name, "first_name": contact.name.split()[0], **entry}
        told = {
            "type": "contact",
            "contact": {**entry, **more},
            "action": name.removeprefix("contact_"),
            "metadata": {"timestamp": at},
        }
        return "smb_app_state_sync", "changes", events.value(state_sync=[told])
    message = {"from": contact.address, "id": f"wamid.{sid('', key)}", "timestamp": at}
    value = events.value(messages=[message | _message(name, contact, at) | more])
    if name not in SYSTEM[:2]:
        value["contacts"] = [contact_of(contact)]
    if name == "user_changed_user_id":  # nobody's number is known here
        del value["messages"][0]["from"]
    return "messages", "changes", value


def _message(name: str, contact: Contact, at: str) -> dict[str, Any]:
    """The part of a message that makes it such an event."""
    if name == "user_changed_number":
        new = f"{contact.address[:-3]}158"
        system = {
            "body": f"User {contact.name} changed from {contact.address} to {new}",
            "wa_id": new,
            "user_id": OTHER,
            "previous_user_id": contact.bsuid,
            "type": name,
        }
        return {"type": "system", "system": system}
    if name == "user_changed_user_id":
        body = f"User changed from {contact.bsuid} to {OTHER}"
        system = {"body": body, "user_id": OTHER, "previous_user_id": contact.bsuid, "type": name}
        return {"type": "system", "system": system}
    if name == "customer_identity_changed":
        identity = {"acknowledged": True, "created_timestamp": at, "hash": "examplehash"}
        system = {"body": "User identity changed", "type": name}
        return {"type": "system", "identity": identity, "system": system}
    if name == "unsupported_edit":
        return {"type": "unsupported", "unsupported": {"type": "edit"}, "errors": [UNKNOWN]}
    if name == "unavailable":
        text = "This message is currently unavailable."
        error = {"code": 131060, "title": text, "message": text, "error_data": {"details": text}}
        return {"type": "unsupported", "errors": [error]}
    if name == "request_welcome":
        return {"type": "request_welcome"}
    return {"type": "hologram", "hologram": {"beam": "x"}}
