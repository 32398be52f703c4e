"""Saved views: each is an address under a name, its own person's or everybody's, and every change one decision with one event."""

from __future__ import annotations

import psycopg
import pytest

from app import act_saved, address, read_saved
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence
from warehouse import decisions
from warehouse.decisions.views import LONGEST_VIEW_NAME, MOST_VIEWS
from warehouse.refusals import Refused
from warehouse.settings import Role

HOSTILE = "[click](javascript:alert(1)) <b>&amp; :material/home: \u202egpj.exe"


@pytest.fixture
def noah(correspondence: Correspondence) -> Viewer:
    return correspondence.signed_in("noah")


@pytest.fixture
def root(correspondence: Correspondence) -> Viewer:
    return correspondence.signed_in("root", "admin")


@pytest.fixture
def reader(correspondence: Correspondence) -> Viewer:
    return correspondence.signed_in("reader", "viewer")


def names(viewer: Viewer) -> list[str]:
    return [view.name for view in read_saved.views(viewer)]


def test_a_view_is_ones_own_until_it_is_shared(
    agent: Viewer, noah: Viewer, reader: Viewer, root: Viewer, correspondence: Correspondence
) -> None:
    mine = act_saved.save(agent, "  Refunds \n this week ", "search", "q=refund")
    act_saved.save(reader, "Refunds this week", "", "q=sam&sort=name")
    (view,) = read_saved.views(agent)
    assert (view.name, view.script, view.parameters) == (
        "Refunds this week", address.FOUND, {"q": ["refund"]},
    )  # fmt: skip
    assert names(noah) == []
    # Another's own view is none to anybody else, whatever they know of it and whoever they are.
    for other in (noah, root):
        with pytest.raises(Refused, match="no such view"):
            act_saved.change(other, mine, 1, "x", is_shared=False)
        with pytest.raises(Refused, match="no such view"):
            act_saved.remove(other, mine, 1)
    act_saved.change(agent, mine, 1, "Refunds", is_shared=True)
    assert names(noah) == ["Refunds"]
    assert names(reader) == ["Refunds this week", "Refunds"]
    assert [view.may_change for view in read_saved.views(noah)] == [False]
    for nobody in (noah, reader):
        with pytest.raises(Forbidden):
            act_saved.remove(nobody, mine, 2)
    with pytest.raises(Forbidden, match="share"):
        act_saved.save(reader, "All", "work", "list=due", is_shared=True)
    (own,) = (view for view in read_saved.views(reader) if view.owner == "reader")
    with pytest.raises(Forbidden, match="share"):
        act_saved.change(reader, own.view_id, 1, "x", is_shared=True)
    act_saved.change(root, mine, 2, "Refunds of all", is_shared=True)
    with pytest.raises(decisions.Overtaken, match="Refunds of all"):
        act_saved.change(agent, mine, 2, "Refunds of mine", is_shared=True)
    actions = correspondence.execute(
        "select actor, action, detail -> 'after' ->> 'name' from crm.events where action like 'view.%%' order by at"
    )
    assert actions == [
        ("agent", "view.save", None), ("reader", "view.save", None), ("agent", "view.change", "Refunds"),
        ("root", "view.change", "Refunds of all"),
    ]  # fmt: skip


def test_a_removal_is_taken_back_by_whoever_removed_it(
    agent: Viewer, noah: Viewer, root: Viewer, correspondence: Correspondence
) -> None:
    view_id = act_saved.save(agent, "Due", "work", "list=due")
    gone = act_saved.remove(agent, view_id, 1)
    assert names(agent) == []
    with pytest.raises(Forbidden):
        act_saved.bring_back(noah, gone)
    act_saved.bring_back(agent, gone)
    assert names(agent) == ["Due"]
    again = act_saved.remove(agent, view_id, 3)
    act_saved.save(agent, "DUE", "work", "list=due")
    with pytest.raises(Refused, match="Due already"):
        act_saved.bring_back(agent, again)
    # What else was decided is not taken back this way by somebody who may not.
    made = correspondence.execute(
        "select decision_id from crm.decisions where action = 'view.save' order by at limit 1"
    )
    with pytest.raises(Forbidden):
        act_saved.bring_back(agent, made[0][0])
    for (decision_id,) in correspondence.execute("select decision_id from crm.decisions"):
        events = correspondence.execute(
            "select count(*) from crm.events where detail ->> 'decision_id' = %s", [decision_id]
        )
        assert events == [(1,)]


def test_a_change_is_undone_and_redone(agent: Viewer, correspondence: Correspondence) -> None:
    view_id = act_saved.save(agent, "One", "search", "q=one", is_shared=True)
    act_saved.change(agent, view_id, 1, "Two", is_shared=False)
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as database:
        (changed,) = correspondence.execute(
            "select decision_id from crm.decisions where action = 'view.change'"
        )
        undone = decisions.undo(database, agent.actor, changed[0], "r")
        assert [(view.name, view.is_shared) for view in read_saved.views(agent)] == [("One", True)]
        decisions.undo(database, agent.actor, undone.decision_id, "r")
        assert [(view.name, view.is_shared) for view in read_saved.views(agent)] == [("Two", False)]


def test_names_and_addresses_are_bounded(agent: Viewer, noah: Viewer) -> None:
    act_saved.save(agent, HOSTILE, "search", "q=1")
    act_saved.save(agent, "é" * LONGEST_VIEW_NAME, "search", "q=1")
    for name, said in (
        ("", "empty"), (" \0\n", "empty"), ("x" * (LONGEST_VIEW_NAME + 1), "longer"),
        (HOSTILE.upper().replace("&AMP;", "&amp;"), "already"), ("E\u0301" * LONGEST_VIEW_NAME, "already"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            act_saved.save(agent, name, "search", "q=1")
    for page, query in (("http://evil", ""), ("search", "q=" + "x" * 7_000), ("search", "q=é")):
        with pytest.raises(Refused, match="cannot be kept"):
            act_saved.save(agent, "x", page, query)
    # A page that is none of those is in no list; neither is a parameter that its page does not know.
    act_saved.save(agent, "Nowhere", "quarantine", "raw=1")
    act_saved.save(
        agent, "Sam", "timeline", "customer=c1&at=m1&channel=gmail&channel=twilio_sms&javascript=1"
    )
    assert "Nowhere" not in names(agent)
    (sam,) = (view for view in read_saved.views(agent) if view.name == "Sam")
    assert sam.parameters == {"customer": ["c1"], "channel": ["gmail", "twilio_sms"]}
    for number in range(MOST_VIEWS - 4):
        act_saved.save(agent, f"view {number}", "search", "q=1")
    with pytest.raises(Refused, match="remove one first"):
        act_saved.save(agent, "one more", "search", "q=1")
    act_saved.save(noah, "one more", "search", "q=1")


def test_the_event_names_the_customer_that_a_view_leads_to(
    agent: Viewer, correspondence: Correspondence
) -> None:
    act_saved.save(agent, "Sam", "timeline", "customer=c1&when=today")
    (event,) = correspondence.events("view.save")
    assert event["customer_ids"] == ["c1"]
    assert event["detail"]["query"] == "customer=c1&when=today"
