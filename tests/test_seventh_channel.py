"""What the README lists for a seventh channel is all it takes: a toy channel, laid over a copy of the tree."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from operations.runtime.ports import free_port
from tests.long_form import LONG
from warehouse.settings import Settings

ROOT = Path(__file__).parent.parent
TOY = Path(__file__).parent / "seventh_channel"
CHANNEL, PROVIDER = "website_chat", "website"
KEY = "an-invented-signing-key"
#: Lines of files that are there: after which line, what is added.
ROW = (
    "website_chat,Website chat,website,true,true,true,,inbound outbound,1048576,"
    "signing_key address transcript,,signing_key,signing_key,,chat,100,The transcript is whole\n"
)
LINES = {
    "dbt_project/seeds/channels.csv": (r"\Z", ROW),
    "dbt_project/models/canonical/message_copies.sql": (
        r"(?<=copies = \[\n)",
        "    ref('stg_website_chat__webhook_copies'),\n    ref('stg_website_chat__history_copies'),\n",
    ),
    "dbt_project/models/canonical/events.sql": (
        r"(?<=events = \[\n)",
        "    ('website_chat', ref('stg_website_chat__webhook_events'), 'received_at'),\n"
        "    ('website_chat', ref('stg_website_chat__history_events'), 'received_at'),\n",
    ),
}
TRANSCRIPT = [
    {"id": "c-1", "visitor": "robin@example.com", "from": "robin@example.com", "name": "Robin",
     "text": "Do you repair e-bikes? 🚲", "at": "2026-11-20T01:02:03Z"},
    {"id": "c-3", "visitor": "robin@example.com", "from": "chat@example.com", "name": None,
     "text": "We do. Bring it in!", "at": "2026-11-20T01:05:00Z"},
]  # fmt: skip


def added() -> list[Path]:
    """The toy's files, relative to the root that they are laid over."""
    found = (file.relative_to(TOY) for file in TOY.rglob("*") if file.is_file())
    return sorted(
        file for file in found if file.name != "__init__.py" and "__pycache__" not in file.parts
    )


def listed() -> set[str]:
    """The paths of the README's list, with the toy's names in them. A folder ends in a slash."""
    section = (ROOT / "README.md").read_text().partition("## A seventh channel")[2]
    section = section.partition("\n## ")[0]
    paths = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert paths, "the README has no list of files for a seventh channel"
    named = (path.replace("<channel>", CHANNEL).replace("<provider>", PROVIDER) for path in paths)
    return set(named)


def test_the_readme_lists_what_the_toy_adds_and_nothing_else() -> None:
    written = {file.as_posix() for file in added()} | set(LINES)
    unlisted = {
        file
        for file in written
        if not any(
            file == path or (path.endswith("/") and file.startswith(path)) for path in listed()
        )
    }
    assert not unlisted
    unneeded = {
        path
        for path in listed()
        if not any(
            file == path or (path.endswith("/") and file.startswith(path)) for file in written
        )
    }
    assert not unneeded


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what is in the repository, with the toy laid over it."""
    root = tmp_path / "tree"
    names = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("docs/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    for file in added():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TOY / file, root / file)
    for name, (after, lines) in LINES.items():
        text = (root / name).read_text()
        changed, count = re.subn(after, lambda _: lines, text, count=1)  # noqa: B023
        assert count == 1, name
        (root / name).write_text(changed)
    return root


class Tree:
    """The copied tree's programs on one warehouse."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.environment = {
            **os.environ,
            "CRM_DATABASE_URL": settings.admin_url,
            "CRM_MASTER_KEY": settings.master_keys[0],
            "CRM_DATA_DIR": str(settings.data_dir),
            "CRM_PUBLIC_URL": "http://127.0.0.1",
            "PYTHONPATH": str(root),
        }

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=self.root, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def crm(self, *arguments: str) -> Any:
        return json.loads(self.run("-m", "operations", *arguments, "--json"))

    def build(self) -> None:
        """What the program that folds does first, where other models stand than its own."""
        self.run("-m", "transform", "build")

    def prepare(self) -> None:
        """What `./crm up` does before its programs serve, in one process: dbt and dlt take seconds to import."""
        self.run(
            "-c",
            "from operations.runtime import prepare\n"
            "from transform.build import build\n"
            "from warehouse.settings import Settings\n"
            "settings = Settings()\n"
            "prepare.migrate(settings)\n"
            "prepare.histories(settings)\n"
            "build(settings, compare=False)\n",
        )

    @contextmanager
    def receiver(self) -> Iterator[str]:
        port = free_port()
        self.environment["CRM_PUBLIC_URL"] = address = f"http://127.0.0.1:{port}"
        with (self.root.parent / "receiver.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "webhooks", "--port", str(port)],
                cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    httpx.get(f"{address}/healthz")
                    break
                except httpx.TransportError:
                    assert process.poll() is None and time.monotonic() < until
                    time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def web_site() -> Iterator[str]:
    """The URL of the transcript."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(TRANSCRIPT).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/transcript.json"
    server.shutdown()
    server.server_close()


def test_the_listed_files_are_a_whole_channel(
    tree: Path, settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    crm = Tree(tree, settings)
    crm.prepare()
    with web_site() as transcript, crm.receiver() as address:
        made = crm.crm(
            "connection", "add", CHANNEL, "--name", "Our site", "--set", f"signing_key={KEY}",
            "--set", "address=chat@example.com", "--set", f"transcript={transcript}",
        )  # fmt: skip
        connection_id = made["connection_id"]
        crm.crm("connection", "test", connection_id)
        url = f"{address}/webhooks/{CHANNEL}/{connection_id}"
        samples = TOY / "tests" / "payloads" / CHANNEL
        for name in ("message", "message", "without_text"):
            body = json.loads((samples / f"{name}.json").read_text())["body_raw"].encode()
            proof = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
            answer = httpx.post(url, content=body, headers={"X-Chat-Signature": proof})
            assert answer.status_code == 204
        assert httpx.post(url, content=b"{}", headers={"X-Chat-Signature": "0"}).status_code == 401
        crm.crm("refresh")
        assert shown(admin) == [("c-1", "inbound", "Do you repair e-bikes? 🚲", 1)]
        crm.crm("backfill", connection_id)
    crm.crm("refresh")
    expected = [
        ("c-1", "inbound", "Do you repair e-bikes? 🚲", 2),
        ("c-3", "outbound", "We do. Bring it in!", 1),
    ]
    assert shown(admin) == expected
    if LONG:
        crm.build()
        assert shown(admin) == expected
    assert admin.execute(
        "select outcome, reason, count(*) from marts.outcomes where channel = %s group by 1, 2 order by 1",
        [CHANNEL],
    ).fetchall() == [
        ("message", None, 3),
        ("quarantined", "a chat message needs an id and a text", 1),
    ]
    assert admin.execute(
        "select channel, history_note from marts.channel_health where channel = %s", [CHANNEL]
    ).fetchall() == [(CHANNEL, "The transcript is whole")]


def shown(admin: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return admin.execute(
        """
        select provider_message_id, direction, body, (select count(*) from jsonb_array_elements(raw_refs))
        from marts.messages
        where channel = %s and counterpart_identity = 'email:robin@example.com'
        order by sent_at
        """,
        [CHANNEL],
    ).fetchall()


def test_the_conventions_hold_for_the_channel(tree: Path) -> None:
    """The tree's own tests of the registry name what would be missing."""
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    subprocess.run(["git", "add", "--all"], cwd=tree, check=True)
    done = conventions(tree)
    assert done.returncode == 0, done.stdout[-3000:]
    (tree / "webhooks" / f"{CHANNEL}.py").unlink()
    assert f"webhooks/{CHANNEL}.py is missing" in conventions(tree, "-k", "pushes").stdout


def conventions(tree: Path, *chosen: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/test_conventions.py",
            "tests/test_one_home.py",
            *chosen,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
