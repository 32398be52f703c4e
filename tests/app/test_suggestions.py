"""Suggestions: what speaks for two identities being one person's, in words, and what holds it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.access.sessions import Viewer
from pipelines.suggestions import find_evidence
from tests.app.conftest import Correspondence
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
    correspondence.sms("+61491570006", "Where is it?", AT + timedelta(days=200))
    # A family's phone: two people sign with it.
    for who in ("sam", "kim"):
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
        "signatures", 0.97, "the signature of 3 mails from sam@example.com names 0491 570 006, first on 3 March 2026", None,
    )  # fmt: skip
    held = found["phone:+61255501234 Sam Citizen"]
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
