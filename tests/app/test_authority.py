"""Authority is asked again in every transaction: what a page knew when it was drawn is no leave to read or to decide."""

from __future__ import annotations

import dataclasses
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app import act, read
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
    disabling.join(10)
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
    page.get_by_role("button", name="Sign in").wait_for(timeout=4000)
    assert len(correspondence.events("customer.search")) == searches
    assert correspondence.execute("select from crm.identity_links") == []
