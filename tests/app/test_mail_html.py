"""What a mail has on its card: links that are safe and tell where they lead, pictures in their place, notes, warnings."""

from __future__ import annotations

import pytest

from app.views import attachment_html, mail_html, message_html
from app.views.sight import Sight
from tests.app.drawn import HOSTILE, NOW, SYDNEY, Elements, row

SIGHT = Sight(zone=SYDNEY, now=NOW)


def mail(**more: object) -> dict[str, object]:
    return row(
        message_id="gmail|sales@example.com|1",
        channel="gmail",
        kind="email",
        from_address="sam@example.com",
        **{
            "to_addresses": ["sales@example.com", "kim@example.net"],
            "provider_metadata": {},
            **more,
        },
    )


def test_a_link_keeps_its_target_and_tells_the_target_nothing() -> None:
    drawn = mail_html.text("order <https://example.com/x?a=1&b=2> and (https://example.com/y).")
    assert 'href="https://example.com/x?a=1&amp;b=2"' in drawn
    assert 'href="https://example.com/y"' in drawn
    assert drawn.count('rel="noopener noreferrer nofollow"') == 2
    assert drawn.endswith(").")


def test_only_web_addresses_become_links() -> None:
    assert "<a" not in mail_html.text(
        "javascript:alert(1) data:text/html,x ftp://example.com file:///etc"
    )


def test_what_others_wrote_stays_inert_round_links() -> None:
    for text in HOSTILE:
        found = Elements(mail_html.text(f"https://example.com/{text} <https://example.com/{text}>"))
        assert set(found.tags) <= {"a", "bdi", "span"}
        assert set(found.attributes) <= {"class", "href", "title", "target", "rel", "dir"}
        assert all(
            address.startswith("https://example.com/") for address in found.attributes["href"]
        )
        assert "\u202e" not in "".join(found.attributes["href"] + found.attributes["title"])


def test_a_picture_stands_in_its_place_and_not_once_more_below() -> None:
    picture = {
        "attachment_id": "1|0.1",
        "content_id": "p@x",
        "content_type": "image/png",
        "filename": "p.png",
        "size_bytes": 1000,
        "state": "stored",
    }
    drawn = message_html.message(mail(body="see [cid:p@x] here", attachments=[picture]), SIGHT)
    assert drawn.count("<img") == 1
    assert drawn.index("see ") < drawn.index("<img") < drawn.index(" here")
    assert "[cid:" not in message_html.message(mail(body="see [cid:none] here"), SIGHT)
    assert (
        attachment_html.attachments(mail(body="", attachments=[picture]), SIGHT).count("<img") == 1
    )


def test_a_name_that_shows_another_address_is_marked() -> None:
    assert "really sam@example.com" in message_html.message(
        mail(from_name="alice@customer.test"), SIGHT
    )
    assert "really" not in message_html.message(mail(from_name="Sam sam@example.com"), SIGHT)


def test_copies_stand_apart_and_answers_notes_and_reports_are_told() -> None:
    told = {
        "cc": [{"name": "", "address": "kim@example.net"}],
        "bcc": [{"name": "", "address": "Lee@example.net"}],
        "reply_to": [{"name": "", "address": "lee@example.net"}],
        "parse_notes": ["a line of the header is no field: passed over"],
        "report": {
            "recipients": [{"address": "bob@example.net", "action": "failed", "reason": "550 no"}]
        },
        "sent_by": "form@example.com",
    }
    everybody = ["sales@example.com", "kim@example.net", "lee@example.net"]
    drawn = message_html.message(mail(to_addresses=everybody, provider_metadata=told), SIGHT)
    for words in (
        "to sales@example.com<",
        "cc kim@example.net<",
        "bcc lee@example.net<",
        "Reply to lee@example.net",
        "passed over",
        "Not delivered to bob@example.net: 550 no",
        "Came through form@example.com",
    ):
        assert words in drawn


def test_whom_a_mail_did_not_reach_is_told_one_by_one() -> None:
    told = {
        "not_delivered": [
            {"address": "bob@example.net", "reason": "550 no such user"},
            {"address": "kim@example.net"},
            {},
        ]
    }
    drawn = message_html.message(mail(status="sent", provider_metadata=told), SIGHT)
    for words in (
        "Not delivered to bob@example.net: 550 no such user",
        "Not delivered to kim@example.net<",
        "Not delivered to somebody<",
    ):
        assert words in drawn
    assert "Failed" not in drawn
    assert "Failed</span>" in message_html.message(
        mail(status="failed", provider_metadata=told), SIGHT
    )


def test_no_cut_is_silent() -> None:
    many = [{"address": f"a{number}@example.net", "action": "failed"} for number in range(25)]
    told = {
        "report": {"recipients": many},
        "not_delivered": many,
        "reply_to": many,
        "parse_notes": [f"note {number}" for number in range(9)],
    }
    drawn = message_html.message(mail(provider_metadata=told, quoted_body="q" * 200_001), SIGHT)
    assert drawn.count("and 5 more") == 3
    assert drawn.count("and 3 more") == 1
    assert "1 more characters are kept" in drawn
    inner = {"text": "inner", "is_cut": True, "files": [f"f{number}" for number in range(21)]}
    file = {"attachment_id": "1|0", "state": "stored", "filename": "a.eml", "mail": inner}
    drawn = message_html.message(mail(attachments=[file]), SIGHT)
    assert "The rest is in the file" in drawn
    assert "f19 and 1 more" in drawn


def test_an_attached_mail_is_read_in_place_and_an_invitation_has_its_date() -> None:
    inner = {"from": "Kim", "date": "Mon, 3 Aug 2026", "text": "inner words", "files": ["a.pdf"]}
    files = [
        {"attachment_id": "1|0", "filename": "Inside.eml", "content_type": "message/rfc822", "state": "stored", "mail": inner},
        {
            "attachment_id": "1|1", "filename": "invite.ics", "content_type": "text/calendar", "state": "stored",
            "event": {"summary": "Fitting", "starts": "2026-08-03 10:00 UTC"},
        },
    ]  # fmt: skip
    drawn = message_html.message(mail(attachments=files), SIGHT)
    assert "inner words" in drawn
    assert "Invitation: Fitting, 2026-08-03 10:00 UTC" in drawn


def test_contact_cards_say_whose_they_are() -> None:
    cards = [
        {"name": {"formatted_name": f"<b>Sam {number}"}, "phones": [{"phone": f"0491 570 15{number}"}, None], "emails": "none"}
        for number in range(5)
    ]  # fmt: skip
    file = {"attachment_id": "1|1", "state": "stored", "filename": "a.vcf", "cards": cards}
    drawn = message_html.message(mail(attachments=[file]), SIGHT)
    assert "Contact card: &lt;b&gt;Sam 0, 0491 570 150; &lt;b&gt;Sam 1" in drawn
    assert "; and 2 more<" in drawn
    for odd in ("none", [], {}, [None], [{"name": "x", "phones": {}}]):
        file["cards"] = odd
        assert "a.vcf" in message_html.message(mail(attachments=[file]), SIGHT)


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ("2026-08-03 10:00 UTC", "2026-08-03 11:00 UTC", "2026-08-03 10:00 to 11:00 UTC"),
        ("2026-08-03 10:00 UTC", "2026-08-03 10:00 UTC", "2026-08-03 10:00 UTC"),
        (
            "2026-08-03 22:00 UTC",
            "2026-08-04 01:00 UTC",
            "2026-08-03 22:00 UTC to 2026-08-04 01:00 UTC",
        ),
        ("2026-08-03", "2026-08-05", "2026-08-03 to 2026-08-05"),
        ("2026-08-03 10:00", "", "2026-08-03 10:00"),
        ("", "", "Fitting<"),
    ],
)
def test_an_invitation_says_its_time_once(starts: str, ends: str, said: str) -> None:
    event = {"summary": "Fitting", "starts": starts, "ends": ends}
    file = {"attachment_id": "1|1", "state": "stored", "filename": "a.ics", "event": event}
    assert said in message_html.message(mail(attachments=[file]), SIGHT)


def test_the_target_of_words_is_told_from_words_that_look_like_one() -> None:
    drawn = mail_html.text("https://bank.example/login <https://evil.example/login>")
    assert drawn.index("bank.example") < drawn.index('class="target"') < drawn.index("evil.example")
    assert "&lt;<a" in drawn


def test_blank_lines_do_not_count() -> None:
    drawn = message_html.message(mail(body="first" + "\n" * 40 + "last"), SIGHT)
    assert "Show all" not in drawn
    assert "first\n\n\nlast" in drawn


def test_a_part_without_a_name_is_called_what_it_is() -> None:
    types = {
        "message/delivery-status": "Delivery report",
        "text/rfc822-headers": "Header of the returned mail",
        "message/rfc822": "Attached mail",
        "image/png": "Picture",
        "application/pdf": "File without a name",
    }
    for content_type, name in types.items():
        file = {"attachment_id": "1|0", "content_type": content_type, "state": "unavailable"}
        assert name in message_html.message(mail(attachments=[file]), SIGHT)
