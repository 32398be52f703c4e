"""RFC 822 bytes become columns; whatever the bytes are, nothing is raised and no text is lost."""

from __future__ import annotations

import json
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.contact_card import cards_of
from mail.parse import PARSER_VERSION, parse, part_bytes
from tests.long_form import LONG

HEAD = b"From: Sam Citizen <sam@example.com>\r\nTo: sales@example.org\r\nSubject: Order 1001\r\n"


def mail(head: str, body: bytes = b"") -> bytes:
    return HEAD + head.encode() + b"\r\n\r\n" + body


def multipart(subtype: str, *parts: tuple[str, bytes], boundary: str = "edge") -> bytes:
    pieces = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()]
    for head, body in parts:
        pieces.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + body + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


# -- charsets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "content", "text"),
    [
        ("utf-8", "Grüße 🚲".encode(), "Grüße 🚲"),
        ("iso-8859-1", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("us-ascii", "“quoted” €5".encode("windows-1252"), "“quoted” €5"),
        ("iso-2022-jp", "お世話になっております".encode("iso-2022-jp"), "お世話になっております"),
        ("gb2312", "您好，镕".encode("gb18030"), "您好，镕"),
        ("ks_c_5601-1987", "안녕하세요".encode("cp949"), "안녕하세요"),
        ("windows-1253", "Καλημέρα".encode("windows-1253"), "Καλημέρα"),
        ("utf-16", "hello".encode("utf-16"), "hello"),
        ("x-no-such-charset", "café".encode("latin-1"), "café"),
        ("zlib", b"plain", "plain"),
        ("punycode", b"plain-", "plain-"),
        ("utf-8", b"\xff\xfe\x81", "ÿþ\x81"),
    ],
)
def test_body_is_readable_in_any_charset(declared: str, content: bytes, text: str) -> None:
    parsed = parse(mail(f"Content-Type: text/plain; charset={declared}", content))
    assert (parsed.body_text, parsed.body_format) == (text, "plain")


def test_nul_and_lone_surrogates_are_replaced_and_columns_are_json() -> None:
    columns = parse(mail("Content-Type: text/html", b"<p>a\x00b &#xD800; c</p>")).columns()
    assert "\x00" not in json.dumps(columns, ensure_ascii=False)
    json.dumps(columns, ensure_ascii=False).encode("utf-8")
    assert columns["body_text"].startswith("a")


# -- header -----------------------------------------------------------------------------------------


def test_addresses_are_split_before_they_are_decoded() -> None:
    parsed = parse(
        b"From: =?utf-8?q?Citizen=2C_Sam?= <sam@example.com>\r\n"
        b'To: "Tran, Mai" <mai@example.com>, =?iso-2022-jp?b?GyRCRURDZhsoQg==?= <tanaka@example.net>\r\n'
        b"Cc: undisclosed-recipients:;\r\nSubject: =?utf-8?b?w4k=?= =?utf-8?q?t=C3=A9?=\r\n\r\nx"
    )
    assert parsed.envelope["from"] == {"name": "Citizen, Sam", "address": "sam@example.com"}
    assert parsed.envelope["to"] == [
        {"name": "Tran, Mai", "address": "mai@example.com"},
        {"name": "田中", "address": "tanaka@example.net"},
    ]
    assert parsed.envelope["cc"] == []
    assert parsed.envelope["subject"] == "Été"
    assert parsed.parse_notes == []


def test_raw_utf8_in_a_header_and_a_word_cut_inside_a_character() -> None:
    parsed = parse(
        "From: Zoë <zoe@example.com>\r\nSubject: =?utf-8?b?4oI=?= =?utf-8?b?rA==?=\r\n\r\nx".encode()
    )
    assert parsed.envelope["from"]["name"] == "Zoë"
    assert parsed.envelope["subject"] == "€"


def test_unreadable_addresses_are_noted_and_not_invented() -> None:
    parsed = parse(b"From: sam at example\r\nSubject: x\r\n\r\nhello")
    assert parsed.envelope["from"] is None
    assert parsed.parse_notes == ["From: no address could be read"]


@pytest.mark.parametrize(
    ("head", "flags"),
    [
        (b"", (False, False, False)),
        (b"List-Id: <news.example.com>\r\n", (True, False, False)),
        (b"Precedence: bulk\r\n", (True, False, False)),
        (b"Auto-Submitted: auto-replied\r\n", (False, True, False)),
        (b"Auto-Submitted: no\r\n", (False, False, False)),
        (b"Return-Path: <>\r\n", (False, True, False)),
        (
            b"Return-Path: <>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            (False, True, True),
        ),
    ],
)
def test_kinds_of_mail(head: bytes, flags: tuple[bool, bool, bool]) -> None:
    envelope = parse(HEAD + head + b"\r\nx").envelope
    assert (envelope["is_bulk"], envelope["is_automatic"], envelope["is_bounce"]) == flags


def test_no_reply_addresses_are_automatic() -> None:
    assert parse(b"From: No-Reply@example.com\r\n\r\nx").envelope["is_automatic"] is True
    assert parse(b"From: noreen@example.com\r\n\r\nx").envelope["is_automatic"] is False


def test_thread_fields() -> None:
    envelope = parse(
        b"Message-ID: <c@example.com>\r\nIn-Reply-To: <b@example.com>\r\n"
        b"References: <a@example.com>\r\n <b@example.com>\r\n\r\nx"
    ).envelope
    assert envelope["message_id"] == "<c@example.com>"
    assert envelope["in_reply_to"] == "<b@example.com>"
    assert envelope["references"] == ["<a@example.com>", "<b@example.com>"]


# -- parts ------------------------------------------------------------------------------------------


def test_plain_text_is_preferred_and_the_html_beside_it_is_no_attachment() -> None:
    raw = HEAD + multipart(
        "alternative",
        ("Content-Type: text/plain", b"plain words"),
        ("Content-Type: text/html", b"<p>html words</p>"),
    )
    parsed = parse(raw)
    assert (parsed.body_text, parsed.body_format, parsed.attachments) == (
        "plain words",
        "plain",
        [],
    )


def test_an_empty_plain_part_yields_to_html() -> None:
    raw = HEAD + multipart(
        "alternative",
        ("Content-Type: text/plain", b" "),
        ("Content-Type: text/html", b"<p>words</p>"),
    )
    parsed = parse(raw)
    assert (parsed.body_text, parsed.body_format) == ("words", "html")


def test_text_between_pictures_is_all_body() -> None:
    raw = HEAD + multipart(
        "mixed",
        ("Content-Type: text/plain", b"before"),
        ('Content-Type: image/png; name="a.png"\r\nContent-Disposition: inline', b"\x89PNG"),
        ("Content-Type: text/plain", b"after"),
    )
    parsed = parse(raw)
    assert parsed.body_text == "before\n\nafter"
    assert [part["filename"] for part in parsed.attachments] == ["a.png"]
    assert parsed.attachments[0]["is_inline"] is True


def test_html_only_becomes_readable_lines() -> None:
    parsed = parse(
        mail(
            "Content-Type: text/html; charset=utf-8",
            b"<html><head><title>t</title><style>p{}</style></head><body><p>Hello&nbsp;Sam,</p>"
            b"<ul><li>one</li><li>two</li></ul>line<br>next <script>no()</script>"
            b"<blockquote type=cite>old</blockquote></body></html>",
        )
    )
    assert parsed.body_format == "html"
    assert parsed.body_text == "Hello Sam,\n\n- one\n- two\n\nline\nnext"
    assert parsed.body_quoted == "> old"


def test_attachments_are_listed_with_the_hash_of_their_bytes_and_can_be_read_again() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "sam@example.com", "files"
    message.set_content("see attached")
    message.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename="Größe – März.pdf"
    )
    inner = EmailMessage()
    inner["Subject"] = "forwarded"
    inner.set_content("inside")
    message.add_attachment(inner)
    raw = message.as_bytes()
    parsed = parse(raw)
    document, forwarded = parsed.attachments
    assert document["filename"] == "Größe – März.pdf"
    assert document["size_bytes"] == 4
    assert part_bytes(raw, document["part_id"]) == b"%PDF"
    assert forwarded["content_type"] == "message/rfc822"
    assert b"inside" in (part_bytes(raw, forwarded["part_id"]) or b"")
    assert parsed.body_text == "see attached"
    assert part_bytes(raw, "no such part") is None


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename*=utf-8''%E2%82%AC%20rates.txt", "€ rates.txt"),
        ('filename*0="long "; filename*1="name.txt"', "long name.txt"),
        ('filename="=?utf-8?q?=E2=82=AC.txt?="', "€.txt"),
        ('filename="..\\\\..\\\\etc/passwd"', "passwd"),
    ],
)
def test_file_names_in_all_their_forms_and_without_a_folder(parameters: str, name: str) -> None:
    raw = HEAD + multipart("mixed", (f"Content-Disposition: attachment; {parameters}", b"x"))
    assert parse(raw).attachments[0]["filename"] == name


CARDS = {
    "as a phone of today writes it": (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Buyer;Alex;;;\r\nFN:Alex\r\n  Buyer\r\nitem1.TEL;type=CELL;type=pref:+61 491 570 158\r\n"
        b"PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n SkZJRg==\r\nEMAIL;TYPE=\"home:x\":Alex@Example.net\r\nEND:VCARD\r\n",
        [("Alex Buyer", ["+61 491 570 158"], ["Alex@Example.net"])],
    ),
    "as an old phone did": (
        b"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nguy=E1=BB=\n=85n;Mai;;;\nTEL;CELL:0491570157\nEND:VCARD\n",
        [("Mai Nguyễn", ["0491570157"], [])],
    ),
    "with addresses as links, two in a file": (
        b"BEGIN:VCARD\nVERSION:4.0\nFN:Lee\\, Kim\nTEL;VALUE=uri:tel:+61-491-570-156;ext=4\nEND:VCARD\n"
        b"BEGIN:VCARD\nFN:Sam\nEMAIL:mailto:sam@example.com\nEND:VCARD\nBEGIN:VCARD\nFN:Nobody\nEND:VCARD\n",
        [("Lee, Kim", ["+61-491-570-156"], []), ("Sam", [], ["sam@example.com"])],
    ),
    "of no card": (b"\x00\xff BEGIN;:::;;\"\n=\nEND:VCARD", []),
}  # fmt: skip


@pytest.mark.parametrize("which", CARDS)
def test_a_file_of_contact_cards_says_whose_they_are(which: str) -> None:
    content, expected = CARDS[which]
    for kind, name in (("text/x-vcard", "any"), ("application/octet-stream", "Alex.VCF")):
        head = f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"'
        parsed = parse(
            HEAD + multipart("mixed", ("Content-Type: text/plain", b"my card"), (head, content))
        )
        assert parsed.body_text == "my card"
        (file,) = parsed.columns()["attachments"]
        assert [
            (
                card["name"]["formatted_name"],
                [each["phone"] for each in card["phones"]],
                [each["email"] for each in card["emails"]],
            )
            for card in file["cards"]
        ] == expected


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader_of_cards(text: str) -> None:
    for content in (
        text,
        f"BEGIN:VCARD\nTEL;{text}:1\nFN;ENCODING=QUOTED-PRINTABLE:{text}=\n{text}\nEND:VCARD",
    ):
        for card in cards_of(content):
            assert card["phones"] or card["emails"]
            json.dumps(card)


def test_what_is_made_to_exhaust_the_reader_of_cards_does_not() -> None:
    began = time.monotonic()
    many = "BEGIN:VCARD\n" + "TEL:0491570156\n" * 10_000 + "END:VCARD\n"
    (card, *_) = cards_of(many * 3)
    assert len(card["phones"]) == 20
    assert len(cards_of("BEGIN:VCARD\nTEL:1\nEND:VCARD\n" * 1_000)) == 50
    for hostile in (
        "TEL" + ";a" * 1_000_000,
        'TEL;"' * 300_000,
        "=\n" * 500_000,
        "FN;QUOTED-PRINTABLE:=\n" * 20_000,
    ):
        cards_of(hostile)
    assert time.monotonic() - began < 5


def test_an_invitation_is_an_attachment_beside_its_text() -> None:
    raw = HEAD + multipart(
        "alternative",
        ("Content-Type: text/plain", b"You are invited"),
        ("Content-Type: text/calendar; method=REQUEST", b"BEGIN:VCALENDAR"),
    )
    parsed = parse(raw)
    assert parsed.body_text == "You are invited"
    assert [part["content_type"] for part in parsed.attachments] == ["text/calendar"]


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("application/pkcs7-mime; smime-type=enveloped-data", "S/MIME"),
        ("application/ms-tnef", "TNEF"),
    ],
)
def test_what_we_do_not_open_is_an_attachment_with_a_note(content_type: str, words: str) -> None:
    parsed = parse(mail(f"Content-Type: {content_type}", b"\x00\x01"))
    assert parsed.body_text is None
    assert len(parsed.attachments) == 1
    assert any(words in note for note in parsed.parse_notes)


def test_flowed_text_is_joined_again() -> None:
    parsed = parse(
        mail("Content-Type: text/plain; format=flowed", b"one long \r\nline\r\n\r\n-- \r\nSam\r\n")
    )
    assert parsed.body_text == "one long line\n\n-- \nSam"


def test_bytes_without_any_header_are_still_read() -> None:
    parsed = parse(b"just words\r\nand more")
    assert "just words" in (parsed.body_text or "")
    assert parsed.parser_version == PARSER_VERSION


# -- mails made to exhaust a reader -----------------------------------------------------------------


def _nested(depth: int) -> bytes:
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i)
        for i in range(depth)
    )


BOMBS = {
    "nested parts": HEAD + _nested(10_000) + b"\r\nneedle",
    "many parts": HEAD
    + multipart("mixed", ("Content-Type: text/plain", b"needle"), *[("A: b", b"x")] * 10_000),
    "nested mails": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"needle",
    "long header": HEAD + b"X: " + b"y" * 3_000_000 + b"\r\n\r\nneedle",
    "many recipients": HEAD + b"Cc: " + b"a@example.com, " * 50_000 + b"\r\n\r\nneedle",
    "parentheses": HEAD + b"Cc: " + b"(" * 200_000 + b"\r\n\r\nneedle",
    "parameters": HEAD + b"Content-Type: text/plain; " + b"a=b;" * 200_000 + b"\r\n\r\nneedle",
    "deep html": mail("Content-Type: text/html", b"needle" + b"<b><i><u></p>" * 100_000),
    "deep div": mail("Content-Type: text/html", b"<div>" * 100_000 + b"needle"),
    "open comments": mail("Content-Type: text/html", b"needle " + b"<!--" * 300_000),
    "angle brackets": mail("Content-Type: text/html", b"needle " + b"<" * 1_000_000),
    "flowed": mail("Content-Type: text/plain; format=flowed", b"needle " + b"a \r\n" * 300_000),
    "attributions": mail("", b"needle\r\n" + b"On 3/08/26 sam wrote:\r\n" * 50_000),
    "blank lines": mail("", b"needle" + b"\r\n" * 1_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_time_is_bounded_and_the_text_is_found(name: str) -> None:
    started = time.process_time()
    parsed = parse(BOMBS[name])
    assert time.process_time() - started < 3
    assert "needle" in (parsed.body_text or "") + (parsed.body_quoted or "")


# -- any bytes --------------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    [
        b"From: ", b"To: a@example.com, ", b"Subject: =?utf-8?b?", b"?=", b"\r\n", b"\n", b"\r\n\r\n", b"--edge",
        b"--edge--", b'Content-Type: multipart/mixed; boundary="edge"', b"Content-Type: text/html",
        b"Content-Type: text/plain; charset=", b"utf-7", b"iso-2022-jp", b"\x1b$B", b"Content-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"=ZZ", b"=",
        b"Content-Disposition: attachment; filename*=", b"utf-8''%", b"<p>", b"</p", b"<!--", b"&#", b"> ",
        b"wrote:", b"\x00", b"\xff", "é漢🚲".encode(), b"Content-Transfer-Encoding: uuencode", b"begin 644 a",
        b"Content-Type: multipart/alternative; boundary=edge", b";", b'"', b"(", b"\xed\xa0\x80",
    ]
)  # fmt: skip


@settings(max_examples=400 if LONG else 100, deadline=None)
@given(st.lists(st.one_of(TOKENS, st.binary(max_size=12)), max_size=40).map(b"".join))
def test_parse_never_raises_and_its_columns_can_be_stored(raw: bytes) -> None:
    columns = parse(raw).columns()
    text = json.dumps(columns, ensure_ascii=False)
    text.encode("utf-8")
    # A backslash that the sender wrote is no escape of ours.
    assert "\\u0000" not in text.replace("\\\\", "")


@settings(max_examples=200 if LONG else 60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=25))
def test_no_text_of_a_plain_mail_is_lost(lines: list[str]) -> None:
    raw = mail("Content-Type: text/plain; charset=utf-8", "\r\n".join(lines).encode())
    parsed = parse(raw)
    kept = f"{parsed.body_text}\n{parsed.body_quoted or ''}".split("\n")
    assert sorted(line for line in kept if line.strip()) == sorted(
        line for line in lines if line.strip()
    )


@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_text_that_is_cut_says_so(subtype: str) -> None:
    head = f"From: a@example.com\r\nContent-Type: text/{subtype}\r\n\r\n".encode()
    mail = parse(head + b"word " * 1_600_001)
    assert any("of 8000005 bytes: only the first 8000000" in note for note in mail.parse_notes)
    assert any("cut after 2000000 characters" in note for note in mail.parse_notes)
    assert parse(head + b"word " * 1000).parse_notes == []


def test_markup_that_is_not_repaired_a_long_subject_and_a_long_attached_mail_say_so() -> None:
    head = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n"
    tangled = parse(head + b"<b>" * 2500 + b"words")
    assert tangled.body_text == "words"
    assert any("stand without links" in note for note in tangled.parse_notes)
    subject = b"Subject: " + b"s" * 70_000 + b"\r\n\r\nx"
    assert any("Subject: only the first" in note for note in parse(subject).parse_notes)
    for size, is_cut in ((20_000, False), (20_001, True)):
        inner = b"From: b@example.com\r\nSubject: inner\r\n\r\n" + b"i" * size
        outer = (
            b'Content-Type: multipart/mixed; boundary="e"\r\n\r\n--e\r\n\r\nsee\r\n'
            b"--e\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--e--\r\n"
        )
        (attached,) = parse(outer).attachments
        assert attached["mail"]["is_cut"] is is_cut
