"""Mails as they really arrive, and what each must become. Written by hand as data, put together as bytes here.

`MAILS` is a list of `Mail(name, raw, expected)`. `expected` names columns or parts of them:

    from, to, cc, reply_to   (name, address), or lists of them; None where there is none
    subject, message_id      as read
    body, quoted             whole texts
    shows                    words that must stand in the body, where only these matter
    files                    [(name, type)] of the attachments
    sizes                    of the attachments' bytes
    failed                   addresses that a report says were not reached
    flags                    names of `is_…` that are true, all others being false
    note                     words that a parse note must hold
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mail:
    name: str
    raw: bytes
    expected: dict[str, Any]


MAILS: list[Mail] = []
SAM = "From: Sam Citizen <sam@example.com>\r\nTo: sales@example.org\r\n"


def add(name: str, raw: bytes | str, **expected: Any) -> None:
    content = raw.encode() if isinstance(raw, str) else raw
    MAILS.append(Mail(f"{len(MAILS):03d} {name}", content, expected))


def multipart(
    subtype: str, *parts: str | bytes, boundary: str = "edge", head: str = SAM, more: str = ""
) -> bytes:
    pieces = [
        f'{head}Content-Type: multipart/{subtype}; boundary="{boundary}"{more}\r\n\r\n'.encode()
    ]
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        pieces.append(f"--{boundary}\r\n".encode() + content + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


# -- the sender -------------------------------------------------------------------------------------

SENDERS: list[tuple[str, tuple[str, str] | None]] = [
    ("sam@example.com", ("", "sam@example.com")),
    ("<sam@example.com>", ("", "sam@example.com")),
    ("Sam <sam@example.com>", ("Sam", "sam@example.com")),
    ('"Citizen, Sam" <sam@example.com>', ("Citizen, Sam", "sam@example.com")),
    ("Citizen, Sam <sam@example.com>", ("Citizen, Sam", "sam@example.com")),
    ("alice@customer.test <mallory@evil.test>", ("alice@customer.test", "mallory@evil.test")),
    ('"alice@customer.test" <mallory@evil.test>', ("alice@customer.test", "mallory@evil.test")),
    ("Sam (home, work) <sam@example.com>", ("Sam", "sam@example.com")),
    ("sam@example.com (Lee, Sam)", ("Lee, Sam", "sam@example.com")),
    ("sam@example.com (Sam (the man))", ("Sam (the man)", "sam@example.com")),
    ("Sam <sam@example.com>,", ("Sam", "sam@example.com")),
    ("Sam <sam@example.com>;", ("Sam", "sam@example.com")),
    ("Sam sam@example.com", ("Sam", "sam@example.com")),
    ("Sam [mailto:sam@example.com]", ("Sam", "sam@example.com")),
    ("<<sam@example.com>>", ("", "sam@example.com")),
    ("Sam <sam@example.com", ("Sam", "sam@example.com")),
    ("'sam@example.com' <sam@example.com>", ("sam@example.com", "sam@example.com")),
    ("Sam <mailto:sam@example.com>", ("Sam", "sam@example.com")),
    ("Sam <@relay.example,@other.example:sam@example.com>", ("Sam", "sam@example.com")),
    ('"sam citizen"@example.com', ("", '"sam citizen"@example.com')),
    ('Sam "The Man" Citizen <sam@example.com>', ("Sam The Man Citizen", "sam@example.com")),
    ('"Sam \\"The Man\\" Citizen" <sam@example.com>', ('Sam "The Man" Citizen', "sam@example.com")),
    ("sam @ example.com", ("", "sam@example.com")),
    ("Sam <sam@example.com.>", ("Sam", "sam@example.com")),
    ("=?utf-8?q?Citizen=2C_Sam?= <sam@example.com>", ("Citizen, Sam", "sam@example.com")),
    ("=?utf-8?q?Citizen,_Sam?= <sam@example.com>", ("Citizen, Sam", "sam@example.com")),
    ('"=?utf-8?b?WsO8cmljaA==?=" <sam@example.com>', ("Zürich", "sam@example.com")),
    ("=?utf-8?Q?Sam Citizen?= <sam@example.com>", ("Sam Citizen", "sam@example.com")),
    ("=?iso-2022-jp?b?GyRCRURDZhsoQg==?= <tanaka@example.net>", ("田中", "tanaka@example.net")),
    ("=?utf-8*en?q?Sam?= <sam@example.com>", ("Sam", "sam@example.com")),
    ("=?x-none?q?caf=E9?= <sam@example.com>", ("café", "sam@example.com")),
    ("=?utf-8?b?U2Ft?= =?utf-8?b?IExlZQ==?= <sam@example.com>", ("Sam Lee", "sam@example.com")),
    ("=?utf-8?q?sam=40example=2Ecom?=", ("", "sam@example.com")),
    ("Zoë <zoe@example.com>", ("Zoë", "zoe@example.com")),
    ("Sam <sam@bücher.example>", ("Sam", "sam@bücher.example")),
    ("Sam <sam+orders@example.com>", ("Sam", "sam+orders@example.com")),
    ("O'Brien <o'brien@example.com>", ("O'Brien", "o'brien@example.com")),
    ("Sam\u200b <sam@exam\u200bple.com>", ("Sam", "sam@example.com")),
    ("Sam <sam@[192.0.2.1]>", ("Sam", "sam@[192.0.2.1]")),
    ("Ann via Support <support@example.org>", ("Ann via Support", "support@example.org")),
    ("MAILER-DAEMON", None),
    ("<>", None),
    ("", None),
    ("Sam", None),
    ("sam at example", None),
    ("undisclosed-recipients:;", None),
    ("Sam <sam>", None),
    ("@example.com", None),
    ("sam@", None),
]
for value, wanted in SENDERS:
    add(
        f"from {value[:40]}",
        f"From: {value}\r\nSubject: x\r\n\r\nhello",
        **{"from": wanted, "body": "hello"},
    )

# -- receivers --------------------------------------------------------------------------------------

LISTS: list[tuple[str, list[tuple[str, str]]]] = [
    ("a@x.example, b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
    ("a <a@x.example>; b <b@x.example>", [("a", "a@x.example"), ("b", "b@x.example")]),
    ("a@x.example,, b@x.example,", [("", "a@x.example"), ("", "b@x.example")]),
    ("Team: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
    ("Team: a@x.example;, c@x.example", [("", "a@x.example"), ("", "c@x.example")]),
    ("undisclosed-recipients:;", []),
    ("bad@@x, ok@x.example", [("", "ok@x.example")]),
    ("not an address, ok@x.example", [("", "ok@x.example")]),
    ("a@x.example b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
    ("<a@x.example> <b@x.example>", [("", "a@x.example"), ("", "b@x.example")]),
    ('"Sam <a@x.example>, b@x.example', [("Sam", "a@x.example"), ("", "b@x.example")]),
    (
        "Lee (a, b) <a@x.example>, c@x.example (d, e)",
        [("Lee", "a@x.example"), ("d, e", "c@x.example")],
    ),
    ("a@x.example (open, b@x.example", [("(open", "a@x.example"), ("", "b@x.example")]),
    (
        '"A, B" <a@x.example>, "C; D" <c@x.example>',
        [("A, B", "a@x.example"), ("C; D", "c@x.example")],
    ),
    ("A <a@x.example>,\r\n B <b@x.example>", [("A", "a@x.example"), ("B", "b@x.example")]),
    ("A <a@x.example>,\r\n\tB <b@x.example>", [("A", "a@x.example"), ("B", "b@x.example")]),
    ("'A' <a@x.example>", [("A", "a@x.example")]),
    ("A <>, b@x.example", [("", "b@x.example")]),
    ("<a@x.example", [("", "a@x.example")]),
    ("a@x.example>", [("", "a@x.example")]),
]
for value, people in LISTS:
    add(
        f"to {value[:40]!r}",
        f"From: sam@example.com\r\nTo: {value}\r\n\r\nhello",
        to=people,
        body="hello",
    )

# -- the header -------------------------------------------------------------------------------------

HEADERS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "a line that is no field",
        "this is no field\r\nSubject: after\r\n",
        {"subject": "after", "note": "no field"},
    ),
    (
        "two lines that are no fields",
        "one more\r\nand more\r\nSubject: after\r\n",
        {"subject": "after"},
    ),
    (
        "a subject that wrapped without a blank",
        "Subject: long\r\nlonger\r\nX-A: b\r\n",
        {"subject": "long"},
    ),
    ("a blank before the colon", "Subject : spaced\r\n", {"subject": "spaced"}),
    ("no blank behind the colon", "Subject:tight\r\n", {"subject": "tight"}),
    ("capitals", "SUBJECT: loud\r\n", {"subject": "loud"}),
    ("a folded subject", "Subject: one\r\n two\r\n\tthree\r\n", {"subject": "one two three"}),
    ("an empty subject", "Subject:\r\n", {"subject": ""}),
    ("a subject twice", "Subject: first\r\nSubject: second\r\n", {"subject": "first"}),
    (
        "a word cut in a character",
        "Subject: =?utf-8?b?4oI=?= =?utf-8?b?rA==?=\r\n",
        {"subject": "€"},
    ),
    (
        "words of two charsets",
        "Subject: =?utf-8?q?=C3=A9?= =?iso-8859-1?q?=E8?=\r\n",
        {"subject": "éè"},
    ),
    (
        "a word among words",
        "Subject: Re: =?utf-8?q?=C3=A9t=C3=A9?= (2)\r\n",
        {"subject": "Re: été (2)"},
    ),
    (
        "a word that is none",
        "Subject: =?utf-8?x?abc?= plain\r\n",
        {"subject": "=?utf-8?x?abc?= plain"},
    ),
    ("base64 cut short", "Subject: =?utf-8?b?SGVsbG8gd29ybG?=\r\n", {"subject": "Hello worl"}),
    ("raw UTF-8", "Subject: Grüße 🚲\r\n", {"subject": "Grüße 🚲"}),
    ("a long line", "X-Long: " + "y" * 5000 + "\r\nSubject: after\r\n", {"subject": "after"}),
    ("a control character", "Subject: a\x07b\r\n", {"subject": "a\x07b"}),
    ("a line of blanks inside", "X-A: b\r\n \r\nSubject: after\r\n", {"subject": "after"}),
    ("no message id", "", {"message_id": None}),
    ("a message id with words", "Message-ID: <a b@c>\r\n", {"message_id": "<a b@c>"}),
    ("reply to", "Reply-To: Lee <lee@example.net>\r\n", {"reply_to": [("Lee", "lee@example.net")]}),
    (
        "reply to twice",
        "Reply-To: a@x.example, b@x.example\r\n",
        {"reply_to": [("", "a@x.example"), ("", "b@x.example")]},
    ),
    ("copies", "Cc: Kim <kim@example.net>\r\n", {"cc": [("Kim", "kim@example.net")]}),
]
for name, head, expected in HEADERS:
    add(
        name,
        f"{SAM}{head}\r\nhello",
        body="hello",
        **{"from": ("Sam Citizen", "sam@example.com"), **expected},
    )
add("a line of a mail file first", "From sam@example.com Mon Aug  3 10:00:00 2026\r\n" + SAM + "\r\nhello",
    **{"from": ("Sam Citizen", "sam@example.com"), "body": "hello"})  # fmt: skip
add(
    "only line feeds",
    SAM.replace("\r\n", "\n") + "\nhello\nyou",
    **{"from": ("Sam Citizen", "sam@example.com"), "body": "hello\nyou"},
)
add(
    "only carriage returns",
    SAM.replace("\r\n", "\r") + "\rhello\ryou",
    **{"from": ("Sam Citizen", "sam@example.com"), "body": "hello\nyou"},
)
add("no header at all", "just words\r\nand more", body="just words\nand more", **{"from": None})
add("a header and nothing else", SAM, body="", **{"from": ("Sam Citizen", "sam@example.com")})
add("nothing", b"", body="", **{"from": None})
add(
    "text that begins like an address",
    "http://example.com is down\r\n\r\nplease look",
    body="http://example.com is down\n\nplease look",
)
add(
    "the header ends without a blank line",
    SAM + "Subject: x\r\nhello, this is text\r\nmore",
    subject="x",
    body="hello, this is text\nmore",
)

# -- charsets ---------------------------------------------------------------------------------------

JAPANESE = "お世話になっております。田中です。"
CHARSETS: list[tuple[str, str, str]] = [
    ("utf-8", "utf-8", "Grüße 🚲"),
    ("iso-8859-1", "utf-8", "Grüße aus Köln"),
    ("us-ascii", "utf-8", "Grüße aus Köln"),
    ("iso-8859-1", "latin-1", "Grüße aus Köln"),
    ("iso-8859-1", "windows-1252", "“quoted” €5"),
    ("us-ascii", "windows-1252", "“quoted” €5"),
    ("utf-8", "latin-1", "café"),
    ("utf-8", "windows-1252", "Größe – März"),
    ("", "latin-1", "Müller für Köln über schöne Größe, déjà là où été"),
    ("utf-8", "latin-1", "Fußgängerübergänge für Fahrräder, größtmögliche Höhe"),
    ("windows-1250", "windows-1250", "Příliš žluťoučký kůň"),
    ("iso-8859-2", "iso-8859-2", "Zażółć gęślą jaźń"),
    ("windows-1251", "windows-1251", "Добрый день"),
    ("koi8-r", "koi8-r", "Добрый день"),
    ("koi8-u", "koi8-u", "Привіт, як її справи"),
    ("koi8-ru", "koi8-u", "Привіт, як її справи"),
    ("", "koi8-u", "Привіт, дякую за замовлення, її"),
    ("utf-8", "koi8-r", "Добрый день, спасибо за заказ"),
    ("", "windows-1251", "Добрый день, спасибо за заказ"),
    ("windows-1253", "windows-1253", "Καλημέρα σας"),
    ("iso-8859-9", "windows-1254", "İyi günler, teşekkürler"),
    ("windows-1255", "windows-1255", "שלום וברכה"),
    ("iso-8859-8-i", "iso-8859-8", "שלום וברכה"),
    ("windows-1256", "windows-1256", "مرحبا بكم"),
    ("tis-620", "cp874", "สวัสดีครับ"),
    ("windows-1258", "windows-1258", "Xin chào"),
    ("iso-2022-jp", "iso-2022-jp", JAPANESE),
    ("", "iso-2022-jp", JAPANESE),
    ("shift_jis", "cp932", JAPANESE + "㈱№①"),
    ("x-sjis", "cp932", JAPANESE),
    ("", "cp932", JAPANESE),
    ("euc-jp", "euc-jp", JAPANESE),
    ("us-ascii", "euc-jp", JAPANESE),
    ("shift_jis", "euc-jp", JAPANESE),
    ("iso-2022-jp", "euc-jp", JAPANESE),
    ("gb2312", "gb18030", "您好，镕先生"),
    ("gbk", "gbk", "您好，我想订购一辆自行车"),
    ("", "gb18030", "您好，我想订购一辆自行车"),
    ("big5", "big5", "您好，我想訂購一輛自行車"),
    ("ks_c_5601-1987", "cp949", "안녕하세요"),
    ("euc-kr", "cp949", "안녕하세요 똠방각하"),
    ("utf-16", "utf-16", "hello"),
    ("utf-7", "utf-7", "Grüße"),
    ("x-no-such", "latin-1", "café"),
    ("zlib", "ascii", "plain"),
    ("punycode", "ascii", "plain-"),
]
for declared, codec, words in CHARSETS:
    head = f"Content-Type: text/plain; charset={declared}\r\n" if declared else ""
    add(
        f"{codec} called {declared or 'nothing'}",
        (SAM + head + "\r\n").encode() + words.encode(codec),
        body=words,
    )
add("one bad byte in UTF-8", (SAM + "Content-Type: text/plain; charset=utf-8\r\n\r\n").encode() + "Grüße ".encode() + b"\xff" + " aus Köln é".encode(),
    body="Grüße \ufffd aus Köln é")  # fmt: skip
add(
    "UTF-8 cut in its last character",
    (SAM + "\r\n").encode() + "Grüße é".encode()[:-1],
    body="Grüße \ufffd",
)
add("a byte order mark", (SAM + "\r\n").encode() + "Grüße".encode("utf-8-sig"), body="Grüße")
add(
    "NEC row 13",
    (SAM + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n").encode()
    + b"\x1b$B-j-!-b\x1b(B OK",
    body="㈱①№ OK",
)
add(
    "half-width kana",
    (SAM + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n").encode() + b"\x1b(I1\x1b(B OK",
    body="ｱ OK",
)
add("a NUL", (SAM + "\r\n").encode() + b"a\x00b", body="a\ufffdb")

# -- transfer encodings -----------------------------------------------------------------------------

ENCODINGS: list[tuple[str, bytes, str]] = [
    ("base64", b"aGVsbG8gd29ybGQ=", "hello world"),
    ("BASE64 (a comment)", b"aGVsbG8gd29ybGQ=", "hello world"),
    (" base64 ;", b"aGVsbG8gd29ybGQ=", "hello world"),
    ('"base64"', b"aGVsbG8gd29ybGQ=", "hello world"),
    ("base64", b"aGVsbG8gd29ybG", "hello worl"),
    ("base64", b"aGVsbG8gd29ybGQ", "hello world"),
    ("base64", b"aGVs\r\n bG8g\r\n d29y bGQ=", "hello world"),
    ("base64", b"aGVs!!bG8gd29ybGQ=", "hello world"),
    ("base64", b"aGVsbG8g\r\nd29ybGQ=\r\naGVsbG8=", "hello worldhello"),
    (
        "base64",
        b"aGVsbG8=\r\n____________\r\nlist footer here",
        "hello\n____________\nlist footer here",
    ),
    ("quoted-printable", b"gr=C3=BC=C3=9Fe =\r\nyou", "grüße you"),
    ("Quoted-Printable ", b"a=3Db", "a=b"),
    ("quoted-printable", b"100% =ZZ sure =", "100% =ZZ sure "),
    ("7bit", b"plain", "plain"),
    ("8bit", "grüße".encode(), "grüße"),
    ("binary", b"plain", "plain"),
    ("x-no-such", b"plain", "plain"),
    ("x-uuencode", b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n", "hello"),
]
for encoding, content, words in ENCODINGS:
    add(f"transfer {encoding} {content[:12]!r}",
        (SAM + f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").encode() + content,
        body=words)  # fmt: skip

# -- files ------------------------------------------------------------------------------------------

NAMES: list[tuple[str, str | None]] = [
    ("Content-Disposition: attachment; filename=plain.txt", "plain.txt"),
    ('Content-Disposition: attachment; filename="with blank.txt"', "with blank.txt"),
    ("Content-Disposition: attachment; filename=no quotes here.txt", "no quotes here.txt"),
    ("Content-Disposition: attachment; filename*=utf-8''%E2%82%AC%20rates.txt", "€ rates.txt"),
    ("Content-Disposition: attachment; filename=a.txt; filename*=utf-8''b.txt", "b.txt"),
    ('Content-Disposition: attachment; filename*0="long "; filename*1="name.txt"', "long name.txt"),
    (
        "Content-Disposition: attachment; filename*0*=utf-8''%C3%A9; filename*1*=%C3%A8.txt",
        "éè.txt",
    ),
    ('Content-Disposition: attachment; filename*1="two.txt"; filename*0="one-"', "one-two.txt"),
    ('Content-Disposition: attachment; filename="=?utf-8?q?=E2=82=AC.txt?="', "€.txt"),
    ('Content-Disposition: attachment; filename="=?utf-8?b?4oKs?= =?utf-8?b?LnR4dA==?="', "€.txt"),
    ('Content-Disposition: attachment; filename="Größe – März.pdf"', "Größe – März.pdf"),
    ('Content-Disposition: attachment; filename="..\\\\..\\\\etc/passwd"', "passwd"),
    ('Content-Disposition: attachment; filename="C:\\docs\\a.doc"', "a.doc"),
    ('Content-Disposition: attachment; filename="a;b.txt"', "a;b.txt"),
    ('Content-Disposition: attachment; filename="a\\"b.txt"', 'a"b.txt'),
    ('Content-Disposition: attachment; filename="never closed.txt', "never closed.txt"),
    ("Content-Disposition: attachment;\r\n filename=folded.txt", "folded.txt"),
    ("Content-Disposition: ATTACHMENT; FILENAME=loud.txt", "loud.txt"),
    ("Content-Disposition: attachment (a comment); filename=c.txt", "c.txt"),
    ("Content-Type: application/pdf; name=old.pdf", "old.pdf"),
    ('Content-Type: application/pdf; name="=?iso-8859-1?q?caf=E9.pdf?="', "café.pdf"),
    ("Content-Disposition: attachment", None),
    ('Content-Disposition: attachment; filename=""', None),
]
for head, file_name in NAMES:
    raw = multipart("mixed", "Content-Type: text/plain\r\n\r\nsee file", f"{head}\r\n\r\nbytes")
    add(f"file {file_name} by {head[:60]}", raw, body="see file", names=[file_name], sizes=[5])
add("a file name in raw Latin-1", multipart("mixed", "\r\nsee file", b'Content-Disposition: attachment; filename="caf\xe9.txt"\r\n\r\nbytes'),
    names=["café.txt"], body="see file")  # fmt: skip
add("a file name in raw Shift_JIS", multipart("mixed", "\r\nsee file", b'Content-Disposition: attachment; filename="' + "ください".encode("cp932") + b'"\r\n\r\nbytes'),
    names=["ください"], body="see file")  # fmt: skip

# -- structure --------------------------------------------------------------------------------------

TEXT, HTML = (
    "Content-Type: text/plain\r\n\r\nplain words",
    "Content-Type: text/html\r\n\r\n<p>html words</p>",
)
PDF = "Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF"
INNER = "From: Kim <kim@example.net>\r\nSubject: Inside\r\n\r\ninner words"
add("alternatives", multipart("alternative", TEXT, HTML), body="plain words", files=[])
add(
    "an empty plain alternative",
    multipart("alternative", "Content-Type: text/plain\r\n\r\n ", HTML),
    body="html words",
    files=[],
)
add("only markup", multipart("mixed", HTML), body="html words", files=[])
add(
    "text and a file",
    multipart("mixed", TEXT, PDF),
    body="plain words",
    files=[("a.pdf", "application/pdf")],
)
add("text round a picture", multipart("mixed", TEXT, "Content-Type: image/png; name=a.png\r\nContent-Disposition: inline\r\n\r\nPNG", "\r\nafter"),
    body="plain words\n\nafter", files=[("a.png", "image/png")])  # fmt: skip
add(
    "markup and a list's footer",
    multipart("mixed", HTML, "\r\nfooter"),
    body="html words\n\nfooter",
)
add(
    "a boundary folded away",
    SAM
    + 'Content-Type: multipart/mixed;\r\n\tboundary=\r\n "edge"\r\n\r\n--edge\r\n\r\nwords\r\n--edge--\r\n',
    body="words",
)
add(
    "a boundary folded in the middle",
    SAM
    + 'Content-Type: multipart/mixed; boundary="ed\r\n ge"\r\n\r\n--edge\r\n\r\nwords\r\n--edge--\r\n',
    body="words",
)
add("another boundary than the header says", SAM + 'Content-Type: multipart/mixed; boundary="none"\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\nwords\r\n--edge--\r\n',
    body="words", note="boundary")  # fmt: skip
add(
    "no boundary",
    SAM + "Content-Type: multipart/mixed\r\n\r\nwords as they are",
    body="words as they are",
)
add(
    "a boundary that never comes",
    SAM + 'Content-Type: multipart/mixed; boundary="none"\r\n\r\nwords as they are',
    body="words as they are",
)
add("no end", multipart("mixed", TEXT)[: -len("--edge--\r\n")], body="plain words")
add(
    "blanks behind the boundary",
    multipart("mixed", TEXT).replace(b"--edge\r\n", b"--edge  \t\r\n"),
    body="plain words",
)
add("a boundary within another", multipart("mixed", multipart("alternative", TEXT, HTML, boundary="edge2", head=""), PDF),
    body="plain words", files=[("a.pdf", "application/pdf")])  # fmt: skip
add("one boundary for both levels", multipart("mixed", multipart("alternative", TEXT, HTML, head=""), PDF),
    body="plain words", files=[("a.pdf", "application/pdf")])  # fmt: skip
add("parts under their parent's boundary", multipart("mixed", 'Content-Type: multipart/alternative; boundary="other"\r\n\r\n', TEXT, HTML),
    body="plain words", files=[])  # fmt: skip
add(
    "words before the first part",
    multipart("mixed", TEXT).replace(b"\r\n\r\n--edge", b"\r\n\r\nThis is MIME.\r\n--edge", 1),
    body="plain words",
)
add("a named text as the only text", multipart("mixed", "Content-Type: text/plain; name=a.txt\r\nContent-Disposition: inline\r\n\r\nnamed words", PDF),
    body="named words", files=[("a.txt", "text/plain"), ("a.pdf", "application/pdf")])  # fmt: skip
add(
    "the whole mail is a named text",
    SAM + "Content-Type: text/plain; name=a.txt\r\n\r\nnamed words",
    body="named words",
)
add(
    "the whole mail is an attached text",
    SAM
    + "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nwords",
    body="words",
)
add("a text file beside a text", multipart("mixed", TEXT, "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=b.txt\r\n\r\nfile words"),
    body="plain words", files=[("b.txt", "text/plain")])  # fmt: skip
add("a mail in a mail", multipart("mixed", TEXT, "Content-Type: message/rfc822\r\n\r\n" + INNER),
    body="plain words", files=[("Inside.eml", "message/rfc822")], sizes=[len(INNER)], inner="inner words")  # fmt: skip
add("a mail in a mail, coded", multipart("mixed", TEXT, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogSW4NCg0Kd29yZHM="),
    files=[("In.eml", "message/rfc822")], inner="words")  # fmt: skip
add(
    "nothing but a mail in a mail",
    SAM + "Content-Type: message/rfc822\r\n\r\n" + INNER,
    body="inner words",
)
add(
    "a digest",
    multipart("digest", "\r\n" + INNER, "\r\n" + INNER),
    files=[("Inside.eml", "message/rfc822")] * 2,
)
add("a type that is none", SAM + "Content-Type: gibberish\r\n\r\nwords", body="words")
add("no type's parameter", SAM + "Content-Type: text/plain; charset\r\n\r\nwords", body="words")
add(
    "S/MIME",
    SAM
    + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\r\nx",
    body=None,
    note="S/MIME",
)
add("PGP", multipart("encrypted", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", "Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\nx"),
    body=None, note="PGP")  # fmt: skip
add(
    "PGP in the text",
    SAM + "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nabc",
    shows="BEGIN PGP",
    note="PGP",
)
add(
    "winmail.dat",
    multipart("mixed", TEXT, "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx"),
    body="plain words",
    note="TNEF",
)
add(
    "winmail.dat by its name",
    multipart("mixed", TEXT, "Content-Type: application/octet-stream; name=winmail.dat\r\n\r\nx"),
    note="TNEF",
)
EVENT = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTART;TZID=Australia/Sydney:20260803T100000\r\nSUMMARY:Fitting\\, bike\r\nEND:VEVENT\r\nEND:VCALENDAR"
add("an invitation", multipart("alternative", TEXT, "Content-Type: text/calendar; method=REQUEST\r\n\r\n" + EVENT),
    body="plain words", files=[(None, "text/calendar")], event=("Fitting, bike", "2026-08-03 10:00 (Australia/Sydney)"))  # fmt: skip
add("an invitation twice", multipart("mixed", multipart("alternative", TEXT, "Content-Type: text/calendar\r\n\r\n" + EVENT, boundary="in", head=""),
    "Content-Type: application/ics; name=invite.ics\r\n\r\n" + EVENT), files=[("invite.ics", "application/ics")])  # fmt: skip
add(
    "an AMP alternative",
    multipart("alternative", TEXT, "Content-Type: text/x-amp-html\r\n\r\n<html amp4email>", HTML),
    body="plain words",
    files=[],
)
add(
    "flowed text",
    SAM + "Content-Type: text/plain; format=flowed\r\n\r\none long \r\nline\r\n\r\n-- \r\nSam\r\n",
    body="one long line\n\n-- \nSam",
)

# -- markup -----------------------------------------------------------------------------------------

MARKUP: list[tuple[str, str]] = [
    ("<p>Hello&nbsp;Sam,</p><p>bye</p>", "Hello Sam,\n\nbye"),
    ("line<br>next", "line\nnext"),
    ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
    ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a b\nc d"),
    (
        '<a href="https://example.com/x?a=1&amp;b=2">order</a>',
        "order <https://example.com/x?a=1&b=2>",
    ),
    ('<a href="https://example.com/">example.com</a>', "example.com"),
    ('<a href="https://example.com/a">https://example.com/a</a>', "https://example.com/a"),
    ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
    ('<a href="javascript:alert(1)">bad</a>', "bad"),
    ('see <img src="cid:p1@x" alt="p"> here', "see [cid:p1@x] here"),
    ('see <img src="https://t.example/a.gif" alt="dot"> here', "see dot here"),
    ('a<img src="cid:t" width="1" height="1">b', "ab"),
    ("<style>p{}</style><script>x()</script>words", "words"),
    ("<title>t</title>words", "words"),
    ("words <!-- hidden -->more", "words more"),
    ("words <!-- never closed", "words"),
    ("5 &lt; 6 &amp; 7", "5 < 6 & 7"),
    ("AT&T &copy 2026 &euro;5", "AT&T © 2026 €5"),
    ("<pre>a\n  b</pre>", "a\n  b"),
    ("<p>a<p>b", "a\n\nb"),
    ("<b><i>words</b></i>", "words"),
    ("<p>a</p>\n\n\n\n<p>b</p>", "a\n\nb"),
    ("no markup at all", "no markup at all"),
    ("a < b", "a < b"),
]
for markup, words in MARKUP:
    add(
        f"markup {markup[:30]}",
        SAM + "Content-Type: text/html; charset=utf-8\r\n\r\n" + markup,
        body=words,
    )
add(
    "a quotation in markup",
    SAM + "Content-Type: text/html\r\n\r\nnew<blockquote type=cite>old</blockquote>",
    body="new",
    quoted="> old",
)

# -- answers ----------------------------------------------------------------------------------------

#: What clients put above the mail they answer. Each stands above marked and, where the client marks nothing, unmarked text.
ATTRIBUTIONS = [
    "On Mon, 3 Aug 2026 at 10:00, Sam Citizen <sam@example.com> wrote:",
    "On Mon, Aug 3, 2026 at 10:00 AM Sam Citizen <sam@example.com> wrote:",
    "On Mon, 3 Aug 2026 at 10:00 Sam Citizen With A Long Name\n<sam@example.com> wrote:",
    "On Mon, 3 Aug 2026 at 10:00 Sam Citizen With A Long Name\n<sam@example.com>\nwrote:",
    "On 3 Aug 2026, at 10:00 am, Sam Citizen <sam@example.com> wrote:",
    "On 03/08/2026 10:00, Sam Citizen wrote:",
    "On 2026-08-03 10:00, Sam Citizen wrote:",
    "Am 03.08.26 um 10:00 schrieb Sam Citizen:",
    "Am Mo., 3. Aug. 2026 um 10:00 Uhr schrieb Sam Citizen <sam@example.com>:",
    "Am 03.08.2026 10:00 schrieb Sam Citizen\n<sam@example.com>:",
    "Le lun. 3 août 2026 à 10:00, Sam <sam@example.com> a écrit :",
    "Le 03/08/2026 à 10:00, Sam Citizen a écrit :",
    "El lun, 3 ago 2026 a las 10:00, Sam (<sam@example.com>) escribió:",
    "Em seg., 3 de ago. de 2026 às 10:00, Sam <sam@example.com> escreveu:",
    "Il giorno lun 3 ago 2026 alle ore 10:00 Sam <sam@example.com> ha scritto:",
    "Op ma 3 aug 2026 om 10:00 schreef Sam <sam@example.com>:",
    "Den mån 3 aug. 2026 kl 10:00 skrev Sam <sam@example.com>:",
    "pon., 3 sie 2026 o 10:00 Sam <sam@example.com> napisał(a):",
    "W dniu 03.08.2026 o 10:00, Sam Citizen pisze: <sam@example.com>:",
    "po 3. 8. 2026 v 10:00 odesílatel Sam <sam@example.com> napsal:",
    "пн, 3 авг. 2026 г. в 10:00, Sam <sam@example.com> написал:",
    '03.08.2026, 10:00, "Sam Citizen" <sam@example.com>:',
    "Понедельник, 3 августа 2026, 10:00 +03:00 от Sam <sam@example.com>:",
    "пн, 3 серп. 2026 р. о 10:00 Sam <sam@example.com> пише:",
    "Στις 3/8/2026 10:00, ο χρήστης Sam <sam@example.com> έγραψε:",
    "Sam <sam@example.com>, 3 Ağu 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    "Vào 3 thg 8, 2026 vào lúc 10:00 Sam <sam@example.com> đã viết:",
    "Pada tanggal Sen, 3 Agu 2026 pukul 10.00 Sam <sam@example.com> menulis:",
    "في 3/8/2026 في 10:00، كتب Sam <sam@example.com>:",
    "Sam <sam@example.com> 于2026年8月3日周一 10:00写道：",
    "2026年8月3日(月) 10:00 Sam <sam@example.com>:",
    "2026년 8월 3일 (월) 오전 10:00, Sam <sam@example.com>님이 작성:",
    "3/8/2026 को 10:00 बजे Sam <sam@example.com> ने लिखा:",
    "בתאריך יום ב׳, 3 באוג׳ 2026 ב-10:00 מאת Sam <sam@example.com>:",
    "2026/8/3 Sam Citizen <sam@example.com>",
    "Sam Citizen <sam@example.com> wrote:",
    "Sam Citizen wrote:",
]
BLOCKS = [
    "From: Sam <sam@example.com>\nSent: Monday, 3 August 2026 10:00 AM\nTo: Sales\nSubject: Order",
    "________________________________\nFrom: Sam <sam@example.com>\nSent: Monday\nTo: Sales\nSubject: Order",
    "-----Original Message-----\nFrom: Sam\nSent: Monday\nSubject: Order",
    '----- Original Message -----\nFrom: "Sam" <sam@example.com>\nTo: Sales\nSent: Monday\nSubject: Order',
    "-------- Original message --------\nFrom: Sam <sam@example.com>\nDate: 3/8/26 10:00 (GMT+10:00)\nTo: Sales\nSubject: Order",
    "-------- Original Message --------\nSubject: Order\nDate: Mon, 3 Aug 2026\nFrom: Sam <sam@example.com>\nTo: Sales",
    "Von: Sam <sam@example.com>\nGesendet: Montag, 3. August 2026\nAn: Sales\nBetreff: Order",
    "-----Ursprüngliche Nachricht-----\nVon: Sam\nGesendet: Montag\nAn: Sales\nBetreff: Order",
    "De : Sam <sam@example.com>\nEnvoyé : lundi 3 août 2026\nÀ : Sales\nObjet : Order",
    "De: Sam <sam@example.com>\nEnviado: lunes\nPara: Sales\nAsunto: Order",
    "Da: Sam <sam@example.com>\nInviato: lunedì\nA: Sales\nOggetto: Order",
    "Van: Sam <sam@example.com>\nVerzonden: maandag\nAan: Sales\nOnderwerp: Order",
    "*From:* Sam <sam@example.com>\n*Sent:* Monday\n*To:* Sales\n*Subject:* Order",
    "From: Sam <sam@example.com>\n\nSent: Monday\n\nTo: Sales\n\nSubject: Order",
    "From: Sam <sam@example.com>\nSent: Monday\nTo: Sales; Kim; Lee; Alex and several more people of the\nsales team\nSubject: Order",
    "发件人: Sam <sam@example.com>\n发送时间: 2026年8月3日\n收件人: Sales\n主题: Order",
    "差出人: Sam <sam@example.com>\n送信日時: 2026年8月3日\n宛先: Sales\n件名: Order",
]
for attribution in ATTRIBUTIONS:
    add(f"answer, {attribution[:40]}", SAM + f"\r\nThank you!\r\n\r\nKim\r\n\r\n{attribution}\r\n\r\n> one\r\n> two\r\n".replace("\n", "\r\n").replace("\r\r", "\r"),
        body="Thank you!\n\nKim", quoted=f"{attribution}\n\n> one\n> two")  # fmt: skip
for attribution in ATTRIBUTIONS[:10]:
    add(f"unmarked, {attribution[:40]}", SAM + f"\n\nThank you!\n\n{attribution}\n\nold words".replace("\n", "\r\n").replace("\r\r", "\r"),
        body="Thank you!", quoted=f"{attribution}\n\nold words")  # fmt: skip
for block in BLOCKS:
    add(f"block, {block[:40]!r}", SAM + f"\r\nThank you!\n\n{block}\n\nold words".replace("\r\n", "\n").replace("\n", "\r\n"),
        body="Thank you!", quoted=f"{block}\n\nold words")  # fmt: skip

#: New text, all of it; nothing of it may go out of sight.
NEW = [
    "Order 1001\n\n-----------------------\nItem: bike\nPrice: $900\nColour: red\n\nThank you",
    "Your receipt\n____________________\nOrder: 1\nTotal: $5\nPaid: yes",
    "--- Shipping ---\nName: Sam\nStreet: 1 Road\nCity: Sydney",
    "==========\nFrom: Sydney\nTo: Melbourne\nDate: 3 Aug 2026\nSeats: 2",
    "From: Sydney\nTo: Melbourne\nDate: 3 August 2026\nPassenger: Sam",
    "----------\nFrom: shop@example.com\nOrder: 1\nTotal: $5",
    "From: the bottom of my heart, thank you",
    "I wrote: nothing",
    "Prices in 2026:\n- bike\n- helmet",
    "Dear team\n-----\nfrom here: on\nall fine",
    "Hi,\n\n> First question?\n\nYes.\n\n> Second question?\n\nNo.",
    "As you wrote:\nthe bike is red",
    "Meeting on 3/8/2026 at 10:00:\nbring the bike",
    "Please call me:\n0491 570 006",
    "---------- Forwarded message ---------\nFrom: Sam\nDate: Monday\nSubject: Order\n\nwords",
    "Name: Sam\nEmail: sam@example.com\nMessage: hello",
    "****************\nSALE: 50 %\nCODE: BIKE\n****************",
    "Hello\n\n-- \nSam Citizen\nPhone: 0491 570 006\nWeb: example.com",
]
for text in NEW:
    add(
        f"all new, {text[:30]!r}", SAM + "\r\n" + text.replace("\n", "\r\n"), body=text, quoted=None
    )
add("a footer below a quotation", SAM + "\r\nYes\r\n\r\nOn 3/08/2026 Sam wrote:\r\n> Shall we?\r\n\r\n______________________\r\nlist",
    body="Yes\n\n\n______________________\nlist", quoted="On 3/08/2026 Sam wrote:\n> Shall we?")  # fmt: skip
add(
    "a first word right above",
    SAM + "\r\nThanks!\r\nSam <sam@example.com> wrote:\r\n> one",
    body="Thanks!",
    quoted="Sam <sam@example.com> wrote:\n> one",
)

# -- reports of mail systems ------------------------------------------------------------------------

STATUS = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
    "Final-Recipient: rfc822; bob@example.net\r\nAction: {action}\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n"
)
RETURNED = "Content-Type: message/rfc822\r\n\r\nFrom: sales@example.org\r\nMessage-ID: <sent-1@example.org>\r\n\r\nhello Bob"
DAEMON = "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\nTo: sales@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n"
add("a report", multipart("report", "\r\nsorry", STATUS.format(action="failed"), RETURNED, head=DAEMON, more="; report-type=delivery-status"),
    failed=["bob@example.net"], reported="<sent-1@example.org>", flags=["is_bounce", "is_automatic"], body="sorry", reason="550 no such user")  # fmt: skip
add("a report of lateness", multipart("report", "\r\nwait", STATUS.format(action="delayed"), RETURNED, head=DAEMON, more="; report-type=delivery-status"),
    failed=[], flags=["is_automatic"])  # fmt: skip
add("a report of arrival", multipart("report", "\r\nfine", STATUS.format(action="delivered"), head=DAEMON, more="; report-type=delivery-status"),
    failed=[], flags=["is_automatic"])  # fmt: skip
WORDED: list[tuple[str, str, str, str]] = [
    (
        "qmail",
        "MAILER-DAEMON@mx.example.net",
        "failure notice",
        "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message.\n\n<bob@example.net>:\nno mailbox here by that name",
    ),
    (
        "Exim",
        "Mailer-Daemon@mx.example.net",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically.\n\n  bob@example.net\n    550 unknown user",
    ),
    (
        "Postfix without a report",
        "MAILER-DAEMON@mx.example.net",
        "Undelivered Mail Returned to Sender",
        "I'm sorry.\n\n<bob@example.net>: host mx said: 550 no such user",
    ),
    (
        "sendmail",
        "MAILER-DAEMON@mx.example.net",
        "Returned mail: see transcript for details",
        "   ----- The following addresses had permanent fatal errors -----\n<bob@example.net>\n    (reason: 550 unknown)",
    ),
    (
        "Exchange",
        "postmaster@corp.example.net",
        "Undeliverable: Order",
        "Your message did not reach some or all of the intended recipients.\n\nbob@example.net\nThe address was not found.",
    ),
    (
        "Notes",
        "postmaster@corp.example.net",
        "DELIVERY FAILURE: User bob not listed in Directory",
        "Your message could not be delivered to:\n\nbob@example.net\n\nbecause:\n\nuser not listed",
    ),
    (
        "a postmaster",
        "postmaster@example.net",
        "Delivery Status Notification (Failure)",
        "Could not deliver:\n\nbob@example.net",
    ),
    (
        "German",
        "postmaster@example.net",
        "Unzustellbar: Order",
        "Nicht zugestellt:\n\nbob@example.net",
    ),
    ("French", "postmaster@example.net", "Non remis : Order", "Adresse :\n\nbob@example.net"),
    (
        "without an address",
        "MAILER-DAEMON@mx.example.net",
        "failure notice",
        "Something went wrong.",
    ),
]
for name, sender, subject, text in WORDED:
    add(f"report in words, {name}", f"Return-Path: <>\r\nFrom: {sender}\r\nTo: sales@example.org\r\nSubject: {subject}\r\n\r\n" + text.replace("\n", "\r\n"),
        failed=[] if name == "without an address" else ["bob@example.net"], flags=["is_bounce", "is_automatic"])  # fmt: skip
add("failed recipients in the header", "From: mailer-daemon@example.net\r\nX-Failed-Recipients: bob@example.net, kim@example.net\r\nSubject: Order\r\n\r\nsorry",
    failed=["bob@example.net", "kim@example.net"], flags=["is_bounce", "is_automatic"])  # fmt: skip
add(
    "an Exchange header",
    "From: postmaster@example.net\r\nX-MS-Exchange-Message-Is-Ndr:\r\nSubject: x\r\n\r\nbob@example.net\r\n",
    failed=None,
    flags=["is_automatic"],
)
add("the id in the text", "Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\n<bob@example.net>:\r\nno\r\n\r\n--- Below this line is a copy.\r\n\r\nMessage-ID: <sent-2@example.org>\r\n",
    failed=["bob@example.net"], reported="<sent-2@example.org>")  # fmt: skip
add(
    "a customer writes about a failure",
    SAM + "Subject: delivery failed\r\n\r\nmy bike never came\r\nbob@example.net",
    failed=None,
    flags=[],
)

# -- kinds of mail ----------------------------------------------------------------------------------

KINDS: list[tuple[str, list[str]]] = [
    ("List-Id: <news.example.com>", ["is_bulk"]),
    ("List-Unsubscribe: <https://example.com/u>", ["is_bulk"]),
    ("Precedence: bulk", ["is_bulk"]),
    ("Precedence: list", ["is_bulk"]),
    ("Auto-Submitted: auto-replied", ["is_automatic", "is_auto_reply"]),
    ("Auto-Submitted: auto-generated", ["is_automatic"]),
    ("Auto-Submitted: no", []),
    ("X-Autoreply: yes", ["is_automatic"]),
    ("X-Autoreply: yes\r\nIn-Reply-To: <a@b>", ["is_automatic", "is_auto_reply"]),
    ("Return-Path: <>", ["is_automatic"]),
    ("In-Reply-To: <a@b>", []),
]
for head, flags in KINDS:
    add(f"kind {head[:40]!r}", SAM + head + "\r\n\r\nhello", flags=flags, body="hello")
add("no reply", "From: no-reply@example.com\r\n\r\nhello", flags=["is_automatic"])
add("a name that begins like it", "From: noreen@example.com\r\n\r\nhello", flags=[])
