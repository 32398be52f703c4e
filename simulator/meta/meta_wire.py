"""How Meta writes and signs the body of a webhook.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started: HMAC-SHA256 of the raw body
with the app secret, in lower-case hex. The body is compact JSON in ASCII, other characters as
\\uXXXX in lower case, slashes as \\/.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


def body_of(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("/", "\\/").encode("ascii")  # JSON has slashes within strings only


def sign(secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
