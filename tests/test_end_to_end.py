"""The main job as its user does it: `./crm up`, a connection by command, a signed POST, the page in Chromium.

Everything is the product's own program in its own process; the POST is signed by Twilio's public rule,
written here once more, and the provider that histories are pulled from is the simulator. The installation stands
on a small disk and in an odd time zone of its own, and is struck at the end (benchmarks/faults.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser

from benchmarks import faults
from benchmarks.grounds import Grounds, grounds
from operations.runtime.ports import free_port
from simulator import server as simulator
from tests.long_form import LONG
from tests.privacy.residue import PG_DUMP
from warehouse.settings import Role, Settings

PASSWORD = "an invented long password"
CUSTOMERS = "name,phone,email\nSam Citizen,0491 570 156,sam.citizen@example.com\n"


@dataclass
class Installation:
    """A running `./crm up` on a data folder of its own, and a provider beside it."""

    data_dir: Path
    base: int
    provider: simulator.Simulator
    connection: dict[str, str]
    on: Grounds

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.base + 1}"

    def crm(self, *arguments: str, stdin: str = "", status: int = 0) -> Any:
        return crm(self.data_dir, *arguments, stdin=stdin, status=status)

    @cached_property
    def client(self) -> httpx.Client:
        """For whoever sends much: each client of its own reads all authorities anew."""
        return httpx.Client(timeout=20, verify=False)

    @cached_property
    def analyst_url(self) -> str:
        return str(self.crm("database-url", "--role", "analyst", "--json")["url"])

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.analyst_url) as database:
            return database.execute(statement, parameters or None).fetchall()  # type: ignore[arg-type]


def crm(data_dir: Path, *arguments: str, stdin: str = "", status: int = 0, **more: str) -> Any:
    """`./crm … --json`: the parsed document. `more`: of the environment."""
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "operations",
            *arguments,
            "--data-dir",
            str(data_dir),
            "--json",
        ],
        env=faults.environment() | more,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder, base = tmp_path_factory.mktemp("installation"), free_port()
    with (
        grounds(folder) as on,
        simulator.start(port=0, seed=11, messages=120, state_dir=folder / "simulator") as provider,
    ):
        data_dir = on.data_dir
        try:
            crm(data_dir, "up", "--until-ready", "--port-base", str(base), **on.environment)
            account = provider.accounts["twilio_sms"]
            keys = [
                f"--set={name}={account[name]}"
                for name in ("account_sid", "auth_token", "api_base")
            ]
            connection = crm(data_dir, "connection", "add", "twilio_sms", "--name", "Shop", *keys)
            crm(
                data_dir,
                "user",
                "add",
                "kim",
                "--email",
                "kim@example.com",
                "--role",
                "agent",
                "--password-stdin",
                stdin=PASSWORD,
            )
            (folder / "customers.csv").write_text(CUSTOMERS)
            crm(data_dir, "customer", "import", str(folder / "customers.csv"))
            yield Installation(data_dir, base, provider, connection, on)
        finally:
            crm(data_dir, "down")


def signed(installation: Installation, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A form POST by Twilio's public rule: URL, then names and values by name, HMAC-SHA1, base64."""
    token = installation.provider.accounts["twilio_sms"]["auth_token"]
    text = installation.connection["webhook_url"] + "".join(
        name + fields[name] for name in sorted(fields)
    )
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return urlencode(fields).encode(), {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }


def form(
    installation: Installation, sid: str, sender: str, recipient: str, body: str
) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "AccountSid": installation.provider.accounts["twilio_sms"]["account_sid"],
        "From": sender,
        "To": recipient,
        "Body": body,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCity": "",
    }


def test_a_signed_post_is_on_the_page_and_stays_one_row(
    installation: Installation, browser: Browser
) -> None:
    ours = installation.provider.accounts["twilio_sms"]["numbers"].split(",")[0].strip()
    body = "Can I pick it up at noon? 🚲 <b>مرحبا</b>"
    # Without pulls for a while, so that the webhook alone shows what it can do.
    installation.crm("connection", "disable", installation.connection["connection_id"])
    made = installation.provider.message(
        channel="twilio_sms", sender="+61491570156", to=ours, body=body, silent=True
    )
    fields = form(installation, made["sid"], "+61491570156", ours, body)
    content, headers = signed(installation, fields)
    url = installation.connection["webhook_url"]

    page = browser.new_page()
    page.goto(installation.app_url)
    page.get_by_label("User name").fill("kim")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_label("Password").first.press("Enter")
    customer = page.get_by_role("link", name="Open Sam Citizen").first
    customer.wait_for(timeout=30_000)
    customer_id = installation.query("select customer_id from marts.customers")[0][0]
    page.goto(f"{installation.app_url}/timeline?customer={customer_id}")
    page.get_by_text("No messages yet").wait_for(timeout=30_000)

    assert installation.client.post(url, content=content, headers=headers).status_code == 200
    page.get_by_text("Can I pick it up at noon? 🚲 <b>مرحبا</b>").wait_for(timeout=30_000)
    page.close()

    row = installation.query(
        "select message_id, channel, connection_id, direction, from_address, to_addresses, counterpart_identity,"
        " customer_id, thread_key, kind, subject, body, attachments, status, reactions, revision, is_deleted,"
        " in_reply_to, seen_via, provider_message_id, sent_at = received_at, jsonb_array_length(raw_refs)"
        " from marts.messages where provider_message_id = %s",
        made["sid"],
    )
    assert row == [
        (
            f"twilio_sms|{made['sid']}", "twilio_sms", installation.connection["connection_id"], "inbound",
            "+61491570156", [ours], "phone:+61491570156", customer_id, f"{ours}|+61491570156", "text", None, body, [],
            "received", [], 0, False, None, ["webhook"], made["sid"], True, 1,
        )
    ]  # fmt: skip

    # Whatever zone the machine believes to be in.
    ((received_at,),) = installation.query(
        "select received_at from marts.messages where provider_message_id = %s", made["sid"]
    )
    assert abs(datetime.now(UTC) - received_at) < timedelta(minutes=2)

    with ThreadPoolExecutor(25) as pool:
        answers = list(
            pool.map(
                lambda _: (
                    installation.client.post(url, content=content, headers=headers).status_code
                ),
                range(100),
            )
        )
    assert answers == [200] * 100
    installation.crm("connection", "enable", installation.connection["connection_id"])
    installation.crm("backfill", installation.connection["connection_id"])
    installation.crm("refresh")
    assert installation.query(
        "select count(*), max(seen_via), min(body), bool_and(sent_at < received_at) from marts.messages where provider_message_id = %s",
        made["sid"],
    ) == [(1, ["history", "webhook"], body, True)]


@pytest.mark.timeout(900)
def test_a_rebuild_gives_the_same_after_a_random_mix(installation: Installation) -> None:
    choose = random.Random(5)
    numbers = installation.provider.accounts["twilio_sms"]["numbers"].split(",")
    account = installation.provider.accounts["twilio_sms"]["account_sid"]
    posts: list[dict[str, str]] = []
    for number in range(120):
        sid = f"SM{number:032x}"
        if choose.random() < 0.5:
            posts.append(form(installation, sid, "+61491570157", numbers[0], f"message {number}"))
        else:
            made = installation.provider.message(
                channel="twilio_sms",
                direction="outbound",
                person="+61491570006",
                body=f"reply {number}",
                silent=True,
            )
            posts += [
                {
                    "MessageSid": made["sid"],
                    "AccountSid": account,
                    "From": numbers[0],
                    "To": "+61491570006",
                    "MessageStatus": word,
                }
                for word in choose.sample(["queued", "sent", "delivered", "read", "failed"], 3)
            ]
    posts += choose.choices(posts, k=100)
    choose.shuffle(posts)

    def post(fields: dict[str, str]) -> int:
        content, headers = signed(installation, fields)
        return installation.client.post(
            installation.connection["webhook_url"], content=content, headers=headers
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        half = len(posts) // 2
        assert all(status in (200, 204) for status in pool.map(post, posts[:half]))
        installation.crm("backfill", installation.connection["connection_id"])
        assert all(status in (200, 204) for status in pool.map(post, posts[half:]))
    installation.crm("backfill", installation.connection["connection_id"], "--since", "2020-01-01")
    rebuilt = installation.crm("rebuild")
    assert rebuilt["before"] == rebuilt["after"]
    assert rebuilt["rows"] > 150
    outcomes = dict(installation.query("select outcome, count(*) from marts.outcomes group by 1"))
    assert outcomes["status"] > 100
    assert "quarantined" not in outcomes


def test_what_ran_is_on_record_and_sealed(
    installation: Installation,
) -> None:
    """Behind all the others: what they did, found by those who answer for it, and nowhere else."""
    asked = installation.crm("events", "--user", "sql:crm_analyst")["events"]
    # The first of these tests asked for it, a minute ago and more.
    assert "select customer_id from marts.customers" in {each["detail"]["statement"] for each in asked}  # fmt: skip
    seen = installation.crm("events", "--user", "kim")["events"]
    assert {"sign_in.succeed", "timeline.view"} <= {each["action"] for each in seen}
    installation.crm("audit", "seal")
    verified = installation.crm("audit", "verify")
    # The worker has sealed, too, and keeps the heads in the same file.
    assert verified["whole"]
    assert verified["events"] > 20
    assert verified["heads"] == verified["seals"] > 1


def test_no_secret_lies_in_the_database_and_no_word_of_people_in_a_log(
    installation: Installation,
) -> None:
    """Behind all the others: the whole database as text and every file beside it, searched for what was sent, typed and
    pasted on the way."""
    account = installation.provider.accounts["twilio_sms"]
    url = installation.crm("database-url", "--role", "admin")["url"]
    settings = Settings(data_dir=installation.data_dir, _env_file=None)  # type: ignore[call-arg]
    secrets = {
        "secret of a connection": account["auth_token"],
        "password": PASSWORD,
        "master key": (installation.data_dir / "master.key").read_text().strip(),
        "verify token": installation.connection["verify_token"],
        **{f"password of {role.value}": settings.role_password(role) for role in Role},
    }
    people = {
        "body": "Can I pick it up at noon",
        "phone": "491570156",
        "mail": "sam.citizen@example.com",
        "name": "Sam Citizen",
    }
    dumped = subprocess.run([PG_DUMP, url], capture_output=True, text=True, check=True).stdout
    # What is looked for is there: this finds what it should.
    assert people["body"] in dumped
    assert people["name"] in dumped
    assert [what for what, canary in secrets.items() if canary in dumped] == []
    folders = [installation.data_dir / name for name in ("logs", "dlt", "dbt", "validation", "audit", "run")]  # fmt: skip
    files = [file for folder in folders if folder.exists() for file in folder.rglob("*") if file.is_file()]  # fmt: skip
    assert len(files) > 5
    for file in files:
        text = file.read_text(errors="replace")
        for what, canary in (secrets | people).items():
            assert canary not in text, f"{file} has the {what}"
    with psycopg.connect(url) as owner:
        for table in ("procrastinate_jobs", "procrastinate_events", "connection_health"):
            ((rows,),) = owner.execute(
                f"select coalesce(string_agg({table}::text, ' '), '') from jobs.{table}"  # type: ignore[arg-type]
            ).fetchall()
            for what, canary in (secrets | people).items():
                assert canary not in rows, f"jobs.{table} has the {what}"


@pytest.mark.timeout(900 if not LONG else 3600)
def test_whatever_it_is_struck_with_nothing_acknowledged_is_lost_or_doubled(
    installation: Installation,
) -> None:
    """Last in this file: one fault of each family, at random moments. The other kinds, and 300 rounds: `./crm bench faults`."""
    account = installation.provider.accounts["twilio_sms"]
    # Nothing is pulled: what is shown came by webhook.
    installation.crm("connection", "disable", installation.connection["connection_id"])
    door = faults.Door(
        installation.connection["webhook_url"], account["account_sid"], account["auth_token"]
    )
    struck = faults.Struck(installation.on, installation.base, door)
    rounds = len({kind.family for kind in faults.KINDS}) * (10 if LONG else 1)
    # A tenth of the benchmark's load: each delivery costs a fold, and it is their fate that counts here, not their number.
    pause = faults.LANE_PAUSE_SECONDS * (1 if LONG else 10)
    outcome = faults.play(struck, rounds, pause_seconds=pause)
    assert outcome.failure is None
    assert (outcome.lost, set(outcome.doubled.values())) == ({}, {0})
    assert (outcome.landed_twice, outcome.disagreed) == (0, 0)
    assert outcome.acknowledged > 100
    # Not all that is sent is answered at once: the faults were felt.
    assert outcome.sent_again > 0
    assert installation.on.missing.keys() <= {"disk full", "clock set"}
    played = {kind.family for kind in faults.KINDS if kind.name in outcome.back}
    assert played == {kind.family for kind in faults.KINDS} - installation.on.missing.keys()
    assert (
        max(seconds for times in outcome.back.values() for seconds in times) < faults.GOAL_SECONDS
    )
