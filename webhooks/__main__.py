"""`python -m webhooks --port 8502`: the receiver on uvicorn, and what watches over it on `CRM_ADMIN_BIND`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import Any

import uvicorn

from warehouse import bounded_http
from warehouse.settings import Settings, SettingsError
from webhooks import serving
from webhooks.main import create_app

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
#: Without CRM_ADMIN_BIND it is this many ports above the deliveries, on the loopback address.
ADMIN_PORT_AFTER = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="webhooks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8502)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    bounded_http.spare_logs("uvicorn.error", "crm.receiver")
    settings = Settings()
    bind = settings.admin_bind or f"127.0.0.1:{arguments.port + ADMIN_PORT_AFTER}"
    application = create_app(settings)
    connections = bounded_http.Connections(settings.trusted_proxies)
    config = uvicorn.Config(
        application,
        host=arguments.host,
        port=arguments.port,
        **(SERVER | bounded_http.configured(connections)),
    )
    try:
        admin = serving.beside(application.state.admin, bind, **SERVER)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    loop = config.get_loop_factory()
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serving.serve(uvicorn.Server(config), admin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
