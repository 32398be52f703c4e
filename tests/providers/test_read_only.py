"""The promise that nobody is ever written to (FR-003): every way to send that a provider has is tried, and none leaves.

What would be sent is stopped in our own process, before a connection is opened: each test counts what a listening
stand-in for the provider heard.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.failures import BackOff, NotAllowed
from providers.google import allowed as google_allowed
from providers.google.client import Mailbox
from providers.google.guarded import GuardedHttp
from providers.guard import TIME, Guard
from providers.meta import allowed as meta_allowed
from providers.meta import commands as meta_commands
from providers.meta.wire import Guarded
from providers.safe_http import Hosts, SafeClient
from providers.twilio import allowed as twilio_allowed
from providers.twilio.allowed import base_of
from providers.twilio.client import Account
from warehouse.connections import Connection

SID = "0" * 32
ACCOUNT = f"/2010-04-01/Accounts/AC{SID}"
USER = "/gmail/v1/users/me"

#: https://www.twilio.com/docs/messaging/api, /docs/voice/api, /docs/conversations/api, /docs/verify/api, and what else
#: writes to a person, rings at one, or changes or removes what is there.
TWILIO_SENDS = [
    ("POST", f"{ACCOUNT}/Messages.json"),
    ("POST", f"{ACCOUNT}/Messages/SM{SID}.json"),
    ("DELETE", f"{ACCOUNT}/Messages/SM{SID}.json"),
    ("POST", f"{ACCOUNT}/Messages/SM{SID}/Feedback.json"),
    ("DELETE", f"{ACCOUNT}/Messages/SM{SID}/Media/ME{SID}.json"),
    ("POST", f"{ACCOUNT}/Calls.json"),
    ("POST", f"{ACCOUNT}/Calls/CA{SID}.json"),
    ("DELETE", f"{ACCOUNT}/Calls/CA{SID}.json"),
    ("POST", f"{ACCOUNT}/Calls/CA{SID}/Recordings.json"),
    ("POST", f"{ACCOUNT}/Calls/CA{SID}/Streams.json"),
    ("POST", f"{ACCOUNT}/Calls/CA{SID}/UserDefinedMessages.json"),
    ("POST", f"{ACCOUNT}/Calls/CA{SID}/Payments.json"),
    ("POST", f"{ACCOUNT}/Conferences/CF{SID}/Participants.json"),
    ("POST", f"{ACCOUNT}/Conferences/CF{SID}.json"),
    ("DELETE", f"{ACCOUNT}/Recordings/RE{SID}.json"),
    ("DELETE", f"{ACCOUNT}/Transcriptions/TR{SID}.json"),
    ("POST", f"{ACCOUNT}/Queues/QU{SID}/Members/Front.json"),
    ("POST", f"{ACCOUNT}/SIP/Domains.json"),
    ("POST", f"{ACCOUNT}/OutgoingCallerIds.json"),
    ("POST", f"{ACCOUNT}/IncomingPhoneNumbers.json"),
    ("DELETE", f"{ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json"),
    ("POST", f"{ACCOUNT}.json"),
    ("POST", "/v1/Services"),
    ("DELETE", f"/v1/Services/MG{SID}"),
    ("POST", f"/v1/Services/MG{SID}/PhoneNumbers"),
    ("POST", "/v1/Conversations"),
    ("POST", f"/v1/Conversations/CH{SID}/Messages"),
    ("POST", f"/v1/Services/IS{SID}/Notifications"),
    ("POST", f"/v2/Services/VA{SID}/Verifications"),
    ("POST", f"/v2/Services/IS{SID}/Channels/CH{SID}/Messages"),
    ("POST", f"/v2/Flows/FW{SID}/Executions"),
    ("POST", f"/v1/Calls/CA{SID}/Transcriptions"),
    ("PUT", f"{ACCOUNT}/Messages.json"),
    ("PATCH", f"{ACCOUNT}/Calls/CA{SID}.json"),
]
#: Gmail v1: every method that is none of GET, and the media uploads.
GOOGLE_SENDS = [
    ("POST", f"{USER}/messages/send"),
    ("POST", f"/upload{USER}/messages/send"),
    ("POST", f"/resumable/upload{USER}/messages/send"),
    ("POST", f"{USER}/messages"),
    ("POST", f"/upload{USER}/messages"),
    ("POST", f"{USER}/messages/import"),
    ("POST", f"{USER}/messages/18c0/modify"),
    ("POST", f"{USER}/messages/18c0/trash"),
    ("POST", f"{USER}/messages/18c0/untrash"),
    ("DELETE", f"{USER}/messages/18c0"),
    ("POST", f"{USER}/messages/batchDelete"),
    ("POST", f"{USER}/messages/batchModify"),
    ("POST", f"{USER}/drafts"),
    ("POST", f"{USER}/drafts/send"),
    ("POST", f"/upload{USER}/drafts/send"),
    ("PUT", f"{USER}/drafts/18c0"),
    ("DELETE", f"{USER}/drafts/18c0"),
    ("POST", f"{USER}/threads/18c0/modify"),
    ("POST", f"{USER}/threads/18c0/trash"),
    ("DELETE", f"{USER}/threads/18c0"),
    ("POST", f"{USER}/labels"),
    ("PUT", f"{USER}/labels/x"),
    ("PATCH", f"{USER}/labels/x"),
    ("DELETE", f"{USER}/labels/x"),
    ("POST", f"{USER}/stop"),
    ("PUT", f"{USER}/settings/vacation"),
    ("PUT", f"{USER}/settings/autoForwarding"),
    ("POST", f"{USER}/settings/forwardingAddresses"),
    ("POST", f"{USER}/settings/filters"),
    ("POST", f"{USER}/settings/sendAs"),
    ("PATCH", f"{USER}/settings/sendAs/a"),
    ("POST", f"{USER}/settings/delegates"),
    ("PUT", f"{USER}/settings/imap"),
    # Nor as somebody else, nor what a pull does not need.
    ("GET", "/gmail/v1/users/other/messages"),
    ("GET", f"{USER}/drafts"),
]
#: https://developers.facebook.com/docs/messenger-platform, /docs/whatsapp/cloud-api, /docs/instagram-platform: what
#: writes to a person, publishes, or changes or removes what is there.
META_SENDS = [
    ("POST", "/v26.0/me/messages"),
    ("POST", "/v26.0/100200300400500/messages"),
    ("POST", "/v26.0/106540352242922/messages"),
    ("POST", "/v26.0/106540352242922/marketing_messages"),
    ("POST", "/v26.0/106540352242922/media"),
    ("POST", "/v26.0/106540352242922/calls"),
    ("POST", "/v26.0/106540352242922/register"),
    ("POST", "/v26.0/106540352242922/whatsapp_business_profile"),
    ("POST", "/v26.0/106540352242922/block_users"),
    ("POST", "/v26.0/106540352242922"),
    ("POST", "/v26.0/102290129340398/message_templates"),
    ("DELETE", "/v26.0/102290129340398/message_templates"),
    ("POST", "/v26.0/100200300400500/feed"),
    ("POST", "/v26.0/100200300400500/photos"),
    ("POST", "/v26.0/100200300400500/message_attachments"),
    ("POST", "/v26.0/100200300400500/pass_thread_control"),
    ("POST", "/v26.0/100200300400500/take_thread_control"),
    ("POST", "/v26.0/100200300400500/custom_labels"),
    ("POST", "/v26.0/me/messenger_profile"),
    ("DELETE", "/v26.0/me/messenger_profile"),
    ("POST", "/v26.0/17841400008460056/media"),
    ("POST", "/v26.0/17841400008460056/media_publish"),
    ("POST", "/v26.0/17895695668004550/comments"),
    ("POST", "/v26.0/17895695668004550/private_replies"),
    ("DELETE", "/v26.0/17895695668004550"),
    ("DELETE", "/v26.0/m_AbC"),
    ("POST", "/v26.0/"),
    ("POST", "/v26.0/me"),
    ("POST", "/"),
    ("PUT", "/v26.0/me/subscribed_apps"),
    ("PATCH", "/v26.0/me/subscribed_apps"),
    ("DELETE", "/v26.0/106540352242922/smb_app_data"),
]


class Heard(BaseHTTPRequestHandler):
    """A provider that takes everything, and remembers that it was asked."""

    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(f"{self.command} {self.path}")
        self.send_response(200)
        content = b'{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}'
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def heard() -> Iterator[tuple[str, list[str]]]:
    """Where it listens, and what it heard."""
    requests: list[str] = []
    handler = type("Handler", (Heard,), {"requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


def account(base: str) -> Account:
    secrets = {"auth_token": "t" * 32}
    keys = {"account_sid": f"AC{SID}", "api_base": base}
    return Account(
        Connection(
            connection_id="c1", channel="twilio_sms", name="", settings=keys, secrets=secrets
        )
    )


def mailbox(base: str) -> Mailbox:
    keys = {
        "address": "help@example.com",
        "api_base": base,
        "token_uri": f"{base}/token",
        "client_id": "i",
    }
    secrets = {"client_secret": "s", "refresh_token": "r"}
    of = Connection(connection_id="c2", channel="gmail", name="", settings=keys, secrets=secrets)
    return Mailbox(of, BackOff(attempts=1))


@pytest.mark.parametrize(("method", "path"), TWILIO_SENDS)
def test_nothing_of_twilios_that_sends_leaves(
    heard: tuple[str, list[str]], method: str, path: str
) -> None:
    base, requests = heard
    asking = account(base)
    with pytest.raises(NotAllowed):
        asking._once(method, base, path, {}, {"To": "+61491570006", "Body": "hello"})
    with pytest.raises(NotAllowed):
        asking._once(method, base, path, {}, {})
    assert requests == []


@pytest.mark.parametrize(
    "fields",
    [
        {"VoiceUrl": "https://crm.example.com/"},
        {"SmsUrl": "https://crm.example.com/", "VoiceUrl": "https://crm.example.com/"},
        {"SmsApplicationSid": f"AP{SID}"},
        {"FriendlyName": "x"},
        {"AccountSid": f"AC{SID}"},
    ],
)
def test_of_a_number_only_the_addresses_of_its_webhooks_are_set(
    heard: tuple[str, list[str]], fields: dict[str, str]
) -> None:
    base, requests = heard
    for path in (f"{ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json", f"/v1/Services/MG{SID}"):
        with pytest.raises(NotAllowed, match="never sets"):
            account(base).change(path, fields)
    assert requests == []
    # What may be set is sent: the stand-in does hear.
    account(base).change(
        f"{ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json", {"SmsUrl": "https://crm.example.com/"}
    )
    assert requests == [f"POST {ACCOUNT}/IncomingPhoneNumbers/PN{SID}.json"]


@pytest.mark.parametrize(
    "next_page",
    [
        "@127.0.0.1:1/2010-04-01/Accounts/x/Messages.json",
        ".evil.example.com/Messages.json",
        f"{ACCOUNT}/../../Messages.json",
        f"{ACCOUNT}/Messages/..%2f..%2fx.json",
        "//evil.example.com/Messages.json",
        "/v1/Conversations",
        "https://evil.example.com/",
    ],
)
def test_an_address_in_an_answer_leads_nowhere_else(
    heard: tuple[str, list[str]], next_page: str
) -> None:
    base, requests = heard
    with pytest.raises(NotAllowed):
        account(base)._once("GET", base, next_page, {}, {})
    assert requests == []


def test_a_file_is_asked_for_where_files_are(heard: tuple[str, list[str]]) -> None:
    base, requests = heard
    asking, client = account(base), SafeClient()
    for path in ("Messages", "Calls/CA1.mp3", f"Messages/SM{SID}/Media/../../x", "Keys.json"):
        with pytest.raises(NotAllowed), asking.file(client, path, Hosts.of_base(base)):
            raise AssertionError("it was asked for")
    assert requests == []


@pytest.mark.parametrize(("method", "path"), GOOGLE_SENDS)
def test_nothing_of_googles_that_sends_leaves(
    heard: tuple[str, list[str]], method: str, path: str
) -> None:
    base, requests = heard
    http = GuardedHttp(base, f"{base}/token", 5.0)
    for body in (None, "{}", '{"raw": "RnJvbTog"}', b"From: a\n\nhello"):
        with pytest.raises(NotAllowed):
            http.request(f"{base}{path}?alt=json", method=method, body=body)
    assert requests == []


@pytest.mark.parametrize(
    "part",
    [
        "POST /gmail/v1/users/me/messages/send HTTP/1.1",
        "DELETE /gmail/v1/users/me/messages/18c0 HTTP/1.1",
        "GET /gmail/v1/users/me/drafts HTTP/1.1",
        "GET /gmail/v1/users/me/messages/1/../send HTTP/1.1",
        "post /gmail/v1/users/me/messages/send HTTP/1.1",
        "POST /gmail/v1/users/me/messages/send",
    ],
)
def test_a_batch_hides_nothing(heard: tuple[str, list[str]], part: str) -> None:
    base, requests = heard
    reading = "Content-Type: application/http\n\nGET /gmail/v1/users/me/messages/18c0?format=raw HTTP/1.1\n\n"
    body = f"--b\n{reading}--b\nContent-Type: application/http\n\n{part}\n\n--b--"
    with pytest.raises(NotAllowed):
        GuardedHttp(base, f"{base}/token", 5.0).request(f"{base}/batch", method="POST", body=body)
    assert requests == []


def test_googles_own_client_cannot_send_through_us(heard: tuple[str, list[str]]) -> None:
    """Its methods are all there, and none of those that write gets out."""
    base, requests = heard
    users = mailbox(base).users
    tried = [
        users.messages().send(userId="me", body={"raw": "RnJvbTog"}),
        users.messages().insert(userId="me", body={"raw": "RnJvbTog"}),
        users.messages().trash(userId="me", id="18c0"),
        users.drafts().create(userId="me", body={}),
        users.drafts().send(userId="me", body={"id": "1"}),
        users.settings().updateVacation(userId="me", body={"enableAutoReply": True}),
        users.stop(userId="me"),
    ]
    for request in tried:
        with pytest.raises(NotAllowed):
            request.execute()
    # A token is asked for before a call is made; that is all that left.
    assert set(requests) == {"POST /token"}
    # And what reads does get out.
    assert mailbox(base).profile() == {
        "access_token": "t",
        "expires_in": 3600,
        "token_type": "Bearer",
    }


def page(base: str) -> Connection:
    keys = {"page_id": "100200300400500", "api_base": base}
    secrets = {"access_token": "EAAG-an-invented-token", "app_secret": "s"}
    return Connection(
        connection_id="c3", channel="messenger", name="", settings=keys, secrets=secrets
    )


@pytest.mark.parametrize(("method", "path"), META_SENDS)
def test_nothing_of_metas_that_sends_leaves(
    heard: tuple[str, list[str]], method: str, path: str
) -> None:
    base, requests = heard
    said = {"recipient": "1", "message": "hello"}
    for sent in ({"params": said}, {"data": said}, {"json": said}, {}):
        with pytest.raises(NotAllowed), Guarded(page(base)) as session:
            session.request(method, f"{base}{path}", **sent)
    with pytest.raises(NotAllowed):
        meta_commands.call(page(base), method, path.removeprefix("/v26.0/"), body=said)
    assert requests == []


@pytest.mark.parametrize("sent", ["params", "data", "json"])
def test_a_subscription_carries_nothing_else(heard: tuple[str, list[str]], sent: str) -> None:
    base, requests = heard
    url = f"{base}/v26.0/100200300400500/subscribed_apps"
    with pytest.raises(NotAllowed, match="never sets message"), Guarded(page(base)) as session:
        session.request(
            "POST", url, **{sent: {"subscribed_fields": "messages", "message": "hello"}}
        )
    assert requests == []
    with Guarded(page(base)) as session:
        session.request("POST", url, **{sent: {"subscribed_fields": "messages"}})
    assert len(requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/v26.0/me",
        "http://graph.facebook.com.evil.example.com/v26.0/me",
        "{base}@evil.example.com/v26.0/me",
    ],
)
def test_metas_token_goes_to_meta_alone(heard: tuple[str, list[str]], url: str) -> None:
    base, requests = heard
    with pytest.raises(NotAllowed, match="another host"), Guarded(page(base)) as session:
        session.get(url.format(base=base))
    assert requests == []


@pytest.mark.parametrize(
    "guard",
    [twilio_allowed.GUARD, google_allowed.GUARD, meta_allowed.GUARD],
    ids=lambda g: g.provider,
)
def test_what_writes_is_our_own_registration_alone(guard: Guard) -> None:
    writing = [each for each in guard.allowed if each.method != "GET" and each is not TIME]
    # Meta's subscriptions are taken back with what was subscribed.
    assert {each.method for each in writing} <= (
        {"POST", "DELETE"} if guard.provider == "Meta" else {"POST"}
    )
    assert all(each.fields is not None for each in writing)
    assert {name for each in writing for name in each.fields or ()} <= {
        "SmsUrl", "SmsMethod", "StatusCallback", "StatusCallbackMethod", "topicName",
        "object", "callback_url", "verify_token", "fields", "subscribed_fields", "override_callback_uri",
        "messaging_product", "sync_type",
    }  # fmt: skip


@given(
    st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "get", "HEAD", "OPTIONS", ""]),
    st.text(max_size=80),
)
def test_any_other_request_is_none_of_ours(method: str, text: str) -> None:
    for guard in (twilio_allowed.GUARD, google_allowed.GUARD, meta_allowed.GUARD):
        for path in (text, f"/{text}", f"{ACCOUNT}/{text}", f"{USER}/{text}"):
            with pytest.raises(NotAllowed):
                guard.check(method, path, ["Body"])


def test_one_host_for_every_product() -> None:
    of = Connection(
        connection_id="c1", channel="twilio_sms", name="",
        settings={"account_sid": f"AC{SID}", "edge": "sydney"}, secrets={"auth_token": "t"},
    )  # fmt: skip
    assert base_of(of) == "https://api.sydney.us1.twilio.com"
    asking = Account(of)
    assert asking._base_of(f"{ACCOUNT}.json") == "https://api.sydney.us1.twilio.com"
    assert asking._base_of("/v1/Services") == "https://messaging.sydney.us1.twilio.com"
    assert asking.hosts.patterns == ("api.sydney.us1.twilio.com",)


def test_the_environment_does_not_move_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    of = Connection(
        connection_id="c1", channel="twilio_sms", name="",
        settings={"account_sid": f"AC{SID}"}, secrets={"auth_token": "t"},
    )  # fmt: skip
    asking = Account(of)
    assert asking.client.get_hostname(f"{asking.base}/x") == "https://api.twilio.com/x"
