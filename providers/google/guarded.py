"""The transport of Google's own client, which lets pass what is allowed and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import httplib2

from providers import clock
from providers.failures import NotAllowed
from providers.google.allowed import BATCH, GUARD

#: How a request begins that is a part of a batch.
PART = re.compile(r"^([A-Z]+) (\S+) HTTP/1\.1\r?$", re.MULTILINE)
PARTS = re.compile(r"^Content-Type: application/http\r?$", re.MULTILINE)


class GuardedHttp(httplib2.Http):  # type: ignore[misc]  # the package has no types
    """Calls of the API at one base, and the exchange of credentials for a token at one address.

    Redirects come through here as well: httplib2 asks for them by this method.
    """

    def __init__(self, base: str, token_uri: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base, self._token_uri = urlsplit(base), token_uri

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        redirections: int = httplib2.DEFAULT_MAX_REDIRECTS,
        connection_type: Any = None,
    ) -> Any:
        self.check(uri, method, body)
        response, content = super().request(
            uri, method, body, headers, redirections, connection_type
        )
        clock.heard(response.get("date"))
        return response, content

    def check(self, uri: str, method: str, body: Any = None) -> None:
        """
        Raises:
            NotAllowed: it is none of what we ask for; nothing was sent.
        """
        if (method, uri) == ("POST", self._token_uri):
            return
        asked = urlsplit(uri)
        if asked[:2] != self._base[:2] or not asked.path.startswith(self._base.path):
            raise NotAllowed("Google: an address of another host is never asked")
        path = asked.path.removeprefix(self._base.path)
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
        if (method, path) == ("POST", BATCH):
            self._check_batch(text)
            GUARD.check(method, path)
            return
        GUARD.check(method, path)
        try:
            fields = json.loads(text) if text else {}
        except ValueError:
            raise NotAllowed(
                f"Google: {method} with a body that cannot be read is not sent"
            ) from None
        GUARD.check(method, path, fields)

    def _check_batch(self, text: str) -> None:
        parts = PART.findall(text)
        if len(parts) != len(PARTS.findall(text)):
            raise NotAllowed("Google: a batch with a part that cannot be read is never sent")
        for method, uri in parts:
            if method != "GET":
                raise NotAllowed(f"Google: {method} in a batch is never sent")
            GUARD.check(method, urlsplit(uri).path.removeprefix(self._base.path))
