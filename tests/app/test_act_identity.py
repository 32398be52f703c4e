"""What pages decide about many identities at once: one decision, of exactly what stood on the screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import act, act_identity, read_identity
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from pipelines.suggestions import find_evidence
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

AT = datetime(2026, 3, 3, 1, tzinfo=UTC)
NUMBERS = [f"phone:+614915701{place}" for place in (10, 56, 57)]


def owners(correspondence: Correspondence) -> dict[str, str]:
    rows = correspondence.execute(
        "select identity, name from crm.identity_links join crm.customers using (customer_id) where ended_at is null"
    )
    return {str(identity): str(name) for identity, name in rows}


def latest(correspondence: Correspondence) -> str:
    ((decision_id,),) = correspondence.execute(
        "select decision_id from crm.decisions order by at desc limit 1"
    )
    return str(decision_id)


@pytest.mark.parametrize("is_moved", [True, False])
def test_what_is_taken_away_together_comes_back_together(
    correspondence: Correspondence, agent: Viewer, is_moved: bool
) -> None:
    sam = correspondence.customer("Sam", *NUMBERS)
    kim = correspondence.customer("Kim") if is_moved else None
    before = owners(correspondence)
    act_identity.take_away(agent, NUMBERS[:2], kim, reason="not them")
    assert owners(correspondence) == {NUMBERS[2]: "Sam"} | (
        dict.fromkeys(NUMBERS[:2], "Kim") if is_moved else {}
    )
    assert correspondence.execute("select count(*) from crm.decisions") == [(1,)]
    act.undo(agent, latest(correspondence), "they were")
    assert owners(correspondence) == before
    # All or none: one of them is somebody else's by now.
    act_identity.take_away(agent, NUMBERS[:1], None, reason="r")
    with pytest.raises(Refused):
        act_identity.take_away(agent, NUMBERS, kim, reason="r")
    assert owners(correspondence) == dict.fromkeys(NUMBERS[1:], "Sam")
    assert sam


def test_who_may_not_decide_so_may_not_take_it_back(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.customer("Sam", *NUMBERS)
    act_identity.take_away(agent, NUMBERS[:1], None, reason="r")
    reader = correspondence.signed_in("vic", "viewer")
    with pytest.raises(Forbidden, match="viewer"):
        act.undo(reader, latest(correspondence), "r")
    assert not hasattr(act_identity, "undo"), "there is one undo of pages, which asks for each kind"


def test_many_are_decided_on_as_they_stood_on_the_screen(
    correspondence: Correspondence, agent: Viewer
) -> None:
    """What others did meanwhile stays, and what came meanwhile waits until somebody has seen it."""
    correspondence.folds_at_once = False
    for place, name in enumerate(("Mai Tran", "Ali Khan", "Zoe Hall", "Noa Lev")):
        correspondence.mail(f"p{place}@example.com", "Hi", "Hello", AT, name=name)
    correspondence.fold()
    rows = read_identity.named_and_waiting(agent)
    assert len(rows) == 4
    correspondence.mail("late@example.com", "Hi", "Hello", AT, name="Too Late")
    correspondence.fold()
    act.create_customer(agent, "Somebody", identity="email:p0@example.com", reason="r")
    act_identity.not_a_customer(agent, "email:p1@example.com", reason="spam")
    assert act_identity.make_all(agent, rows) == 2
    assert owners(correspondence) == {
        "email:p0@example.com": "Somebody",
        "email:p2@example.com": "Zoe Hall",
        "email:p3@example.com": "Noa Lev",
    }
    assert correspondence.execute("select identity from crm.not_customers where ended_at is null") == [("email:p1@example.com",)]  # fmt: skip


def test_a_suggestion_that_was_answered_meanwhile_is_not_accepted(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.folds_at_once = False
    for number, name in ((6, "sam"), (58, "kim")):
        correspondence.customer(f"{name.title()} Citizen", f"email:{name}@example.com")
        for day in range(3):
            said = f"Hello\n\n{name.title()} Citizen\nM: 0491 570 {number:03} "
            correspondence.mail(
                f"{name}@example.com", "Order", said, AT + timedelta(days=day), name=name
            )
        correspondence.sms(f"+61491570{number:03}", "Where is it?", AT)
    correspondence.fold()
    find_evidence(correspondence.settings)
    # As on a warehouse whose evidence is surer than three mails.
    correspondence.execute("update jobs.link_evidence set score = 0.99")
    rows = read_identity.sure_suggestions(agent)
    assert {row["name"] for row in rows} == {"Sam Citizen", "Kim Citizen"}
    answered = next(row for row in rows if row["name"] == "Kim Citizen")
    act_identity.dismiss(agent, answered["identity"], answered["customer_id"])
    assert act_identity.accept_all(agent, rows) == 1
    assert owners(correspondence)["phone:+61491570006"] == "Sam Citizen"
    assert "phone:+61491570058" not in owners(correspondence)


def test_whom_somebody_told_us_of_is_made_with_both_addresses_or_not_at_all(
    correspondence: Correspondence, agent: Viewer
) -> None:
    made = act_identity.make_customer(
        agent, " Mai  Tran ", phone=" 0491 570 156 ", email="Mai@Example.com", reason="told us"
    )
    assert owners(correspondence) == {
        "phone:+61491570156": "Mai Tran",
        "email:mai@example.com": "Mai Tran",
    }
    only_name = act_identity.make_customer(agent, "Kim", phone="", email=" ", reason="told us")
    before = correspondence.execute("select customer_id, name from crm.customers order by 1")
    for name, phone, email, said in (
        ("Lee", "0491 570 157", "mai@example.com", "belongs to Mai Tran"),
        ("Lee", "abc", "", "phone"),
        ("Lee", "", "@", "mail address"),
        (" ", "0491 570 157", "", "name is empty"),
        ("x" * 10_000, "", "", "longer than 200"),
        ("\0", "", "", "name is empty"),
    ):
        with pytest.raises(Refused, match=said):
            act_identity.make_customer(agent, name, phone=phone, email=email, reason="r")
    assert (
        correspondence.execute("select customer_id, name from crm.customers order by 1") == before
    )
    # One decision: taken back, nobody is there and both addresses wait again.
    ((decision_id,),) = correspondence.execute(
        "select distinct decision_id from crm.identity_links where customer_id = %s", [made]
    )
    act.undo(agent, decision_id, "was a mistake")
    assert owners(correspondence) == {}
    # Who has no identity leaves the lists, and comes back.
    act_identity.archive(agent, only_name, reason="moved away")
    assert correspondence.execute(
        "select archived_by from crm.customers where customer_id = %s", [only_name]
    ) == [("agent",)]
    act.undo(agent, latest(correspondence), "is back")
    sam = correspondence.customer("Sam", "phone:+61491570006")
    with pytest.raises(Refused, match="has identities"):
        act_identity.archive(agent, sam, reason="r")
    with pytest.raises(Forbidden):
        act_identity.archive(correspondence.signed_in("vic", "viewer"), only_name, reason="r")
