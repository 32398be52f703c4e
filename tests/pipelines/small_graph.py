"""A Graph that a test fills message by message, for what the simulator does not do: other forms, other errors.

It answers `GET /v26.0/{account}/conversations`, `/{conversation}?fields=messages…`, `/{conversation}/messages`,
`/{message}` and `/refresh_access_token`, gives details of the 20 newest messages of a conversation, signs every
media address anew, and writes the token into `paging.next` as the real one does.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "EAAG-invented-token-0123456789"
PAGE = "100200300400500"
CUSTOMER = {"name": "Sam Citizen", "email": "7234@facebook.com", "id": "7234"}
SHOP = {"name": "Example Shop", "email": f"{PAGE}@facebook.com", "id": PAGE}
DETAILED = 20

Answer = tuple[int, dict[str, str], Any]
GONE = {"error": {"message": "Unsupported get request. …", "code": 100, "error_subcode": 33}}


def error(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Answer:
    """An error as Graph words it."""
    told = {"message": "…", "type": "OAuthException", "code": code, **more}
    return status, {}, {"error": told | ({"error_subcode": subcode} if subcode else {})}


def too_much() -> Answer:
    """What Graph says of an answer that would be too large."""
    words = "Please reduce the amount of data you're asking for, then retry your request"
    return error(1, 99, status=500, message=words)


def written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


@dataclass
class Conversation:
    id: str
    updated: datetime
    #: Newest first.
    messages: list[dict[str, Any]] = field(default_factory=list)
    folder: str = "inbox"


class SmallGraph:
    """What it holds, how it answers, and what it was asked."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        #: (method, path, query, Authorization) of every request.
        self.requests: list[tuple[str, str, dict[str, str], str | None]] = []
        #: Answers to the next requests, instead of true ones; a callable looks at the path first.
        self.next_answers: list[Answer] = []
        self.headers: dict[str, str] = {}
        self.token = TOKEN
        self.page_size = 25
        #: Whether `messages{…}` is understood, and which fields are not.
        self.nests = True
        self.unknown_fields: set[str] = set()
        #: Cursors that are too old.
        self.dead_cursors: set[str] = set()
        #: Newest messages whose details are not given.
        self.closed_messages: set[str] = set()
        #: How many messages of a conversation Graph gives at once before it finds them too much; 0: none at all.
        self.most_at_once: dict[str, int] = {}
        #: Conversations that Graph fails to read, each time, without saying why.
        self.broken: set[str] = set()
        self.before: Callable[[str], None] = lambda path: None
        self._signatures = itertools.count(1)
        graph = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Or a body waits 40 ms for the word that its headers have arrived.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                query = dict(parse_qsl(split.query))
                given = self.headers.get("Authorization")
                graph.requests.append((self.command, split.path, query, given))
                graph.before(split.path)
                status, headers, body = graph.answer(split.path, query, given)
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(content)),
                    **graph.headers,
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.keys = {
            "app_secret": "invented-app-secret",
            "access_token": TOKEN,
            "page_id": PAGE,
            "api_base": self.base,
        }

    # -- filled by the test -----------------------------------------------------------------------

    def conversation(
        self, identity: str, *, messages: int, end: datetime, apart: float = 60
    ) -> None:
        """A conversation of so many messages, the newest at `end`, `apart` seconds from each other."""
        made = Conversation(identity, end)
        for number in range(messages):
            made.messages.append(
                self._message(
                    f"m_{identity}_{messages - number:04}", end - number * timedelta(seconds=apart)
                )
            )
        self.conversations[identity] = made

    def add(self, conversation: str, identity: str, at: datetime, **fields: Any) -> None:
        held = self.conversations[conversation]
        held.messages.insert(0, self._message(identity, at) | fields)
        held.updated = at

    @staticmethod
    def _message(identity: str, at: datetime) -> dict[str, Any]:
        inbound = zlib.crc32(identity.encode()) % 2
        sender, recipient = (CUSTOMER, SHOP) if inbound else (SHOP, CUSTOMER)
        return {
            "id": identity,
            "created_time": written(at),
            "from": sender,
            "to": {"data": [recipient]},
            "message": f"text of {identity}",
        }

    def asked(self, ending: str) -> int:
        """How often a path with this ending was asked for."""
        return sum(path.endswith(ending) for _, path, _, _ in self.requests)

    # -- answers ----------------------------------------------------------------------------------

    def answer(self, path: str, query: dict[str, str], given: str | None) -> Answer:
        if self.next_answers:
            return self.next_answers.pop(0)
        if given != f"Bearer {self.token}":
            return error(190, 463)
        if query.get("after") in self.dead_cursors:
            return error(100)
        if path == "/refresh_access_token":
            self.token = f"{TOKEN}-renewed-{len(self.requests)}"
            return (
                200,
                {},
                {"access_token": self.token, "token_type": "bearer", "expires_in": 5183944},
            )
        parts = path.split("/")[2:]
        if parts == [PAGE] and query.get("fields") == "access_token":
            return 200, {}, {"access_token": self.token, "id": PAGE}
        if parts[-1] == "conversations":
            return 200, {}, self._conversations(path, query)
        if parts[0] in self.conversations:
            return self._messages(self.conversations[parts[0]], path, query, edge=len(parts) > 1)
        return self._one(parts[0], query)

    def _conversations(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        folder = query.get("folder", "inbox")
        held = [one for one in self.conversations.values() if one.folder == folder]
        listed = sorted(held, key=lambda one: one.updated, reverse=True)
        shown, paging = self._page(
            path, query, listed, int(query.get("limit", 25)), lambda one: one.id
        )
        return {
            "data": [{"id": one.id, "updated_time": written(one.updated)} for one in shown],
            **paging,
        }

    def _messages(
        self, held: Conversation, path: str, query: dict[str, str], *, edge: bool
    ) -> Answer:
        wanted = query.get("fields", "")
        nested = re.fullmatch(r"messages((?:\.\w+\([^)]*\))*)(?:\{(.*)\})?", wanted)
        if nested and nested[2] and not self.nests:
            return error(100)
        fields = set(((nested and nested[2]) or "id,created_time").split(","))
        if fields & self.unknown_fields:
            return error(100)
        modifiers = dict(re.findall(r"\.(\w+)\(([^)]*)\)", nested[1])) if nested else {}
        size = int((query if edge else modifiers).get("limit", self.page_size))
        if held.id in self.broken:
            return error(1, status=500)
        if size > self.most_at_once.get(held.id, size):
            return too_much()
        shown, paging = self._page(
            f"/v26.0/{held.id}/messages",
            query if edge else modifiers,
            held.messages,
            size,
            lambda one: str(one["id"]),
        )
        newest = {one["id"] for one in held.messages[:DETAILED]} - self.closed_messages
        data = [
            self._shown(one, fields if one["id"] in newest else {"id", "created_time"})
            for one in shown
        ]
        found = {"data": data, **paging}
        return 200, {}, found if edge else {"messages": found, "id": held.id}

    def _one(self, identity: str, query: dict[str, str]) -> Answer:
        fields = set(query.get("fields", "id").split(","))
        if fields & self.unknown_fields:
            return error(100)
        for held in self.conversations.values():
            for one in held.messages[:DETAILED]:
                if one["id"] == identity and identity not in self.closed_messages:
                    return 200, {}, self._shown(one, fields)
        return 400, {}, GONE

    def _shown(self, message: dict[str, Any], fields: set[str]) -> dict[str, Any]:
        text = json.dumps({key: value for key, value in message.items() if key in fields})
        shown: dict[str, Any] = json.loads(text.replace("SIGNATURE", f"s{next(self._signatures)}"))
        return shown

    def _page(
        self,
        path: str,
        query: dict[str, str],
        listed: list[Any],
        size: int,
        cursor: Callable[[Any], str],
    ) -> tuple[list[Any], dict[str, Any]]:
        names = [f"after_{cursor(one)}" for one in listed]
        start = names.index(query["after"]) + 1 if query.get("after") in names else 0
        shown = listed[start : start + size]
        if not shown:
            return [], {}
        paging: dict[str, Any] = {
            "cursors": {"before": "b", "after": names[start + len(shown) - 1]}
        }
        if start + len(shown) < len(listed):
            paging["next"] = (
                f"{self.base}{path}?access_token={self.token}&after={paging['cursors']['after']}"
            )
        return shown, {"paging": paging}


@contextmanager
def running() -> Iterator[SmallGraph]:
    made = SmallGraph()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
