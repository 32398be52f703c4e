# ruff: noqa: E501 -- sentences are not broken
"""The last days of one customer, Mai Tran, written by hand: every kind of content in one timeline."""

from __future__ import annotations

from typing import Any

from simulator import files
from simulator.catalogue import MAILBOX
from simulator.channels import MAIL, SMS
from simulator.people import HERO_PHONE, SHOP_NUMBERS, Person
from simulator.turns import Turn

SUBJECT = "Cargo bike for the three of us 🚲 (long, sorry!)"
LONG = """Hi Bec,

you said to write it all down, so here it is, with a cup of tea next to me.

We are three: me (158 cm), Minh who is seven and Lily who is four and believes that helmets are a suggestion. The school is 4 km away, all of it on the Cooks River path except for the last bit up Wardell Road, which is where I give up on the old steel tourer every single morning.

What I am looking for, from important to nice:

 1. I can hold it upright with both children on the back, at the lights, on a hill, in the rain.
 2. It fits the side passage, which is 74 cm at the gate. I measured it twice. Photo attached.
 3. The battery comes out and goes up the stairs with me. Please not the 5 kg one.
 4. A frame lock. And a second lock. This is Marrickville.
 5. Ochre, if it exists. If not, anything but white.

What I am afraid of: the price, to be honest. Your page says $5,290 for the long one. Is there any way to pay it over the year? I could also wait for an ex-demo one, we managed so far, a few more weeks will not hurt anybody but my knees.

My mother (bà ngoại của hai đứa) would like to know whether the seat in front can take a grown woman with shopping. I told her I would ask. So I am asking. 😅

Minh drew you a picture of the bike he has in mind. It has a sail, which I realise you may not stock.

I could come in on Saturday morning for a test ride, with both of them, if you think your nerves can take it.

Thank you for being so patient with us,
Mai

Mai Tran
0491 570 006"""


def script(person: Person) -> list[tuple[float, Turn]]:
    """(hours before the anchor, turn), oldest first."""
    me, shop = ("", HERO_PHONE), ("", SHOP_NUMBERS[0])
    writer, bec = (person.name, "mai.tran@example.com"), ("Bec at Saltbush", MAILBOX)

    def text(
        hours: float, body: str, *, inbound: bool = True, photos: int = 0
    ) -> tuple[float, Turn]:
        sender, to = (me, shop) if inbound else (shop, me)
        attached = [files.photo(f"hero{hours}{n}") for n in range(photos)]
        return hours, Turn(
            SMS, "inbound" if inbound else "outbound", sender, [to], body, files=attached
        )

    def mail(hours: float, body: str, *, inbound: bool = True, **more: Any) -> tuple[float, Turn]:
        sender, to = (writer, ("Saltbush", MAILBOX)) if inbound else (bec, writer)
        turn = Turn(
            MAIL,
            "inbound" if inbound else "outbound",
            sender,
            [to],
            body,
            SUBJECT,
            shape="alternative",
            **more,
        )
        return hours, turn

    return [
        text(
            77.5,
            "Hi it's Mai! The steel tourer died on Wardell Rd, chain everywhere 😩 Can I bring it in?",
        ),
        text(77.2, "Oh no Mai! Yes, any time today. Are you all OK? Bec", inbound=False),
        text(77.1, "All fine, the kids think it was the best ride ever 👩‍👧‍👦", photos=1),
        text(
            74.6,
            "Chain and cassette are done for: $129 for both. Or we talk about that cargo bike 😉",
            inbound=False,
        ),
        text(
            74.5,
            "Hmm. Mending first please. And I will write you a mail tonight about the cargo bike, có nhiều câu hỏi lắm 🙏",
        ),
        mail(
            65.3,
            LONG,
            answers=False,
            files=[files.photo("hero-gate"), files.picture("hero-drawing", "minh-bike.png")],
        ),
        mail(
            50.1,
            "Hi Mai,\n\nbest mail of the week, and the drawing hangs over the till already.\n\nShort answers: yes, it passes a 74 cm gate (68 at the bars). Yes, the battery is 2.9 kg. Ochre exists. The front box takes 80 kg, so your mother is invited.\n\nThe quote is attached, with twelve payments and no interest. An ex-demo one comes free at the end of the month for $4,450.\n\nSaturday at 9 before it gets busy?\n\nBec",
            inbound=False,
            files=[
                files.document(
                    "hero-quote", "Quote 7431: cargo bike, ochre, frame lock", "quote-7431.pdf"
                )
            ],
        ),
        mail(
            47.9,
            "Saturday at 9 is perfect. We take the ex-demo one if everybody survives the test ride.\n\nOne more: can you fit a bell that a four year old can reach but not reach all the time?\n\nMai",
        ),
        text(29.0, "Your steel tourer is ready Mai, $129. Open till 5.30. Bec", inbound=False),
        text(28.4, "Picked up, goes like butter. Cảm ơn shop nhiều nha! ❤️🚲"),
        mail(
            25.6,
            "Booked! I put it into your calendar too.\n\nThe bell is a solved problem.\n\nBec",
            inbound=False,
            files=[],
        ),
        text(
            4.2,
            "We are outside, ten minutes early, Lily has already chosen a helmet through the window 🪟👧🏻",
        ),
        text(4.1, "Haha, opening the door now!", inbound=False),
        text(2.3, "First ride home!! 🎉 Three of us, one bag of mangoes, zero tears", photos=2),
        text(2.2, "That made our whole day. Can we print the second one?", inbound=False),
        text(2.1, "Of course! Minh wants his autograph on it 😄"),
        mail(
            1.2,
            "Hi Bec,\n\nwe have decided (it was never in doubt). Please take the deposit from the card on file and keep the ex-demo one for us.\n\nBà ngoại says thank you, and that the seat is softer than her sofa.\n\nMai",
        ),
        mail(
            0.6,
            "Done, it is yours! Deposit receipt attached. We'll text when it's washed and ready.\n\nBec",
            inbound=False,
            files=[files.document("hero-receipt", "Deposit receipt 7431", "receipt-7431.pdf")],
        ),
        text(0.2, "Got the receipt 🙏 Counting the days!"),
    ]
