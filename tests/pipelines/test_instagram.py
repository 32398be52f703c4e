"""The conversations of an Instagram account, in both flavours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pipelines.pull import pull
from providers.failures import ProviderFailed
from tests.pipelines.small_graph import PAGE, SmallGraph
from warehouse.settings import Settings

ACCOUNT = "17841400008460056"
SAM = {"username": "sam.citizen", "id": "1254938275682919"}
SHOP = {"username": "example.shop", "id": ACCOUNT}
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("flavour", "path"),
    [
        ({}, "/v26.0/me/conversations"),
        ({"flavour": "instagram"}, "/v26.0/me/conversations"),
        ({"flavour": "facebook", "page_id": PAGE}, f"/v26.0/{PAGE}/conversations"),
        ({"flavour": "unified"}, f"/v26.0/{ACCOUNT}/conversations"),
    ],
)
def test_a_conversation_loads_with_everything_that_graph_gives(
    settings: Settings,
    admin: psycopg.Connection[Any],
    graph: SmallGraph,
    connect: Callable[..., str],
    flavour: dict[str, str],
    path: str,
) -> None:
    keys = {key: value for key, value in graph.keys.items() if key != "page_id"}
    connection = connect("instagram", {**keys, "account_id": ACCOUNT, **flavour})
    graph.conversation("aWdfZAG06", messages=0, end=NOW)
    told = {
        "from": SAM,
        "to": {"data": [SHOP]},
        "message": "",
        "is_unsupported": False,
        "story": {
            "mention": {
                "id": "17",
                "link": "https://lookaside.fbsbx.com/x?asset_id=1&signature=SIGNATURE",
            }
        },
        "reactions": {"data": [{"emoji": "❤️", "reaction": "love", "users": [SAM]}]},
        "reply_to": {"mid": "aWdfZAG1faXRlbToz"},
    }
    graph.add("aWdfZAG06", "aWdfZAG1faXRlbTox", NOW - timedelta(seconds=9), **told)
    graph.add(
        "aWdfZAG06",
        "aWdfZAG1faXRlbToy",
        NOW,
        **{"from": SHOP, "to": {"data": [SAM]}, "message": "yes"},
    )
    assert pull(settings, connection).rows == {"messages": 2}
    # A page's own token is asked for first.
    first = 1 if flavour.get("flavour") == "facebook" else 0
    assert graph.requests[first][1] == path
    assert graph.requests[first][2]["platform"] == "instagram"
    asked = graph.requests[first + 1][2]["fields"][9:-1].split(",")
    assert {"story", "is_unsupported"} <= set(asked)
    loaded = admin.execute(
        "select payload, counterpart, account_id from raw_instagram.messages where connection_id = %s order by created_at",
        [connection],
    ).fetchall()
    assert [row[1:] for row in loaded] == [(SAM, ACCOUNT)] * 2
    assert loaded[0][0]["reactions"] == told["reactions"]
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 0}
    # A reaction that comes later is another version of its message.
    graph.conversations["aWdfZAG06"].messages[0]["reactions"] = told["reactions"]
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 1}


def test_a_page_must_be_named_where_it_is_asked(
    settings: Settings, graph: SmallGraph, connect: Callable[..., str]
) -> None:
    keys = {key: value for key, value in graph.keys.items() if key != "page_id"}
    connection = connect("instagram", {**keys, "account_id": ACCOUNT, "flavour": "facebook"})
    with pytest.raises(ProviderFailed, match="page_id is not set"):
        pull(settings, connection)
    assert graph.requests == []
