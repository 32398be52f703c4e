"""What the history holds, and that it is the same again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from simulator import server
from simulator.channels import CHANNELS
from simulator.store import files
from simulator.store.records import File, segments
from simulator.world import history, people

from .conftest import ANCHOR


@pytest.fixture(scope="module")
def cast() -> list[people.Person]:
    return people.cast(7, 2000)


@pytest.fixture(scope="module")
def written(cast: list[people.Person]) -> history.History:
    return history.write(7, 2000, ANCHOR, cast)


def test_exactly_as_many_messages_as_asked(written: history.History) -> None:
    assert written.size == 2000
    on_chats = Counter(m.channel for m in written.chats)
    assert min(len(written.sms), len(written.mails)) > 550 > max(on_chats.values())
    assert len(on_chats) == 3
    assert min(*on_chats.values(), len(written.calls)) > 80
    assert len({m.sid for m in written.sms}) == len(written.sms)
    assert len({m.id for m in written.mails}) == len(written.mails)
    assert len({m.id for m in written.chats}) == len(written.chats)
    sids = [leg.sid for call in written.calls for leg in call.legs]
    assert len(set(sids)) == len(sids)


def test_times_lie_before_the_anchor_and_within_what_twilio_serves(
    written: history.History,
) -> None:
    anchor = ANCHOR.timestamp()
    assert all(
        anchor - timedelta(days=400).total_seconds() < m.created < anchor for m in written.sms
    )
    assert all(m.received_ms < anchor * 1000 for m in written.mails)
    assert written.mails[0].received_ms < (ANCHOR - timedelta(days=480)).timestamp() * 1000
    ids = [m.history_id for m in written.mails]
    assert ids == sorted(set(ids))
    assert ids[-1] == written.last_history_id


def test_everybody_writes_a_few_write_much_and_most_use_several_channels(
    cast: list[people.Person], written: history.History
) -> None:
    by_phone = Counter(m.sender if m.direction == "inbound" else m.recipient for m in written.sms)
    by_mail = Counter(
        a.replace("+saltbush", "") for m in written.mails for _, a in (m.sender, *m.to)
    )
    by_call = Counter(
        a for call in written.calls for a in (call.root.sender, call.legs[-1].recipient)
    )
    by_chat = Counter((m.channel, m.contact.address) for m in written.chats)
    totals = [
        by_phone[p.phone or ""]
        + by_mail[p.email or ""]
        + by_call[p.phone or ""]
        + sum(by_chat[channel, contact.address] for channel, contact in p.contacts.items())
        for p in cast
    ]
    assert len(cast) == 80
    assert min(totals) > 0
    assert max(totals) > 150
    on_several = [
        p
        for p in cast
        if bool(by_phone[p.phone or ""])
        + bool(by_mail[p.email or ""])
        + sum(bool(by_chat[channel, c.address]) for channel, c in p.contacts.items())
        > 1
    ]
    assert len(on_several) > len(cast) / 2
    assert len({p.phone for p in cast if p.phone}) == sum(1 for p in cast if p.phone)
    assert 0.7 < sum(p.known for p in cast) / len(cast) < 0.97
    assert {p.language for p in cast} == set(people.LANGUAGES)


def test_content_is_as_varied_as_real_life(written: history.History) -> None:
    texts = [m.body for m in written.sms] + [m.text for m in written.mails]
    assert len(set(texts)) > 0.75 * len(texts)
    together = "".join(texts)
    for sign in ("\u200d", "ư", "ال", "您", "नम", "Καλ", "よろしく", "👍🏽"):
        assert sign in together, sign
    assert max(len(t) for t in texts) > 2000
    assert {m.shape for m in written.mails} >= {
        "plain",
        "alternative",
        "html",
        "list",
        "spam",
        "bounce",
        "calendar",
    }
    assert any(m.sender == "19970006" for m in written.sms)
    assert any(m.body.upper() == "STOP" for m in written.sms)
    assert any(m.sender.isalpha() for m in written.sms)
    assert any(m.media for m in written.sms)
    assert any("+saltbush@" in m.sender[1] for m in written.mails)
    assert any(m.cc for m in written.mails)
    assert "{" not in together.replace("{}", ""), "a slot was left empty"


def test_the_hero_has_rich_last_days(written: history.History) -> None:
    recent = (ANCHOR - timedelta(days=4)).timestamp()
    texts = [
        m
        for m in written.sms
        if people.HERO_PHONE in (m.sender, m.recipient) and m.created > recent
    ]
    mails = [
        m
        for m in written.mails
        if m.sender[1] == "mai.tran@example.com" and m.received_ms > recent * 1000
    ]
    assert len(texts) >= 10
    assert len(mails) >= 3
    assert any(m.media for m in texts)
    assert any(len(m.text) > 1400 for m in mails)
    assert any(m.reply_to for m in mails)


def test_the_same_again(cast: list[people.Person], written: history.History) -> None:
    assert history.write(7, 2000, ANCHOR, people.cast(7, 2000)) == written
    assert history.write(8, 2000, ANCHOR, people.cast(8, 2000)) != written


def test_a_second_start_remembers_and_repeats_no_id(tmp_path: Path) -> None:
    ids: list[str] = []
    prints: list[str] = []
    for turn in range(2):
        # The second start asks for another size, and gets the past as it was.
        with server.start(
            seed=7, messages=60 + turn, state_dir=tmp_path, anchor=ANCHOR
        ) as provider:
            before = provider.state()
            if prints:
                assert before["fingerprint"] == prints[-1]
                assert before["messages"] == 60
            sms = [
                provider.message(channel="twilio_sms", person="Mai Tran", body="same")["sid"]
                for _ in range(3)
            ]
            ids += [
                *sms,
                *(
                    provider.message(channel="gmail", person="Mai Tran", body="same")["id"]
                    for _ in range(3)
                ),
            ]
            provider.redact(sms[0])
            provider.delete("twilio_sms", sms[1])
            prints.append(provider.state()["fingerprint"])
    assert len(set(ids)) == 12
    assert prints[0] != prints[1]


def test_half_a_line_in_the_journal_did_not_happen(tmp_path: Path) -> None:
    with server.start(seed=7, messages=60, state_dir=tmp_path, anchor=ANCHOR) as provider:
        provider.message(channel="twilio_sms", person="Mai Tran", body="whole")
        kept = provider.state()["fingerprint"]
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write('{"what": "sms", "rec')
    with server.start(seed=7, messages=60, state_dir=tmp_path) as provider:
        assert provider.state()["fingerprint"] == kept
        provider.message(channel="twilio_sms", person="Mai Tran", body="next")
    with server.start(seed=7, messages=60, state_dir=tmp_path) as provider:
        assert sum(provider.state()[channel] for channel in CHANNELS) == 62


def test_the_live_stream_uses_all_channels(tmp_path: Path) -> None:
    with server.start(seed=7, messages=60, state_dir=tmp_path, anchor=ANCHOR) as provider:
        before = provider.state()
        provider.live(per_minute=6000, seed=3)
        until = time.monotonic() + 60
        while True:
            now = provider.state()
            if min(now[channel] - before[channel] for channel in CHANNELS) > 3:
                break
            assert time.monotonic() < until
            time.sleep(0.05)
        provider.live(per_minute=0)
        assert provider.state()["live_per_minute"] == 0
        ids = [m["id"] for m in provider.truth()]
        assert len(ids) == len(set(ids))


def test_segments() -> None:
    assert [
        segments(t)
        for t in (
            "",
            "a" * 160,
            "a" * 161,
            "€" * 80,
            "€" * 81,
            "ư" * 70,
            "ư" * 71,
            "👍" * 35,
            "👍" * 36,
        )
    ] == [1, 1, 2, 1, 2, 1, 2, 1, 2]


def test_files_are_real() -> None:
    assert files.render(files.photo("k")).startswith(b"\xff\xd8\xff")
    assert files.render(files.photo("k")) == files.render(files.photo("k"))
    assert files.render(files.picture("k")).startswith(b"\x89PNG\r\n")
    pdf = files.render(files.document("k", "Title (one)", "a.pdf"))
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf.endswith(b"%%EOF\n")
    start = int(pdf.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf[start : start + 4] == b"xref"
    assert files.render(files.sticker("k"))[8:12] == b"WEBP"
    assert files.render(files.film("k"))[4:12] == b"ftypisom"
    assert files.render(files.voice_note("k", 3))[:2] == b"\xff\xf3"
    assert b"METHOD:REQUEST" in files.render(files.invitation("k", ANCHOR, "x"))
    with pytest.raises(ValueError, match="no file"):
        files.render(File("a", "text/plain", "magic:1"))


def test_the_command_serves_and_ends_at_once(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "simulator",
        "--port",
        "0",
        "--messages",
        "2000",
        "--state-dir",
        str(tmp_path),
    ]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert program.stderr is not None
    assert "http://127.0.0.1:" in program.stderr.readline()
    begun = time.monotonic()
    program.terminate()
    program.wait(timeout=30)
    program.stderr.close()
    assert time.monotonic() - begun < 10
