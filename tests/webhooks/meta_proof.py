"""Meta's deliveries and their proof, from the provider's text (docs/providers/meta.md), with no line of webhooks/."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

Proof = Callable[[str, bytes], dict[str, str]]

APP_SECRET = "invented-app-secret"
RETIRED_SECRET = "retired-app-secret"
ACCESS_TOKEN = "invented-access-token"
#: The account that every recorded payload of the channel is about.
META_ACCOUNTS = {
    "whatsapp": {"phone_number_id": "106540352242922", "business_account_id": "102290129340398"},
    "instagram": {"account_id": "17841400008460056"},
    "messenger": {"page_id": "100200300400500"},
}


def meta_json(value: object) -> bytes:
    """JSON as Meta writes and signs it: compact, in ASCII with `\\u` escapes, slashes escaped too."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def whatsapp_message(number: int) -> bytes:
    metadata = {"display_phone_number": "61491570156", "phone_number_id": "106540352242922"}
    message = {
        "from": "61491570006",
        "id": f"wamid.{number:048d}",
        "timestamp": "1786851901",
        "type": "text",
        "text": {"body": f"Is bike {number} ready? 🚲 https://example.com/é"},
    }
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return meta_json({"object": "whatsapp_business_account", "entry": [entry]})


def direct_message(of: str, account_id: str) -> Callable[[int], bytes]:
    """A text to an Instagram account or a page."""

    def sample(number: int) -> bytes:
        item = {
            "sender": {"id": "7234567890123456"},
            "recipient": {"id": account_id},
            "timestamp": 1786851901123,
            "message": {"mid": f"m_{number:048d}", "text": f"Is bike {number} ready? 🚲 a/b é"},
        }
        entry = {"id": account_id, "time": 1786851901456, "messaging": [item]}
        return meta_json({"object": of, "entry": [entry]})

    return sample


def meta_signature(secret: str) -> Proof:
    def sign(_: str, body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature-256": "sha256=" + _hex(secret, body)}

    return sign


def _hex(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _written_again(body: bytes) -> bytes:
    """What a receiver would hash that reads the JSON first."""
    return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()


def meta_forgeries(verify_token: str) -> dict[str, Proof]:
    """What a foreign sender would present, by name."""
    sign = meta_signature(APP_SECRET)

    def header(value: Callable[[bytes], str]) -> Proof:
        return lambda url, body: {"X-Hub-Signature-256": value(body)}

    return {
        "wrong secret": meta_signature("another-secret"),
        "empty secret": meta_signature(""),
        "both secrets as one": meta_signature(f"{RETIRED_SECRET},{APP_SECRET}"),
        "the access token": meta_signature(ACCESS_TOKEN),
        "the verify token": meta_signature(verify_token),
        "empty signature": header(lambda body: ""),
        "prefix alone": header(lambda body: "sha256="),
        "no prefix": header(lambda body: _hex(APP_SECRET, body)),
        "prefix of SHA-1": header(lambda body: "sha1=" + _hex(APP_SECRET, body)),
        "prefix in capitals": header(lambda body: "SHA256=" + _hex(APP_SECRET, body)),
        "space after the prefix": header(lambda body: "sha256= " + _hex(APP_SECRET, body)),
        "SHA-1": header(lambda body: "sha1=" + _hex(APP_SECRET, body, "sha1")),
        "SHA-1 as SHA-256": header(lambda body: "sha256=" + _hex(APP_SECRET, body, "sha1")),
        "SHA-1 in its own header": lambda url, body: {
            "X-Hub-Signature": "sha1=" + _hex(APP_SECRET, body, "sha1")
        },
        "SHA-256 in the header of SHA-1": lambda url, body: {
            "X-Hub-Signature": "sha256=" + _hex(APP_SECRET, body)
        },
        "no key": header(lambda body: "sha256=" + hashlib.sha256(body).hexdigest()),
        "truncated": header(lambda body: "sha256=" + _hex(APP_SECRET, body)[:-1]),
        "half": header(lambda body: "sha256=" + _hex(APP_SECRET, body)[:32]),
        "one letter more": header(lambda body: "sha256=" + _hex(APP_SECRET, body) + "0"),
        "twice": header(lambda body: ",".join(["sha256=" + _hex(APP_SECRET, body)] * 2)),
        "base64": header(lambda body: "sha256=" + _base64(_hex(APP_SECRET, body))),
        "JSON read and written again": lambda url, body: sign(url, _written_again(body)),
        "body with a line end": lambda url, body: sign(url, body + b"\n"),
        "body without its end": lambda url, body: sign(url, body[:-1]),
        "empty body": lambda url, body: sign(url, b""),
        "URL and body": lambda url, body: sign(url, url.encode() + body),
        "not ASCII": header(lambda body: "sha256=" + "Ω".encode().decode("latin-1") * 32),
    }


META_SAMPLES = {
    "whatsapp": whatsapp_message,
    "instagram": direct_message("instagram", META_ACCOUNTS["instagram"]["account_id"]),
    "messenger": direct_message("page", META_ACCOUNTS["messenger"]["page_id"]),
}
