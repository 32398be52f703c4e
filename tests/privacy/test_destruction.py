"""A person who is destroyed is gone from everything and stays gone; nobody else's messages change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from privacy import destruction, holds
from privacy.sweep import sweep
from tests.dbt_project import raw_rows, six_channels
from tests.dbt_project.raw_rows import inbound, mail, status, twilio_history
from tests.dbt_project.six_channels import PAGE, item, messaging, whatsapp
from tests.long_form import LONG
from tests.privacy.residue import residue
from transform.build import build
from transform.models import Models
from warehouse import decisions
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

OFFICER = Actor(name="pia", role="privacy_officer")
PHONE, OTHER_PHONE = "+61491570006", "+61491570157"
PSID, OTHER_PSID = "7234567890123456", "7999999990123499"
ADDRESS = "sam@example.org"
TABLES = (
    "messages", "message_participants", "threads", "conversations", "identities", "aliases", "attachments", "same_as", "quarantine",
    "search_documents", "search_people",
)  # fmt: skip

Database = psycopg.Connection[Any]


def tables(admin: Database) -> dict[str, list[str]]:
    return {
        table: [
            row
            for (row,) in admin.execute(
                f"select (to_jsonb(t) - 'folded_in')::text from canonical.{table} as t order by 1"
            ).fetchall()
        ]
        for table in TABLES
    }


def chat(psid: str, mid: str, text: str, *, at: int = 0, **more: Any) -> dict[str, Any]:
    told = item("messenger", at=at, message={"mid": mid, "text": text, **more})
    return told | {"sender": {"id": psid}}


def receipt(psid: str, at: int) -> dict[str, Any]:
    told = item("messenger", at=None, read={"watermark": six_channels.milliseconds(at)})
    return told | {"sender": {"id": psid}}


def wa_message(person: str, number: int, **content: Any) -> dict[str, Any]:
    shown = content or {"type": "text", "text": {"body": f"message {number}"}}
    return {
        "id": f"wamid.{person}{number}=", "from": person, "timestamp": six_channels.seconds_text(number), **shown,
    }  # fmt: skip


def of_others() -> list[Any]:
    """Rows of other people alone; one of them speaks of the person."""
    return [
        inbound(50, From=OTHER_PHONE, body=f"please call Sam under {PHONE}"),
        mail(50, sender="kim@example.net"),
        messaging("messenger", chat(OTHER_PSID, "m_other_alone", "only mine", at=3)),
    ]


def of_both() -> list[tuple[Any, Any]]:
    """Deliveries with entries of both, and what they would be of the others alone: cut out, by place."""
    them, other = PHONE[1:], OTHER_PHONE[1:]
    return [
        messaging("messenger", chat(PSID, "m_theirs", "theirs", at=1), chat(OTHER_PSID, "m_other", "other", at=2), receipt(PSID, 9)),
        whatsapp(
            "messages",
            contacts=[{"profile": {"name": "Samira Citizen"}, "wa_id": them}, {"profile": {"name": "Kim"}, "wa_id": other}],
            messages=[wa_message(them, 1), wa_message(other, 2), wa_message(
                # Another person's card of them stays: it is that person's message.
                other, 3, type="contacts", contacts=[{"name": {"formatted_name": "S."}, "phones": [{"phone": PHONE, "wa_id": them}]}],
            )],
        ),
    ]  # fmt: skip


def of_them() -> list[Any]:
    return [
        inbound(1, From=PHONE, body="hello there"),
        inbound(2, From=PHONE, media=1),
        status(3, "delivered"),
        twilio_history(1),
        twilio_history(4, direction="outbound-api", word="sent"),
        mail(1, sender=ADDRESS),
        six_channels.call_event(1, "completed", sender=PHONE, duration=20),
        six_channels.call_event(2, "completed", parent=1, sender=PHONE, duration=12),
        six_channels.recording_event(1, 7, "completed", "RecordVerb"),
        messaging("messenger", chat(PSID, "m_alone", "theirs alone", at=4), receipt(PSID, 11)),
        messaging("messenger", item("messenger", at=6, reaction={"mid": "m_alone", "action": "react", "emoji": "x"}) | {"sender": {"id": PSID}}),
    ]  # fmt: skip


@pytest.fixture
def known(settings: Settings, admin: Database) -> str:
    """Their customer, with everything that people can decide."""
    raw_rows.add_connections(admin)
    six_channels.add_connections(admin)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        customer = decisions.create_customer(app, OFFICER, "Samira Citizen")
        other = decisions.create_customer(app, OFFICER, "Kim Other")
        for identity in (f"phone:{PHONE}", f"email:{ADDRESS}", f"psid:{PAGE}:{PSID}"):
            decisions.link(app, OFFICER, identity, customer, reason="Samira said so")
        decisions.link(app, OFFICER, f"phone:{OTHER_PHONE}", other, reason="said so")
    return customer


def insert_again(admin: Database, rows: list[tuple[Any, ...]]) -> None:
    """What was delivered is delivered again: other rows with the same bytes."""
    for row in rows:
        admin.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key, method,"
            " path, query, headers, content_type, body, payload) values (%s, now(), %s, %s, %s, 'POST', '/', '', '{}', %s, %s, %s)",
            [uuid.uuid4(), *row],
        )


DELIVERED = "select channel, connection_id, delivery_key, content_type, body, payload::text from raw.webhook_deliveries"


def test_a_person_goes_and_stays_away_and_nobody_else_changes(
    settings: Settings,
    admin: Database,
    known: str,
    fold_now: Callable[[], int],
    models: Models,
) -> None:
    for row in of_others():
        row.insert(admin)
    fold_now()
    for row in [*of_both(), *of_them()]:
        row.insert(admin)
    fold_now()
    others = admin.execute(
        "select message_id, (to_jsonb(messages) - 'folded_in')::text from canonical.messages"
        " where message_id like '%%other%%' or message_id like '%%wamid.61491570157%%' or from_address in (%s, 'kim@example.net') order by 1",
        [OTHER_PHONE],
    ).fetchall()
    assert len(others) == 6
    assert admin.execute(
        "select count(*) from marts.timeline where customer_id = %s", [known]
    ).fetchone() == (8,)
    delivered = admin.execute(DELIVERED).fetchall()
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        (conversation,) = app.execute(
            "select conversation_id from canonical.conversations where counterpart_identity = %s and channel = 'twilio_sms'",
            [f"phone:{PHONE}"],
        ).fetchone()  # type: ignore[misc]
        decisions.tag(app, OFFICER, conversation, "urgent")
        decisions.note(app, OFFICER, f"Samira rang from {PHONE}", customer_id=known)
        decisions.save_view(
            app, OFFICER, "mine", page="timeline", query=f"customer={known}", customer_ids=[known]
        )
        hold = decisions.place_hold(app, OFFICER, tag="urgent", reason="a court asks")
    with pytest.raises(holds.Held, match="a court asks"):
        destruction.destroy(settings, OFFICER, known, "asked for it")
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        decisions.release_hold(app, OFFICER, hold, reason="the court is done")
    with pytest.raises(Refused, match="names the customer"):
        destruction.destroy(settings, OFFICER, known, "samira citizen asked for it")

    certificate = destruction.destroy(settings, OFFICER, known, "asked for it")

    # In what somebody else wrote they are spoken of: that is the other's.
    spoken_of = [PHONE, PHONE[1:]]
    words = [
        known, "Samira", ADDRESS, PSID, "m_theirs", "m_alone", raw_rows.sid(1), raw_rows.sid(4), "wamid.614915700061", six_channels.call_sid(1), six_channels.call_sid(2),
    ]  # fmt: skip
    assert residue(settings, words) == []
    assert {place.partition(":")[0] for place in residue(settings, spoken_of)} <= {
        "raw.webhook_deliveries_" + datetime.now(UTC).strftime("%Y_%m"), "canonical.messages", "canonical.search_documents",
    } | {place for place, in admin.execute("select tableoid::regclass::text from raw.webhook_deliveries").fetchall()}  # fmt: skip
    assert admin.execute(
        "select count(*) from canonical.messages where message_id <> all(%s)",
        [[each for each, _ in others]],
    ).fetchone() == (0,)
    now = admin.execute(
        "select message_id, (to_jsonb(messages) - 'folded_in')::text from canonical.messages where message_id = any(%s) order by 1",
        [[message_id for message_id, _ in others]],
    ).fetchall()
    assert now == others
    # What is left of a delivery says so, and its bytes are those of the others.
    (left,) = admin.execute(
        "select body from raw.webhook_deliveries where redacted_at is not null and channel = 'messenger'"
    ).fetchall()
    first = of_both()[0].payload
    theirs = json.dumps(json.loads(first)["entry"][1]["messaging"][0])
    assert theirs in bytes(left[0]).decode()
    assert admin.execute(
        "select outcome, count(*) from marts.outcomes where outcome = 'destroyed' group by 1"
    ).fetchall() == [("destroyed", 3)]
    # The certificate stands in the log and names nobody.
    ((detail, who),) = admin.execute(
        "select detail, actor from crm.events where action = 'privacy.destroy'"
    ).fetchall()
    assert (detail["hash"], detail["counts"]["customers"], who) == (certificate.hash, 1, "pia")
    assert admin.execute("select count(*) from privacy.forgetting").fetchone() == (0,)

    if LONG:
        # In each run of what is destroyed on all channels (test_destroyed_for_good.py).
        after = tables(admin)
        built = build(settings, models)
        assert built.is_equal
        assert tables(admin) == after

    # The same bytes come again, and the history is pulled anew.
    insert_again(admin, delivered)
    for row in of_them():
        if isinstance(row, raw_rows.History):
            row.insert(admin)
    assert (
        admin.execute("select count(*) from marts.outcomes where outcome = 'destroyed'").fetchone()[
            0
        ]
        > 12
    )  # type: ignore[index]
    fold_now()
    assert {
        name: [row for row in rows if "m_alone" in row or PSID in row or raw_rows.sid(1) in row]
        for name, rows in tables(admin).items()
    } == {name: [] for name in TABLES}
    assert sweep(settings) > 10
    assert sweep(settings) == 0
    fold_now()
    assert residue(settings, words) == []


def test_a_mail_with_another_customer_stays_unless_it_is_asked_for(
    settings: Settings, admin: Database, known: str, fold_now: Callable[[], int]
) -> None:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        kim = decisions.create_customer(app, OFFICER, "Kim Example")
        decisions.link(app, OFFICER, "email:kim@example.net", kim, reason="said so")
    # All of one thread: theirs alone, both people's, the other's alone.
    for row in (
        mail(1, sender=ADDRESS, body="words of Sam"),
        mail(2, sender="kim@example.net", cc=(ADDRESS,), body="words of both"),
        mail(3, sender="kim@example.net", body="words of Kim"),
    ):
        row.insert(admin)
    fold_now()

    def standing() -> list[tuple[str, str]]:
        return admin.execute(
            "select body, (to_jsonb(messages) - 'folded_in')::text from canonical.messages"
            " where content_order is not null order by sent_at, message_id"
        ).fetchall()

    before = standing()
    certificate = destruction.destroy(settings, OFFICER, known, "asked for it")
    assert certificate.counts["shared messages"] == 1
    assert standing() == before[1:]
    assert residue(settings, ["words of Sam", known]) == []
    assert admin.execute(
        "select count(*) from marts.timeline where customer_id = %s", [kim]
    ).fetchone() == (2,)
    # Whoever is asked for with all that is shared takes it from the other, too.
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        again = decisions.create_customer(app, OFFICER, "Samira Citizen")
        decisions.link(app, OFFICER, f"email:{ADDRESS}", again, reason="said so")
    certificate = destruction.destroy(settings, OFFICER, again, "asked again", with_shared=True)
    assert certificate.counts["messages of gmail"] == 1
    assert standing() == before[2:]
    assert residue(settings, [ADDRESS, "words of both"]) == []
