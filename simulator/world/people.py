"""The people who write to the shop: names, addresses, languages and habits, all from the seed."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from dataclasses import dataclass, field

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.store.chats import Contact
from simulator.world.names import NAMES

# Mobiles kept for fiction; the rest of the cast has fictitious landlines that can text.
SHOP_NUMBERS = ("+61491570156", "+61491570157")
MOBILES = ("+61491570110", "+61491570158")
HERO_PHONE = "+61491570006"
AREAS = ("2", "3", "7", "8")

# Weights of the languages in the cast, per cent.
LANGUAGES = {"en": 60, "vi": 8, "zh": 8, "ar": 7, "hi": 6, "el": 4, "it": 4, "ja": 3}

# So that even the smallest cast speaks them all; these few write mails and texts.
POLYGLOTS = {3: "ja", 4: "it", 5: "ar", 6: "zh", 8: "el", 9: "hi", 10: "vi"}

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
    contacts: dict[str, Contact] = field(default_factory=dict, hash=False)

    def contact(self, channel: str) -> Contact | None:
        """Who this is on a chat channel; None for somebody who is not there."""
        return self.contacts.get(channel)

    def public(self) -> dict[str, object]:
        """The row of GET /simulator/people: what the shop may know, and the ids of each chat
        channel. `whatsapp` is None where WhatsApp shows no number."""
        on = self.contacts
        whatsapp, instagram, messenger = (on.get(c) for c in (WHATSAPP, INSTAGRAM, MESSENGER))
        return {
            "name": self.name,
            "phone": self.phone,
            "email": self.email,
            "language": self.language,
            "known": self.known,
            "hero": self.hero,
            "whatsapp": whatsapp.address if whatsapp and not whatsapp.hidden else None,
            "bsuid": whatsapp.bsuid if whatsapp else None,
            "instagram": instagram.username if instagram else None,
            "igsid": instagram.address if instagram else None,
            "psid": messenger.address if messenger else None,
        }


def count_for(messages: int) -> int:
    """People for a history of so many messages: one per 25, at least 12, at most 30,000."""
    return max(12, min(30_000, round(messages / 25)))


def cast(seed: int, messages: int) -> list[Person]:
    """Everyone who writes, heaviest correspondent first; the same for the same seed and size."""
    people = [_hero(seed)]
    addresses = {people[0].email}
    for key in range(1, count_for(messages)):
        people.append(_person(seed, key, addresses))
        addresses.add(people[-1].email)
    return people


def _hero(seed: int) -> Person:
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
        contacts={
            WHATSAPP: Contact(HERO_PHONE[1:], "Mai Tran", bsuid=_bsuid(seed, 0)),
            INSTAGRAM: Contact(_digits(17, seed, 0, "igsid"), "Mai Tran", "mai.on.three.wheels"),
            MESSENGER: Contact(_digits(16, seed, 0, "psid"), "Mai Tran"),
        },
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
        contacts=_contacts(
            seed,
            key,
            unicodedata.normalize("NFC", name),
            phone or _phone(key),
            f"{plain_first}.{plain_family}",
        ),
    )


def _contacts(seed: int, key: int, name: str, phone: str, plain: str) -> dict[str, Contact]:
    """On which chats this person is, and as whom.

    Who has a username on WhatsApp (every fifth) is known by the BSUID alone; another fifth writes
    with an application so old that there is no BSUID.
    """
    rng = random.Random(f"{seed}|contacts|{key}")
    found: dict[str, Contact] = {}
    if key in POLYGLOTS or key % 5 == 2 or rng.random() < 0.5:
        hidden, old = key % 5 == 2, key % 5 == 4
        found[WHATSAPP] = Contact(
            phone[1:],
            name,
            f"@{plain}.{key}" if hidden else "",
            "" if old else _bsuid(seed, key),
            hidden,
        )
    if key % 3 == 1 or rng.random() < 0.2:
        username = rng.choice((plain, plain.replace(".", "_"), f"{plain.partition('.')[0]}.rides"))
        found[INSTAGRAM] = Contact(_digits(16, seed, key, "igsid"), name, f"{username}{key}")
    if key % 3 == 0 or rng.random() < 0.25:
        found[MESSENGER] = Contact(_digits(16, seed, key, "psid"), name)
    return found


def _digits(length: int, *parts: object) -> str:
    """A number of so many digits, made of the parts; it begins with 7, as no phone number here."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return "7" + str(int(digest, 16))[: length - 1]


def _bsuid(seed: int, key: int) -> str:
    return f"AU.{_digits(20, seed, key, 'bsuid')}"


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
