"""The second factor: codes of an authenticator (RFC 6238), and codes for who has lost it.

    password ──> code, which counts once ──> start token ──> session

Admins and privacy officers need one: from a day on after they were made they set it up before they come in. Guesses are
braked for each person, wherever they come from. The secret is encrypted with a key outside of the database; of recovery
codes hashes alone are kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
import time
from urllib.parse import quote, urlencode

from app import database
from app.access.sign_in import FACTOR_NEEDED_BY, SQL, WINDOW_SECONDS
from app.database import Row
from warehouse.connections import cipher
from warehouse.events import Actor, record
from warehouse.refusals import Refused

#: What the key is derived for (operations/runtime/programs.py gives it to the app).
PURPOSE = "second factor"
ISSUER = "Correspondence"
SECRET_BYTES = 20
STEP_SECONDS, DIGITS = 30, 6
#: Clocks of telephones are off by half a minute now and then.
STEPS_BESIDE = 1
ATTEMPTS = 6
RECOVERY_CODES = 10
#: 80 bits: a hash of it needs no salt.
RECOVERY_BYTES = 10


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a step of time (RFC 4226, 5.3)."""
    made = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = made[-1] & 15
    (number,) = struct.unpack(">I", made[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 10**digits:0{digits}}"


def step_of(moment: float) -> int:
    return int(moment // STEP_SECONDS)


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """As people type it into an authenticator."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def address(user_name: str, secret: bytes) -> str:
    """As an authenticator reads it."""
    label = quote(f"{ISSUER}:{user_name}")
    asked = {"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": ISSUER}
    return f"otpauth://totp/{label}?{urlencode(asked)}"


def _step_that_fits(secret: bytes, typed: str, moment: float) -> int | None:
    """The step of which this is the code, among those around now."""
    now = step_of(moment)
    fitting = None
    for step in range(now - STEPS_BESIDE, now + STEPS_BESIDE + 1):
        # All are compared, so that the time it takes says nothing.
        if hmac.compare_digest(code(secret, step).encode(), typed.encode()):
            fitting = step
    return fitting


def check(user_name: str, typed: str, *, ip: str) -> None:
    """Take a code, or a recovery code, of somebody whose password was proved. Each counts once.

    Raises:
        Refused: it is wrong or was used, there were too many, or there is no second factor.
    """
    account = hashlib.sha256(f"second factor {user_name}".encode()).digest()
    # One place for all addresses: whoever has the password guesses from many.
    key = {"account_hash": account, "ip": PURPOSE, "window_seconds": WINDOW_SECONDS}
    with database.pool().connection() as connection:
        connection.execute(SQL["record_attempt"], key)
        # Committed first: attempts at once must see each other.
        connection.commit()
        recent = connection.execute(SQL["recent_attempts"], key).fetchone()
        assert recent is not None
        actor = Actor(name=user_name, role="none", ip=ip)
        why = "too many codes" if recent["of_account"] > ATTEMPTS else "wrong code"
        if why == "wrong code" and _took(connection, user_name, typed):
            connection.execute(SQL["forget_attempts"], key)
            return
        record(connection, actor.event("sign_in.fail", "user", user_name, detail={"reason": why}))
    if why == "too many codes":
        raise Refused("too many codes: try again in a quarter of an hour")
    raise Refused("the code is wrong, or was used already: wait for the next one")


def _took(connection: database.Database, user_name: str, typed: str) -> bool:
    row = connection.execute(SQL["factor_of"], {"user_name": user_name}).fetchone()
    if row is None or row["second_factor"] is None:
        return False
    plain = re.sub(r"[\s-]", "", typed).lower()
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", plain):
        named = {"user_name": user_name, "code_hash": _hash(plain)}
        return connection.execute(SQL["use_recovery_code"], named).fetchone() is not None
    sealed = cipher(database.settings(), PURPOSE)
    step = _step_that_fits(sealed.decrypt(bytes(row["second_factor"])), plain, time.time())
    if step is None:
        return False
    taken = {
        "user_name": user_name,
        "step": step,
        "known": row["second_factor"],
        # Under the key that encrypts now, so that a former one can be given up.
        "renewed": sealed.rotate(bytes(row["second_factor"])),
    }
    return connection.execute(SQL["take_code"], taken).fetchone() is not None


def _hash(recovery_code: str) -> bytes:
    return hashlib.sha256(recovery_code.encode("utf-8", "surrogatepass")).digest()


def set_up(
    user_name: str, secret: bytes, typed: str, *, ip: str, session_id: str | None = None
) -> list[str]:
    """Begin to ask for codes of this secret, once one of them was given; returns the recovery codes.

    Raises:
        Refused: the code is wrong, or there is a second factor already.
    """
    step = _step_that_fits(secret, re.sub(r"\s", "", typed), time.time())
    if step is None:
        raise Refused("the code is not the one of this key: is the clock of the telephone right?")
    sealed = cipher(database.settings(), PURPOSE).encrypt(secret)
    named = {"user_name": user_name, "second_factor": sealed, "step": step}
    with database.pool().connection() as connection:
        row = connection.execute(SQL["set_factor"], named).fetchone()
        if row is None:
            raise Refused("there is a second factor already")
        return _new_codes(connection, user_name, row, "user.set_factor", ip, session_id)


def new_recovery_codes(user_name: str, *, ip: str, session_id: str) -> list[str]:
    """Others in the place of those there are. Whoever asks has just given a code (`check`).

    Raises:
        Refused: there is no second factor.
    """
    with database.pool().connection() as connection:
        row = connection.execute(SQL["factor_of"], {"user_name": user_name}).fetchone()
        if row is None or row["second_factor"] is None:
            raise Refused("there is no second factor")
        return _new_codes(connection, user_name, row, "user.renew_codes", ip, session_id)


def _new_codes(
    connection: database.Database, user_name: str, row: Row, action: str, ip: str, session_id: str | None
) -> list[str]:  # fmt: skip
    made = [_recovery_code() for _ in range(RECOVERY_CODES)]
    connection.execute(SQL["forget_recovery_codes"], {"user_name": user_name})
    hashes = [_hash(each) for each in made]
    connection.execute(SQL["add_recovery_codes"], {"user_name": user_name, "hashes": hashes})
    actor = Actor(name=user_name, role=row["role"], session_id=session_id, ip=ip)
    record(connection, actor.event(action, "user", user_name))
    return ["-".join(each[place : place + 4] for place in range(0, 16, 4)) for each in made]


def _recovery_code() -> str:
    return base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()


def remove(user_name: str, *, ip: str, session_id: str) -> None:
    """Ask for no codes any more. Whoever asks has just given one (`check`).

    Raises:
        Refused: the role needs a second factor.
    """
    with database.pool().connection() as connection:
        named = {"user_name": user_name, "needed_by": FACTOR_NEEDED_BY}
        row = connection.execute(SQL["remove_factor"], named).fetchone()
        if row is None:
            raise Refused("this role needs a second factor")
        connection.execute(SQL["forget_recovery_codes"], {"user_name": user_name})
        actor = Actor(name=user_name, role=row["role"], session_id=session_id, ip=ip)
        record(connection, actor.event("user.remove_factor", "user", user_name))
