"""Mail servers of a test: as much of SMTP as a mail is handed over with, in the clear, after STARTTLS, or within TLS."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What a server has to do with TLS.
CLEAR, STARTTLS, IMPLICIT = "clear", "starttls", "implicit"


@dataclass
class Heard:
    """What one server was told."""

    port: int = 0
    #: Each line that came before there was any encryption.
    in_the_clear: list[str] = field(default_factory=list)
    #: Each line that came within it.
    encrypted: list[str] = field(default_factory=list)
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)


class MailServer(socketserver.StreamRequestHandler):
    heard: Heard
    speaks = CLEAR
    tls: ssl.SSLContext | None = None
    is_encrypted = False
    #: Behind a line that allows encryption, in the clear: what somebody on the way would have us take for the server's.
    slipped_in = ""

    def handle(self) -> None:
        try:
            if self.speaks == IMPLICIT:
                self.encrypt()
            self.talk()
        except OSError:
            # Who does not trust us hangs up.
            return

    def encrypt(self) -> None:
        assert self.tls
        self.request = self.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.is_encrypted = True

    def talk(self) -> None:
        recipients: list[str] = []
        self.say("220 mail.example.com")
        while line := self.rfile.readline().decode().strip():
            (self.heard.encrypted if self.is_encrypted else self.heard.in_the_clear).append(line)
            verb = line.upper()
            if verb.startswith("EHLO"):
                offers = ["8BITMIME", "AUTH PLAIN"]
                if self.speaks == STARTTLS and not self.is_encrypted:
                    offers.append("STARTTLS")
                self.say("\r\n".join(f"250-{each}" for each in ["mail.example.com", *offers[:-1]]))
                self.say(f"250 {offers[-1]}")
            elif verb == "STARTTLS" and self.speaks == STARTTLS:
                self.say(f"220 go on{self.slipped_in}")
                self.encrypt()
            elif verb.startswith("AUTH"):
                self.say("235 welcome")
            elif verb.startswith("RCPT"):
                recipients.append(line.partition("<")[2].partition(">")[0])
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                content = b""
                while (piece := self.rfile.readline()) != b".\r\n":
                    content += piece
                self.heard.taken.append((recipients, content))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def listening(server: Any) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server(
    speaks: str = CLEAR, tls: ssl.SSLContext | None = None, slipped_in: str = ""
) -> Iterator[Heard]:
    heard = Heard()
    handler = type(
        "Handler",
        (MailServer,),
        {"heard": heard, "speaks": speaks, "tls": tls, "slipped_in": slipped_in},
    )
    with listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as heard.port:
        yield heard


class Authority:
    """A certificate authority of a test's own, and what it signs. `file` is what who trusts it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        made = self._certificate(self._name, self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        self._subject = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        signed = made.add_extension(self._subject, critical=False).sign(self._key, hashes.SHA256())
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def server(self, name: str) -> ssl.SSLContext:
        """What a server of this name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._subject)
        signed = (
            self._certificate(subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self.folder / f"{name}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            self._name, subject, key, x509.random_serial_number(), now - timedelta(hours=1),
            now + timedelta(days=1),
        )  # fmt: skip


USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
