"""An invented shop's correspondence, as the pictures of the documents show it: long, hostile, right to left, and odd kinds."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from app import act, act_quarantine, act_saved
from app.access.sessions import Viewer
from pipelines.suggestions import find_evidence
from tests.app.conftest import ACCOUNT, OUR_MAILBOX, OUR_NUMBER, Correspondence
from tests.app.meta_events import CONNECTIONS, messaging, whatsapp, whatsapp_echo
from tests.app.test_browser_cards import recording, sound, store

MAI, PSID, IGSID = "+61491570006", "7234567890123456", "1254938275682919"
MAIL = "mai.tran@example.com"
#: What two people say who wait for a bicycle and mend it.
SAID = (
    ("Is my bike ready? I could come by on Thursday after four.", False),
    ("It is. We kept the old brake pads in a bag for you.", True),
    ("Thank you, that was quick!", False),
    ("The rear brake squeals again. Can you have a look at it this week?", False),
    ("Bring it in on Friday, we have half an hour at ten.", True),
    ("Friday at ten, see you then.", False),
    ("About the refund for order ORD-2024-0817: when does it arrive?", False),
    ("Within five days. We sent it this morning.", True),
    ("Could you send the invoice again, with the ABN of our club on it?", False),
)
HOSTILE = (
    '<script>document.title="hurt"</script>',
    '"><img src=x onerror=alert(1)> and a word that has no end: ' + "w" * 160,
    "[click](javascript:alert(1)) **bold** `code` :material/delete:",
    "</div></article><style>*{display:none}</style> all is gone",
    "invoice\u202egpj.exe is a program",
)
ARABIC = (
    ("السلام عليكم، أين طلبي رقم 1001 (bike XL-7)؟", False),
    ("It left today; the parcel's number is 0491 570 156.", True),
    ("شُكْرًا جزيلا! المفتاح معي، سأصل غدا في الساعة 10:30.", False),
    ("שלום, האם אפשר לשלם בכרטיס?", False),
)  # fmt: skip
NAMES = (
    "Noah Williams", "Olivia Papadopoulos", "Zoë Ångström", "Nguyễn Văn An", "王小明", "Priya Patel", "Isla Campbell", "Omar Hassan",
    "Elena Rossi", "Jack O'Brien", "Fatima Ali", "Lucas Müller", "Grace Kim", "Henry Baker", "Ruby Walker", "Leo Nikolaidis",
)  # fmt: skip
LONG_NAME = "The Very Reverend Bartholomew Featherstonehaugh-Cholmondeley of the Inner West Bicycle and Touring Club"
OFFERS = """<html><body style="margin:0;background:#eef3ea"><table width="100%"><tr><td align="center" style="padding:24px">
<table width="520" style="background:#ffffff;font-family:sans-serif;border:1px solid #cdd8c4"><tr><td style="background:#1f6f54;color:#ffffff;
padding:18px 24px;font-size:22px">Saltbush Cycles: winter offers</td></tr><tr><td style="padding:20px 24px;color:#222222">
<p>Dear Mai,</p><p>until Sunday our <b>winter service</b> costs $89 and takes a day.</p><table width="100%" cellpadding="8"><tr>
<td style="background:#eef3ea"><b>Brakes</b><br>pads and cables</td><td style="background:#eef3ea"><b>Lights</b><br>front and rear</td>
<td style="background:#eef3ea"><b>Chain</b><br>cleaned and oiled</td></tr></table><p><a href="https://shop.example.com/winter">Book a day</a></p>
</td></tr></table></td></tr></table></body></html>"""


def drawn_picture() -> bytes:
    """A bicycle, drawn."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (640, 420), "#dfe9e2")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 330, 640, 420), fill="#c4d3c4")
    for x in (190, 450):
        draw.ellipse((x - 95, 190, x + 95, 380), outline="#2a3b3c", width=9)
    for line in ((190, 285, 290, 170), (290, 170, 420, 170), (420, 170, 320, 285), (320, 285, 190, 285), (290, 170, 320, 285),
                 (420, 170, 450, 285), (420, 170, 410, 125), (385, 125, 435, 125)):  # fmt: skip
        draw.line(line, fill="#b3361f", width=10)
    draw.line((265, 150, 315, 150), fill="#2a3b3c", width=12)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@dataclass
class Shop:
    """What was written, and under which ids the pictures find it."""

    mai: str = ""
    nadia: str = ""
    nobody: str = ""
    #: A message that tells of a refund, one that was edited, the mail with the offers.
    refund: str = ""
    edited: str = ""
    offers: str = ""
    thread: str = ""
    connections: dict[str, str] = field(default_factory=dict)
    #: A request of a person, a breach (pictured_office.py), and the warehouse's owner, for what a worker would do meanwhile.
    case: str = ""
    incident: str = ""
    execute: Callable[..., Any] = field(default=lambda *_: None)


def written(c: Correspondence) -> Shop:
    """All of it; folded, decided on, with people who work there: mia (agent), root (admin)."""
    shop = Shop()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    agent, admin = c.signed_in("mia"), c.signed_in("root", "admin")
    for name in ("noah", "zoe"):
        c.user(name)
    c.execute(
        "update crm.users set password_hash = (select password_hash from crm.users where user_name = 'noah')"
    )
    shop.connections = {
        "twilio_sms": c.sms_connection,
        "twilio_voice": c.connect("twilio_voice", account_sid=ACCOUNT, recording_basis="An announcement says so"),
        **{channel: c.connect(channel, **keys) for channel, keys in CONNECTIONS.items()},
    }  # fmt: skip
    shop.mai = c.customer(
        "Mai Tran", f"phone:{MAI}", f"email:{MAIL}", f"psid:{CONNECTIONS['messenger']['page_id']}:{PSID}",
        f"igsid:{CONNECTIONS['instagram']['account_id']}:{IGSID}",
    )  # fmt: skip
    shop.nadia = c.customer(
        "نادية الحسن " + HOSTILE[2], "phone:+61491570156", "email:nadia@example.org"
    )
    shop.nobody = c.customer("Kim Example", "phone:+61255509999")
    stored: list[Callable[[], None]] = []
    with c.together():
        _long(c, now)
        _of_today(c, shop, now, stored)
        _of_others(c, now)
    for each in stored:
        each()
    _decided(c, shop, agent, admin)
    return shop


def _long(c: Correspondence, now: datetime) -> None:
    """Four months of Mai's."""
    for number in range(126):
        said, ours = SAID[number % len(SAID)]
        at = now - timedelta(days=120) + timedelta(hours=22 * number, minutes=number)
        c.sms(MAI, said, at, ours=ours)
    c.mail(MAIL, "Refund for the blue helmet", "Dear team,\n\nthe refund has arrived, thank you.\n\nMai", now - timedelta(days=9),
           name="Mai Tran")  # fmt: skip


def _of_today(
    c: Correspondence, shop: Shop, now: datetime, stored: list[Callable[[], None]]
) -> None:
    """One message of each kind, the last hours."""
    at = now - timedelta(hours=5)

    def later(minutes: int) -> datetime:
        nonlocal at
        at += timedelta(minutes=minutes)
        return at

    def seconds() -> str:
        return str(int(at.timestamp()))

    def land(channel: str, payload: dict[str, Any]) -> None:
        c.land(channel, shop.connections[channel], payload, at=at)

    shop.thread = f"gmail|{OUR_MAILBOX}|" + c.mail(
        MAIL, "Booking a wheel true", "Hello,\n\nmy front wheel wobbles. Could you true it this week?\n\nThanks\nMai", later(10), name="Mai Tran",
        attachments=[{"part_id": "1", "filename": "receipt-2024-0817.pdf", "content_type": "application/pdf", "size_bytes": 48_213}],
    )  # fmt: skip
    c.mail(
        MAIL, "Re: Booking a wheel true", "Hi Mai,\n\nbring it in today, it takes an hour.\n\nHamish", later(14), name="Mai Tran", ours=True,
        quoted="> my front wheel wobbles. Could you true it this week?",
    )  # fmt: skip
    spoken, told, missed, left, tape = (f"{kind}{digit * 32}" for kind, digit in (("CA", "1"), ("RE", "2"), ("CA", "3"), ("CA", "4"), ("RE", "5")))  # fmt: skip
    later(25)
    stamp = {"Timestamp": at.strftime("%a, %d %b %Y %H:%M:%S +0000"), "From": MAI}
    land("twilio_voice", _call(spoken, **stamp))
    land("twilio_voice", recording(spoken, told))
    land("twilio_voice", _transcript(spoken, told, "Hello, it is Mai. I am on my way with the wheel, is there a place to park?"))  # fmt: skip
    stored.append(lambda: store(c, f"twilio_voice|{spoken}", told, sound(), "audio/wav"))
    later(6)
    stamp["Timestamp"] = at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    land("twilio_voice", _call(missed, CallStatus="no-answer", CallDuration="0", **stamp))
    later(4)
    stamp["Timestamp"] = at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    land("twilio_voice", _call(left, **stamp))
    land("twilio_voice", recording(left, tape, RecordingSource="RecordVerb"))
    land("twilio_voice", _transcript(left, tape, "I could not find you. I leave the wheel at the bell in the lane."))  # fmt: skip
    stored.append(lambda: store(c, f"twilio_voice|{left}", tape, sound(), "audio/wav"))
    later(20)
    land("whatsapp", whatsapp("image", {"id": "9001", "mime_type": "image/png", "caption": "This is the one"}, name="Mai Tran", message_id="wamid.photo=", timestamp=seconds()))  # fmt: skip
    stored.append(lambda: store(c, "whatsapp|wamid.photo=", "9001", drawn_picture(), "image/png"))
    later(3)
    land(
        "whatsapp",
        whatsapp_echo(
            "text", {"body": "A beauty. We true it now."}, message_id="wamid.ours=", at=at
        ),
    )
    land("whatsapp", whatsapp("reaction", {"message_id": "wamid.ours=", "emoji": "👍"}, name="Mai Tran", timestamp=seconds()))  # fmt: skip
    later(12)
    land("whatsapp", whatsapp("text", {"body": "And where do I leave the key?"}, name="Mai Tran", context={"id": "wamid.ours="}, timestamp=seconds()))  # fmt: skip
    later(2)
    land("whatsapp", whatsapp("location", {"latitude": -33.911, "longitude": 151.155, "name": "Saltbush Cycles", "address": "14 Foundry Lane"}, name="Mai Tran", timestamp=seconds()))  # fmt: skip
    for event in (
        {"message": {"mid": "m_1", "text": "Are you open on Munday?"}},
        {"message_edit": {"mid": "m_1", "text": "Are you open on Monday?", "num_edit": 1}},
    ):
        later(5)
        land(
            "messenger", messaging("messenger", PSID, **event, timestamp=int(at.timestamp() * 1000))
        )
    shop.edited = "messenger|m_1"
    later(6)
    land("instagram", messaging("instagram", IGSID, message={"mid": "i_1", "text": "Love the red one in your story!"}, timestamp=int(at.timestamp() * 1000)))  # fmt: skip
    offers = EmailMessage()
    offers["From"], offers["To"] = "Saltbush Cycles <help@example.com>", f"Mai Tran <{MAIL}>"
    offers["Subject"], offers["Date"] = (
        "Our winter offers",
        later(9).strftime("%a, %d %b %Y %H:%M:%S +0000"),
    )
    offers.set_content("Dear Mai,\n\nuntil Sunday our winter service costs $89 and takes a day.")
    offers.add_alternative(OFFERS, subtype="html")
    shop.offers = f"gmail|{OUR_MAILBOX}|" + c.raw_mail(offers.as_bytes(), at, ours=True)
    c.sms(MAI, "Thank you! I pick it up at five.", later(20))
    c.sms(MAI, "And the invoice goes to the club, please.", later(1))
    c.sms(MAI, "Will do. See you at five.", later(6), ours=True, status="delivered")


def _call(sid: str, **more: str) -> dict[str, str]:
    return {
        "CallSid": sid, "AccountSid": ACCOUNT, "To": OUR_NUMBER, "Direction": "inbound", "CallStatus": "completed", "CallDuration": "124",
        "CallbackSource": "call-progress-events", "SequenceNumber": "0", **more,
    }  # fmt: skip


def _transcript(sid: str, recording_sid: str, words: str) -> dict[str, str]:
    return {
        "TranscriptionSid": "TR" + recording_sid[2:], "TranscriptionText": words, "TranscriptionStatus": "completed",
        "RecordingSid": recording_sid, "CallSid": sid, "AccountSid": ACCOUNT,
    }  # fmt: skip


def _of_others(c: Correspondence, now: datetime) -> None:
    """Who is hostile, who writes from right to left, who is known, and who is nobody yet."""
    for number, (said, ours) in enumerate(ARABIC):
        c.sms("+61491570156", said, now - timedelta(hours=8 - number), ours=ours)
    for number, said in enumerate(HOSTILE):
        c.mail(
            "nadia@example.org",
            said,
            said,
            now - timedelta(hours=3, minutes=-9 * number),
            name=said,
        )
    for number, name in enumerate((*NAMES, LONG_NAME)):
        phone = f"+6125550{1000 + number}"
        c.customer(name, f"phone:{phone}", f"email:person{number}@example.com")
        said, _ = SAID[number % len(SAID)]
        c.sms(phone, said, now - timedelta(hours=2 + 7 * number))
        if number % 3 == 0:
            c.sms(phone, "We are on it.", now - timedelta(hours=1 + 7 * number), ours=True)
    for day in range(3):
        c.mail(
            "sam@example.com",
            "Order",
            "Hello\n\nSam\nM: 0491 570 110",
            now - timedelta(days=day, hours=1),
            name="Sam Citizen",
        )
    c.customer("Sam Citizen", "email:sam@example.com")
    c.sms("+61491570110", "Where is my order? I asked for a refund.", now - timedelta(hours=1))
    c.mail("no-reply@example.com", "Receipt", "Thanks", now - timedelta(hours=4), name=HOSTILE[2])
    c.mail(
        "mai.linh@example.org",
        "A quote, please",
        "Hello, what does a new chain cost?",
        now - timedelta(hours=6),
        name="Linh Tran",
    )
    c.mail(
        "arabic@example.org",
        "سؤال",
        "هل عندكم دراجات للأطفال؟",
        now - timedelta(hours=9),
        name="يوسف",
    )
    c.sms("+61491570157", SAID[3][0], now - timedelta(days=2))
    for number in range(3):
        c.land(
            "twilio_sms",
            c.sms_connection,
            {"Nonsense": f"<b>{number}</b>"},
            at=now - timedelta(hours=number),
        )


def _decided(c: Correspondence, shop: Shop, agent: Viewer, admin: Viewer) -> None:
    find_evidence(c.settings)
    ids = dict(
        c.execute("select counterpart_identity, conversation_id from canonical.conversations")
    )
    mai = ids[f"phone:{MAI}"]
    others = [ids[f"phone:+6125550{1000 + number}"] for number in range(6)]
    act.tag(agent, [mai, *others[:3]], "Returns")
    act.tag(agent, [mai, others[4]], "VIP")
    act.tag(agent, others[1:2], "עברית")
    act.tag(agent, others[:1], (HOSTILE[2] + " long")[:50])
    act.assign(
        agent, {mai: act.Seen()}, assignee="mia", note="Promised the wheel for five o'clock."
    )
    act.assign(
        agent,
        {others[0]: act.Seen()},
        assignee="mia",
        state="waiting",
        due_at=datetime.now(UTC) + timedelta(days=2),
    )
    act.assign(
        agent,
        {others[1]: act.Seen()},
        assignee="mia",
        due_at=datetime.now(UTC) - timedelta(days=1),
        note="Calls back on Monday",
    )
    act.assign(agent, {others[2]: act.Seen()}, assignee="noah")
    act.note(
        agent, "Promised the refund by Friday; call before closing the case.", customer_id=shop.mai
    )
    act.note(agent, "Refund approved by accounts.", conversation_id=mai)
    act.note(agent, "An old refund note " + HOSTILE[2], customer_id=shop.mai)
    act_saved.save(agent, "Refunds this month", "search", "q=refund+on:2026-11")
    act_saved.save(
        agent, "Mai, mails only", "timeline", f"customer={shop.mai}&channel=gmail&when=this-year"
    )
    act_saved.save(agent, HOSTILE[2], "", "q=sam&sort=name")
    act_saved.save(admin, "Due", "work", "list=due&within=90-days", is_shared=True)
    rows = c.execute(
        "select message_id from marts.timeline where customer_id = %s and body like '%%refund for order%%' order by sort_key desc offset 1 limit 1",
        [shop.mai],
    )
    shop.refund = rows[0][0]
    c.execute(
        "insert into jobs.connection_health (connection_id, job, last_failed_at, error)"
        " values (%s, 'pull', now(), 'the token was refused (20003)')",
        [shop.connections["twilio_voice"]],
    )  # fmt: skip
    # A field that nobody knows, by a name that nobody expects; and kinds that an admin wants to hear no more of.
    for number, unheard in enumerate((HOSTILE[0], "שדה חדש", "a field that is no concern of ours")):
        c.land(
            "messenger",
            shop.connections["messenger"],
            {"object": "page", "entry": [{"id": "1", "time": 1, "changes": [{"field": unheard}]}]},
            at=datetime.now(UTC) - timedelta(hours=number),
        )
    c.fold()
    for channel, reason in c.execute(
        "select distinct channel, reason from marts.quarantine where reason like '%%no concern%%'"
    ):
        act_quarantine.ignore(admin, channel, reason)
    c.execute(
        "insert into crm.alerts (alert_id, way, subject, body, attempts, next_try_at, sent_at, error) values"
        " ('a', 'webhook', '2 things need you now', '', 1, null, now(), null),"
        " ('b', 'mail', 'All is well again', '', 5, null, null, 'mail.example.com answered 550')"
    )
    # A worker that is not called late while the pictures are taken.
    c.execute(
        "insert into jobs.procrastinate_workers (last_heartbeat) values (now() + interval '1 hour')"
    )
    c.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status) values"
        " ('default', 'pull_connection', jsonb_build_object('connection_id', %s::text), 'failed')",
        [shop.connections["twilio_voice"]],
    )
