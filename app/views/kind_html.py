"""What one kind of message has beside its text, or instead of it: a place, a card, a story, an ad, labels."""

from __future__ import annotations

import re
from typing import Any

from app.views import escape, mail_html, shapes
from app.views.components import chip, icon, note
from warehouse.channels import registry

Row = dict[str, Any]

#: Where there is no text of its own, the kind says what this is.
KINDS = {
    "media": "Media", "location": "Location", "contacts": "Contacts", "interactive": "Answer to a menu",
    "story": "Story", "system": "System notice",
}  # fmt: skip
#: Providers' names of what they do not pass on, in our words; others are shown as they are.
UNSUPPORTED = {
    "poll_creation": "poll", "poll_update": "answer to a poll", "gif": "animation", "hsm": "template",
    "group_invite": "invitation to a group", "media_placeholder": "media", "keep_in_chat": "kept message",
    "link_preview": "link preview",
}  # fmt: skip
#: What Meta's services say of a message that exists and is not given out (131060: not at present, and never later).
NOT_AVAILABLE = frozenset({"131060", "not shown any more"})
#: Words that name no kind.
NO_KIND = frozenset({"", "unknown", "not passed on", "unsupported", "errors", "fallback"})
DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")


def channel_name(row: Row) -> str:
    known = registry().get(row["channel"])
    return known.name if known else str(row["channel"])


def in_words(row: Row) -> str:
    """What a message without text is, in a word, for a list. Ours, so it needs no escape."""
    if row["kind"] == "call":
        return "Missed call" if row["status"] == "missed" else "Call"
    if row["kind"] == "voicemail":
        return "Voicemail"
    if row.get("removal") == "unsent":
        return "Unsent"
    if row["attachments"]:
        return "Attachment"
    return KINDS.get(row["kind"], "Not passed on" if row["kind"] == "unsupported" else "No text")


def chips(row: Row) -> str:
    """Labels: how it was carried, and what kind of mail it is."""
    told = shapes.metadata(row)
    found = []
    transport = shapes.words(told.get("transport"))
    if transport:
        found.append(chip("lan", _carried(row, transport)))
    if told.get("frequently_forwarded") in (True, "true"):
        found.append(chip("forward", "forwarded many times"))
    elif told.get("forwarded") in (True, "true"):
        found.append(chip("forward", "forwarded"))
    if told.get("is_bounce") is True:
        found.append(
            chip(
                "report",
                "bounced",
                title="A mail system says that a mail did not arrive",
                kind="bad",
            )
        )
    found += mail_html.chips(row, told)
    if told.get("is_bulk") is True:
        found.append(chip("campaign", "mailing list", title=shapes.words(told.get("list_id"))))
    if told.get("trashed") is True:
        found.append(chip("delete", "in the bin there"))
    if told.get("standby") is True:
        found.append(chip("swap_horiz", "handled by another program"))
    if shapes.words(told.get("opt_out_type")).upper() == "STOP":
        found.append(chip("notifications_off", "opted out"))
    return "".join(found)


def _carried(row: Row, transport: str) -> str:
    """Another service that an account carries: `WhatsApp through Twilio`, `RCS`."""
    service, through = registry().get(transport), registry().get(row["channel"])
    if service is None or through is None:
        return transport.upper()
    return f"{service.name} through {through.provider.title()}"


def before_body(row: Row) -> str:
    """What stands above the text."""
    told = shapes.metadata(row)
    return "".join([
        mail_html.before_body(row, told), _referral(told), _story(row, told), _shared(told), _place(row, told),
        _label(row, told), _missing(row, told),
    ])  # fmt: skip


def instead_of_body(row: Row) -> str:
    """What to say where there is no text."""
    if row["kind"] == "unsupported":
        return _unsupported(row)
    if row["kind"] in KINDS and not (row["attachments"] or row["kind"] in ("location", "story")):
        return note("info", KINDS[row["kind"]])
    if row["kind"] in ("text", "email") and not row["attachments"] and not row["subject"]:
        return note("subject", "No text")
    return ""


def _label(row: Row, told: Row) -> str:
    """The kind, where the text alone would be taken for something that somebody wrote."""
    if not str(row["body"] or "").strip():
        return ""
    if row["kind"] == "contacts":
        return note("contact_page", KINDS["contacts"])
    if row["kind"] != "interactive":
        return ""
    if told.get("order"):
        return note("shopping_cart", "Order")
    ours = row["direction"] == "outbound"
    return note("touch_app", "Message with buttons" if ours else KINDS["interactive"])


def _missing(row: Row, told: Row) -> str:
    missing = shapes.words(told.get("missing"))
    is_here = not missing or row["attachments"]
    return "" if is_here else note("hourglass_empty", f"Missing: {missing}")


def _shared(told: Row) -> str:
    """Posts and reels that somebody passed on: their titles; what they show is an attachment."""
    names = {"reel": "a reel", "ig_reel": "a reel"}
    said = []
    for shared in shapes.objects(told.get("shared")):
        title = shapes.words(shared.get("title"))[:300]
        name = names.get(shapes.words(shared.get("type")), "a post")
        said.append(note("share", f"Shared {name}: {title}" if title else f"Shared {name}"))
    product = shapes.words(told.get("referred_product_id"))
    return "".join(said) + (note("sell", f"About the product {product}") if product else "")


def _referral(told: Row) -> str:
    """The ad, post or link that a person came from."""
    referral = shapes.mapping(told.get("referral"))
    product, title, body, ref, source = (
        shapes.words(referral.get(key)) for key in ("product_id", "title", "body", "ref", "source")
    )
    address = shapes.words(told.get("referral_source_url"))
    if not referral and not address:
        return ""
    if product:
        return note("ads_click", f"Asks about a product: {product}")
    kinds = {"ad": "Came from an ad", "ads": "Came from an ad", "post": "Came from a post"}
    is_ad = bool(shapes.words(referral.get("ad_id")))
    came_from = kinds.get(source.lower(), "Came from an ad" if is_ad else "Came from a link")
    called = (title or body or ref or address)[:300]
    return note("ads_click", f"{came_from}: {called}" if called else came_from)


def _story(row: Row, told: Row) -> str:
    story = shapes.mapping(told.get("story"))
    if row["kind"] != "story" and not story:
        return ""
    ours = row["direction"] == "outbound"
    said = {
        ("mention", False): "Mentioned us in a story", ("mention", True): "We mentioned them in a story",
        ("reply", False): "Reply to our story", ("reply", True): "Our reply to their story",
        ("share", False): "Shared a story", ("share", True): "We shared a story",
    }.get((shapes.words(story.get("kind")), ours), "A story")  # fmt: skip
    return note(
        "auto_stories",
        f"{said}. The story itself is not kept: {channel_name(row)} does not allow it",
    )


def _place(row: Row, told: Row) -> str:
    """Coordinates as text and a link: a map in place would come from elsewhere, and tell it whom we look at."""
    place = shapes.mapping(told.get("location"))
    if row["kind"] != "location" and not place:
        return ""
    # Twilio's WhatsApp tells it beside the message.
    place = place or {**told, "name": told.get("label")}
    latitude, longitude = (_degrees(place.get(key)) for key in ("latitude", "longitude"))
    where = f"{latitude}, {longitude}" if latitude and longitude else "without coordinates"
    name = ", ".join(filter(None, (shapes.words(place.get(key)) for key in ("name", "address"))))
    # Where there is a body, it says the name and the address.
    called = f" · {name}" if name and not str(row["body"] or "").strip() else ""
    if not (latitude and longitude):
        return note("location_on", f"Location: {where}{called}")
    # Nothing is asked of the map until somebody follows the link, and then it is not told from where.
    map_of = f"https://www.openstreetmap.org/?mlat={latitude}&amp;mlon={longitude}#map=16/{latitude}/{longitude}"
    return (
        f'<p class="note">{icon("location_on")} <span>{escape.line(f"Location: {where}{called}")} '
        f'<a class="map" href="{map_of}" target="_blank" rel="noopener noreferrer">Open the map</a></span></p>'
    )


def _degrees(value: object) -> str:
    text = shapes.words(value)
    return text if DEGREES.fullmatch(text) else ""


def _unsupported(row: Row) -> str:
    told, name = shapes.metadata(row), channel_name(row)
    word = shapes.words(told.get("unsupported"))
    if word in NOT_AVAILABLE or shapes.words(told.get("error_code")) in NOT_AVAILABLE:
        return note("visibility_off", f"This message exists, but {name} does not give its content")
    if row["direction"] == "outbound" and not word:
        return note(
            "visibility_off",
            f"Sent by another program: {name} tells us its status and not its content",
        )
    what = "" if word.lower() in NO_KIND else UNSUPPORTED.get(word, word.replace("_", " "))[:80]
    return note(
        "block", f"A message of a kind that {name} does not pass on{f' ({what})' if what else ''}"
    )
