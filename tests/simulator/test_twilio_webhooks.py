"""Twilio's webhooks as a receiver meets them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from simulator.server import Simulator
from simulator.twilio.twilio_caller import sign

from .conftest import Received, Receiver

P = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
Q = P | {"From": "+14158675310", "Caller": "+14158675310"}


@pytest.mark.parametrize(
    ("url", "params", "signature"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://example.com/myapp.php?foo=1&bar=2", Q, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
)
def test_signature_is_the_published_one(url: str, params: dict[str, str], signature: str) -> None:
    assert sign("12345", url, params) == signature


def configure(provider: Simulator, url: str, fragment: str = "") -> None:
    keys = provider.accounts["twilio_sms"]
    client = Client(keys["account_sid"], keys["auth_token"])
    client.api.base_url = keys["api_base"]
    for number in client.incoming_phone_numbers.list():
        number.update(sms_url=url + fragment, status_callback=url)


def genuine(provider: Simulator, url: str, request: Received) -> dict[str, str]:
    """The parameters, once the signature over URL and all of them is proven."""
    params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    validator = RequestValidator(provider.accounts["twilio_sms"]["auth_token"])
    assert validator.validate(url, params, request.headers["X-Twilio-Signature"])
    return params


def test_inbound_is_signed_without_the_fragment_and_has_every_parameter(
    provider: Simulator, receiver: Receiver
) -> None:
    url = f"{receiver.url}/webhooks/twilio_sms/c1?a=b"
    configure(provider, url, "#rc=5&rp=ct,rt,5xx")
    made = provider.message(
        channel="twilio_sms", person="Mai Tran", body="Xin chào 👩‍🔧", attachments=["photo"]
    )
    assert made["delivery"]["status"] == 204
    params = genuine(provider, url, receiver.requests[0])
    assert params["MessageSid"] == params["SmsSid"] == params["SmsMessageSid"] == made["sid"]
    assert made["sid"].startswith("MM")
    assert params["NumMedia"] == "1"
    assert params["MediaContentType0"] == "image/jpeg"
    assert params["MediaUrl0"].endswith(f"/Messages/{made['sid']}/Media/{made['media'][0]}")
    assert (params["From"], params["To"], params["Body"]) == (
        "+61491570006",
        "+61491570156",
        "Xin chào 👩‍🔧",
    )
    assert params["FromCity"] == ""
    assert params["SmsStatus"] == "received"
    assert "MessageStatus" not in params


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("delivered", ["queued", "sent", "delivered"]),
        ("undelivered", ["queued", "sent", "undelivered"]),
        ("failed", ["queued", "failed"]),
    ],
)
def test_outbound_goes_through_its_statuses(
    provider: Simulator,
    receiver: Receiver,
    final: str,
    expected: list[str],
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    configure(provider, receiver.url)
    made = provider.message(
        channel="twilio_sms",
        direction="outbound",
        person="Mai Tran",
        body="ready",
        final_status=final,
    )
    told = [genuine(provider, receiver.url, r) for r in receiver.wait_for(len(expected))]
    assert [p["MessageStatus"] for p in told] == expected
    assert {p["MessageSid"] for p in told} == {made["sid"]}
    assert all("Body" not in p for p in told)
    assert ("ErrorCode" in told[-1]) == (final != "delivered")


def test_a_refused_connection_is_tried_once_more_with_a_token(provider: Simulator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    configure(provider, url)
    made = provider.message(channel="twilio_sms", person="Mai Tran", body="lost")
    assert made["delivery"]["outcome"] == "connect_failed"
    tries = [d for d in provider.deliveries() if d["ids"].get("sid") == made["sid"]]
    assert [d["attempt"] for d in tries] == [1, 2]


def test_an_error_is_final_unless_the_fragment_asks_for_more(
    provider: Simulator, receiver: Receiver
) -> None:
    configure(provider, receiver.url)
    receiver.answers[:] = [500]
    assert (
        provider.message(channel="twilio_sms", person="Mai Tran", body="one")["delivery"]["status"]
        == 500
    )
    assert len(receiver.requests) == 1
    configure(provider, receiver.url, "#rc=2&rp=5xx")
    receiver.answers[:] = [503, 503]
    provider.message(channel="twilio_sms", person="Mai Tran", body="two")
    _, first, second, third = receiver.wait_for(4)
    tokens = [r.headers.get("I-Twilio-Idempotency-Token") for r in (first, second, third)]
    assert tokens[0] is None
    assert tokens[1] == tokens[2] is not None
    assert first.body == second.body == third.body


def test_drop_duplicate_shuffle_and_forge(provider: Simulator, receiver: Receiver) -> None:
    configure(provider, receiver.url)
    provider.faults(drop=1)
    assert (
        provider.message(channel="twilio_sms", person="Mai Tran", body="lost")["delivery"][
            "outcome"
        ]
        == "dropped"
    )
    assert (
        provider.message(channel="twilio_sms", person="Mai Tran", body="kept")["delivery"]["status"]
        == 204
    )
    provider.faults(forge=1)
    provider.message(channel="twilio_sms", person="Mai Tran", body="forged")
    with pytest.raises(AssertionError):
        genuine(provider, receiver.url, receiver.requests[-1])
    before = len(receiver.requests)
    provider.faults(duplicate_max=3, shuffle=0.6)
    for n in range(12):
        provider.message(channel="twilio_sms", person="Mai Tran", body=str(n), wait=False)
    receiver.wait_for(before + 13)
    bodies = [genuine(provider, receiver.url, r)["Body"] for r in receiver.requests[before:]]
    assert len(bodies) > len(set(bodies))
    assert list(dict.fromkeys(bodies)) != sorted(dict.fromkeys(bodies), key=int)
    with pytest.raises(ValueError, match="no fault named"):
        provider.faults(explode=1)


def test_a_person_with_a_user_name_has_a_business_scoped_id(
    provider: Simulator, receiver: Receiver
) -> None:
    configure(provider, receiver.url)
    ours = provider.accounts["twilio_sms"]["numbers"].split(",")[0]
    provider.message(
        channel="twilio_sms",
        sender="whatsapp:US.13491208655302741918",
        to=f"whatsapp:{ours}",
        body="Hello",
    )
    params = genuine(provider, receiver.url, receiver.wait_for(1)[0])
    assert params["From"] == "whatsapp:US.13491208655302741918"
    assert params["ExternalUserIdentifier"] == "US.13491208655302741918"
