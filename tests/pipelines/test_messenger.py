"""The conversations of a page: complete, once, within what Graph gives, and with what it changes silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pipelines import conversations
from pipelines.existing_rows import ExistingRows
from pipelines.messenger import FOLDERS
from pipelines.pull import pull
from providers.failures import BACK_OFF, NeedsAdmin, TryLater
from tests.pipelines.small_graph import CUSTOMER, DETAILED, PAGE, TOKEN, SmallGraph, error, written
from warehouse.settings import Settings

Database = psycopg.Connection[Any]
NOW = datetime.now(UTC).replace(microsecond=0)
COLUMNS = "id, version, payload, unavailable, counterpart, conversation_id, account_id, created_time, created_at"


def rows(admin: Database, connection: str) -> list[dict[str, Any]]:
    found = admin.execute(
        f"select {COLUMNS} from raw_messenger.messages where connection_id = %s order by created_at desc, id, pulled_at",
        [connection],
    )
    names = COLUMNS.split(", ")
    return [dict(zip(names, row, strict=True)) for row in found]


def health(admin: Database, connection: str) -> tuple[str | None, dict[str, Any]]:
    row = admin.execute(
        "select error, detail from jobs.connection_health where connection_id = %s and job = 'pull'",
        [connection],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.fixture
def connection(connect: Callable[..., str], graph: SmallGraph) -> str:
    return connect("messenger", graph.keys)


def test_conversations_load_and_a_second_pull_asks_little_and_loads_nothing(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    for number in range(5):
        graph.conversation(f"t_{number}", messages=7, end=NOW - timedelta(hours=number))
    assert pull(settings, connection).rows == {"messages": 35}
    loaded = rows(admin, connection)
    assert len({row["id"] for row in loaded}) == 35
    newest = loaded[0]
    assert newest["payload"] == graph.conversations["t_0"].messages[0]
    assert newest["account_id"] == PAGE
    assert newest["conversation_id"] == "t_0"
    assert newest["created_time"] == written(NOW)
    assert newest["created_at"] == NOW
    assert not newest["unavailable"]
    # The made-up address stays in the payload and is no part of who it is.
    assert all(row["counterpart"] == {"id": "7234", "name": CUSTOMER["name"]} for row in loaded)
    graph.requests.clear()
    assert pull(settings, connection).rows == {"messages": 0}
    # One list for each folder.
    listed = [f"/v26.0/{PAGE}/conversations"] * len(FOLDERS)
    assert [path for _, path, _, _ in graph.requests] == listed
    assert pull(settings, connection, since=NOW - timedelta(days=30)).rows == {"messages": 0}
    assert rows(admin, connection) == loaded


def test_of_a_long_conversation_twenty_have_details_and_the_others_exist(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=260, end=NOW)
    assert pull(settings, connection).rows == {"messages": 260}
    loaded = rows(admin, connection)
    assert [row["unavailable"] for row in loaded] == [False] * DETAILED + [True] * 240
    assert all((row["payload"] is None) == row["unavailable"] for row in loaded)
    assert all(row["counterpart"]["id"] == CUSTOMER["id"] for row in loaded)
    # Ids beyond the newest are not asked for one by one: each call would fail.
    assert graph.asked("m_t_1_0200") == 0
    # A message that falls out of the newest twenty keeps its details.
    graph.add("t_1", "m_new", NOW + timedelta(seconds=1))
    assert pull(settings, connection).rows == {"messages": 1}
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 0}
    assert sum(not row["unavailable"] for row in rows(admin, connection)) == DETAILED + 1


def test_a_message_that_graph_does_not_give_is_unavailable_and_comes_later(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=3, end=NOW)
    graph.closed_messages = {"m_t_1_0002"}
    pull(settings, connection)
    assert [row["unavailable"] for row in rows(admin, connection)] == [False, True, False]
    graph.closed_messages = set()
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 1}
    versions = [row for row in rows(admin, connection) if row["id"] == "m_t_1_0002"]
    assert [row["unavailable"] for row in versions] == [True, False]


def test_an_edit_is_a_second_version_and_a_fresh_signature_is_none(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=2, end=NOW - timedelta(minutes=5))
    address = "https://scontent.xx.fbcdn.net/v/t1.2-9/123_n.jpg?_nc_cat=1&oh=SIGNATURE&oe=SIGNATURE"
    inbox = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=77&signature=SIGNATURE"
    graph.add(
        "t_1",
        "m_picture",
        NOW,
        message="see https://example.com/a?b=1",
        attachments={
            "data": [{"id": "1", "image_data": {"url": address, "preview_url": inbox}}],
            "paging": {"next": f"https://graph.facebook.com/?access_token={TOKEN}"},
        },
    )
    pull(settings, connection)
    (picture,) = (row for row in rows(admin, connection) if row["id"] == "m_picture")
    # The payload as it was sent, with its signature, and without paging.
    (kept,) = picture["payload"]["attachments"]["data"]
    assert kept["image_data"]["url"].startswith(
        "https://scontent.xx.fbcdn.net/v/t1.2-9/123_n.jpg?_nc_cat=1&oh=s"
    )
    assert "paging" not in picture["payload"]["attachments"]
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 0}
    graph.conversations["t_1"].messages[0]["message"] = "see https://example.com/a?b=2"
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 1}
    texts = [
        row["payload"]["message"] for row in rows(admin, connection) if row["id"] == "m_picture"
    ]
    assert texts == ["see https://example.com/a?b=1", "see https://example.com/a?b=2"]
    # A frequent pull does not look at what was not updated; a new message brings the edits around it too.
    graph.conversations["t_1"].messages[1]["message"] = "edited"
    assert pull(settings, connection).rows == {"messages": 0}
    graph.add("t_1", "m_new", NOW + timedelta(seconds=1))
    assert pull(settings, connection).rows == {"messages": 2}


@pytest.mark.parametrize("nests", [True, False])
@pytest.mark.parametrize("unknown", [set(), {"reactions"}])
def test_details_are_had_in_whatever_form_graph_gives_them(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    nests: bool,
    unknown: set[str],
) -> None:
    graph.nests, graph.unknown_fields = nests, unknown
    for number in range(3):
        graph.conversation(f"t_{number}", messages=30, end=NOW - timedelta(hours=number))
    pull(settings, connection)
    loaded = rows(admin, connection)
    assert len(loaded) == 90
    assert sum(not row["unavailable"] for row in loaded) == 3 * DETAILED
    assert all(row["payload"]["message"] for row in loaded if row["payload"])
    assert pull(settings, connection).rows == {"messages": 0}
    graph.requests.clear()
    graph.add("t_2", "m_new", NOW + timedelta(seconds=1))
    assert pull(settings, connection).rows == {"messages": 1}
    # The form that works is known by now: one list a folder, one conversation, one message at most.
    assert graph.asked("/conversations") == len(FOLDERS)
    assert len(graph.requests) == len(FOLDERS) + 1 + (0 if nests else 1)


def test_every_folder_is_read_also_where_one_was_not_before(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    for number, folder in enumerate(("inbox", "page_done", "other", "spam")):
        graph.conversation(f"t_{folder}", messages=2, end=NOW - timedelta(hours=number))
        graph.conversations[f"t_{folder}"].folder = folder
    assert pull(settings, connection).rows == {"messages": 8}
    assert pull(settings, connection).rows == {"messages": 0}
    # Staff mark a conversation as done; what comes then is found there.
    graph.conversations["t_inbox"].folder = "page_done"
    graph.add("t_inbox", "m_later", NOW + timedelta(seconds=1))
    assert pull(settings, connection).rows == {"messages": 1}


def test_too_much_at_once_is_asked_for_in_smaller_pieces(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_large", messages=60, end=NOW)
    graph.conversation("t_small", messages=3, end=NOW - timedelta(hours=1))
    graph.most_at_once = {"t_large": 6}
    # Graph's own default is more than that, and is what is asked for first.
    graph.page_size = 25
    assert pull(settings, connection).rows == {"messages": 63}
    held = [row for row in rows(admin, connection) if row["conversation_id"] == "t_large"]
    assert [row["unavailable"] for row in held].count(False) >= DETAILED
    assert health(admin, connection)[0] is None


def test_a_conversation_that_cannot_be_read_is_passed_over_named_and_read_later(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BACK_OFF, "first_seconds", 0.01)
    graph.conversation("t_huge", messages=5, end=NOW)
    graph.conversation("t_broken", messages=5, end=NOW - timedelta(minutes=1))
    graph.conversation("t_good", messages=5, end=NOW - timedelta(hours=1))
    graph.most_at_once, graph.broken = {"t_huge": 0}, {"t_broken"}
    assert pull(settings, connection).rows == {"messages": 5}
    error, detail = health(admin, connection)
    assert error is None
    assert set(detail["passed_over"]) == {"t_huge", "t_broken"}
    assert "too large" in detail["passed_over"]["t_huge"]["reason"]
    # What comes meanwhile in the others is not held up, and the two are left alone for a while.
    graph.add("t_good", "m_new", NOW + timedelta(seconds=1))
    graph.requests.clear()
    assert pull(settings, connection).rows == {"messages": 1}
    assert graph.asked("t_huge") == graph.asked("t_broken") == 0
    graph.most_at_once, graph.broken = {}, set()
    monkeypatch.setattr("pipelines.conversations.FIRST_PAUSE", timedelta(0))
    monkeypatch.setattr("pipelines.conversations.datetime", Later)
    assert pull(settings, connection).rows == {"messages": 10}
    assert "passed_over" not in health(admin, connection)[1]


class Later(datetime):
    """A clock that is an hour ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(hours=1)


def test_an_edit_whose_text_nobody_told_is_asked_for(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph.conversation("t_1", messages=3, end=NOW)
    pull(settings, connection)
    told: list[tuple[Any, ...]] = [("m_t_1_0003", 1, "t_1")]
    rows_of = ExistingRows.rows

    def existing_rows(self: ExistingRows, query: str, **values: Any) -> list[tuple[Any, ...]]:
        return told if query == "untold_messenger" else rows_of(self, query, **values)

    monkeypatch.setattr(ExistingRows, "rows", existing_rows)
    graph.conversations["t_1"].messages[0]["message"] = "the new text"
    assert pull(settings, connection).rows == {"messages": 1}
    texts = {row["payload"]["message"] for row in rows(admin, connection)}
    assert "the new text" in texts
    graph.requests.clear()
    for _ in range(5):
        pull(settings, connection)
    assert graph.asked("m_t_1_0003") == 0
    # Another edit of the same message is another question, and none is asked for ever.
    told[:] = [("m_t_1_0003", 2, "t_1")]
    pull(settings, connection)
    assert graph.asked("m_t_1_0003") == 1


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
def test_the_question_for_untold_edits_can_be_asked(
    channel: str, settings: Settings, admin: Database, connection: str
) -> None:
    """The query runs as the loader over the tables that there are."""
    with ExistingRows(settings, connection) as existing_rows:
        assert existing_rows.rows(f"untold_{channel}", limit=5) == []


def test_pages_may_be_empty_while_there_is_another(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=2, end=NOW)
    graph.next_answers = [
        (200, {}, {"access_token": TOKEN}),
        (
            200,
            {},
            {"data": [], "paging": {"cursors": {"after": "x"}, "next": "https://example.com/"}},
        ),
    ]
    assert pull(settings, connection).rows == {"messages": 2}
    assert graph.requests[2][2]["after"] == "x"


def test_an_empty_answer_empties_nothing(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    assert pull(settings, connection).rows == {"messages": 0}
    graph.conversation("t_1", messages=2, end=datetime.now(UTC))
    assert pull(settings, connection).rows == {"messages": 2}
    graph.conversations.clear()
    assert pull(settings, connection).rows == {"messages": 0}
    assert pull(settings, connection, since=NOW - timedelta(days=3)).rows == {"messages": 0}
    assert len(rows(admin, connection)) == 2


def test_a_first_pull_goes_in_steps_newest_first_and_new_messages_pass_it(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(conversations, "FIRST_STEP_SECONDS", 0.0)
    monkeypatch.setattr(conversations, "LIST_SIZES", (2,))
    # All but the newest end at the same second, and one is longer than a page.
    for number in range(6):
        graph.conversation(f"t_{number}", messages=4, end=NOW - timedelta(days=9))
    graph.conversation("t_long", messages=230, end=NOW - timedelta(hours=1))
    partly = pull(settings, connection, budget_seconds=0)
    assert partly.more
    assert partly.rows["messages"] < 230
    assert {row["conversation_id"] for row in rows(admin, connection)} == {"t_long"}
    graph.add("t_long", "m_passes", NOW)
    partly = pull(settings, connection, budget_seconds=0)
    assert "m_passes" in {row["id"] for row in rows(admin, connection)}
    told: list[int | None] = []
    rest = pull(settings, connection, progress=lambda now: told.append(now.listed))
    assert not rest.more
    assert len(told) > 6
    assert told[:-1] == sorted(told[:-1])  # type: ignore[type-var]
    loaded = rows(admin, connection)
    assert len(loaded) == len({row["id"] for row in loaded}) == 6 * 4 + 231
    assert pull(settings, connection).rows == {"messages": 0}


def test_cursors_that_died_cost_calls_and_lose_nothing(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "FIRST_STEP_SECONDS", 0.0)
    monkeypatch.setattr(conversations, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(conversations, "LIST_SIZES", (2,))
    graph.conversation("t_long", messages=230, end=NOW - timedelta(hours=1))
    for number in range(4):
        graph.conversation(f"t_{number}", messages=4, end=NOW - timedelta(days=2, hours=number))
    while pull(settings, connection, budget_seconds=0).more:
        graph.dead_cursors = {
            f"after_{one['id']}" for held in graph.conversations.values() for one in held.messages
        } | {f"after_{identity}" for identity in graph.conversations}
        graph.dead_cursors -= {graph.requests[-1][2].get("after", "")}
        if len(graph.requests) > 60:
            graph.dead_cursors = set()
    loaded = rows(admin, connection)
    assert len(loaded) == len({row["id"] for row in loaded}) == 246


def test_a_date_limits_a_first_pull_and_an_earlier_one_widens_it(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=300, end=NOW, apart=3600)
    graph.conversation("t_old", messages=3, end=NOW - timedelta(days=30))
    pull(settings, connection, since=NOW - timedelta(days=5))
    few = len(rows(admin, connection))
    assert 120 <= few < 250
    pull(settings, connection, since=NOW - timedelta(days=90))
    assert len(rows(admin, connection)) == 303


def test_a_look_back_beside_an_unfinished_first_pull_hides_nothing_from_it(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph.conversation("t_0", messages=300, end=NOW, apart=3600)
    graph.conversation("t_1", messages=300, end=NOW - timedelta(hours=2), apart=3600)
    monkeypatch.setattr(conversations, "FIRST_STEP_SECONDS", 0.0)
    monkeypatch.setattr(conversations, "STEP_SECONDS", 0.0)
    assert pull(settings, connection, budget_seconds=0).more
    assert pull(settings, connection, since=NOW - timedelta(days=5), budget_seconds=0).more
    # A conversation that the first pull has not reached yet is moved to its top.
    graph.add("t_1", "m_new", NOW + timedelta(seconds=1))
    assert not pull(settings, connection).more
    assert len({row["id"] for row in rows(admin, connection)}) == 601


def test_temporary_troubles_are_sat_out(
    settings: Settings, graph: SmallGraph, connection: str
) -> None:
    graph.conversation("t_1", messages=2, end=NOW)
    graph.next_answers = [
        error(613, 2534040, is_transient=True),
        error(4),
        error(2, status=500),
        (503, {}, "away"),
        (200, {}, "no JSON"),
    ]
    assert pull(settings, connection).rows == {"messages": 2}


def test_what_was_read_before_a_pause_is_kept(
    settings: Settings, admin: Database, graph: SmallGraph, connection: str
) -> None:
    for number in range(4):
        graph.conversation(f"t_{number}", messages=2, end=NOW - timedelta(hours=number))
    blocked = error(368)

    def block(path: str) -> None:
        if path.endswith("t_2"):
            graph.next_answers = [blocked] * 50

    graph.before = block
    with pytest.raises(TryLater, match="Meta asks for a pause") as failure:
        pull(settings, connection)
    assert failure.value.after_seconds is not None
    assert failure.value.after_seconds > 3600
    assert len(rows(admin, connection)) == 4
    # Blocked calls are not repeated.
    assert graph.asked("t_2") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(190, 463), r"code 190, subcode 463.*it has expired.*rotate.*receiving goes on"),
        (error(102), r"code 102.*no longer works"),
        (error(10), r"code 10: a permission is missing"),
        (error(230, status=403), r"permission is missing.*receiving goes on"),
        (error(200, 2534041, status=403), r"Allow access to messages"),
    ],
)
def test_what_only_an_admin_can_mend_is_said_in_words_without_the_token(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    answer: Any,
    words: str,
) -> None:
    graph.next_answers = [answer]
    with pytest.raises(NeedsAdmin, match=words):
        pull(settings, connection)
    assert len(graph.requests) == 1
    ((told,),) = admin.execute(
        "select error from jobs.connection_health where connection_id = %s and job = 'pull'",
        [connection],
    ).fetchall()
    assert TOKEN not in told


def test_the_token_is_in_no_address_row_state_log_or_file(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connection: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    nowhere: Callable[[str], None],
) -> None:
    caplog.set_level("DEBUG")
    for number in range(3):
        graph.conversation(f"t_{number}", messages=30, end=NOW - timedelta(hours=number))
    graph.add("t_0", "m_token", NOW, message=f"what Graph itself might write: {TOKEN}")
    with monkeypatch.context() as one_at_a_time:
        one_at_a_time.setattr(conversations, "LIST_SIZES", (1,))
        pull(settings, connection)
        graph.next_answers = [error(190, 463, message=f"Error validating {TOKEN}")] * 2
        with pytest.raises(NeedsAdmin) as failure:
            pull(settings, connection)
    with monkeypatch.context() as gone:
        gone.setattr(graph, "answer", lambda *_: 1 / 0)
        with pytest.raises(TryLater) as away:
            pull(settings, connection)
    assert TOKEN not in f"{failure.value} {away.value}"
    assert len(rows(admin, connection)) == 91
    for _, path, query, given in graph.requests:
        assert TOKEN not in path + json.dumps(query)
        assert given == f"Bearer {TOKEN}"
    assert TOKEN not in caplog.text
    nowhere(TOKEN)
