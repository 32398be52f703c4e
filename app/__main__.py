"""`python -m app --port N`: serve the pages until SIGTERM or SIGINT.

With `CRM_APP_PROCESSES` above one this process is the door, and the pages are served by others behind it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

from app import database
from warehouse import bounded_http
from warehouse.settings import Role, Settings, SettingsError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    settings = Settings()
    bounded_http.spare_logs(
        "uvicorn.error",
        "crm.app",
        "streamlit.error_util",
        "streamlit.runtime.scriptrunner.exec_code",
    )
    try:
        settings.url_for(Role.APP)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    database.use(settings)
    # Streamlit reads .streamlit/config.toml from the folder it runs in; the settings are read already.
    os.chdir(ROOT)
    if arguments.channel is None and settings.app_processes_now > 1:
        from app.serving.door import Door

        return asyncio.run(Door(arguments.host, arguments.port, settings.app_processes_now).run())
    return _serve(arguments)


def _serve(arguments: argparse.Namespace) -> int:
    import uvicorn

    from app.serving import process
    from app.serving.server import WrongOptions, application

    process.allow_many_connections()
    try:
        served = application()
    except WrongOptions as problem:
        sys.stderr.write(f"not served with .streamlit/config.toml: {problem}\n")
        return 2
    if arguments.channel is None:
        uvicorn.Server(process.configured(served, host=arguments.host, port=arguments.port)).run()
        return 0
    channel = socket.socket(fileno=arguments.channel)
    process.HandedOver(process.configured(process.OneRequestEach(served)), channel).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
