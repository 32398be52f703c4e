"""Each cause of trouble that an office meets: on a live warehouse it is named with its remedy, and gone when it is mended."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest

from app import health
from providers import clock
from providers.health import Health
from tests.app.conftest import Correspondence
from warehouse.health import Finding, judge
from warehouse.settings import Role
from worker.outside import Outside, look_at_clock

Usage = namedtuple("Usage", "total used free")


@dataclass
class House:
    """An office where all is well, and what can be broken in it."""

    correspondence: Correspondence
    monkeypatch: pytest.MonkeyPatch

    @property
    def sms(self) -> str:
        return self.correspondence.sms_connection

    @property
    def mail(self) -> str:
        return self.correspondence.mail_connection

    def run(self, statement: str, *parameters: Any) -> None:
        self.correspondence.execute(statement, parameters)

    def job(self, connection: str, job: str, detail: dict[str, Any] | None = None) -> None:
        """As the worker notes that a job of a connection went well."""
        with psycopg.connect(
            self.correspondence.settings.url_for(Role.LOADER), autocommit=True
        ) as loader:
            record = Health(loader, connection, job)
            with record.recorded():
                record.detail = detail or {}

    def delivery(self, **fields: str) -> None:
        told = {
            "MessageSid": "SM" + "9" * 32,
            "From": "+61491570006",
            "Body": "hello",
            "NumMedia": "0",
        }
        account = {"AccountSid": "AC" + "5" * 32, "To": "+61255501000", "SmsStatus": "received"}
        self.correspondence.land("twilio_sms", self.sms, fields or {**told, **account})

    def learn_anew(self) -> None:
        """As each process does every ten minutes."""
        self.monkeypatch.setattr(health, "_watches", [])

    def found(self) -> list[Finding]:
        # A process learns what is usual now and then, and reads the rest anew.
        return judge(health.report(at_most_old=0).facts)


@pytest.fixture
def house(correspondence: Correspondence, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(correspondence, monkeypatch)
    monkeypatch.setattr(health, "_newest", (None, 0.0))
    made.learn_anew()
    monkeypatch.setattr(clock, "_ahead", None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * 1024**3, 0, 50 * 1024**3))
    made.run("insert into jobs.procrastinate_workers default values")
    for connection in (made.sms, made.mail):
        made.job(connection, "pull")
    made.delivery()
    assert made.found() == []
    return made


Mend = Callable[[], object]


def wrong_secret(house: House) -> Mend:
    house.run(
        "insert into raw.refusals (refused_at, connection_id, channel, reason, headers, body_start, body_bytes)"
        " values (now(), %s, 'twilio_sms', 'signature', '{}', '', 0)",
        house.sms,
    )
    return house.delivery


def provider_stopped_calling(house: House) -> Mend:
    house.run("update raw.webhook_deliveries set received_at = received_at - interval '50 minutes'")
    for minutes in (40, 30, 20):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        house.correspondence.sms("+61491570006", "by history alone", at)
    return house.delivery


def token_expired(house: House) -> Mend:
    house.job(
        house.sms, "token", {"expires_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    )
    return lambda: house.job(
        house.sms, "token", {"expires_at": (datetime.now(UTC) + timedelta(days=60)).isoformat()}
    )


def token_ends_soon(house: House) -> Mend:
    house.job(
        house.sms, "token", {"expires_at": (datetime.now(UTC) + timedelta(days=6.9)).isoformat()}
    )
    return lambda: house.job(
        house.sms, "token", {"expires_at": (datetime.now(UTC) + timedelta(days=60)).isoformat()}
    )


def watch_lapsed(house: House) -> Mend:
    def until(days: float) -> None:
        ends = datetime.now(UTC) + timedelta(days=days)
        house.job(house.mail, "watch", {"expires_ms": str(int(ends.timestamp() * 1000))})

    until(-0.01)
    return lambda: until(7)


def fold_fails(house: House) -> Mend:
    house.run(
        "insert into canonical.folds (started_at, finished_at, error) values (now(), now(), 'messages: broken')"
    )
    return lambda: house.run(
        "insert into canonical.folds (started_at, finished_at) values (clock_timestamp(), clock_timestamp())"
    )


def poisoned_delivery(house: House) -> Mend:
    house.delivery(Nonsense="1")
    return lambda: house.run(
        "insert into crm.ignored_kinds (kind_id, decision_id, channel, reason, ignored_by)"
        " select distinct on (channel, reason) raw_ref, 'd', channel, reason, 'admin' from marts.quarantine"
    )


def worker_stopped(house: House) -> Mend:
    house.run(
        "update jobs.procrastinate_workers set last_heartbeat = now() - interval '31 seconds'"
    )
    return lambda: house.run("update jobs.procrastinate_workers set last_heartbeat = now()")


def media_refused(house: House) -> Mend:
    media = [{"sid": "ME" + "1" * 32, "content_type": "image/png"}]
    house.correspondence.sms("+61491570006", "a picture", datetime.now(UTC), media=media)
    house.run(
        "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, reason)"
        " select message_id, attachment_id, channel, connection_id, 'refused', 'it is no picture' from canonical.attachments"
        " on conflict (message_id, attachment_id) do update set state = 'refused'"
    )
    return lambda: house.run("select crm.retry_media(message_id, attachment_id) from jobs.media")


def disk_full(house: House) -> Mend:
    def free(size: int) -> None:
        house.monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * 1024**3, 0, size))

    free(100 * 1024**2)
    return lambda: free(50 * 1024**3)


def disk_fills(house: House) -> Mend:
    """As it was noted day by day, where the server is ours: by 3 GiB a day."""
    settings = house.correspondence.settings
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.embedded_url_file.write_text(settings.admin_url + "\n")
    house.run(
        "insert into jobs.sizes (noted_on, database_bytes, disk_used)"
        " select current_date - n, 1, (50 - 3 * n) * 1024::bigint ^ 3 from generate_series(0, 10) as n"
    )
    house.learn_anew()

    def mended() -> None:
        house.run("update jobs.sizes set disk_used = 50 * 1024::bigint ^ 3")
        house.learn_anew()

    return mended


def clock_off(house: House) -> Mend:
    """As each provider says that is asked, and no pull is needed for it."""
    settings = house.correspondence.settings

    def look(*behind: timedelta) -> str | None:
        """Where this is what providers' clocks are behind ours, each at an address of its own."""
        with contextlib.ExitStack() as playing:
            ports = [playing.enter_context(receiver(behind=each)) for each in behind]
            for connection, port in zip((house.sms, house.mail), ports, strict=True):
                house.run(
                    "update crm.connections set settings = settings || jsonb_build_object('api_base', %s::text)"
                    " where connection_id = %s",
                    f"http://127.0.0.1:{port}",
                    connection,
                )
            return look_at_clock(settings)

    late, right = timedelta(minutes=5), timedelta(0)
    assert look(right, right) == ""
    # The clock that is wrong is one of theirs.
    assert look(late, right) == ""
    assert house.found() == []
    assert look(late, late)
    # Nobody answers any more: it stays as it was found last.
    assert look_at_clock(settings) is None
    return lambda: look(right, right)


def reconciliation_gap(house: House) -> Mend:
    house.job(house.sms, "reconcile", {"missing": 3, "brought_in": 3})
    return lambda: house.job(house.sms, "reconcile", {"missing": 0})


class Alive(BaseHTTPRequestHandler):
    """Answers as our receiver does, and says what time it is there."""

    behind = timedelta(0)

    def do_HEAD(self) -> None:
        # As providers answer at their root.
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(datetime.now(UTC) - self.behind, usegmt=True)

    def do_GET(self) -> None:
        content = b'{"status": "alive"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiver(port: int = 0, behind: timedelta = timedelta(0)) -> Iterator[int]:
    handler = type("Handler", (Alive,), {"behind": behind})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def address_unreachable(house: House) -> Mend:
    with receiver() as port:
        given = {
            "public_url": f"http://127.0.0.1:{port}",
            "provider_addresses": ["http://127.0.0.1:1"],
        }
        looking = Outside(house.correspondence.settings.model_copy(update=given))
        assert looking.look() == ""
    looking.look()
    assert house.found() == [], "one call that is lost is nothing"
    looking.look()

    def mended() -> None:
        with receiver(port):
            assert looking.look() == ""

    return mended


#: What breaks, how it is called, how grave it is, and words of cause and remedy.
CAUSES: list[tuple[Callable[[House], Mend], str, str, tuple[str, str]]] = [
    (wrong_secret, "refused", "bad", ("not signed with our secret", "Paste the present secret")),
    (provider_stopped_calling, "not_pushed", "bad", ("Its webhook brings nothing", "Register our webhook")),
    (token_expired, "token_expired", "bad", ("The token has expired", "Change keys")),
    (token_ends_soon, "token_ends", "warn", ("The token ends in 6 days", "Change keys")),
    (watch_lapsed, "watch_lapsed", "bad", ("The watch has lapsed", "Register our webhook")),
    (fold_fails, "fold_fails", "bad", ("The last fold failed", "see the log of the fold")),
    (poisoned_delivery, "quarantined", "warn", ("1 event in quarantine", "Open Quarantine")),
    (worker_stopped, "worker", "bad", ("No worker has been seen", "Start it")),
    (media_refused, "media", "warn", ("1 file could not be fetched", "Try again")),
    (disk_full, "disk", "bad", ("left on the disk", "Make room")),
    (disk_fills, "disk_fills", "warn", ("The disk is full in about 2 weeks", "Give it a larger disk")),
    (clock_off, "clock", "bad", ("5 minutes ahead of the provider's", "NTP")),
    (reconciliation_gap, "gap", "warn", ("3 messages came by no webhook", "Ask the provider")),
    (address_unreachable, "address", "bad", ("Providers cannot call us", "that the proxy leads to it")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("breaks", "what", "kind", "words"), CAUSES, ids=[each[0].__name__ for each in CAUSES]
)
def test_a_cause_is_named_with_its_remedy_and_gone_when_mended(
    house: House,
    breaks: Callable[[House], Mend],
    what: str,
    kind: str,
    words: tuple[str, str],
) -> None:
    mend = breaks(house)
    (found,) = house.found()
    assert (found.what, found.kind) == (what, kind)
    for each in words:
        assert each in found.sentence, found.sentence
    mend()
    assert house.found() == []
