"""Password hashes: bcrypt as streamlit-authenticator makes and checks them.

bcrypt reads 72 bytes and no NUL. A longer password is not refused and not cut: its SHA-256 goes in.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import cache

from streamlit_authenticator.utilities.hasher import Hasher

BCRYPT_BYTES = 72


def _within_bcrypt(password: str) -> str:
    encoded = password.encode("utf-8", "surrogatepass")
    if len(encoded) <= BCRYPT_BYTES and b"\0" not in encoded:
        return password
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


def hash_password(password: str) -> str:
    """A bcrypt hash of the password exactly as typed, for `crm.users.password_hash`."""
    return str(Hasher.hash(_within_bcrypt(password)))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right. Without a hash it takes as long and is wrong.

    So the time an answer takes does not tell whether a user exists.
    """
    try:
        same = Hasher.check_pw(_within_bcrypt(password), password_hash or _nobody())
    except ValueError:
        # A stored value that is no bcrypt hash lets nobody in.
        return False
    return bool(same) and password_hash is not None


@cache
def _nobody() -> str:
    return str(Hasher.hash(secrets.token_hex(16)))
