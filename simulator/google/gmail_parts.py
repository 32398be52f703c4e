"""Gmail's view of an RFC 822 message: snippet, payload tree, attachments.

Follows https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages.
"""

from __future__ import annotations

import base64
import email
import html
import secrets
from email.message import Message
from typing import Any


def encode(data: bytes) -> str:
    """base64url with padding, as Gmail writes it."""
    return base64.urlsafe_b64encode(data).decode()


def snippet(text: str) -> str:
    """The first words of the text, HTML-escaped."""
    return html.escape(" ".join(text.split())[:180])


def payload(raw: bytes, *, bodies: bool, wanted: list[str]) -> dict[str, Any]:
    """The part tree of `format=full` (bodies) or only the root's headers for `format=metadata`,
    of which `wanted` (header names) are shown, or all."""
    root = email.message_from_bytes(raw)
    if bodies:
        return _part(root, "")
    headers = [
        h for h in _headers(root) if not wanted or h["name"].lower() in {w.lower() for w in wanted}
    ]
    return {"partId": "", "mimeType": root.get_content_type(), "filename": "", "headers": headers}


def attachment(raw: bytes, attachment_id: str) -> bytes | None:
    """The bytes of the part that an attachmentId names, or None."""
    try:
        wanted = (
            base64.urlsafe_b64decode(attachment_id.removeprefix("ANGjdJ") + "==")
            .decode()
            .partition("|")[0]
        )
    except ValueError:
        return None
    return next(
        (
            _content(part)
            for part_id, part in _leaves(email.message_from_bytes(raw), "")
            if part_id == wanted
        ),
        None,
    )


def _part(part: Message, part_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": part.get_filename() or "",
        "headers": _headers(part),
        "body": {"size": 0},
    }
    children = _children(part)
    if children:
        shown["parts"] = [
            _part(child, f"{part_id}.{n}".lstrip(".")) for n, child in enumerate(children)
        ]
        return shown
    content = _content(part)
    shown["body"] = {"size": len(content)}
    if shown["filename"]:
        # An attachmentId differs from call to call; only the part id in it stays.
        token = (
            base64.urlsafe_b64encode(f"{part_id}|{secrets.token_hex(8)}".encode())
            .decode()
            .rstrip("=")
        )
        shown["body"]["attachmentId"] = f"ANGjdJ{token}"
    elif content:
        shown["body"]["data"] = encode(content)
    return shown


def _leaves(part: Message, part_id: str) -> list[tuple[str, Message]]:
    children = _children(part)
    if not children:
        return [(part_id, part)]
    return [
        leaf
        for n, child in enumerate(children)
        for leaf in _leaves(child, f"{part_id}.{n}".lstrip("."))
    ]


def _children(part: Message) -> list[Message]:
    content = part.get_payload()
    if part.get_content_type() == "message/delivery-status" or not isinstance(content, list):
        return []
    return [child for child in content if isinstance(child, Message)]


def _content(part: Message) -> bytes:
    if part.is_multipart():
        return b"\n".join(
            child.as_bytes() for child in part.get_payload() if isinstance(child, Message)
        )
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _headers(part: Message) -> list[dict[str, str]]:
    return [
        {"name": name, "value": str(value).replace("\r\n", "\n")} for name, value in part.items()
    ]
