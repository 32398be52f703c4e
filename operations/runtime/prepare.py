"""What has to be done once at each start, before the programs: `python -m operations.runtime.prepare STEP`.

    cluster     make the embedded server's folder and its URL: `cluster PORT`
    migrate     make the embedded server's database, bring the schema up to date
    histories   make the tables of the pulled histories, so that the models find them
    keys        write what each program needs to sign in and to decrypt, and no more: `keys FOLDER`

Each step is a process of its own, so that the supervisor stays small and can be stopped at any
time.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
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
    """Make every channel's history tables, empty where they are new. Those that stand cost a start nothing."""
    from pipelines import prepared

    if prepared.stand(settings):
        from pipelines.packages import forget_loaded

        forget_loaded(settings)
        return
    from pipelines.destination import prepare_all

    prepare_all(settings)


def keys(settings: Settings, folder: str) -> None:
    """`<folder>/<program>/env` for each program: what opens its doors (docker-compose.yml mounts each to its own)."""
    from operations.runtime.programs import NEEDS, given
    from warehouse.postgres import write_private

    for name in NEEDS:
        lines = [f"{variable}='{value}'" for variable, value in given(name, settings).items()]
        place = Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        write_private(place / "env", "\n".join(lines))


STEPS: dict[str, Callable[..., None]] = {
    "cluster": cluster,
    "migrate": migrate,
    "histories": histories,
    "keys": keys,
}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS:
        sys.exit(f"usage: python -m operations.runtime.prepare {'|'.join(STEPS)}")
    known = Settings()
    STEPS[sys.argv[1]](known, *sys.argv[2:])
    # Last: making the cluster opens every folder on the way to it.
    known.close_data_dir()
