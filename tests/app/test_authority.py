"""Authority is asked again in every transaction: what a page knew when it was drawn is no leave to read or to decide."""

from __future__ import annotations

import dataclasses
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from app import act, database, read
from app.access.authority import SessionEnded
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer

if TYPE_CHECKING:
    from tests.app.browsing import Person
    from tests.app.conftest import Correspondence

IDENTITY = "phone:+61491570006"
#: How a session ends, or what a role loses, while a page of it stands open.
TAKEN = {
    "signed out": "update crm.sessions set revoked_at = now()",
    "expired": "update crm.sessions set expires_at = now() - interval '1 second'",
    "idle": "update crm.sessions set last_seen_at = now() - interval '2 hours'",
    "disabled": "update crm.users set disabled_at = now()",
    "removed": "delete from crm.sessions",
}


@pytest.mark.parametrize("how", TAKEN)
def test_whose_session_ended_reads_and_decides_nothing(
    correspondence: Correspondence, agent: Viewer, how: str
) -> None:
    customer = correspondence.customer("Sam")
    assert read.customers(agent, "Sam").matched == 1
    correspondence.execute(TAKEN[how])
    with pytest.raises(SessionEnded):
        read.customers(agent, "Sam")
    with pytest.raises(SessionEnded):
        act.link_identity(agent, IDENTITY, customer, reason="r")
    assert correspondence.execute("select from crm.identity_links") == []
    assert len(correspondence.events("customer.search")) == 1


def test_a_lesser_role_counts_at_once_and_so_does_a_greater_one(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.execute("update crm.users set role = 'viewer'")
    with pytest.raises(Forbidden, match="viewer"):
        act.create_customer(agent, "Sam")
    viewer = correspondence.signed_in("lee", "viewer")
    correspondence.signed_in("lee", "agent")
    act.create_customer(viewer, "Kim")
    # And the event names what they are, not what they were.
    read.customers(viewer, "Kim")
    assert correspondence.events("customer.search")[-1]["role"] == "agent"


def test_a_session_is_nobody_elses(correspondence: Correspondence, agent: Viewer) -> None:
    correspondence.signed_in("lee", "admin")
    borrowed = dataclasses.replace(agent, session_id="session-lee")
    with pytest.raises(SessionEnded):
        read.customers(borrowed, "")


def test_who_disables_waits_for_what_is_being_decided(
    correspondence: Correspondence, agent: Viewer
) -> None:
    """Nothing is committed after its person was disabled: one of the two comes first."""
    done: list[float] = []

    def disable() -> None:
        correspondence.execute("update crm.users set disabled_at = now()")
        done.append(time.monotonic())

    disabling = threading.Thread(target=disable)
    with act.deciding(agent, Permission.DECIDE_CUSTOMER):
        disabling.start()
        disabling.join(0.4)
        assert not done
    disabling.join(60)
    assert done


def test_an_open_dialog_of_a_disabled_person_does_nothing_more(
    correspondence: Correspondence, person: Person
) -> None:
    correspondence.customer("Sam Example")
    correspondence.sms("+61491570006", "hello", datetime.now(UTC))
    page = person.sign_in("/unassigned")
    page.get_by_role("button", name="Decide on").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Existing customer").click()
    # Without the news that would close it: the tab itself must refuse.
    correspondence.execute("alter table crm.users disable trigger user_rights_are_told")
    correspondence.execute("update crm.users set disabled_at = now()")
    searches = len(correspondence.events("customer.search"))
    dialog.get_by_label("Search").fill("Sam")
    dialog.get_by_label("Search").press("Enter")
    page.get_by_role("button", name="Sign in").wait_for(timeout=30_000)
    assert len(correspondence.events("customer.search")) == searches
    assert correspondence.execute("select from crm.identity_links") == []


def _decides(viewer):  # type: ignore[no-untyped-def]  # Streamlit runs its text, where no name of here is known.
    """A run of a page in which somebody decides; the next one shows what is right."""
    import streamlit as st

    from app import act

    if "tried" not in st.session_state:
        st.session_state["tried"] = True
        act.create_customer(viewer, "Sam")
        st.text("decided")
    st.text("run anew")


@pytest.mark.parametrize("how", ["another role", "signed out"])
def test_a_page_on_which_somebody_decides_is_run_anew_for_what_they_are_by_now(
    correspondence: Correspondence, agent: Viewer, how: str
) -> None:
    """It is found out within the decision's transaction, which ends with nothing decided and nothing broken."""
    other_role = "update crm.users set role = 'admin'"
    correspondence.execute(other_role if how == "another role" else TAKEN[how])
    page = AppTest.from_function(_decides, kwargs={"viewer": agent}).run(timeout=30)
    assert [each.message for each in page.exception] == []
    assert [each.value for each in page.text] == ["run anew"]
    assert correspondence.execute("select from crm.customers") == []
    # And the connection is as it should be behind it.
    with database.pool().connection() as connection:
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
