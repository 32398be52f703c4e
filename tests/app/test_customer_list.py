"""The list of customers: names with accents and typos, sorted, and taken out as a file by those who may."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import csv_file, customers_csv, read
from app.access import sessions
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from app.database import Row
from app.serving.routes import ROUTES
from tests.app.conftest import Correspondence
from warehouse.settings import Role, Settings

START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def names(found: read.Found) -> list[str]:
    return [row["name"] for row in found.rows]


def test_customers_are_found_by_what_their_name_is_like_and_sorted(
    correspondence: Correspondence, agent: Viewer, settings: Settings
) -> None:
    for number, name in enumerate(
        ("Zoë Ångström", "Sam Johnson", "Sam Johnson", "Nguyễn Văn An", "王小明", "Bea")
    ):
        correspondence.customer(name, f"phone:+6149157015{number}")
        correspondence.sms(
            f"+6149157015{number}", "hello", START + timedelta(hours=(7 * number) % 5)
        )
    for typed, expected in (
        ("zoe angstrom", ["Zoë Ångström"]), ("ANGSTRÖM", ["Zoë Ångström"]), ("van nguyen", ["Nguyễn Văn An"]),
        ("小明", ["王小明"]), ("johnson", ["Sam Johnson"] * 2), ("0491 570 154", ["王小明"]), ("570154", ["王小明"]),
        ("%", []), ("_", []), ("\\", []), ("'", []),
    ):  # fmt: skip
        found = read.customers(agent, typed)
        assert (names(found), found.is_alike) == (expected, False), typed
    # Nobody is called so: whose name is written much like it.
    for typed, expected in (
        ("jonson", ["Sam Johnson"] * 2),
        ("angstrem", ["Zoë Ångström"]),
        ("qqqq", []),
    ):
        found = read.customers(agent, typed)
        assert names(found) == expected
        assert found.is_alike

    everybody = names(read.customers(agent, "", sort=read.Sort.NAME))
    assert everybody == [
        "Bea",
        "Nguyễn Văn An",
        "Sam Johnson",
        "Sam Johnson",
        "Zoë Ångström",
        "王小明",
    ]
    assert names(read.customers(agent, "", sort=read.Sort.MADE))[0] == "Bea"
    assert names(read.customers(agent, "sam", sort=read.Sort.NAME)) == ["Sam Johnson"] * 2
    latest = read.customers(agent, "").rows
    assert [row["last_at"] for row in latest] == sorted(
        (row["last_at"] for row in latest), reverse=True
    )

    # Found by an index, where there are more than a few: no look at every customer or every link.
    correspondence.execute(
        "insert into crm.customers (customer_id, name, created_by)"
        " select md5(n::text), 'Customer ' || n, 'test' from generate_series(1, 3000) as n"
    )
    correspondence.execute("vacuum analyze crm.customers")
    with (
        psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database,
        database.transaction(),
    ):
        database.execute("set local enable_seqscan = off")
        values = {
            "name_pattern": "%ang%", "name_patterns": ["%ang%"], "identity_patterns": ["%570%"], "identity_parts": ["%570%"],
            "customer_ids": ["c"], "most": 10, "page_size": 10, "sort": "name",
        }  # fmt: skip
        plan = "\n".join(
            line
            for name in ("customers_meant", "customers_found")
            for (line,) in database.execute("explain " + read.SQL[name], values)  # type: ignore[operator]
        )
    assert "customers_searched_name" in plan
    assert "Seq Scan on" not in plan, plan


def test_of_more_than_are_counted_those_that_come_first_stand_first(
    correspondence: Correspondence, agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order they are found in; and who is archived neither stands there nor takes a place."""
    monkeypatch.setattr(read, "MOST", 5)
    correspondence.execute(
        "insert into crm.customers (customer_id, name, created_by, created_at, archived_at, archived_by)"
        " select md5(n::text), 'Sam ' || lpad((n * 7 % 40)::text, 2, '0'), 'test',"
        "  timestamptz '2026-11-01' + make_interval(hours => n * 11 % 40), case when n % 2 = 0 then now() end, case when n % 2 = 0 then 'test' end"
        " from generate_series(0, 39) as n"
    )
    correspondence.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " select md5(n::text), 'd', 'phone:+614915701' || lpad(n::text, 2, '0'), md5(n::text), 't', 't'"
        " from generate_series(0, 39) as n"
    )
    with correspondence.together():
        for number in (5, 9, 33):
            correspondence.sms(f"+614915701{number:02}", "hello", START + timedelta(hours=number))
    standing = correspondence.execute(
        "select name, created_at from crm.customers where archived_at is null"
    )
    by_name = sorted(name for name, _ in standing)
    by_time = [name for name, _ in sorted(standing, key=lambda each: each[1], reverse=True)]
    wrote = [f"Sam {number * 7 % 40:02}" for number in (33, 9, 5)]
    expected = {
        read.Sort.NAME: by_name[:4],
        read.Sort.MADE: by_time[:4],
        # Then those who never wrote, by name.
        read.Sort.LATEST: wrote,
    }
    # By a name, and by a part of a number.
    for typed in ("sam", "0491 570 1"):
        for sort, first in expected.items():
            found = read.customers(agent, typed, sort=sort, page_size=4)
            assert names(found)[: len(first)] == first, (typed, sort)
            assert (len(found.rows), found.matched, found.is_cut) == (4, 5, True)
    officer = correspondence.signed_in("olive", "privacy_officer")
    taken: list[Row] = []
    assert read.export(officer, "sam", read.Sort.NAME, 3, taken.append).is_cut
    assert [row["name"] for row in taken] == by_name[:3]
    # One with so many numbers that they alone end the search: there are more than were counted, and all are looked through.
    monkeypatch.setattr(read, "MOST", 2)
    correspondence.customer("Ann", *(f"phone:+61491580{number:03}" for number in range(30)))
    correspondence.customer("Abe", "phone:+61491580999")
    for sort, first in ((read.Sort.NAME, ["Abe", "Ann"]), (read.Sort.MADE, ["Abe", "Ann"])):
        found = read.customers(agent, "0491 580", sort=sort, page_size=4)
        assert (names(found), found.matched, found.is_cut) == (first, 2, True)
    # Whoever wrote from many numbers takes nobody's place.
    with correspondence.together():
        for number in range(30):
            correspondence.sms(
                f"+61491580{number:03}", "hello", START + timedelta(days=2, minutes=number)
            )
        correspondence.sms("+61491580999", "hello", START + timedelta(hours=40))
    for typed in ("0491 580", "a"):
        found = read.customers(agent, typed, page_size=4)
        assert names(found)[:2] == ["Ann", "Abe"]
    assert names(read.customers(agent, "", page_size=4))[:2] == ["Ann", "Abe"]
    # Of those that are counted the archived are none.
    monkeypatch.setattr(read, "MOST", 25)
    found = read.customers(agent, "sam")
    assert (found.matched, found.is_cut) == (20, False)


def test_a_list_leaves_the_app_whole_with_those_who_may_and_as_one_event(
    correspondence: Correspondence, agent: Viewer
) -> None:
    sam = correspondence.customer("=Sam", "phone:+61491570006")
    correspondence.execute(
        "insert into crm.customers (customer_id, name, created_by)"
        " select md5(n::text), 'Sam ' || n, 'test' from generate_series(1, 1500) as n"
    )
    taken: list[Row] = []
    with pytest.raises(Forbidden):
        read.export(agent, "sam", read.Sort.NAME, 10, taken.append)
    assert (taken, correspondence.events("customer.export")) == ([], [])

    officer = correspondence.signed_in("olive", "privacy_officer")
    for typed, count in (("sam", 1501), ("", 1501), ("0491570006", 1), ("smm", 0)):
        for sort in read.Sort:
            taken.clear()
            done = read.export(officer, typed, sort, customers_csv.MOST_LINES, taken.append)
            # More than a page counts to, and in its order.
            assert (done.count, done.is_cut, len(taken)) == (count, False, count), (typed, sort)
            shown = read.customers(officer, typed, sort=sort, page_size=5).rows
            if not typed and sort is read.Sort.NAME:
                assert [row["name"] for row in taken[:5]] == [row["name"] for row in shown]
    event = correspondence.events("customer.export")[0]
    assert (event["detail"]["query"], event["detail"]["count"]) == ("sam", 1501)
    assert len(event["customer_ids"]) == 1501
    assert sam in event["customer_ids"]
    # One event each; where a bound applies it says so, and names whom the file holds and nobody else.
    assert len(correspondence.events("customer.export")) == 12
    taken.clear()
    done = read.export(officer, "sam", read.Sort.NAME, 3, taken.append)
    assert (done.count, done.is_cut, len(taken)) == (3, True, 3)
    event = correspondence.events("customer.export")[-1]
    assert event["detail"]["is_cut"]
    assert event["customer_ids"] == [row["customer_id"] for row in taken]


def test_the_file_says_where_it_ends_before_the_list_does(
    correspondence: Correspondence, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        correspondence.customer(f"Sam {number}")
    correspondence.user("olive", "privacy_officer")
    app = Starlette(routes=ROUTES)
    with TestClient(app, base_url="http://crm.example.com", follow_redirects=False) as client:
        client.get("/session/start", params={"token": sessions.start_token("olive")})
        lines = client.get("/customers.csv?q=sam&sort=name").text.splitlines()
        assert len(lines) == 5
        monkeypatch.setattr(customers_csv, "MOST_LINES", 2)
        answer = client.get("/customers.csv?q=sam&sort=name")
        assert answer.headers["content-disposition"].endswith('"customers.csv"')
        lines = answer.text.splitlines()
        assert len(lines) == 4
        assert lines[-1].endswith(customers_csv.cut(2))
        # Two at a time; the third is told so.
        monkeypatch.setattr(csv_file, "AT_ONCE", threading.BoundedSemaphore(1))
        csv_file.AT_ONCE.acquire()
        assert client.get("/customers.csv").status_code == 503
    found = read.Found(rows=[], matched=2, is_cut=False)
    assert not customers_csv.may_be_cut(found)
    assert customers_csv.may_be_cut(read.Found(rows=[], matched=3, is_cut=False))
