"""A name typed twice is not a person: wherever customers are named, two of one name are told apart."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from app import read, read_events, read_identity, read_privacy
from app.access.sessions import Viewer
from app.views import card_html, event_html, list_html, privacy_html
from pipelines.suggestions import find_evidence
from tests.app.conftest import Correspondence
from tests.app.drawn import Elements
from warehouse import decisions, event_log
from warehouse.queries import FOLDER, queries
from warehouse.settings import Role

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
SYDNEY = ZoneInfo("Australia/Sydney")
ONE, TWO = "0491570006", "0491570156"
#: Names that stand alone: a customer's own card, whose page it is, and what is asked within a destruction.
OF_ONE = {
    ("customer_card", "card_customer"), ("customer_card", "card_merged"), ("cases", "customer"),
    ("privacy", "marked_customers"),
}  # fmt: skip


def test_whatever_names_customers_has_something_else_about_them() -> None:
    naming = re.compile(
        r"\bcustomers\.name\b|\bcustomer_name\b|select[^;]*\bname\b[^;]*from crm\.customers"
    )
    found = {
        (file.stem, name)
        for file in FOLDER.glob("*.sql")
        for name, query in queries(file.stem).items()
        if naming.search(query)
    }
    assert len(found) > 20
    assert {
        (file, name)
        for file, name in found
        if not re.search(r"identit|known_by", queries(file)[name])
    } == OF_ONE


def test_two_of_one_name(correspondence: Correspondence, agent: Viewer) -> None:
    both = [correspondence.customer("Mai Tran", f"phone:+61{number[1:]}") for number in (ONE, TWO)]
    never = correspondence.customer("MAI TRAN")
    with correspondence.together():
        for day in range(3):
            correspondence.sms("+61491570006", "hello", AT + timedelta(days=day))
        correspondence.sms("+61491570156", "hello", AT)
        correspondence.mail("mai@example.com", "Hi", "Hello", AT, name="Mai Tran")
    find_evidence(correspondence.settings)
    officer = correspondence.signed_in("olive", "privacy_officer")
    with psycopg.connect(
        correspondence.settings.url_for(Role.APP),
        autocommit=True,
        row_factory=psycopg.rows.dict_row,
    ) as database:
        for customer_id in (*both, never):
            decisions.open_case(
                database, officer.actor, customer_id, asked_by="by mail", kind="correction"
            )
            decisions.place_hold(
                database, officer.actor, customer_id=customer_id, reason="Claim 17"
            )
            decisions.ask_destruction(database, officer.actor, customer_id, "asked for it")

    def apart(drawn: list[str]) -> None:
        """Each has of its own what it is known by, and nothing of the others'."""
        known = (ONE[1:], TWO[1:], never[:8])
        told = [[each for each in known if each in Elements(html).text] for html in drawn]
        assert sorted(told) == sorted([each] for each in known), told

    now = datetime.now(UTC)
    found = read.customers(agent, "mai tran")
    assert list_html.namesakes(found.rows) == {*both, never}
    apart([list_html.customer(row, SYDNEY, now, tells_apart=True) for row in found.rows])
    apart([list_html.choice(row, SYDNEY) for row in found.rows])
    (suggested,) = read_identity.suggestions(agent, ["email:mai@example.com"]).values()
    for row in suggested:
        drawn = Elements(card_html.suggestion(row, SYDNEY, now)).text
        assert any(each[1:] in drawn for each in (ONE, TWO)) or "no address" in drawn

    cases = read_privacy.requests(officer).cases
    apart([privacy_html.case_line(row, SYDNEY, now, is_chosen=False) for row in cases])
    apart([privacy_html.case(row, SYDNEY, now) for row in cases])
    kept = read_privacy.kept(officer)
    apart([privacy_html.hold(row, SYDNEY) for row in kept.holds])
    apart([privacy_html.task(row, SYDNEY, now) for row in kept.tasks])

    # In the log: two of one name on a page, and who is asked for.
    asked = event_log.Asked(action="customer.search")
    seen = read_events.events(officer, asked)
    assert sorted(seen.names.values()) == sorted(
        f"{name} ({known})"
        for name, known in (
            ("Mai Tran", f"+61{ONE[1:]}"), ("Mai Tran", f"+61{TWO[1:]}"), ("MAI TRAN", never[:8]),
        )
    )  # fmt: skip
    drawn = event_html.lines(seen.rows, seen.names, SYDNEY)
    assert ONE[1:] in drawn
    assert TWO[1:] in drawn
