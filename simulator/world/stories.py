# ruff: noqa: E501 -- sentences are not broken
"""Conversations of the shop in English: a subject, and turns of customer (C) and shop (S).

Each turn has several wordings; the slots in braces are filled by catalogue.slots. Where two turns in a
row have equally many wordings, the second one's answer the first one's in order. A wording that starts
with [photo], [pdf] or [ics] carries such a file.
"""

from __future__ import annotations

from typing import NamedTuple

C, S = "customer", "shop"


class Story(NamedTuple):
    """One kind of conversation. `subjects` are for mail; `turns` are (who, wordings)."""

    name: str
    subjects: tuple[str, ...]
    turns: tuple[tuple[str, tuple[str, ...]], ...]


ENGLISH: tuple[Story, ...] = (
    Story(
        "service",
        ("Booking a {service}", "{service} for my {bike}", "Workshop booking - {bike}"),
        (
            (
                C,
                (
                    "Hi, could I book my {bike} in for a {service}? {day} would be ideal.",
                    "Do you have any room in the workshop this week? My {bike} needs a {service}.",
                    "Hey team, the {bike} is making a horrible noise again, time for a {service} I think. Any spots?",
                    "Is it too late to get a {service} done before {date}? Riding {trail} with friends.",
                ),
            ),
            (
                S,
                (
                    "Hi {first}, we can take it {day} at {time}. A {service} is ${price} plus parts. Suit you? {staff}",
                    "G'day {first}! {day} {time} is free. Drop it at {address}. {staff} at {shop}",
                    "Hello {first}, earliest is {day}, drop off before {time}. We ring before spending more than ${more}. - {staff}",
                ),
            ),
            (
                C,
                (
                    "Perfect, see you {day}.",
                    "Yes please! I'll ride it over before work.",
                    "{time} is a bit early, could I make it {other_time}?",
                    "Great, put me down. Name is {name}.",
                ),
            ),
            (
                S,
                (
                    "Booked. Please bring the key for the battery if there is one.",
                    "No worries, you're in. Reference {order}.",
                    "All good, {other_time} works. See you then!",
                ),
            ),
            (
                S,
                (
                    "[photo]Hi {first}, {staff} here. The {part} is worn right through, photo attached. ${more} all up with a new one. Go ahead?",
                    "Hi {first}, on the stand now. The {part} is cactus I'm afraid. Replace it for ${more} all up?",
                    "Quick one {first}: found play in the {part}. Fix it now, ${more} in total, or leave it?",
                ),
            ),
            (
                C,
                (
                    "Go ahead thanks.",
                    "Oof. OK, do it.",
                    "Can it wait until next month? Money's tight.",
                    "Yes, as long as it's ready by {other_day}.",
                ),
            ),
            (
                S,
                (
                    "Your {bike} is ready! Open till 5.30, {address}. Total ${more}.",
                    "All done {first}, rides like new. Pick up any time from {other_time}.",
                    "Ready when you are. We also adjusted the {part}, no charge.",
                ),
            ),
            (
                C,
                (
                    "Legend, thank you",
                    "Thanks so much, on my way.",
                    "Brilliant. Can my partner pick it up?",
                    "Rode it home, feels amazing. Thank {staff} for me!",
                ),
            ),
        ),
    ),
    Story(
        "order",
        ("Order {order}", "Where is my order {order}?", "Order {order} - {product}"),
        (
            (
                C,
                (
                    "Hi, is order {order} ready for pick up?",
                    "Any news on the {product} I ordered? Number {order}.",
                    "I ordered a {product} in {colour} {weeks} weeks ago and haven't heard a thing. Order {order}.",
                    "Just checking order {order} went through, my card was charged twice I think?",
                ),
            ),
            (
                S,
                (
                    "Hi {first}, it left our supplier yesterday, so {day} at the latest. {staff}",
                    "It's on the truck {first}, {day} if the driver is kind. {staff}",
                    "Hi {first}, sorry about the wait! The {colour} is on back order until {date}. Want the {size} in grey instead?",
                    "Found it. The second charge is only a hold, it drops off in a few days. Order {order} is packed.",
                ),
            ),
            (
                C,
                (
                    "OK, happy to wait.",
                    "Hmm, I need it by {day}. Can I cancel if it's not here?",
                    "Grey is fine!",
                    "Thanks for checking.",
                ),
            ),
            (
                S,
                (
                    "Your order {order} is ready to collect at {address}. Bring the card you paid with.",
                    "[pdf]Order {order} is packed and the invoice is attached. Pick up any day until 5.30.",
                    "Good news, the {product} turned up early. It's behind the counter with your name on it.",
                ),
            ),
            (
                C,
                (
                    "On my way",
                    "Great, will come by on {other_day} arvo.",
                    "You're the best, ta!",
                    "Could you post it to {suburb} instead? Happy to pay.",
                ),
            ),
            (
                S,
                (
                    "Sure, ${price} for postage, sent today. Tracking comes by text.",
                    "See you then!",
                    "Any time {first}.",
                ),
            ),
        ),
    ),
    Story(
        "warranty",
        ("Warranty claim - {product}", "Fault with {product}, order {order}"),
        (
            (
                C,
                (
                    "[photo]Hi there, the zip on my {product} has given up after {weeks} weeks. See photo. Is that covered?",
                    "My {product} has split along the seam. I've used it twice. Receipt says order {order}.",
                    "[photo]The {part} on the {bike} I bought from you in {month} has cracked. Pretty worried about riding it.",
                ),
            ),
            (
                S,
                (
                    "That should not happen, sorry {first}. Could you send a photo of the label and the receipt? {staff}",
                    "Sorry to hear that. Please stop using it and drop it in. We'll lodge it with the maker today.",
                ),
            ),
            (
                C,
                (
                    "[photo]Label attached, hope you can read it.",
                    "[pdf]Here's the receipt I had in my mail.",
                    "I'll bring it in on {day}. Do I need the box?",
                ),
            ),
            (
                S,
                (
                    "Got it, lodged as claim {order}. They usually answer within {n} working days.",
                    "No box needed. If they agree you get a new one or ${price} back, your pick.",
                ),
            ),
            (
                S,
                (
                    "Good news: the maker is replacing it. New one here around {date}.",
                    "They've approved the refund, ${price} back on your card in 3 to 5 days.",
                    "They want to see it first, can take {weeks} weeks. I can lend you one of ours meanwhile.",
                ),
            ),
            (
                C,
                (
                    "Wow, that was quick. Thank you!",
                    "Fair enough, thanks for chasing it.",
                    "Appreciate it. A loan would be great actually.",
                ),
            ),
        ),
    ),
    Story(
        "advice",
        ("Which {product}?", "Advice for {trail}", "Question about the {product}"),
        (
            (
                C,
                (
                    "Hello! We are walking {trail} in {month} with two kids. Which {product} would you take?",
                    "Would the {product} in {size} fit someone who's 178 cm? Between sizes.",
                    "Does the {product} work with a {bike}? Couldn't find it on your page.",
                    "Is the {colour} {product} actually {colour} or more of a brown? Photos differ.",
                ),
            ),
            (
                S,
                (
                    "Hi {first}! With kids I'd pick the lighter one, ${price}. The dear one is only worth it in snow. {staff}",
                    "At 178 I'd go one size up. Come in and try, we have {n} on the floor. {staff}",
                    "It does, with an adapter for ${price}. We fit it while you wait.",
                    "{staff} owns that one: closer to mustard in the sun. Happy to send a photo.",
                ),
            ),
            (
                C,
                (
                    "Ah good to know. What about rain?",
                    "Very helpful. Could you hold one in {size} until {day}?",
                    "Thanks, will have a think and get back to you.",
                    "Yes a photo please",
                ),
            ),
            (
                S,
                (
                    "Fine in showers, not in a proper southerly. Take a fly.",
                    "Held under {name} until {day} close.",
                    "No rush, the price stays until the end of {month}.",
                    "[photo]Here it is next to the window, no filter.",
                ),
            ),
            (
                C,
                (
                    "Sold! Coming in {other_day}.",
                    "Bought it this morning, {staff} was great.",
                    "In the end we found one second hand, but thanks for your time.",
                ),
            ),
        ),
    ),
    Story(
        "hire",
        ("Kayak hire {date}", "Hiring {n} bikes", "Hire enquiry"),
        (
            (
                C,
                (
                    "Do you hire kayaks? Looking at {n} people on {date}.",
                    "Hi, can we hire {n} e-bikes for {day}? Staying in {suburb}.",
                    "What do you charge to hire a roof box for {weeks} weeks?",
                ),
            ),
            (
                S,
                (
                    "We do! ${price} a day each, helmets and vests included. Deposit ${more}.",
                    "Hi {first}, yes. {n} left for that day, ${price} each. Shall I hold them?",
                    "${price} a week, roof bars extra. We fit it to the car for nothing.",
                ),
            ),
            (
                C,
                (
                    "Hold them please, I'll pay tonight.",
                    "Is there a discount for a school group?",
                    "What happens if it rains?",
                    "Great, can we pick up the night before?",
                ),
            ),
            (
                S,
                (
                    "[ics]All held. Calendar invitation attached, bring licence and card.",
                    "Ten per cent off for schools, just bring a letter.",
                    "If it pours or blows over 20 knots we move the booking, no fee.",
                    "Sure, after {other_time} the night before, no extra charge.",
                ),
            ),
            (
                C,
                (
                    "[photo]What a day! Photo from {trail}. Thank you!",
                    "All returned this morning, key is in the box.",
                    "One paddle has a crack, was like that when we got it, just so you know.",
                ),
            ),
            (
                S,
                (
                    "Cheers for telling us, deposit is on its way back.",
                    "Love it! Can we share that on the wall in the shop?",
                ),
            ),
        ),
    ),
    Story(
        "late",
        ("Pick up today?", "Running late"),
        (
            (
                C,
                (
                    "running late sorry, there by {time}",
                    "Traffic is a disaster on the bridge, what time do you close?",
                    "Can someone hold the door till 5.40? Train just stopped.",
                    "omw, 10 min",
                ),
            ),
            (
                S,
                (
                    "No rush, we're here till 6.",
                    "All good, knock on the side door.",
                    "Take your time, {staff} is closing up tonight.",
                ),
            ),
            (C, ("Thank you!!", "ta", "you're a lifesaver", "Here, out the front")),
        ),
    ),
    Story(
        "complaint",
        ("Not happy with the {service}", "Complaint about order {order}", "Feedback"),
        (
            (
                C,
                (
                    "I picked up my {bike} yesterday and the {part} is worse than before. {km} km from home when it went. Not impressed.",
                    "I was told ${price} on the phone and then charged ${more}. Please explain.",
                    "I have now waited {weeks} weeks for a call back. This is not how it used to be with you.",
                ),
            ),
            (
                S,
                (
                    "{first}, that's on us and I'm sorry. Can we collect the bike tomorrow and put it right at no cost? {staff}",
                    "I'm sorry {first}. I've looked at the job card: the second figure includes the {part}. We should have rung first. I'll refund the difference.",
                    "You are right, and I apologise. I'm on it now and will ring you before {time}.",
                ),
            ),
            (
                C,
                (
                    "Thank you for answering so quickly. Tomorrow after {other_time} works.",
                    "OK. I appreciate the honesty.",
                    "Alright, let's see.",
                ),
            ),
            (
                S,
                (
                    "Refund done, ${price}. Thanks for the chance to mend it.",
                    "Van comes between {time} and {other_time}.",
                ),
            ),
            (C, ("All sorted now, bike is perfect. No hard feelings.", "Received, thank you.")),
        ),
    ),
    Story(
        "fleet",
        (
            "Quote: {n} bikes for our office",
            "Fleet servicing quote",
            "Request for quotation {order}",
        ),
        (
            (
                C,
                (
                    "We would like a quotation for {n} commuter bikes with locks and lights for our {suburb} office, delivered by {date}. Please include servicing twice a year. Our purchasing team needs the ABN and a delivery date in writing.",
                    "Could you quote for servicing {n} pool bikes on site? They live in a basement in {suburb}, lift access from the lane.",
                ),
            ),
            (
                S,
                (
                    "[pdf]Thank you for asking us. The quotation is attached, valid for 30 days. Delivery to {suburb} is included. Happy to walk through it on the phone.",
                    "[pdf]Quote {order} attached: ${price} per bike per visit, parts at cost. We can start the week of {date}.",
                ),
            ),
            (
                C,
                (
                    "Thanks, passed on to finance. One question: does the warranty cover theft of the battery?",
                    "Could you split the invoice in two financial years?",
                    "Approved. Purchase order to follow.",
                ),
            ),
            (
                S,
                (
                    "Theft is not covered by the maker, but the lock comes with a cover of its own. Details on page 2.",
                    "No problem, two invoices it is.",
                    "Wonderful. We'll order the frames today.",
                ),
            ),
            (
                C,
                (
                    "[pdf]Purchase order attached.",
                    "Great, please go ahead.",
                    "Let's talk {day} at {time}.",
                ),
            ),
        ),
    ),
    Story(
        "voucher",
        ("Gift voucher", "Present for my sister"),
        (
            (
                C,
                (
                    "Do you sell gift vouchers? Need one by tomorrow!",
                    "What would you give a 9 year old who loves bikes? About ${price}.",
                ),
            ),
            (
                S,
                (
                    "We do, any amount. I can mail it in five minutes.",
                    "A bell, a bottle and a workshop lesson. Kids love the lesson.",
                ),
            ),
            (C, ("${price} please, for Rosa.", "Genius. Book the lesson for {day}?")),
            (
                S,
                (
                    "[pdf]Here you go, the voucher is attached. Code {order}.",
                    "Done, {day} {time}. She gets to take a hub apart.",
                ),
            ),
            (C, ("She loved it", "Thank you thank you", "Perfect")),
        ),
    ),
    Story(
        "found",
        ("Lost property", "Did I leave my glove?"),
        (
            (
                C,
                (
                    "Did I leave a {colour} glove on the counter?",
                    "I think my helmet is still at your place?",
                    "Has anyone handed in a key with a little kangaroo on it?",
                ),
            ),
            (
                S,
                (
                    "[photo]This one?",
                    "Yes! It's in the drawer with your name on.",
                    "Not that we've seen, but I'll ask {staff}.",
                ),
            ),
            (
                C,
                (
                    "YES. thank you!",
                    "That's it, will get it on {day}.",
                    "Bugger. Thanks for looking.",
                ),
            ),
        ),
    ),
    Story(
        "ride",
        ("Saturday ride", "Group ride on {day}"),
        (
            (
                C,
                (
                    "Is the ride on {day} still on with this weather?",
                    "How hilly is {trail}? Bringing my mum on the e-bike.",
                ),
            ),
            (
                S,
                (
                    "On unless it hails. Meet {time} at the shop.",
                    "{km} km, two real hills, coffee in the middle.",
                    "Moved to {other_day}, the creek is up.",
                ),
            ),
            (C, ("Count me in!", "We're {n}, with one trailer.", "Might skip this one then.")),
            (
                C,
                (
                    "[photo]From the lookout. Best morning in ages.",
                    "That was {km} km and my legs know it.",
                    "Same again next week?",
                ),
            ),
        ),
    ),
)

MAIL_DETAILS = (
    "The model is the one with the {colour} frame, size {size}; I have had it since I lived in {suburb}.",
    "I usually ride it about {km} km a week, mostly {trail}, and it stays outside under a cover.",
    "I looked at the opening hours on your page but they seem to be the ones from last summer.",
    "My neighbour in {suburb} recommended you, she said to ask for {staff}.",
    "If it is easier, ring me after {other_time}; I can't pick up at work.",
    "I am away from {date} for {n} days, so before or after that would be best.",
    "By the way, the new coffee machine in the shop is a very dangerous idea for my wallet.",
    "Last time the whole thing came to ${price}, is that still about right?",
    "For the record: order number {order}, paid with the card ending in 4242.",
    "I hope that's everything you need. If not, just shout.",
)
SHOP_DETAILS = (
    "We are open Monday to Saturday, 8 to 5.30, and the workshop bell is on the lane side.",
    "Parking is easiest behind the bakery; the lane itself is residents only until 6.",
    "Prices include GST. We never do more work than we have told you about.",
    "If you'd rather text, this conversation also works on our mobile number.",
    "The workshop is full most of {month}, so tell us early if {day} changes for you.",
    "There is a loan bike if you need one, first come first served.",
    "A small thing: your front tyre has about {km} km left in it, nothing urgent.",
)
LONG_PARAGRAPHS = (
    "Let me tell it from the beginning, because I think the order of things matters here. I bought the {bike} from you in {month}, {staff} set it up, and for the first {weeks} weeks it was a joy. Then on the way to {suburb} the {part} started to click under load, only in the two smallest gears and only when it was cold.",
    "I then did what one does and read far too many pages on the internet. Half of them said the {part}, the other half said the frame, and one very certain gentleman said it was the moon. I tightened what could be tightened, greased what could be greased, and the noise moved from the left to the right.",
    "On {day} I rode {trail}, {km} km there and back, with a friend behind me who listened. Her verdict: it clicks once per turn of the crank, not of the wheel. At {time} it stopped for a while, at {other_time} it came back, louder.",
    "What I would like, in this order: first, that somebody with better ears than mine rides it round the block; second, an honest figure before anything is unscrewed; third, if it is the {part}, to know whether the maker still stands behind it; and fourth, a loan bike, since I have no car and the bus to {suburb} is a work of fiction.",
    "None of this is a complaint. You have always been good to me, and the {product} I took home last time has been up every hill between here and the sea. I only write at this length because my daughter says that if I tell her about the click once more she will move out.",
    "I attach nothing, since a photograph of a noise is no use to anyone, but I have a recording on my phone that I can play to you. It sounds like a small dog with a walnut.",
)
EMOJI = (
    "👍",
    "🚲",
    "😊",
    "🙏",
    "🎉",
    "😅",
    "👍🏽",
    "🚵‍♀️",
    "👨‍👩‍👧",
    "🏕️",
    "❤️",
    "🤷🏻‍♂️",
    "🇦🇺",
    "🌧️",
    "👩🏾‍🔧",
)
