"""The fetching of a connection: every attachment ends in a state, once, whatever is slow, broken or killed."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from media import fetch as fetching
from media import sources
from media.fetch import fetch, retry
from media.store import MediaStore
from providers.failures import NeedsAdmin, ProviderFailed
from providers.meta import pace as graph_pace
from providers.safe_http import SafeClient
from tests.pipelines.storage import Storage, gives, image, in_turn, running, says
from warehouse import connections
from warehouse.queries import queries
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
SQL = queries("media")
PICTURE = image()
NUMBERS = itertools.count(1)
#: Processes of their own, forked from one that has imported what they need (tests/pipelines/conftest.py).
WORKERS = multiprocessing.get_context("forkserver")


@pytest.fixture
def files() -> Iterator[Storage]:
    with running(Storage()) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_pace() -> None:
    graph_pace.pace_of.cache_clear()


class Attachments:
    """Attachments that the models found in messages, and what became of them."""

    def __init__(self, admin: Database, settings: Settings, connection_id: str) -> None:
        self.admin, self.settings, self.connection_id = admin, settings, connection_id

    def add(
        self,
        source: dict[str, Any] | None,
        *,
        claimed: str = "image/png",
        age: timedelta = timedelta(days=1),
        state: str = "waiting",
    ) -> str:
        number = f"m_{next(NUMBERS):04}"
        message_id = f"messenger|{number}"
        at = datetime.now(UTC) - age
        self.admin.execute(
            "insert into canonical.attachments (message_id, attachment_id, channel, connection_id, provider_message_id,"
            " content_type, state, source, sent_at, received_at) values (%s, 'a', 'messenger', %s, %s, %s, %s, %s, %s, %s)",
            [
                message_id, self.connection_id, number, claimed, state, json.dumps(source) if source else None,
                at, at,
            ],
        )  # fmt: skip
        return message_id

    def note(self, since: datetime | None = None) -> None:
        with psycopg.connect(self.settings.url_for(Role.LOADER), autocommit=True) as loader:
            loader.execute(SQL["note_media"], {"since": since})

    def fetch(self, **more: Any) -> dict[str, int]:
        self.note()
        return fetch(self.settings, self.connection_id, **more).states

    def row(self, message_id: str) -> dict[str, Any]:
        with self.admin.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(
                "select * from jobs.media where message_id = %s", [message_id]
            ).fetchone()
        assert found is not None
        return found

    def due_now(self) -> None:
        self.admin.execute("update jobs.media set next_try_at = now() where state = 'waiting'")

    def health(self) -> dict[str, Any]:
        with self.admin.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(
                "select * from jobs.connection_health where connection_id = %s and job = 'media'",
                [self.connection_id],
            ).fetchone()
        assert found is not None
        return found

    def stored(self) -> list[Path]:
        root = self.settings.data_dir / "media"
        return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def made(admin: Database, settings: Settings) -> Callable[..., Attachments]:
    """Makes a connection with attachments."""

    def make(channel: str, *hosts: Storage, **more: str) -> Attachments:
        values = {
            "messenger": {"app_secret": "s", "access_token": "CANARY-token", "page_id": "1"},
            "whatsapp": {
                "app_secret": "s", "access_token": "CANARY-token", "phone_number_id": "1", "business_account_id": "2",
            },
            "twilio_sms": {"account_sid": "AC" + "1" * 32, "auth_token": "CANARY-auth"},
        }[channel]  # fmt: skip
        values |= {"api_base": hosts[0].base, **more}
        values["media_hosts"] = ",".join(host.place for host in hosts)
        connection = connections.add(
            admin, settings, channel=channel, name="test", values=values, actor="test"
        )
        return Attachments(admin, settings, connection.connection_id)

    return make


def url(files: Storage, path: str) -> dict[str, Any]:
    return {"kind": "url", "url": f"{files.base}{path}?signature=CANARY", "index": 0}


# -- states --------------------------------------------------------------------------------------------


def test_an_attachment_is_stored_and_described(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = gives(PICTURE, "text/html")
    message_id = attachments.add(url(files, "/x"), claimed="image/jpeg")
    assert attachments.fetch() == {"stored": 1}
    row = attachments.row(message_id)
    assert row["state"] == "stored"
    assert row["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    assert row["size_bytes"] == len(PICTURE)
    assert (row["sniffed_type"], row["width"], row["height"]) == ("image/png", 40, 30)
    assert row["is_inline"]
    assert row["reason"] is None
    assert row["next_try_at"] is None
    assert (row["attempts"], row["channel"]) == (1, "messenger")
    assert MediaStore(settings.media_root).read(row["sha256"]) == PICTURE
    assert attachments.health()["detail"]["states"] == {"stored": 1}
    assert attachments.health()["error"] is None


def test_what_is_not_to_be_fetched_is_left_alone(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    attachments.add(None)
    attachments.add({"kind": "mail_part", "sha256": "0" * 64, "part_id": "1"}, state="stored")
    attachments.add(url(files, "/story"), state="refused")
    assert attachments.fetch() == {}
    assert files.requests == []


def test_the_same_bytes_are_stored_once(made: Callable[..., Attachments], files: Storage) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = gives(PICTURE)
    for _ in range(12):
        attachments.add(url(files, "/x"))
    assert attachments.fetch() == {"stored": 12}
    assert len(attachments.stored()) == 1
    assert attachments.fetch() == {}
    assert len(files.requests) == 12


@pytest.mark.parametrize(
    ("play", "state", "words"),
    [
        (says(404), "expired", "does not have"),
        (says(403), "expired", "does not have"),
        (says(302, Location="http://169.254.169.254/latest"), "refused", "169.254.169.254"),
        (gives(b"x", Content_Encoding="gzip"), "refused", "compressed"),
        (says(418), "failed", "418"),
        (says(500), "waiting", "500"),
        (gives(b""), "waiting", "empty"),
    ],
)
def test_every_answer_ends_in_a_state(
    made: Callable[..., Attachments], files: Storage, play: Any, state: str, words: str
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = play
    message_id = attachments.add(url(files, "/x"))
    assert attachments.fetch() == {state: 1}
    row = attachments.row(message_id)
    assert row["state"] == state
    assert words in row["reason"]
    assert "CANARY" not in row["reason"]
    assert (row["next_try_at"] is not None) is (state == "waiting")
    assert row["sha256"] is None
    assert attachments.stored() == []


def test_a_kind_that_nobody_knows_fails(made: Callable[..., Attachments], files: Storage) -> None:
    attachments = made("messenger", files)
    for source in (
        {"kind": "carrier pigeon"},
        {"kind": None},
        {"url": "x"},
        {"kind": "url"},
        {"kind": "url", "url": 5},
    ):
        attachments.add(source)
    assert attachments.fetch() == {"failed": 5}


def test_a_pixel_bomb_is_kept_and_not_shown(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = gives(image(50_000, 50_000))
    message_id = attachments.add(url(files, "/x"))
    attachments.fetch()
    row = attachments.row(message_id)
    assert (row["state"], row["is_inline"]) == ("stored", False)
    assert "pixels" in row["reason"]


def test_what_is_larger_than_the_cap_is_refused(
    made: Callable[..., Attachments], files: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = sources.Kind(opened=sources.by_url, limit_bytes=1_000_000)
    monkeypatch.setitem(sources.KINDS, "url", small)
    attachments = made("messenger", files)
    files.paths["/told"] = gives(b"x" * 1_000_001)
    files.paths["/untold"] = lambda handler: (
        [
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n"),
            handler.wfile.write(b"x" * 5_000_000),
        ][0]
        and None
    )
    for path in ("/told", "/untold"):
        attachments.add(url(files, path))
    assert attachments.fetch() == {"refused": 2}
    assert attachments.stored() == []


def test_wrong_bytes_are_asked_for_again_and_then_refused(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("whatsapp", files)
    source = {
        "kind": "graph_media",
        "media_id": "5",
        "sha256": base64.b64encode(hashlib.sha256(PICTURE).digest()).decode(),
    }
    told = json.dumps({"url": f"{files.base}/x?hash=CANARY"}).encode()
    files.paths["/v26.0/5"] = gives(told, "application/json")
    files.paths["/x"] = in_turn(gives(b"other bytes"), gives(PICTURE))
    right = attachments.add(source)
    assert attachments.fetch() == {"waiting": 1}
    assert attachments.stored() == []
    attachments.due_now()
    assert attachments.fetch() == {"stored": 1}
    assert attachments.row(right)["attempts"] == 2
    files.paths["/x"] = gives(b"other bytes")
    wrong = attachments.add(source)
    for _ in range(fetching.MOST_WRONG):
        attachments.fetch()
        attachments.due_now()
    assert attachments.row(wrong)["state"] == "refused"
    assert "hash" in attachments.row(wrong)["reason"]


# -- trying again --------------------------------------------------------------------------------------


def test_pauses_grow_and_end(made: Callable[..., Attachments], files: Storage) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = says(500)
    message_id = attachments.add(url(files, "/x"))
    pauses = []
    for _ in range(8):
        attachments.fetch()
        row = attachments.row(message_id)
        pauses.append((row["next_try_at"] - row["last_tried_at"]).total_seconds())
        assert attachments.fetch() == {}
        attachments.due_now()
    assert 5 < pauses[0] < 20
    assert pauses[7] > 900
    assert all(later > earlier for earlier, later in zip(pauses, pauses[2:], strict=False))
    attachments.admin.execute("update jobs.media set first_tried_at = now() - interval '8 days'")
    assert attachments.fetch() == {"failed": 1}
    assert "given up after 7 days" in attachments.row(message_id)["reason"]
    assert attachments.row(message_id)["next_try_at"] is None


def test_a_longer_pause_that_was_asked_for_is_kept(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = says(503, Retry_After="3000")
    message_id = attachments.add(url(files, "/x"))
    attachments.fetch()
    row = attachments.row(message_id)
    assert (row["next_try_at"] - row["last_tried_at"]).total_seconds() >= 2999


def test_an_admin_can_have_it_tried_again(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = in_turn(says(418), gives(PICTURE))
    message_id = attachments.add(url(files, "/x"))
    assert attachments.fetch() == {"failed": 1}
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as heard:
        heard.execute("listen crm_changed")
        assert retry(settings, message_id, "a")
        assert [notice.channel for notice in heard.notifies(timeout=5, stop_after=1)] == [
            "crm_changed"
        ]
    assert attachments.fetch() == {"stored": 1}
    assert not retry(settings, message_id, "a")
    assert not retry(settings, message_id, "other")


def test_the_app_may_ask_for_another_try_and_write_nothing_itself(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = says(418)
    message_id = attachments.add(url(files, "/x"))
    attachments.fetch()
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        key = {"message_id": message_id, "attachment_id": "a"}
        assert app.execute(SQL["retry_media"], key).fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("update jobs.media set state = 'waiting'")
    assert attachments.row(message_id)["state"] == "waiting"


def test_the_page_is_told(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("messenger", files)
    files.paths["/x"] = gives(PICTURE)
    message_id = attachments.add(url(files, "/x"))
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as heard:
        heard.execute("listen crm_media")
        attachments.fetch()
        (notice,) = heard.notifies(timeout=5, stop_after=1)
    told = {"connection": attachments.connection_id, "message": message_id}
    assert json.loads(notice.payload) == told


# -- one does not hold up the other --------------------------------------------------------------------


def test_a_slow_file_does_not_hold_up_the_others(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    released = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        released.wait(60)
        gives(PICTURE)(handler)

    files.paths["/slow"] = slow
    files.paths["/x"] = gives(PICTURE)
    others = [attachments.add(url(files, "/x")) for _ in range(20)]
    attachments.note()
    attachments.add(url(files, "/slow"))
    attachments.note()
    worker = threading.Thread(target=attachments.fetch, kwargs={"budget_seconds": 60.0})
    worker.start()
    deadline = time.monotonic() + 60
    while any(attachments.row(each)["state"] != "stored" for each in others):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert worker.is_alive()
    released.set()
    worker.join(60)


def test_what_came_last_is_fetched_first(
    made: Callable[..., Attachments], files: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "AT_ONCE", 1)
    attachments = made("messenger", files)
    for number in range(5):
        files.paths[f"/{number}"] = gives(b"%d" % number)
        attachments.add(url(files, f"/{number}"))
        attachments.note()
        time.sleep(0.01)
    attachments.fetch()
    assert [path.partition("?")[0] for path, _ in files.requests] == ["/4", "/3", "/2", "/1", "/0"]


def test_the_time_of_a_job_is_bounded(made: Callable[..., Attachments], files: Storage) -> None:
    attachments = made("messenger", files)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        gives(PICTURE)(handler)

    files.paths["/x"] = slow
    for _ in range(200):
        attachments.add(url(files, "/x"))
    attachments.note()
    started = time.monotonic()
    result = fetch(attachments.settings, attachments.connection_id, budget_seconds=0.5)
    assert time.monotonic() - started < 30
    assert result.more
    assert 0 < result.states["stored"] < 200


def test_a_connection_without_a_network_rests(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files, media_hosts="")
    for _ in range(40):
        attachments.add({"kind": "url", "url": "https://x.fbcdn.net/x"})
    client = SafeClient(resolve=lambda host, port: [])
    states = attachments.fetch(client=client)
    assert 5 <= states["waiting"] <= 8
    assert attachments.fetch(client=client) == {}
    assert "not known" in attachments.health()["detail"]["paused_because"]


# -- what a provider counts ----------------------------------------------------------------------------


def test_a_connection_rests_before_meta_blocks_it(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("whatsapp", files)
    files.paths["/v26.0/5"] = says(500)
    files.paths["/v26.0/6"] = gives(
        json.dumps({"url": f"{files.base}/x"}).encode(), "application/json"
    )
    files.paths["/x"] = gives(PICTURE)
    for _ in range(30):
        attachments.add({"kind": "graph_media", "media_id": "5"})
    attachments.fetch()
    assert 10 <= len(files.requests) < 20
    asked = len(files.requests)
    # Neither a new job, nor a new process, nor a new message makes it ask again.
    attachments.add({"kind": "graph_media", "media_id": "6"})
    attachments.due_now()
    assert attachments.fetch() == {}
    assert len(files.requests) == asked
    detail = attachments.health()["detail"]
    left = datetime.fromisoformat(detail["paused_until"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < left < timedelta(minutes=61)
    assert "blocked" in detail["paused_because"]
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        due = loader.execute(SQL["connections_with_due_media"]).fetchall()
    assert due == []
    # An hour later the failures are forgotten.
    older = [at - 3700 for at in detail["failures"]]
    attachments.admin.execute(
        "update jobs.connection_health set detail = detail || %s",
        [json.dumps({"failures": older, "paused_until": datetime.now(UTC).isoformat()})],
    )
    files.paths["/v26.0/5"] = files.paths["/v26.0/6"]
    assert attachments.fetch()["stored"] == 31
    assert attachments.health()["detail"]["paused_until"] is None


def test_files_that_are_gone_count_as_failures(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("whatsapp", files)
    for _ in range(30):
        attachments.add({"kind": "graph_media", "media_id": "7"})
    states = attachments.fetch()
    assert 10 <= states["expired"] < 20
    # Files of more than a week are known to be gone without asking.
    other = made("whatsapp", files)
    before = len(files.requests)
    for _ in range(30):
        other.add({"kind": "graph_media", "media_id": "7"}, age=timedelta(days=8))
    assert other.fetch() == {"expired": 30}
    assert len(files.requests) == before


def test_credentials_that_do_not_work_are_tried_once(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("twilio_sms", files)
    path = f"/2010-04-01/Accounts/AC{'1' * 32}/Messages/MM{'2' * 32}/Media/ME{'3' * 32}"
    files.paths[path] = says(401)
    source = {"kind": "twilio_media", "message_sid": "MM" + "2" * 32, "media_sid": "ME" + "3" * 32}
    for _ in range(20):
        attachments.add(source)
    with pytest.raises(NeedsAdmin, match="auth_token"):
        attachments.fetch()
    assert len(files.requests) <= fetching.AT_ONCE
    health = attachments.health()
    assert "auth_token" in health["error"]
    assert health["detail"]["states"] == {"waiting": 20}
    # A job that was queued meanwhile neither asks nor hides the error.
    assert attachments.fetch() == {}
    assert "auth_token" in attachments.health()["error"]
    attachments.admin.execute("update jobs.connection_health set detail = detail - 'paused_until'")
    attachments.due_now()
    files.paths[path] = gives(PICTURE)
    assert attachments.fetch() == {"stored": 20}
    assert attachments.health()["error"] is None


def test_a_disabled_connection_fetches_nothing(
    made: Callable[..., Attachments], files: Storage, settings: Settings
) -> None:
    attachments = made("messenger", files)
    attachments.add(url(files, "/x"))
    attachments.note()
    connections.set_disabled(attachments.admin, attachments.connection_id, disabled=True)
    with pytest.raises(ProviderFailed, match="not disabled"):
        fetch(settings, attachments.connection_id)
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        assert loader.execute(SQL["connections_with_due_media"]).fetchall() == []
    with pytest.raises(ProviderFailed, match="no connection"):
        fetch(settings, "nobody")


# -- what is new ---------------------------------------------------------------------------------------


def test_only_what_came_lately_is_looked_through_unless_all_is_asked_for(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    attachments.add(url(files, "/x"), age=timedelta(hours=5))
    new = attachments.add(url(files, "/x"), age=timedelta(minutes=5))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    attachments.note(hour_ago)
    attachments.note(hour_ago)
    noted = attachments.admin.execute("select message_id from jobs.media").fetchall()
    assert noted == [(new,)]
    attachments.note()
    assert attachments.admin.execute("select count(*) from jobs.media").fetchone() == (2,)


def test_keys_collate_as_those_of_the_models(admin: Database) -> None:
    """Otherwise no index serves the join, and each page of a timeline reads all that was ever fetched."""
    collations = admin.execute(
        "select column_name, array_agg(distinct coalesce(collation_name, 'default')) from information_schema.columns"
        " where (table_schema, table_name) in (('jobs', 'media'), ('canonical', 'attachments'), ('canonical', 'messages'))"
        " and column_name in ('message_id', 'attachment_id') group by column_name"
    ).fetchall()
    assert all(len(found) == 1 for _, found in collations), collations


def test_what_the_models_have_no_longer_is_forgotten(
    made: Callable[..., Attachments], files: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "AT_ONCE", 2)
    attachments = made("messenger", files)
    files.paths["/x"] = gives(PICTURE)
    kept = attachments.add(url(files, "/x"))
    attachments.note()
    for _ in range(10):
        attachments.add(url(files, "/x"))
    attachments.note()
    attachments.admin.execute("delete from canonical.attachments where message_id <> %s", [kept])
    assert attachments.fetch() == {"stored": 1}
    assert attachments.admin.execute("select message_id, state from jobs.media").fetchall() == [
        (kept, "stored")
    ]


# -- crashes and rivals --------------------------------------------------------------------------------


def _fetch(settings: Settings, connection_id: str) -> None:
    fetch(settings, connection_id)


def test_two_workers_fetch_a_file_once(made: Callable[..., Attachments], files: Storage) -> None:
    attachments = made("messenger", files)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.02)
        gives(os.urandom(1000))(handler)

    for number in range(60):
        files.paths[f"/{number}"] = slow
        attachments.add(url(files, f"/{number}"))
    attachments.note()
    workers = [
        WORKERS.Process(target=_fetch, args=(attachments.settings, attachments.connection_id))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert attachments.fetch() == {}
    paths = [path for path, _ in files.requests]
    assert len(paths) == len(set(paths)) == 60
    assert len(attachments.stored()) == 60


def test_kill_9_loses_nothing_and_doubles_nothing(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    contents = [random.Random(number).randbytes(300_000) for number in range(24)]

    def drip(content: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
        def play(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            for start in range(0, len(content), 50_000):
                handler.wfile.write(content[start : start + 50_000])
                time.sleep(0.03)

        return play

    ids = []
    for number, content in enumerate(contents):
        files.paths[f"/{number}"] = drip(content)
        ids.append(attachments.add(url(files, f"/{number}")))
    attachments.note()
    left_unfinished = 0
    for round_ in range(4):
        worker = WORKERS.Process(
            target=_fetch, args=(attachments.settings, attachments.connection_id)
        )
        before = len(files.requests)
        worker.start()
        deadline = time.monotonic() + 30
        while len(files.requests) < before + 3 + round_ and time.monotonic() < deadline:
            time.sleep(0.01)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        left_unfinished += sum(".incoming" in str(path) for path in attachments.stored())
    assert left_unfinished > 0
    attachments.due_now()
    attachments.fetch()
    assert attachments.health()["detail"]["states"] == {"stored": 24}
    for message_id, content in zip(ids, contents, strict=True):
        assert attachments.row(message_id)["sha256"] == hashlib.sha256(content).hexdigest()
    stored = attachments.stored()
    assert len(stored) == 24
    assert not any(".incoming" in str(path) for path in stored)


def test_one_that_kills_its_process_is_given_up(
    made: Callable[..., Attachments], files: Storage
) -> None:
    attachments = made("messenger", files)
    message_id = attachments.add(url(files, "/x"))
    attachments.note()
    attachments.admin.execute("update jobs.media set attempts = %s", [fetching.MOST_ATTEMPTS])
    assert attachments.fetch() == {"failed": 1}
    assert "too many" in attachments.row(message_id)["reason"]
    assert files.requests == []


def test_what_nobody_foresaw_is_tried_again_and_tells_nothing(
    made: Callable[..., Attachments],
    files: Storage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(errand: Any) -> Any:
        raise KeyError("CANARY")

    monkeypatch.setitem(sources.KINDS, "url", sources.Kind(opened=broken))
    attachments = made("messenger", files)
    message_id = attachments.add(url(files, "/x"))
    assert attachments.fetch() == {"waiting": 1}
    assert attachments.row(message_id)["reason"] == "unexpected KeyError"
    assert "CANARY" not in caplog.text


def test_no_secret_is_written_anywhere(
    made: Callable[..., Attachments], files: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for channel, kind in (("messenger", "url"), ("whatsapp", "graph_media")):
        attachments = made(channel, files)
        told = json.dumps({"url": f"{files.base}/x?signature=CANARY"}).encode()
        files.paths["/v26.0/5"] = gives(told, "application/json")
        for play in (
            says(500, b"CANARY"),
            says(404),
            says(302, Location="https://CANARY.example.org/?CANARY"),
            gives(b"x", Content_Encoding="x"),
        ):
            files.paths["/x"] = play
            attachments.add({**url(files, "/x"), "kind": kind, "media_id": "5"})
            attachments.fetch()
    everything = attachments.admin.execute(
        "select coalesce(string_agg(media::text, ''), '') from jobs.media as media"
    ).fetchone()
    health = attachments.admin.execute(
        "select string_agg(health::text, '') from jobs.connection_health as health"
    ).fetchone()
    # A host is told, and nothing of what follows it.
    told_of = f"{everything}{health}{caplog.text}".replace("CANARY.example.org", "").replace(
        "canary.example.org", ""
    )
    assert "CANARY" not in told_of
    assert "signature" not in told_of
