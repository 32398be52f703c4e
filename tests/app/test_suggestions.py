"""Suggestions: what speaks for two identities being one person's, in words, and what holds it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from app import read_identity
from app.access.sessions import Viewer
from pipelines.suggestions import find_evidence
from tests.app.conftest import Correspondence
from tests.app.meta_events import CONNECTIONS
from tests.app.meta_events import whatsapp as whatsapp_event
from warehouse import decisions

AT = datetime(2026, 3, 3, 1, tzinfo=UTC)
SAM, KIM = "email:sam@example.com", "email:kim@example.com"


def suggested(correspondence: Correspondence) -> dict[str, tuple[Any, ...]]:
    rows = correspondence.execute(
        "select s.identity, c.name, s.reason, s.score, s.said, s.blocker from marts.link_suggestions as s"
        " join crm.customers as c using (customer_id) order by 1, 2"
    )
    return {f"{row[0]} {row[1]}": row[2:] for row in rows}


def test_signs_are_found_and_held_back(correspondence: Correspondence, agent: Viewer) -> None:
    correspondence.folds_at_once = False
    sam = correspondence.customer("Sam Citizen", SAM)
    correspondence.customer("Kim Example", KIM, "phone:+61491570110")
    # Signed by three mails, and nobody else names it.
    for day in range(3):
        correspondence.mail(
            "sam@example.com", "Order", "Hello\n\nSam Citizen\nM: 0491 570 006", AT + timedelta(days=day),
            name="Sam Citizen",
        )  # fmt: skip
    correspondence.sms("+61491570006", "Where is it?", AT + timedelta(days=20))
    # A family's phone: two people sign with it.
    for who in ("lee", "pat"):
        correspondence.customer(who.title(), f"email:{who}@example.com")
        correspondence.mail(f"{who}@example.com", "Home", "Bye\nHome (02) 5550 1234", AT, name="")
    correspondence.sms("+61255501234", "Hi", AT)
    # The same name, on the same days; and one that two people bear.
    correspondence.mail("sam.private@example.com", "Hi", "no number", AT, name="sam  citizen")
    # Answers to somewhere else; and to an address that many read.
    for number, other in enumerate(("kim.two@example.com", "info@example.com")):
        columns = {"envelope": {
            "from": {"name": "Kim Example", "address": "kim@example.com"}, "to": [{"name": "", "address": "help@example.com"}],
            "cc": [], "bcc": [], "reply_to": [{"name": "", "address": other}], "subject": "Re", "message_id": f"<{number}@example.com>",
        }}  # fmt: skip
        correspondence.mail("kim@example.com", "Re", "see above", AT, columns=columns)
        correspondence.mail(other, "Re", "again", AT)
    # A mail that tells no usable time speaks for no day, and stops nobody.
    for told in ("", "soon", "9" * 40, "-1"):
        columns["internal_date"] = told
        correspondence.mail("kim@example.com", "Re", "when?", AT, columns=columns)
    # A sender without a number is never suggested, whatever it is called.
    correspondence.sms("EXAMPLECO", "Sam Citizen, call 0491 570 006", AT)
    correspondence.fold()
    assert find_evidence(correspondence.settings) > 0
    found = suggested(correspondence)
    assert found["phone:+61491570006 Sam Citizen"] == (
        "signatures at the same time", 0.95, "the signature of 3 mails from sam@example.com names 0491 570 006, first on 3 March 2026", None,
    )  # fmt: skip
    held = found["phone:+61255501234 Lee"]
    assert held[3] == "2 people name +61255501234 as theirs"
    assert found["email:sam.private@example.com Sam Citizen"][0] in (
        "same name at the same time", "same name as the customer",
    )  # fmt: skip
    reply = found["email:kim.two@example.com Kim Example"]
    assert (reply[0], reply[2], reply[3]) == (
        "reply address", "kim@example.com asks for answers at kim.two@example.com in a mail, first on 3 March 2026", None,
    )  # fmt: skip
    assert "several people read" in found["email:info@example.com Kim Example"][3]
    assert not [key for key in found if key.startswith(("alphanumeric", "short_code", "unknown"))]

    # What was decided since counts at once: a no is kept, a yes is no question any more, and undo asks again.
    with agent_connection(correspondence) as database:
        no = decisions.dismiss(database, agent.actor, "phone:+61491570006", sam)
        assert "phone:+61491570006 Sam Citizen" not in suggested(correspondence)
        find_evidence(correspondence.settings)
        assert "phone:+61491570006 Sam Citizen" not in suggested(correspondence)
        assert no
        decisions.undo(database, agent.actor, no, "was right")
        assert "phone:+61491570006 Sam Citizen" in suggested(correspondence)
        # Days are days of CRM_TIMEZONE.
        elsewhere = correspondence.settings.model_copy(update={"timezone": "America/Lima"})
        find_evidence(elsewhere)
        assert (
            "first on 2 March 2026"
            in suggested(correspondence)["phone:+61491570006 Sam Citizen"][2]
        )
        decisions.link(database, agent.actor, "phone:+61491570006", sam, reason="signature")
        assert "phone:+61491570006 Sam Citizen" not in suggested(correspondence)


def test_a_name_confirms_and_a_number_once_named_does_not(
    correspondence: Correspondence, agent: Viewer
) -> None:
    """What a number in a mail is worth: who signs with it, when it wrote, and under which names."""
    with correspondence.together():
        names = {
            "mai": "Mai Tran", "sam": "Sam Citizen", "jo": "Jo Example", "lee": "Lee Wong", "kim": "Kim Hall",
            "ann": "Ann Lev", "max": "Max Hill",
        }  # fmt: skip
        for who, name in names.items():
            correspondence.customer(name, f"email:{who}@example.com")
        # Two customers of one name: that others are called so too says nothing against a number under a signature.
        correspondence.customer("Tran, Mai", "email:other.mai@example.com")
        signs = {"mai": 156, "sam": 157, "lee": 158, "kim": 159, "ann": 110}
        for who, number in signs.items():
            for day in range(3):
                correspondence.mail(
                    f"{who}@example.com", "Order", f"Hello\n\nRegards\nM +61 (0)491 570 {number}",
                    AT + timedelta(days=day), name=names[who] if day else f"{names[who].split()[1]}, {names[who].split()[0]}",
                )  # fmt: skip
        # Once, in one mail of many, a partner's number.
        for day, body in enumerate(("Hello", "Hello", "Hello", "Or call 0491 570 058")):
            correspondence.mail(
                "jo@example.com", "Order", body, AT + timedelta(days=day), name="Jo Example"
            )
        correspondence.sms("+61491570058", "Hi", AT)
        correspondence.sms("+61491570157", "Hi", AT)
        # Half a year later: perhaps it is somebody else's by now.
        correspondence.sms("+61491570158", "Hi", AT + timedelta(days=180))
        # An address that two people write from.
        for name in ("Max Hill", "Eva Hill"):
            correspondence.mail("max@example.com", "Order", "M 0491 570 059", AT, name=name)
        correspondence.sms("+61491570059", "Hi", AT)
        whatsapp = correspondence.connect("whatsapp", **CONNECTIONS["whatsapp"])
        # One writes under the name of who signs, one under another of the family, one under half a name.
        for number, name in ((156, "MAI  tran"), (159, "Zoe Hall"), (110, "A. Lev")):
            event = whatsapp_event("text", {"body": "Hi"}, name=name, user_id=f"AU.{number}")
            told = event["entry"][0]["changes"][0]["value"]
            told["contacts"][0]["wa_id"] = told["messages"][0]["from"] = f"61491570{number}"
            told["messages"][0]["timestamp"] = str(int(AT.timestamp()))
            correspondence.land("whatsapp", whatsapp, event)
    find_evidence(correspondence.settings)
    found = suggested(correspondence)
    # A number alone is never sure: who shares it and signs nothing is seen by nobody. A name that both bear makes it so.
    assert {key: row[1] for key, row in found.items() if row[1] >= 0.95 and row[3] is None} == {
        "phone:+61491570156 Mai Tran": 0.998,
        "phone:+61491570157 Sam Citizen": 0.95,
        "phone:+61491570110 Ann Lev": 0.95,
    }
    assert found["phone:+61491570158 Lee Wong"][:2] == ("signature of another time", 0.7)
    assert found["phone:+61491570158 Lee Wong"][2].endswith(
        "names 0491 570 158, but not while it wrote to us, first on 3 March 2026"
    )
    assert found["phone:+61491570058 Jo Example"][:2] == ("named in a mail", 0.5)
    assert "the names differ: Kim Hall and Zoe Hall" in found["phone:+61491570159 Kim Hall"][3]
    assert "2 people write from max@example.com" in found["phone:+61491570059 Max Hill"][3]
    # What may be accepted together; of two of one name it is the one who signs.
    (sure,) = read_identity.sure_suggestions(agent)
    assert (sure["identity"], sure["name"]) == ("phone:+61491570156", "Mai Tran")
    assert sure["identities"] == ["email:mai@example.com"]


def test_contact_cards_speak_for_whom_they_name(correspondence: Correspondence) -> None:
    with correspondence.together():
        correspondence.customer("Alex Buyer", "email:alex@example.net")
        correspondence.customer("Sam Example", "email:sam@example.com")
        correspondence.customer("Mai Tran", "email:mai@example.com")
        correspondence.customer("Kim Hall", "email:kim@example.com")
        for number in (158, 157, 156):
            correspondence.sms(f"+61491570{number}", "Hi", AT)
        cards = [
            # A card that a third person sent has both: they go together.
            {"name": {"formatted_name": "Alex Buyer"}, "phones": [{"phone": "0491 570 158"}], "emails": [{"email": "Alex@Example.net"}]},
            # Of the sender's own name.
            {"name": {"formatted_name": "Sam  EXAMPLE"}, "emails": [{"email": "sam@example.com"}]},
            # A name alone; and the address of one on a card of another name.
            {"name": {"formatted_name": "Tran, Mai"}, "phones": [{"phone": "x", "wa_id": "61491570157"}]},
            {"vcard": "BEGIN:VCARD\r\nFN:Somebody Else\r\nitem1.TEL;type=CELL:+61 491 570 156\r\nEMAIL:kim@example.com\r\nEND:VCARD"},
            # What is no card.
            {}, {"phones": "none", "emails": [None, {"email": "@"}]},
            # Nobody's card has so many: they are not compared each with each.
            {"phones": [{"phone": f"+6140{number:07}"} for number in range(100)]},
        ]  # fmt: skip
        whatsapp = correspondence.connect("whatsapp", **CONNECTIONS["whatsapp"])
        correspondence.land("whatsapp", whatsapp, whatsapp_event("contacts", cards))
    find_evidence(correspondence.settings)
    found = suggested(correspondence)
    said = found["phone:+61491570158 Alex Buyer"]
    assert (
        said[2].startswith("a contact card names 0491 570 158 as Alex Buyer, first on ")
        and "; a contact card of Alex Buyer names alex@example.net and 0491 570 158, first on "
        in said[2]
    )
    assert (said[0], said[1], said[3]) == ("contact card", 0.93, None)
    own = found["phone:+61491570006 Sam Example"]
    assert (
        own[0] == "own contact card"
        and "0491 570 006 sent a contact card of their own name with sam@example.com" in own[2]
    )
    assert own[1] >= 0.98
    assert found["phone:+61491570157 Mai Tran"][:2] == ("name on a contact card", 0.6)
    other = found["phone:+61491570156 Kim Hall"]
    assert (other[1], other[3]) == (0.93, "the card is of Somebody Else")
    # Who sends another's card is not who stands on it.
    assert not [key for key in found if key.startswith("phone:+61491570006") and "Sam" not in key]
    assert correspondence.execute(
        "select count(*) < 200 from jobs.link_evidence where kind = 'contact card'"
    ) == [(True,)]


def test_a_card_that_came_with_a_mail_speaks_as_one_on_whatsapp(
    correspondence: Correspondence,
) -> None:
    def sent(sender: str, name: str, *cards: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"{name} <{sender}>", "help@example.com", "Card"
        mail["Date"] = "Tue, 3 Mar 2026 12:00:00 +1100"
        mail.set_content("see the card")
        for number, card in enumerate(cards):
            content = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{card}\r\nEND:VCARD\r\n".encode()
            mail.add_attachment(content, "text", "vcard", filename=f"{number}.vcf")
        correspondence.raw_mail(mail.as_bytes(), AT)

    with correspondence.together():
        correspondence.customer("Sam Example", "email:sam@example.com")
        correspondence.customer("Alex Buyer", "email:alex@example.net")
        correspondence.customer("Kim Hall", "email:kim@example.com")
        for number in (156, 157, 158):
            correspondence.sms(f"+61491570{number}", "Hi", AT)
        # Their own, and one of a third person with both; in one mail, so each is a card of its own.
        sent(
            "sam@example.com", "Sam Example", "FN:Sam Example\r\nTEL;TYPE=cell:0491 570 156",
            "FN:Alex Buyer\r\nTEL:+61 491 570 158\r\nEMAIL:alex@example.net",
        )  # fmt: skip
        # Of another name than whom we know by it.
        sent(
            "lee@example.com", "Lee", "FN:Somebody Else\r\nTEL:0491570157\r\nEMAIL:kim@example.com"
        )
    find_evidence(correspondence.settings)
    found = suggested(correspondence)
    own = found["phone:+61491570156 Sam Example"]
    assert (own[0], own[1], own[3]) == ("own contact card", 0.93, None)
    assert "sam@example.com sent a contact card of their own name with 0491 570 156" in own[2]
    other = found["phone:+61491570158 Alex Buyer"]
    assert (other[0], other[1], other[3]) == ("contact card", 0.93, None)
    assert found["phone:+61491570157 Kim Hall"][3] == "the card is of Somebody Else"
    assert not [key for key in found if key.startswith("email:lee")]


def test_one_number_under_the_mails_of_a_thousand_addresses_is_nobodys(
    correspondence: Correspondence,
) -> None:
    """Each would be compared with each."""
    with correspondence.together():
        correspondence.customer("Your Bank", "email:bank0@example.net")
        for number in range(60):
            correspondence.mail(
                f"bank{number}@example.net", "Pay", "Now\n0491 570 156", AT, name="Your Bank"
            )
    find_evidence(correspondence.settings)
    assert correspondence.execute(
        "select count(*) from jobs.link_evidence where kind = 'same number in signatures'"
    ) == [(0,)]


def test_nobody_becomes_a_customer_by_being_named(
    correspondence: Correspondence, agent: Viewer
) -> None:
    """41 receivers of a mail, a sender's name, and the same number on another page: none is linked by any rule."""
    correspondence.folds_at_once = False
    sam = correspondence.customer("Sam Citizen", SAM, "psid:111:222")
    to = [{"name": f"Person {n}", "address": f"p{n}@example.net"} for n in range(41)]
    envelope = {
        "from": {"name": "Sam Citizen", "address": "sam@example.com"}, "to": to, "cc": [], "bcc": [], "reply_to": [],
        "subject": "All", "message_id": "<all@example.com>",
    }  # fmt: skip
    correspondence.mail("sam@example.com", "All", "Hello", AT, columns={"envelope": envelope})
    correspondence.sms("EXAMPLECO", "Sam Citizen", AT)
    correspondence.fold()
    find_evidence(correspondence.settings)
    assert correspondence.execute("select customer_id from crm.customers") == [(sam,)]
    assert correspondence.execute(
        "select count(*) from marts.identities where customer_id is null"
    ) == [(42,)]
    assert suggested(correspondence) == {}
    with agent_connection(correspondence) as database:
        assert decisions.owners(database, ["psid:333:222", "psid:111:222"]).keys() == {
            "psid:111:222"
        }


def agent_connection(correspondence: Correspondence) -> Any:
    import psycopg

    from warehouse.settings import Role

    return psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True)


def test_before_anything_was_built_there_is_nothing_to_look_at(
    correspondence: Correspondence,
) -> None:
    """A worker of a new warehouse begins before its first build ends: that is no failed job."""
    correspondence.execute("alter view canonical.link_evidence rename to not_built_yet")
    try:
        assert find_evidence(correspondence.settings) == -1
    finally:
        correspondence.execute("alter view canonical.not_built_yet rename to link_evidence")
