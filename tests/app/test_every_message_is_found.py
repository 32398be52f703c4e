"""Every message of every channel stands on some page, whoever wrote it and whether anybody is known by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app import read
from app.access.sessions import Viewer
from app.database import Row
from tests.app.conftest import ACCOUNT, OUR_MAILBOX, OUR_NUMBER, Correspondence
from tests.app.meta_events import CONNECTIONS, messaging, whatsapp, whatsapp_echo
from transform.models import Models, ModelsFailed

AT = datetime.now(UTC) - timedelta(hours=1)
KNOWN = "+61491570156"


def a_call(sid: str, sender: str, receiver: str, direction: str) -> dict[str, str]:
    return {
        "CallSid": sid, "AccountSid": ACCOUNT, "From": sender, "To": receiver, "Direction": direction, "CallStatus": "completed",
        "CallDuration": "20", "CallbackSource": "call-progress-events", "SequenceNumber": "0",
        "Timestamp": AT.strftime("%a, %d %b %Y %H:%M:%S +0000"),
    }  # fmt: skip


def arrive(correspondence: Correspondence) -> None:
    """On each channel somebody who wrote, and somebody whom we only wrote to; nobody who can be told; ourselves."""
    connected = {
        channel: correspondence.connect(channel, **keys) for channel, keys in CONNECTIONS.items()
    }
    calls = correspondence.connect("twilio_voice", account_sid=ACCOUNT)
    correspondence.sms("+61491570006", "they wrote", AT)
    correspondence.sms("+61491570157", "we wrote", AT, ours=True)
    correspondence.sms("", "from nobody", AT)
    correspondence.sms("EXAMPLECO", "a code", AT)
    correspondence.sms(KNOWN, "to a customer", AT, ours=True)
    for number, (sender, receiver, direction) in enumerate(
        [
            ("+61491570158", OUR_NUMBER, "inbound"),
            (OUR_NUMBER, "+61491570159", "outbound-api"),
            ("anonymous", OUR_NUMBER, "inbound"),
            ("", OUR_NUMBER, "inbound"),
        ]
    ):
        correspondence.land(
            "twilio_voice", calls, a_call(f"CA{number:032x}", sender, receiver, direction)
        )
    correspondence.land("whatsapp", connected["whatsapp"], whatsapp("text", {"body": "they wrote"}))
    for channel in ("messenger", "instagram"):
        told = {"mid": f"{channel}-1", "text": "they wrote"}
        correspondence.land(channel, connected[channel], messaging(channel, "111", message=told))
        echo = messaging(
            channel, "222", message={"mid": f"{channel}-2", "text": "we wrote", "is_echo": True}
        )
        (item,) = echo["entry"][0]["messaging"]
        item["sender"], item["recipient"] = item["recipient"], item["sender"]
        correspondence.land(channel, connected[channel], echo)
    correspondence.mail("sam@example.org", "they wrote", "x", AT)
    correspondence.mail("kim@example.org", "we wrote", "x", AT, ours=True)
    correspondence.mail("", "from nobody", "x", AT)
    correspondence.mail("", "to nobody", "x", AT, ours=True)
    correspondence.mail(OUR_MAILBOX, "to ourselves", "x", AT, ours=True)


def of_the_queue(agent: Viewer) -> Iterator[str]:
    for look in (read.unassigned, read.never_wrote):
        before: Row | None = None
        while rows := look(agent, before).rows:
            yield from (row["identity"] for row in rows)
            before = rows[-1]


def test_every_message_of_every_channel_stands_on_a_page(
    correspondence: Correspondence, agent: Viewer, serving_models: Models
) -> None:
    customer = correspondence.customer("Known", f"phone:{KNOWN}")
    arrive(correspondence)
    # Somebody who never answered, on the one channel where only a phone of ours tells of it.
    (whatsapp_connection,) = correspondence.execute(
        "select connection_id from crm.connections where channel = 'whatsapp'"
    )[0]
    echo = whatsapp_echo("text", {"body": "we wrote"})
    echo["entry"][0]["changes"][0]["value"]["message_echoes"][0]["to"] = "61491570110"
    correspondence.land("whatsapp", whatsapp_connection, echo)

    opened = read.timeline(agent, customer)
    assert opened is not None
    found = {row["message_id"] for row in opened.messages}
    waiting = list(of_the_queue(agent))
    assert len(waiting) == len(set(waiting))
    # A call and an SMS of nobody, and three mails: each stands for itself.
    assert len([each for each in waiting if each.startswith("unknown:")]) == 5
    found |= {
        message_id
        for (message_id,) in correspondence.execute(
            "select message_id from marts.message_participants where identity = any(%s) and not is_ours",
            [waiting],
        )
    }
    everything = dict(correspondence.execute("select message_id, channel from marts.messages"))
    assert len(everything) == 20
    assert set(everything.values()) == {"twilio_sms", "twilio_voice", "gmail", *CONNECTIONS}
    assert found == set(everything)
    serving_models.invoke("test", "--select", "assert_every_shown_message_stands_on_a_page")
    # What the pages do not show the check finds.
    correspondence.execute(
        "delete from canonical.identities where identity = 'email:kim@example.org'"
    )
    with pytest.raises(ModelsFailed, match="stands_on_a_page"):
        serving_models.invoke("test", "--select", "assert_every_shown_message_stands_on_a_page")
