"""`./crm backup` and `./crm restore`: everything but the master key, into one file and out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, report, settings_for
from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

    from operations.backup_file import Table, Told

#: Of these a new warehouse has some rows of its own making, which those of the backup replace.
ITS_OWN = (
    "_dlt_loads", "_dlt_pipeline_state", "_dlt_version", "write_trials", "tombstone_key", "swept",
    "retention_classes", "alert_state",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Everything but the master key, as it is at one moment, into one file; what runs goes on."""
    import psycopg

    from operations import backup_file
    from operations.runtime.warehouse_server import serving
    from warehouse.events import record

    settings = settings_for(data_dir)
    target = out.expanduser().resolve()
    if not target.parent.is_dir():
        raise Refused(f"--out {out}: there is no folder {target.parent}")
    with serving(settings) as served, psycopg.connect(served.admin_url) as database:
        record(database, actor().event("warehouse.backup", "warehouse", "crm"))
        database.execute(backup_file.ONE_SPELLING)
        database.commit()
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        database.read_only = True
        with _telling(quiet=as_json) as told:
            manifest = backup_file.write(served, database, target, told)
        database.rollback()
        with _telling(quiet=as_json) as told:
            _check_file(target, told)
    size = target.stat().st_size
    report(
        _summary(manifest) | {"file": str(target), "bytes": size},
        as_json=as_json,
        lines=[
            f"{target}: {_words(manifest)}, {size / 1024**2:.1f} MiB",
            "It holds everything that people wrote, and not the master key: keep that elsewhere. Without it the",
            "credentials of the connections cannot be read again.",
        ],
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What ./crm backup wrote.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """A backup into an empty warehouse, of any cluster and version; every hash is compared before it counts."""
    import psycopg

    from media.store import MediaStore
    from operations import backup_file
    from operations.runtime.running import is_held
    from operations.runtime.warehouse_server import serving
    from pipelines.destination import prepare_all
    from warehouse.migrate import migrate, unknown

    settings = settings_for(data_dir)
    if is_held(settings.data_dir):
        raise Refused(
            "the programs run on this data folder: stop them with ./crm down, then restore"
        )
    with backup_file.opened(file) as (archive, manifest):
        if backup_file.key_mark(settings) != manifest["master_key"]:
            raise Refused(
                "CRM_MASTER_KEY is not the one that this backup was made under: the credentials in it could not "
                "be read"
            )
        if newer := unknown(manifest["migrations"]):
            raise Refused(
                f"{file} was made by a newer version, which changed the warehouse by {', '.join(newer[:3])}: "
                "restore it with that one"
            )
        kept = [backup_file.Table(**table) for table in manifest["tables"]]
        with serving(settings) as served:
            # Before anything is made or copied: a warehouse that is refused is left as it was.
            with psycopg.connect(served.admin_url) as database:
                _refuse_strangers(database)
                _refuse_filled(database)
                _refuse_ahead(database, manifest["migrations"])
            migrate(served, only=manifest["migrations"])
            with _telling(quiet=as_json) as told:
                backup_file.media_in(
                    MediaStore(served.media_root), archive, manifest["media"], told
                )
            # The tables of histories as this version makes them; what the backup has besides is added.
            prepare_all(served)
            with psycopg.connect(served.admin_url) as database:
                database.execute(backup_file.ONE_SPELLING)
                with _telling(quiet=as_json) as told:
                    _fill(database, archive, kept, told)
                _finish(database, manifest)
            migrate(served)
    report(
        _summary(manifest),
        as_json=as_json,
        lines=[
            f"restored {_words(manifest)}; every hash is that of the backup",
            "Everybody signs in again. ./crm up builds the timelines from it and then takes in what arrives.",
        ],
    )


def _fill(database: psycopg.Connection[Any], archive: Any, kept: list[Table], told: Told) -> None:
    """All tables within the caller's transaction: the warehouse is as the backup, or as it was.

    Raises:
        Refused: the warehouse holds something already, or a table came out different.
    """
    from psycopg import sql

    from operations import backup_file

    # Once more: somebody may have come in between.
    _refuse_filled(database)
    there = {(table.schema, table.name): table for table in backup_file.tables(database)}
    for table in kept:
        _make_room(database, table, there.get((table.schema, table.name)))
    for place, table in enumerate(kept):
        told(f"{table.schema}.{table.name}", place, len(kept))
        # Nobody is told of what happened long ago, and nothing is queued for it.
        for word in ("disable", "enable"):
            database.execute(
                sql.SQL("alter table {} {} trigger user").format(table.identifier, sql.SQL(word))
            )
            if word == "disable":
                backup_file.copy_in(database, archive, table)
        found = backup_file.measured(database, table)
        if found != (table.rows, table.hash):
            raise Refused(
                f"{table.schema}.{table.name} came out different: {found[0]} rows where {table.rows} were; "
                "nothing was kept"
            )


def _make_room(database: psycopg.Connection[Any], table: Table, there: Table | None) -> None:
    from psycopg import sql

    from warehouse.settings import Role

    is_history = table.schema.startswith("raw_")
    if there is None and not is_history:
        raise Refused(
            f"this version has no table {table.schema}.{table.name}: restore with the one that made the backup"
        )
    with database.transaction():
        if is_history:
            database.execute(sql.SQL("set local role {}").format(sql.Identifier(Role.LOADER)))
        if there is None:
            database.execute(sql.SQL("create table {} ()").format(table.identifier))
        for column, kind in table.columns.items():
            if there is None or column not in there.columns:
                if not is_history:
                    raise Refused(
                        f"this version has no column {table.schema}.{table.name}.{column}"
                    )
                database.execute(
                    sql.SQL("alter table {} add column {} {}").format(
                        # A name of a type as PostgreSQL writes it.
                        table.identifier, sql.Identifier(column), sql.SQL(kind),
                    )
                )  # fmt: skip
        if table.name in ITS_OWN:
            database.execute(sql.SQL("delete from {}").format(table.identifier))
        database.execute("reset role")


def _finish(database: psycopg.Connection[Any], manifest: dict[str, Any]) -> None:
    from psycopg import sql

    from operations import backup_file
    from warehouse.events import record

    for table, column, sequence in database.execute(backup_file.SQL["sequences"]).fetchall():
        # All three are names that the server quoted, but for the column.
        database.execute(
            sql.SQL("select setval({}, greatest((select max({}) from {}), 1))").format(
                sql.Literal(sequence), sql.Identifier(column), sql.SQL(table)
            )
        )
    database.execute(backup_file.SQL["end_sessions"])
    database.execute(backup_file.SQL["build_anew"])
    detail = {key: value for key, value in _summary(manifest).items() if key != "file"}
    record(database, actor().event("warehouse.restore", "warehouse", "crm", detail=detail))


def _refuse_strangers(database: psycopg.Connection[Any]) -> None:
    from operations import backup_file
    from warehouse.migrate import LOGIN_ROLES

    roles = {"roles": [role.value for role in LOGIN_ROLES]}
    names = [name for (name,) in database.execute(backup_file.SQL["strangers"], roles).fetchall()]
    if names:
        raise Refused(
            f"programs are at work on this warehouse ({', '.join(names)}): stop them, then restore"
        )


def _refuse_filled(database: psycopg.Connection[Any]) -> None:
    from psycopg import sql

    from operations import backup_file

    filled = [
        f"{table.schema}.{table.name}"
        for table in backup_file.tables(database)
        if table.name not in ITS_OWN
        and database.execute(
            sql.SQL("select 1 from {} limit 1").format(table.identifier)
        ).fetchone()
    ]
    if filled:
        raise Refused(
            f"this warehouse is not empty ({', '.join(filled[:5])}): restore into a new one"
        )


def _refuse_ahead(database: psycopg.Connection[Any], theirs: list[str]) -> None:
    """What a later migration does to rows that stand, it would not do to those that come in afterwards."""
    from operations import backup_file

    if database.execute("select to_regclass('public._yoyo_migration')").fetchone() == (None,):
        return
    here = {name for (name,) in database.execute(backup_file.SQL["migrations"]).fetchall()}
    if ahead := sorted(here - set(theirs)):
        raise Refused(
            f"this warehouse is newer than the backup ({', '.join(ahead[:3])}): restore into a new one, which is "
            "brought to this version with the rows in it"
        )


def _check_file(file: Path, told: Told) -> None:
    """Read what was written from the disk again: each part has a checksum."""
    from operations import backup_file

    with backup_file.opened(file) as (archive, _):
        members = archive.namelist()
        for place, member in enumerate(members):
            told("checking", place, len(members))
            with archive.open(member) as part:
                while part.read(backup_file.PIECE_BYTES):
                    pass


def _summary(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "tables": len(manifest["tables"]),
        "rows": sum(table["rows"] for table in manifest["tables"]),
        "media": len(manifest["media"]),
    }


def _words(manifest: dict[str, Any]) -> str:
    told = _summary(manifest)
    return f"{told['rows']} rows of {told['tables']} tables and {told['media']} files"


@contextmanager
def _telling(*, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, plain lines elsewhere, nothing beside JSON."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        last = ""

        def told(what: str, done: int, of: int) -> None:
            nonlocal last
            bar.update(task, description=what, completed=done, total=of)
            if not quiet and not console.is_terminal and what != last:
                console.print(f"{what} ({done + 1} of {of})", highlight=False)
            last = what

        yield told
