"""What has to be done once at each start, before the programs: `python -m operations.runtime.prepare STEP`.

    cluster     make the embedded server's folder and its URL: `cluster PORT`
    migrate     make the embedded server's database, bring the schema up to date
    histories   make the tables of the pulled histories, so that the models find them

Each step is a process of its own, so that the supervisor stays small and can be stopped at any
time.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from warehouse.settings import Settings


def cluster(settings: Settings, port: str) -> None:
    """The embedded server's data folder, made whole or not at all: an interrupted one is made anew."""
    from warehouse.postgres import Embedded

    server = Embedded(data_dir=settings.data_dir, port=int(port))
    unfinished = settings.data_dir / "postgres.unfinished"
    if unfinished.exists():
        shutil.rmtree(server.cluster, ignore_errors=True)
    if not (server.cluster / "PG_VERSION").exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
    server.prepare()
    unfinished.unlink(missing_ok=True)


def migrate(settings: Settings) -> None:
    """Bring the database of these settings to the present schema."""
    from warehouse import migrate as migrations

    if settings.database_url is None:
        from warehouse.postgres import Embedded

        port = urlsplit(settings.admin_url).port
        assert port is not None, "the embedded server's URL names its port"
        Embedded(data_dir=settings.data_dir, port=port).make_database()
    migrations.migrate(settings)


def histories(settings: Settings) -> None:
    """Make every channel's history tables, empty where they are new."""
    from pipelines.destination import prepare_all

    prepare_all(settings)


STEPS: dict[str, Callable[..., None]] = {
    "cluster": cluster,
    "migrate": migrate,
    "histories": histories,
}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS:
        sys.exit(f"usage: python -m operations.runtime.prepare {'|'.join(STEPS)}")
    known = Settings()
    STEPS[sys.argv[1]](known, *sys.argv[2:])
    # Last: making the cluster opens every folder on the way to it.
    known.close_data_dir()
