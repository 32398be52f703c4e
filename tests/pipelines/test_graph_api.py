"""Calls to Graph: at Meta's pace, read only, and its errors in our words."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
import requests

from providers.failures import (
    BACK_OFF,
    NeedsAdmin,
    NotAccepted,
    NotAllowed,
    ProviderFailed,
    TryLater,
)
from providers.meta import pace as graph_pace
from providers.meta.client import CUT_OUT, Graph, page_of
from providers.meta.failures import (
    BLOCKED_SECONDS,
    NotAvailable,
    Stumbled,
    TooMuch,
    WrongProof,
    WrongToken,
    failure_of,
)
from providers.meta.pace import Pace, seconds_to_regain
from providers.meta.wire import Guarded
from tests.pipelines.small_graph import PAGE, TOKEN, SmallGraph, error
from warehouse.connections import Connection

TOO_MUCH_SAID = "Please reduce the amount of data you're asking for, then retry your request"
PAGE_TOKEN_SAID = "This method must be called with a Page Access Token"
NO_PROOF_SAID = "API calls from the server require an appsecret_proof argument"


def connection(graph: SmallGraph, channel: str = "messenger", **more: str) -> Connection:
    keys = {**graph.keys, **more}
    # Each test its own pace: it is kept by the connection's name.
    name = f"c{time.monotonic_ns()}"
    return Connection(
        connection_id=name,
        channel=channel,
        name="test",
        settings=keys,
        secrets={"access_token": keys.pop("access_token")},
    )


def usage(**numbers: float) -> dict[str, str]:
    return {"x-business-use-case-usage": json.dumps({"123": [{"type": "messenger", **numbers}]})}


@pytest.mark.parametrize(
    ("told", "kind", "after"),
    [
        (error(1), Stumbled, None),
        (error(2), Stumbled, None),
        ((500, {}, {"error": {"code": 1, "message": TOO_MUCH_SAID}}), TooMuch, None),
        ((500, {}, {"error": {"code": 1, "error_subcode": 99}}), TooMuch, None),
        ((500, {}, {"error": {"code": 1, "error_user_msg": TOO_MUCH_SAID}}), TooMuch, None),
        (error(210), WrongToken, None),
        ((400, {}, {"error": {"code": 190, "message": PAGE_TOKEN_SAID}}), WrongToken, None),
        ((400, {}, {"error": {"code": 100, "message": NO_PROOF_SAID}}), WrongProof, None),
        (error(4), TryLater, None),
        (error(17), TryLater, None),
        (error(32), TryLater, None),
        (error(613), TryLater, None),
        (error(80007), TryLater, None),
        (error(999, is_transient=True), TryLater, None),
        (error(368), TryLater, BLOCKED_SECONDS),
        (error(190), NeedsAdmin, None),
        (error(102), NeedsAdmin, None),
        (error(3), NeedsAdmin, None),
        (error(10), NeedsAdmin, None),
        (error(299), NeedsAdmin, None),
        (error(100, 33), NotAvailable, None),
        (error(100), NotAccepted, None),
        ((500, {}, "<html>"), Stumbled, None),
        ((429, {"retry-after": "9"}, {}), TryLater, 9.0),
        ((404, {}, []), NotAccepted, None),
        ((400, {}, {"error": "odd"}), NotAccepted, None),
        ((400, {}, {"error": {"code": "190"}}), NeedsAdmin, None),
        (
            (400, usage(estimated_time_to_regain_access=3), {"error": {"code": 80006}}),
            TryLater,
            180.0,
        ),
    ],
)
def test_each_error_has_its_kind(
    told: Any, kind: type[ProviderFailed], after: float | None
) -> None:
    status, headers, body = told
    failure = failure_of(status, headers, json.dumps(body), "messenger connection c1")
    assert type(failure) is kind
    assert str(failure).startswith(f"messenger connection c1: Graph answered {status}")
    assert "…" not in str(failure)
    if isinstance(failure, TryLater):
        assert failure.after_seconds == after


class StillClock:
    """A clock that goes while somebody sleeps, and otherwise stands: what is measured is what was waited."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_keep_their_distance_and_slow_down_where_much_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = StillClock()
    monkeypatch.setattr("providers.pace.time", clock)
    each = graph_pace.SECONDS_BETWEEN_CALLS
    pace = Pace("x")

    def waited() -> float:
        before = clock.now
        pace.wait()
        return clock.now - before

    assert waited() == 0
    assert waited() == waited() == each
    pace.told({"x-app-usage": json.dumps({"call_count": 20, "total_time": 74, "total_cputime": 3})})
    assert waited() == waited() == each
    # From 75 percent on they come slower, at 100 twenty times so; the next one has its place already.
    pace.told(usage(call_count=80, total_time=1))
    assert waited() == each
    assert waited() == pytest.approx(each * (1 + 0.2 * 19))
    pace.told(usage(call_count=100))
    waited()
    assert waited() == pytest.approx(each * 20)
    pace.told(usage(call_count=5))
    waited()
    assert waited() == each


def test_a_pause_that_meta_asks_for_is_kept_or_left_to_the_queue() -> None:
    pace = Pace("messenger connection c1")
    pace.told(
        {"x-app-usage": "no JSON", **usage(call_count=100, estimated_time_to_regain_access=12)}
    )
    assert pace.is_closed
    started = time.monotonic()
    with pytest.raises(TryLater, match="Meta asks for a pause") as failure:
        pace.wait()
    assert failure.value.after_seconds == pytest.approx(720, abs=2)
    short = Pace("x")
    short.close(0.2)
    short.wait()
    assert 0.2 <= time.monotonic() - started < 60
    assert not short.is_closed


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-app-usage": "[]"}, {"x-app-usage": '{"call_count": "x"}'}, usage(call_count=1)],
)
def test_usage_that_says_nothing_asks_for_nothing(headers: dict[str, str]) -> None:
    assert seconds_to_regain(headers) is None


def test_a_pause_is_not_asked_for_again_and_again(graph: SmallGraph) -> None:
    graph.next_answers = [
        (400, usage(estimated_time_to_regain_access=5), {"error": {"code": 4}})
    ] * 9
    asking = Graph(connection(graph))
    for _ in range(2):
        with pytest.raises(TryLater) as failure:
            asking.get(f"{PAGE}/conversations")
        assert failure.value.after_seconds is not None
        assert failure.value.after_seconds > 290
    assert len(graph.requests) == 1


def test_a_provider_that_hangs_uses_up_patience(
    graph: SmallGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BACK_OFF, "patience_seconds", 0.3)
    monkeypatch.setattr("providers.meta.client.TIMEOUT_SECONDS", (0.2, 0.2))
    graph.before = lambda path: time.sleep(1)
    with pytest.raises(TryLater, match="cannot be reached"):
        Graph(connection(graph)).get("me")
    assert len(graph.requests) == 2


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/v26.0/me"),
        ({"api_version": "v27.0"}, "/v27.0/me"),
        ({"api_base": "{}/v25.0/", "api_version": "v27.0"}, "/v25.0/me"),
    ],
)
def test_the_version_is_a_setting(graph: SmallGraph, given: dict[str, str], path: str) -> None:
    more = {key: value.format(graph.base) for key, value in given.items()}
    with pytest.raises(NotAvailable):
        Graph(connection(graph, "whatsapp", **more)).get("me")
    assert [asked for _, asked, _, _ in graph.requests] == [path]


def test_the_token_goes_into_a_header_and_comes_back_from_nowhere(
    graph: SmallGraph, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    graph.next_answers = [
        (
            200,
            {},
            {
                "data": [{"id": "1"}],
                "paging": {"cursors": {"after": "c"}, "next": f"x?access_token={TOKEN}"},
            },
        )
    ]
    asking = Graph(connection(graph, "whatsapp"))
    answer = asking.get("me/conversations", platform="instagram")
    assert answer["paging"]["next"] == f"x?access_token={CUT_OUT}"
    assert page_of(answer) == ([{"id": "1"}], "c")
    ((method, path, query, given),) = graph.requests
    assert query.pop("appsecret_proof")
    assert (method, path, query, given) == (
        "GET",
        "/v26.0/me/conversations",
        {"platform": "instagram"},
        f"Bearer {TOKEN}",
    )
    graph.next_answers = [(302, {"Location": f"{graph.base}/elsewhere"}, {})]
    with pytest.raises(NotAccepted):
        asking.get("me")
    assert len(graph.requests) == 2
    nobody = Graph(connection(graph, "whatsapp", api_base="http://127.0.0.1:9"))
    with pytest.raises(TryLater, match="cannot be reached") as failure:
        nobody.get("me")
    assert TOKEN not in f"{failure.value!r} {caplog.text} {asking!r}"


def test_the_end_is_where_no_next_page_is_named() -> None:
    assert page_of({"data": [], "paging": {"cursors": {"after": "c"}, "next": "x"}}) == ([], "c")
    assert page_of({"data": [], "paging": {"next": "https://x/?after=d&limit=2"}}) == ([], "d")
    assert page_of({"data": [], "paging": {"cursors": {"after": "c"}}}) == ([], None)
    assert page_of({}) == ([], None)
    # To take it for the end would be to lose what follows.
    with pytest.raises(TryLater):
        page_of({"paging": {"cursors": {"before": "b"}, "next": "https://x/?limit=2"}})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_nothing_but_get_leaves_us(graph: SmallGraph, method: str) -> None:
    session = Guarded(connection(graph))
    with pytest.raises(NotAllowed, match="is not sent"):
        session.request(method, f"{graph.base}/v26.0/me/messages")
    with pytest.raises(NotAllowed, match="is not sent"):
        # Of what stands at its root the time alone is asked for (providers/clock.py).
        session.send(requests.Request(method, f"{graph.base}/v26.0/me").prepare())
    assert graph.requests == []
