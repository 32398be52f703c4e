"""From a customer's phone to the media store, with every program running: receiver, fold, worker, and the
simulated providers, whose storage does what providers' storages do."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from media.fetch import retry
from media.store import MediaStore
from operations.runtime.ports import free_port
from simulator.server import Simulator
from tests.forked import Forked
from tests.pipelines.programs import has_started, start, wait_until
from warehouse import connections
from warehouse.settings import Settings

Database = psycopg.Connection[Any]
#: Somebody on each chat.
SENDERS = {
    "whatsapp": "+61491570156",
    "instagram": "1254938275682919",
    "messenger": "6178429053001234",
}
CHATS = tuple(SENDERS)


@dataclass
class Running:
    """Every program, and what they made of attachments."""

    settings: Settings
    admin: Database
    provider: Simulator
    log: Path
    ids: dict[str, str]
    worker: Forked

    def attachments(self) -> list[dict[str, Any]]:
        """Those of messages that came as webhooks; histories have some as well."""
        with self.admin.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                "select listed.channel, listed.provider_message_id, listed.message_id, listed.attachment_id, listed.content_type,"
                " media.state, media.reason, media.sha256, media.sniffed_type, media.is_inline, media.attempts"
                " from canonical.attachments as listed left join jobs.media as media using (message_id, attachment_id)"
                " inner join canonical.messages as messages using (message_id)"
                " where 'webhook' = any(messages.seen_via) and listed.source is not null and listed.source ->> 'kind' <> 'mail_part'"
            ).fetchall()

    def are_over(self, count: int) -> bool:
        found = self.attachments()
        return len(found) >= count and all(each["state"] not in (None, "waiting") for each in found)

    def retry_at_once(self) -> None:
        self.admin.execute("update jobs.media set next_try_at = now() where state = 'waiting'")
        self.admin.execute(
            "select pg_notify('crm_changed', '{\"many\": true, \"attachments\": true}')"
        )

    def is_over_at_once(self, count: int) -> bool:
        """`are_over`, without the pauses between attempts."""
        if self.are_over(count):
            return True
        self.admin.execute("update jobs.connection_health set detail = detail - 'paused_until'")
        self.retry_at_once()
        time.sleep(1)
        return False

    def start_worker(self) -> None:
        self.log.write_text("")
        self.worker = start(self.settings, ["-m", "worker"], self.log)
        wait_until(lambda: has_started(self.log), 60, "the worker's start")


@pytest.fixture
def run(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("CRM_PUBLIC_URL", base)
    ids = {}
    for channel in ("twilio_sms", "twilio_voice", *CHATS):
        made = connections.add(
            admin, settings, channel=channel, name="", values=provider.accounts[channel], actor="test"
        )  # fmt: skip
        ids[channel] = made.connection_id
    log = tmp_path / "programs.log"
    with ExitStack() as ending:

        def program(arguments: list[str], output: Path) -> Forked:
            process = start(settings, arguments, output)
            ending.callback(process.wait)
            ending.callback(process.kill)
            return process

        program(["-m", "webhooks", "--port", str(port)], log)
        program(["-m", "transform"], log)
        running = Running(
            settings, admin, provider, tmp_path / "worker.log", ids,
            program(["-m", "worker"], tmp_path / "worker.log"),
        )  # fmt: skip
        ending.callback(lambda: running.worker.kill())
        wait_until(
            lambda: _answers(f"http://127.0.0.1:{port + 3}/readyz"), 30, "the receiver's start"
        )
        wait_until(lambda: "folding" in log.read_text(), 60, "the start of the fold")
        for channel, connection_id in ids.items():
            connection = connections.find(admin, settings, connection_id)
            assert connection is not None
            provider.point(
                channel,
                base + connections.webhook_path(connection),
                connection.required("verify_token"),
            )
        yield running


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def test_every_file_that_arrives_is_stored(run: Running) -> None:
    provider = run.provider
    provider.message(channel="twilio_sms", sender="+61491570006", attachments=["photo", "png"])
    for channel in CHATS:
        provider.message(channel=channel, sender=SENDERS[channel], attachments=["photo"])
        provider.message(channel=channel, sender=SENDERS[channel], attachments=["voice"])
    provider.call(outcome="voicemail", seconds=9, sender="+61491570006")
    started = time.monotonic()
    wait_until(lambda: run.are_over(9), 60, "the end of every fetch")
    assert time.monotonic() - started < 30
    found = run.attachments()
    assert {(each["state"], each["reason"]) for each in found} == {("stored", None)}
    assert {each["channel"] for each in found} == set(run.ids)
    assert all(each["is_inline"] for each in found)
    assert {each["sniffed_type"] for each in found} == {"image/jpeg", "image/png", "audio/mpeg"}
    # Byte for byte what the providers hold.
    told = {sha256 for message in provider.truth(hashes=True) for sha256 in _hashes(message)}
    stored = {each["sha256"] for each in found if each["channel"] != "twilio_voice"}
    assert stored <= told
    store = MediaStore(run.settings.media_root)
    assert all(store.read(each["sha256"]) for each in found)
    # No token ever stood in a URL, and no log holds an address.
    assert provider.state()["meta"]["tokens_in_urls"] == 0
    logged = run.log.read_text() + (run.log.parent / "programs.log").read_text()
    assert "/cdn/" not in logged
    assert "hash=" not in logged


def _hashes(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "sha256":
                yield str(inner)
            yield from _hashes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _hashes(inner)


def test_traps_and_dead_addresses_end_in_words(run: Running) -> None:
    provider = run.provider
    run.worker.send_signal(signal.SIGSTOP)
    made = {}
    for channel in CHATS:
        for trap in ("redirect", {"bomb": 150_000_000}):
            provider.message(channel=channel, sender=SENDERS[channel], attachments=[trap])
        made[channel] = provider.message(
            channel=channel, sender=SENDERS[channel], attachments=["photo"]
        )
    # What was told before is gone by the time that somebody asks.
    provider.faults(expire_media=True)
    run.worker.send_signal(signal.SIGCONT)
    wait_until(lambda: len(run.attachments()) == 9, 60, "nine attachments")
    wait_until(
        lambda: all(each["reason"] or each["sha256"] for each in run.attachments()),
        60,
        "the end of an attempt at each",
    )
    by_state: dict[str, int] = {}
    for each in run.attachments():
        by_state[each["state"]] = by_state.get(each["state"], 0) + 1
    # Messenger and Instagram are asked for fresh addresses; WhatsApp's ids are as good as never known.
    assert by_state["refused"] == 4
    reasons = {each["reason"] for each in run.attachments() if each["state"] == "refused"}
    assert any("169.254.169.254 is not among" in reason for reason in reasons)
    assert any("larger than 100 MB" in reason for reason in reasons)
    fresh = [each for each in run.attachments() if each["state"] == "stored"]
    assert {each["channel"] for each in fresh} == {"instagram", "messenger"}
    late = [each for each in run.attachments() if each["state"] == "waiting"]
    assert {each["channel"] for each in late} == {"whatsapp"}
    run.admin.execute(
        "update jobs.media set first_tried_at = now() - interval '8 days' where state = 'waiting'"
    )
    wait_until(lambda: run.is_over_at_once(9), 60, "the end of every fetch")
    assert retry(run.settings, late[0]["message_id"], late[0]["attachment_id"])


def test_a_broken_provider_delays_no_other(run: Running) -> None:
    provider = run.provider
    broken = free_port()
    run.admin.execute(
        "update crm.connections set settings = settings || jsonb_build_object('api_base', %s::text) where connection_id = %s",
        [f"http://127.0.0.1:{broken}", run.ids["whatsapp"]],
    )
    for _ in range(6):
        provider.message(channel="whatsapp", sender=SENDERS["whatsapp"], attachments=["photo"])
    provider.message(channel="messenger", sender=SENDERS["messenger"], attachments=["photo"])
    started = time.monotonic()
    wait_until(
        lambda: any(each["state"] == "stored" for each in run.attachments()), 30, "the other's file"
    )
    assert time.monotonic() - started < 20
    late = [each for each in run.attachments() if each["channel"] == "whatsapp"]
    assert all(each["state"] in (None, "waiting") for each in late)
    # The provider answers again: nothing is lost.
    run.admin.execute(
        "update crm.connections set settings = settings || jsonb_build_object('api_base', %s::text) where connection_id = %s",
        [provider.accounts["whatsapp"]["api_base"], run.ids["whatsapp"]],
    )
    wait_until(lambda: run.is_over_at_once(7), 60, "the files of the provider that was away")


def test_a_killed_worker_s_files_are_fetched_by_the_next(run: Running) -> None:
    for _ in range(5):
        run.provider.message(
            channel="messenger", sender=SENDERS["messenger"], attachments=["photo", "film", "voice"]
        )  # fmt: skip
    wait_until(lambda: len(run.attachments()) > 3, 60, "the first attachments")
    run.worker.kill()
    run.worker.wait()
    run.start_worker()
    wait_until(lambda: run.are_over(15), 60, "the end of every fetch")
    found = run.attachments()
    assert len(found) == 15
    assert {each["state"] for each in found} == {"stored"}
