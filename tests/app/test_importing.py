"""A list of customers on its way in through the page: what a preview tells is on record, with whom it names."""

from __future__ import annotations

from app import importing
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence

LIST = "name;phone;email\nSam;0491570006;\nSomebody;0491570156;ann@example.com\nNew;0491570157;\n"


def test_a_preview_names_whom_it_showed(
    correspondence: Correspondence, agent: Viewer, programs: None
) -> None:
    sam = correspondence.customer("Samuel", "phone:+61491570006")
    kim = correspondence.customer("Kim", "phone:+61491570156")
    ann = correspondence.customer("Ann", "email:ann@example.com")
    correspondence.customer("Not in it", "phone:+61491570158")
    found = importing.preview(agent, "list.csv", LIST.encode(), lambda *_: None)
    # One is known by another name, one line would be two people's, and one is new.
    assert (found["made"], found["matched"], found["refused_count"]) == (1, 1, 1)
    assert "Kim" in found["refused"][0]["reason"]
    (event,) = correspondence.events("customer.preview")
    assert sorted(event["customer_ids"]) == sorted([sam, kim, ann])
    assert event["detail"] == {"file": "list.csv", "lines": 3}
    assert correspondence.execute("select count(*) from crm.customers") == [(4,)]
