"""What mail systems report about a mail that was sent: delivered, late, or not delivered, to whom and why.

    RFC 3464: message/delivery-status    Exim, Gmail: X-Failed-Recipients    qmail, Notes, sendmail, Exchange: words

Which mail is meant is told by the Message-ID of the copy that comes back, where one does.
"""

from __future__ import annotations

import re
from typing import Any

from mail.addresses import clean_address, split_addresses
from mail.charsets import decode_text
from mail.headers import REFERENCE, decode_words, raw_values, text_value
from mail.mime import Entity, read
from mail.parts import Part

RECIPIENTS_LIMIT = 200
REASON_LIMIT = 500
LINES_LIMIT = 400
FIELD = re.compile(r"^([A-Za-z-]{1,60})[ \t]*:[ \t]*(.*)$")
#: Who speaks for a mail system.
SYSTEM = re.compile(
    r"^(mailer-?daemon|postmaster|mail-?delivery(-?(system|subsystem))?|microsoftexchange[0-9a-f]+|bounces?|mmdf)\b",
    re.IGNORECASE,
)
#: Subjects of failure reports in the words of mail systems.
FAILED = re.compile(
    r"undeliver|not deliver|non-?deliver|delivery (has )?fail|failure notice|delivery failure|returned mail|"
    r"mail delivery failed|delivery status notification \(failure\)|could not be delivered|returned to sender|"
    r"mail system error|unzustellbar|nicht zugestellt|non remis|échec de (la )?(remise|distribution)|"
    r"no se puede entregar|no entregad|mancato recapito|recapito non|onbestelbaar|não entregue|não é possível entregar|"
    r"不达|退信|配信不能|送信エラー|недоставлен|не доставлен|niedostarcz|olevererbart|ikke leveret|kunne ikke",
    re.IGNORECASE,
)
DELAYED = re.compile(r"delay|warning: could not send|\(verzögert\)|will be retried", re.IGNORECASE)
#: Words above or below which the failed addresses stand, in reports that have no machine-readable part.
QMAIL = re.compile(
    r"this is the qmail-send program|i'm afraid i wasn't able to deliver", re.IGNORECASE
)
RECIPIENT_LINE = re.compile(
    r"^[ \t>]{0,12}<?\"?([^\s<>@\"(]{1,200}@[^\s<>@:;,\"()]{1,250})>?\"?[ \t]*([:;,(.\-].*)?$"
)
ORIGINAL = re.compile(
    r"^[ \t>-]*(original message|below this line|--- ?this is a copy|------ this is a copy|returned message|copy of|"
    r"original-?nachricht|----- (original|transcript)|received:|return-path:|message-id:)",
    re.IGNORECASE,
)
MESSAGE_ID = re.compile(
    r"^[ \t>]*(?:original-)?message-id[ \t]*:[ \t]*(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE
)


def report(
    message: Entity, parts: list[Part], envelope: dict[str, Any], text: str
) -> dict[str, Any] | None:
    """`{is_failure, recipients: [{address, action, status, reason}], message_id}`; None where this reports nothing."""
    told = next((part for part in parts if part.content_type == "message/delivery-status"), None)
    named = [
        address
        for value in raw_values(message, "X-Failed-Recipients")
        for _, address in split_addresses(value)
    ]
    if told is not None:
        recipients = _told(told.message.decoded()[:200_000])
        if not recipients:
            recipients = _written(text)
    elif message.parameters.get("report-type", "").lower() == "delivery-status":
        recipients = _written(text)
    elif named:
        recipients = [
            _recipient(address, "failed", None, _reason_beside(text, address)) for address in named
        ]
    elif _is_failure_notice(message, envelope, text):
        recipients = _written(text)
    else:
        return None
    actions = {one["action"] for one in recipients}
    subject = envelope.get("subject") or ""
    is_failure = "failed" in actions or not actions
    if not recipients and DELAYED.search(subject):
        is_failure = False
    return {
        "is_failure": is_failure,
        "recipients": recipients[:RECIPIENTS_LIMIT],
        "message_id": _returned_id(parts, envelope, text),
    }


def _is_failure_notice(message: Entity, envelope: dict[str, Any], text: str) -> bool:
    if any(raw_values(message, "X-MS-Exchange-Message-Is-Ndr")):
        return True
    sender = (envelope.get("from") or {}).get("address") or ""
    # Some systems write a name for an address: `From: MAILER-DAEMON (Mail Delivery System)`.
    from_system = bool(
        SYSTEM.match(sender) or (not sender and SYSTEM.match(text_value(message, "From") or ""))
    )
    subject = envelope.get("subject") or ""
    if DELAYED.search(subject):
        return False
    if from_system and (FAILED.search(subject) or QMAIL.search(text[:2000])):
        return True
    is_null = envelope.get("return_path") == "<>"
    if from_system and is_null:
        return envelope.get("is_auto_reply") is not True or bool(FAILED.search(subject))
    return is_null and bool(FAILED.search(subject))


def _told(content: bytes) -> list[dict[str, Any]]:
    """The recipients of a delivery-status part: blocks of fields, the first about the mail itself."""
    found = []
    text = decode_text(content, None).replace("\r\n", "\n")
    for block in re.split(r"\n[ \t]*\n", text)[: RECIPIENTS_LIMIT + 1]:
        fields: dict[str, str] = {}
        for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
            match = FIELD.match(line)
            if match:
                fields.setdefault(match[1].lower(), decode_words(match[2].strip()))
        typed = fields.get("original-recipient") or fields.get("final-recipient")
        final = fields.get("final-recipient") or typed
        address = _typed_address(final) or _typed_address(typed)
        if not address:
            continue
        action = fields.get("action", "failed").split()[0:1]
        reason = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get(
            "diagnostic-code"
        )
        found.append(
            _recipient(
                address, (action[0].lower() if action else "failed"), fields.get("status"), reason
            )
            | (
                {"original": original}
                if (original := _typed_address(fields.get("original-recipient")))
                and original != address
                else {}
            )
        )
    return found


def _typed_address(value: str | None) -> str | None:
    """`rfc822; bob@example.com`, with or without its type."""
    return clean_address((value or "").rpartition(";")[2])


def _recipient(address: str, action: str, status: str | None, reason: str | None) -> dict[str, Any]:
    return {
        "address": address.lower(),
        "action": action,
        "status": (status or "").split(" ")[0][:20] or None,
        "reason": " ".join((reason or "").split())[:REASON_LIMIT] or None,
    }


def _written(text: str) -> list[dict[str, Any]]:
    """The addresses that a report in words puts at the beginning of a line, each with what it says of them."""
    found: dict[str, dict[str, Any]] = {}
    lines = text.split("\n")[:LINES_LIMIT]
    for index, line in enumerate(lines):
        if ORIGINAL.match(line[:200]):
            break
        match = RECIPIENT_LINE.match(line[:600])
        if match is None or (address := clean_address(match[1])) is None:
            continue
        said = (match[2] or "").strip(" \t:;,.-")
        if not said:
            said = " ".join(_following(lines, index + 1))
        found.setdefault(address.lower(), _recipient(address, "failed", None, said))
    return list(found.values())


def _following(lines: list[str], start: int) -> list[str]:
    said: list[str] = []
    for line in lines[start : start + 4]:
        if not line.strip() or RECIPIENT_LINE.match(line[:600]) or ORIGINAL.match(line[:200]):
            break
        said.append(line.strip())
    return said


def _reason_beside(text: str, address: str) -> str | None:
    return next(
        (one["reason"] for one in _written(text) if one["address"] == address.lower()), None
    )


def _returned_id(parts: list[Part], envelope: dict[str, Any], text: str) -> str | None:
    """The Message-ID of the mail that is reported about."""
    for part in parts:
        if part.content_type in (
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global",
        ):
            found = text_value(read(part.message.decoded()[:1_000_000], []), "Message-ID")
            if found:
                return found
    match = MESSAGE_ID.search(text[:200_000])
    if match:
        return match[1]
    said: str | None = envelope.get("in_reply_to")
    if said and REFERENCE.fullmatch(said):
        return said
    references: list[str] = envelope.get("references") or []
    return references[-1] if references else None
