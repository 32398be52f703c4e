"""Which host, token and proof a call has, in pulls, files and commands alike."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import logging
from typing import Any

import pytest

from providers.failures import NeedsAdmin
from providers.meta import access as graph_access
from providers.meta import commands
from providers.meta.client import Graph
from providers.meta.failures import WrongProof, WrongToken
from providers.twilio import client as twilio_api
from providers.twilio.allowed import base_of
from tests.pipelines.small_graph import PAGE, TOKEN, SmallGraph, error
from warehouse.connections import Connection, UnusableConnection

SYSTEM_TOKEN = "EAAW-invented-system-user-token"
PAGE_TOKEN = "EAAG-invented-page-token"
NUMBERS = itertools.count()


def connection(channel: str, **keys: str) -> Connection:
    secret = ("app_secret", "meta_app_secret", "access_token", "auth_token")
    return Connection(
        connection_id=f"access-{next(NUMBERS)}",
        channel=channel,
        name="test",
        settings={key: value for key, value in keys.items() if key not in secret},
        secrets={key: value for key, value in keys.items() if key in secret},
    )


def proof(secret: str, token: str) -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("channel", "keys", "host", "subject"),
    [
        ("whatsapp", {"business_account_id": "11"}, "graph.facebook.com", "11"),
        ("messenger", {"page_id": "12"}, "graph.facebook.com", "12"),
        ("instagram", {}, "graph.instagram.com", "me"),
        ("instagram", {"flavour": "instagram"}, "graph.instagram.com", "me"),
        ("instagram", {"flavour": "facebook", "page_id": "12"}, "graph.facebook.com", "12"),
        ("instagram", {"flavour": "unified", "account_id": "13"}, "graph.facebook.com", "13"),
    ],
)
def test_each_way_to_an_account_has_its_host(
    channel: str, keys: dict[str, str], host: str, subject: str
) -> None:
    of = connection(channel, **keys)
    assert graph_access.versioned(of) == f"https://{host}/{graph_access.VERSION}"
    assert graph_access.subject_of(of) == subject


def test_a_way_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnusableConnection, match="flavour must be instagram"):
        graph_access.root(connection("instagram", flavour="meta"))


@pytest.mark.parametrize(
    ("edge", "region", "host"),
    [
        ("", "", "api.twilio.com"),
        ("sydney", "", "api.sydney.us1.twilio.com"),
        ("", "au1", "api.au1.twilio.com"),
        ("sydney", "au1", "api.sydney.au1.twilio.com"),
    ],
)
def test_twilio_has_one_host_for_pulls_files_and_commands(
    edge: str, region: str, host: str
) -> None:
    keys = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "edge": edge, "region": region}
    of = connection("twilio_sms", **keys)
    assert base_of(of) == f"https://{host}"
    account = twilio_api.Account(of)
    assert account.base == f"https://{host}"
    # What Twilio's own client would make of it changes nothing.
    assert account.client.get_hostname(f"{account.base}/x") == f"https://{host}/x"
    assert base_of(of, "messaging").startswith("https://messaging.")


def answer_as_meta(graph: SmallGraph, secret: str = "invented-app-secret") -> list[tuple[str, str]]:
    """A page that takes its own token alone, from whoever proves the app's secret; what it was asked with."""
    asked: list[tuple[str, str]] = []

    def answer(path: str, query: dict[str, str], given: str | None) -> Any:
        token = (given or "").removeprefix("Bearer ")
        asked.append((path, token))
        if query.get("appsecret_proof") != proof(secret, token):
            words = "Invalid appsecret_proof provided in the API argument"
            return error(100, message=words)
        if query.get("fields") == "access_token" and path.endswith(f"/{PAGE}"):
            return 200, {}, {"access_token": PAGE_TOKEN, "id": PAGE}
        if token != PAGE_TOKEN:
            return error(190, message="This method must be called with a Page Access Token")
        return 200, {}, {"data": [], "id": PAGE}

    graph.answer = answer  # type: ignore[method-assign]
    return asked


def test_a_system_users_token_is_exchanged_for_the_pages(graph: SmallGraph) -> None:
    asked = answer_as_meta(graph)
    keys = {**graph.keys, "access_token": SYSTEM_TOKEN}
    of = connection("messenger", **keys)
    assert Graph(of).get(f"{PAGE}/conversations") == {"data": [], "id": PAGE}
    assert asked == [(f"/v26.0/{PAGE}", SYSTEM_TOKEN), (f"/v26.0/{PAGE}/conversations", PAGE_TOKEN)]
    # Once for all that this process asks of the page, commands included.
    assert Graph(of).get(f"{PAGE}/conversations")
    assert commands.call(of, "GET", f"{PAGE}/conversations")
    assert [token for _, token in asked] == [SYSTEM_TOKEN, PAGE_TOKEN, PAGE_TOKEN, PAGE_TOKEN]


def test_a_pages_token_that_died_is_asked_for_again(graph: SmallGraph) -> None:
    asked = answer_as_meta(graph)
    of = connection("messenger", **{**graph.keys, "access_token": SYSTEM_TOKEN})
    asking = Graph(of)
    asking.get(f"{PAGE}/conversations")
    graph.next_answers = []
    answer, once = graph.answer, [error(190, 460)]
    graph.answer = lambda *call: once.pop() if once else answer(*call)  # type: ignore[method-assign]
    assert asking.get(f"{PAGE}/conversations")
    assert [token for _, token in asked[-2:]] == [SYSTEM_TOKEN, PAGE_TOKEN]


def test_a_token_that_gives_no_pages_token_is_refused_in_words(graph: SmallGraph) -> None:
    def answer(path: str, query: dict[str, str], given: str | None) -> Any:
        if query.get("fields") == "access_token":
            return 200, {}, {"id": PAGE}
        return error(190, message="This method must be called with a Page Access Token")

    graph.answer = answer  # type: ignore[method-assign]
    of = connection("messenger", **{**graph.keys, "access_token": SYSTEM_TOKEN})
    with pytest.raises(WrongToken, match="the page's own token"):
        Graph(of).get(f"{PAGE}/conversations")


def test_the_proof_is_made_with_whichever_secret_is_the_apps(graph: SmallGraph) -> None:
    asked = answer_as_meta(graph, "the-older-secret")
    keys = {**graph.keys, "access_token": PAGE_TOKEN, "app_secret": "the-newer,the-older-secret"}
    of = connection("messenger", **keys)
    assert Graph(of).get(f"{PAGE}/conversations")
    assert len(asked) == 3
    assert Graph(of).get(f"{PAGE}/conversations")
    assert len(asked) == 4
    none = connection("messenger", **{**keys, "app_secret": "of-another-app"})
    with pytest.raises(WrongProof, match="check app_secret"):
        Graph(none).get(f"{PAGE}/conversations")
    with pytest.raises(commands.GraphError, match="appsecret_proof"):
        commands.call(none, "GET", f"{PAGE}/conversations")


def test_an_instagram_login_proves_nothing(graph: SmallGraph) -> None:
    of = connection("instagram", **{**graph.keys, "account_id": "17841400000000000"})
    with pytest.raises(Exception, match="gone"):
        Graph(of).get("me")
    assert [query for _, _, query, _ in graph.requests] == [{}]


def test_a_renewal_takes_the_header_or_the_parameter_and_logs_neither(
    graph: SmallGraph, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    of = connection("instagram", **{**graph.keys, "account_id": "17841400000000000"})
    asked: list[dict[str, str]] = []

    def answer(path: str, query: dict[str, str], given: str | None) -> Any:
        asked.append(query)
        if "access_token" not in query:
            return error(100, message="The parameter access_token is required")
        return 200, {}, {"access_token": "IGAA-new", "expires_in": 5183944}

    graph.answer = answer  # type: ignore[method-assign]
    assert Graph(of).renewed_token() == ("IGAA-new", 5183944.0)
    assert [sorted(query) for query in asked] == [
        ["grant_type"],
        ["access_token", "grant_type"],
    ]
    assert TOKEN not in caplog.text
    assert "IGAA-new" not in caplog.text
    graph.answer = lambda *_: error(190, 463)  # type: ignore[method-assign]
    with pytest.raises(NeedsAdmin) as failure:
        Graph(of).renewed_token()
    assert TOKEN not in f"{failure.value!r}{caplog.text}"
