"""The guarded client: only the hosts of a list, only addresses that were checked, never more than it asked for."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import logging
import os
import ssl
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers import safe_http
from providers.failures import NotAllowed
from providers.public_addresses import is_private, is_public, parsed
from providers.safe_http import Hosts, SafeClient, Unreachable
from tests.pipelines.storage import Storage, gives, running, says

PROVIDER = Hosts(patterns=("media.example.com", "*.cdn.example.com"))
PUBLIC = "93.184.216.34"
LIMIT = 1_000_000


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running(Storage()) as made:
        yield made


@pytest.fixture
def named(storage: Storage) -> Hosts:
    return Hosts.listed([storage.place])


def body(client: SafeClient, url: str, hosts: Hosts, limit: int = LIMIT) -> bytes:
    with client.get(url, hosts) as answer:
        assert answer.status == 200
        return b"".join(answer.chunks(limit))


# -- which URLs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://media.example.com/a.png",
        "https://media.example.com:443/a?b=c%20d&e=/../f",
        "https://MEDIA.example.com/a",
        "https://x.cdn.example.com/",
        "https://x.y.z.cdn.example.com",
    ],
)
def test_a_provider_s_own_hosts_are_taken(url: str) -> None:
    place = PROVIDER.place(url)
    assert (place.scheme, place.port, place.is_named) == ("https", 443, False)
    assert place.target.startswith("/")


#: How others have been led astray: other hosts, other ports and schemes, and spellings that two programs read
#: differently.
LED_ASTRAY = [
    "http://media.example.com/", "http://media.example.com:80/", "http://media.example.com:443/", "https://media.example.com:80/",
    "https://media.example.com:8443/", "https://media.example.com:22/", "https://media.example.com:0/",
    "https://media.example.com:99999/", "ftp://media.example.com/", "file:///etc/passwd", "file://media.example.com/etc/passwd",
    "gopher://media.example.com/_x", "dict://media.example.com/", "data:image/png;base64,AAAA", "javascript:alert(1)",
    "//media.example.com/", "/etc/passwd", "media.example.com", "https:/media.example.com/", "https:media.example.com", "",
    "https://", "https:///", "https://?x", "https://user@media.example.com/", "https://user:password@media.example.com/",
    "https://media.example.com@127.0.0.1/", "https://media.example.com:443@127.0.0.1/", "https://127.0.0.1#@media.example.com/",
    "https://127.0.0.1\\@media.example.com/", "https://media.example.com\\.example.org/", "https:\\\\media.example.com/",
    "https://media.example.com%2eexample.org/", "https://media.example.com%00.example.org/", "https://media.example.com\t/",
    "https://media.exa\nmple.com/", "https://media.example.com/\r\nHost: example.org", " https://media.example.com/",
    "https://media.example.com /", "https://media.example.com./", "https://.media.example.com/", "https://media..example.com/",
    "https://media.example.com.example.org/", "https://example.org/media.example.com", "https://xmedia.example.com/",
    "https://cdn.example.com/", "https://xcdn.example.com/", "https://example.com/", "https://cdn.example.com.example.org/",
    "https://media\u3002example\u3002com/", "https://\uff4dedia.example.com/", "https://m\u00e9dia.example.com/",
    "https://xn--mdia-bpa.example.com/", "https://localhost/", "https://LOCALHOST/", "https://localhost.localdomain/",
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://0/", "https://0.0.0.0/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.1.nip.example.org/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/computeMetadata/v1/", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/", "https://[fe80::1]/",
    "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[media.example.com]/", "https://[::1/", "https://media.example.com]/",
    "https://media.example.com:/x:", "https://media.example.com:443:443/", "https://media.example.com:+443/", "https://media.example.com:４４３/",
]  # fmt: skip


@pytest.mark.parametrize("url", LED_ASTRAY)
def test_nothing_else_is_asked(url: str) -> None:
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return [PUBLIC]

    with pytest.raises(NotAllowed), SafeClient(resolve=resolve).get(url, PROVIDER):
        pass
    assert not looked_up


def test_the_list_is_long_enough() -> None:
    assert len(set(LED_ASTRAY)) >= 60


def test_a_named_port_is_open_and_no_other(storage: Storage, named: Hosts) -> None:
    storage.paths["/a"] = gives(b"content")
    assert body(SafeClient(), f"{storage.base}/a", named) == b"content"
    for url in (
        f"http://127.0.0.1:{storage.port + 1}/a",
        "http://127.0.0.1/a",
        f"http://localhost:{storage.port}/a",
        f"http://127.1:{storage.port}/a",
        f"http://x@127.0.0.1:{storage.port}/a",
    ):
        with pytest.raises(NotAllowed), SafeClient().get(url, named):
            pass


def test_a_host_named_without_a_port_stays_with_https_and_public_addresses() -> None:
    hosts = Hosts.listed([" Media.Example.com ", "", "*.example.net"])
    assert hosts.place("https://media.example.com/").port == 443
    for url in ("http://media.example.com/", "https://media.example.com:8443/"):
        with pytest.raises(NotAllowed):
            hosts.place(url)
    with (
        pytest.raises(NotAllowed),
        SafeClient().get("https://127.0.0.1/", Hosts.listed(["127.0.0.1"])),
    ):
        pass


# -- which addresses -----------------------------------------------------------------------------------

CLOSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a00:1::", "2002:808:808::", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OPEN = [
    "8.8.8.8", "93.184.216.34", "99.255.255.255", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "172.15.255.255", "172.32.0.1", "192.0.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2001:4860:4860::8888",
    "2606:2800:220:1:248:1893:25c8:1946", "2a03:2880:f12f:83:face:b00c:0:25de", "2400:cb00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_never_connected_to(address: str) -> None:
    assert not is_public(parsed(address))
    # Also where it hides behind a public one, which is what a name server does that wants to be asked again.
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        client = SafeClient(resolve=lambda host, port, answer=answer: answer)  # type: ignore[misc]
        for url in ("https://media.example.com/", "https://127.0.0.1.cdn.example.com/"):
            with (
                pytest.raises(NotAllowed, match="not of the public internet"),
                client.get(url, PROVIDER),
            ):
                pass


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_open(address: str) -> None:
    assert is_public(parsed(address))
    assert not is_private(parsed(address))


def test_what_is_closed_is_never_more_open_than_python_says() -> None:
    for address in map(ipaddress.ip_address, [*CLOSED, *OPEN]):
        assert not is_public(address) or address.is_global


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "100.64.0.1"]
)
def test_naming_a_port_opens_private_networks_and_not_the_metadata_of_clouds(address: str) -> None:
    client = SafeClient(resolve=lambda host, port: [address])
    hosts = Hosts.listed(["media.example.com:8080"])
    with pytest.raises(NotAllowed), client.get("http://media.example.com:8080/", hosts):
        pass


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(storage: Storage) -> None:
    storage.paths["/a"] = gives(b"content")
    hosts = Hosts.listed([f"media.example.com:{storage.port}"])
    answers = [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]]
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return answers[min(len(asked), len(answers)) - 1]

    url = f"http://media.example.com:{storage.port}/a"
    assert body(SafeClient(resolve=rebinding), url, hosts) == b"content"
    assert asked == [("media.example.com", storage.port)]
    assert storage.requests[0][1]["host"] == f"media.example.com:{storage.port}"


def test_the_next_address_is_tried_where_one_does_not_answer(storage: Storage) -> None:
    storage.paths["/a"] = gives(b"content")
    hosts = Hosts.listed([f"media.example.com:{storage.port}"])
    client = SafeClient(resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
    assert body(client, f"http://media.example.com:{storage.port}/a", hosts) == b"content"


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_is_unreachable(failure: Exception) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise failure

    with (
        pytest.raises(Unreachable, match="name servers"),
        SafeClient(resolve=resolve).get("https://media.example.com/", PROVIDER),
    ):
        pass


def test_the_system_s_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in safe_http.look_up("127.0.0.1", 80)
    assert all(not is_public(parsed(address)) for address in safe_http.look_up("localhost", 80))


# -- TLS -----------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("name", "is_right"), [("media.example.com", True), ("example.org", False)]
)
def test_the_certificate_is_that_of_the_name_and_not_of_the_address(
    tmp_path: Path, name: str, is_right: bool
) -> None:
    pem = certificate(tmp_path, name)
    storage = Storage()
    storage.paths["/a"] = gives(b"content")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    asked_for: list[str | None] = []
    server_side.sni_callback = lambda _, server_name, __: asked_for.append(server_name)
    storage.server.socket = server_side.wrap_socket(storage.server.socket, server_side=True)
    with running(storage):
        client = SafeClient(
            resolve=lambda host, port: ["127.0.0.1"],
            tls=ssl.create_default_context(cafile=str(pem)),
        )
        hosts = Hosts.listed([f"media.example.com:{storage.port}"])
        url = f"https://media.example.com:{storage.port}/a"
        if is_right:
            assert body(client, url, hosts) == b"content"
        else:
            with pytest.raises(Unreachable, match="certificate"):
                body(client, url, hosts)
            assert not storage.requests
    assert asked_for == ["media.example.com"]


# -- what comes ----------------------------------------------------------------------------------------


def test_too_large_by_its_own_word_is_refused_before_it_is_read(
    storage: Storage, named: Hosts
) -> None:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()

    storage.paths["/a"] = play
    started = time.monotonic()
    with pytest.raises(NotAllowed, match="larger than 1 MB"):
        body(SafeClient(), f"{storage.base}/a", named)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("is_chunked", [True, False])
def test_too_large_without_a_word_is_refused_at_the_cap(
    storage: Storage, named: Hosts, is_chunked: bool
) -> None:
    sent = 0

    def play(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        if is_chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        piece = b"x" * 100_000
        for _ in range(10_000):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            sent += len(piece)

    storage.paths["/a"] = play
    taken: list[int] = []
    with SafeClient().get(f"{storage.base}/a", named) as answer, pytest.raises(NotAllowed):
        taken.extend(map(len, answer.chunks(LIMIT)))
    assert sum(taken) <= LIMIT
    assert sent < 50_000_000


def test_a_compressed_answer_is_refused_and_not_unpacked(storage: Storage, named: Hosts) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    storage.paths["/a"] = gives(bomb, Content_Encoding="gzip")
    with pytest.raises(NotAllowed, match="compressed"):
        body(SafeClient(), f"{storage.base}/a", named)
    assert storage.requests[0][1]["accept-encoding"] == "identity"


def test_a_gzip_file_is_a_file(storage: Storage, named: Hosts) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    storage.paths["/a"] = gives(bomb, "application/gzip")
    assert body(SafeClient(), f"{storage.base}/a", named) == bomb


def test_a_body_that_breaks_off_is_no_file(storage: Storage, named: Hosts) -> None:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")

    storage.paths["/a"] = play
    with pytest.raises(Unreachable, match="broke off"):
        body(SafeClient(), f"{storage.base}/a", named)


@pytest.mark.parametrize("part", ["body", "headers"])
def test_a_drip_is_cut_off(storage: Storage, named: Hosts, part: str) -> None:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if part == "body":
            handler.wfile.write(b"Content-Length: 100000\r\n\r\n")
        for number in range(1_000):
            handler.wfile.write(b"x" if part == "body" else b"X-Slow-%d: 1\r\n" % number)
            time.sleep(0.05)

    storage.paths["/a"] = play
    started = time.monotonic()
    client = SafeClient(read_seconds=5, grace_seconds=0.5)
    with pytest.raises(Unreachable, match="slow"):
        body(client, f"{storage.base}/a", named)
    # The drip itself takes fifty.
    assert time.monotonic() - started < 30


def test_silence_is_cut_off(storage: Storage, named: Hosts) -> None:
    storage.paths["/a"] = lambda handler: time.sleep(30)
    started = time.monotonic()
    with pytest.raises(Unreachable, match="slow"):
        body(SafeClient(read_seconds=0.3), f"{storage.base}/a", named)
    assert time.monotonic() - started < 25


def test_a_long_file_has_all_the_time_it_uses(storage: Storage, named: Hosts) -> None:
    content = os.urandom(400_000)

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        for start in range(0, len(content), 20_000):
            handler.wfile.write(content[start : start + 20_000])
            time.sleep(0.1)

    storage.paths["/a"] = play
    assert body(SafeClient(grace_seconds=1), f"{storage.base}/a", named) == content


def test_a_redirect_is_an_answer(storage: Storage, named: Hosts) -> None:
    storage.paths["/a"] = says(302, Location="http://169.254.169.254/")
    with SafeClient().get(f"{storage.base}/a", named) as answer:
        assert answer.status == 302
        assert answer.headers["location"] == "http://169.254.169.254/"
    assert len(storage.requests) == 1


def test_no_proxy_of_the_environment_is_used(
    storage: Storage, named: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    storage.paths["/a"] = gives(b"content")
    assert body(SafeClient(), f"{storage.base}/a", named) == b"content"


def test_nobody_there_is_unreachable(named: Hosts) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        body(SafeClient(), "http://127.0.0.1:9/a", Hosts.listed(["127.0.0.1:9"]))


def test_no_text_of_ours_holds_a_url(
    storage: Storage, named: Hosts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    storage.paths["/a"] = says(200, b"x" * 100)
    storage.paths["/b"] = gives(b"", Content_Encoding="br")
    texts = []
    for url in (
        f"{storage.base}/a?signature=CANARY",
        f"{storage.base}/b?signature=CANARY",
        "https://example.org/?signature=CANARY",
        "https://user:CANARY@media.example.com/",
        "https://media.example.com:444/CANARY",
        "http://media.example.com/CANARY",
        "https://media.example.com/CANARY CANARY",
    ):
        client = SafeClient(resolve=lambda host, port: ["127.0.0.1"])
        with pytest.raises((NotAllowed, Unreachable)) as caught:
            body(client, url, Hosts(PROVIDER.patterns, named.named), limit=10)
        texts.append(str(caught.value))
    assert "CANARY" not in "".join(texts) + caplog.text


def test_an_answer_of_an_api_is_bounded(storage: Storage, named: Hosts) -> None:
    storage.paths["/a"] = gives(b'{"a": 1}', "application/json")
    storage.paths["/b"] = gives(b"[" * 900_000, "application/json")
    storage.paths["/c"] = gives(b"[" * (safe_http.JSON_BYTES + 1), "application/json")
    with SafeClient().get(f"{storage.base}/a", named) as answer:
        assert answer.json() == {"a": 1}
    with SafeClient().get(f"{storage.base}/b", named) as answer:
        assert answer.json() is None
    with SafeClient().get(f"{storage.base}/c", named) as answer, pytest.raises(NotAllowed):
        answer.json()
