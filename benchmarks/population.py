"""People whose truth is known: what they wrote from which address, and whose each address is.

Nothing here is real. What makes it hard is there in number: names that others bear too, spelled in several ways and
with slips; families with one phone or one mailbox; offices with one number; numbers that were given up and are
somebody else's now, some of them still under a signature; strangers' numbers, addresses and contact cards passed on.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 300

#: Share of all people, first names, families. Names go together: nobody is called Nikos Nguyen by chance.
PEOPLES: tuple[tuple[float, str, str], ...] = (
    (
        0.6,
        "Oliver Noah Jack William Leo Lucas Thomas Henry Charlie James Elijah Alexander Ethan Max Hudson Liam Harry"
        " Hugo Samuel Daniel Benjamin Joshua Matthew Adam Ryan Nathan Luke Peter Paul Mark Andrew Simon Stephen Robert"
        " Michael David John Richard Graham Ian Neil Craig Shane Brett Wayne Darren Glenn Trevor Keith Russell Olivia"
        " Charlotte Amelia Isla Mia Ava Grace Willow Ella Lily Chloe Sophie Ruby Zoe Emily Hannah Sarah Jessica"
        " Rebecca Emma Lauren Megan Nicole Melissa Amanda Michelle Karen Susan Julie Helen Jane Anne Margaret Judith"
        " Elizabeth Catherine Patricia Deborah Leanne Kylie Tracey Sharon Wendy Robyn Heather Fiona Alison Rachel"
        " Naomi Paige Brooke Georgia Matilda Evie Poppy Florence Daisy Violet Hazel Alice Eleanor Rose Clara",
        "",
    ),
    (0.06, "Anh Minh Linh Mai Huong Lan Thanh Hung Dung Tuan Nam Phuong Thuy Trang Hoa Quang Long Son Khanh Vy",
     "Nguyen Tran Le Pham Huynh Phan Vu Dang Bui Do Ho Ngo"),
    (0.1, "Wei Ling Hui Jing Yan Fang Min Jun Hao Lei Xin Yu Ming Tao Bo Li Na Qiang Yong Mei Chen Kai Rui Ting Jia",
     "Wang Zhang Chen Liu Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo Lin He Gao Liang Zheng Luo Song Xie Tang Han"),
    (0.1, "Arjun Priya Ravi Anita Rahul Neha Amit Pooja Vikram Deepa Sanjay Kavita Rajesh Sunita Anil Meena Suresh"
     " Lakshmi Vijay Asha Rohan Divya Karan Nisha Manoj Geeta Harpreet Gurpreet Simran Jaspreet",
     "Singh Kumar Sharma Patel Kaur Gupta Reddy Mehta Shah Verma Rao Nair Iyer Joshi Desai Kapoor Malhotra Chopra"
     " Bhat Pillai Menon Das Banerjee Mukherjee Chatterjee Agarwal Jain Saxena Mishra Pandey"),
    (0.14, "Marco Sofia Nikos Elena Luca Giulia Dimitri Maria Antonio Rosa Giuseppe Anna Stavros Katerina Paolo"
     " Francesca Yannis Despina Carlo Lucia Omar Fatima Hassan Leila Ali Yasmin Karim Nadia Ivan Natasha Goran Vesna",
     "Rossi Russo Ferrari Esposito Bianchi Romano Papadopoulos Georgiou Pappas Nikolaidis Karras Hassan Ali Khoury"
     " Haddad Nassar Mansour Saleh Petrovic Jovanovic Nikolic Horvat Novak Kovac Silva Santos Garcia Lopez Costa"),
)  # fmt: skip
_BEGINNINGS = (
    "Ash Beck Brad Brook Burn Carl Chand Clay Cole Cott Craw Dal Dart Dray Ell Fair Farn Ford Gar Gold Grant Hal Ham"
    " Hart Hay Heath Hol Hunt Kings Lang Law Lin Long Mar May Mill Mor Nor Oak Park Pres Rad Ridge Row Sel Shel Stan"
    " Sted Stock Sut Thorn Wal Ward West Whit Wick Wind Wood Wyn"
)
_ENDINGS = (
    "bury by combe cott dale den don field ford gate grove ham hurst ington land ley low man mere mont more ner over"
    " ridge rick shaw son stead ston ter thorpe ton vale wall ward well wick win wood worth"
)

#: Shares of all people, so that each difficulty is there in number.
KNOWN, SIGNS, TEXTS, ON_WHATSAPP, SECOND_MAIL = 0.6, 0.45, 0.7, 0.45, 0.25
IN_FAMILY, ONE_MAILBOX, AT_OFFICE, CHANGED = 0.2, 0.03, 0.1, 0.05
#: Known by their phone, of those known who text.
KNOWN_BY_PHONE = 0.25
#: Of those who changed their number: who signs with the former one still, whose is another's now, who tells WhatsApp.
STALE, PASSED_ON, TELLS = 0.2, 0.3, 0.5
#: Of those who sign, so many once wrote another's number: a partner's, for a delivery.
NAMES_ANOTHER = 0.04
#: Of the mails of those who have two addresses; of all people (to an assistant, a partner).
ANSWERS_AT_FIRST, ANSWERS_ELSEWHERE, ANSWERS_AT_OFFICE = 0.25, 0.02, 0.01
OWN_CARD, OTHERS_CARD = 0.05, 0.05
NAMES_OWN_MAIL, NAMES_ANOTHERS_MAIL = 0.08, 0.02
SLIP = 0.03


@dataclass
class Message:
    """One that came in. `kind` is `email`, `text` or `contacts`; a card is a name, a number and perhaps an address."""

    identity: str
    kind: str
    body: str
    name: str | None
    at: datetime
    reply_to: str | None = None
    card: tuple[str, str, str | None] | None = None


@dataclass
class Population:
    """Messages; whose each identity is in truth (of several people: nobody's alone); who is a customer, under which
    name and by which identity; which number was told to be another one's former."""

    messages: list[Message] = field(default_factory=list)
    truth: dict[str, set[int]] = field(default_factory=dict)
    customers: dict[int, tuple[str, str]] = field(default_factory=dict)
    changed: list[tuple[str, str, datetime]] = field(default_factory=list)

    def is_right(self, identity: str, person: int) -> bool:
        """Whether this person uses the identity."""
        return person in self.truth.get(identity, ())

    def findable(self) -> set[str]:
        """Identities of one customer alone, less the one by which they are known."""
        return {
            identity
            for identity, whose in self.truth.items()
            if len(whose) == 1 and (person := next(iter(whose))) in self.customers
            and self.customers[person][1] != identity
        }  # fmt: skip


@dataclass
class _Person:
    name: str
    #: The number from each day on; a family shares the list.
    numbers: list[tuple[int, str]]
    mails: list[str]
    signs: bool
    texts: bool
    on_whatsapp: bool
    office: int | None
    is_stale: bool = False

    def number(self, day: float) -> str:
        return [number for since, number in self.numbers if since <= day][-1]


def population(people: int, seed: int = 7) -> Population:
    """So many people, the same for the same seed."""
    rng = random.Random(seed)
    made = Population()
    mobiles = [f"+614{number:08}" for number in rng.sample(range(10**7, 10**8), people * 2)]
    offices = [
        f"+612{number:08}"
        for number in rng.sample(range(5 * 10**7, 6 * 10**7), max(people // 100, 1))
    ]
    everybody = _everybody(rng, people, mobiles, len(offices))
    passed_on = _change_numbers(rng, made, everybody, mobiles[people:])
    writers: dict[str, set[int]] = defaultdict(set)
    linked: set[str] = set()
    for number, person in enumerate(everybody):
        before = len(made.messages)
        _write(made, rng, person, everybody, offices)
        for message in made.messages[before:]:
            writers[message.identity].add(number)
        _make_known(made, rng, number, person, writers, linked)
    for identity, whose in writers.items():
        heir = passed_on.get(identity)
        made.truth[identity] = {heir} if heir in whose else whose
    return made


def _everybody(
    rng: random.Random, people: int, mobiles: Sequence[str], offices: int
) -> list[_Person]:
    found: list[_Person] = []
    for number in range(people):
        first, last = _name(rng)
        numbers = [(0, mobiles[number])]
        mails = []
        if found and rng.random() < IN_FAMILY:
            # They share the phone of the one before, and the family's name.
            last, numbers = found[-1].name.split()[-1], found[-1].numbers
            if rng.random() < ONE_MAILBOX / IN_FAMILY:
                mails = found[-1].mails[:1]
        mails = mails or [f"{first}.{last}{number}@example.com".lower()]
        if rng.random() < SECOND_MAIL:
            mails = [*mails, f"{first}{number}@example.net".lower()]
        found.append(
            _Person(
                name=f"{first} {last}", numbers=numbers, mails=mails, signs=rng.random() < SIGNS,
                texts=rng.random() < TEXTS, on_whatsapp=rng.random() < ON_WHATSAPP,
                office=rng.randrange(offices) if rng.random() < AT_OFFICE else None,
            )
        )  # fmt: skip
    return found


def _name(rng: random.Random) -> tuple[str, str]:
    _, firsts, lasts = rng.choices(PEOPLES, [share for share, *_ in PEOPLES])[0]
    families = lasts.split() or _FAMILIES
    return _common_first(rng, firsts.split(), 15), _common_first(rng, families, 15)


def _common_first(rng: random.Random, names: Sequence[str], flat: int) -> str:
    return rng.choices(names, [1 / (rank + flat) for rank in range(len(names))])[0]


_FAMILIES = [f"{one}{two}" for two in _ENDINGS.split() for one in _BEGINNINGS.split()]
random.Random(1).shuffle(_FAMILIES)


def _change_numbers(
    rng: random.Random, made: Population, everybody: list[_Person], spare: Sequence[str]
) -> dict[str, int]:
    """Some get another number, and some of the former ones are somebody else's after a while; whose they are then."""
    passed_on: dict[str, int] = {}
    for number, person in enumerate(everybody):
        if rng.random() >= CHANGED or len(person.numbers) > 1:
            continue
        day, former = rng.randrange(60, 240), person.numbers[0][1]
        person.numbers.append((day, spare[number]))
        person.is_stale = rng.random() < STALE
        if person.texts and person.on_whatsapp and rng.random() < TELLS:
            at = START + timedelta(days=day)
            made.changed.append((f"phone:{spare[number]}", f"phone:{former}", at))
        heir = rng.randrange(len(everybody))
        if rng.random() < PASSED_ON and len(everybody[heir].numbers) == 1:
            everybody[heir].numbers = [*everybody[heir].numbers, (min(day + 90, DAYS - 30), former)]
            passed_on[f"phone:{former}"] = heir
    return passed_on


def _write(
    made: Population,
    rng: random.Random,
    person: _Person,
    everybody: list[_Person],
    offices: Sequence[str],
) -> None:
    """All that somebody wrote: in a few episodes, by mail and by phone."""
    episodes = [rng.uniform(0, DAYS - 5) for _ in range(rng.randint(1, 4))]
    anybody = everybody[rng.randrange(len(everybody))]
    for mail in person.mails:
        for _ in range(rng.randint(1, 5)):
            day = rng.choice(episodes) + rng.uniform(0, 4)
            made.messages.append(_mail(rng, person, mail, day, anybody, offices))
    if person.office is not None and rng.random() < 0.3:
        day = rng.choice(episodes) + rng.uniform(0, 4)
        shared = _mail(
            rng, person, f"info@office{person.office}.example.org", day, anybody, offices
        )
        made.messages.append(shared)
    if person.texts:
        calls_themselves = _profile(rng, person.name) if person.on_whatsapp else None
        for _ in range(rng.randint(1, 4)):
            day = rng.choice(episodes) + rng.uniform(0, 4)
            made.messages.append(_text(rng, person, day, calls_themselves, anybody))


def _mail(
    rng: random.Random, person: _Person, mail: str, day: float, anybody: _Person, offices: Sequence[str]
) -> Message:  # fmt: skip
    signed = ""
    if person.signs and rng.random() < 0.8:
        number = person.numbers[0][1] if person.is_stale else person.number(day)
        signed += f"\n{_spelled(rng, number)}"
    if person.office is not None and rng.random() < 0.8:
        signed += f"\nOffice {_spelled(rng, offices[person.office])}"
    if person.signs and rng.random() < NAMES_ANOTHER:
        signed += f"\nor call {_spelled(rng, anybody.number(day))}"
    reply_to = None
    chance = rng.random()
    if mail != person.mails[0] and chance < ANSWERS_AT_FIRST:
        reply_to = person.mails[0]
    elif chance < ANSWERS_ELSEWHERE:
        reply_to = anybody.mails[0]
    elif chance < ANSWERS_ELSEWHERE + ANSWERS_AT_OFFICE and person.office is not None:
        reply_to = f"info@office{person.office}.example.org"
    return Message(
        f"email:{mail}", "email", f"Hello\n\nRegards\n{person.name}{signed}", _called(rng, person.name), _at(day),
        reply_to=reply_to if reply_to != mail else None,
    )  # fmt: skip


def _text(
    rng: random.Random, person: _Person, day: float, name: str | None, anybody: _Person
) -> Message:
    identity, chance = f"phone:{person.number(day)}", rng.random()
    card: tuple[str, str, str | None]
    if person.on_whatsapp and chance < OWN_CARD:
        card = (person.name, person.number(day), person.mails[0])
        return Message(identity, "contacts", person.name, name, _at(day), card=card)
    if person.on_whatsapp and chance < OWN_CARD + OTHERS_CARD:
        others = anybody.mails[0] if rng.random() < 0.5 else None
        card = (anybody.name, anybody.number(day), others)
        return Message(identity, "contacts", anybody.name, name, _at(day), card=card)
    body = "On my way"
    if chance > 1 - NAMES_OWN_MAIL:
        body = f"Please write to {person.mails[0]}"
    elif chance > 1 - NAMES_OWN_MAIL - NAMES_ANOTHERS_MAIL:
        body = f"Please write to {anybody.mails[0]}"
    return Message(identity, "text", body, name, _at(day))


def _make_known(
    made: Population,
    rng: random.Random,
    number: int,
    person: _Person,
    writers: dict[str, set[int]],
    linked: set[str],
) -> None:
    if rng.random() >= KNOWN:
        return
    name = _slipped(rng, person.name)
    if rng.random() < 0.1:
        first, last = name.split()
        name = f"{last}, {first}"
    own = [
        each for each in (f"phone:{own}" for _, own in person.numbers) if number in writers[each]
    ]
    identity = f"email:{person.mails[0]}"
    if own and rng.random() < KNOWN_BY_PHONE:
        identity = own[-1]
    if identity not in linked:
        linked.add(identity)
        made.customers[number] = (name, identity)


def _at(day: float) -> datetime:
    return START + timedelta(days=day)


def _called(rng: random.Random, name: str) -> str:
    """The display name of a mail: mostly the whole, sometimes a part, or turned round."""
    first, last = _slipped(rng, name).split()
    ways = [f"{first} {last}", first, f"{last}, {first}", f"{first[0]}. {last}"]
    return rng.choices(ways, [70, 12, 9, 9])[0]


def _profile(rng: random.Random, name: str) -> str:
    """What somebody calls themselves on WhatsApp."""
    first, last = name.split()
    ways = [name, first, f"{first} {last[0]}", f"{last.lower()}{rng.randrange(100)}"]
    return rng.choices(ways, [70, 15, 10, 5])[0]


def _slipped(rng: random.Random, name: str) -> str:
    """A name as it is, and now and then with two letters changed round."""
    if rng.random() >= SLIP:
        return name
    place = rng.randrange(1, len(name) - 2)
    if " " in name[place : place + 2]:
        return name
    return f"{name[:place]}{name[place + 1]}{name[place]}{name[place + 2 :]}"


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
