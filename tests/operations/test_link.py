"""`./crm link` and `unlink`: at most one open link per identity, and nothing is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]


@pytest.fixture
def customers(warehouse: Settings, admin: psycopg.Connection[Any]) -> None:
    for name in ("mai", "sam"):
        admin.execute(
            "insert into crm.customers (customer_id, name, created_by) values (%s, %s, 'test')",
            [name, name],
        )


@pytest.mark.usefixtures("customers")
def test_a_link_opens_and_ends_and_its_row_stays(crm: Crm, admin: psycopg.Connection[Any]) -> None:
    status, out, err = crm("link", "phone:0491 570 006", "mai", "--reason", "told us", "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert (document["identity"], document["changed"]) == ("phone:+61491570006", True)
    status, out, _ = crm("unlink", "phone:+61491570006", "--reason", "wrong person", "--json")
    assert (status, json.loads(out)["customer_id"]) == (0, "mai")
    row = admin.execute(
        "select customer_id, decision_id, reason, end_reason, ended_by like 'cli:%' from crm.identity_links"
    ).fetchall()
    assert row == [("mai", document["decision_id"], "told us", "wrong person", True)]
    events = admin.execute("select action, customer_ids from crm.events order by at").fetchall()
    assert events == [("identity.link", ["mai"]), ("identity.unlink", ["mai"])]


@pytest.mark.usefixtures("customers")
def test_an_identity_of_somebody_else_must_be_unlinked_first(crm: Crm) -> None:
    crm("link", "email:Mai@Example.com", "mai", "--reason", "r")
    again = crm("link", "email:mai@example.com", "mai", "--reason", "r", "--json")
    assert (again[0], json.loads(again[1])["changed"]) == (0, False)
    status, out, err = crm("link", "email:mai@example.com", "sam", "--reason", "r")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "belongs to mai, customer mai" in err
    crm("unlink", "email:mai@example.com", "--reason", "r")
    assert crm("link", "email:mai@example.com", "sam", "--reason", "r")[0] == 0


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("link", "0491570006", "mai", "--reason", "r"), "scheme:value"),
        (("link", "phone:12", "mai", "--reason", "r"), "phone"),
        (("link", "phone:0491570006", "nobody", "--reason", "r"), "no customer nobody"),
        (("link", "phone:0491570006", "mai", "--reason", " "), "reason is empty: say why"),
        (("link", "phone:0491570006", "mai"), "--reason"),
        (("link", "phone:0491570006", "mai", "--reason", "x" * 1001), "longer than 1,000"),
        (("unlink", "phone:0491570006", "--reason", "r"), "has no open link"),
        (("unlink", "phone:12", "--reason", "r"), "phone"),
    ],
)
def test_what_is_unusable_is_one_line(arguments: tuple[str, ...], said: str, crm: Crm) -> None:
    status, out, err = crm(*arguments)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


@pytest.mark.usefixtures("customers")
def test_two_are_one_and_two_again(
    crm: Crm, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    def said(*arguments: str) -> dict[str, Any]:
        status, out, err = crm(*arguments, "--json")
        assert status == 0, err
        document: dict[str, Any] = json.loads(out)
        return document

    def owned() -> dict[str, str]:
        listed = said("customer", "list")["customers"]
        return {each: row["customer_id"] for row in listed for each in row["identities"]}

    said("link", "phone:0491570006", "mai", "--reason", "r")
    said("link", "email:mai@example.com", "mai", "--reason", "r")
    said("link", "email:sam@example.com", "sam", "--reason", "r")
    before = owned()
    merged = said("merge", "mai", "sam", "--reason", "one person")
    assert set(owned().values()) == {"sam"}
    assert merged["before"]["mai"]["identities"] == 2
    assert merged["after"]["sam"]["identities"] == 3
    assert crm("merge", "mai", "sam", "--reason", "r")[0] == 2
    assert crm("merge", "sam", "sam", "--reason", "r")[0] == 2
    shown = said("customer", "show", "sam")
    assert [each["customer_id"] for each in shown["merged"]] == ["mai"]
    assert {each["reason"] for each in shown["identities"]} == {"r", "one person"}
    assert shown["decisions"][0]["decision_id"] == merged["decision_id"]
    # What is taken apart needs no reason, what is put together does.
    undone = said("undo", merged["decision_id"])
    assert owned() == before
    status, out, err = crm("undo", undone["decision_id"], "--json")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "puts the data of two customers together: say why" in err
    assert owned() == before

    said("move", "phone:+61491570006", "sam", "--reason", "r")
    split = said("split", "sam", "Kim", "--identity", "phone:0491 570 006", "--reason", "r")
    assert owned()["phone:+61491570006"] == split["customer_id"]
    assert said("customer", "rename", split["customer_id"], "Kim Example")["changed"]
    assert crm("customer", "archive", split["customer_id"], "--reason", "r")[0] == 2
    said("unlink", "phone:0491570006", "--reason", "r")
    archived = said("customer", "archive", split["customer_id"], "--reason", "gone")
    names = [row["name"] for row in said("customer", "list")["customers"]]
    assert names == ["mai", "sam"]
    said("undo", archived["decision_id"])
    assert said("customer", "list", "kim ex")["count"] == 1
    assert said("customer", "list", "%")["count"] == 0
    assert crm("customer", "show", "nobody")[0] == 2
    said("customer", "rename", split["customer_id"], "=HYPERLINK(1)")
    assert said("customer", "export", str(tmp_path / "out.csv"))["customers"] == 3
    written = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    assert written[0] == "name,phone,email,notes"
    assert "'=HYPERLINK(1),,," in written
    assert "mai,,mai@example.com," in written
    # An import knows everybody in the same file but who has no address.
    again = said("customer", "import", str(tmp_path / "out.csv"), "--preview")
    assert (again["made"], again["matched"], len(again["refused"])) == (0, 2, 1)
    status, out, err = crm("customer", "export", str(tmp_path / "nowhere" / "out.csv"))
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "cannot be written" in err

    # Who was shown stands in each event: of a list, a card, a file.
    told = admin.execute(
        "select action, object_id, customer_ids, detail ->> 'query', (detail ->> 'count')::int from crm.events"
        " where action in ('customer.search', 'customer.view', 'customer.export') order by at"
    ).fetchall()
    everybody = ["sam", split["customer_id"], "mai"]
    assert {row[0] for row in told} == {"customer.search", "customer.view", "customer.export"}
    assert ("customer.view", "sam", ["sam", "mai"], None, None) in told
    assert told[-3][:2] == ("customer.search", "*")
    assert (told[-3][2:], told[-2][2:]) == (([split["customer_id"]], "kim ex", 1), ([], "%", 0))
    assert (told[-1][0], sorted(told[-1][2]), told[-1][4]) == (
        "customer.export",
        sorted(everybody),
        3,
    )
