"""`python -m webhooks --port 8502`: the receiver on uvicorn."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import uvicorn

#: The benchmark's bare echo runs with the same settings.
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "timeout_graceful_shutdown": 4,
    "backlog": 2048,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="webhooks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8502)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    uvicorn.run(
        "webhooks.main:create_app", factory=True, host=arguments.host, port=arguments.port, **SERVER
    )


if __name__ == "__main__":
    main()
