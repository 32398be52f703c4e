"""What is pasted on a page is opened by the worker, for one request, and by nobody else."""

from __future__ import annotations

import pytest

from operations.runtime.programs import NEEDS
from warehouse.sealing import NotOpened, seal, unseal
from warehouse.settings import Settings, SettingsError

OLD, NEW = "older-master-key-0123456789abcdef", "newer-master-key-0123456789abcdef"


def settings(keys: str) -> Settings:
    return Settings(_env_file=None, master_key=keys)  # type: ignore[call-arg]


def as_program(name: str, keys: str) -> Settings:
    needs = NEEDS[name]
    purposes = {
        purpose: [key.hex() for key in settings(keys).derived(purpose)]
        for purpose in needs.purposes
    }
    return Settings(_env_file=None, purpose_keys=purposes)  # type: ignore[call-arg]


def test_the_app_seals_and_the_worker_alone_opens() -> None:
    app, worker = as_program("app", OLD), as_program("worker", OLD)
    secret = {"auth_token": "an invented token", "api_key_secret": "ü\u2603"}
    sealed = seal(app, secret, bound_to="request-1")
    assert b"invented" not in sealed
    assert sealed != seal(app, secret, bound_to="request-1")
    assert unseal(worker, sealed, bound_to="request-1") == secret
    with pytest.raises(SettingsError, match="given no key"):
        unseal(app, sealed, bound_to="request-1")
    with pytest.raises(SettingsError, match="given no key"):
        unseal(as_program("receiver", OLD), sealed, bound_to="request-1")


@pytest.mark.parametrize(
    "damage", ["another request", "a flipped bit", "cut short", "empty", "another key"]
)
def test_what_was_sealed_for_something_else_does_not_open(damage: str) -> None:
    sealed = seal(settings(OLD), {"key": "value"}, bound_to="request-1")
    bound_to, opener = "request-1", settings(OLD)
    match damage:
        case "another request":
            bound_to = "request-2"
        case "a flipped bit":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "cut short":
            sealed = sealed[:40]
        case "empty":
            sealed = b""
        case _:
            opener = settings(NEW)
    with pytest.raises(NotOpened, match="paste it again"):
        unseal(opener, sealed, bound_to=bound_to)


def test_it_opens_while_the_master_key_rotates() -> None:
    sealed = seal(settings(OLD), {"key": "value"}, bound_to="r")
    assert unseal(settings(f"{NEW},{OLD}"), sealed, bound_to="r") == {"key": "value"}
