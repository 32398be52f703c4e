"""`./crm customer import`: made, matched, refused with line numbers; twice is the same as once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from warehouse import customer_import, decisions
from warehouse.customer_file import Line
from warehouse.events import Actor
from warehouse.settings import Role, Settings

JOB = Actor(name="job:import", role="system")

Crm = Callable[..., tuple[int, str, str]]
Import = Callable[[str | bytes], dict[str, Any]]


@pytest.fixture
def import_text(crm: Crm, warehouse: Settings, tmp_path: Path) -> Import:
    """Import a file of this content; the report."""

    def run(content: str | bytes) -> dict[str, Any]:
        file = tmp_path / "customers.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        status, out, err = crm("customer", "import", str(file), "--json")
        assert status == 0, err
        document: dict[str, Any] = json.loads(out)
        return document

    return run


def told(report: dict[str, Any]) -> tuple[int, int, list[int], list[int], list[int]]:
    """Made, matched, and the lines that are refused, in conflict, and taken without one address."""
    lines = [
        [each["line"] for each in report[kind]] for kind in ("refused", "conflicts", "left_out")
    ]
    return report["made"], report["matched"], *lines


def links(admin: psycopg.Connection[Any]) -> dict[str, str]:
    """identity -> name of the customer, over open links."""
    rows = admin.execute(
        "select identity, name from crm.identity_links join crm.customers using (customer_id)"
        " where ended_at is null"
    )
    return dict(rows.fetchall())


def test_a_list_in_any_order_and_spelling(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    report = import_text(
        "\ufeffEMAIL, Phone ,name,Notes\r\n"
        'Mai.Tran@Example.com,0491 570 006,Mai Tran,"likes\r\nlong notes"\r\n'
        ",(02) 5550 1234,  Sam   Citizen ,\r\n"
        "\r\n"
        "jo@bücher.example,,Jo,\r\n"
    )
    assert told(report) == (3, 0, [], [], [])
    assert links(admin) == {
        "email:mai.tran@example.com": "Mai Tran",
        "phone:+61491570006": "Mai Tran",
        "phone:+61255501234": "Sam Citizen",
        "email:jo@xn--bcher-kva.example": "Jo",
    }


def test_importing_again_changes_nothing(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    content = "name,phone,email\nMai,0491570006,mai@example.com\nSam,,sam@example.com\n"
    import_text(content)

    def everything() -> list[Any]:
        return [
            admin.execute(f"select * from crm.{table} order by 1").fetchall()
            for table in ("customers", "identity_links", "events")
        ]

    before = everything()
    again = import_text(content)
    assert told(again) == (0, 2, [], [], [])
    assert again["decision_id"] is None
    assert everything() == before


def test_a_line_about_one_we_have_adds_the_missing_link(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    import_text("name,phone\nMai,0491570006\n")
    report = import_text("name,phone,email\nM. Tran,+61 491 570 006,mai@example.com\n")
    assert told(report) == (0, 1, [], [], [])
    assert links(admin) == {"phone:+61491570006": "Mai", "email:mai@example.com": "Mai"}


def test_lines_of_one_file_that_share_an_address_are_one_customer(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    report = import_text(
        "name,phone,email\nMai,0491570006,\nMai Tran,,mai@example.com\nMAI,+61491570006,\n"
    )
    assert told(report) == (2, 1, [], [], [])


def test_a_line_of_two_customers_is_refused_and_changes_nothing(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    import_text("name,phone,email\nMai,0491570006,\nSam,,sam@example.com\n")
    report = import_text(
        "name,phone,email\nWho,0491570006;0491570110,sam@example.com\nNew,0491570156,\n"
    )
    assert (report["made"], report["matched"]) == (1, 0)
    assert [each["line"] for each in report["refused"]] == [2]
    assert "belongs to 2 customers" in report["refused"][0]["reason"]
    assert "phone:+61491570110" not in links(admin)


def test_unusable_lines_are_named_and_the_others_imported(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    report = import_text(
        "name,phone,email\n"
        ",0491570006,\n"
        "No Address,,\n"
        "Bad Phone,12,\n"
        "Bad Mail,,nobody\n"
        "Cells,0491570110\n"
        "Good,0491570157,\n"
        'Nul,0491570158,"a\0b@example.com"\n'
        '"=HYPERLINK(""https://example.com"")",0491570159,\n'
        f"{'x' * 10_000},0491570160,\n"
        "Cut,4.91570161E+8,\n"
        'Kept,"=""0491570162""",\n'
    )
    assert report["made"] == 2
    assert {each["line"]: each["reason"] for each in report["refused"]} == {
        2: "name is empty: give one",
        3: "neither phone nor email: nothing would ever be matched to this customer",
        4: "phone: no phone number: too short or too long for its country",
        5: "email: no mail address: name@domain is expected",
        6: "2 cells where the header has 3",
        8: "a cell contains a NUL character",
        9: "name begins with =, as a formula of a spreadsheet does: write the name itself",
        10: "name is longer than 200 characters",
        11: "phone: the spreadsheet cut the number short (it shows an E): format the column as text",
    }
    assert links(admin) == {"phone:+61491570157": "Good", "phone:+61491570162": "Kept"}


def test_of_a_line_with_one_bad_address_the_others_are_taken(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    report = import_text(
        "name,phone,email\n"
        "Mai,0491570006;12,mai@example.com\n"
        "Shop,1300 555 012;13 14 50,nobody\n"
        "Sam,1800 555 012,Sam@BÜCHER.example.\n"
    )
    assert (report["made"], report["refused"]) == (3, [])
    assert report["left_out"] == [
        {"line": 2, "reason": "phone: no phone number: too short or too long for its country"},
        {"line": 3, "reason": "email: no mail address: name@domain is expected"},
    ]
    assert links(admin) == {
        "phone:+61491570006": "Mai",
        "email:mai@example.com": "Mai",
        "phone:+611300555012": "Shop",
        "phone:+61131450": "Shop",
        "phone:+611800555012": "Sam",
        "email:sam@xn--bcher-kva.example": "Sam",
    }


def test_line_numbers_count_lines_of_the_file(import_text: Import) -> None:
    report = import_text('name,phone,notes\nMai,0491570006,"one\ntwo\nthree"\n\nSam,12,\n')
    assert [each["line"] for each in report["refused"]] == [6]


def test_broken_quoting_ends_the_import_at_its_line(import_text: Import) -> None:
    report = import_text('name,phone\nMai,0491570006\n"Sam,0491570110\nJo,0491570156\n')
    assert report["made"] == 1
    assert report["refused"][0]["line"] == 3
    assert "no CSV from here on" in report["refused"][0]["reason"]


def test_names_on_platforms_are_kept_in_the_notes(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    import_text("name,phone,instagram,facebook,notes\nMai,0491570006,@mai.t,mai.tran,VIP\n")
    row = admin.execute("select notes from crm.customers").fetchone()
    assert row == ("VIP\ninstagram: @mai.t\nfacebook: mai.tran",)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("name;phone\nJosé;0491570006\n".encode(), "UTF-8"),
        ("sep=;\r\nname;phone\r\nJosé;0491570006\r\n".encode("cp1252"), "Windows-1252"),
        ("name\tphone\r\nJosé\t0491570006\r\n".encode("utf-16"), "UTF-16"),
        ("name,phone\r\nJosé,0491570006\r\n".encode("utf-16-be"), "UTF-16"),
    ],
)
def test_as_spreadsheets_of_other_countries_write_it(
    content: bytes, encoding: str, import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    report = import_text(content)
    assert (told(report), report["encoding"]) == ((1, 0, [], [], []), encoding)
    assert links(admin) == {"phone:+61491570006": "José"}


def test_an_address_that_is_given_to_two_people_goes_to_neither(
    import_text: Import, admin: psycopg.Connection[Any]
) -> None:
    import_text("name,phone\nOwner,0491570110\n")
    report = import_text(
        "name,phone,email\n"
        "Mai,0491570006,mai@example.com\n"
        "Sam,+61 491 570 006,sam@example.com\n"
        "Jo,0491570006,\n"
        "owner,0491570110,owner@example.com\n"
        "Thief,0491570110,\n"
    )
    assert told(report) == (2, 1, [4, 6], [2, 3, 4, 6], [])
    assert report["conflicts"][0]["reason"] == (
        "phone:+61491570006 is given to Mai (line 2), Sam (line 3), Jo (line 4): it goes to none of them"
    )
    assert report["refused"][1]["reason"].endswith("it stays with Owner")
    assert links(admin) == {
        "email:mai@example.com": "Mai",
        "email:sam@example.com": "Sam",
        "email:owner@example.com": "Owner",
        "phone:+61491570110": "Owner",
    }


def test_a_preview_changes_nothing(
    crm: Crm, warehouse: Settings, tmp_path: Path, admin: psycopg.Connection[Any]
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name,phone\nMai,0491570006\nSam,12\n")
    status, out, _ = crm("customer", "import", str(file), "--preview", "--json")
    assert (status, told(json.loads(out))) == (0, (1, 0, [3], [], []))
    assert admin.execute("select from crm.customers").fetchall() == []
    # Whose the addresses are is told by it, and that is written down.
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('m', 'Mai', 't'), ('s', 'Sam', 't')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l', 'd', 'phone:+61491570006', 'm', 't', 't'), ('k', 'd', 'email:s@example.com', 's', 't', 't')"
    )
    file.write_text("name,phone,email\nMai,0491570006,s@example.com\nJo,0491570157,\n")
    assert crm("customer", "import", str(file), "--preview")[0] == 0
    assert admin.execute(
        "select action, customer_ids, detail ->> 'file', (detail ->> 'lines')::int, (detail ->> 'count')::int"
        " from crm.events order by at"
    ).fetchall() == [
        ("customer.preview", [], "list.csv", 2, 0),
        ("customer.preview", ["m", "s"], "list.csv", 2, 2),
    ]


def test_a_long_list_is_imported_as_a_whole_or_not_at_all(
    warehouse: Settings, admin: psycopg.Connection[Any]
) -> None:
    """Of 6,000 lines three are wrong; others decide on one of the identities while it is written."""
    lines = [
        Line(number=number, cells={"name": f"Person {number}", "phone": f"+6149{number:07}"})
        for number in range(2, 6_002)
    ]
    for wrong in (5, 500, 5_500):
        lines[wrong] = replace(lines[wrong], cells={"name": "Wrong", "phone": "12"})
    with psycopg.connect(warehouse.url_for(Role.APP), autocommit=True) as database:

        def meanwhile(words: str, done: int, total: int) -> None:
            if words == "written" and done >= 5_000 and not links(admin):
                with psycopg.connect(warehouse.url_for(Role.APP)) as other:
                    customer = decisions.create_customer(other, JOB, "Quicker")
                    decisions.link(other, JOB, "phone:+61490005900", customer, reason="quicker")

        plan = customer_import.carry_out(
            database, JOB, lines, source="long.csv", progress=meanwhile
        )
    assert (len(plan.customers), len(plan.matched), len(plan.refused)) == (5_996, 1, 3)
    assert len(links(admin)) == 5_997
    assert links(admin)["phone:+61490005900"] == "Quicker"
    told_of = admin.execute(
        "select action, count(*), count(distinct detail ->> 'decision_id') from crm.events"
        " where detail ->> 'source' = 'long.csv' group by action order by action"
    ).fetchall()
    assert told_of == [("customer.create", 5_996, 1), ("identity.link", 5_996, 1)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"phone\n0491570006\n", "missing: name"),
        (b"name,phon\nMai,1\n", "unknown: phon"),
        (b"name,phone,Phone\nMai,1,2\n", "twice: phone"),
        (b"name,phone,\nMai,1,\n", "unknown: (empty)"),
        (b"name,phone\nJos\x81,0491570006\n", "is neither UTF-8 nor UTF-16 nor Windows-1252"),
        (b"\xff\xfename,phone\n", "is neither UTF-8 nor UTF-16"),
    ],
)
def test_an_unusable_file_is_one_line_and_status_two(
    content: bytes, said: str, crm: Crm, warehouse: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(content)
    status, out, err = crm("customer", "import", str(file))
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_every_decision_has_its_event(import_text: Import, admin: psycopg.Connection[Any]) -> None:
    import_text("name,phone,email\nMai,0491570006,mai@example.com\n")
    rows = admin.execute("select action, actor, role from crm.events order by at").fetchall()
    assert [row[0] for row in rows] == ["customer.create", "identity.link", "identity.link"]
    assert all(actor.startswith("cli:") and role == "admin" for _, actor, role in rows)
