"""Mails of a conversation: greeting, text, details and farewell, as the writer's program sends them."""

from __future__ import annotations

import random
from dataclasses import replace

from simulator.channels import MAIL
from simulator.store import files
from simulator.world import catalogue, languages, stories
from simulator.world.people import Person
from simulator.world.turns import Turn


def mail(
    rng: random.Random,
    person: Person,
    who: str,
    text: str,
    words: dict[str, str],
    language: str,
    *,
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
