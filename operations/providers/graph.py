"""Meta's Graph API as the command line needs it: reads, and the five writes that make webhooks work.

Meta has no permission that only reads conversations, so that nobody is ever written to is this module's own
promise (providers.md §6.6): `call` is the one way to Meta, and what it does not know as a write is not sent.

Tokens go into a header. The only call that must name one in its query is debug_token, about that token itself.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from operations.providers import TIMEOUT_SECONDS, ProviderRefused
from pipelines.graph_api import FACEBOOK, VERSION
from warehouse.connections import Connection

#: Subscribing an app to fields, a WhatsApp account, a page or an Instagram account to the app; asking for the
#: chats of a WhatsApp number that was in use before. Ids are digits, so none can bring a path of its own.
WRITES = re.compile(r"\d+/subscriptions|(\d+|me)/subscribed_apps|\d+/smb_app_data", re.ASCII)
READS = re.compile(r"\w+(/\w+)?", re.ASCII)
#: What Meta says when the app and the secret do not belong together, or the token is none.
WRONG_TOKEN = {1, 101, 102, 104, 190}
#: Meta repeats tokens in its complaints about them.
TOKENS = re.compile(r"\b(EAA|IG)[A-Za-z0-9_-]{20,}|\d+\|[\w-]+")


class GraphRefused(ProviderRefused):
    """Graph's error; `code` is Meta's number for it, None where it gave none."""

    def __init__(self, sentence: str, code: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code


def call(
    connection: Connection,
    method: str,
    path: str,
    *,
    host: str = FACEBOOK,
    token: str | None = None,
    query: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    body: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One call.

    Args:
        path: below the version, such as `me` or `1234/subscribed_apps`.
        host: where the connection has no `api_base`.
        token: the connection's access token unless told.

    Raises:
        ProviderRefused: nothing was sent, because it is neither a read nor one of the five writes.
        GraphRefused: Meta says no, or does not answer.
    """
    known = {"GET": READS, "POST": WRITES}.get(method)
    if known is None or not known.fullmatch(path):
        raise ProviderRefused(
            f"{connection.channel}: {method} {path} is not sent: nothing is written at Meta but subscriptions"
        )
    base = (connection.value("api_base") or host).rstrip("/")
    version = connection.value("api_version") or VERSION
    try:
        response = httpx.request(
            method,
            f"{base}/{version}/{path}",
            headers={"Authorization": f"Bearer {token or connection.required('access_token')}"},
            params=query,
            data=form,
            json=body,
            timeout=TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        raise GraphRefused(
            f"{connection.channel}: Meta does not answer ({type(error).__name__})"
        ) from None
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.is_success and isinstance(answer, dict) and "error" not in answer:
        return answer
    raise _refusal(connection, response.status_code, answer)


def app_call(
    connection: Connection, method: str, path: str, **parameters: dict[str, str]
) -> dict[str, Any]:
    """A call as the app itself, with whichever of the connection's secrets is the app's now.

    Raises:
        GraphRefused: as `call`, the last refusal where no secret is the app's.
    """
    app_id = connection.required("app_id")
    refused = GraphRefused(f"{connection.channel}: app_secret is not set")
    for secret in connection.several("app_secret"):
        try:
            return call(connection, method, path, token=f"{app_id}|{secret}", **parameters)  # type: ignore[arg-type]
        except GraphRefused as error:
            if error.code not in WRONG_TOKEN:
                raise
            refused = error
    raise refused


def _refusal(connection: Connection, status: int, answer: Any) -> GraphRefused:
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    words = _without_tokens(str(error.get("message") or "no reason given"), connection)
    named = f" (code {code})" if isinstance(code, int) else ""
    return GraphRefused(
        f"{connection.channel}: Meta answers {status}{named}: {words}",
        code if isinstance(code, int) else None,
    )


def _without_tokens(words: str, connection: Connection) -> str:
    for secret in connection.secrets.values():
        for part in [secret, *secret.split(",")]:
            if part.strip():
                words = words.replace(part.strip(), "…")
    return TOKENS.sub("…", words)[:300]
