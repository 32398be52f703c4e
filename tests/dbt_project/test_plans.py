"""Staging is planned anew by every statement that reads it: plans stay small, and a condition reaches the index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql

from transform import fold
from warehouse.filters import Filter
from warehouse.queries import queries
from warehouse.settings import Settings

#: Characters of a view's plan as JSON. Before the fences WhatsApp's copies were 870,000, and their planning a tenth of a second.
LARGEST_PLAN = 150_000
#: Kilobytes that the planner may take for one view, which counts the expressions too.
MOST_PLANNER_KILOBYTES = 20_000
#: Tables that hold a row per connection, per own address or per culprit, or one row.
SMALL = {"connections", "send_as", "set_aside", "tombstone_key"}
Database = psycopg.Connection[Any]


def views(admin: Database) -> list[str]:
    found = admin.execute(
        "select viewname from pg_views where schemaname = 'staging' order by 1"
    ).fetchall()
    return [name for (name,) in found]


def explained(admin: Database, options: str, query: str) -> dict[str, Any]:
    row = admin.execute(f"explain (format json{options}) {query}").fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_no_view_of_staging_has_a_large_plan(admin: Database) -> None:
    assert len(views(admin)) > 20
    large = {}
    for view in views(admin):
        size = len(json.dumps(explained(admin, "", f"select * from staging.{view}")))
        if size > LARGEST_PLAN:
            large[view] = size
    assert large == {}


def test_planning_a_view_of_staging_takes_little_memory(admin: Database) -> None:
    if admin.info.server_version < 170000:
        pytest.skip("only from PostgreSQL 17 on does EXPLAIN tell the planner's memory")
    large = {}
    for view in views(admin):
        plan = explained(admin, ", memory", f"select * from staging.{view}")
        kilobytes = plan["Planning"]["Memory Used"]
        if kilobytes > MOST_PLANNER_KILOBYTES:
            large[view] = kilobytes
    assert large == {}


def test_what_is_new_is_found_by_its_index(admin: Database) -> None:
    """Without it every landing would read all of raw."""
    # The tables are empty, where the planner would rather read them whole.
    admin.execute("set enable_seqscan = off")
    admin.execute("set enable_bitmapscan = off")
    copies = [view for view in views(admin) if view.endswith("_copies") and "gmail" not in view]
    assert len(copies) >= 9
    for view in copies:
        query = f"select * from staging.{view} where transaction_id >= '123'::xid8"
        reads = [
            node
            for node in nodes(explained(admin, "", query)["Plan"])
            if node.get("Relation Name", "").startswith("webhook_deliveries")
            or "transaction_id" in str(node.get("Filter")) + str(node.get("Index Cond"))
        ]
        assert reads, view
        for node in reads:
            assert "transaction_id >= '123'::xid8" in node.get("Index Cond", ""), (view, node)


def test_when_a_silent_connection_last_heard_something_is_found_by_its_index(
    admin: Database,
) -> None:
    """Else it is looked for through all that the others received."""
    admin.execute("set enable_seqscan = off")
    admin.execute("set enable_bitmapscan = off")
    reads = [
        node
        for node in nodes(explained(admin, "", "select * from marts.channel_health")["Plan"])
        if node.get("Relation Name", "").startswith("webhook_deliveries")
    ]
    assert reads
    for node in reads:
        assert "connection_id" in node.get("Index Cond", ""), node


def test_no_statement_of_a_fold_walks_a_table_that_grows(
    settings: Settings, models: object
) -> None:
    """One new mail must not cost a look at every mail that ever came."""
    with fold.connect(settings) as database:
        standing = fold.standing(database)
        assert standing is not None
        fold.Fold(database, standing[1]).warm_up()
        names = [
            name
            for (name,) in database.execute(
                "select name from pg_prepared_statements where statement like 'prepare %'"
            )
        ]
        assert len(names) > 30
        walked = []
        for name in names:
            explain = sql.SQL("explain (verbose, format json) execute {}").format(
                sql.Identifier(name)
            )
            row = database.execute(explain).fetchone()
            assert row is not None
            walked += [
                f"{name}: {node['Schema']}.{node['Relation Name']}"
                for node in nodes(row[0][0]["Plan"])
                if node["Node Type"] == "Seq Scan"
                # The working tables of the fold's own session are read whole.
                and not node["Schema"].startswith("pg_temp")
                and node["Relation Name"] not in SMALL
            ]
        assert walked == []


#: Columns that hold an identity. Equal ones are joined by index only where they collate alike.
OF_IDENTITIES = ("identity", "counterpart_identity", "same_as", "other")
#: Who asks whose a message is, or what it bears, with the tables that are asked by a key.
BY_IDENTITY = (
    ("app_read", "one_message", {"identity_links"}),
    ("app_read", "customers_of_message", {"identity_links"}),
    ("app_read", "unassigned", {"identity_links"}),
    ("app_read", "customers_of_latest_contacts", {"identity_links"}),
    ("designed", "mail_to_show", {"identity_links"}),
    ("media", "attachment_to_open", {"identity_links"}),
    ("timeline", "timeline_page", {"identity_links", "identities"}),
    ("timeline", "timeline_changes", {"identity_links", "identities"}),
    ("timeline_at", "timeline_from", {"identity_links", "identities"}),
    ("search", "results", {"identity_links", "identities"}),
    ("timeline_at", "first_from", {"identity_links"}),
    ("timeline_filtered", "filtered_page", {"identity_links", "taggings"}),
    ("timeline_filtered", "filtered_from", {"identity_links", "taggings"}),
    ("timeline_filtered", "filtered_count", {"identity_links", "taggings"}),
    ("timeline_filtered", "filter_choices", {"identity_links", "taggings"}),
)


def test_identities_collate_alike_wherever_they_stand(admin: Database) -> None:
    other = admin.execute(
        "select columns.table_schema, columns.table_name, column_name, collation_name"
        " from information_schema.columns as columns join information_schema.tables as tables using (table_schema, table_name)"
        " where (table_schema = 'marts' or table_schema in ('canonical', 'crm', 'jobs') and table_type = 'BASE TABLE')"
        " and column_name = any(%s) and collation_name is not null",
        [list(OF_IDENTITIES)],
    ).fetchall()
    assert other == []


def test_whose_a_message_is_is_found_by_its_index(admin: Database) -> None:
    # Of a table with a few rows the planner reads any index whole.
    for fill in (
        "insert into crm.customers (customer_id, name, created_by) values ('c', 'Sam', 't')",
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " select n, 'd', 'email:' || n || '@example.com', 'c', 't', 't' from generate_series(1, 3000) as n",
        "insert into canonical.identities (identity) select identity from crm.identity_links",
        "insert into crm.tags (tag_id, name, colour, created_by) values ('t', 'VIP', 'red', 't')",
        "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
        " select n, 't', 'message', 'm' || n, 't' from generate_series(1, 3000) as n",
        "analyze crm.identity_links",
        "analyze crm.taggings",
        "analyze canonical.identities",
        *(f"set enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")),
    ):
        admin.execute(fill.encode())
    some = {
        "message_id": "m", "raw_ref": "r", "customer_id": "c", "before": None, "page_size": 50, "since_fold": 1,
        "position": "p", "message_ids": ["m"], "looked_through": 100, "most": 10, "attachment_id": "a",
        "is_searched": False, "name_pattern": None, "name_patterns": [], "identity_patterns": [], "identity_parts": [], "contacts": 20,
        **Filter(tags=("VIP",)).parameters(ZoneInfo("UTC"), datetime(2026, 11, 1, tzinfo=UTC)),
    }  # fmt: skip
    for file, name, tables in BY_IDENTITY:
        asked = f"explain (format json) {queries(file)[name]}".encode()
        row = admin.execute(asked, some).fetchone()
        assert row is not None
        reads = [node for node in nodes(row[0][0]["Plan"]) if node.get("Relation Name") in tables]
        assert {node["Relation Name"] for node in reads} == tables, name
        whole = [node for node in reads if "Index Cond" not in node and "Recheck Cond" not in node]
        assert whole == [], name
