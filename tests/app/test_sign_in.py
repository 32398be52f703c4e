"""Names and passwords: what is right, what is told, and the rate limit."""

from __future__ import annotations

import threading
import time
from functools import partial

import bcrypt
import pytest

from app.access import passwords, sign_in
from tests.app.browsing import PASSWORD
from tests.app.conftest import Correspondence

IP = "192.0.2.7"


def test_the_right_password_proves_the_user(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    assert sign_in.attempt("agent", PASSWORD, ip=IP).user_name == "agent"
    assert sign_in.attempt(" Agent ", PASSWORD, ip=IP).user_name == "agent"
    assert correspondence.events("sign_in.fail") == []


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("agent", "wrong"),
        ("agent", PASSWORD + " "),
        ("nobody", PASSWORD),
        ("agent\0", "\0"),
        ("\0", "x"),
    ],
)
def test_a_wrong_one_does_not_say_what_was_wrong(
    correspondence: Correspondence, name: str, password: str
) -> None:
    correspondence.user("agent")
    answer = sign_in.attempt(name, password, ip=IP)
    assert answer.user_name is None
    assert answer.sentence == "User name or password is wrong."
    (event,) = correspondence.events("sign_in.fail")
    assert event["ip"] == IP
    assert PASSWORD not in str(event)


def test_a_disabled_user_is_told_the_same(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    correspondence.execute("update crm.users set disabled_at = now()")
    assert sign_in.attempt("agent", PASSWORD, ip=IP).sentence == "User name or password is wrong."


def test_what_was_typed_as_an_unknown_name_is_kept_nowhere(correspondence: Correspondence) -> None:
    sign_in.attempt("my-password-by-mistake", "x", ip=IP)
    rows = correspondence.execute("select events::text from crm.events")
    rows += correspondence.execute("select sign_in_attempts::text from crm.sign_in_attempts")
    assert len(rows) == 2
    assert "my-password" not in str(rows)


def test_an_unknown_name_takes_as_long(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    sign_in.attempt("warm", "up", ip="192.0.2.8")

    # Not one of the cheap ones that tests sign in with.
    correspondence.execute(
        "update crm.users set password_hash = %s", [passwords.hash_password(PASSWORD)]
    )

    def seconds(name: str) -> float:
        started = time.thread_time()
        for _ in range(3):
            sign_in.attempt(name, "wrong", ip=IP)
        return time.thread_time() - started

    known, unknown = seconds("agent"), seconds("nobody")
    # bcrypt is nearly all of it; without it the unknown name would be some hundred times faster.
    assert 0.5 < known / unknown < 2


def test_the_brake_holds_and_lets_go(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    for _ in range(sign_in.ATTEMPTS_PER_ACCOUNT):
        assert "wrong" in sign_in.attempt("agent", "wrong", ip=IP).sentence
    assert "Too many attempts" in sign_in.attempt("agent", PASSWORD, ip=IP).sentence
    # Nobody can lock a user out from elsewhere.
    assert sign_in.attempt("agent", PASSWORD, ip="192.0.2.99").user_name == "agent"
    correspondence.execute(
        "update crm.sign_in_attempts set attempted_at = now() - interval '16 minutes'"
    )
    assert sign_in.attempt("agent", PASSWORD, ip=IP).user_name == "agent"
    # Nor does a clock that was set back by an hour hold anybody up for an hour.
    for _ in range(sign_in.ATTEMPTS_PER_ACCOUNT):
        sign_in.attempt("agent", "wrong", ip=IP)
    correspondence.execute(
        "update crm.sign_in_attempts set attempted_at = now() + interval '1 hour'"
    )
    assert sign_in.attempt("agent", PASSWORD, ip=IP).user_name == "agent"


def test_a_right_password_releases_the_brake(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    for _ in range(3):
        for _ in range(sign_in.ATTEMPTS_PER_ACCOUNT - 1):
            sign_in.attempt("agent", "wrong", ip=IP)
        assert sign_in.attempt("agent", PASSWORD, ip=IP).user_name == "agent"


def test_guesses_made_at_once_count_too(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    sentences: list[str] = []
    threads = [
        threading.Thread(target=lambda: sentences.append(sign_in.attempt("agent", "wrong", ip=IP).sentence))
        for _ in range(12)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("wrong" in sentence for sentence in sentences) <= sign_in.ATTEMPTS_PER_ACCOUNT


def test_a_hash_costs_who_guesses() -> None:
    assert passwords.hash_password("x").startswith("$2b$12$")


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost little: what is checked here is which bytes they are of."""
    monkeypatch.setattr(bcrypt, "gensalt", partial(bcrypt.gensalt, rounds=4))


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    "password", ["x" * 200, "ü" * 50, "spaces  at the end  ", "nul\0inside", "😀" * 20]
)
def test_any_password_is_checked_exactly_as_typed(password: str) -> None:
    hashed = passwords.hash_password(password)
    assert passwords.matches(password, hashed)
    assert not passwords.matches(password[:-1], hashed)
    assert not passwords.matches(password + " ", hashed)


def test_a_hash_that_is_none_lets_nobody_in() -> None:
    assert not passwords.matches("x", "x")
    assert not passwords.matches("x", None)
