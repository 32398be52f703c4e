"""Notices to admins: one a change, tried again within bounds, to admins and to nobody else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app import act_alerts, alerts, database, health
from app.access.roles import Forbidden
from providers import admins
from providers.failures import NotAccepted, NotAllowed, ProviderFailed, TryLater
from tests.app.conftest import Correspondence
from tests.app.mail_servers import listening, mail_server
from tests.event_loops import apart
from warehouse.health import Finding
from warehouse.refusals import Refused
from warehouse.settings import Settings

RED = Finding(kind="bad", what="worker", words="No worker has been seen", remedy="Start it")
OTHER = Finding(
    kind="bad",
    what="token",
    words="Our access is refused",
    remedy="Paste another",
    connection_id="c1",
    name="Shop",
)
AMBER = Finding(kind="warn", what="gap", words="3 messages came by no webhook", remedy="Ask")


class Hook(BaseHTTPRequestHandler):
    heard: list[dict[str, Any]]
    answers: list[int]

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.heard.append(json.loads(content))
        self.send_response(status)
        # Where it leads is not followed.
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """Where it listens, what it heard, and what it answers next."""
    heard: list[dict[str, Any]] = []
    answers: list[int] = []
    handler = type("Handler", (Hook,), {"heard": heard, "answers": answers})
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}/services/a-secret", heard, answers


@pytest.fixture
def post() -> Iterator[tuple[str, list[tuple[list[str], bytes]]]]:
    """A mail server, and what it took."""
    with mail_server() as heard:
        yield f"smtp://127.0.0.1:{heard.port}", heard.taken


def given(settings: Settings, **more: str) -> Settings:
    plain = {
        key: value if key == "alert_mail_from" else SecretStr(value) for key, value in more.items()
    }
    return settings.model_copy(update={"app_url": "https://crm.example.com", **plain})


def test_one_change_is_one_notice_to_every_way(
    correspondence: Correspondence,
    hook: tuple[str, list[dict[str, Any]], list[int]],
    post: tuple[str, list[tuple[list[str], bytes]]],
) -> None:
    url, heard, answers = hook
    server, taken = post
    settings = given(
        correspondence.settings,
        alert_webhook=url,
        alert_mail_server=server,
        alert_mail_from="crm@example.com",
    )
    database.use(settings)
    admin, agent = correspondence.signed_in("admin", "admin"), correspondence.signed_in("agent")
    correspondence.signed_in("gone", "admin")
    correspondence.execute("update crm.users set email = user_name || '@example.com'")
    correspondence.execute("update crm.users set disabled_at = now() where user_name = 'gone'")

    def look(*findings: Finding, after: timedelta = timedelta(0)) -> None:
        correspondence.execute("update crm.alert_state set seen_since = seen_since - %s", [after])
        with database.pool().connection() as connection:
            alerts.note(connection, settings, findings)
        while alerts.send_next(settings):
            pass

    minute = timedelta(minutes=1)
    # What passes by itself is told to nobody, nor is what is amber.
    look(RED)
    look(after=timedelta(seconds=10))
    look(AMBER, after=minute)
    assert (heard, taken) == ([], [])
    look(RED, AMBER)
    look(RED, AMBER, after=minute)
    for _ in range(5):
        look(RED, AMBER, after=minute)
    (told,) = heard
    assert told["subject"] == "1 thing needs you now"
    assert (
        told["text"]
        == "1 thing needs you now\nNo worker has been seen. Start it.\n\nhttps://crm.example.com/health"
    )
    ((recipients, content),) = taken
    # The mail goes to the admin who is there: neither to the agent, nor to who is gone.
    assert recipients == ["admin@example.com"]
    mail = message_from_bytes(content, policy=policy.default)
    assert (mail["To"], mail["From"]) == ("admin@example.com", "crm@example.com")
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("1 thing needs you now", "auto-generated")
    assert "No worker has been seen. Start it." in mail.get_content()
    # Another one is news, one of two that goes is none, and well again is.
    look(RED, OTHER)
    look(RED, OTHER, after=minute)
    look(OTHER)
    look(OTHER, after=minute)
    look()
    look(after=minute)
    assert [each["subject"] for each in heard[1:]] == ["2 things need you now", "All is well again"]
    assert "Shop: Our access is refused. Paste another." in heard[1]["text"]
    assert len(taken) == 3

    # Not taken: again later, each time later, and not without end. A redirect is no taking.
    answers += [500, 302, 429, 500, 500, 500]
    with pytest.raises(Forbidden):
        act_alerts.try_now(agent)
    act_alerts.try_now(admin)
    assert len(taken) == 4
    assert len(correspondence.events("alert.try")) == 1
    waits = []
    for attempt in range(1, alerts.MOST_ATTEMPTS + 1):
        ((attempts, error, pause),) = correspondence.execute(
            "select attempts, error, next_try_at - now() from crm.alerts where sent_at is null"
        )
        assert attempts == attempt
        assert error.startswith("127.0.0.1 answered ")
        assert "a-secret" not in error
        waits.append(pause)
        assert not alerts.send_next(settings)
        correspondence.execute(
            "update crm.alerts set next_try_at = now() where next_try_at is not null"
        )
        alerts.send_next(settings)
    assert waits[-1] is None
    assert waits[:-1] == sorted(waits[:-1])
    assert len(answers) == 1
    told_admins = health.told_admins(admin)
    assert (told_admins.recipients, len(told_admins.newest)) == (1, health.MOST_ALERTS)
    with pytest.raises(Forbidden):
        health.told_admins(agent)
    # Two who look at once: one of them does.
    with database.pool().connection() as one, database.pool().connection() as other:
        one.execute(alerts.SQL["state"])
        alerts.note(other, settings, [RED])
        one.rollback()
        assert other.execute("select seen from crm.alert_state").fetchone() == {"seen": []}
    database.use(correspondence.settings)
    with pytest.raises(Refused, match="no notices are switched on"):
        act_alerts.try_now(admin)


def test_of_what_calls_out_the_app_has_this_alone() -> None:
    """No page comes to a provider: what is asked of one the worker asks."""
    callers = {
        (file.name, module)
        for file in (Path(alerts.__file__).parent).rglob("*.py")
        for module in re.findall(r"^(?:from|import) (providers[\w.]*(?: import \w+)?)", file.read_text(), re.MULTILINE)
    }  # fmt: skip
    assert callers == {
        ("alerts.py", "providers import admins"),
        ("alerts.py", "providers.failures import ProviderFailed"),
    }


def test_a_notice_goes_nowhere_that_is_not_open_to_it(
    settings: Settings, hook: tuple[str, list[dict[str, Any]], list[int]]
) -> None:
    url, heard, answers = hook
    post = admins.Webhook().post
    own = settings.model_copy(update={"public_url": url.rpartition("/services")[0]})
    with pytest.raises(NotAllowed, match="one of our own programs"):
        post(own, url, {})
    with pytest.raises(NotAllowed, match="without encryption"):
        admins.Webhook(resolve=lambda *_: ["8.8.8.8"]).post(
            settings, "http://hooks.example.com/a", {}
        )
    for address in ("169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"):
        with pytest.raises(NotAllowed, match="not of the public internet"):
            admins.Webhook(resolve=lambda *_, to=address: [to]).post(
                settings, "https://hooks.example.com/a", {}
            )
    database_url = settings.admin_url
    for server in (database_url.replace("postgresql://", "smtp://", 1), f"smtp{url[4:]}"):
        with pytest.raises((NotAllowed, ProviderFailed)):
            admins.mail(own, server, "crm@example.com", ["a@example.com"], "s", "b")
    answers += [404, 503]
    with pytest.raises(NotAccepted):
        post(settings, url, {})
    with pytest.raises(TryLater):
        post(settings, url, {})
    assert heard == []
    post(settings, url, {"text": "t"})
    assert heard == [{"text": "t"}]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"alert_webhook": "ftp://x"}, "CRM_ALERT_WEBHOOK"),
        (
            {"alert_mail_server": "mail.example.com", "alert_mail_from": "a@b"},
            "CRM_ALERT_MAIL_SERVER",
        ),
        ({"alert_mail_server": "smtps://u:a-secret@mail.example.com"}, "set together"),
        ({"alert_mail_from": "crm@example.com"}, "set together"),
        (
            {"alert_mail_server": "smtps://m.example.com", "alert_mail_from": "a@b\nBcc: c@d"},
            "CRM_ALERT_MAIL_FROM",
        ),
    ],
)
def test_settings_of_notices_are_refused_in_words(more: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        Settings(_env_file=None, **more)  # type: ignore[arg-type, call-arg]
    assert "a-secret" not in str(refused.value)


def test_a_look_that_fails_is_not_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it fails of: nobody would be told of anything any more."""
    monkeypatch.setattr(alerts, "LOOK_SECONDS", 0.01)
    told = Settings(_env_file=None, alert_webhook=SecretStr("https://hooks.example.com/a"))  # type: ignore[call-arg]
    monkeypatch.setattr(database, "_settings", told)

    async def some() -> None:
        looks, thrice, loop = list[int](), asyncio.Event(), asyncio.get_running_loop()

        def look() -> None:
            looks.append(1)
            if len(looks) == 3:
                loop.call_soon_threadsafe(thrice.set)
            raise KeyError("a figure that nobody planned for")

        monkeypatch.setattr(alerts, "look", look)
        watching = asyncio.create_task(alerts.watch())
        await asyncio.wait_for(thrice.wait(), 10)
        watching.cancel()

    apart(some)


def test_where_nobody_is_to_be_told_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[int]()
    monkeypatch.setattr(alerts, "look", lambda: looks.append(1))
    monkeypatch.setattr(database, "_settings", Settings(_env_file=None))  # type: ignore[call-arg]
    apart(alerts.watch)
    assert looks == []
