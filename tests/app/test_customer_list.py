"""The list of customers: names with accents and typos, sorted, and taken out as a file by those who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app import customers_csv, read
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
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

    # Found by an index: no look at every customer or every link.
    with (
        psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database,
        database.transaction(),
    ):
        database.execute("set local enable_seqscan = off")
        values = {
            "name_pattern": "%ang%", "name_patterns": ["%ang%"], "identity_patterns": ["%570%"], "customer_ids": [],
            "most": 10, "page_size": 10, "sort": "name",
        }  # fmt: skip
        plan = "\n".join(
            line for (line,) in database.execute("explain " + read.SQL["customers_found"], values)
        )  # type: ignore[operator]
    assert "customers_searched_name" in plan
    assert "Seq Scan on" not in plan, plan


def test_a_list_leaves_the_app_with_those_who_may_and_as_an_event(
    correspondence: Correspondence, agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = correspondence.customer("=Sam", "phone:+61491570006")
    asked = {
        "permission": Permission.EXPORT,
        "action": "customer.export",
        "page_size": customers_csv.MOST_LINES,
    }
    with pytest.raises(Forbidden):
        read.customers(agent, "sam", **asked)  # type: ignore[arg-type]
    assert correspondence.execute(
        "select count(*) from crm.events where action = 'customer.export'"
    ) == [(0,)]
    from app.access.roles import MATRIX

    monkeypatch.setitem(MATRIX, agent.role, MATRIX[agent.role] | {Permission.EXPORT})
    found = read.customers(agent, "sam", **asked)  # type: ignore[arg-type]
    assert "'=Sam" in customers_csv.written(found.rows)
    assert correspondence.execute(
        "select detail ->> 'query', (detail ->> 'count')::int, customer_ids from crm.events where action = 'customer.export'"
    ) == [("sam", 1, [sam])]
