"""What may be asked of a provider: methods, paths and fields that are listed, and nothing else.

The promise that this product reads and never sends (FR-003) is kept here: a request that is not on its provider's list
does not leave, whoever asks for it, by mistake or through an address that a provider's answer named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from providers.failures import NotAllowed


@dataclass(frozen=True)
class Allowed:
    """One kind of request. `path` is a pattern of the whole path, without its query."""

    method: str
    path: str
    #: What a request that changes something may set; None for one that only reads.
    fields: frozenset[str] | None = None

    def fits(self, method: str, path: str) -> bool:
        return method == self.method and re.fullmatch(self.path, path, re.ASCII) is not None


#: What time it is there: of every provider, without credentials (providers/clock.py).
TIME = Allowed("HEAD", "/", frozenset())


@dataclass(frozen=True)
class Guard:
    """The list of one provider."""

    provider: str
    allowed: tuple[Allowed, ...]

    def check(self, method: str, path: str, fields: Iterable[str] = ()) -> None:
        """
        Args:
            fields: the names of what the request would set.

        Raises:
            NotAllowed: it is not on the list; nothing was sent.
        """
        # What a server may read as another path is no path of ours.
        read = unquote(path)
        if ".." in read or "//" in read or read.count("/") != path.count("/"):
            raise NotAllowed(f"{self.provider}: {method} of such a path is not sent")
        fitting = [each for each in self.allowed if each.fits(method, path)]
        if not fitting:
            raise NotAllowed(
                f"{self.provider}: {method} of this path is not sent: we read, and register our own webhooks"
            )
        wanted = set(fields)
        if method != "GET" and not any(wanted <= (each.fields or set()) for each in fitting):
            known = set().union(*(each.fields or set() for each in fitting))
            raise NotAllowed(
                f"{self.provider}: {method} never sets {', '.join(sorted(wanted - known)) or 'all of this'}: "
                "it is not sent"
            )
