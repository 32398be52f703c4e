"""The sending process signs as Twilio does: its own client's signature is the same."""

from __future__ import annotations

from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from benchmarks.sender import form, message_id, request, signature

URL = "https://crm.example.com/webhooks/twilio_sms/0123456789abcdef"
TOKEN = "an-invented-token"
ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def test_the_signature_is_that_of_the_providers_own_client() -> None:
    body = form(7, ACCOUNT_SID, None)
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    assert signature(URL, body, TOKEN) == RequestValidator(TOKEN).compute_signature(URL, fields)


def test_every_number_makes_another_message() -> None:
    bodies = {form(number, ACCOUNT_SID, "+61491570006") for number in range(50)}
    assert len(bodies) == 50
    assert all(b"From=%2B61491570006" in body for body in bodies)
    assert message_id(7).removeprefix("twilio_sms|").encode() in form(7, ACCOUNT_SID, None)


def test_a_request_announces_the_length_of_its_body() -> None:
    order = {
        "path": "/p",
        "port": 1,
        "url": URL,
        "token": TOKEN,
        "account_sid": ACCOUNT_SID,
        "sender": None,
    }
    head, _, body = request(3, order).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
