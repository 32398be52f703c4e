# ruff: noqa: E501 -- sentences are not broken
"""The last days of one customer, Mai Tran, written by hand: six channels, every kind of content, one
timeline."""

from __future__ import annotations

from typing import Any

from simulator.channels import INSTAGRAM, MAIL, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.store import files
from simulator.store.chats import EDIT, REACT, UNREACT, UNSEND
from simulator.world.catalogue import MAILBOX
from simulator.world.people import HERO_PHONE, SHOP_NUMBERS, Person
from simulator.world.turns import After, CallPlan, Turn, chat_turn

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


# As the transcriptions write it down.
TALK = "Saltbush Cycles, this is Bec. Bec, it's Mai, I just texted you, I'm standing on Wardell Road with a chain in my hand. Oh no, are the kids with you? They are, they think it's the best thing that ever happened. Okay. Is there a quick link in the little bag under the saddle? There's a muesli bar under the saddle. Right. Can you push it to Foundry Lane? It's all downhill from you. I can push it. Then come whenever you like, I'll put the kettle on and Hamish has a look while you wait. And Mai, don't let Lily hold the chain. She's already holding the chain. See you in twenty minutes. Thank you, you're a lifesaver."
VOICEMAIL = "Hi Bec, it's Mai Tran, it's gone six so you're probably all at home. Two things. My mother would like to come along on Saturday, and she'd like to ask about the front box herself, so is there anybody who speaks a bit of Vietnamese, or shall I translate. And the second thing, I forgot the second thing. Ring me or send me a WhatsApp, that's easier, I never hear the phone on the bike. Okay. Thank you. Bye bye."


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

    def chat(
        hours: float, channel: str, body: str, *, inbound: bool = True, **more: Any
    ) -> tuple[float, Turn]:
        contact = person.contact(channel)
        assert contact
        return hours, chat_turn(channel, contact, body, inbound=inbound, **more)

    def call(hours: float, plan: CallPlan, *, inbound: bool = True) -> tuple[float, Turn]:
        if inbound:
            return hours, Turn(VOICE, "inbound", me, [shop], "", call=plan)
        return hours, Turn(VOICE, "outbound", ("client:bec", shop[1]), [me], "", call=plan)

    return [
        text(
            77.5,
            "Hi it's Mai! The steel tourer died on Wardell Rd, chain everywhere 😩 Can I bring it in?",
        ),
        call(77.4, CallPlan("answered", 96, recorded="DialVerb", transcript=TALK)),
        text(77.2, "Kettle is on. Side door, mind the step with the pram. Bec", inbound=False),
        text(77.1, "Ten minutes! The kids say it was the best ride ever 👩‍👧‍👦", photos=1),
        text(
            74.6,
            "Chain and cassette are done for: $129 for both. Or we talk about that cargo bike 😉",
            inbound=False,
        ),
        text(
            74.5,
            "Hmm. Mending first please. And I will write you a mail tonight about the cargo bike, có nhiều câu hỏi lắm 🙏",
        ),
        chat(
            73.2,
            INSTAGRAM,
            "",
            kind="story_mention",
            files=[files.photo("hero-story")],
            extra={"story_id": "17912345678900417"},
        ),
        chat(
            73.0,
            INSTAGRAM,
            "Best workshop assistants we ever had 🥹 Tell Lily the yellow bell is hers now.",
            inbound=False,
            after=[After(REACT, 95, False, emoji="❤️")],
        ),
        chat(72.8, INSTAGRAM, "She rang it until bedtime. Thank you. I think.", replies=True),
        mail(
            65.3,
            LONG,
            answers=False,
            files=[files.photo("hero-gate"), files.picture("hero-drawing", "minh-bike.png")],
        ),
        chat(
            64.9,
            MESSENGER,
            "One more before I sleep: does the long one take two chairs at the back, side by side?",
            after=[
                After(
                    EDIT,
                    48,
                    False,
                    text="One more before I sleep: does the long one take two child seats at the back, side by side?",
                )
            ],
        ),
        chat(
            57.6,
            MESSENGER,
            "Morning Mai! One behind the other, with a bench for when they are too big for seats. Side by side they fight, we have data. Bec",
            inbound=False,
            after=[
                After(REACT, 400, False, emoji="😂"),
                After(UNREACT, 460, False),
                After(REACT, 471, False, emoji="👍"),
            ],
        ),
        chat(57.4, MESSENGER, "The data is from our back seat 😅", replies=True),
        call(52.3, CallPlan("voicemail", 34, transcript=VOICEMAIL)),
        chat(
            51.0,
            WHATSAPP,
            "Hi Mai, Priya here. Got your voicemail! Luka's partner is from Huế and works Saturdays, so bà ngoại can ask whatever she likes. What was the second thing?",
            inbound=False,
        ),
        chat(
            50.8,
            WHATSAPP,
            "Spring rolls. She wants to know how many of you there are. That was the second thing.",
            after=[After(REACT, 60, True, emoji="❤️")],
        ),
        chat(50.7, WHATSAPP, "Five. On Saturdays six. 🙏", inbound=False, replies=True),
        chat(
            50.5,
            WHATSAPP,
            "",
            kind="contacts",
            extra={
                "cards": [{"name": "Trần Thị Hoa (bà ngoại)", "phone": "+61255509201", "email": ""}]
            },
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
        chat(
            49.8,
            WHATSAPP,
            "The passage with the tape in it, so that you believe me 📏",
            files=[files.photo("hero-passage")],
        ),
        chat(
            49.6,
            WHATSAPP,
            "74 on the nose. It goes through, knees in. We tried it with our own gate at lunch.",
            inbound=False,
            replies=True,
            after=[After(REACT, 35, False, emoji="😮"), After(UNREACT, 52, False)],
        ),
        mail(
            47.9,
            "Saturday at 9 is perfect. We take the ex-demo one if everybody survives the test ride.\n\nOne more: can you fit a bell that a four year old can reach but not reach all the time?\n\nMai",
        ),
        chat(
            47.0,
            WHATSAPP,
            "",
            kind="location",
            extra={
                "latitude": -33.9103,
                "longitude": 151.1553,
                "name": "Steel Park",
                "address": "Illawarra Road, Marrickville NSW 2204",
            },
        ),
        chat(
            46.9,
            WHATSAPP,
            "Could we start here instead of the lane? Sunday 9, flat path, and a playground to bribe them with",
            after=[
                After(
                    EDIT,
                    21,
                    False,
                    text="Could we start here instead of the lane? Saturday 9, flat path, and a playground to bribe them with",
                )
            ],
        ),
        chat(
            46.6,
            WHATSAPP,
            "Saturday 9, Steel Park, at the water fountain. Hamish brings the ex-demo one and a lot of patience.",
            inbound=False,
        ),
        text(29.0, "Your steel tourer is ready Mai, $129. Open till 5.30. Bec", inbound=False),
        text(28.4, "Picked up, goes like butter. Cảm ơn shop nhiều nha! ❤️🚲"),
        chat(
            27.9,
            INSTAGRAM,
            "Look at that chain. I could eat off it.",
            files=[files.photo("hero-chain"), files.photo("hero-chain-2")],
            after=[After(REACT, 240, True, emoji="❤️")],
        ),
        chat(
            27.5,
            INSTAGRAM,
            "Her antibiotics are in the blue bag, 5 ml at six, and NOT with milk please. I am home by seven",
            after=[After(UNSEND, 44, False)],
        ),
        chat(27.4, INSTAGRAM, "Sorry, that was for my sister 🙈 Forget you saw it"),
        chat(27.2, INSTAGRAM, "Saw what? 😇", inbound=False, replies=True),
        mail(
            25.6,
            "Booked! I put it into your calendar too.\n\nThe bell is a solved problem.\n\nBec",
            inbound=False,
            files=[],
        ),
        call(24.6, CallPlan("missed", via="client"), inbound=False),
        chat(
            24.3,
            WHATSAPP,
            "",
            kind="audio",
            files=[files.voice_note("hero", 11)],
            extra={"voice": True},
        ),
        chat(
            24.2,
            WHATSAPP,
            "Ha, no rush, keep riding. I only rang about Lily's helmet: 46 or 48 cm round the head?",
            inbound=False,
            replies=True,
        ),
        chat(
            24.0,
            WHATSAPP,
            "46. With the curls 48.",
            after=[After(REACT, 18, True, emoji="😂")],
        ),
        text(
            4.2,
            "We are at the fountain, ten minutes early, Lily has already told Hamish where to sit 👧🏻",
        ),
        text(4.1, "Haha, he says yes ma'am. Enjoy!", inbound=False),
        chat(
            3.1,
            INSTAGRAM,
            "That is bà ngoại in the front box!! She wants this picture on paper",
            kind="story_reply",
            extra={"story_id": "17912345678900533"},
        ),
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
        chat(
            0.4,
            MESSENGER,
            "Receipt is here! Is the battery charged on the day or do I bring an extension lead?",
        ),
        chat(
            0.3, MESSENGER, "Charged to the brim, and a muesli bar under the saddle.", inbound=False
        ),
        text(0.2, "You remembered the muesli bar 🙏 Counting the days!"),
    ]
