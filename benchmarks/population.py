"""People whose truth is known: names that others bear too, families with one phone, offices with one number, numbers
that changed hands, spellings that vary. What they wrote, and whose each address is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FIRST = (
    "Mai", "Sam", "Kim", "Alex", "Priya", "Noah", "Mia", "Olivia", "Jack", "Emma", "Liam", "Ava", "Lucas", "Zoe",
    "Ethan", "Ruby", "Oscar", "Isla", "Leo", "Chloe", "Arjun", "Wei", "Hana", "Omar", "Fatima", "Elena", "Marco",
    "Sofia", "Nikos", "Anh", "Minh", "Linh", "Ravi", "Anita", "Tom", "Grace", "Henry", "Lily", "Max", "Ella",
)  # fmt: skip
LAST = (
    "Tran", "Citizen", "Nguyen", "Smith", "Jones", "Brown", "Wilson", "Taylor", "Patel", "Singh", "Lee", "Chen", "Wang",
    "Kim", "Papadopoulos", "Rossi", "Hassan", "Ali", "Martin", "White", "Walker", "Young", "King", "Wright", "Scott",
    "Green", "Baker", "Adams", "Nelson", "Hill", "Campbell", "Mitchell", "Roberts", "Turner", "Phillips", "Evans",
    "Parker", "Edwards", "Collins", "Stewart", "Morris", "Cook", "Rogers", "Reed", "Bell", "Murphy", "Bailey",
)  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)
#: Shares of all people, so that each difficulty is there in number.
KNOWN, SIGNS, TEXTS, IN_FAMILY, AT_OFFICE, CHANGED, SECOND_MAIL = (
    0.6,
    0.45,
    0.7,
    0.2,
    0.1,
    0.05,
    0.25,
)
#: Of those who sign, so many once wrote another's number: a partner's, for a delivery.
NAMES_ANOTHER = 0.04


@dataclass
class Message:
    """One that came in. `kind` is `email` or `text`."""

    identity: str
    kind: str
    body: str
    name: str | None
    at: datetime


@dataclass
class Population:
    """Messages; whose each identity is in truth (of several people: nobody's alone); who is a customer, and by which
    identity."""

    messages: list[Message] = field(default_factory=list)
    truth: dict[str, set[int]] = field(default_factory=dict)
    customers: dict[int, tuple[str, str]] = field(default_factory=dict)


def population(people: int, seed: int = 7) -> Population:
    """So many people, the same for the same seed."""
    rng = random.Random(seed)
    made = Population()
    names = [f"{rng.choice(FIRST)} {rng.choice(LAST)}" for _ in range(people)]
    mobiles = [f"+614{number:08}" for number in rng.sample(range(10**7, 10**8), people)]
    shared = {person: mobiles[person] for person in range(people)}
    for person in range(1, people):
        if rng.random() < IN_FAMILY:
            # They share the phone of the one before, and the family's name.
            shared[person] = shared[person - 1]
            names[person] = f"{rng.choice(FIRST)} {names[person - 1].split()[-1]}"
    offices = [
        f"+612{number:08}"
        for number in rng.sample(range(5 * 10**7, 6 * 10**7), max(people // 100, 1))
    ]
    for person in range(people):
        _one(made, rng, person, names[person], shared[person], mobiles, offices)
    return made


def _one(
    made: Population,
    rng: random.Random,
    person: int,
    name: str,
    mobile: str,
    mobiles: list[str],
    offices: list[str],
) -> None:
    first, last = name.lower().split()
    mails = [f"{first}.{last}{person}@example.com"]
    if rng.random() < SECOND_MAIL:
        mails.append(f"{first}{person}@example.net")
    signs, texts = rng.random() < SIGNS, rng.random() < TEXTS
    number = mobile
    if rng.random() < CHANGED:
        # They sign with a number that is somebody else's by now.
        number = rng.choice(mobiles)
    signature = _spelled(rng, number) if signs else ""
    if rng.random() < AT_OFFICE:
        signature += f"\nOffice {_spelled(rng, rng.choice(offices))}"
    for mail in mails:
        made.truth.setdefault(f"email:{mail}", set()).add(person)
        for _ in range(rng.randint(1, 5)):
            signed = signature if rng.random() < 0.8 else ""
            if signs and rng.random() < NAMES_ANOTHER:
                signed += f"\nor call {_spelled(rng, rng.choice(mobiles))}"
            made.messages.append(
                Message(
                    f"email:{mail}",
                    "email",
                    f"Hello\n\nRegards\n{name}\n{signed}",
                    _called(rng, name),
                    _when(rng),
                )
            )
    if texts:
        made.truth.setdefault(f"phone:{mobile}", set()).add(person)
        named = _called(rng, name) if rng.random() < 0.3 else None
        for _ in range(rng.randint(1, 4)):
            made.messages.append(Message(f"phone:{mobile}", "text", "On my way", named, _when(rng)))
    if rng.random() < KNOWN:
        made.customers[person] = (name, f"email:{mails[0]}")


def _when(rng: random.Random) -> datetime:
    return START + timedelta(minutes=rng.randrange(300 * 24 * 60))


def _called(rng: random.Random, name: str) -> str:
    """A display name: mostly the whole, sometimes a part, or turned round."""
    first, last = name.split()
    return rng.choices([name, first, f"{last}, {first}", f"{first[0]}. {last}"], [70, 12, 9, 9])[0]


def _spelled(rng: random.Random, number: str) -> str:
    """A number as people write it."""
    own = number.removeprefix("+61")
    if own.startswith("4"):
        parts = (own[:3], own[3:6], own[6:])
        ways = [
            f"0{' '.join(parts)}",
            f"+61 {' '.join(parts)}",
            f"0{own}",
            f"+61 (0){' '.join(parts)}",
            f"0{'-'.join(parts)}",
        ]
    else:
        ways = [f"(0{own[0]}) {own[1:5]} {own[5:]}", f"+61 {own[0]} {own[1:5]} {own[5:]}"]
    return rng.choice(ways)


def identities(made: Population) -> Iterator[tuple[str, str | None, datetime, datetime, int]]:
    """What the fold would tell of each: identity, its last name, first and last message, and how many."""
    by: dict[str, list[Message]] = {}
    for message in made.messages:
        by.setdefault(message.identity, []).append(message)
    for identity, theirs in by.items():
        theirs.sort(key=lambda each: each.at)
        named = [each.name for each in theirs if each.name]
        yield identity, named[-1] if named else None, theirs[0].at, theirs[-1].at, len(theirs)
