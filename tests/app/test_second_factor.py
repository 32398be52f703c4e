"""Codes of an authenticator: as the standard has them, each counts once, and without one there is no start token."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from app import act_account, read_account
from app.access import second_factor, sign_in
from app.access.second_factor import code, step_of
from tests.app.browsing import PASSWORD, Person
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

IP = "192.0.2.7"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(moment: int, expected: str) -> None:
    """RFC 6238, appendix B, for SHA-1."""
    assert code(b"12345678901234567890", step_of(moment), digits=8) == expected
    assert code(b"12345678901234567890", step_of(moment)) == expected[2:]


@pytest.fixture
def secret(correspondence: Correspondence, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """kim's, set up a while ago; the clock stands still in the middle of a step."""
    correspondence.user("kim")
    now = step_of(time.time()) * 30 + 15.0
    monkeypatch.setattr("app.access.second_factor.time.time", lambda: now)
    made = second_factor.new_secret()
    second_factor.set_up("kim", made, code(made, step_of(now) - 1), ip=IP)
    return made


def now_code(secret: bytes, beside: int = 0) -> str:
    return code(secret, step_of(second_factor.time.time()) + beside)


def test_a_code_counts_once_and_none_of_before_it(
    correspondence: Correspondence, secret: bytes
) -> None:
    answer = sign_in.attempt("kim", PASSWORD, ip=IP)
    assert (answer.user_name, answer.has_factor) == ("kim", True)
    second_factor.check("kim", f" {now_code(secret)[:3]} {now_code(secret)[3:]}", ip=IP)
    for wrong in (
        now_code(secret), now_code(secret, -1), now_code(secret, 5), "000 000x", "", "\0", "９９９９９９",
    ):  # fmt: skip
        with pytest.raises(Refused, match="wrong, or was used"):
            second_factor.check("kim", wrong, ip=IP)
        correspondence.execute("delete from crm.sign_in_attempts")
    # A telephone that goes half a minute ahead.
    second_factor.check("kim", now_code(secret, 1), ip=IP)
    with pytest.raises(Refused):
        second_factor.check("nobody", now_code(secret), ip=IP)
    events = correspondence.events("sign_in.fail")
    assert {event["detail"]["reason"] for event in events} == {"wrong code"}
    stored = str(correspondence.execute("select users::text from crm.users"))
    assert secret.hex() not in stored
    assert second_factor.written(secret).replace(" ", "") not in stored


def test_one_code_at_several_doors_opens_one(correspondence: Correspondence, secret: bytes) -> None:
    opened: list[int] = []

    def enter(number: int) -> None:
        try:
            second_factor.check("kim", now_code(secret), ip=f"192.0.2.{number}")
            opened.append(number)
        except Refused:
            pass

    doors = [threading.Thread(target=enter, args=(number,)) for number in range(5)]
    for each in doors:
        each.start()
    for each in doors:
        each.join()
    assert len(opened) == 1


def test_guesses_are_braked_wherever_they_come_from(
    correspondence: Correspondence, secret: bytes
) -> None:
    for number in range(second_factor.ATTEMPTS):
        with pytest.raises(Refused, match="wrong"):
            second_factor.check("kim", "000000", ip=f"192.0.2.{number}")
    with pytest.raises(Refused, match="too many"):
        second_factor.check("kim", now_code(secret), ip="192.0.2.99")
    correspondence.execute(
        "update crm.sign_in_attempts set attempted_at = now() - interval '16 minutes'"
    )
    second_factor.check("kim", now_code(secret), ip=IP)


def test_recovery_codes_are_hashes_and_count_once(
    correspondence: Correspondence, secret: bytes
) -> None:
    viewer = correspondence.signed_in("kim")
    first = act_account.renew_codes(viewer, now_code(secret))
    assert len(set(first)) == second_factor.RECOVERY_CODES
    second_factor.check("kim", first[0].upper(), ip=IP)
    with pytest.raises(Refused):
        second_factor.check("kim", first[0], ip=IP)
    stored = str(correspondence.execute("select recovery_codes::text from crm.recovery_codes"))
    assert not any(each in stored or each.replace("-", "") in stored for each in first)
    # Others in their place, for a recovery code, too.
    second = act_account.renew_codes(viewer, first[1])
    with pytest.raises(Refused):
        second_factor.check("kim", first[2], ip=IP)
    second_factor.check("kim", second[0].replace("-", " "), ip=IP)
    # Who needs none takes it away; who needs one does not.
    correspondence.execute("update crm.users set role = 'admin'")
    with pytest.raises(Refused, match="role needs"):
        second_factor.remove("kim", ip=IP, session_id=viewer.session_id)
    correspondence.execute("update crm.users set role = 'agent'")
    act_account.remove_factor(viewer, second[1])
    assert not sign_in.attempt("kim", PASSWORD, ip=IP).has_factor
    assert correspondence.execute("select count(*) from crm.recovery_codes") == [(0,)]
    assert not read_account.way_in(viewer).has_factor


@pytest.mark.parametrize(
    ("role", "changes", "needs"),
    [
        ("admin", "created_at = now() - interval '25 hours'", True),
        ("privacy_officer", "created_at = now() - interval '25 hours'", True),
        ("agent", "created_at = now() - interval '25 hours'", False),
        ("viewer", "created_at = now() - interval '25 hours'", False),
        ("admin", "created_at = now() - interval '23 hours'", False),
        ("admin", "created_at = now() - interval '9 days', second_factor_waived = true", False),
    ],
)
def test_who_needs_one(
    correspondence: Correspondence, role: str, changes: str, needs: bool
) -> None:
    correspondence.user("kim", role)
    correspondence.execute(f"update crm.users set {changes}")
    assert sign_in.attempt("kim", PASSWORD, ip=IP).needs_factor is needs


def test_an_admin_sets_it_up_and_is_asked_for_it(
    correspondence: Correspondence, person: Person
) -> None:
    correspondence.user("ann", "admin")
    correspondence.execute("update crm.users set created_at = now() - interval '2 days'")
    page = person.page

    def first_step() -> None:
        page.goto(person.address + "/audit")
        page.get_by_label("User name").fill("ann")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    first_step()
    expect(page.get_by_text("Set up a second factor")).to_be_visible()
    key = page.locator("[data-testid=stCode]").first.inner_text()
    made = base64.b32decode("".join(key.split()))
    page.get_by_label("Code", exact=True).fill("123456")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("is not the one of this key")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(code(made, step_of(time.time())))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("Keep these codes")).to_be_visible()
    kept = page.locator("[data-testid=stCode]").first.inner_text().split()
    assert len(kept) == second_factor.RECOVERY_CODES
    # No session and no token for one before the last step.
    assert correspondence.execute("select count(*) from crm.session_starts") == [(0,)]
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()

    page.goto(person.address + "/session/end")
    first_step()
    expect(page.get_by_text("Second factor")).to_be_visible()
    counted: Any = correspondence.execute("select count(*) from crm.session_starts")
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The code is wrong")).to_be_visible()
    assert correspondence.execute("select count(*) from crm.session_starts") == counted
    page.get_by_label("Code", exact=True).fill(kept[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
