"""Meta's Graph API as an admin's commands need it: asked once, with Meta's own words where it says no.

Tokens go into a header. The only call that must name one in its query is debug_token, about that token itself. Host,
token, proof and what may be asked at all are those of the pulls.
"""

from __future__ import annotations

import re
from typing import Any

import requests

from providers.failures import NotAccepted
from providers.meta import access
from providers.meta.allowed import GUARD
from providers.meta.wire import TIMEOUT_SECONDS, Bearer, Guarded, unlogged
from warehouse.connections import Connection

#: What Meta says when the app and the secret do not belong together, or the token is none.
WRONG_TOKEN = {1, 101, 102, 104, 190}
INVALID_PARAMETER = 100
LONGEST_SAID = 300
#: Meta repeats tokens in its complaints about them.
TOKENS = re.compile(r"\b(EAA|IG)[A-Za-z0-9_-]{20,}|\d+\|[\w-]+")


class GraphError(NotAccepted):
    """Graph's error; `code` is Meta's number for it, None where it gave none; `error` what else it told."""

    def __init__(
        self, sentence: str, code: int | None = None, error: dict[str, Any] | None = None
    ) -> None:
        super().__init__(sentence)
        self.code, self.error = code, error or {}


def call(
    connection: Connection, method: str, path: str, **parameters: dict[str, str] | None
) -> dict[str, Any]:
    """One call as the account: with the token that its edges want, a page's own where they are a page's.

    Args:
        path: below the version, such as `me` or `1234/subscribed_apps`.
        parameters: `query`, `form` or `body`.

    Raises:
        NotAllowed: nothing was sent, because it is neither a read nor a subscription.
        GraphError: Meta says no, or does not answer.
    """
    _check(connection, method, path)
    given = connection.required("access_token")
    token = access.access_token(connection, lambda *asked: _of_the_page(connection, *asked))
    base = access.versioned(connection)
    try:
        return _proven(connection, method, f"{base}/{path}", token, **parameters)
    except GraphError as refused:
        if token != given and refused.code in WRONG_TOKEN:
            access.forget(connection)
        raise


def app_call(
    connection: Connection, method: str, path: str, **parameters: dict[str, str] | None
) -> dict[str, Any]:
    """A call as the Meta app itself, with whichever of its secrets is the present one.

    Raises:
        GraphError: as `call`, the last refusal where no secret is the app's.
    """
    _check(connection, method, path)
    app_id = connection.required("app_id")
    refused = GraphError(f"{connection.channel}: {_missing_secret(connection)}")
    for secret in access.app_secrets(connection):
        token = f"{app_id}|{secret}"
        url = f"{access.versioned_for_apps(connection)}/{path}"
        try:
            proof = {"appsecret_proof": access.proof(secret, token)}
            return _sent(connection, method, url, token, proof, **parameters)
        except GraphError as error:
            if error.code not in WRONG_TOKEN and not access.is_wrong_proof(error.error):
                raise
            refused = GraphError(f"{error}; {_which_secret(connection)}", error.code, error.error)
    raise refused


def _missing_secret(connection: Connection) -> str:
    key = "meta_app_secret" if access.is_login(connection) else "app_secret"
    return f"{key} is not set; {_which_secret(connection)}"


def _which_secret(connection: Connection) -> str:
    """Of which app a secret must be, for whoever has two before him."""
    if access.is_login(connection):
        return (
            "app_id and meta_app_secret are those of the Meta app (its dashboard, App settings, Basic); app_secret "
            "is the other one, of the Instagram app inside it (Instagram, API setup with Instagram login), which "
            "signs the webhooks"
        )
    return "app_id and app_secret are those of the Meta app (its dashboard, App settings, Basic)"


def _check(connection: Connection, method: str, path: str) -> None:
    """Before anything is asked for it, a token included; the transport looks again at what really leaves."""
    version = access.versioned(connection).rpartition("/")[2]
    GUARD.check(method, f"/{version}/{path}")


def _of_the_page(connection: Connection, path: str, query: dict[str, str]) -> dict[str, Any] | None:
    _check(connection, "GET", path)
    url = f"{access.versioned(connection)}/{path}"
    try:
        return _proven(connection, "GET", url, connection.required("access_token"), query=query)
    except GraphError as refused:
        told = refused.code is not None and refused.code not in WRONG_TOKEN
        if told and not access.is_wrong_proof(refused.error):
            return None
        raise


def _proven(
    connection: Connection,
    method: str,
    url: str,
    token: str,
    **parameters: dict[str, str] | None,
) -> dict[str, Any]:
    """A call with the proof of the first secret that Meta takes."""
    return access.proven(
        connection,
        token,
        lambda proof: _sent(connection, method, url, token, proof, **parameters),
        lambda failure: isinstance(failure, GraphError) and access.is_wrong_proof(failure.error),
    )


def _sent(
    connection: Connection,
    method: str,
    url: str,
    token: str,
    proof: dict[str, str],
    *,
    query: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    body: dict[str, str] | None = None,
) -> dict[str, Any]:
    try:
        with unlogged(), Guarded(connection) as session:
            response = session.request(
                method,
                url,
                auth=Bearer(token),
                params={**(query or {}), **proof},
                data=form,
                json=body,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        raise GraphError(
            f"{connection.channel}: Meta does not answer ({type(error).__name__})"
        ) from None
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if 200 <= response.status_code < 300 and isinstance(answer, dict) and "error" not in answer:
        return answer
    raise _refusal(connection, response.status_code, answer, token)


def _refusal(connection: Connection, status: int, answer: Any, token: str) -> GraphError:
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    said = str(error.get("message") or "no reason given").replace(token, "…")
    words = _without_tokens(said, connection)
    named = f" (code {code})" if isinstance(code, int) else ""
    return GraphError(
        f"{connection.channel}: Meta answers {status}{named}: {words[:LONGEST_SAID]}",
        code if isinstance(code, int) else None,
        {**error, "message": words},
    )


def _without_tokens(words: str, connection: Connection) -> str:
    for secret in connection.secrets.values():
        for part in [secret, *secret.split(",")]:
            if part.strip():
                words = words.replace(part.strip(), "…")
    return TOKENS.sub("…", words)
