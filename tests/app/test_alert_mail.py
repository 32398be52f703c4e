"""Notices by mail over TLS: to a server that is who it says, and in the clear to nobody who is elsewhere."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from app import act_alerts, alerts, database, health
from app.views import alert_html
from providers import admins
from providers.failures import NotAllowed
from tests.app.conftest import Correspondence
from tests.app.mail_servers import CLEAR, IMPLICIT, STARTTLS, Authority, Heard, mail_server
from warehouse.settings import Settings

SCHEMES = {STARTTLS: "smtp", IMPLICIT: "smtps"}
PASSWORD = "a-mail-password"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(autouse=True)
def _trusts(trusted: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installation whose machine knows the authority of its own mail server."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))


class Office:
    """An installation with one admin, whose notices go to one mail server."""

    def __init__(self, correspondence: Correspondence) -> None:
        self.correspondence = correspondence
        self.admin = correspondence.signed_in("admin", "admin")
        correspondence.execute("update crm.users set email = user_name || '@example.com'")
        self._playing = ExitStack()

    def server(
        self, speaks: str, tls: ssl.SSLContext | None = None, *, scheme: str = "", **more: str
    ) -> Heard:
        """A mail server that notices go to from now on."""
        heard = self._playing.enter_context(mail_server(speaks, tls, **more))
        scheme = scheme or SCHEMES[speaks]
        url = f"{scheme}://crm:{PASSWORD}@localhost:{heard.port}"
        given = {"alert_mail_server": SecretStr(url), "alert_mail_from": "crm@example.com"}
        self.settings = self.correspondence.settings.model_copy(update=given)
        database.use(self.settings)
        return heard

    def tell(self) -> str:
        """Have a notice sent; what the page says became of it."""
        self.correspondence.execute("delete from crm.alerts")
        act_alerts.try_now(self.admin)
        told = health.told_admins(self.admin)
        return alert_html.alerts(told.newest, ZoneInfo("Australia/Sydney"), datetime.now(UTC))

    def close(self) -> None:
        database.use(self.correspondence.settings)
        self._playing.close()


@pytest.fixture
def office(correspondence: Correspondence) -> Iterator[Office]:
    made = Office(correspondence)
    yield made
    made.close()


@pytest.mark.parametrize("speaks", SCHEMES)
def test_a_notice_comes_by_tls(office: Office, trusted: Authority, speaks: str) -> None:
    heard = office.server(speaks, trusted.server("localhost"))
    assert "sent</span>" in office.tell()
    ((recipients, content),) = heard.taken
    assert recipients == ["admin@example.com"]
    assert b"A trial" in content
    # The password and the mail went within TLS alone.
    assert any(line.startswith("AUTH PLAIN") for line in heard.encrypted)
    assert [line.split()[0].upper() for line in heard.in_the_clear] == (
        ["EHLO", "STARTTLS"] if speaks == STARTTLS else []
    )


@pytest.mark.parametrize("speaks", SCHEMES)
@pytest.mark.parametrize(
    ("whose", "name", "said"),
    [
        ("a stranger's", "localhost", "has no certificate that is valid for it: unable to get local issuer certificate"),
        ("ours", "mail.example.com", "has no certificate that is valid for it: Hostname mismatch"),
    ],
)  # fmt: skip
def test_a_server_that_is_not_who_it_says_is_told_nothing(
    office: Office,
    trusted: Authority,
    tmp_path: Path,
    speaks: str,
    whose: str,
    name: str,
    said: str,
) -> None:
    authority = trusted if whose == "ours" else Authority(tmp_path)
    heard = office.server(speaks, authority.server(name))
    shown = office.tell()
    assert f"localhost {said}" in shown
    # It is tried again: a certificate that has run out is renewed.
    assert "again" in shown
    assert PASSWORD not in shown
    assert heard.taken == []
    assert heard.encrypted == []
    assert {line.split()[0].upper() for line in heard.in_the_clear} <= {"EHLO", "STARTTLS"}


def test_a_server_without_tls_is_named(office: Office) -> None:
    heard = office.server(CLEAR, scheme="smtps")
    assert (
        "localhost and we do not agree on TLS at this port: smtps:// begins with it"
        in office.tell()
    )
    assert heard.taken == []


def test_what_somebody_slips_in_before_tls_is_no_answer(office: Office, trusted: Authority) -> None:
    """What stands behind the line that allows encryption came in the clear, and is not taken for an answer within it."""
    slipped = "\r\n250-mail.example.com\r\n250 SLIPPED"
    heard = office.server(STARTTLS, trusted.server("localhost"), slipped_in=slipped)
    assert "sent</span>" in office.tell()
    assert len(heard.taken) == 1
    assert heard.encrypted[0].upper().startswith("EHLO")


def test_elsewhere_nothing_is_said_in_the_clear(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that offers no encryption, as one does of which somebody on the way took the offer away."""
    connect = socket.create_connection
    with mail_server(CLEAR) as heard:
        # The way to the other machine ends here.
        monkeypatch.setattr(
            admins.socket, "create_connection",
            lambda _, seconds: connect(("127.0.0.1", heard.port), seconds),
        )  # fmt: skip
        for address, user in (("10.1.2.3", f"crm:{PASSWORD}@"), ("8.8.8.8", "")):
            with pytest.raises(NotAllowed, match=r"mail\.example\.com offers no encryption"):
                admins.mail(
                    settings, f"smtp://{user}mail.example.com:587", "crm@example.com", ["a@example.com"], "s", "b",
                    resolve=lambda *_, to=address: [to],
                )  # fmt: skip
        assert heard.taken == []
        assert {line.split()[0].upper() for line in heard.in_the_clear} == {"EHLO", "QUIT"}


def test_given_up_is_said(office: Office, tmp_path: Path) -> None:
    """A certificate that nobody renews: five attempts, and then the page says that it was given up, and why."""
    office.server(IMPLICIT, Authority(tmp_path).server("localhost"))
    office.tell()
    for _ in range(alerts.MOST_ATTEMPTS - 1):
        office.correspondence.execute("update crm.alerts set next_try_at = now()")
        assert alerts.send_next(office.settings)
    told = health.told_admins(office.admin)
    shown = alert_html.alerts(told.newest, ZoneInfo("Australia/Sydney"), datetime.now(UTC))
    assert "given up" in shown
    assert "has no certificate that is valid for it" in shown
