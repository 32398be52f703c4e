"""`python -m app --port N`: serve the pages until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import uvicorn

from app import database
from warehouse.settings import Role, Settings, SettingsError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    settings = Settings()
    try:
        settings.url_for(Role.APP)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    database.use(settings)
    # Streamlit reads .streamlit/config.toml from the folder it runs in; the settings are read already.
    os.chdir(ROOT)

    from app.server import WrongOptions, application

    try:
        served = application()
    except WrongOptions as problem:
        sys.stderr.write(f"not served with .streamlit/config.toml: {problem}\n")
        return 2
    uvicorn.run(
        served,
        host=arguments.host,
        port=arguments.port,
        # See app.server: the query of /session/start holds a token.
        access_log=False,
        log_level="info",
        ws_max_size=8 * 1024 * 1024,
        # An open page holds its WebSocket; it is told to come back later, not waited for.
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
