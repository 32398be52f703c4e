"""Which certificates the simulator takes where a receiver is called by TLS."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """httpx's own choice, read once a process: it takes a twentieth of a second, and each client would read it anew."""
    return httpx.create_ssl_context(trust_env=False)
