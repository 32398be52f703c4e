"""The stand-in for Twilio answers as the simulated Twilio does, and refuses what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from benchmarks.history_pages import ACCOUNT_SID, AUTH_TOKEN, ROOT, Twilio, messages, running

NEWEST = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
COUNT = 2500


@pytest.fixture(scope="module")
def twilio() -> Iterator[Twilio]:
    with running(Twilio([messages(COUNT, NEWEST)])) as made:
        yield made


def get(twilio: Twilio, path: str, token: str = AUTH_TOKEN, **query: str) -> requests.Response:
    return requests.get(twilio.url + path, params=query, auth=(ACCOUNT_SID, token), timeout=10)


def walked(twilio: Twilio, size: int, **query: str) -> list[list[dict[str, Any]]]:
    """All pages of the message list."""
    answer = get(twilio, f"{ROOT}/Messages.json", PageSize=str(size), **query).json()
    pages = [answer["messages"]]
    while answer["next_page_uri"]:
        answer = get(twilio, answer["next_page_uri"]).json()
        pages.append(answer["messages"])
    return pages


def test_pages_hold_every_message_once_newest_first(twilio: Twilio) -> None:
    pages = walked(twilio, 1000)
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert [message["sid"] for page in pages for message in page] == [
        f"SM{n:032x}" for n in range(COUNT)
    ]
    assert len(walked(twilio, 100_000)) == 3, "no page is larger than Twilio's"


def test_a_list_since_a_time_ends_there(twilio: Twilio) -> None:
    since = (NEWEST - timedelta(seconds=1499)).strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = walked(twilio, 1000, **{"DateSent>": since})
    assert [len(page) for page in pages] == [1000, 500]
    later = (NEWEST + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert walked(twilio, 1000, **{"DateSent>": later}) == [[]]


def test_one_message_is_that_message_or_gone(twilio: Twilio) -> None:
    listed = walked(twilio, 1000)[1][7]
    assert get(twilio, f"{ROOT}/Messages/{listed['sid']}.json").json() == listed
    gone = get(twilio, f"{ROOT}/Messages/SM{'f' * 32}.json")
    assert (gone.status_code, gone.json()["code"]) == (404, 20404)


@pytest.mark.usefixtures("programs")
def test_what_it_does_not_know_is_refused_and_counted() -> None:
    with running(Twilio([messages(3, NEWEST)])) as twilio:
        known = f"{ROOT}/Messages.json"
        assert get(twilio, known).status_code == 200
        assert get(twilio, f"{ROOT}/Messages/SM{0:032x}.json").status_code == 200
        assert not twilio.refused
        for path, query, code in (
            (known, {"DateSent<": "2026-11-20"}, 400),
            (known, {"PageSize": "many"}, 400),
            (known, {"DateSent>": "yesterday"}, 400),
            (f"{ROOT}/Messages/SM{0:032x}.json", {"PageSize": "1"}, 400),
            (f"{ROOT}/Messages/SM{0:032x}/Media.json", {}, 404),
            (f"{ROOT}/Calls.json", {}, 404),
            ("/", {}, 404),
        ):
            assert get(twilio, path, **query).status_code == code
        assert get(twilio, known, "another").status_code == 401
        assert sum(twilio.refused.values()) == 8
        told = get(twilio, "/asked").json()
        assert told["asked"]["list Messages"] == 5
        assert told["asked"]["one of Messages"] == 2
        assert sum(told["refused"].values()) == 8
