"""So many messages at once over all channels, made of a seed alone: the journal keeps the order for
them, not the messages.

Each step of a group is one webhook: `message`, a status, a happening. Whatever the steps tell is in
the record already, as a history would show it afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.channels import INSTAGRAM, MAIL, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.store.call_scribe import write_call
from simulator.store.calls import PhoneCall
from simulator.store.chat_scribe import happenings, write_chat
from simulator.store.chats import EDIT, REACT, UNSEND, Chat, Contact
from simulator.store.records import Mail, Sms
from simulator.store.scribe import digits, write_mail, write_sms
from simulator.world.people import SHOP_NUMBERS, Person
from simulator.world.turns import After, CallPlan, Turn, chat_turn

WEIGHTS = {SMS: 26, VOICE: 12, MAIL: 6, WHATSAPP: 26, INSTAGRAM: 15, MESSENGER: 15}
SPREAD_MS = 3_600_000
STRANGERS = 2000
LARGEST_GROUP = 5
SENTENCES = (
    "Is it ready to pick up?",
    "Running ten minutes late, sorry!",
    "Could you hold one in navy until Saturday?",
    "Merci, see you at the workshop / the lane door",
    "Xe xong chưa shop ơi? 🚲",
    "请问今天几点关门？",
    "The chain slips again, only uphill.",
    "Perfect, thank you so much ❤️",
)


@dataclass
class Group:
    """A record, and how many webhooks tell of it: the first of `steps`, then statuses, then what
    happens."""

    channel: str
    record: Sms | Mail | PhoneCall | Chat
    steps: list[str] = field(default_factory=lambda: ["message"])


def groups(
    people: list[Person],
    *,
    key: str,
    events: int,
    until_ms: int,
    channels: list[str],
    history_id: int,
) -> Iterator[Group]:
    """Groups with exactly `events` steps together, within the hour before `until_ms`."""
    rng = random.Random(f"burst|{key}")
    chosen = [c for c in WEIGHTS if c in channels]
    weights = [WEIGHTS[c] for c in chosen]
    told = number = 0
    while told < events:
        at_ms = until_ms - SPREAD_MS + SPREAD_MS * told // events
        channel = rng.choices(chosen, weights=weights)[0]
        if channel == VOICE and events - told < LARGEST_GROUP and chosen != [VOICE]:
            continue  # a call takes several
        short = events - told < LARGEST_GROUP
        text = f"#{number} {rng.choice(SENTENCES)}"
        each = f"{key}|{number}"
        group = _group(rng, people, channel, text, at_ms, each, short=short)
        if isinstance(group.record, Mail):
            history_id += 1
            group.record.history_id = history_id
        group.steps = group.steps[: events - told]
        told += len(group.steps)
        number += 1
        yield group


def _group(
    rng: random.Random,
    people: list[Person],
    channel: str,
    text: str,
    at_ms: int,
    key: str,
    *,
    short: bool,
) -> Group:
    person = rng.choice(people)
    stranger = rng.randrange(STRANGERS)
    phone = person.phone or f"+6125550{stranger:04d}"
    inbound = short or rng.random() < 0.7
    if channel == SMS:
        return _sms(phone, text, at_ms, key, inbound=inbound)
    if channel == VOICE:
        return _call(rng, phone, at_ms, key)
    if channel == MAIL:
        sender = (person.name, person.email or f"stranger{stranger}@example.org")
        turn = Turn(MAIL, "inbound", sender, [("Saltbush", "hello@saltbush.example.com")], text)
        return Group(MAIL, write_mail(turn, at_ms, key, None, 0))
    contact = person.contact(channel) or Contact(digits(16, channel, stranger), f"Guest {stranger}")
    return _chat(rng, channel, contact, text, at_ms, key, inbound=inbound, short=short)


def _sms(phone: str, text: str, at_ms: int, key: str, *, inbound: bool) -> Group:
    pair = ("", phone), ("", SHOP_NUMBERS[0])
    sender, to = pair if inbound else pair[::-1]
    turn = Turn(SMS, "inbound" if inbound else "outbound", sender, [to], text)
    sms = write_sms(turn, at_ms // 1000, key)
    steps = ["message"] if inbound else ["sent", sms.status]
    return Group(SMS, sms, list(dict.fromkeys(steps)))


def _call(rng: random.Random, phone: str, at_ms: int, key: str) -> Group:
    outcome = rng.choice(("answered", "missed", "voicemail"))
    plan = CallPlan(
        outcome, 0 if outcome == "missed" else rng.randint(9, 90), transcript="Call me."
    )
    turn = Turn(VOICE, "inbound", ("", phone), [("", SHOP_NUMBERS[0])], "", call=plan)
    call = write_call(turn, at_ms // 1000, key)
    # As VoiceWebhooks.tell sends them: action, legs, recording, transcription.
    return Group(VOICE, call, ["call"] * (5 if outcome == "voicemail" else 2))


def _chat(
    rng: random.Random,
    channel: str,
    contact: Contact,
    text: str,
    at_ms: int,
    key: str,
    *,
    inbound: bool,
    short: bool,
) -> Group:
    turn = chat_turn(channel, contact, text, inbound=inbound)
    lot = 1.0 if short else rng.random()
    if lot < 0.1:
        turn.after = [After(REACT, rng.uniform(1, 60), inbound, emoji="👍")]
    elif lot < 0.15 and inbound:
        turn.after = [After(EDIT, rng.uniform(1, 60), False, text=f"{text} (corrected)")]
    elif lot < 0.18 and inbound and channel != MESSENGER:
        turn.after = [After(UNSEND, rng.uniform(1, 60), False)]
    chat = write_chat(turn, at_ms, key, history=False)
    chat.happenings = happenings(turn, chat, key)
    steps = ["message"]
    if not inbound:
        chat.status = rng.choice(("sent", "read"))
        read = {WHATSAPP: ["sent", "delivered", "read"], MESSENGER: ["delivered", "read"]}
        sent = ["sent"] if channel == WHATSAPP else []
        steps += read.get(channel, ["read"]) if chat.status == "read" else sent
    steps += [h.what for h in chat.happenings]
    return Group(channel, chat, steps)


def records(order: dict[str, Any], people: list[Person]) -> list[Group]:
    """The groups of a journal line."""
    return list(
        groups(
            people,
            key=order["key"],
            events=order["events"],
            until_ms=order["until_ms"],
            channels=order["channels"],
            history_id=order["history_id"],
        )
    )
