"""A list of customers as a file: what the list shows, for those who may, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from app import csv_file, customers_csv
from app.access.roles import Permission, UserRole, may
from app.views import list_html

ROW = {
    "customer_id": "c1", "name": "Sam", "identities": ["phone:+61491570006", "email:sam@example.com"],
    "first_at": None, "last_at": datetime(2026, 11, 1, tzinfo=UTC), "message_count": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["=1+1", "+61 491", "-2", "@sum(A1)", "\t=1", " =1", "\r=1", "＝1", "a,b", '"quoted"', "two\nlines", "王小明"]
)  # fmt: skip
def test_no_cell_is_a_formula_and_none_is_lost(name: str) -> None:
    file = io.BytesIO()
    with csv_file.lines_into(file, customers_csv.COLUMNS) as lines:
        lines.writerow(customers_csv.cells(ROW | {"name": name}))
    written = file.getvalue().decode("utf-8-sig")
    head, line = csv.reader(io.StringIO(written, newline=""))
    assert tuple(head) == customers_csv.COLUMNS
    assert line[1].removeprefix("'") == name
    assert line[1].lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r", "＝"}
    assert line[2:] == [
        "phone:+61491570006 email:sam@example.com",
        "",
        "2026-11-01T00:00:00+00:00",
        "3",
    ]


def test_who_may_take_it() -> None:
    assert {role for role in UserRole if may(role, Permission.EXPORT)} == {
        UserRole.PRIVACY_OFFICER,
        UserRole.ADMIN,
    }


def test_namesakes_are_told_apart() -> None:
    rows = [
        {"customer_id": "a", "name": "Sam  Citizen"},
        {"customer_id": "b", "name": "sam citizen"},
        {"customer_id": "c", "name": "Sam"},
    ]
    assert list_html.namesakes(rows) == {"a", "b"}
