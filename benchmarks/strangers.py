"""What somebody without a secret does to the receiver and to the app: the attacks, each in a process of its own.

One order as a line on standard input, one answer when its time is over:

    {"attack", "receiver": port, "admin": port, "app": port, "path", "push_path", "captured": [body, signature],
     "seconds"}
    {"tries"}

The pieces are what tests/webhooks/test_attacks.py and tests/app/test_bounds.py try one by one. Everything comes from
another address of this machine than the genuine deliveries and the signed-in people.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

#: Of this machine, as all that begins with 127 is; nobody else here sends from it.
ELSEWHERE = "127.0.0.66"
POURED_BYTES = 100 * 1024 * 1024
PIECE_BYTES = 65_536
#: Held at once by one address; a receiver takes 256, and Twilio needs some of those.
HALF_SENT = 240
FRAMES = 10_000
THREADS = 8
PUSH_AUDIENCE = "https://crm.example.com/push"
PUSH_ACCOUNT = "push@example-project.iam.gserviceaccount.com"
PUSH_KEY = "key-1"


# -- pieces ----------------------------------------------------------------------------------------


def connected(port: int, source: str = ELSEWHERE) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))


def head(path: str) -> bytes:
    """The beginning of a POST."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode()


def endless(path: str) -> dict[str, tuple[bytes, bytes]]:
    """Requests that never end: how each begins, and what follows again and again."""
    started = head(path)
    return {
        "one header": (started + b"X: ", b"a" * PIECE_BYTES),
        "many headers": (started, b"X-A: b\r\n" * 8_000),
        "the request line": (b"POST /webhooks/", b"a" * PIECE_BYTES),
        "a trailer": (
            started + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
            b"a" * PIECE_BYTES,
        ),
    }


def half_sent(path: str) -> tuple[bytes, ...]:
    """Requests whose rest does not come; of the first nothing came at all."""
    return b"", b"POST /web", head(path), head(path) + b"Content-Length: 100\r\n\r\nhalf"


def poured(into: socket.socket, piece: bytes, most: int) -> int:
    """Send until the other side closes; returns how much it took."""
    sent = 0
    with suppress(OSError):
        while sent < most:
            sent += into.send(piece)
    return sent


def other_spellings(body: bytes) -> list[bytes]:
    """A captured form, written in ways that have the same signature."""
    fields = body.split(b"&")
    return [
        body + b"&",
        body + b"&" * 30,
        b"&" + body,
        b"&".join(reversed(fields)),
        b"&".join([*fields, fields[0]]),
        body.replace(b"SM", b"%53M", 1),
    ]


def unsigned_push() -> str:
    """A token that is right but for its signature: only Google's certificates tell."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": PUSH_AUDIENCE,
        "email": PUSH_ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    made = base64.urlsafe_b64encode(random.randbytes(256)).rstrip(b"=").decode()
    return f"{part({'alg': 'RS256', 'kid': PUSH_KEY})}.{part(claims)}.{made}"


def rerun(query: str = "") -> bytes:
    """A frame that has the whole script run."""
    frame: bytes = BackMsg(rerun_script=ClientState(query_string=query)).SerializeToString()
    return frame


def page_socket(port: int, source: str | None = None, **headers: str) -> ClientConnection:
    """A socket of the app's own page, by nobody unless a cookie says who."""
    address = f"http://127.0.0.1:{port}"
    # What is not named below goes to socket.create_connection.
    more: dict[str, Any] = {"source_address": (source, 0)} if source else {}
    opened: ClientConnection = connect(
        f"{address.replace('http', 'ws', 1)}/_stcore/stream",
        origin=Origin(address),
        subprotocols=[Subprotocol("streamlit")],
        additional_headers=headers,
        **more,
    )
    return opened


# -- attacks ---------------------------------------------------------------------------------------


@dataclass
class Attack:
    """What is attacked, and until when."""

    order: dict[str, Any]
    until: float
    tries: int = 0

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def port(self, of: str) -> int:
        return int(self.order[of])

    def in_threads(self, each: Callable[[int], None]) -> None:
        """`each` again and again on so many threads; what the other side ends is begun anew."""

        def run(number: int) -> None:
            while self.goes_on:
                with suppress(OSError, http.client.HTTPException, WebSocketException):
                    each(number)
                # Nobody answers at all: the machine is not to be spun for that.
                time.sleep(0.001)

        threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self.until + 2 - time.monotonic()))

    def ask(
        self, of: str, method: str, what: Callable[[], tuple[str, bytes, dict[str, str]]]
    ) -> None:
        """Requests over connections that stay open, each as soon as the one before it is answered."""

        def each(_: int) -> None:
            line = http.client.HTTPConnection(
                "127.0.0.1", self.port(of), timeout=10, source_address=(ELSEWHERE, 0)
            )
            try:
                while self.goes_on:
                    path, body, headers = what()
                    self.tries += 1
                    line.request(method, path, body or None, headers)
                    line.getresponse().read()
            finally:
                line.close()

        self.in_threads(each)


def endless_requests(attack: Attack, of: str = "receiver") -> None:
    floods = list(endless(attack.order["path"]).values())

    def each(number: int) -> None:
        begin, piece = floods[number % len(floods)]
        with connected(attack.port(of)) as flooding:
            flooding.sendall(begin)
            attack.tries += 1
            poured(flooding, piece, POURED_BYTES)

    attack.in_threads(each)


def heads_half_sent(attack: Attack, of: str = "receiver") -> None:
    """As many as one address may hold, each opened again as soon as it is closed."""
    beginnings = half_sent(attack.order["path"])
    held: dict[int, socket.socket] = {}
    try:
        while attack.goes_on:
            while len(held) < HALF_SENT and attack.goes_on:
                try:
                    opened = connected(attack.port(of))
                    opened.sendall(beginnings[attack.tries % len(beginnings)])
                except OSError:
                    break
                held[opened.fileno()] = opened
                attack.tries += 1
            for ended in _closed(held):
                ended.close()
            time.sleep(0.01)
    finally:
        for left in held.values():
            left.close()


def _closed(held: dict[int, socket.socket]) -> Iterator[socket.socket]:
    """Those that the other side has said something on, or closed."""
    poll = select.poll()
    for number in held:
        poll.register(number, select.POLLIN)
    for number, _ in poll.poll(100):
        yield held.pop(number)


def readiness_asked(attack: Attack) -> None:
    attack.ask("admin", "GET", lambda: ("/readyz", b"", {}))


def forged(attack: Attack) -> None:
    """Unsigned forms, each another."""

    def what() -> tuple[str, bytes, dict[str, str]]:
        number = random.getrandbits(64)
        body = urlencode(
            {"MessageSid": f"SM{number:032x}", "Body": "x" * 200, "From": "+61491570006"}
        )
        return attack.order["path"], body.encode(), {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": "c2lnbmF0dXJlIG9mIG5vYm9keQ==",
        }  # fmt: skip

    attack.ask("receiver", "POST", what)


def ids_guessed(attack: Attack) -> None:
    attack.ask(
        "receiver",
        "POST",
        lambda: (f"/webhooks/twilio_sms/{random.getrandbits(64):016x}", b"Body=x", {}),
    )


def pushes_unsigned(attack: Attack) -> None:
    data = base64.b64encode(b'{"emailAddress": "sales@example.com", "historyId": 1}').decode()
    body = json.dumps({"message": {"data": data, "messageId": "1"}, "subscription": "s"}).encode()

    def what() -> tuple[str, bytes, dict[str, str]]:
        told = {"Authorization": f"Bearer {unsigned_push()}", "Content-Type": "application/json"}
        return attack.order["push_path"], body, told

    attack.ask("receiver", "POST", what)


def captured_spelled_anew(attack: Attack) -> None:
    body, signed = attack.order["captured"]
    spellings = other_spellings(body.encode())

    def what() -> tuple[str, bytes, dict[str, str]]:
        many = spellings[attack.tries % len(spellings)] + b"&" * random.randrange(200)
        return attack.order["path"], many, {
            "Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed,
        }  # fmt: skip

    attack.ask("receiver", "POST", what)


def frames_of_a_stranger(attack: Attack, query: str = "") -> None:
    frame = rerun(query)

    def each(_: int) -> None:
        with page_socket(attack.port("app"), ELSEWHERE) as opened:
            for _frame in range(FRAMES):
                if not attack.goes_on:
                    return
                opened.send(frame)
                attack.tries += 1

    attack.in_threads(each)


def odd_addresses(attack: Attack) -> None:
    frames_of_a_stranger(attack, urlencode({"customer": "x" * 3_000, "at": "\x00", "tag": "'"}))


def uploads(attack: Attack) -> None:
    """Eight megabytes each, of nobody."""
    body = bytes(8 * 1024 * 1024)
    attack.ask("app", "PUT", lambda: ("/_stcore/upload_file/a/b", body, {"Content-Type": "x/y"}))


def streams_of_nobody(attack: Attack) -> None:
    """The stream of news, opened again as soon as it is closed."""

    def each(_: int) -> None:
        address = f"http://127.0.0.1:{attack.port('app')}"
        attack.tries += 1
        with connect(
            f"{address.replace('http', 'ws', 1)}/news",
            origin=Origin(address),
            source_address=(ELSEWHERE, 0),
        ) as opened:
            opened.send('{"open": {"a": ["b", "c"]}}')
            with suppress(TimeoutError):
                opened.recv(timeout=5)

    attack.in_threads(each)


#: Every attack by the words that stand in the table.
ATTACKS: dict[str, Callable[[Attack], None]] = {
    "requests without end": endless_requests,
    "heads half sent": heads_half_sent,
    "readiness asked": readiness_asked,
    "forged deliveries": forged,
    "ids guessed": ids_guessed,
    "unsigned pushes while Google is slow": pushes_unsigned,
    "one captured request, spelled anew": captured_spelled_anew,
    "10,000 frames of a stranger": frames_of_a_stranger,
    "odd addresses of a stranger": odd_addresses,
    "uploads of nobody": uploads,
    "streams of news of nobody": streams_of_nobody,
    "requests without end, to the app": lambda attack: endless_requests(attack, "app"),
    "heads half sent, to the app": lambda attack: heads_half_sent(attack, "app"),
}


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        attack = Attack(order, time.monotonic() + order["seconds"])
        ATTACKS[order["attack"]](attack)
        print(json.dumps({"tries": attack.tries}), flush=True)


if __name__ == "__main__":
    main()
