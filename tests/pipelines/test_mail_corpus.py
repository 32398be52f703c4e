"""Every mail of the corpus becomes what its author wrote down, the same on every Python, and nothing breaks however it is bent.

CRM_PYTHONS="python3.12 python3.13" …     the same rows there
CRM_FUZZED_MAILS=20000 …                  the full number of bent mails
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mail.parse import parse, part_bytes
from tests.payloads.gmail.bent import bent
from tests.payloads.gmail.mails import MAILS, Mail

FUZZED = int(os.environ.get("CRM_FUZZED_MAILS", "600"))
FLAGS = ("is_bulk", "is_automatic", "is_auto_reply", "is_bounce")


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(MAILS) >= 300
    assert len({mail.name for mail in MAILS}) == len(MAILS)


def person(value: dict[str, str] | None) -> tuple[str, str] | None:
    return (value["name"], value["address"]) if value else None


def became(mail: Mail) -> dict[str, Any]:
    """Of the columns what the corpus speaks of."""
    columns = parse(mail.raw).columns()
    envelope, files = columns["envelope"], columns["attachments"]
    report = envelope["report"]
    failed = [one for one in report["recipients"] if one["action"] == "failed"] if report else []
    texts = f"{columns['body_text'] or ''}"
    found = {
        "from": person(envelope["from"]),
        **{role: [person(each) for each in envelope[role]] for role in ("to", "cc", "reply_to")},
        "subject": envelope["subject"],
        "message_id": envelope["message_id"],
        "body": columns["body_text"],
        "quoted": columns["body_quoted"],
        "files": [(file["filename"], file["content_type"]) for file in files],
        "names": [file["filename"] for file in files],
        "sizes": [file["size_bytes"] for file in files],
        "inner": files[0].get("mail", {}).get("text") if files else None,
        "event": (files[0]["event"]["summary"], files[0]["event"]["starts"])
        if files and files[0].get("event")
        else None,
        "failed": [one["address"] for one in failed] if report else None,
        "reason": failed[0]["reason"] if failed else None,
        "reported": report["message_id"] if report else None,
        "flags": [flag for flag in FLAGS if envelope[flag]],
    }
    found["shows"] = (
        mail.expected.get("shows") if mail.expected.get("shows", "") in texts else texts
    )
    notes = columns["parse_notes"]
    wanted = mail.expected.get("note", "")
    found["note"] = wanted if any(wanted in note for note in notes) else notes
    return found


@pytest.mark.parametrize("mail", MAILS, ids=[mail.name for mail in MAILS])
def test_a_mail_becomes_what_was_written_down(mail: Mail) -> None:
    found = became(mail)
    expected = dict(mail.expected)
    if "flags" in expected:
        expected["flags"] = [flag for flag in FLAGS if flag in expected["flags"]]
    assert {key: found[key] for key in expected} == expected


def digest() -> str:
    """One hash of all columns of all mails."""
    rows = [parse(mail.raw).columns() for mail in MAILS]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("python", os.environ.get("CRM_PYTHONS", "").split())
def test_another_python_reads_the_same(python: str) -> None:
    code = "from tests.pipelines.test_mail_corpus import digest; print(digest())"
    ran = subprocess.run(
        [python, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == digest()


def test_bent_mails_break_nothing() -> None:
    """No crash, bounded time, storable columns, every listed part to be had, all text of a mere text kept."""
    chance = random.Random(20260803)
    slowest = 0.0
    for _ in range(FUZZED):
        raw = bent(chance)
        started = time.process_time()
        parsed = parse(raw)
        slowest = max(slowest, time.process_time() - started)
        json.dumps(parsed.columns(), ensure_ascii=False).encode("utf-8")
        assert not any(
            "could not be" in note and "address" not in note for note in parsed.parse_notes
        ), raw
        assert parsed.body_text is not None or parsed.attachments or parsed.parse_notes, raw
        for file in parsed.attachments:
            content = part_bytes(raw, file["part_id"])
            assert content is not None, raw
            assert hashlib.sha256(content).hexdigest() == file["sha256"], raw
    assert slowest < 5
    print(f"{FUZZED} bent mails, the slowest took {slowest:.2f} s")
