# ruff: noqa: E501 -- sentences are not broken
"""What else lands in a shop's mailbox and phone: newsletters, spam, bounces, drafts, codes, STOP."""

from __future__ import annotations

import random
from datetime import datetime

from simulator.channels import MAIL, SMS
from simulator.store import files
from simulator.world import catalogue
from simulator.world.people import SHOP_NUMBERS, Person
from simulator.world.turns import Turn

US = ("Saltbush", catalogue.MAILBOX)
# kind -> weight; the sum of all is what `odd` draws from.
MAIL_KINDS = {
    "newsletter": 5,
    "spam": 5,
    "notice": 4,
    "auto_reply": 3,
    "bounce": 3,
    "draft": 3,
    "trash": 3,
    "supplier": 4,
    "internal": 3,
    "note_to_self": 1,
    "crowd": 1,
    "empty": 1,
    "bare": 1,
    "undisclosed": 1,
    "hostile": 1,
    "latin": 1,
    "calendar": 2,
}
SMS_KINDS = {"parcel": 5, "code": 4, "stop": 2, "wrong_number": 2, "liked": 2, "blank_mms": 1}


def odd(rng: random.Random, people: list[Person], at: datetime, *, sms_allowed: bool) -> Turn:
    """One stray message."""
    kinds = {**MAIL_KINDS, **SMS_KINDS} if sms_allowed else MAIL_KINDS
    kind = rng.choices(list(kinds), weights=list(kinds.values()))[0]
    if kind in SMS_KINDS:
        return _sms(kind, rng, people)
    person = rng.choice([p for p in people if p.email])
    turn = _mail(kind, rng, person, catalogue.slots(rng, person, at), at)
    turn.answers = False
    return turn


def _sms(kind: str, rng: random.Random, people: list[Person]) -> Turn:
    person = rng.choice([p for p in people if p.phone])
    sender, text, attached = ("", person.phone or ""), "", []
    if kind == "parcel":
        carrier, slot = rng.choice(catalogue.CARRIERS), rng.choice(catalogue.TIMES)
        sender = ("", carrier)
        text = f"{carrier}: parcel {rng.randint(10**9, 10**10)} for SALTBUSH is out for delivery, expected about {slot}."
    elif kind == "code":
        sender, text = (
            ("", "19970006"),
            f"{rng.randint(100000, 999999)} is your sign-in code. Never share it.",
        )
    elif kind == "stop":
        text = rng.choice(("STOP", "Stop", "STOP ALL", "unsubscribe"))
    elif kind == "wrong_number":
        text = rng.choice(
            (
                "Hi Nan, are we still on for Sunday?",
                "is this Dave from the boat ramp",
                "Did you feed the chooks?",
            )
        )
    elif kind == "liked":
        text = 'Liked "Your bike is ready! Open till 5.30"'
    else:
        attached = [files.photo(f"blank{rng.random()}")]
    return Turn(SMS, "inbound", sender, [("", rng.choice(SHOP_NUMBERS))], text, files=attached)


def _mail(
    kind: str, rng: random.Random, person: Person, words: dict[str, str], at: datetime
) -> Turn:
    assert person.email
    who = (person.name, person.email)
    inbound = Turn(MAIL, "inbound", who, [US], "", language="en", client=person.client)
    if kind == "newsletter":
        number = rng.randint(100, 900)
        inbound.sender, inbound.subject, inbound.shape = (
            ("Trail & Tread Weekly", "news@trailandtread.example.org"),
            f"Trail & Tread {number}: {words['trail']} reopened",
            "list",
        )
        inbound.text = f"This week: {words['trail']} is open again.\n\nWe tested {words['n']} {words['product']}s under ${words['more']}.\n\nA reader from {words['suburb']} writes about the {words['part']}."
        inbound.headers = [
            ("List-Id", "Trail and Tread <weekly.trailandtread.example.org>"),
            (
                "List-Unsubscribe",
                "<https://trailandtread.example.org/u/1>, <mailto:leave@trailandtread.example.org>",
            ),
            ("Precedence", "bulk"),
        ]
        inbound.labels = ["INBOX", "CATEGORY_PROMOTIONS"]
    elif kind == "spam":
        inbound.sender, inbound.subject = (
            ("SEO Experts", f"rank{rng.randint(1, 999)}@example.net"),
            rng.choice(
                (
                    "RE: your website ranking!!",
                    "You have (1) unpaid parcel",
                    "Cheap frames direct from factory",
                )
            ),
        )
        inbound.text, inbound.shape, inbound.labels = (
            "Dear Sir or Madam, we can bring you on page 1 in 7 days. Reply YES.",
            "spam",
            ["SPAM", "UNREAD"],
        )
    elif kind == "hostile":
        inbound.sender, inbound.subject, inbound.shape = (
            ("Billing", "billing@example.net"),
            f"Invoice {words['order']} <script>alert(1)</script>",
            "spam",
        )
        inbound.text = "Please see the invoice below and pay today."
    elif kind == "notice":
        inbound.sender, inbound.subject, inbound.shape = (
            ("Kestrel Bikes (no reply)", "noreply@example.org"),
            f"Shipment {words['order']} left our warehouse",
            "html",
        )
        inbound.text = f"Your shipment {words['order']} with {words['n']} cartons left our warehouse.\n\nExpected on {words['date']}. Please do not answer this mail."
        inbound.headers, inbound.labels = (
            [("Auto-Submitted", "auto-generated")],
            ["INBOX", "CATEGORY_UPDATES"],
        )
    elif kind == "auto_reply":
        inbound.subject = f"Automatic reply: Order {words['order']}"
        inbound.text = f"Thank you for your mail. I am away until {words['date']} and will answer after that.\n\n{person.name}"
        inbound.headers = [
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "junk"),
        ]
    elif kind == "bounce":
        inbound.sender, inbound.subject, inbound.shape = (
            ("Mail Delivery Subsystem", "mailer-daemon@example.com"),
            "Delivery Status Notification (Failure)",
            "bounce",
        )
        inbound.text = f"Address not found\n\nYour message wasn't delivered to {person.email.replace('@', '.old@')} because the address couldn't be found."
        inbound.headers = [
            ("Auto-Submitted", "auto-replied"),
            ("X-Failed-Recipients", person.email.replace("@", ".old@")),
        ]
    elif kind == "draft":
        inbound = Turn(
            MAIL,
            "outbound",
            (f"{words['staff']} at Saltbush", catalogue.MAILBOX),
            [who],
            f"Hi {words['first']},\n\njust checking whether",
            f"About your {words['bike']}",
            labels=["DRAFT"],
        )
    elif kind == "trash":
        inbound.subject, inbound.text, inbound.labels = (
            "Please ignore",
            "Sent to the wrong shop, sorry! Please delete.",
            ["TRASH"],
        )
    elif kind == "supplier":
        inbound.sender, inbound.subject = (
            ("Wirra Components, Accounts", "accounts@wirra.example.net"),
            f"Statement {words['month']}",
        )
        inbound.text, inbound.shape = (
            f"Please find attached the statement for {words['month']}. Total due ${words['more']}.\n\nAccounts",
            "alternative",
        )
        inbound.files = [
            files.document(words["order"], f"Statement {words['month']}", "statement.pdf")
        ]
    elif kind == "internal":
        inbound = Turn(
            MAIL,
            "outbound",
            ("Jo", f"jo@{catalogue.DOMAIN}"),
            [US],
            f"Roster for {words['date']}: {words['staff']} opens, I close. The {words['part']} order is late again.",
            "Roster",
            labels=["INBOX"],
        )
    elif kind == "note_to_self":
        inbound = Turn(
            MAIL,
            "outbound",
            US,
            [US],
            f"Order {words['n']} x {words['part']}. Ring {words['suburb']} about the bench.",
            "Note",
            labels=["SENT", "INBOX"],
        )
    elif kind == "crowd":
        inbound.subject, inbound.text = (
            f"Working bee at {words['trail']}",
            f"Everyone, bring gloves on {words['date']}, {words['time']} at the gate.",
        )
        inbound.to = [US] + [(f"Volunteer {n}", f"volunteer{n}@example.org") for n in range(1, 25)]
        inbound.cc = [(f"Committee {n}", f"committee{n}@example.org") for n in range(1, 16)]
    elif kind == "empty":
        inbound.subject, inbound.files = "", [files.photo(f"empty{words['order']}")]
    elif kind == "bare":
        inbound.subject, inbound.text, inbound.headers = (
            "opening hours?",
            "are you open monday",
            [("X-Simulator-Omit", "Message-ID")],
        )
    elif kind == "undisclosed":
        inbound.to, inbound.subject, inbound.text = (
            [],
            "Market day",
            f"Market day is on {words['date']}, stalls from {words['time']}.",
        )
    elif kind == "latin":
        inbound.sender, inbound.subject, inbound.charset = (
            ("Zoë Müller", "zoe.mueller@example.net"),
            "Größe für Fahrradträger – 54 cm?",
            "windows-1252",
        )
        inbound.text, inbound.shape = (
            "Guten Tag,\n\npasst der Träger auch für „dicke“ Reifen? Preis in € bitte.\n\nViele Grüße\nZoë",
            "html",
        )
    elif kind == "calendar":
        inbound.subject, inbound.shape = (
            f"Invitation: {words['service']} {words['date']}",
            "calendar",
        )
        inbound.text = (
            f"{person.first} invites you: drop off on {words['date']} at {words['time']}."
        )
        inbound.files = [files.invitation(words["order"], at, f"Drop off {words['bike']}")]
    return inbound
