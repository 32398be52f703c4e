"""The list of notices is what is sent and what is listened to, in statements, triggers and programs."""

from __future__ import annotations

import ast
import re
from typing import Any

import psycopg

from tests.test_conventions import ROOT, tracked
from warehouse.notices import Notice

SENT = re.compile(r"pg_notify\(\s*'(\w+)'|\bnotify (crm_\w+)", re.IGNORECASE)


def sent_in(text: str) -> set[str]:
    return {name for pair in SENT.findall(text) for name in pair if name}


def test_queries_send_notices_of_the_list() -> None:
    for file in tracked("warehouse/queries/*.sql", "dbt_project/*.sql", "app/*.js"):
        assert sent_in(file.read_text()) <= set(Notice), file.name


def test_the_warehouse_sends_notices_of_the_list(admin: psycopg.Connection[Any]) -> None:
    """What its functions say after every migration, whatever an older one said."""
    bodies = admin.execute("select proname, prosrc from pg_proc where prosrc ~ 'pg_notify'")
    sent = {name: sent_in(body) for name, body in bodies.fetchall() if not name.startswith("pg_")}
    crm = {
        name: {each for each in found if each.startswith("crm_")} for name, found in sent.items()
    }
    assert {"tell_links", "tell_people", "tell_health"} <= set(crm)
    assert all(found <= set(Notice) for found in crm.values()), crm


def test_every_notice_is_sent_and_heard() -> None:
    sql = "\n".join(file.read_text() for file in tracked("warehouse/*.sql"))
    python = {file: file.read_text() for file in tracked("*.py") if "tests" not in file.parts}
    for notice in Notice:
        sends = notice in sent_in(sql) or any(
            re.search(rf"notify.*Notice\.{notice.name}", text) for text in python.values()
        )
        assert sends, f"nobody sends {notice}"
        heard = [
            file.name
            for file, text in python.items()
            if "listen {" in text and f"Notice.{notice.name}" in text
        ]
        assert heard, f"nobody listens to {notice}"


def test_no_program_writes_a_notice_by_hand() -> None:
    found = []
    for file in tracked("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if name.startswith("tests/") or name == "warehouse/notices.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            # One of Prometheus bears such a name, too.
            if (
                isinstance(node, ast.Constant)
                and node.value in set(Notice)
                and name != "webhooks/main.py"
            ):
                found.append(f"{name}:{node.lineno}")  # fmt: skip
    assert found == []


def test_the_overview_names_every_notice() -> None:
    overview = (ROOT / "specs" / "overview.md").read_text()
    assert all(f"`{notice}`" in overview for notice in Notice)
