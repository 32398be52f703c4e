"""Signature checks, pure: bytes, headers, keys and clock come in; Forged goes out.

Written from the providers' specifications (docs/providers/README.md), not with the client libraries that
the simulator signs with: a signature made and checked by one function would prove nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qs, urlsplit, urlunsplit

from webhooks import Forged
from webhooks.payloads import TooManyFields, form_fields

DEFAULT_PORTS = {"http": 80, "https": 443}


def twilio_base_string(url: str, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The URL, then every parameter sorted by name, name and value with nothing between.

    A repeated parameter counts once per distinct value, its values sorted.
    """
    return url.encode() + b"".join(name + value for name, value in sorted(set(fields)))


def check_twilio_form(
    *, url: str, body: bytes, signature: str | None, tokens: Iterable[str]
) -> None:
    """A form POST of Twilio: HMAC-SHA1 of the base string with the account's auth token, base64.

    https://www.twilio.com/docs/usage/security

    Raises:
        Forged: unsigned, or no token of the connection gives this signature.
    """
    try:
        fields = form_fields(body)
    except TooManyFields as fault:
        raise Forged(str(fault)) from None
    _check_twilio(url, fields, signature, tokens)


def check_twilio_json(
    *, url: str, body: bytes, signature: str | None, tokens: Iterable[str]
) -> None:
    """A JSON POST of Twilio: the URL is signed and names the SHA-256 of the body in `bodySHA256`.

    Raises:
        Forged: unsigned, wrong signature, no hash, or another body.
    """
    claimed = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    if not hmac.compare_digest(claimed.lower().encode(), hashlib.sha256(body).hexdigest().encode()):
        raise Forged("bodySHA256 is not the hash of the body")
    _check_twilio(url, [], signature, tokens)


def _check_twilio(
    url: str, fields: Sequence[tuple[bytes, bytes]], signature: str | None, tokens: Iterable[str]
) -> None:
    if not signature:
        raise Forged("X-Twilio-Signature is missing")
    given = signature.encode("utf-8", "replace")
    for candidate in url_with_and_without_port(url):
        base_string = twilio_base_string(candidate, fields)
        for token in tokens:
            made = base64.b64encode(hmac.digest(token.encode(), base_string, "sha1"))
            if hmac.compare_digest(made, given):
                return
    raise Forged("X-Twilio-Signature does not match")


def url_with_and_without_port(url: str) -> Iterator[str]:
    """The URL itself, then its twin without the port, or with the scheme's own.

    Twilio keeps or drops a port depending on scheme and product.
    """
    yield url
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = parts.port
    except ValueError:
        return
    if port is not None:
        yield urlunsplit(parts._replace(netloc=host))
    elif parts.scheme in DEFAULT_PORTS:
        yield urlunsplit(parts._replace(netloc=f"{host}:{DEFAULT_PORTS[parts.scheme]}"))


def check_meta(*, body: bytes, signature: str | None, app_secrets: Iterable[str]) -> None:
    """A POST of Meta: HMAC-SHA256 of the body with the app's secret, `sha256=` and hex.

    The bytes as received, never JSON read and written again: Meta signs its own escapes. X-Hub-Signature,
    which is SHA-1, proves nothing.
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads

    Raises:
        Forged: unsigned, or no secret gives this signature; an empty secret never does.
    """
    if not signature:
        raise Forged("X-Hub-Signature-256 is missing")
    scheme, _, digest = signature.partition("=")
    if scheme != "sha256":
        raise Forged("X-Hub-Signature-256 does not begin with sha256=")
    given = digest.lower().encode("utf-8", "replace")
    made = [hmac.digest(secret.encode(), body, "sha256").hex() for secret in app_secrets if secret]
    # All of them are compared, so that the time does not tell which one signs.
    if not sum(hmac.compare_digest(each.encode(), given) for each in made):
        raise Forged("X-Hub-Signature-256 does not match")
