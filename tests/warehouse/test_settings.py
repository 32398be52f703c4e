"""What the programs write is for their own user alone."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from warehouse.settings import Settings


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_a_program_writes_nobody_else_may_read(tmp_path: Path) -> None:
    """Also what the program starts, and whatever the shell before it said."""
    program = (
        "import pathlib, subprocess, warehouse.settings\n"
        "pathlib.Path('folder').mkdir()\n"
        "pathlib.Path('file').touch()\n"
        "subprocess.run(['touch', 'child'], check=True)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        umask=0o022,
        check=True,
    )
    assert [mode(tmp_path / name) for name in ("folder", "file", "child")] == [0o700, 0o600, 0o600]


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("user", [0, 1000])
def test_a_folder_of_a_former_version_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: bool, user: int
) -> None:
    folder = tmp_path / "data"
    (folder / "dlt").mkdir(parents=True)
    (folder / "postgres.url").touch()
    (tmp_path / "elsewhere").touch()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    for path, old in ((folder, 0o755), (folder / "dlt", 0o755), (folder / "postgres.url", 0o644)):
        path.chmod(old)
    (tmp_path / "elsewhere").chmod(0o644)
    url = None if embedded else SecretStr("postgresql://127.0.0.1/x")
    settings = Settings(data_dir=folder, database_url=url, _env_file=None)  # type: ignore[call-arg]
    monkeypatch.setattr("os.geteuid", lambda: user)
    mine = folder.stat().st_uid == user
    settings.close_data_dir()
    if mine:
        # The embedded server of root is another user, who passes through.
        assert mode(folder) == (0o711 if embedded and user == 0 else 0o700)
        assert mode(folder / "dlt") == 0o700
        assert mode(folder / "postgres.url") == 0o600
    else:
        assert mode(folder) == 0o755, "what belongs to somebody else is left to them"
    assert mode(tmp_path / "elsewhere") == 0o644


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/media", "pip install --no-deps --require-hashes -r requirements-s3.lock"),
        ("nowhere://bucket", "no kind of storage"),
    ],
)
def test_a_store_that_cannot_be_reached_is_refused_at_the_start(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the extra was not installed.
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ValidationError, match="media_url") as refused:
        Settings(media_url=url, _env_file=None)
    assert said in str(refused.value)


@pytest.mark.parametrize("url", ["file:///srv/media", "memory://media", None])
def test_a_store_that_fsspec_brings_along_is_taken(url: str | None) -> None:
    assert Settings(media_url=url, _env_file=None).media_url == url


def test_of_many_that_make_the_key_at_once_all_have_the_same(tmp_path: Path) -> None:
    """Two commands that begin on one new folder at the same moment must not end for it, nor read half of a key."""

    def made(number: int) -> tuple[int, str]:
        folder = tmp_path / str(number % 20)
        settings = Settings(data_dir=folder, _env_file=None)  # type: ignore[call-arg]
        settings.make_master_key()
        return number % 20, settings.master_keys[0]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(made, range(80)))) == 20


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose files and our own supervisor hand on what nobody set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CRM_{name.upper()}", raising=False)
    unset = Settings(_env_file=None)  # type: ignore[call-arg]
    for name in Settings.model_fields:
        monkeypatch.setenv(f"CRM_{name.upper()}", "")
    assert Settings(_env_file=None) == unset  # type: ignore[call-arg]
