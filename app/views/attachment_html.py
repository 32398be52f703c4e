"""Attachments of a message as HTML: thumbnails, players, links, or in words why there is none.

The bytes come from `GET /attachment` alone, which checks the session and writes the event. A claimed type is
the sender's word; what a browser is asked to show rests on the type that was found in the bytes.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from app.views import clock, escape, mail_html, shapes
from app.views.components import icon
from app.views.sight import Sight
from warehouse.media_types import UNKNOWN, media_types, pictures, plain_type

Row = dict[str, Any]

#: A larger picture is a link: fifty messages must not load a gigabyte.
LARGEST_PICTURE_BYTES = 12_000_000
ICONS = {
    "image": "image", "audio": "mic", "video": "movie", "text": "description", "application": "draft",
    "message": "mail",
}  # fmt: skip
#: What a file is called that came without a name.
NAMES = {
    "image": "Picture", "audio": "Sound", "video": "Film", "message/rfc822": "Attached mail",
    "message/delivery-status": "Delivery report", "text/rfc822-headers": "Header of the returned mail",
    "message/rfc822-headers": "Header of the returned mail", "text/calendar": "Invitation",
    "application/ics": "Invitation",
}  # fmt: skip
RECORDINGS = {"call": "Recording", "voicemail": "Voicemail"}
#: What each state but `stored` means to a reader; a reason follows where there is one.
STATES = {
    "waiting": ("hourglass_empty", "is being fetched", ""),
    "expired": ("timer_off", "is gone at the provider, it was not fetched in time", "bad"),
    "refused": ("block", "was refused", "bad"),
    "failed": ("error", "could not be fetched", "bad"),
    "unavailable": ("visibility_off", "cannot be had", "bad"),
}
#: What bytes say when they say nothing.
NO_TYPE = frozenset({"", UNKNOWN, "text/plain"})


def attachments(row: Row, sight: Sight) -> str:
    """Everything that came with a message, in the provider's order."""
    found = shapes.objects(row["attachments"])
    if row["kind"] == "story":
        # Its own line says that a story is not kept.
        found = [each for each in found if each.get("state") != "refused"]
    shown = mail_html.PLACE.findall(str(row["body"] or ""))
    found = [each for each in found if not (_content_id(each) in shown and _is_picture(row, each))]
    if not found:
        return ""
    return (
        f'<ul class="attachments">{"".join(_attachment(row, each, sight) for each in found)}</ul>'
    )


def placed(row: Row) -> mail_html.Pictures:
    """The pictures of a mail by their content id, for where its text has their place."""
    found = {
        _content_id(each): each
        for each in shapes.objects(row["attachments"])
        if _content_id(each) and _is_picture(row, each)
    }

    def drawn(content_id: str) -> str:
        attachment = found.get(content_id)
        if attachment is None:
            return ""
        name, address = _called(row, attachment), address_of(row["message_id"], attachment)
        return (
            f'<a class="placed" href="{address}" target="_blank" title="{name}">'
            f'<img src="{address}" alt="{name}" loading="lazy"></a>'
        )

    return drawn


def _content_id(attachment: Row) -> str:
    return shapes.words(attachment.get("content_id"))


def _is_picture(row: Row, attachment: Row) -> bool:
    return (
        shapes.words(attachment.get("state")) == "stored"
        and _shown_type(row, attachment) in pictures()
        and (shapes.count(attachment.get("size_bytes")) or 0) <= LARGEST_PICTURE_BYTES
    )


def _attachment(row: Row, attachment: Row, sight: Sight) -> str:
    name = _called(row, attachment)
    if shapes.words(attachment.get("state")) != "stored":
        return _file(attachment, name, "")
    if row["kind"] == "call" and row["connection_id"] not in sight.playable_connections:
        return _unplayable(attachment, name)
    address = address_of(row["message_id"], attachment)
    shown_type = _shown_type(row, attachment)
    size_bytes = shapes.count(attachment.get("size_bytes"))
    if shown_type in pictures() and (size_bytes or 0) <= LARGEST_PICTURE_BYTES:
        return _picture(attachment, name, address)
    if shown_type.startswith(("audio/", "video/")):
        return _player(attachment, name, address, shown_type.partition("/")[0])
    return _file(attachment, name, address)


def _shown_type(row: Row, attachment: Row) -> str:
    """As what a browser is asked to show it; empty for a link."""
    if attachment.get("shows_inline") is True:
        return _plain_type(attachment.get("sniffed_type"))
    claimed = _plain_type(attachment.get("content_type"))
    # A part of a mail is looked into when it is opened: the route hands out no picture that is none.
    return claimed if row["kind"] == "email" and claimed in pictures() else ""


def address_of(message_id: str, attachment: Row) -> str:
    """Where the bytes are, as an attribute's value."""
    query = urlencode(
        {"message": message_id, "attachment": shapes.words(attachment.get("attachment_id"))},
        errors="replace",
    )
    return f"/attachment?{query}".replace("&", "&amp;")


def _plain_type(value: object) -> str:
    """`audio/ogg; codecs=opus` -> `audio/ogg`; empty where there is none."""
    return plain_type(shapes.words(value))


def _called(row: Row, attachment: Row) -> str:
    """Its name, escaped; what it is where it came without one."""
    given = attachment.get("filename")
    if given:
        return escape.line(given)
    plain_type = _plain_type(attachment.get("content_type"))
    main_type = plain_type.partition("/")[0]
    if row["kind"] in RECORDINGS and main_type == "audio":
        return RECORDINGS[row["kind"]]
    if shapes.metadata(row).get("voice_note") is True:
        return "Voice message"
    return NAMES.get(plain_type) or NAMES.get(main_type, "File without a name")


def _picture(attachment: Row, name: str, address: str) -> str:
    return (
        f'<li class="picture"><a href="{address}" target="_blank" title="{name}">'
        f'<img src="{address}" alt="{name}" loading="lazy"{_measures(attachment)}></a>{_differs(attachment)}</li>'
    )


def _measures(attachment: Row) -> str:
    """The size in pixels, where it is known, so that the place is kept before the picture is there."""
    width, height = (shapes.count(attachment.get(key)) for key in ("width", "height"))
    return f' width="{width}" height="{height}"' if width and height else ""


def _player(attachment: Row, name: str, address: str, tag: str) -> str:
    speed = '<button type="button" class="speed" title="Speed" aria-label="Speed 1×">1×</button>'
    return (
        f'<li class="player {tag}">{_link(ICONS[tag], name, address)}{_facts(attachment)}'
        f'<{tag} controls preload="none" src="{address}" aria-label="{name}"></{tag}>{speed}</li>'
    )


def _file(attachment: Row, name: str, address: str) -> str:
    glyph = ICONS.get(_plain_type(attachment.get("content_type")).partition("/")[0], "draft")
    shown = _link(glyph, name, address) if address else _name(glyph, name)
    return f"<li>{shown}{_facts(attachment)}{_state(attachment)}{mail_html.inside(attachment)}</li>"


def _unplayable(attachment: Row, name: str) -> str:
    """A recorded call of a connection that does not say how callers learn of it."""
    return (
        f"<li>{_name('mic_off', name)}{_facts(attachment)}"
        '<span class="state">is kept and cannot be played: its connection does not say how callers learn '
        "that calls are recorded (recording_basis)</span></li>"
    )


def _name(glyph: str, name: str) -> str:
    return f'<span class="file">{icon(glyph)} <bdi>{name}</bdi></span>'


def _link(glyph: str, name: str, address: str) -> str:
    return (
        f'<a class="file" href="{address}&amp;download=1" target="_blank" title="Download">'
        f"{icon(glyph)} <bdi>{name}</bdi></a>"
    )


def _facts(attachment: Row) -> str:
    claimed, sniffed = (
        shapes.words(attachment.get(key)) for key in ("content_type", "sniffed_type")
    )
    # `image/*` is what a provider says that knows no more, and the name says that already.
    shown = sniffed if not claimed or claimed.endswith("/*") else claimed
    facts = [escape.line(shown)] if shown else []
    # A sender's own claim in some channels, so it may be anything.
    size_bytes = shapes.count(attachment.get("size_bytes"))
    if size_bytes is not None:
        facts.append(size(size_bytes))
    seconds = shapes.count(attachment.get("duration_seconds"))
    if seconds:
        facts.append(clock.lasting(seconds))
    return f'<span class="facts">{" · ".join(facts)}</span>{_differs(attachment)}'


def _differs(attachment: Row) -> str:
    """What the bytes are, where the sender calls them something else."""
    sniffed, claimed = (
        _plain_type(attachment.get(key)) for key in ("sniffed_type", "content_type")
    )
    if sniffed in NO_TYPE or not claimed or sniffed == claimed or _is_inside(claimed, sniffed):
        return ""
    return f'<span class="state bad">is really {escape.line(sniffed)}</span>'


def _is_inside(claimed: str, sniffed: str) -> bool:
    """Whether the claimed type is written in the container that was found: a document in a zip or in an
    OLE storage, a sound in a film's container, anything that is XML."""
    if claimed.endswith("/*"):
        return sniffed.startswith(claimed[:-1])
    known = media_types().get(sniffed)
    if known and known.holds:
        return bool(re.search(known.holds, claimed))
    return sniffed.endswith("xml") and "xml" in claimed


def _state(attachment: Row) -> str:
    state = shapes.words(attachment.get("state"))
    reason = shapes.words(attachment.get("reason"))
    if not state or state == "stored":
        return f'<span class="state">{escape.line(reason)}</span>' if reason else ""
    glyph, said, kind = STATES.get(state, ("help", state.replace("_", " "), ""))
    tail = f": {escape.line(reason)}" if reason else ""
    return f'<span class="state {kind}">{icon(glyph)} {escape.line(said)}{tail}</span>'


def size(count: int) -> str:
    """`812 B`, `14 kB`, `3.2 MB`"""
    if count < 1_000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"
