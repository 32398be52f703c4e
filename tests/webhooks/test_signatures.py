"""Signatures against vectors that others published (providers.md §14.1), and against single changes."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from webhooks import Forged
from webhooks.signatures import check_twilio_form, check_twilio_json, url_with_and_without_port

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
]


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
