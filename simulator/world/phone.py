# ruff: noqa: E501 -- sentences are not broken
"""Calls between a person and the shop: talks, missed calls, voicemails, and the call back."""

from __future__ import annotations

import random
from datetime import datetime

from simulator.channels import VOICE
from simulator.world import catalogue
from simulator.world.people import SHOP_NUMBERS, Person
from simulator.world.turns import CallPlan, Turn

STAFF_CLIENTS = ("client:bec", "client:hamish", "client:workshop_bench")

# As a transcription writes them down: no paragraphs, few commas, now and then a wrong word.
VOICEMAILS = (
    "Hi, it's {name}. I'm ringing about order {order}, just wondering if it's come in yet. You can get me on this number any time after {time}. Thanks, bye.",
    "Hey guys, {first} here. The {bike} is making that noise again, the one from last time. Could somebody call me back when you get a sec? Cheers.",
    "Yeah hi, this is a message for {staff}. It's {first} from {suburb}. I'm running late for my pick up, I'll be there by {time} if the train behaves. Please don't close on me.",
    "Hello, my name is {name}. I saw the {product} on your page and I'd like to know if you have it in {colour}, size {size}. I'll try again tomorrow. Thank you.",
    "G'day, {first} speaking. Just letting you know I can't make {day}, something's come up at work. Can we push the {service} to {other_day}? Give us a ring. Ta.",
    "Hi {staff}, it's {first}. You left me a message about the {part}. Yes please go ahead, {price} dollars is fine, no need to ring back. Thanks heaps.",
    "Um hi, I'm not sure if this is the right number. I've lost a {colour} helmet somewhere between {suburb} and your shop. If anyone hands it in my name's {name}. Okay. Bye.",
    "Hello, it's {first} again, sorry to be a pest. I was told somebody would call me by {time} and it's now gone {other_time}. The order number is {order}. Please call me.",
    "Hi there, {name} calling. I'm planning a ride to {trail} with {n} friends and we'd need to hire bikes for the {date}. Could you tell me what that costs? Thank you.",
    "Hey, {first} here. Quick one. Did I leave my keys on the counter? Little kangaroo on them. Call me, I'm locked out, it's a bit embarrassing actually.",
)
TALKS = (
    "Saltbush Cycles, this is {staff}. Hi {staff}, it's {first}, I'm calling about the {bike}. Sure, what's it doing? It slips under load when I go up the hill in {suburb}. Right, that sounds like the {part}. Can you bring it in {day}? {time} works. Lovely, I'll put you down. Thanks. See you then.",
    "Saltbush, {staff} speaking. Hello, is order {order} ready? Let me look. Yes, it came in yesterday, it's behind the counter under {name}. What do I owe you? {price} dollars. Great, I'll come by after {time}. We close at half past five. No worries.",
    "Good morning, Saltbush Cycles. Hi, I wanted to ask about the {product}. Does it fit somebody who is quite tall? How tall is tall? A hundred and ninety. Then take the large, we have one on the floor in {colour}. Could you hold it until {day}? I'll put your name on it. You're a champion.",
    "Hi {first}, it's {staff} from Saltbush. Oh hi. Your {bike} is on the stand and the {part} is worn right through. How bad is it? I wouldn't ride it home. It's {more} dollars all up with a new one. Okay, do it. It'll be ready {day} at {time}. Thank you for calling.",
    "Saltbush, {staff} here. {first} here, I have a complaint I'm afraid. Oh no, tell me. I picked the {bike} up yesterday and the brakes rub. I'm sorry about that, can you come past today? I can be there at {time}. Ask for me and we'll do it while you wait, no charge. That's decent of you. It's the least.",
    "Hello {first}, {staff} from the bike shop. You rang us? Yes, about the ride on {day}, is it still on with this rain? It's on unless it hails. Meet at {time} at the shop. And it's flat? Mostly flat. Mostly. There is one hill. I knew it.",
)


def plan(rng: random.Random, person: Person, at: datetime) -> list[Turn]:
    """The calls of one matter, one to three of them, at about `at` (aware)."""
    words = catalogue.slots(rng, person, at)
    number = SHOP_NUMBERS[0] if rng.random() < 0.75 else SHOP_NUMBERS[1]
    first = rng.choices(
        ("talk", "missed", "voicemail", "ours", "withheld"), weights=(38, 18, 22, 18, 4)
    )[0]
    if first == "talk":
        return [_call(rng, person, number, _talk(rng, person, words))]
    if first == "withheld":
        hidden = CallPlan(
            rng.choice(("answered", "missed")), rng.randint(9, 60), withheld=_withheld(rng)
        )
        return [_call(rng, person, number, hidden)]
    if first == "ours":
        return [_call(rng, person, number, _ours(rng, person, words), inbound=False)]
    begun = (
        _voicemail(rng, person, words)
        if first == "voicemail"
        else CallPlan(rng.choices(("missed", "busy", "canceled"), weights=(6, 1, 3))[0])
    )
    turns = [_call(rng, person, number, begun)]
    if rng.random() < 0.7:
        back = _call(rng, person, number, _ours(rng, person, words), inbound=False)
        back.gap = rng.expovariate(1 / 3000) + 120
        turns.append(back)
    return turns


def _call(
    rng: random.Random, person: Person, number: str, call: CallPlan, *, inbound: bool = True
) -> Turn:
    assert person.phone, "only people with a phone call"
    theirs, ours = ("", call.withheld or person.phone), ("", number)
    if inbound:
        return Turn(VOICE, "inbound", theirs, [ours], "", call=call)
    if call.via == "client":
        ours = (rng.choice(STAFF_CLIENTS), number)
    return Turn(VOICE, "outbound", ours, [theirs], "", call=call)


def _talk(rng: random.Random, person: Person, words: dict[str, str]) -> CallPlan:
    if rng.random() < 0.12:  # the menu said the opening hours, and that was that
        return CallPlan("menu", rng.randint(8, 30))
    recorded = rng.choices(("", "DialVerb", "StartCallRecordingAPI"), weights=(65, 28, 7))[0]
    spoken = person.language == "en" or rng.random() < 0.5
    return CallPlan(
        "answered",
        rng.randint(35, 420),
        recorded=recorded,
        transcript=rng.choice(TALKS).format_map(words) if recorded and spoken else "",
        forwarded_from=SHOP_NUMBERS[1] if rng.random() < 0.08 else "",
        transferred=rng.random() < 0.06,
    )


def _voicemail(rng: random.Random, person: Person, words: dict[str, str]) -> CallPlan:
    """Twilio transcribes English only, and not always."""
    english = person.language == "en" or rng.random() < 0.4
    text = rng.choice(VOICEMAILS).format_map(words) if english and rng.random() < 0.93 else ""
    return CallPlan("voicemail", rng.randint(7, 55), transcript=text)


def _ours(rng: random.Random, person: Person, words: dict[str, str]) -> CallPlan:
    """A call that the shop makes, mostly from the browser."""
    via = "client" if rng.random() < 0.8 else "api"
    outcome = rng.choices(("answered", "missed", "busy", "failed"), weights=(70, 20, 6, 4))[0]
    if outcome != "answered":
        return CallPlan(outcome, via=via)
    recorded = "DialVerb" if via == "client" and rng.random() < 0.25 else ""
    return CallPlan(
        outcome,
        rng.randint(20, 260),
        via=via,
        recorded=recorded,
        transcript=TALKS[3].format_map(words) if recorded and person.language == "en" else "",
    )


def _withheld(rng: random.Random) -> str:
    """What carriers put where the number should be."""
    return rng.choice(("+266696687", "anonymous", "Restricted", "+7378742833", "+86282452253"))
