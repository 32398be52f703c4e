"""Who a mail is from, on which page it stands, and what a report of a mail system does to the mail it is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from media.provenance import stored_row
from tests.dbt_project.raw_rows import (
    MAIL_CONNECTION,
    MAILBOX,
    History,
    add_connections,
    change,
    mail,
)
from tests.long_form import LONG
from transform.build import build
from transform.models import Models
from warehouse.settings import Settings
from webhooks.replay import replay

Database = psycopg.Connection[Any]


def with_envelope(row: History, envelope: dict[str, Any], **columns: Any) -> History:
    """The row with more in its envelope, and with other columns."""
    given = dict(row.columns)
    given |= {"envelope": json.dumps({**json.loads(given["envelope"]), **envelope}), **columns}
    return History(row.table, tuple(given.items()))


def person(address: str, name: str = "") -> dict[str, str]:
    return {"name": name, "address": address}


FORM, GROUP = "wordpress@shop.example.com", "support@shop.example.com"
SENT_ID = "<sent-1@shop.example.com>"
REPORT = {
    "report": {
        "is_failure": True,
        "message_id": SENT_ID,
        "recipients": [
            {
                "address": "bob@example.net",
                "action": "failed",
                "status": "5.1.1",
                "reason": "550 no such user",
            }
        ],
    },
    "is_bounce": True,
    "is_automatic": True,
}


def insert(admin: Database, *rows: History) -> None:
    for row in rows:
        row.insert(admin)


@pytest.fixture
def warehouse(admin: Database) -> Database:
    add_connections(admin)
    admin.execute(
        "update crm.connections set settings = settings || %s where connection_id = %s",
        [json.dumps({"reply_to_senders": f"{FORM}, {GROUP}"}), MAIL_CONNECTION],
    )
    return admin


def shown(admin: Database, number: int) -> tuple[Any, ...]:
    found = admin.execute(
        "select direction, from_address, counterpart_identity from canonical.messages where provider_message_id = %s",
        [f"18f0{number:012x}"],
    ).fetchone()
    assert found is not None
    return tuple(found)


def test_every_mail_has_somebody_under_whom_it_is_found(
    serving_models: Models, warehouse: Database, fold_now: Callable[[], int]
) -> None:
    unknown = f"unknown:gmail|{MAILBOX}|18f0{{:012x}}".format
    insert(
        warehouse,
        # 1: a form that the admin named; 2: one that nobody named
        with_envelope(mail(1, sender=FORM), {"reply_to": [person("sam@example.org", "Sam")]}),
        with_envelope(
            mail(2, sender="web@shop.example.com"), {"reply_to": [person("sam@example.org")]}
        ),
        # 3: a group, which says who wrote
        with_envelope(mail(3, sender=GROUP), {"original_from": person("ann@example.org", "Ann")}),
        # 4: no address at all; 5: among ourselves; 6: a colleague to a customer; 7: sent to ourselves
        with_envelope(mail(4, sender=""), {"from_text": "MAILER-DAEMON"}),
        mail(5, sender="ann@shop.example.com"),
        mail(6, sender="ann@shop.example.com", to=("bob@example.net",), cc=(MAILBOX,)),
        mail(7, sender=MAILBOX, to=(MAILBOX,), labels=("SENT",)),
    )
    fold_now()
    assert [shown(warehouse, number) for number in range(1, 8)] == [
        ("inbound", "sam@example.org", "email:sam@example.org"),
        ("inbound", "web@shop.example.com", unknown(2)),
        ("inbound", "ann@example.org", "email:ann@example.org"),
        ("inbound", None, unknown(4)),
        ("inbound", "ann@shop.example.com", unknown(5)),
        ("outbound", "ann@shop.example.com", "email:bob@example.net"),
        ("outbound", MAILBOX, unknown(7)),
    ]
    waiting = {
        identity
        for (identity,) in warehouse.execute(
            "select identity from canonical.identities where last_inbound_at is not null"
        )
    }
    assert waiting == {
        "email:sam@example.org",
        "email:ann@example.org",
        *(unknown(number) for number in (2, 4, 5, 7)),
    }
    serving_models.invoke("test", "--select", "assert_every_shown_message_stands_on_a_page")


@pytest.mark.parametrize("report_first", [True, False])
def test_a_report_marks_the_mail_that_did_not_arrive(
    settings: Settings,
    models: Models,
    warehouse: Database,
    fold_now: Callable[[], int],
    report_first: bool,
) -> None:
    sent = with_envelope(
        mail(
            1, sender=MAILBOX, to=("bob@example.net",), labels=("SENT",), message_reference=SENT_ID
        ),
        {},
        rfc822_message_id=SENT_ID,
    )
    report = with_envelope(
        mail(2, sender="mailer-daemon@example.org"), REPORT, reported_message_id=SENT_ID
    )
    for row in (report, sent) if report_first else (sent, report):
        insert(warehouse, row)
        fold_now()
    query = """
        select provider_message_id, status, provider_metadata -> 'not_delivered', in_reply_to
        from canonical.messages order by 1
    """
    folded = warehouse.execute(query).fetchall()
    assert folded[0][1:3] == (
        "failed",
        [{"address": "bob@example.net", "reason": "550 no such user"}],
    )
    answers = warehouse.execute(
        "select in_reply_to from marts.messages where message_id = %s",
        [f"gmail|{MAILBOX}|18f0{2:012x}"],
    ).fetchone()
    assert answers == (f"gmail|{MAILBOX}|18f0{1:012x}",)
    assert not LONG or build(settings, models).is_equal
    assert warehouse.execute(query).fetchall() == folded


def test_of_several_receivers_each_is_told(
    settings: Settings, models: Models, warehouse: Database, fold_now: Callable[[], int]
) -> None:
    """Two reports about one mail to three: it has failed only when it reached nobody."""
    sent = with_envelope(
        mail(
            1,
            sender=MAILBOX,
            to=("bob@example.net", "Kim@example.net"),
            cc=("lee@example.net",),
            labels=("SENT",),
            message_reference=SENT_ID,
        ),
        {},
        rfc822_message_id=SENT_ID,
    )

    def report(number: int, *recipients: dict[str, str], version: int = 1) -> History:
        told = {"is_failure": True, "message_id": SENT_ID, "recipients": list(recipients)}
        return with_envelope(
            mail(number, sender="mailer-daemon@example.org", parser_version=version),
            {"report": told, "is_bounce": True},
            reported_message_id=SENT_ID,
        )

    def failed(address: str, reason: str, **more: str) -> dict[str, str]:
        return {"address": address, "action": "failed", "reason": reason, **more}

    def stands() -> tuple[str, list[dict[str, str]]]:
        fold_now()
        found = warehouse.execute(
            "select status, provider_metadata -> 'not_delivered' from canonical.messages where provider_message_id = %s",
            [f"18f0{1:012x}"],
        ).fetchone()
        assert found is not None
        return found[0], found[1]

    bob = {"address": "bob@example.net", "reason": "550 no such user"}
    kim = {"address": "kim@example.net", "reason": "552 full"}
    lee = {"address": "lee@example.net", "reason": "5.4.1"}
    insert(warehouse, sent)
    delayed = {"address": "lee@example.net", "action": "delayed", "reason": "later"}
    insert(warehouse, report(2, failed("bob@example.net", "550 no such user"), delayed))
    assert stands() == ("sent", [bob])
    # Where the mail was passed on to is the mail system's business: we wrote to Kim.
    insert(
        warehouse, report(3, failed("box7@relay.example", "552 full", original="KIM@example.net"))
    )
    assert stands() == ("sent", [bob, kim])
    # A better parser reads the first report otherwise: what it says counts.
    insert(warehouse, report(2, failed("bob@example.net", "no"), version=2))
    assert stands() == ("sent", [{**bob, "reason": "no"}, kim])
    insert(
        warehouse,
        report(4, {"address": "lee@example.net", "action": "failed", "status": "5.4.1"}),
    )
    assert stands() == ("failed", [{**bob, "reason": "no"}, kim, lee])
    assert not LONG or build(settings, models).is_equal
    assert stands() == ("failed", [{**bob, "reason": "no"}, kim, lee])


@pytest.mark.parametrize(("receivers", "status"), [(1, "failed"), (2, "sent")])
def test_a_report_that_names_nobody_speaks_of_the_only_receiver(
    warehouse: Database, fold_now: Callable[[], int], receivers: int, status: str
) -> None:
    to = ("bob@example.net", "kim@example.net")[:receivers]
    sent = mail(1, sender=MAILBOX, to=to, labels=("SENT",), message_reference=SENT_ID)
    told = {"is_failure": True, "message_id": SENT_ID, "recipients": []}
    report = mail(2, sender="mailer-daemon@example.org")
    insert(
        warehouse,
        with_envelope(sent, {}, rfc822_message_id=SENT_ID),
        with_envelope(report, {"report": told, "is_bounce": True}, reported_message_id=SENT_ID),
    )
    fold_now()
    assert warehouse.execute(
        "select status, provider_metadata -> 'not_delivered' from canonical.messages where direction = 'outbound'"
    ).fetchall() == [(status, [{}])]


def test_a_better_parser_takes_back_what_an_earlier_one_said(
    warehouse: Database, fold_now: Callable[[], int]
) -> None:
    for version, is_bounce in ((1, True), (2, False)):
        insert(
            warehouse,
            with_envelope(mail(1, parser_version=version), {"is_bounce": is_bounce}),
        )
        fold_now()
    assert warehouse.execute(
        "select body, provider_metadata -> 'is_bounce' from canonical.messages"
    ).fetchall() == [("Is it ready? (parser 2)", False)]


def test_two_connections_of_one_mailbox_see_one_message(
    warehouse: Database, fold_now: Callable[[], int]
) -> None:
    warehouse.execute(
        "insert into crm.connections (connection_id, channel, name, settings, secrets, created_by)"
        " values ('c0ffee0000000003', 'gmail', 'again', %s, '', 'test')",
        [json.dumps({"address": MAILBOX.upper()})],
    )
    insert(warehouse, mail(1), with_envelope(mail(1), {}, connection_id="c0ffee0000000003"))
    fold_now()
    assert warehouse.execute(
        "select count(*), min(counterpart_identity) from canonical.messages"
    ).fetchall() == [(1, "email:sam@example.org")]


def test_a_row_whose_id_holds_a_separator_is_found_and_replayed(
    warehouse: Database, fold_now: Callable[[], int]
) -> None:
    insert(warehouse, mail(1), change(2, "unheard_of", history_id=200))
    warehouse.execute("update raw_gmail.messages set _dlt_id = 'a/b+c/d'")
    warehouse.execute("update raw_gmail.changes set _dlt_id = '/e/f'")
    fold_now()
    (raw_ref,) = warehouse.execute(
        "select jsonb_object_keys(facts) from canonical.messages where content_order is not null"
    ).fetchone() or ("",)
    assert raw_ref == "raw_gmail.messages/a/b+c/d"
    found = stored_row(warehouse, raw_ref)
    assert found is not None
    assert b"Is it ready?" in found.body
    with warehouse.transaction():
        replayed = replay(warehouse, quarantined=True)
    assert replayed.history_rows == 1
