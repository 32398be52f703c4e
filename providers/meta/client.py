"""Meta's Graph API as a pull needs it, at Meta's pace (docs/providers/meta.md).

The token goes into a header and nowhere else, but for its own renewal (`renewed_token`). Graph itself writes it
into every `paging.next`: that address is never followed, and the token is cut out of an answer before anything is
read from it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from providers.failures import BACK_OFF, NeedsAdmin, NotAccepted, ProviderFailed, TryLater
from providers.meta import access
from providers.meta.failures import (
    NotAvailable,
    Stumbled,
    TooMuch,
    WrongProof,
    WrongToken,
    failure_of,
)
from providers.meta.pace import pace_of
from providers.meta.wire import TIMEOUT_SECONDS, Bearer, Guarded, unlogged
from warehouse.connections import Connection

CUT_OUT = "[access token]"
#: A read of much at once that Graph fails so often without a reason is asked for with less.
TRIES_OF_MUCH = 2


class Graph:
    """Graph for one connection. Every call repeats itself while Meta says "slower" or is away."""

    def __init__(self, connection: Connection) -> None:
        self.name = f"{connection.channel} connection {connection.connection_id}"
        self._connection = connection
        self._given = connection.required("access_token")
        self._root = access.root(connection)
        self._versioned = access.versioned(connection)
        self.pace = pace_of(self.name)
        self._session = Guarded(connection)

    def get(self, path: str, *, is_much: bool = False, **parameters: Any) -> dict[str, Any]:
        """What Graph knows at a path such as `t_1` or `me/conversations`.

        Args:
            is_much: it asks for lists within lists: what fails again and again may be too much.

        Raises:
            NotAvailable: there is nothing there, or its details are not given.
            NotAccepted: Graph does not accept the request.
            TooMuch: less must be asked for.
            NeedsAdmin, TryLater: see providers.failures.
        """
        url = f"{self._versioned}/{path}"
        failed = 0

        def once() -> dict[str, Any]:
            nonlocal failed
            try:
                return self._as_the_account(url, parameters)
            except Stumbled as failure:
                failed += 1
                if is_much and failed > TRIES_OF_MUCH:
                    raise TooMuch(f"{failure}, each time") from None
                raise

        return BACK_OFF.run(once)

    def page(
        self, path: str, *, is_much: bool = False, **parameters: Any
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of a list, and the cursor of the next one; raises as `get` does."""
        return page_of(self.get(path, is_much=is_much, **parameters))

    def renewed_token(self) -> tuple[str, float]:
        """A fresh token of an Instagram Login, and how many seconds it lives. The old one goes on working.

        Meta's reference has the token among the parameters. The header is tried first, and the parameter once.
        """
        url, asked = f"{self._root}/refresh_access_token", {"grant_type": "ig_refresh_token"}
        try:
            answer = BACK_OFF.run(lambda: self._once(url, asked, self._given, is_shown=True))
        except NotAccepted:
            with unlogged():
                answer = self._once(
                    url, {**asked, "access_token": self._given}, self._given, is_shown=True
                )
        try:
            return str(answer["access_token"]), float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise ProviderFailed(f"{self.name}: Graph's answer holds no token") from None

    def token_ends_at(self) -> datetime | None:
        """When the token dies, or its access to data, as Meta tells the app itself; None where neither does.

        Needs the Meta app's id. The token stands among the parameters, as Meta's reference has it, and in no log.
        """
        app = self._connection.required("app_id")
        url = f"{access.versioned_for_apps(self._connection)}/debug_token"
        failure: ProviderFailed = NeedsAdmin(f"{self.name}: the secret of the Meta app is not set")
        for secret in access.app_secrets(self._connection):
            token = f"{app}|{secret}"
            asked = {
                "input_token": self._given,
                "appsecret_proof": access.proof(secret, token),
            }
            try:
                with unlogged():
                    answer = BACK_OFF.run(partial(self._sent, url, asked, token, is_shown=True))
            except (WrongProof, NeedsAdmin) as refused:
                failure = refused
                continue
            told = answer.get("data")
            told = told if isinstance(told, dict) else {}
            ends = [told.get(key) for key in ("expires_at", "data_access_expires_at")]
            seconds = [end for end in ends if isinstance(end, int) and end > 0]
            return datetime.fromtimestamp(min(seconds), UTC) if seconds else None
        raise failure

    def _as_the_account(self, url: str, parameters: dict[str, Any]) -> dict[str, Any]:
        token = access.access_token(self._connection, self._of_the_page)
        try:
            return self._once(url, parameters, token)
        except WrongToken:
            access.forget(self._connection)
            raise
        except NeedsAdmin:
            if token == self._given:
                raise
            # The page's token may have died while the one that gives it lives.
            access.forget(self._connection)
            token = access.access_token(self._connection, self._of_the_page)
            return self._once(url, parameters, token)

    def _of_the_page(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        try:
            return self._once(f"{self._versioned}/{path}", query, self._given, is_shown=True)
        except (NotAvailable, NotAccepted):
            return None

    def _once(
        self, url: str, parameters: dict[str, Any], token: str, *, is_shown: bool = False
    ) -> dict[str, Any]:
        """One call, again with the proof of another secret of ours where Graph does not take the first."""
        return access.proven(
            self._connection,
            token,
            lambda proof: self._sent(url, {**parameters, **proof}, token, is_shown=is_shown),
            lambda failure: isinstance(failure, WrongProof),
        )

    def _sent(
        self, url: str, parameters: dict[str, Any], token: str, *, is_shown: bool
    ) -> dict[str, Any]:
        self.pace.wait()
        try:
            response = self._session.get(
                url,
                params=parameters,
                auth=Bearer(token),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise TryLater(
                f"{self.name}: Graph cannot be reached ({type(error).__name__})"
            ) from None
        self.pace.told(response.headers)
        text = response.content.decode("utf-8", "replace")
        if not is_shown:
            for hidden in {token, self._given}:
                text = text.replace(hidden, CUT_OUT)
        if response.status_code == 200:
            try:
                answer = json.loads(text)
            except ValueError:
                raise TryLater(f"{self.name}: Graph's answer is no JSON") from None
            if isinstance(answer, dict) and "error" not in answer:
                return answer
        failure = failure_of(response.status_code, response.headers, text, self.name)
        if isinstance(failure, TryLater):
            # The steps that follow in this process keep the pause too.
            self.pace.close(failure.after_seconds or 0.0)
        raise failure


def page_of(answer: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The items of a list that Graph gave, and the cursor of the next page.

    A page may be short, or empty, while there is another: the end is where `paging.next` is missing.

    Raises:
        TryLater: there is another page, and nothing says which.
    """
    paging = answer.get("paging") or {}
    address = paging.get("next")
    if not address:
        return list(answer.get("data") or []), None
    after = (paging.get("cursors") or {}).get("after") or _parameter(str(address), "after")
    if not after:
        raise TryLater("Graph names a next page without saying which")
    return list(answer.get("data") or []), str(after)


def _parameter(address: str, name: str) -> str | None:
    try:
        found = parse_qs(urlsplit(address).query).get(name)
    except ValueError:
        return None
    return found[0] if found else None
