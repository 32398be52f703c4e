"""Which passwords are taken, and what becomes of one that somebody else chose."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app import act_account, read_account
from app.access import changing, sessions, sign_in
from app.access.sessions import Viewer
from tests.app.browsing import PASSWORD, Person
from tests.app.conftest import Correspondence
from warehouse import password_rules
from warehouse.refusals import Refused

IP = "192.0.2.7"
CHOSEN = "green pears under a bridge"


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "P@ssw0rd1234!", "123456789012", "qwertyuiopas", "abcdefghijkl", "aaaaaaaaaaaa", "abcabcabcabc",
        "welcome2026!!", "changemechangeme", "Summer-2026-!!", "letmein12345", "kim-kim-2026-x", "administrator",
        "Correspondence1", "04 9157 0006 12", "2026-11-28-00:00", "qwerasdfzxcv", "1q2w3e4r5t6y", "kimpassword!!",
        "0192837465 01928374", "mynewpassword1", "short words", "x" * 5 + "many words " * 20,
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_not_taken(password: str) -> None:
    assert password_rules.refusal(password, ["kim", "kim@example.com"])


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD, "a9$K2#q8!Z7@", "7$9#1x!2@8%4z", "my summer customer works daily", "zwei und zwanzig katzen",
        "王小明的密码是什么呢你好", "with a \0 inside it", "kim likes green pears", "  spaces count, too  ", "tr0ub4dor&3xyz",
        "a" * 64 + "bcdef" * 12,
    ],
)  # fmt: skip
def test_anything_else_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert password_rules.refusal(password, ["kim", "kim@example.com"]) is None


@pytest.fixture
def token(correspondence: Correspondence) -> str:
    correspondence.user("kim")
    opened = sessions.open_session(sessions.start_token("kim"), ip=IP, user_agent="Firefox/140.0")
    assert opened is not None
    return opened


def look(token: str) -> Viewer | None:
    return sessions.viewer_of(token, ip=IP, touch=False)


def test_another_password_ends_every_other_session(
    correspondence: Correspondence, token: str
) -> None:
    other = sessions.open_session(sessions.start_token("kim"), ip=IP, user_agent=None)
    begun = sessions.start_token("kim")
    viewer = look(token)
    assert viewer is not None
    assert other is not None
    for present, chosen, said in (
        ("wrong", CHOSEN, "present password is wrong"),
        (PASSWORD, "too short", "too short"),
        (PASSWORD, PASSWORD, "of before"),
        (PASSWORD, "kim 2026 kim 2026 !", "guessed first"),
    ):
        with pytest.raises(Refused, match=said):
            act_account.change_password(viewer, present, chosen)
    assert look(other) is not None
    act_account.change_password(viewer, PASSWORD, CHOSEN)
    assert look(other) is None
    assert look(token) is not None
    assert sessions.open_session(begun, ip=IP, user_agent=None) is None
    assert sign_in.attempt("kim", PASSWORD, ip="192.0.2.8").user_name is None
    assert sign_in.attempt("kim", CHOSEN, ip="192.0.2.8").user_name == "kim"
    (event,) = correspondence.events("user.password")
    assert (event["actor"], event["session_id"], event["detail"]) == (
        "kim",
        viewer.session_id,
        {"sessions_ended": 1},
    )
    assert CHOSEN not in str(correspondence.execute("select events::text from crm.events"))


def test_what_was_proved_before_another_change_proves_nothing(
    correspondence: Correspondence, token: str
) -> None:
    proved = sign_in.attempt("kim", PASSWORD, ip=IP)
    changing.change("kim", proved.password_hash, CHOSEN, ip=IP)
    with pytest.raises(Refused, match="changed meanwhile"):
        changing.change("kim", proved.password_hash, "another four words entirely", ip=IP)
    assert look(token) is None


def test_ones_own_sessions_are_listed_and_ended(correspondence: Correspondence, token: str) -> None:
    viewer = look(token)
    assert viewer is not None
    others = [
        sessions.open_session(sessions.start_token("kim"), ip=IP, user_agent="x") for _ in range(3)
    ]
    stranger = correspondence.signed_in("lee")
    listed = read_account.way_in(viewer).sessions
    assert {row["session_id"] for row in listed} > {viewer.session_id}
    assert len(listed) == 4
    with pytest.raises(Refused):
        act_account.end_session(viewer, stranger.session_id)
    first = look(others[0] or "")
    assert first is not None
    act_account.end_session(viewer, first.session_id)
    assert [look(each or "") is None for each in others] == [True, False, False]
    assert act_account.end_others(viewer) == 2
    assert [row["session_id"] for row in read_account.way_in(viewer).sessions] == [
        viewer.session_id
    ]
    assert correspondence.execute(
        "select revoked_at from crm.sessions where session_id = 'session-lee'"
    ) == [(None,)]
    assert len(correspondence.events("sign_in.end")) == 2


def test_who_did_not_choose_the_password_chooses_one_before_the_first_session(
    correspondence: Correspondence, person: Person
) -> None:
    correspondence.execute("update crm.users set password_is_first = true")
    page = person.page
    page.goto(person.address + "/work")
    page.get_by_label("User name").fill("agent")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Choose a password of your own")).to_be_visible()
    assert correspondence.execute("select count(*) from crm.session_starts") == [(0,)]
    # No way round: there is no session.
    other = person.tab()
    other.goto(person.address + "/work")
    expect(other.get_by_label("User name")).to_be_visible()
    for chosen, again, said in (
        (CHOSEN, "another", "not the same"),
        ("agent agent 2026", "agent agent 2026", "guessed first"),
        (CHOSEN, CHOSEN, ""),
    ):
        page.get_by_label("New password").fill(chosen)
        page.get_by_label("The same again").fill(again)
        page.get_by_role("button", name="Change and sign in").click()
        if said:
            expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".st-key-account")).to_be_visible()
    # And where they are signed in, with another change there.
    page.goto(person.address + "/account")
    expect(page.locator(".line.session")).to_contain_text("this one")
    for label, text in (("Present password", CHOSEN), ("New password", PASSWORD), ("The same again", PASSWORD)):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("The password is another now")).to_be_visible()
    assert [event["actor"] for event in correspondence.events("user.password")] == ["agent", "agent"]  # fmt: skip
