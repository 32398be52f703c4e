"""What leaves this installation for its own admins: a notice by webhook, or by the mail server that they named.

The only way by which anything of ours is written to anybody. Where it goes is set by whoever runs the installation
(CRM_ALERT_WEBHOOK, CRM_ALERT_MAIL_SERVER) and by nobody on a page; whom a mail goes to the caller asks of the users of
the role admin (app/alerts.py), and a customer's address is nowhere near. The address is looked up once and checked as
every other (`providers/safe_http.py`), it is none of our own programs (`warehouse/own_programs.py`), and a redirect is
not followed.
"""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from providers.failures import NotAccepted, NotAllowed, TryLater
from providers.public_addresses import is_public, parsed
from providers.safe_http import (
    Hosts,
    Place,
    Resolver,
    SafeClient,
    Unreachable,
    checked_addresses,
    look_up,
)
from warehouse import own_programs
from warehouse.settings import Settings

SECONDS = 10.0
SUBMISSION = {"smtps": 465, "smtp": 587}


class Webhook(SafeClient):
    """Posts one document to one address."""

    def __init__(
        self, *, resolve: Resolver | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(
            resolve=resolve, tls=tls, read_seconds=SECONDS, total_seconds=SECONDS * 2,
            grace_seconds=SECONDS,
        )  # fmt: skip

    def post(self, settings: Settings, url: str, document: dict[str, Any]) -> None:
        """
        Raises:
            NotAllowed: it would go to one of our own programs, to nowhere that is open to us, or without encryption
                through the internet.
            NotAccepted, TryLater: it was not taken.
        """
        _refuse_own(settings, url)
        hosts = Hosts.of_base(url)
        place = hosts.place(url)
        if place.scheme != "https" and any(
            is_public(parsed(each)) for each in checked_addresses(place, self.resolve)
        ):
            raise NotAllowed(
                f"{place.host} would be told without encryption: give an https address"
            )
        headers = {"Content-Type": "application/json"}
        content = json.dumps(document).encode()
        with self._ask("POST", url, hosts, headers, content) as answer:
            said = f"{place.host} answered {answer.status}"
            if 200 <= answer.status < 300:
                return
            if answer.status in (408, 425, 429) or answer.status >= 500:
                raise TryLater(said)
            raise NotAccepted(said)


def mail(
    settings: Settings,
    server: str,
    sender: str,
    recipients: Sequence[str],
    subject: str,
    body: str,
    *,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Hand one mail to the mail server that the installation names.

    Raises:
        NotAllowed: the server is one of our own programs, or it would go there without encryption.
        NotAccepted, TryLater: it was not taken.
    """
    parts = urlsplit(server)
    host, port = (parts.hostname or "").lower(), parts.port or SUBMISSION[parts.scheme]
    host = f"[{host}]" if ":" in host else host
    _refuse_own(settings, f"{parts.scheme}://{host}:{port}")
    place = Place(parts.scheme, host, port, "/", is_named=True)
    (address, *_) = checked_addresses(place, resolve or look_up)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    context = tls or ssl.create_default_context()
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Subject"] = " ".join(subject.split())
    message["Date"], message["Message-ID"] = (
        formatdate(),
        make_msgid(domain=sender.rpartition("@")[2]),
    )
    # Whoever is away must not answer it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    host = host.strip("[]")
    try:
        with _session(parts.scheme, address, host, port, context) as session:
            _encrypt(session, parts.scheme, address, host, context, has_password=bool(password))
            if user:
                session.login(user, password)
            # One who is refused keeps the others from nothing.
            session.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise NotAccepted(
            f"{host} refuses the name or the password of CRM_ALERT_MAIL_SERVER"
        ) from None
    except smtplib.SMTPResponseException as refusal:
        kind = TryLater if 400 <= refusal.smtp_code < 500 else NotAccepted
        raise kind(f"{host} answered {refusal.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as refusal:
        codes = sorted({code for code, _ in refusal.recipients.values()})
        raise NotAccepted(f"{host} refuses every admin's address ({codes[0]})") from None
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.partition(",")[0]
        raise TryLater(f"{host} has no certificate that is valid for it: {why}") from None
    except ssl.SSLError:
        raise TryLater(
            f"{host} and we do not agree on TLS at this port: smtps:// begins with it, smtp:// asks for it"
        ) from None
    except (smtplib.SMTPException, OSError) as failure:
        raise Unreachable(f"{host} broke off ({type(failure).__name__})") from None


def _refuse_own(settings: Settings, url: str) -> None:
    if own_programs.is_own(settings, url):
        raise NotAllowed("the address is one of our own programs")


def _session(
    scheme: str, address: str, host: str, port: int, context: ssl.SSLContext
) -> smtplib.SMTP:
    """A session with the address that was checked, under the server's own name."""
    if scheme == "smtps":
        return _Tls(lambda: socket.create_connection((address, port), SECONDS), host, port, context)
    return _Plain(lambda: socket.create_connection((address, port), SECONDS), host, port)


class _Plain(smtplib.SMTP):
    def __init__(self, connect: Callable[[], socket.socket], host: str, port: int) -> None:
        self._connect = connect
        super().__init__(host, port, timeout=SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connect()


class _Tls(smtplib.SMTP_SSL):
    def __init__(
        self, connect: Callable[[], socket.socket], host: str, port: int, context: ssl.SSLContext
    ) -> None:
        self._connect = connect
        super().__init__(host, port, timeout=SECONDS, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(self._connect(), server_hostname=host)


def _encrypt(
    session: smtplib.SMTP,
    scheme: str,
    address: str,
    host: str,
    context: ssl.SSLContext,
    *,
    has_password: bool,
) -> None:
    if scheme == "smtps":
        return
    session.ehlo()
    if session.has_extn("starttls"):
        session.starttls(context=context)
        return
    if (has_password or is_public(parsed(address))) and not ip_address(address).is_loopback:
        raise NotAllowed(f"{host} offers no encryption: give a server that does")
