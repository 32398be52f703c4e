"""Where attachments are had: each kind of source against servers that answer as the providers do, and worse."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from media.sources import KINDS, MOST_BYTES, Errand, Expired, Unavailable, digest
from providers.failures import (
    NeedsAdmin,
    NotAccepted,
    NotAllowed,
    ProviderFailed,
    Resting,
    TryLater,
)
from providers.meta import pace as graph_pace
from providers.meta.access import VERSION
from providers.safe_http import HOPS, SafeClient, Unreachable
from tests.pipelines.storage import Storage, gives, image, in_turn, running, says
from warehouse.connections import Connection

ACCOUNT = "AC" + "1" * 32
MESSAGE, MEDIA, RECORDING = "MM" + "2" * 32, "ME" + "3" * 32, "RE" + "4" * 32
TOKEN = "CANARY-token"
BASIC = "Basic " + base64.b64encode(f"{ACCOUNT}:CANARY-auth".encode()).decode()
MEDIA_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{MESSAGE}/Media/{MEDIA}"
RECORDING_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}"
PICTURE = image()
TWILIO_MEDIA = {"kind": "twilio_media", "message_sid": MESSAGE, "media_sid": MEDIA}
TWILIO_RECORDING = {"kind": "twilio_recording", "recording_sid": RECORDING}
GRAPH_MEDIA = {"kind": "graph_media", "media_id": "1003383421387260"}


@pytest.fixture
def api() -> Iterator[Storage]:
    with running(Storage()) as made:
        yield made


@pytest.fixture
def files() -> Iterator[Storage]:
    """A storage of files that is no part of the API."""
    with running(Storage("127.0.0.2")) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_pace() -> None:
    graph_pace.pace_of.cache_clear()


def twilio(api: Storage, *hosts: Storage, **more: str) -> Connection:
    settings = {"account_sid": ACCOUNT, "api_base": api.base, **more}
    settings["media_hosts"] = ",".join(host.place for host in hosts)
    return Connection(
        connection_id="c1", channel="twilio_sms", name="", settings=settings, secrets={"auth_token": "CANARY-auth,CANARY-next"}
    )  # fmt: skip


def meta(channel: str, api: Storage, *hosts: Storage, **more: str) -> Connection:
    settings = {"api_base": api.base, "page_id": PAGE, **more}
    settings["media_hosts"] = ",".join(host.place for host in hosts)
    api.paths.setdefault(f"/{VERSION}/{PAGE}", tells({"access_token": TOKEN, "id": PAGE}))
    return Connection(
        connection_id="c1", channel=channel, name="", settings=settings, secrets={"access_token": TOKEN}
    )  # fmt: skip


def fetched(
    connection: Connection,
    source: dict[str, Any],
    *,
    age: timedelta = timedelta(days=1),
    client: SafeClient | None = None,
) -> tuple[bytes, bytes | None]:
    """The bytes, and the hash that they should have."""
    kind = KINDS[source["kind"]]
    errand = Errand(
        connection=connection,
        client=client or SafeClient(),
        source=source,
        provider_message_id="m_CANARY=",
        received_at=datetime.now(UTC) - age,
    )
    with kind.opened(errand) as found:
        return b"".join(found.answer.chunks(kind.limit_bytes)), found.sha256


def failure(connection: Connection, source: dict[str, Any], **more: Any) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        fetched(connection, source, **more)
    assert "CANARY" not in str(caught.value)
    assert "signature" not in str(caught.value)
    return caught.value


def tells(answer: dict[str, Any], status: int = 200) -> Any:
    return says(status, json.dumps(answer).encode(), Content_Type="application/json")


# -- Twilio's media ------------------------------------------------------------------------------------


def test_twilio_s_redirect_is_followed_without_the_credentials(
    api: Storage, files: Storage
) -> None:
    api.paths[MEDIA_PATH] = says(307, Location=f"{files.base}/stored?signature=CANARY")
    # As a real storage: two ways to prove who one is are one too many.
    given = gives(PICTURE)
    files.paths["/stored"] = lambda handler: (
        says(400) if handler.headers["authorization"] else given
    )(handler)
    assert fetched(twilio(api, files), TWILIO_MEDIA) == (PICTURE, None)
    assert [headers["authorization"] for headers in api.asked(MEDIA_PATH)] == [BASIC]
    assert files.requests[0][0] == "/stored?signature=CANARY"
    assert "authorization" not in files.requests[0][1]


def test_the_credentials_go_out_once_even_to_the_api_itself(api: Storage) -> None:
    api.paths[MEDIA_PATH] = says(302, Location="/elsewhere")
    api.paths["/elsewhere"] = gives(PICTURE)
    assert fetched(twilio(api, api), TWILIO_MEDIA)[0] == PICTURE
    assert "authorization" not in api.asked("/elsewhere")[0]


@pytest.mark.parametrize("hops", range(1, HOPS + 2))
def test_redirects_end(api: Storage, files: Storage, hops: int) -> None:
    api.paths[MEDIA_PATH] = says(301, Location=f"{files.base}/1")
    for hop in range(1, hops):
        files.paths[f"/{hop}"] = says(308, Location=f"/{hop + 1}")
    files.paths[f"/{hops}"] = gives(PICTURE)
    if hops <= HOPS:
        assert fetched(twilio(api, files), TWILIO_MEDIA)[0] == PICTURE
    else:
        assert isinstance(failure(twilio(api, files), TWILIO_MEDIA), NotAllowed)
        assert len(files.requests) == HOPS


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/iam/", "https://169.254.169.254/", "http://localhost:1/", "file:///etc/passwd",
        "//127.0.0.9/x", "https://example.org/", "https://x.twilio.com.example.org/", "http://x.twiliocdn.com/", "https://[::1]/",
        "https://[", "gopher://x.twilio.com/", "https://CANARY@x.twilio.com/", "http://127.0.0.2:1/",
    ],
)  # fmt: skip
def test_a_redirect_leads_nowhere_else(api: Storage, location: str) -> None:
    api.paths[MEDIA_PATH] = says(307, Location=location)
    assert isinstance(failure(twilio(api), TWILIO_MEDIA), NotAllowed)
    assert len(api.requests) == 1


def test_a_redirect_to_a_listed_name_with_a_private_address_is_refused(api: Storage) -> None:
    api.paths[MEDIA_PATH] = says(307, Location="https://127.0.0.1.twiliocdn.com/x")
    client = SafeClient(
        resolve=lambda host, port: ["127.0.0.1"] if host == "127.0.0.1" else ["10.0.0.8"]
    )
    refused = failure(twilio(api), TWILIO_MEDIA, client=client)
    assert isinstance(refused, NotAllowed)
    assert "not of the public internet" in str(refused)


def test_an_api_key_is_used_where_there_is_one(api: Storage) -> None:
    api.paths[MEDIA_PATH] = gives(PICTURE)
    connection = twilio(api, api_key_sid="SK1", api_key_secret="CANARY")
    assert fetched(connection, TWILIO_MEDIA)[0] == PICTURE
    expected = base64.b64encode(b"SK1:CANARY").decode()
    assert api.requests[0][1]["authorization"] == f"Basic {expected}"


@pytest.mark.parametrize(
    ("more", "host"),
    [
        ({}, "api.twilio.com"),
        ({"region": "au1", "edge": "sydney"}, "api.sydney.au1.twilio.com"),
        ({"region": "au1"}, "api.au1.twilio.com"),
        ({"edge": "sydney"}, "api.sydney.us1.twilio.com"),
    ],
)
def test_the_account_s_own_region_is_asked(more: dict[str, str], host: str) -> None:
    asked: list[str] = []

    def resolve(name: str, port: int) -> list[str]:
        asked.append(f"{name}:{port}")
        return []

    connection = Connection(
        connection_id="c1", channel="twilio_sms", name="", settings={"account_sid": ACCOUNT, **more}, secrets={"auth_token": "t"}
    )  # fmt: skip
    found = failure(connection, TWILIO_MEDIA, client=SafeClient(resolve=resolve))
    assert isinstance(found, Unreachable)
    assert asked == [f"{host}:443"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (says(401), NeedsAdmin, "check account_sid"),
        (says(403), NeedsAdmin, "check account_sid"),
        (says(404), Expired, "does not have"),
        (says(410), Expired, "does not have"),
        (says(429, Retry_After="7"), Resting, "slow down"),
        (says(500), TryLater, "answered 500"),
        (says(503, Retry_After="9"), TryLater, "answered 503"),
        (says(418), NotAccepted, "answered 418"),
        (says(204), NotAccepted, "answered 204"),
        (says(302), NotAccepted, "answered 302"),
    ],
)
def test_what_twilio_says(
    api: Storage, answer: Any, kind: type[ProviderFailed], words: str
) -> None:
    api.paths[MEDIA_PATH] = answer
    found = failure(twilio(api), TWILIO_MEDIA)
    assert type(found) is kind
    assert words in str(found)


def test_what_is_not_there_yet_is_tried_again(api: Storage) -> None:
    assert isinstance(failure(twilio(api), TWILIO_MEDIA, age=timedelta(minutes=1)), TryLater)
    assert isinstance(failure(twilio(api), TWILIO_MEDIA, age=timedelta(hours=1)), Expired)


@pytest.mark.parametrize(
    "sid",
    ["", "../../x", "ME" + "3" * 32 + "/../x", "ME" + "g" * 32, "ME" + "3" * 32 + "\n", 5, None],
)
def test_an_id_that_is_none_of_twilio_s_is_not_asked_for(api: Storage, sid: Any) -> None:
    failure(twilio(api), {**TWILIO_MEDIA, "media_sid": sid})
    failure(twilio(api), {**TWILIO_RECORDING, "recording_sid": sid})
    assert not api.requests


# -- recordings ----------------------------------------------------------------------------------------


def recorded(api: Storage, **more: Any) -> None:
    resource = {"sid": RECORDING, "status": "completed", "encryption_details": None, **more}
    api.paths[f"{RECORDING_PATH}.json"] = tells(resource)


def test_a_recording_comes_as_mp3(api: Storage) -> None:
    recorded(api)
    api.paths[f"{RECORDING_PATH}.mp3"] = gives(b"ID3", "audio/mpeg")
    assert fetched(twilio(api), TWILIO_RECORDING)[0] == b"ID3"
    assert {headers["authorization"] for _, headers in api.requests} == {BASIC}


@pytest.mark.parametrize("status", [400, 404, 406, 415])
def test_a_recording_comes_as_wav_where_there_is_no_mp3(
    api: Storage, files: Storage, status: int
) -> None:
    recorded(api)
    api.paths[f"{RECORDING_PATH}.mp3"] = says(status)
    api.paths[f"{RECORDING_PATH}.wav"] = says(302, Location=f"{files.base}/sound")
    files.paths["/sound"] = gives(b"RIFF", "audio/wav")
    assert fetched(twilio(api, files), TWILIO_RECORDING)[0] == b"RIFF"
    assert "authorization" not in files.requests[0][1]


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({"status": "deleted"}, Expired, "deleted"),
        ({"status": "absent"}, Unavailable, "nothing"),
        ({"encryption_details": {"encryption_cek": "CANARY"}}, Unavailable, "encrypted"),
        ({"status": "processing"}, TryLater, "not done"),
        ({"status": "in-progress"}, TryLater, "not done"),
    ],
)
def test_a_recording_that_cannot_be_had(
    api: Storage, told: dict[str, Any], kind: type[ProviderFailed], words: str
) -> None:
    recorded(api, **told)
    found = failure(twilio(api), TWILIO_RECORDING)
    assert type(found) is kind
    assert words in str(found)
    assert len(api.requests) == 1


def test_a_recording_that_is_not_known_is_gone(api: Storage) -> None:
    assert isinstance(failure(twilio(api), TWILIO_RECORDING), Expired)
    recorded(api)
    assert isinstance(failure(twilio(api), TWILIO_RECORDING), Expired)
    api.paths[f"{RECORDING_PATH}.json"] = says(401)
    assert isinstance(failure(twilio(api), TWILIO_RECORDING), NeedsAdmin)
    api.paths[f"{RECORDING_PATH}.json"] = gives(b"<html>", "text/html")
    assert isinstance(failure(twilio(api), TWILIO_RECORDING), TryLater)


# -- WhatsApp ------------------------------------------------------------------------------------------

GRAPH_PATH = f"/v26.0/{GRAPH_MEDIA['media_id']}"
HEX = hashlib.sha256(PICTURE).hexdigest()
BASE64 = base64.b64encode(hashlib.sha256(PICTURE).digest()).decode()


@pytest.mark.parametrize("written", [HEX, HEX.upper(), BASE64, BASE64.rstrip("="), None])
def test_whatsapp_s_media_need_the_token_twice(
    api: Storage, files: Storage, written: str | None
) -> None:
    api.paths[GRAPH_PATH] = tells({"url": f"{files.base}/x?hash=CANARY", "file_size": "303"})
    files.paths["/x"] = gives(PICTURE)
    connection = meta("whatsapp", api, files, phone_number_id="27681414235104944")
    content, expected = fetched(connection, {**GRAPH_MEDIA, "sha256": written})
    assert content == PICTURE
    assert expected == (hashlib.sha256(PICTURE).digest() if written else None)
    assert api.requests[0][0] == f"{GRAPH_PATH}?phone_number_id=27681414235104944"
    assert api.requests[0][1]["authorization"] == f"Bearer {TOKEN}"
    assert files.requests[0][1]["authorization"] == f"Bearer {TOKEN}"


def test_the_hash_of_the_answer_serves_where_the_message_has_none(
    api: Storage, files: Storage
) -> None:
    api.paths[GRAPH_PATH] = tells({"url": f"{files.base}/x", "sha256": HEX})
    files.paths["/x"] = gives(PICTURE)
    assert fetched(meta("whatsapp", api, files), GRAPH_MEDIA)[1] == bytes.fromhex(HEX)


@pytest.mark.parametrize("text", ["", "x", "0" * 63, "g" * 64, "AAAA", 5, None, "=" * 44, "é" * 44])
def test_what_is_no_hash_is_none(text: Any) -> None:
    assert digest(text) is None


def test_a_base_may_name_its_version(api: Storage, files: Storage) -> None:
    api.paths[f"/v24.0/{GRAPH_MEDIA['media_id']}"] = tells({"url": f"{files.base}/x"})
    files.paths["/x"] = gives(PICTURE)
    for more in ({"api_base": f"{api.base}/v24.0/"}, {"api_version": "v24.0"}):
        assert fetched(meta("whatsapp", api, files, **more), GRAPH_MEDIA)[0] == PICTURE


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x?hash=CANARY", "http://lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com.example.org/x",
        "https://graph.facebook.com/x", "http://127.0.0.1:1/x", "file:///etc/passwd", "x", "",
    ],
)  # fmt: skip
def test_the_token_goes_to_no_other_host(api: Storage, files: Storage, url: str) -> None:
    api.paths[GRAPH_PATH] = tells({"url": url})
    assert isinstance(failure(meta("whatsapp", api, files), GRAPH_MEDIA), NotAllowed)
    assert not files.requests


def test_the_token_does_not_follow_a_redirect(api: Storage, files: Storage) -> None:
    api.paths[GRAPH_PATH] = tells({"url": f"{files.base}/x"})
    files.paths["/x"] = says(302, Location="/y")
    files.paths["/y"] = gives(PICTURE)
    assert fetched(meta("whatsapp", api, files), GRAPH_MEDIA)[0] == PICTURE
    assert "authorization" not in files.asked("/y")[0]


def test_a_file_that_is_too_large_by_graph_s_word_is_not_asked_for(
    api: Storage, files: Storage
) -> None:
    api.paths[GRAPH_PATH] = tells({"url": f"{files.base}/x", "file_size": MOST_BYTES + 1})
    assert isinstance(failure(meta("whatsapp", api, files), GRAPH_MEDIA), NotAllowed)
    assert not files.requests


def test_after_a_week_nobody_is_asked(api: Storage) -> None:
    found = failure(meta("whatsapp", api), GRAPH_MEDIA, age=timedelta(days=7, minutes=1))
    assert isinstance(found, Expired)
    assert "7 days" in str(found)
    assert not api.requests


def error(code: int, status: int = 400, **more: Any) -> Any:
    return tells({"error": {"message": "CANARY", "code": code, **more}}, status)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(190, 401, error_subcode=463), NeedsAdmin),
        (error(10, 403), NeedsAdmin),
        (error(100, error_subcode=33), Expired),
        (error(100, 404), Expired),
        (error(100), ProviderFailed),
        (error(4), Resting),
        (error(130429), Resting),
        (error(368), Resting),
        (error(1, 500), TryLater),
        (says(502, b"<html>CANARY"), TryLater),
        (tells({"error": {"code": 190}}), TryLater),
        (tells({"id": "1"}), TryLater),
        (gives(b"[]", "application/json"), TryLater),
        (gives(b"<html>", "text/html"), TryLater),
    ],
)
def test_what_graph_says(api: Storage, answer: Any, kind: type[ProviderFailed]) -> None:
    api.paths[GRAPH_PATH] = answer
    found = failure(meta("whatsapp", api), GRAPH_MEDIA)
    assert isinstance(found, kind)
    assert isinstance(found, TryLater) == issubclass(kind, TryLater)
    assert len(api.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_address_that_graph_made_a_moment_ago_is_asked_for_again(
    api: Storage, files: Storage, status: int
) -> None:
    api.paths[GRAPH_PATH] = tells({"url": f"{files.base}/x"})
    files.paths["/x"] = in_turn(says(status), gives(PICTURE))
    connection = meta("whatsapp", api, files)
    assert isinstance(failure(connection, GRAPH_MEDIA), TryLater)
    assert fetched(connection, GRAPH_MEDIA)[0] == PICTURE


# -- Messenger and Instagram ---------------------------------------------------------------------------

PAGE = "100200300400500"
MESSAGE_PATH = "/v26.0/m_CANARY%3D"


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_an_address_of_the_message_needs_no_token(
    api: Storage, files: Storage, channel: str
) -> None:
    files.paths["/x"] = gives(PICTURE)
    source = {"kind": "url", "url": f"{files.base}/x?signature=CANARY", "index": 0}
    assert fetched(meta(channel, api, files), source) == (PICTURE, None)
    assert "authorization" not in files.requests[0][1]
    assert not api.requests


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize(
    "entry",
    [
        {"image_data": {"url": "{base}/new"}},
        {"video_data": {"url": "{base}/new"}},
        {"file_url": "{base}/new"},
    ],
)
def test_a_dead_address_is_asked_for_anew(
    api: Storage, files: Storage, status: int, entry: dict[str, Any]
) -> None:
    files.paths["/old"] = says(status)
    files.paths["/new"] = gives(PICTURE)
    listed = json.loads(json.dumps([{"file_url": "x"}, entry]).replace("{base}", files.base))
    api.paths[MESSAGE_PATH] = tells({"id": "m", "attachments": {"data": listed}})
    source = {"kind": "url", "url": f"{files.base}/old", "index": 1}
    assert fetched(meta("messenger", api, files), source)[0] == PICTURE
    assert [path for path, _ in api.requests] == [
        f"/{VERSION}/{PAGE}?fields=access_token",
        f"{MESSAGE_PATH}?fields=attachments",
    ]
    assert {headers["authorization"] for _, headers in api.requests} == {f"Bearer {TOKEN}"}
    assert all("authorization" not in headers for _, headers in files.requests)


@pytest.mark.parametrize(
    "answer",
    [
        error(100, error_subcode=33),
        tells({"id": "m"}),
        tells({"attachments": {"data": []}}),
        tells({"attachments": {"data": [{"mime_type": "image/png"}]}}),
        tells({"attachments": [1]}),
    ],
)
def test_an_address_that_nobody_can_renew_has_expired(
    api: Storage, files: Storage, answer: Any
) -> None:
    api.paths[MESSAGE_PATH] = answer
    source = {"kind": "url", "url": f"{files.base}/old"}
    assert isinstance(failure(meta("messenger", api, files), source), Expired)


def test_a_fresh_address_is_asked_for_once_and_checked_like_any(
    api: Storage, files: Storage
) -> None:
    source = {"kind": "url", "url": f"{files.base}/old"}
    connection = meta("messenger", api, files)
    for fresh, kind in ((f"{files.base}/gone", Expired), ("http://169.254.169.254/", NotAllowed)):
        api.paths[MESSAGE_PATH] = tells({"attachments": {"data": [{"file_url": fresh}]}})
        api.requests.clear()
        assert isinstance(failure(connection, source), kind)
        assert [path for path, _ in api.requests][-1:] == [f"{MESSAGE_PATH}?fields=attachments"]
        assert sum(path.startswith(MESSAGE_PATH) for path, _ in api.requests) == 1


def test_a_dead_token_does_not_stop_files_that_need_none(api: Storage, files: Storage) -> None:
    api.paths[MESSAGE_PATH] = error(190, 401)
    source = {"kind": "url", "url": f"{files.base}/old"}
    assert isinstance(failure(meta("messenger", api, files), source), TryLater)


@pytest.mark.parametrize(
    ("channel", "more", "host"),
    [
        ("messenger", {"page_id": PAGE}, "graph.facebook.com"),
        ("instagram", {}, "graph.instagram.com"),
        ("instagram", {"flavour": "instagram"}, "graph.instagram.com"),
        ("instagram", {"flavour": "facebook", "page_id": PAGE}, "graph.facebook.com"),
        ("whatsapp", {}, "graph.facebook.com"),
    ],
)
def test_which_graph_is_asked(channel: str, more: dict[str, str], host: str) -> None:
    asked: list[str] = []

    def resolve(name: str, port: int) -> list[str]:
        asked.append(name)
        return []

    connection = Connection(
        connection_id="c1", channel=channel, name="", settings=more, secrets={"access_token": TOKEN}
    )
    found = failure(connection, GRAPH_MEDIA, client=SafeClient(resolve=resolve))
    assert isinstance(found, Unreachable)
    assert asked == [host]
