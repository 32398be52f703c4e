"""A conversation between a person and the shop, turn by turn, on one channel or first one, then
another."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime, timedelta

from simulator.channels import CHANNELS, CHATS, INSTAGRAM, MAIL, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.store import files
from simulator.store.records import File
from simulator.world import catalogue, chatter, languages, letters, stories
from simulator.world.people import SHOP_NUMBERS, Person
from simulator.world.turns import Turn, chat_turn

# How often a conversation begins on which channel, where the person has the choice.
CHOICE = {SMS: 44, MAIL: 24, WHATSAPP: 20, MESSENGER: 11, INSTAGRAM: 11}


def reachable(person: Person, allowed: Collection[str] = CHANNELS) -> list[str]:
    """The channels of `allowed` on which this person can be written to."""
    has = {
        SMS: person.phone is not None,
        MAIL: person.email is not None,
        VOICE: person.phone is not None,
        **{channel: person.contact(channel) is not None for channel in CHATS},
    }
    return [channel for channel in CHANNELS if channel in allowed and has[channel]]


def plan(
    rng: random.Random,
    person: Person,
    at: datetime,
    *,
    allowed: Collection[str] = CHANNELS,
    first_on: str | None = None,
) -> list[Turn]:
    """The turns of one written conversation that starts at about `at` (aware). None where none of
    the allowed channels reaches this person. With `first_on` it begins on that channel, if it may,
    and in the person's own language."""
    channels = [c for c in reachable(person, allowed) if c in CHOICE]
    if not channels:
        return []
    home = person.language != "en" and (
        rng.random() < (0.35 if person.hero else 0.6) or first_on is not None
    )
    language = person.language if home else "en"
    told = languages.STORIES[language] if home else stories.ENGLISH
    story = rng.choice(told)
    words = catalogue.slots(rng, person, at, language)
    channel = rng.choices(channels, weights=[CHOICE[c] for c in channels])[0]
    if first_on in channels:
        channel = first_on
    switch = rng.randint(2, 6) if len(channels) > 1 and rng.random() < 0.25 else 99
    subject = rng.choice(story.subjects).format_map(words)
    number = SHOP_NUMBERS[0] if rng.random() < 0.8 else SHOP_NUMBERS[1]
    shop_box = rng.choices((catalogue.MAILBOX, *catalogue.ALIASES), weights=(8, 1, 1))[0]
    turns: list[Turn] = []
    said = (0, 0)  # which of how many wordings the turn before chose
    for index, (who, wordings) in enumerate(story.turns):
        if index > 1 and rng.random() < 0.12:
            continue
        if index == switch:
            channel = rng.choice([c for c in channels if c != channel])
        chosen = said[0] if said[1] == len(wordings) else rng.randrange(len(wordings))
        said = (chosen, len(wordings))
        text, attached = _attachments(rng, wordings[chosen].format_map(words), words, at)
        if who == stories.C and language == "en":
            text = _voiced(rng, person, text)
        if channel == MAIL:
            long = who == stories.C and index == 0 and rng.random() < 0.06
            turn = letters.mail(rng, person, who, text, words, language, box=shop_box, long=long)
            turn.subject = subject
        else:
            turn = _short(channel, person, who, text, language, number=number)
        turn.files = [f for f in attached if _takes(channel, f)]
        turn.gap = _gap(rng, channel) if turns else 0.0
        turns.append(turn)
    chatter.enliven(rng, person, turns)
    return turns


def _takes(channel: str, file: File) -> bool:
    """Which files can be sent on which channel."""
    if channel == MAIL:
        return True
    is_image = file.content_type.startswith("image/")
    return is_image or (channel in (WHATSAPP, MESSENGER) and file.content_type == "application/pdf")


def _gap(rng: random.Random, channel: str) -> float:
    if channel != MAIL:
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


def _short(
    channel: str, person: Person, who: str, text: str, language: str, *, number: str
) -> Turn:
    """A text message or a chat message."""
    inbound = who == stories.C
    if channel != SMS:
        contact = person.contact(channel)
        assert contact, "only people with an account there write on a chat channel"
        return chat_turn(channel, contact, text, inbound=inbound, language=language)
    assert person.phone, "only people with a phone text"
    theirs, ours = ("", person.phone), ("", number)
    if inbound:
        return Turn(SMS, "inbound", theirs, [ours], text, language=language)
    return Turn(SMS, "outbound", ours, [theirs], text, language=language)
