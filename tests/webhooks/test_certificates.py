"""Certificates of Pub/Sub's tokens: kept, and asked for again where a key is unknown, though not for every forger."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.event_loops import apart
from webhooks import Secrets, UnknownKey, connected, gmail


@pytest.fixture
def served() -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """An address of certificates, what it serves, and what was asked."""
    certificates, asked = {"old": "PEM of old"}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(certificates).encode()
            self.send_response(200)
            self.send_header("Cache-Control", "max-age=19800")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/certs", certificates, asked
    server.shutdown()
    server.server_close()


def test_an_unknown_key_asks_again_and_not_too_often(
    served: tuple[str, dict[str, str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificates, asked = served

    async def walk() -> None:
        kept = connected.Certificates()
        assert set(await kept.at(url)) == {"old"}
        certificates["new"] = "PEM of new"
        for _ in range(5):
            assert set(await kept.at(url, key_id="new")) == {"old"}
        assert len(asked) == 1
        monkeypatch.setattr(connected, "CERTIFICATES_PAUSE_SECONDS", 0.0)
        assert set(await kept.at(url, key_id="new")) == {"old", "new"}
        assert set(await kept.at(url, key_id="new")) == {"old", "new"}
        assert len(asked) == 2

    apart(walk)


def test_a_token_of_an_unknown_key_is_told_from_a_forged_one() -> None:
    # {"alg": "RS256", "kid": "new"} . {} . a signature
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5ldyJ9.e30.c2ln"
    signed, signature, key_id, _ = gmail._read(token)
    with pytest.raises(UnknownKey) as unknown:
        gmail._check_signature(signed, signature, key_id, Secrets({}, {"old": "PEM"}))
    assert unknown.value.key_id == "new"
