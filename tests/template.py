"""The warehouse that every test starts from: migrated, its models built and empty, its files kept between runs.

Making it takes half a minute, copying its files a fraction of a second. So the files of a stopped server lie in a folder
that is named by what they were made of; each run, and each worker of a run, copies them and starts a server of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from operations.runtime.ports import free_port
from tests.keeping import kept_in
from warehouse.postgres import Embedded
from warehouse.settings import Settings

if TYPE_CHECKING:
    from transform import fold

ROOT = Path(__file__).resolve().parent.parent
MASTER_KEY = "an-invented-master-key-0123456789-abcdefgh"
#: A test database may be lost with the machine; durability has tests of its own.
#: Signing in takes a quarter of the time of a short test, if the passwords are hashed as often as they should be.
#: Statistics that the server gathers by itself, of the template too after a minute, would have every test copy it anew.
TEST_SETTINGS = {
    "fsync": "off", "scram_iterations": "1", "max_wal_size": "256MB", "autovacuum": "off",
}  # fmt: skip
#: A copy of the template is 800 files: in memory it takes 0.04 s, on a disk that others use too up to a second.
IN_MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 * 1024**3
REWIND = (Path(__file__).parent / "rewind.sql").read_text()
#: So many templates stay: one for each branch that somebody goes back and forth between.
KEPT = 6
#: What a template is made of. Of the pipelines only what declares a table.
MADE_OF = (
    "dbt_project.yml",
    "dbt_project/**/*.*",
    "profiles.yml",
    "requirements.lock",
    "tests/rewind.sql",
    "tests/template.py",
    "transform/**/*.*",
    "warehouse/**/*.*",
)
NAME = re.compile(r"[0-9a-f]{20}")
DECLARES_A_TABLE = re.compile(rb"\bdlt\b|\bdata_type\b")


class Template:
    """A database that is ready, and the one clone of it that a test has.

    A clone that a test only wrote to is rewound for the next one (tests/rewind.sql), in a tenth of the time of a copy, and the
    session that folds stays with its plans, which take a second to make. After DDL there is a new copy.
    """

    def __init__(self, server_url: str, suffix: str = "", owner_url: str = "") -> None:
        """
        Args:
            server_url: of the server's maintenance database, as a role that may make databases.
            owner_url: as the role that owns ours, where that is another one.
            suffix: sets the databases of several workers on one server apart. Such a server is somebody's own: nothing is rewound.
        """
        self.server_url = server_url
        self.owner_url = owner_url or server_url
        self.database = f"crm_test{suffix}"
        self.template = f"crm_template{suffix}"
        self.can_rewind = not suffix
        self.copies = 0
        self._folding: tuple[fold.Fold, str] | None = None

    @property
    def owner(self) -> str:
        return urlsplit(self.owner_url).username or "current_user"

    def settings(self, folder: Path) -> Settings:
        return Settings(
            database_url=_with_database(self.owner_url, self.database),
            data_dir=folder,
            master_key=MASTER_KEY,
            _env_file=None,
        )

    def make(self, folder: Path) -> None:
        """Migrate and build. What dbt needs for it lies in `folder` afterwards."""
        # What runs dbt and dlt takes seconds to import, and a template is seldom made.
        from pipelines.destination import prepare_all
        from transform.build import build
        from transform.models import Models
        from warehouse.migrate import migrate

        self.remove()
        self._run(f"create database {self.database} owner {self.owner}")
        settings = self.settings(folder)
        migrate(settings)
        prepare_all(settings)
        build(settings, Models(settings, "next"), compare=False)
        if self.can_rewind:
            with self._connect(self.database) as owner:
                owner.execute(REWIND)
                owner.execute("select test_pristine.keep()")
                for event, noted in (("ddl_command_end", "command"), ("sql_drop", "drop")):
                    owner.execute(
                        f"create event trigger test_{noted} on {event} execute function test_pristine.note_{noted}()"
                    )
                owner.execute("truncate test_pristine.altered")
        # A plan of dbt names its database, so the clone takes the name and the template gives it up.
        self._run(f"alter database {self.database} rename to {self.template}")

    def clone(self) -> None:
        """The database of a test, as the template is."""
        if self.copies and self.can_rewind and self._rewind():
            return
        self._let_go()
        self._drop(self.database)
        self._run(
            f"create database {self.database} owner {self.owner} template {self.template} strategy file_copy"
        )
        self.copies += 1

    def folding(self, settings: Settings) -> Callable[[], int]:
        """Folds everything that landed, as the resident process does; returns how many folds that took."""
        session: list[fold.Fold] = []

        def until_done() -> int:
            # A copy ends the session.
            if not session or session[0].database.closed:
                session[:] = [self._session(settings)]
            return session[0].until_done()

        return until_done

    def remove(self) -> None:
        self._let_go()
        self._drop(self.database)
        self._drop(self.template)

    def _session(self, settings: Settings) -> fold.Fold:
        """The one that stayed, or a new one: where it ended, or other statements stand than it was made of."""
        from transform import fold

        with self._connect(self.database) as owner:
            ((made_of,),) = owner.execute(
                "select md5(fingerprint || statements::text) from canonical.built"
            ).fetchall()
        if (
            self._folding is None
            or self._folding[1] != made_of
            or not _answers(self._folding[0].database)
        ):
            self._let_go()
            database = fold.connect(settings)
            found = fold.standing(database)
            assert found is not None
            self._folding = (fold.Fold(database, found[1]), made_of)
        return self._folding[0]

    def _let_go(self) -> None:
        if self._folding is not None:
            self._folding[0].database.close()
            self._folding = None

    def _rewind(self) -> bool:
        staying = []
        if self._folding is not None:
            if _is_idle(self._folding[0].database):
                staying.append(self._folding[0].database.info.backend_pid)
            else:
                self._let_go()
        try:
            with self._connect(self.database) as owner:
                # Neither the triggers of the tables nor those that note DDL.
                owner.execute(
                    "set event_triggers = off; set session_replication_role = replica;"
                    " set client_min_messages = error; set lock_timeout = '20s'"
                )
                row = owner.execute("select test_pristine.rewind(%s)", [staying]).fetchone()
        except psycopg.Error:
            # A test did something to the database itself.
            return False
        return row == (True,)

    def _drop(self, name: str) -> None:
        self._run(f"drop database if exists {name} with (force)")

    def _run(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self, database: str = "") -> psycopg.Connection[Any]:
        url = _with_database(self.server_url, database) if database else self.server_url
        return psycopg.connect(url, autocommit=True)


def _answers(database: psycopg.Connection[Any]) -> bool:
    """A test may have ended it."""
    if not _is_idle(database):
        return False
    try:
        database.execute("select")
    except psycopg.OperationalError:
        return False
    return True


def _is_idle(database: psycopg.Connection[Any]) -> bool:
    return not database.closed and database.info.transaction_status == TransactionStatus.IDLE


@contextmanager
def running() -> Iterator[Template]:
    """A server of one's own, made of the kept files, with the template in it."""
    with _folder() as folder:
        copy_kept(folder)
        with _serving(folder) as (server_url, owner_url):
            yield Template(server_url, owner_url=owner_url)


def copy_kept(folder: Path) -> None:
    """The files of a stopped server with the template into `folder`; they are made where there are none."""
    home = kept_in()
    home.mkdir(parents=True, exist_ok=True)
    kept = home / made_of()
    # Held while they are made and while they are copied: two runs may start at once, and a third may tidy up.
    with _alone(kept):
        if not kept.is_dir():
            _make(kept)
        os.utime(kept)
        _copy(kept, folder)
    _tidy(home)


def made_of(root: Path = ROOT) -> str:
    """A hash of everything that the template comes from, and of the month, which has partitions of its own."""
    files = {file for pattern in MADE_OF for file in root.glob(pattern)}
    files |= {
        file
        for file in root.glob("pipelines/**/*.py")
        if DECLARES_A_TABLE.search(file.read_bytes())
    }
    digest = hashlib.sha256(datetime.now(UTC).strftime("%Y-%m").encode())
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            name = file.relative_to(root).as_posix()
            digest.update(f"\0{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _make(kept: Path) -> None:
    with _folder() as folder, tempfile.TemporaryDirectory() as work:
        with _serving(folder) as (server_url, owner_url):
            _hash_again(server_url)
            Template(server_url, owner_url=owner_url).make(Path(work))
        # Renamed when whole: what an interrupted copy left is no template.
        unfinished = kept.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy(folder, unfinished)
        unfinished.rename(kept)


def _hash_again(server_url: str) -> None:
    """The superuser's password was hashed when the cluster was made, before these settings."""
    owner = urlsplit(server_url)
    assert owner.username
    assert owner.password
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(owner.username), sql.Literal(owner.password)
            )
        )


def _tidy(home: Path) -> None:
    """Remove all but the last used; one that is just being copied stays for this time."""
    found = sorted(
        (folder for folder in home.iterdir() if NAME.fullmatch(folder.name)),
        key=lambda folder: folder.stat().st_mtime,
        reverse=True,
    )
    for folder in found[KEPT:]:
        try:
            with _alone(folder.with_suffix(""), wait=False):
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass


@contextmanager
def _alone(kept: Path, *, wait: bool = True) -> Iterator[None]:
    # The kernel gives the lock back however its holder ends.
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    # With owners and modes, which shutil would not keep.
    subprocess.run(["cp", "-Rp", f"{source}/.", str(target)], check=True)


@contextmanager
def _folder() -> Iterator[Path]:
    # Not among pytest's folders: a second run of pytest closes those to other users, the server's included.
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="crm-tests-", dir=IN_MEMORY if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[str, str]]:
    """A server on these files: its URL as the superuser, and as the owner."""
    server = Embedded(data_dir=folder, port=free_port())
    server.prepare()
    options = [part for name, value in TEST_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with (folder / "postgres.log").open("w") as log:
        process = subprocess.Popen(
            [*server.command(), *options],
            user=server.user,
            cwd=server.cluster,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = server.superuser_url
        _wait_for(url)
        server.make_owner()
        yield url, server.url_file.read_text().strip()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
