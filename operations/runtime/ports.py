"""Ports of the loopback address: which are taken, and one that is free."""

from __future__ import annotations

import random
import socket

#: Below the ports that the system gives to outgoing connections (from 32,768 on under Linux): one of these may take a
#: port between the moment that it was found free and the moment that a program listens there.
CHOSEN_FROM = range(10_000, 32_000)
#: Programs count on from a port of theirs: the receiver's readiness stands three after it (webhooks/__main__.py), an
#: installation takes five after its base.
FOLLOWING = 5
TRIES = 1_000


def is_busy(port: int) -> bool:
    """Whether something listens on the port of this machine."""
    with socket.socket() as attempt:
        # As servers do: a connection that is only fading away does not count.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """A port that nothing listens on now, nor on the five that follow.

    Raises:
        OSError: there was none among a thousand.
    """
    chance = random.SystemRandom()
    for _ in range(TRIES):
        port = chance.choice(CHOSEN_FROM)
        if not any(is_busy(each) for each in range(port, port + FOLLOWING + 1)):
            return port
    raise OSError(f"no free port was found among {TRIES} of {CHOSEN_FROM}")
