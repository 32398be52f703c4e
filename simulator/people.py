"""The people who write to the shop: names, addresses, languages and habits, all from the seed."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

# Mobiles kept for fiction; the rest of the cast has fictitious landlines that can text.
SHOP_NUMBERS = ("+61491570156", "+61491570157")
MOBILES = ("+61491570110", "+61491570158")
HERO_PHONE = "+61491570006"
AREAS = ("2", "3", "7", "8")

# Weights of the languages in the cast, per cent.
LANGUAGES = {"en": 60, "vi": 8, "zh": 8, "ar": 7, "hi": 6, "el": 4, "it": 4, "ja": 3}

# So that even the smallest cast speaks them all; these few write mails and texts.
POLYGLOTS = {3: "ja", 4: "it", 5: "ar", 6: "zh", 8: "el", 9: "hi", 10: "vi"}

# language -> (first names, family names), each as (as written, in plain letters).
NAMES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    "en": (
        tuple(
            (n, n.lower().replace("'", ""))
            for n in (
                "Sam",
                "Olivia",
                "Jack",
                "Charlotte",
                "Noah",
                "Matilda",
                "Lachlan",
                "Ruby",
                "Kirra",
                "Ethan",
                "Siobhan",
                "Graham",
                "Denise",
                "Tarek",
                "Wendy",
                "Callum",
                "Imogen",
                "Rowan",
                "Yarran",
                "Beth",
                "Declan",
                "Freya",
                "Angus",
                "Tess",
                "Marlon",
                "Judith",
                "Pete",
                "Harriet",
                "Ollie",
                "Nadine",
            )
        ),
        tuple(
            (n, n.lower().replace("'", "").replace("-", ""))
            for n in (
                "Citizen",
                "Walker",
                "O'Brien",
                "Kelly",
                "Harrow",
                "Fenwick",
                "Marsh",
                "Doyle",
                "Whitlock",
                "Pascoe",
                "Lindqvist",
                "Abbott",
                "Riley",
                "Smith-Jones",
                "Barlow",
                "Cartwright",
                "Dunne",
                "Ellery",
                "Farrow",
                "Gibbs",
                "Hollis",
                "Ivers",
                "Jessop",
                "Keating",
                "Mabo",
                "Norris",
                "Quill",
                "Stroud",
                "Tully",
                "Vance",
            )
        ),
    ),
    "vi": (
        (
            ("Mai", "mai"),
            ("Hương", "huong"),
            ("Tuấn", "tuan"),
            ("Linh", "linh"),
            ("Đức", "duc"),
            ("Thảo", "thao"),
        ),
        (("Nguyễn", "nguyen"), ("Trần", "tran"), ("Lê", "le"), ("Phạm", "pham"), ("Đặng", "dang")),
    ),
    "zh": (
        (
            ("伟", "wei"),
            ("静怡", "jingyi"),
            ("浩然", "haoran"),
            ("美玲", "meiling"),
            ("子轩", "zixuan"),
        ),
        (("王", "wang"), ("李", "li"), ("张", "zhang"), ("陈", "chen"), ("林", "lin")),
    ),
    "ar": (
        (
            ("ليلى", "layla"),
            ("أحمد", "ahmad"),
            ("نور", "nour"),
            ("يوسف", "yousef"),
            ("سارة", "sara"),
        ),
        (("حداد", "haddad"), ("خوري", "khoury"), ("المصري", "almasri"), ("منصور", "mansour")),
    ),
    "hi": (
        (
            ("अर्जुन", "arjun"),
            ("प्रिया", "priya"),
            ("रोहन", "rohan"),
            ("नेहा", "neha"),
            ("विक्रम", "vikram"),
        ),
        (("शर्मा", "sharma"), ("पटेल", "patel"), ("सिंह", "singh"), ("गुप्ता", "gupta")),
    ),
    "el": (
        (("Νίκος", "nikos"), ("Ελένη", "eleni"), ("Γιώργος", "giorgos"), ("Σοφία", "sofia")),
        (("Παπαδόπουλος", "papadopoulos"), ("Γεωργίου", "georgiou"), ("Οικονόμου", "oikonomou")),
    ),
    "it": (
        (("Niccolò", "niccolo"), ("Giulia", "giulia"), ("Marco", "marco"), ("Lucia", "lucia")),
        (("Rossi", "rossi"), ("D'Angelo", "dangelo"), ("Esposito", "esposito"), ("Conti", "conti")),
    ),
    "ja": (
        (("花子", "hanako"), ("健太", "kenta"), ("美咲", "misaki")),
        (("佐藤", "sato"), ("鈴木", "suzuki"), ("高橋", "takahashi")),
    ),
}
FAMILY_FIRST = {"zh", "ja", "vi"}
CLIENTS = ("gmail", "outlook", "apple", "thunderbird", "phone")


@dataclass(frozen=True)
class Person:
    """One correspondent. `phone` is E.164 or None, `email` lower case or None; `known` people are
    in the shop's customer list already."""

    key: int
    name: str
    first: str
    phone: str | None
    email: str | None
    language: str
    client: str
    voice: str
    charset: str
    known: bool
    weight: float
    hero: bool = False

    def public(self) -> dict[str, object]:
        """The row of GET /simulator/people."""
        return {
            "name": self.name,
            "phone": self.phone,
            "email": self.email,
            "language": self.language,
            "known": self.known,
            "hero": self.hero,
        }


def count_for(messages: int) -> int:
    """People for a history of so many messages: one per 25, at least 12, at most 30,000."""
    return max(12, min(30_000, round(messages / 25)))


def cast(seed: int, messages: int) -> list[Person]:
    """Everyone who writes, heaviest correspondent first; the same for the same seed and size."""
    people = [_hero()]
    addresses = {people[0].email}
    for key in range(1, count_for(messages)):
        people.append(_person(seed, key, addresses))
        addresses.add(people[-1].email)
    return people


def _hero() -> Person:
    return Person(
        0,
        "Mai Tran",
        "Mai",
        HERO_PHONE,
        "mai.tran@example.com",
        "vi",
        "gmail",
        "warm",
        "utf-8",
        True,
        1.0,
        hero=True,
    )


def _person(seed: int, key: int, taken: set[str | None]) -> Person:
    rng = random.Random(f"{seed}|person|{key}")
    language = (
        POLYGLOTS.get(key) or rng.choices(list(LANGUAGES), weights=list(LANGUAGES.values()))[0]
    )
    firsts, families = NAMES[language]
    (first, plain_first), (family, plain_family) = rng.choice(firsts), rng.choice(families)
    # Half of those with another script write their name in Latin letters abroad.
    if language in ("zh", "ar", "hi", "el", "ja") and rng.random() < 0.5:
        first, family = plain_first.capitalize(), plain_family.capitalize()
        name = f"{first} {family}"
    elif language in FAMILY_FIRST and rng.random() < 0.6:
        name = f"{family} {first}" if language == "vi" else f"{family}{first}"
    else:
        name = f"{first} {family}"
    reach = 1.0 if key in POLYGLOTS else rng.random()
    email = None if reach < 0.15 else _email(rng, key, plain_first, plain_family, taken)
    phone = None if 0.15 <= reach < 0.30 else _phone(key)
    charset = "utf-8"
    if language == "ja":
        charset = "iso-2022-jp"
    elif language == "it":
        charset = rng.choice(("iso-8859-1", "windows-1252", "utf-8"))
    elif language == "en":
        charset = rng.choices(("utf-8", "windows-1252", "us-ascii"), weights=(7, 2, 1))[0]
    return Person(
        key,
        unicodedata.normalize("NFC", name),
        first,
        phone,
        email,
        language,
        rng.choice(CLIENTS),
        rng.choice(("warm", "terse", "formal", "emoji", "plain")),
        charset,
        rng.random() < 0.85,
        1 / (key + 1) ** 0.9,
    )


def _email(rng: random.Random, key: int, first: str, family: str, taken: set[str | None]) -> str:
    domain = rng.choice(("example.com", "example.org", "example.net"))
    local = rng.choice(
        (f"{first}.{family}", f"{first[0]}{family}", f"{first}{family}", f"{family}.{first}")
    )
    address = f"{local}@{domain}"
    return address if address not in taken else f"{local}{key}@{domain}"


def _phone(key: int) -> str:
    """A fictitious number of its own for each person: mobiles first, then landlines."""
    if key <= len(MOBILES):
        return MOBILES[key - 1]
    return f"+61{AREAS[key % 4]}5550{(key // 4 * 37 + 1003) % 10_000:04d}"
