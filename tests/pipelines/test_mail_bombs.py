"""Mails made to exhaust a reader, among ordinary ones: those show soon, each bomb is named, and none begins for ever.

CRM_BOMB_MAILS=200 CRM_BOMBS=20 python -m pytest tests/pipelines/test_mail_bombs.py      the full number
"""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from mail import reader
from mail.reader import MailReader, TooCostly
from pipelines.culprits import DEATHS
from pipelines.pull import pull
from pipelines.results import Progress
from providers.failures import TryLater
from providers.google import client as gmail_api
from simulator.server import Simulator
from tests.event_loops import apart
from warehouse.settings import Settings
from worker import children

MAILS = int(os.environ.get("CRM_BOMB_MAILS", "40"))
BOMBS = int(os.environ.get("CRM_BOMBS", "4"))
HEAD = b"From: Sam <sam@example.com>\r\nTo: sales@example.org\r\nSubject: Bomb\r\n"


#: Kinds of bombs that are read whole all the same, so that there is nothing to be said of them.
DEFUSED = {0, 4}


def bombs() -> list[bytes]:
    """Each of another kind, of up to some 3 MB; the last kinds exhaust this reader too."""
    markup = HEAD + b"Content-Type: text/html\r\n\r\n"
    parts = HEAD + b'Content-Type: multipart/mixed; boundary="e"\r\n\r\n'
    return [
        HEAD + b"\r\n" + b"- " * 1_000_000,
        markup + b"&" * 1_900_000,
        parts + b"--e\r\n\r\n" * 400_000,
        HEAD + b"Content-Type: text/plain;" + b" a=b;" * 320_000 + b"\r\n\r\nx",
        HEAD
        + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
        + b"\x1b$B-j\x1b(B" * 350_000,
        HEAD + b"\r\n" + b"On 3/08/26 Sam <a@b.example>\r\n" * 100_000,
        markup + b"<p " + b"".join(b'a%d="<" ' % n for n in range(200_000)) + b">x",
    ]


@pytest.fixture
def mailbox(provider: Simulator, connect: Callable[..., str]) -> str:
    return connect("gmail", provider.accounts["gmail"])


def arrive(provider: Simulator, raw: bytes) -> str:
    made = provider.message(
        channel="gmail", sender="sam@example.com", raw_base64=base64.b64encode(raw).decode()
    )
    return str(made["id"])


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("number", range(len(bombs())))
def test_one_mail_has_its_limits(number: int) -> None:
    raw = bombs()[number]
    with MailReader() as reader:
        started = time.process_time()
        columns = reader.columns(raw)
        # What the parent spends; the child's share is cut off by the system.
        assert time.process_time() - started < 3
        assert columns["envelope"].get("subject") in ("Bomb", None)
        assert columns["body_text"] is None or len(columns["body_text"]) <= 2_000_000
        # A viewer who asks for a part of it has the same limits.
        with contextlib.suppress(TooCostly):
            reader.part(raw, "0")
        after = reader.columns(HEAD + b"\r\nan ordinary one")
    assert after["body_text"] == "an ordinary one"


@pytest.mark.usefixtures("programs")
def test_a_mail_that_kills_the_reader_is_read_with_less_and_says_so() -> None:
    raw = HEAD + b"\r\n" + b"hello \xe9\r\n" * 200_000
    with MailReader(cpu_seconds=0.02) as reader:
        columns = reader.columns(raw)
    assert any("more than its share" in note for note in columns["parse_notes"])
    coded = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD\r\n" * 3_000_000
    with MailReader(cpu_seconds=0.02) as reader, pytest.raises(TooCostly):
        reader.part(coded, "")
    with MailReader(memory_bytes=80_000_000) as reader:
        columns = reader.columns(HEAD + b"\r\n" + b"hello world\r\n" * 2_600_000)
    assert any("more than its share" in note for note in columns["parse_notes"])


def test_ordinary_mails_show_before_the_bombs_are_read(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    mailbox: str,
    fold_now: Callable[[], int],
) -> None:
    pull(settings, mailbox)
    fold_now()
    kinds = bombs()
    every = MAILS // BOMBS
    told = [
        arrive(provider, kinds[number // every % len(kinds)])
        if number % every == 0
        else arrive(provider, HEAD.replace(b"Bomb", b"Ordinary") + b"\r\nwords %d" % number)
        for number in range(MAILS)
    ]
    started = time.monotonic()
    seconds: list[float] = []

    def look(_: Progress) -> None:
        """As the resident fold does it: what a step of the pull landed is folded at once."""
        fold_now()
        (count,) = admin.execute(
            "select count(*) from marts.messages where subject = 'Ordinary'"
        ).fetchone() or (0,)
        if count == MAILS - len(range(0, MAILS, every)):
            seconds.append(time.monotonic() - started)

    pull(settings, mailbox, progress=look)
    print(f"ordinary mails after {seconds[:1]} s, all after {time.monotonic() - started:.1f} s")
    assert seconds
    assert seconds[0] < 60
    fold_now()
    shown = dict(
        admin.execute(
            "select provider_message_id, provider_metadata -> 'parse_notes' from marts.messages"
            " where provider_message_id = any(%s)",
            [told],
        )
    )
    assert set(shown) == set(told)
    for number in range(0, MAILS, every):
        kind = number // every % len(kinds)
        notes = shown[told[number]]
        print(f"bomb of kind {kind}: {notes}")
        assert bool(notes) is (kind not in DEFUSED)


def _dies_over_a_killer(settings: Settings, mailbox: str) -> dict[str, int]:
    """A pull whose process ends without a word over one mail."""
    quickly = MailReader.quickly

    def deadly(self: MailReader, raw: bytes) -> Any:
        if b"killer" in raw:
            os._exit(9)
        return quickly(self, raw)

    reader.MailReader.quickly = deadly  # type: ignore[method-assign]
    return pull(settings, mailbox).rows


def test_what_kills_a_pull_is_found_and_set_aside(
    settings: Settings,
    admin: psycopg.Connection[Any],
    provider: Simulator,
    mailbox: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gmail_api, "FIRST_BATCH_SIZE", 10)
    pull(settings, mailbox)
    sound = [arrive(provider, HEAD + b"\r\nbefore %d" % number) for number in range(3)]
    killer = arrive(provider, HEAD + b"\r\nkiller")
    sound += [arrive(provider, HEAD + b"\r\nafter %d" % number) for number in range(3)]
    for _ in range(1 + DEATHS):
        with pytest.raises(TryLater, match="died"):
            apart(lambda: children.run(_dies_over_a_killer, settings, mailbox))
    rows = apart(lambda: children.run(_dies_over_a_killer, settings, mailbox))
    assert rows["changes"] > 0
    held = {
        identity
        for (identity,) in admin.execute(
            "select id from raw_gmail.messages where id = any(%s)", [[*sound, killer]]
        )
    }
    assert held == set(sound)
    assert admin.execute(
        "select id from raw_gmail.changes where change = 'set aside'"
    ).fetchall() == [(killer,)]
    assert apart(lambda: children.run(_dies_over_a_killer, settings, mailbox))["messages"] == 0
