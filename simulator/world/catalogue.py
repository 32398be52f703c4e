"""What the invented shop sells and mends: the words that fill the slots of its conversations."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SHOP = "Saltbush Cycles & Outdoor"
DOMAIN = "saltbush.example.com"
MAILBOX = f"hello@{DOMAIN}"
ALIASES = (f"workshop@{DOMAIN}", f"orders@{DOMAIN}")
STAFF = ("Bec", "Hamish", "Priya", "Luka", "Jo")
ADDRESS = "14 Foundry Lane, Marrickville"
SHOP_ZONE = ZoneInfo("Australia/Sydney")

BIKES = (
    "gravel bike",
    "Merrin 3 hybrid",
    "old steel tourer",
    "e-bike",
    "Kestrel road bike",
    "son's BMX",
    "cargo bike",
    "folding bike",
    "hardtail",
    "Tarra 29er",
    "commuter",
    "daughter's 20 inch",
    "tandem",
    "single speed",
    "Wirra step-through",
)
PARTS = (
    "rear derailleur",
    "bottom bracket",
    "brake pads",
    "front wheel",
    "chain and cassette",
    "headset",
    "dropper post",
    "left pedal",
    "rear hub",
    "gear cable",
    "freewheel",
    "disc rotor",
)
SERVICES = (
    "minor service",
    "full service",
    "brake bleed",
    "wheel true",
    "battery check",
    "bike fit",
)
PRODUCTS = (
    "two person tent",
    "35 litre pack",
    "merino top",
    "camp stove",
    "down jacket",
    "head torch",
    "dry bag",
    "pannier set",
    "kids helmet",
    "hiking boots",
    "sleeping mat",
    "floor pump",
    "rain shell",
    "bike trailer",
    "roof rack bars",
    "trekking poles",
    "hydration pack",
)
COLOURS = ("ochre", "navy", "sage green", "black", "terracotta", "bright orange", "grey")
SIZES = ("S", "M", "L", "XL", "42", "43", "W9", "54 cm", "56 cm", "kids 8")
SUBURBS = (
    "Marrickville",
    "Newtown",
    "Dulwich Hill",
    "Ashfield",
    "Bankstown",
    "Cabramatta",
    "Leichhardt",
    "Earlwood",
    "Campsie",
    "Parramatta",
    "Katoomba",
    "Thirroul",
    "Brunswick",
    "Footscray",
)
TRAILS = (
    "the Cooks River path",
    "the Old Ghost hut track",
    "Bobbin Head",
    "the coast track",
    "the rail trail",
    "Narrow Neck",
    "the Six Foot Track",
    "the loop at Menai",
)
CARRIERS = ("PARCELCO", "VELOPOST", "QUICKVAN")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# The days in the languages whose conversations name one.
DAYS_IN = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy"),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六"),
    "hi": ("सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार"),
    "el": ("Δευτέρα", "Τρίτη", "Τετάρτη", "Πέμπτη", "Παρασκευή", "Σάββατο"),
    "it": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"),
    "ja": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日"),
}
TIMES = ("8.30", "9", "9.45", "10", "11.15", "midday", "1.30", "2", "3.15", "4", "4.45", "5.30")


def slots(rng: random.Random, person: Any, at: datetime, language: str = "en") -> dict[str, str]:
    """Words for one conversation; the same bike, price and order number all through it."""
    order = f"{rng.randint(10, 99)}{rng.randint(100, 999)}"
    price = rng.choice((35, 49, 60, 79, 85, 110, 129, 145, 189, 240, 329, 480, 1290))
    local = at.astimezone(SHOP_ZONE)
    days = DAYS_IN.get(language, DAYS)
    later = local + timedelta(days=rng.randint(1, 9))
    return {
        "first": person.first,
        "name": person.name,
        "staff": rng.choice(STAFF),
        "shop": SHOP,
        "bike": rng.choice(BIKES),
        "part": rng.choice(PARTS),
        "service": rng.choice(SERVICES),
        "product": rng.choice(PRODUCTS),
        "colour": rng.choice(COLOURS),
        "size": rng.choice(SIZES),
        "suburb": rng.choice(SUBURBS),
        "trail": rng.choice(TRAILS),
        "order": order,
        "price": str(price),
        "more": str(price + rng.choice((20, 45, 60, 90))),
        "day": rng.choice(days),
        "other_day": rng.choice(days),
        "time": rng.choice(TIMES),
        "other_time": rng.choice(TIMES),
        "km": str(rng.randint(4, 140)),
        "n": str(rng.randint(2, 6)),
        "weeks": str(rng.randint(2, 8)),
        "date": f"{later.day} {later:%B}",
        "month": f"{local:%B}",
        "address": ADDRESS,
    }
