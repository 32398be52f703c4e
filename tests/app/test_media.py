"""Attachments over the app's own route: who may open them, what is written down first, and how they are sent."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app import attachments, database
from app.access import sessions
from app.access.roles import MATRIX, Permission, UserRole
from app.serving import file_answer
from app.serving.file_answer import asked_range, disposition, plain_name
from app.serving.headers import SecurityHeaders
from app.serving.routes import ROUTES
from mail.reader import MailReader
from media.sniff import sniff
from media.store import MediaStore
from tests.app.conftest import Correspondence
from tests.pipelines.storage import image
from warehouse import connections

NUMBER = "+61491570006"
AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
PICTURE = image(padding=5000)
MP3 = b"ID3\x04\0\0\0\0\0\0" + os.urandom(300_000)


@pytest.fixture
def client(correspondence: Correspondence) -> Iterator[TestClient]:
    for role in UserRole:
        correspondence.user(role.value, role.value)
    app = Starlette(routes=ROUTES, middleware=[Middleware(SecurityHeaders)])
    with TestClient(app, base_url="http://crm.example.com", follow_redirects=False) as made:
        yield made


def sign_in(client: TestClient, role: str = "agent") -> None:
    client.cookies.clear()
    client.get("/session/start", params={"token": sessions.start_token(role)})


class Library:
    """Messages with attachments, fetched already."""

    def __init__(self, correspondence: Correspondence) -> None:
        self.correspondence = correspondence
        self.store = MediaStore(correspondence.settings.media_root)
        self.customer = correspondence.customer("Robin", f"phone:{NUMBER}")

    def sms(self, content: bytes, *, claimed: str = "image/png", **became: Any) -> tuple[str, str]:
        """An MMS with one attachment; returns the ids of both."""
        media_sid = "ME" + secrets.token_hex(16)
        sid = self.correspondence.sms(
            NUMBER, "look", AT, sid="MM" + secrets.token_hex(16), media=[{"sid": media_sid, "content_type": claimed}]
        )  # fmt: skip
        message_id = f"twilio_sms|{sid}"
        self.became(message_id, media_sid, content, claimed, **became)
        return message_id, media_sid

    def became(
        self,
        message_id: str,
        attachment_id: str,
        content: bytes,
        claimed: str = "image/png",
        state: str = "stored",
    ) -> None:
        sniffed = sniff(content, claimed)
        sha256 = self.store.store(content) if state == "stored" else None
        self.correspondence.execute(
            "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, sha256, size_bytes, sniffed_type,"
            " is_inline, next_try_at) values (%s, %s, 'x', 'c', %s, %s, %s, %s, %s, case when %s = 'waiting' then now() end)",
            [message_id, attachment_id, state, sha256, len(content), sniffed.type, sniffed.is_inline, state],
        )  # fmt: skip

    def mail(self, content: bytes, claimed: str, name: str) -> tuple[str, str]:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "robin@example.com", "help@example.com", "file"
        mail.set_content("see the file")
        kind, _, subtype = claimed.partition("/")
        mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
        raw_sha256 = self.store.store(mail.as_bytes())
        self.correspondence.mail(
            "robin@example.com",
            "file",
            "see the file",
            AT,
            attachments=[
                {"part_id": "1", "filename": name, "content_type": claimed, "size_bytes": len(content), "is_inline": False}
            ],
            raw_sha256=raw_sha256,
        )  # fmt: skip
        rows = self.correspondence.execute(
            "select message_id, attachments -> 0 ->> 'attachment_id' from marts.messages where channel = 'gmail'"
        )
        return rows[0]


@pytest.fixture
def library(correspondence: Correspondence) -> Library:
    return Library(correspondence)


def opened(
    client: TestClient, ids: tuple[str, str], headers: dict[str, str] | None = None, **more: str
) -> httpx.Response:
    response: httpx.Response = client.get(
        "/attachment", params={"message": ids[0], "attachment": ids[1], **more}, headers=headers
    )
    return response


# -- what is sent --------------------------------------------------------------------------------------


def test_a_picture_is_shown_and_that_is_written_down(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE, claimed="text/html")
    sign_in(client)
    response = opened(client, ids)
    assert response.status_code == 200
    assert response.content == PICTURE
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-length"] == str(len(PICTURE))
    assert response.headers["content-disposition"].startswith("inline; ")
    assert response.headers["accept-ranges"] == "bytes"
    (event,) = library.correspondence.events("attachment.open")
    assert event["actor"] == "agent"
    assert event["object_id"] == "|".join(ids)
    assert event["customer_ids"] == [library.customer]
    assert event["detail"] == {
        "message_id": ids[0],
        "attachment_id": ids[1],
        "is_download": False,
    }
    assert event["session_id"]


def test_no_answer_lets_a_file_be_a_page(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    answers = [opened(client, ids)]
    sign_in(client)
    answers += [
        opened(client, ids), opened(client, ids, download="1"), opened(client, ("x", "y")), client.post("/attachment"),
        opened(client, ids, {"range": "bytes=99999999-"}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401, 200, 200, 404, 404, 416]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy == "sandbox; default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        # What is closed says nothing that could be kept.
        if answer.request.method == "GET":
            assert answer.headers["cache-control"] == "private, no-store"


def test_pages_may_play_what_the_route_gives(client: TestClient) -> None:
    policy = client.get("/healthz").headers["content-security-policy"]
    assert "media-src 'self'" in policy.split("; ")


@pytest.mark.parametrize(
    ("content", "claimed"),
    [
        (b"<html><script>alert(1)</script>", "image/png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
        (b"%PDF-1.7", "application/pdf"),
        (b"MZ\x90\0", "image/png"),
        (b"PK\3\4", "application/zip"),
        (b"words", "text/plain"),
        (image(50_000, 50_000), "image/png"),
    ],
)
def test_what_a_browser_could_run_is_for_download(
    client: TestClient, library: Library, content: bytes, claimed: str
) -> None:
    ids = library.sms(content, claimed=claimed)
    sign_in(client)
    response = opened(client, ids)
    assert response.content == content
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; ")


def test_a_type_that_the_list_does_not_have_is_never_sent(
    client: TestClient, library: Library
) -> None:
    ids = library.sms(PICTURE)
    library.correspondence.execute(
        "update jobs.media set sniffed_type = 'text/html', is_inline = true"
    )
    sign_in(client)
    assert opened(client, ids).headers["content-type"] == "application/octet-stream"


def test_a_download_is_one_when_it_is_asked_for(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    sign_in(client)
    response = opened(client, ids, download="1")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; ")
    (event,) = library.correspondence.events("attachment.open")
    assert event["detail"]["is_download"] is True


def test_a_part_of_a_mail_is_taken_from_the_mail(client: TestClient, library: Library) -> None:
    ids = library.mail(PICTURE, "image/png", 'Grüße aus "Köln".png')
    sign_in(client)
    response = opened(client, ids)
    assert response.content == PICTURE
    assert response.headers["content-type"] == "image/png"
    said = response.headers["content-disposition"]
    assert 'filename="Grue aus _Koln_.png"' in said
    assert unquote(said.rpartition("''")[2]) == "Grüße aus _Köln_.png"
    part = opened(client, ids, {"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, PICTURE[10:20])
    # The mail is gone from the store.
    shutil.rmtree(library.correspondence.settings.data_dir / "media")
    assert opened(client, ids).status_code == 404


def test_a_viewer_s_request_has_the_limits_of_a_pull(
    client: TestClient, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"%PDF-1.7\n" + os.urandom(5_000_000)
    ids = library.mail(content, "application/pdf", "order.pdf")
    sign_in(client)
    for allowed, status in (
        ({"cpu_seconds": 0.001}, 422),
        ({"memory_bytes": 60_000_000}, 422),
        ({}, 200),
    ):
        with MailReader(**allowed) as reader:  # type: ignore[arg-type]
            readers: queue.LifoQueue[MailReader] = queue.LifoQueue()
            readers.put(reader)
            monkeypatch.setattr(attachments, "_readers", readers)
            response = opened(client, ids)
            assert response.status_code == status
            assert readers.qsize() == 1
        if status == 422:
            assert "more than a mail's share" in response.text
    assert response.content == content
    # Each attempt is on record, as what it came to.
    assert len(library.correspondence.events("attachment.open")) == 1
    refused = library.correspondence.events("attachment.refuse")
    assert ["share of time" in each["detail"]["because"] for each in refused] == [True, True]


def test_a_part_of_a_mail_is_looked_at_too(client: TestClient, library: Library) -> None:
    ids = library.mail(b"<script>alert(1)</script>", "image/png", "x.png")
    sign_in(client)
    assert opened(client, ids).headers["content-type"] == "application/octet-stream"


# -- pieces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, None), ("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200), ("bytes=262100-262200", 262_100, 262_201),
        ("bytes=299000-999999999", 299_000, None), ("bytes=-10", -10, None), ("bytes=-999999999", 0, None), ("BYTES = 5-6", 5, 7),
    ],
)  # fmt: skip
def test_a_player_may_jump(
    client: TestClient, library: Library, asked: str, start: int, stop: int | None
) -> None:
    ids = library.sms(MP3, claimed="audio/mpeg")
    sign_in(client)
    response = opened(client, ids, {"range": asked})
    expected = MP3[start:stop]
    assert response.status_code == 206
    assert response.content == expected
    begin = len(MP3) + start if start < 0 else start
    assert (
        response.headers["content-range"] == f"bytes {begin}-{begin + len(expected) - 1}/{len(MP3)}"
    )
    assert response.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize("asked", ["bytes=-0", f"bytes={len(MP3)}-", "bytes=999999999-"])
def test_a_piece_behind_the_end_is_none(client: TestClient, library: Library, asked: str) -> None:
    ids = library.sms(MP3)
    sign_in(client)
    response = opened(client, ids, {"range": asked})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(MP3)}"
    assert response.content == b""


@pytest.mark.parametrize(
    "asked", ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=1-2,4-5", "items=1-2", "bytes=a-b", "bytes=" + "9" * 40 + "-", "bytes=١-٢"]
)  # fmt: skip
def test_what_is_no_range_is_the_whole_file(asked: str) -> None:
    assert asked_range(asked, 100) is None


@given(st.text(max_size=40), st.integers(0, 1000))
def test_any_range_lies_in_the_file(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            found = asked_range(header, size)
        except ValueError:
            continue
        assert found is None or 0 <= found[0] < found[1] <= size


def test_a_piece_of_another_file_is_not_mixed_in(client: TestClient, library: Library) -> None:
    ids = library.sms(MP3)
    sign_in(client)
    tag = opened(client, ids).headers["etag"]
    same = opened(client, ids, {"range": "bytes=1-2", "if-range": tag})
    other = opened(client, ids, {"range": "bytes=1-2", "if-range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_a_player_s_pieces_are_one_look(client: TestClient, library: Library) -> None:
    ids = library.sms(MP3)
    sign_in(client)
    for asked in ("bytes=0-", "bytes=100000-", "bytes=200000-", "bytes=5-"):
        opened(client, ids, {"range": asked})
    assert len(library.correspondence.events("attachment.open")) == 1
    # From the beginning, by someone else, of another file, after a time: each is a look of its own.
    opened(client, ids, {"range": "bytes=0-"})
    assert len(library.correspondence.events("attachment.open")) == 2
    sign_in(client, "viewer")
    opened(client, ids, {"range": "bytes=7-"})
    assert len(library.correspondence.events("attachment.open")) == 3
    opened(client, library.sms(PICTURE), {"range": "bytes=7-"})
    assert len(library.correspondence.events("attachment.open")) == 4
    sign_in(client, "viewer")
    opened(client, ids, {"range": "bytes=7-"})
    assert len(library.correspondence.events("attachment.open")) == 5


# -- who may -------------------------------------------------------------------------------------------


def test_nobody_opens_anything_without_a_session(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    assert opened(client, ids).status_code == 401
    assert opened(client, ("x", "y")).status_code == 401
    client.cookies.set(sessions.cookie_name(), "made up")
    assert opened(client, ids).status_code == 401
    sign_in(client)
    assert opened(client, ids).status_code == 200
    client.get("/session/end")
    assert opened(client, ids).status_code == 401


def test_a_disabled_user_opens_nothing_more(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    sign_in(client)
    held = client.cookies[sessions.cookie_name()]
    library.correspondence.execute("update crm.users set disabled_at = now()")
    client.cookies.set(sessions.cookie_name(), held)
    assert opened(client, ids).status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_opens_nothing(client: TestClient, library: Library, site: str) -> None:
    ids = library.sms(PICTURE)
    sign_in(client)
    assert opened(client, ids, {"sec-fetch-site": site}).status_code == 403
    assert not library.correspondence.events("attachment.open")


def test_what_is_not_there_is_told_in_one_way(client: TestClient, library: Library) -> None:
    message_id, attachment_id = library.sms(PICTURE)
    states = [
        library.sms(PICTURE, state=state) for state in ("waiting", "expired", "refused", "failed", "unavailable")
    ]  # fmt: skip
    sign_in(client)
    answers = [
        opened(client, ids)
        for ids in [
            ("", ""), ("x", "y"), (message_id, "y"), ("x", attachment_id), (message_id, ""), ("a\0b", "y"), (message_id, "a\0"),
            ("x" * 5000, "y"), ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "y"), *states,
        ]
    ]  # fmt: skip
    answers.append(client.get("/attachment"))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert not library.correspondence.events("attachment.open")


def test_bytes_that_are_gone_or_damaged_are_not_sent(client: TestClient, library: Library) -> None:
    gone, damaged, long = (
        library.sms(PICTURE),
        library.sms(b"small"),
        library.sms(os.urandom(900_000)),
    )
    root = library.correspondence.settings.data_dir / "media"
    paths = {path.name.partition(".")[0]: path for path in root.rglob("*.zst")}

    def path(ids: tuple[str, str]) -> Path:
        ((sha256,),) = library.correspondence.execute(
            "select sha256 from jobs.media where message_id = %s", [ids[0]]
        )
        return paths[sha256]

    path(damaged).write_bytes(path(gone).read_bytes())
    other = library.sms(os.urandom(900_000))
    paths |= {found.name.partition(".")[0]: found for found in root.rglob("*.zst")}
    path(long).write_bytes(path(other).read_bytes())
    path(gone).unlink()
    sign_in(client)
    assert opened(client, gone).status_code == 404
    assert opened(client, damaged).status_code == 500
    # A long file is on its way when the damage shows: it breaks off instead of ending well.
    with pytest.raises(Exception, match="other bytes"):
        opened(client, long)


def test_no_event_no_bytes(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    sign_in(client)
    library.correspondence.execute("revoke insert on crm.events from crm_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        opened(client, ids)
    library.correspondence.execute("grant insert on crm.events to crm_app")
    away = database.settings().model_copy(
        update={"database_url": SecretStr("postgresql://owner@127.0.0.1:1/none")}
    )
    database.use(away)
    response = opened(client, ids)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"


def test_every_role_that_reads_may_open(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    for role in UserRole:
        sign_in(client, role.value)
        assert opened(client, ids).status_code == 200


def test_a_role_that_may_not_read_may_not_open(
    client: TestClient, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = library.sms(PICTURE)
    monkeypatch.setitem(MATRIX, UserRole.VIEWER, frozenset())
    sign_in(client, "viewer")
    assert opened(client, ids).status_code == 403
    (event,) = library.correspondence.events("attachment.refuse")
    assert event["actor"] == "viewer"
    assert not library.correspondence.events("attachment.open")


# -- what was taken back, and recorded calls -----------------------------------------------------------


@pytest.fixture
def instagram(correspondence: Correspondence) -> str:
    with psycopg.connect(correspondence.settings.admin_url) as owner:
        return connections.add(
            owner, correspondence.settings, channel="instagram", name="", actor="test",
            values={"app_secret": "s", "access_token": "t", "account_id": "17841400008460056"},
        ).connection_id  # fmt: skip


def deliver(correspondence: Correspondence, channel: str, connection_id: str, payload: Any) -> None:
    correspondence.execute(
        "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key, method, path, query,"
        " headers, content_type, body, payload) values (gen_random_uuid(), now(), %s, %s, %s, 'POST', '/', '', '{}',"
        " 'application/json', '', %s)",
        [channel, connection_id, secrets.token_hex(8), json.dumps(payload)],
    )
    correspondence.fold()


def event_of(message: dict[str, Any]) -> dict[str, Any]:
    us, them = {"id": "17841400008460056"}, {"id": "1254938275682919"}
    messaging = {
        "sender": them,
        "recipient": us,
        "timestamp": 1_793_696_400_000,
        "message": message,
    }
    return {
        "object": "instagram",
        "entry": [{"id": us["id"], "time": 1_793_696_400_000, "messaging": [messaging]}],
    }


def test_what_was_unsent_is_for_those_who_examine(
    client: TestClient, library: Library, instagram: str
) -> None:
    correspondence = library.correspondence
    attached = [{"type": "image", "payload": {"url": "https://lookaside.fbsbx.com/x?signature=s"}}]
    deliver(
        correspondence, "instagram", instagram, event_of({"mid": "m1", "attachments": attached})
    )
    ((message_id, attachment_id),) = correspondence.execute(
        "select message_id, attachment_id from marts.attachments where channel = 'instagram'"
    )
    library.became(message_id, attachment_id, PICTURE)
    ids = (message_id, attachment_id)
    sign_in(client)
    assert opened(client, ids).status_code == 200
    deliver(correspondence, "instagram", instagram, event_of({"mid": "m1", "is_deleted": True}))
    for role in UserRole:
        sign_in(client, role.value)
        may = Permission.READ_REVISIONS in MATRIX[role]
        assert opened(client, ids).status_code == (200 if may else 403)
    assert {event["actor"] for event in correspondence.events("attachment.refuse")} == {
        "viewer",
        "agent",
    }


@pytest.fixture
def call(correspondence: Correspondence) -> Callable[[str, str], tuple[str, str, str]]:
    """A recorded call or a voicemail, by its recording's source; returns message, attachment, connection."""

    def made(source: str, basis: str) -> tuple[str, str, str]:
        sid, recording = "CA" + secrets.token_hex(16), "RE" + secrets.token_hex(16)
        account = "AC" + "7" * 32
        with psycopg.connect(correspondence.settings.admin_url) as owner:
            values = {"account_sid": account, "auth_token": "t" * 32, "numbers": "+61255501000"}
            if basis:
                values["recording_basis"] = basis
            connection_id = connections.add(
                owner, correspondence.settings, channel="twilio_voice", name="", actor="test", values=values
            ).connection_id  # fmt: skip
        form = {
            "AccountSid": account, "CallSid": sid, "From": NUMBER, "To": "+61255501000", "Direction": "inbound", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        ended = {**form, "CallStatus": "completed", "CallDuration": "40", "CallbackSource": "call-progress-events",
                 "SequenceNumber": "0", "Timestamp": "Tue, 03 Nov 2026 09:00:00 +0000"}  # fmt: skip
        taped = {"AccountSid": account, "CallSid": sid, "RecordingSid": recording, "RecordingStatus": "completed", "RecordingDuration": "30",
                 "RecordingSource": source, "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}",
                 "RecordingStartTime": "Tue, 03 Nov 2026 09:00:05 +0000"}  # fmt: skip
        for payload in (ended, taped):
            deliver(
                correspondence,
                "twilio_voice",
                connection_id,
                {key: [value] for key, value in payload.items()},
            )
        ((message_id, attachment_id),) = correspondence.execute(
            "select message_id, attachment_id from marts.attachments where connection_id = %s",
            [connection_id],
        )
        return message_id, attachment_id, connection_id

    return made


def test_a_recorded_call_is_played_only_where_callers_learn_of_it(
    client: TestClient, library: Library, call: Callable[[str, str], tuple[str, str, str]]
) -> None:
    told = call("DialVerb", "a voice says so at the beginning")
    untold = call("DialVerb", "")
    voicemail = call("RecordVerb", "")
    for message_id, attachment_id, _ in (told, untold, voicemail):
        library.became(message_id, attachment_id, MP3, "audio/mpeg")
    for role in UserRole:
        sign_in(client, role.value)
        assert opened(client, told[:2]).status_code == 200
        assert opened(client, voicemail[:2]).status_code == 200
        refused = opened(client, untold[:2], download="1")
        assert refused.status_code == 403
        assert "recording_basis" in refused.text
    assert len(library.correspondence.events("recording.play")) == 2 * len(UserRole)
    assert not library.correspondence.events("attachment.open")
    assert len(library.correspondence.events("attachment.refuse")) == len(UserRole)
    # The basis can be given later, and taken away.
    library.correspondence.execute(
        "update crm.connections set settings = settings || '{\"recording_basis\": \"x\"}' where connection_id = %s", [untold[2]]
    )  # fmt: skip
    assert opened(client, untold[:2]).status_code == 200


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "plain"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Grüße 🙂.png", "Grüße 🙂.png"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\system32\\x.dll", "C__Windows_system32_x.dll"),
        ("a\r\nSet-Cookie: b=c", "aSet-Cookie_ b=c"),
        ('a"; filename="evil.exe', "a__ filename=_evil.exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200bb\0c\x7f", "abc"),
        ("   .  ", "attachment"),
        ("", "attachment"),
        ("...", "attachment"),
        ("x" * 400 + ".pdf", "x" * 146 + ".pdf"),
        ("a\u2028b", "a b"),
        ("100%.pdf", "100_.pdf"),
    ],
)
def test_a_name_is_what_it_looks_like(given_name: str, plain: str) -> None:
    assert plain_name(given_name) == plain


@given(st.text(max_size=300), st.booleans())
def test_any_name_is_one_header(name: str, is_inline: bool) -> None:
    header = disposition(name, is_inline=is_inline)
    assert header.isascii()
    assert header.isprintable()
    kind, fallback, exact = header.split("; ")
    assert kind == ("inline" if is_inline else "attachment")
    assert fallback.startswith('filename="')
    assert fallback.endswith('"')
    assert fallback.count('"') == 2
    assert "/" not in fallback
    assert "\\" not in fallback
    assert len(unquote(exact.rpartition("''")[2])) <= 150


def test_a_file_without_a_name_gets_one_of_its_kind(client: TestClient, library: Library) -> None:
    ids = library.sms(PICTURE)
    sign_in(client)
    assert 'filename="attachment.png"' in opened(client, ids).headers["content-disposition"]


def test_only_a_later_piece_can_belong_to_an_earlier_look() -> None:
    for asked in (None, "", "bytes=0-", "bytes=00-5", "bytes=-5", "bytes=-"):
        assert file_answer.begins(asked)
    for asked in ("bytes=1-", "bytes=10-20", "BYTES = 07-", "bytes=100-"):
        assert not file_answer.begins(asked)


def test_the_pieces_of_a_file_are_its_bytes(library: Library) -> None:
    sha256 = library.store.store(MP3)
    file = attachments.File(
        content_type="audio/mpeg", size_bytes=len(MP3), tag=sha256, filename=None, is_inline=True, _store=library.store
    )  # fmt: skip
    assert b"".join(file.pieces(0, len(MP3))) == MP3
    assert b"".join(file.pieces(5, 100_005)) == MP3[5:100_005]
    assert hashlib.sha256(MP3).hexdigest() == sha256
