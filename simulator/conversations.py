"""A conversation between a person and the shop, turn by turn, over SMS, mail or first one, then
the other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from simulator import catalogue, files, languages, stories
from simulator.people import SHOP_NUMBERS, Person
from simulator.records import File

SMS, MAIL = "twilio_sms", "gmail"


@dataclass
class Turn:
    """One thing said, before it has a time and an id. `sender` and `to` are (name, address), where
    a phone has no name. `gap` is in seconds after the turn before. `labels` None means the usual
    ones."""

    channel: str
    direction: str
    sender: tuple[str, str]
    to: list[tuple[str, str]]
    text: str
    subject: str = ""
    gap: float = 0.0
    shape: str = "plain"
    charset: str = "utf-8"
    client: str = "gmail"
    language: str = "en"
    bottom_posting: bool = False
    answers: bool = True
    labels: list[str] | None = None
    cc: list[tuple[str, str]] = field(default_factory=list)
    bcc: list[tuple[str, str]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inline: list[File] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)


def plan(
    rng: random.Random, person: Person, at: datetime, *, sms_allowed: bool = True
) -> list[Turn]:
    """The turns of one conversation that starts at about `at` (aware)."""
    home = person.language != "en" and rng.random() < (0.35 if person.hero else 0.6)
    language = person.language if home else "en"
    told = languages.STORIES[language] if home else stories.ENGLISH
    story = rng.choice(told)
    words = catalogue.slots(rng, person, at, language)
    channel = _channel(rng, person, sms_allowed)
    switch = (
        rng.randint(2, 6)
        if person.phone and person.email and sms_allowed and rng.random() < 0.2
        else 99
    )
    subject = rng.choice(story.subjects).format_map(words)
    number = SHOP_NUMBERS[0] if rng.random() < 0.8 else SHOP_NUMBERS[1]
    shop_box = rng.choices((catalogue.MAILBOX, *catalogue.ALIASES), weights=(8, 1, 1))[0]
    turns: list[Turn] = []
    said = (0, 0)  # which of how many wordings the turn before chose
    for index, (who, wordings) in enumerate(story.turns):
        if index > 1 and rng.random() < 0.12:
            continue
        if index == switch:
            channel = MAIL if channel == SMS else SMS
        chosen = said[0] if said[1] == len(wordings) else rng.randrange(len(wordings))
        said = (chosen, len(wordings))
        text, attached = _attachments(rng, wordings[chosen].format_map(words), words, at)
        if who == stories.C and language == "en":
            text = _voiced(rng, person, text)
        make = _sms if channel == SMS else _mail
        turn = make(
            rng,
            person,
            who,
            text,
            words,
            language,
            number=number,
            box=shop_box,
            long=who == stories.C and index == 0 and rng.random() < 0.06,
        )
        turn.subject = subject if channel == MAIL else ""
        turn.files = [f for f in attached if channel == MAIL or f.content_type.startswith("image/")]
        turn.gap = _gap(rng, channel) if turns else 0.0
        turns.append(turn)
    return turns


def _channel(rng: random.Random, person: Person, sms_allowed: bool) -> str:
    if person.email is None:
        return SMS
    if person.phone is None or not sms_allowed:
        return MAIL
    return SMS if rng.random() < 0.62 else MAIL


def _gap(rng: random.Random, channel: str) -> float:
    if channel == SMS:
        return (
            rng.expovariate(1 / 300) + 15
            if rng.random() < 0.75
            else rng.expovariate(1 / 9000) + 600
        )
    return rng.expovariate(1 / 14_000) + 240


def _attachments(
    rng: random.Random, text: str, words: dict[str, str], at: datetime
) -> tuple[str, list[File]]:
    key = f"{words['order']}{rng.randint(0, 9999)}"
    if text.startswith("[photo]"):
        return text[7:], [files.photo(key + str(n)) for n in range(rng.choice((1, 1, 1, 2)))]
    if text.startswith("[pdf]"):
        return text[5:], [
            files.document(key, f"Document {words['order']}", f"invoice-{words['order']}.pdf")
        ]
    if text.startswith("[ics]"):
        return text[5:], [
            files.invitation(key, at + timedelta(days=3), f"Saltbush booking {words['order']}")
        ]
    return text, []


def _voiced(rng: random.Random, person: Person, text: str) -> str:
    """The same words in the person's own manner of writing."""
    if person.voice == "terse":
        text = (text[0].lower() + text[1:]).rstrip(".") if text else text
    elif person.voice == "emoji" and rng.random() < 0.8:
        text += " " + "".join(rng.choices(stories.EMOJI, k=rng.choice((1, 1, 2, 3))))
    elif person.voice == "warm" and rng.random() < 0.3:
        text += rng.choice((" Hope you're all well!", " x", " Thanks heaps!", " :)", " 😊"))
    elif person.voice == "formal":
        text = (
            text.replace("Hi,", "Good day,")
            .replace("Hey team,", "Dear team,")
            .replace("Thanks", "Thank you")
        )
    if rng.random() < 0.03:
        text = text.replace("the ", "teh ", 1)
    return text


def _sms(
    rng: random.Random,
    person: Person,
    who: str,
    text: str,
    words: dict[str, str],
    language: str,
    *,
    number: str,
    box: str,
    long: bool,
) -> Turn:
    assert person.phone, "only people with a phone text"
    theirs, ours = ("", person.phone), ("", number)
    if who == stories.C:
        return Turn(SMS, "inbound", theirs, [ours], text, language=language)
    return Turn(SMS, "outbound", ours, [theirs], text, language=language)


def _mail(
    rng: random.Random,
    person: Person,
    who: str,
    text: str,
    words: dict[str, str],
    language: str,
    *,
    number: str,
    box: str,
    long: bool,
) -> Turn:
    assert person.email, "only people with an address write mails"
    customer = who == stories.C
    details: list[str] = []
    if language == "en":
        if long:
            details = list(stories.LONG_PARAGRAPHS) + rng.sample(stories.MAIL_DETAILS, 4)
        else:
            pool = stories.MAIL_DETAILS if customer else stories.SHOP_DETAILS
            details = rng.sample(pool, rng.choice((0, 0, 1, 1, 2, 3)))
    greeting = rng.choice(languages.GREETINGS[language] if customer else languages.SHOP_GREETINGS)
    farewell = rng.choice(languages.FAREWELLS[language] if customer else languages.SHOP_FAREWELLS)
    if customer and person.phone and rng.random() < 0.25:
        farewell += f"\nm {person.phone}"
    if text.startswith((*languages.OPENERS, person.first)):
        greeting = ""
    parts = [greeting, text, *details, farewell]
    whole = "\n\n".join(p for p in parts if p).format_map(words)
    if customer:
        return _written(rng, person, whole, language, box)
    return _answered(rng, person, whole, words["staff"], language, box)


def _written(rng: random.Random, person: Person, text: str, language: str, box: str) -> Turn:
    assert person.email
    local, domain = person.email.split("@")
    address = (
        f"{local}+saltbush@{domain}"
        if person.key % 17 == 5 and rng.random() < 0.3
        else person.email
    )
    shape = {
        "gmail": "alternative",
        "outlook": "alternative",
        "apple": "plain",
        "thunderbird": "plain",
        "phone": rng.choice(("html", "alternative")),
    }[person.client]
    turn = Turn(
        MAIL,
        "inbound",
        (person.name, address),
        [("Saltbush", box)],
        text,
        shape=shape,
        client=person.client,
        language=language,
        charset=person.charset,
        bottom_posting=person.client == "thunderbird" and rng.random() < 0.7,
    )
    if rng.random() < 0.08:
        turn.cc = [(f"{person.first}'s partner", f"home.{local}@{domain}")]
    if person.client == "outlook" and rng.random() < 0.5:
        turn.inline = [files.picture(person.email)]
        turn.shape = "alternative"
    return turn


def _answered(
    rng: random.Random, person: Person, text: str, staff: str, language: str, box: str
) -> Turn:
    assert person.email
    turn = Turn(
        MAIL,
        "outbound",
        (f"{staff} at Saltbush", box),
        [(person.name, person.email)],
        text,
        shape="alternative",
        language=language,
    )
    if (
        rng.random() < 0.06
    ):  # a colleague answers from an address of their own and copies the mailbox in
        colleague = (f"{staff} (Saltbush)", f"{staff.lower()}@{catalogue.DOMAIN}")
        turn = replace(
            turn, sender=colleague, cc=[("Saltbush", catalogue.MAILBOX)], labels=["INBOX"]
        )
    elif rng.random() < 0.04:
        turn.bcc = [("", f"archive@{catalogue.DOMAIN}")]
    return turn
