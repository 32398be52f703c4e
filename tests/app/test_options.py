"""The options of .streamlit/config.toml are in force in the program that runs, and it runs with no others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session

from app.serving import options
from tests.app.browsing import ROOT, serving
from tests.app.conftest import Correspondence

#: What the app counts on: for its speed, for nothing leaving the machine, and for errors that say nothing.
COUNTED_ON = {
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "server.fileWatcherType": "none",
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
}


def test_our_file_says_what_we_count_on() -> None:
    wanted = options.wanted()
    assert {name: wanted.get(name) for name in COUNTED_ON} == COUNTED_ON
    # Every option is one that the installed Streamlit knows.
    assert set(wanted) <= set(config._config_options_template) | {
        name for name in wanted if name.startswith("theme.")
    }


def test_the_program_that_runs_has_every_option(
    correspondence: Correspondence, tmp_path: Path
) -> None:
    with serving(correspondence.settings, tmp_path):
        log = tmp_path / "app.log"
        for _ in range(100):
            if "options of config.toml" in log.read_text():
                break
            time.sleep(0.1)
        # It looks itself, at what its own Streamlit says, after everything is loaded.
        assert f"runs with all {len(options.wanted())} options" in log.read_text()


@pytest.mark.parametrize("name", sorted(options.wanted()))
def test_an_option_that_is_not_in_force_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, told = options.wanted()[name], {**options.wanted(), name: "another value"}
    monkeypatch.setattr(options, "wanted", lambda: told)
    (sentence,) = options.not_in_force()
    assert sentence == f"{name} is {value!r} and not 'another value'"


def test_the_program_refuses_to_serve_without_them(
    correspondence: Correspondence, tmp_path: Path
) -> None:
    # The whole program with another config.toml beside it, as a broken installation has it.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app", "warehouse", "media", "mail", "dbt_project"):
        (copy / name).symlink_to(ROOT / name)
    text = (ROOT / ".streamlit" / "config.toml").read_text()
    assert "postScriptGC = false" in text
    (copy / ".streamlit").mkdir()
    (copy / ".streamlit" / "config.toml").write_text(text.replace("postScriptGC = false", ""))
    starter = copy / "start.py"
    starter.write_text(
        "import sys; from pathlib import Path; import app.__main__ as program;"
        " program.ROOT = Path(sys.argv.pop(1)); sys.exit(program.main())"
    )
    assert correspondence.settings.database_url
    assert correspondence.settings.master_key
    ended = subprocess.run(
        [sys.executable, str(starter), str(copy), "--port", "1"],
        cwd=copy,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CRM_DATABASE_URL": correspondence.settings.database_url.get_secret_value(),
            "CRM_MASTER_KEY": correspondence.settings.master_key.get_secret_value(),
            "CRM_DATA_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "runner.postScriptGC is True and not False" in ended.stderr


def test_many_threads_read_options_at_once() -> None:
    """None waits for the lock under which Streamlit reads them, which another may hold."""
    former = config._config_lock
    try:
        with former:
            options.read_without_waiting()
            with ThreadPoolExecutor(1) as other:
                asked = other.submit(config.get_option, "runner.magicEnabled")
                assert asked.result(timeout=60) is False
    finally:
        config._config_lock = former


def test_a_remembered_theme_says_what_streamlit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.nothing")

    def told() -> bytes:
        session = NewSession()
        for part in parts:
            app_session._populate_theme_msg(session.custom_theme, part)
        return session.SerializeToString(deterministic=True)

    by_streamlit = told()
    monkeypatch.setattr(app_session, "_populate_theme_msg", app_session._populate_theme_msg)
    options.remember_themes()
    assert [told(), told()] == [by_streamlit] * 2
    assert by_streamlit
    # A part of which nothing is set is none at all, also when it is remembered.
    for _ in range(2):
        empty = NewSession()
        app_session._populate_theme_msg(empty.custom_theme, "theme.nothing")
        assert not empty.HasField("custom_theme")


def test_no_variable_stands_where_it_does_nothing() -> None:
    for name in (
        "operations/runtime/programs.py",
        "Dockerfile",
        "docker-compose.yml",
        ".env.example",
    ):
        assert "STREAMLIT_" not in (ROOT / name).read_text(), name
