"""Gmail's pushes as a receiver meets them."""

from __future__ import annotations

import base64
import json
import time

import google.auth.transport.requests
from google.oauth2 import id_token

from simulator.server import Simulator

from .conftest import Received, Receiver


def claims(provider: Simulator, request: Received) -> dict[str, object]:
    """The token's claims, proven with Google's own library."""
    keys = provider.accounts["gmail"]
    scheme, token = request.headers["Authorization"].split(" ")
    assert scheme == "Bearer"
    return dict(
        id_token.verify_token(
            token,
            google.auth.transport.requests.Request(),
            audience=keys["push_audience"],
            certs_url=keys["certs_url"],
        )
    )


def test_a_push_names_the_mailbox_and_proves_itself(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.subscribe(
        f"{receiver.url}/webhooks/gmail/c1", audience="https://crm.example.com/audience"
    )
    made = provider.message(channel="gmail", person="Mai Tran", subject="x", body="y")
    assert made["delivery"]["status"] == 204
    request = receiver.requests[0]
    body = json.loads(request.body)
    assert request.body.startswith(b'{\n "message"')
    assert body["subscription"].startswith("projects/")
    assert (
        body["message"]["messageId"]
        == body["message"]["message_id"]
        == made["delivery"]["ids"]["message_id"]
    )
    told = json.loads(base64.b64decode(body["message"]["data"]))
    assert told == {
        "emailAddress": provider.accounts["gmail"]["address"],
        "historyId": int(made["history_id"]),
    }
    proven = claims(provider, request)
    assert proven["iss"] == "https://accounts.google.com"
    assert proven["email_verified"] is True
    assert proven["email"] == provider.accounts["gmail"]["push_service_account"]
    assert proven["azp"] == proven["sub"]
    assert int(str(proven["exp"])) - int(str(proven["iat"])) == 3600


def test_a_forged_push_has_a_good_signature_of_somebody_else(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.subscribe(receiver.url)
    provider.faults(forge=1)
    provider.message(channel="gmail", person="Mai Tran", body="y")
    assert (
        claims(provider, receiver.requests[0])["email"]
        != provider.accounts["gmail"]["push_service_account"]
    )


def test_a_rotated_key_verifies_with_the_certificates_served_then(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.subscribe(receiver.url)
    provider.message(channel="gmail", person="Mai Tran", body="before")
    provider.faults(rotate_signing_key=True)
    time.sleep(1.01)
    provider.message(channel="gmail", person="Mai Tran", body="after")
    before, after = receiver.wait_for(2)
    assert claims(provider, before)["aud"] == claims(provider, after)["aud"] == receiver.url
    kids = {
        json.loads(
            base64.urlsafe_b64decode(r.headers["Authorization"].split(" ")[1].split(".")[0] + "===")
        )["kid"]
        for r in (before, after)
    }
    assert len(kids) == 2


def test_more_than_one_a_second_is_dropped(provider: Simulator, receiver: Receiver) -> None:
    provider.subscribe(receiver.url)
    for _ in range(10):
        begun = time.monotonic()
        outcomes = [
            provider.message(channel="gmail", person="Mai Tran", body=str(n))["delivery"]["outcome"]
            for n in range(4)
        ]
        if time.monotonic() - begun < 1:
            break
        # The machine was busy with others: once more, a second later.
        time.sleep(1.1)
    assert outcomes == ["answered", "coalesced", "coalesced", "coalesced"]
    time.sleep(max(0.0, begun + 1.1 - time.monotonic()))
    assert (
        provider.message(channel="gmail", person="Mai Tran", body="later")["delivery"]["outcome"]
        == "answered"
    )
    assert len(receiver.requests) == 2


def test_redelivery_has_the_same_message_id_and_a_growing_pause(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.subscribe(receiver.url)
    receiver.answers[:] = [503, 401]
    provider.message(channel="gmail", person="Mai Tran", body="x")
    first, second, third = receiver.wait_for(3)
    assert first.body == second.body == third.body
    time.sleep(0.1)  # the receiver knows of the last one before the sender does
    tries = [d for d in provider.deliveries(channel="gmail") if d["outcome"] == "answered"]
    assert [(d["attempt"], d["status"]) for d in tries] == [(1, 503), (2, 401), (3, 204)]


def test_nothing_is_pushed_without_watch_or_subscription(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.subscribe(receiver.url, watch=False)
    assert (
        provider.message(channel="gmail", person="Mai Tran", body="x")["delivery"]["outcome"]
        == "unwatched"
    )
    provider.subscribe("")
    assert (
        provider.message(channel="gmail", person="Mai Tran", body="x")["delivery"]["outcome"]
        == "unsubscribed"
    )
    assert receiver.requests == []


def test_a_dropped_push_never_comes(provider: Simulator, receiver: Receiver) -> None:
    provider.subscribe(receiver.url)
    provider.faults(drop=1.0)
    assert (
        provider.message(channel="gmail", person="Mai Tran", body="x")["delivery"]["outcome"]
        == "dropped"
    )
    time.sleep(0.2)
    assert receiver.requests == []
