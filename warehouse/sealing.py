"""What a program may hand on and not read: sealed with the public half of a key, opened where the private one is.

    app: public half ── sealed ──> the database ──> worker: private half

Each time a key pair of its own (X25519), from which with the receiver's public half one key is derived (HKDF-SHA256)
that encrypts this text and no other (ChaCha20-Poly1305). What is sealed for one purpose opens for no other.
"""

from __future__ import annotations

import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from warehouse.settings import PUBLIC_HALF, Settings

#: What people paste on pages, for the worker.
PASTED = "pasted secrets"
PASTED_PUBLIC = PASTED + PUBLIC_HALF
KEY_BYTES = 32
#: Each key is used once.
NONCE = bytes(12)


class NotOpened(Exception):
    """It was sealed for somebody else, for another request, or is no seal of ours."""


def seal(settings: Settings, values: dict[str, str], *, bound_to: str) -> bytes:
    """The values, for the program that has the private half.

    Args:
        bound_to: an id with which alone it opens.
    """
    theirs = X25519PublicKey.from_public_bytes(settings.derive(PASTED_PUBLIC))
    own = X25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    key = _key(own.exchange(theirs), public + theirs.public_bytes_raw())
    text = json.dumps(values).encode()
    return public + ChaCha20Poly1305(key).encrypt(NONCE, text, bound_to.encode())


def unseal(settings: Settings, sealed: bytes, *, bound_to: str) -> dict[str, str]:
    """What was sealed, with the present master key or a former one.

    Raises:
        NotOpened: it cannot be.
    """
    public, text = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    for private in settings.derived(PASTED):
        own = X25519PrivateKey.from_private_bytes(private)
        try:
            shared = own.exchange(X25519PublicKey.from_public_bytes(public))
            key = _key(shared, public + own.public_key().public_bytes_raw())
            opened = ChaCha20Poly1305(key).decrypt(NONCE, text, bound_to.encode())
        except (InvalidTag, ValueError):
            continue
        values: dict[str, str] = json.loads(opened)
        return values
    raise NotOpened("what was pasted cannot be opened: paste it again")


def _key(shared: bytes, both: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"crm seal" + both).derive(shared)
