"""What a page can be told about, and the tickets that prove what a session has open.

A ticket is given out by a page that was drawn under the rights of its viewer, is bound to their session and role, and
is checked by the stream (app/live/stream.py) without asking anybody: nobody can make one for what they did not open.
"""

from __future__ import annotations

import hashlib
import hmac

from app import database
from app.access.roles import Permission, UserRole

#: Who wrote and is nobody's yet.
QUEUE = "queue"
#: The list of customers by latest contact, and what is found in it.
CUSTOMERS = "customers"
#: The lists of work: who waits for us, who has what.
WORK = "work"
#: How the connections stand.
CONNECTIONS = "connections"
#: Events that no model understood.
QUARANTINE = "quarantine"
#: What is expected of the data, and what breaks it.
QUALITY = "quality"
#: Requests of people, incidents, what the worker does for privacy officers.
PRIVACY = "privacy"
#: What comes with every fold may concern all of these.
LISTS = frozenset({QUEUE, CUSTOMERS, WORK, CONNECTIONS, QUARANTINE})

#: Half of SHA-256: nobody guesses it, and it is looked at once per stream.
MAC_CHARACTERS = 32


def timeline(customer_id: str) -> str:
    """The timeline of one customer."""
    return f"timeline {customer_id}"


def about(customer_id: str) -> str:
    """What is decided about one customer and their conversations, beside the timeline."""
    return f"about {customer_id}"


def may_wait(topic: str) -> bool:
    """Whether what a new message changes of it may be seen somewhat later: lists, and what stands beside a timeline."""
    return topic in LISTS or topic.startswith("about ")


def needed(topic: str) -> Permission:
    """What a person must be allowed, to be told about it."""
    if topic == QUALITY:
        return Permission.READ_DATA_QUALITY
    if topic == PRIVACY:
        return Permission.HANDLE_PRIVACY
    return Permission.MANAGE_CONNECTIONS if topic in (CONNECTIONS, QUARANTINE) else Permission.READ


def ticket(session_id: str, role: UserRole, topic: str) -> str:
    """The proof that this session has the topic open, on a page that was drawn for this role."""
    return f"{_mac(session_id, role, topic)}{topic}"


def topic_of(ticket: str, session_id: str) -> tuple[UserRole, str] | None:
    """The role and the topic that a ticket is for; None where it is forged, or another session's."""
    given, topic = ticket[:MAC_CHARACTERS].encode(), ticket[MAC_CHARACTERS:]
    for role in UserRole:
        if hmac.compare_digest(given, _mac(session_id, role, topic).encode()):
            return role, topic
    return None


def _mac(session_id: str, role: UserRole, topic: str) -> str:
    said = f"{session_id}\0{role.value}\0{topic}".encode("utf-8", "surrogatepass")
    made = hmac.new(database.settings().derive("news ticket"), said, hashlib.sha256)
    return made.hexdigest()[:MAC_CHARACTERS]
