"""Where Graph is asked for a connection, with which token and which proof: pulls, files and commands alike.

    host    graph.instagram.com for an Instagram Login, graph.facebook.com for everything else, or `api_base`
    token   the connection's own; for what a page owns, the page's, which Graph gives for it
    proof   appsecret_proof with every call to graph.facebook.com, none to graph.instagram.com

A system user's token opens everything of a business, but a page's edges want the token of the page:
`GET /{page}?fields=access_token` gives it, to the page's own token too. What Meta says and where stands in
docs/providers/meta.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from enum import StrEnum, auto
from typing import Any, TypeVar

from providers.failures import ProviderFailed
from warehouse.channels import registry
from warehouse.connections import Connection, UnusableConnection

T = TypeVar("T")

FACEBOOK = "https://graph.facebook.com"
INSTAGRAM = "https://graph.instagram.com"
VERSION = "v26.0"
VERSIONED = re.compile(r"/v\d+\.\d+$")


class Flavour(StrEnum):
    """How an account is reached: by its own login, by the page it is linked to, or by a business's system user."""

    INSTAGRAM = auto()
    FACEBOOK = auto()
    UNIFIED = auto()


LOGIN, BY_PAGE, UNIFIED = Flavour.INSTAGRAM, Flavour.FACEBOOK, Flavour.UNIFIED

#: By connection and the token it was given: the token of its page.
_page_tokens: dict[tuple[str, str], str] = {}
#: By connection: which of its secrets Meta took last.
_taken: dict[str, str] = {}


def flavour(connection: Connection) -> str | None:
    """Which way to its account a connection goes; None where there is one way only.

    Raises:
        UnusableConnection: `flavour` is none of them.
    """
    if "flavour" not in registry()[connection.channel].optional_keys:
        return None
    named = connection.value("flavour") or LOGIN
    if named not in (LOGIN, BY_PAGE, UNIFIED):
        raise UnusableConnection(
            f"{connection.channel}: flavour must be {LOGIN} (Instagram Login), {BY_PAGE} (by its page) or {UNIFIED} "
            f"(a system user's token, without a page)"
        )
    return named


def is_login(connection: Connection) -> bool:
    """Whether the account signed in with Instagram itself."""
    return flavour(connection) == LOGIN


def root(connection: Connection) -> str:
    """Scheme and host, without a version."""
    base = connection.value("api_base") or (INSTAGRAM if is_login(connection) else FACEBOOK)
    return VERSIONED.sub("", base.rstrip("/"))


def versioned(connection: Connection) -> str:
    """What stands before every path; a version in `api_base` counts before `api_version`."""
    found = VERSIONED.search((connection.value("api_base") or "").rstrip("/"))
    return f"{root(connection)}/{found[0][1:] if found else connection.value('api_version') or VERSION}"


def versioned_for_apps(connection: Connection) -> str:
    """The same for calls of the Meta app itself, which has its home on graph.facebook.com always."""
    return versioned(connection).replace(INSTAGRAM, FACEBOOK, 1)


def roots(connection: Connection) -> set[str]:
    """Where a connection's calls go: its own home, and that of calls of the Meta app itself."""
    own = root(connection)
    return {own, own.replace(INSTAGRAM, FACEBOOK, 1)}


def page_of(connection: Connection) -> str | None:
    """The page whose token the account's edges want; None where the connection's own token is for them."""
    is_page = "page_id" in registry()[connection.channel].required_keys
    if is_page or flavour(connection) == BY_PAGE:
        return connection.required("page_id")
    return None


def subject_of(connection: Connection) -> str:
    """Whose `subscribed_apps` and, where there are any, `conversations` count."""
    if "business_account_id" in registry()[connection.channel].required_keys:
        return connection.required("business_account_id")
    if is_login(connection):
        return "me"
    return page_of(connection) or connection.required("account_id")


def access_token(
    connection: Connection, ask: Callable[[str, dict[str, str]], Mapping[str, Any] | None]
) -> str:
    """The token that the account's edges want.

    Args:
        ask: a path and its query, asked with the connection's own token; None where Graph does not tell.
    """
    given = connection.required("access_token")
    page = page_of(connection)
    if page is None:
        return given
    key = (connection.connection_id, _hash(f"{given}|{page}|{root(connection)}"))
    if key not in _page_tokens:
        told = (ask(page, {"fields": "access_token"}) or {}).get("access_token")
        if not isinstance(told, str) or not told:
            # Asked with, it says itself what is wrong with it.
            return given
        _page_tokens[key] = told
    return _page_tokens[key]


def forget(connection: Connection) -> None:
    """The page's token was refused: it is asked for again."""
    for key in [key for key in _page_tokens if key[0] == connection.connection_id]:
        del _page_tokens[key]


def proofs(connection: Connection, token: str) -> list[dict[str, str]]:
    """The parameters that prove that the app's secret is known, one set for each secret that may be the app's.

    The one that Meta took last comes first.
    """
    if is_login(connection):
        return [{}]
    secrets = app_secrets(connection)
    best = _taken.get(connection.connection_id)
    secrets.sort(key=lambda secret: _hash(secret) != best)
    return [{"appsecret_proof": proof(each, token)} for each in secrets] or [{}]


def proof(secret: str, token: str) -> str:
    """What shows that whoever has the token knows the app's secret too.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof
    """
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def proven(
    connection: Connection,
    token: str,
    ask: Callable[[dict[str, str]], T],
    is_wrong: Callable[[ProviderFailed], bool],
) -> T:
    """The answer of `ask`, given the proof of one secret after another until Meta takes one.

    Args:
        is_wrong: whether a failure says that the proof was made with another secret.
    """
    sets = proofs(connection, token)
    for place, parameters in enumerate(sets, 1):
        try:
            answer = ask(parameters)
        except ProviderFailed as failure:
            if place == len(sets) or not is_wrong(failure):
                raise
            continue
        took(connection, token, parameters)
        return answer
    raise AssertionError("there is at least one way to ask")


def took(connection: Connection, token: str, parameters: Mapping[str, str]) -> None:
    """Meta took this one of `proofs`."""
    for secret in app_secrets(connection):
        if parameters.get("appsecret_proof") == proof(secret, token):
            _taken[connection.connection_id] = _hash(secret)


def is_wrong_proof(error: Mapping[str, Any]) -> bool:
    """Whether Graph's error says that the proof was made with another secret."""
    words = str(error.get("message") or "")
    return "appsecret_proof" in words and "nvalid" in words


def app_secrets(connection: Connection) -> list[str]:
    """The secrets of the Meta app, the newest first.

    An Instagram Login has an app of its own inside the Meta app: what signs its webhooks is the secret of that
    one, and the Meta app's is `meta_app_secret`.
    """
    return connection.several("meta_app_secret" if is_login(connection) else "app_secret")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
