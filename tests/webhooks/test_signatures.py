"""Signatures against vectors that others published (docs/providers/README.md), and against single changes."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from webhooks import Forged
from webhooks.signatures import (
    check_meta,
    check_twilio_form,
    check_twilio_json,
    url_with_and_without_port,
)

TOKEN = "12345"
P = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
REPEATED = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
]
OTHER = [(name, "+14158675310" if name in ("From", "Caller") else value) for name, value in P]
OLDER = [(name, "+12349013030" if name in ("From", "Caller") else value) for name, value in P]
U = "https://mycompany.com/myapp.php?foo=1&bar=2"
JSON_URL = f"{U}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_BODY = b'{"property": "value", "boolean": true}'

PUBLISHED = [
    (U, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("https://mycompany.com:443/myapp.php?foo=1&bar=2", P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("http://mycompany.com:80/myapp.php?foo=1&bar=2", P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (U, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ("https://example.com/myapp.php?foo=1&bar=2", OTHER, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    (U, OLDER, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
]
#: HMAC-SHA256 in hex: GitHub's documents (the same header as Meta's) and RFC 4231, case 2.
HEX_PUBLISHED = [
    (
        "It's a Secret to Everybody",
        b"Hello, World!",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    (
        "Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
]
#: Our own, over recorded payloads: for regression, not as evidence about the providers.
OURS = [
    ("whatsapp", "753667290313da9d0edb48a6c56493645fb796d8d9f633391a43a258f5834cca"),
    ("messenger", "624091f7dcd518e677a6632b84a54a269a13abc6094ef2c7831bca3ad56bfe17"),
]
PAYLOADS = Path(__file__).parent.parent / "payloads"


@pytest.mark.parametrize(("url", "fields", "signature"), PUBLISHED)
def test_published_form_vectors(url: str, fields: list[tuple[str, str]], signature: str) -> None:
    body = urlencode(fields).encode()
    check_twilio_form(url=url, body=body, signature=signature, tokens=[TOKEN])
    check_twilio_form(url=url, body=body, signature=signature, tokens=["new", TOKEN])
    for changed in (body + b"&x=", body.replace(b"CA1", b"CA2"), body[:-1], b""):
        with pytest.raises(Forged):
            check_twilio_form(url=url, body=changed, signature=signature, tokens=[TOKEN])
    for tokens in ([], ["", "54321"]):
        with pytest.raises(Forged):
            check_twilio_form(url=url, body=body, signature=signature, tokens=tokens)


def test_published_json_vector() -> None:
    check = {"url": JSON_URL, "signature": "a9nBmqA0ju/hNViExpshrM61xv4=", "tokens": [TOKEN]}
    check_twilio_json(body=JSON_BODY, **check)  # type: ignore[arg-type]
    with pytest.raises(Forged, match="hash"):
        check_twilio_json(body=JSON_BODY + b" ", **check)  # type: ignore[arg-type]
    with pytest.raises(Forged, match="hash"):
        check_twilio_json(body=JSON_BODY, **{**check, "url": U})  # type: ignore[arg-type]


def test_a_signature_made_with_the_default_port_counts_without_it() -> None:
    check_twilio_form(
        url=U, body=urlencode(P).encode(), signature="kvajT1Ptam85bY51eRf/AJRuM3w=", tokens=[TOKEN]
    )


@pytest.mark.parametrize(
    ("url", "twins"),
    [
        ("https://a.example/x", ["https://a.example/x", "https://a.example:443/x"]),
        ("http://a.example:8502/x?y=1", ["http://a.example:8502/x?y=1", "http://a.example/x?y=1"]),
        ("http://[::1]:80/x", ["http://[::1]:80/x", "http://[::1]/x"]),
        ("http://[::1]/x", ["http://[::1]/x", "http://[::1]:80/x"]),
        ("http://a.example:port/x", ["http://a.example:port/x"]),
    ],
)
def test_a_url_and_its_twin(url: str, twins: list[str]) -> None:
    assert list(url_with_and_without_port(url)) == twins


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=20))
def test_agrees_with_the_providers_own_client(fields: dict[str, str]) -> None:
    fields = {
        name: value
        for name, value in fields.items()
        if name and not any("\ud800" <= letter <= "\udfff" for letter in name + value)
    }
    signature = RequestValidator(TOKEN).compute_signature(U, fields)
    check_twilio_form(url=U, body=urlencode(fields).encode(), signature=signature, tokens=[TOKEN])


@pytest.mark.parametrize(("secret", "body", "digest"), HEX_PUBLISHED)
def test_published_hex_vectors(secret: str, body: bytes, digest: str) -> None:
    good = f"sha256={digest}"
    check_meta(body=body, signature=good, app_secrets=[secret])
    check_meta(body=body, signature=good, app_secrets=["older", "", secret])
    check_meta(body=body, signature=f"sha256={digest.upper()}", app_secrets=[secret])
    for changed in (body + b"\n", body[:-1], b"", body.swapcase()):
        with pytest.raises(Forged, match="match"):
            check_meta(body=changed, signature=good, app_secrets=[secret])
    wrong = (
        None, "", "sha256=", digest, f"sha1={digest}", f"SHA256={digest}", f" {good}", f"{good}\n", f"{good} ",
        good[:-1], f"{good}0", f"sha256={digest[:40]}", f"sha256=={digest}", f"{good},{good}", "sha256=" + "é" * 64,
        "sha256=\ud800",
    )  # fmt: skip
    for signature in wrong:
        with pytest.raises(Forged):
            check_meta(body=body, signature=signature, app_secrets=[secret])
    for secrets in ([], [""], [secret + " "], [secret.upper()]):
        with pytest.raises(Forged):
            check_meta(body=body, signature=good, app_secrets=secrets)


def test_an_empty_secret_never_verifies() -> None:
    import hashlib
    import hmac

    made = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    with pytest.raises(Forged):
        check_meta(body=b"{}", signature=f"sha256={made}", app_secrets=["", ""])


@pytest.mark.parametrize(("channel", "digest"), OURS)
def test_a_recorded_payload_is_signed_as_it_is(channel: str, digest: str) -> None:
    sample = json.loads((PAYLOADS / channel / "inbound_text.json").read_text())
    body = sample["body_raw"].encode()
    check = {"signature": f"sha256={digest}", "app_secrets": ["example-app-secret"]}
    check_meta(body=body, **check)  # type: ignore[arg-type]
    with pytest.raises(Forged):
        check_meta(body=json.dumps(json.loads(body)).encode(), **check)  # type: ignore[arg-type]


@given(st.binary(max_size=300), st.text(min_size=1, max_size=40), st.integers(0, 299))
def test_one_changed_byte_is_forged(body: bytes, secret: str, place: int) -> None:
    import hashlib
    import hmac

    secret = secret.encode("utf-8", "replace").decode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    check_meta(body=body, signature=signature, app_secrets=[secret])
    if body:
        place %= len(body)
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(Forged):
            check_meta(body=changed, signature=signature, app_secrets=[secret])
