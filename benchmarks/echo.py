"""The limit that landing is held against: FastAPI that answers with what it was sent, and does nothing else.

python -m benchmarks.echo --port 9180
"""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI, Request, Response

from webhooks.__main__ import SERVER


def create_app() -> FastAPI:
    app = FastAPI()

    @app.post("/webhooks/{channel}/{connection_id}")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.echo", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        "benchmarks.echo:create_app",
        factory=True,
        host="127.0.0.1",
        port=arguments.port,
        log_level="warning",
        **SERVER,
    )


if __name__ == "__main__":
    main()
