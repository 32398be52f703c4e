"""What else is said on WhatsApp, Instagram and Messenger than plain sentences."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from simulator.channels import CHATS, INSTAGRAM, MESSENGER, WHATSAPP
from simulator.store import files
from simulator.store.chats import UNSEND, Contact
from simulator.world import catalogue
from simulator.world.people import Person
from simulator.world.turns import After, Turn, chat_turn

# kind -> (weight, channels)
KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "voice_note": (4, CHATS),
    "sticker": (3, (WHATSAPP, MESSENGER)),
    "location": (3, (WHATSAPP,)),
    "contacts": (2, (WHATSAPP,)),
    "wrong_chat": (3, (WHATSAPP, INSTAGRAM)),
    "story_mention": (3, (INSTAGRAM,)),
    "story_reply": (4, (INSTAGRAM,)),
    "share": (3, (INSTAGRAM, MESSENGER)),
    "advertisement": (3, CHATS),
    "postback": (3, (INSTAGRAM, MESSENGER)),
    "unsupported": (3, CHATS),
    "order": (1, (WHATSAPP,)),
    "buttons": (2, (WHATSAPP,)),
    "forwarded": (2, (WHATSAPP,)),
    "video": (2, CHATS),
}
PLACES = (
    (-33.9103, 151.1553, "Steel Park", "Illawarra Road, Marrickville NSW"),
    (-33.9215, 151.1347, "Gough Whitlam Park", "Bayview Avenue, Earlwood NSW"),
    (-33.8688, 151.1995, "Pyrmont Bridge", "Darling Harbour NSW"),
    (-33.5847, 150.3110, "Narrow Neck lookout", "Glenraphael Drive, Katoomba NSW"),
)
CARDS = (
    ("Wirra Wheel Building", "+61255509113", "bench@wirra.example.net"),
    ("Uncle Stavros (frame painter)", "+61355509042", "stavros@example.org"),
    ("Cooks River Bike Bus", "+61255509277", "bikebus@example.org"),
)
STORY_REPLIES = (
    "love this 😍",
    "is that the {colour} one?? do you have it in {size}",
    "omg that is MY {bike} in the window 😂",
    "What time are you open tomorrow?",
    "where is this? {trail}?",
)
FORWARDED = (
    "FWD: Road works on the Cooks River path until {date}, detour over the footbridge.",
    "FWD: Free bike check at {suburb} library on {day} from {time}, tell your neighbours!",
)


def odd(
    rng: random.Random, people: list[Person], at: datetime, allowed: Collection[str]
) -> Turn | None:
    """One stray chat message on one of the allowed channels; None if nobody is there."""
    channels = [c for c in CHATS if c in allowed and any(p.contact(c) for p in people)]
    if not channels:
        return None
    channel = rng.choice(channels)
    kinds = [k for k, (_, on) in KINDS.items() if channel in on]
    kind = rng.choices(kinds, weights=[KINDS[k][0] for k in kinds])[0]
    person = rng.choice([p for p in people if p.contact(channel)])
    contact = person.contact(channel)
    assert contact
    return _turn(rng, channel, kind, person, contact, catalogue.slots(rng, person, at))


def _turn(
    rng: random.Random,
    channel: str,
    kind: str,
    person: Person,
    contact: Contact,
    words: dict[str, str],
) -> Turn:
    key = f"{person.key}{rng.random()}"
    turn = chat_turn(channel, contact, "", inbound=True, kind=kind)
    if kind == "voice_note":
        turn.kind, turn.files = "audio", [files.voice_note(key, rng.randint(4, 25))]
        turn.extra = {"voice": True}
    elif kind == "video":
        turn.files, turn.text = [files.film(key)], "the noise, listen to the left pedal"
        turn.kind = "video"
    elif kind == "sticker":
        turn.files, turn.extra = [files.sticker(key)], {"sticker_id": 369239263222822}
    elif kind == "location":
        latitude, longitude, name, address = rng.choice(PLACES)
        turn.extra = {
            "latitude": latitude,
            "longitude": longitude,
            "name": name,
            "address": address,
        }
    elif kind == "contacts":
        name, phone, email = rng.choice(CARDS)
        turn.extra = {"cards": [{"name": name, "phone": phone, "email": email}]}
    elif kind == "wrong_chat":
        turn.kind = "text"
        turn.text = rng.choice(
            ("can you get milk", "Mum he is asleep FINALLY", "running late start without me x")
        )
        turn.after = [After(UNSEND, rng.uniform(5, 90), False)]
    elif kind == "story_reply":
        turn.text = rng.choice(STORY_REPLIES).format_map(words)
        turn.extra = {"story_id": f"179{rng.randint(10**13, 10**14 - 1)}"}
    elif kind == "story_mention":
        turn.files = [files.photo(key)]
        turn.extra = {"story_id": f"179{rng.randint(10**13, 10**14 - 1)}"}
    elif kind == "share":
        turn.text = rng.choice(("this one?", "do you sell these", ""))
        turn.extra = {
            "title": f"{words['trail']} on a {words['bike']}",
            "post_id": str(rng.randint(10**15, 10**16)),
        }
    elif kind == "advertisement":
        turn.kind, turn.text = (
            "text",
            rng.choice(("Hi, saw your ad. Is it still on?", "Can I get more info on this?")),
        )
        turn.extra = {
            "referral": {
                "ad_id": "120226305854810726",
                "headline": f"{words['month']} service special",
            }
        }
    elif kind == "postback":
        title = rng.choice(("Opening hours", "Book a service", "Where are you?"))
        turn.text, turn.extra = title, {"payload": title.upper().replace(" ", "_").rstrip("?")}
    elif kind == "unsupported":
        turn.extra = {"type": rng.choice(("poll_creation", "gif", "pin"))}
    elif kind == "order":
        turn.text = "could you wrap it please"
        turn.extra = {
            "items": [
                {"sku": f"SB-{words['order']}", "quantity": 1, "price": float(words["price"])}
            ]
        }
    elif kind == "buttons":
        turn.kind, turn.text = (
            "interactive",
            rng.choice(("Yes, that time suits", "Another day please")),
        )
        turn.extra = {"reply_id": turn.text.split()[0].lower().strip(",")}
    elif kind == "forwarded":
        turn.kind, turn.text = "text", rng.choice(FORWARDED).format_map(words)
        turn.extra = {"forwarded": True}
    return turn
