"""Identities as people read them: an icon, a value, and in words what kind it is and where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import inert
from app.glyphs import icon


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How one kind of identity is shown."""

    icon: str
    name: str
    #: What the scope is, with {} for it; empty where the same value is the same person everywhere.
    scope: str = ""


SCHEMES = {
    "phone": Scheme(icon="call", name="Phone"),
    "email": Scheme(icon="alternate_email", name="E-mail"),
    "short_code": Scheme(icon="pin", name="Short code", scope="in {}"),
    "alphanumeric": Scheme(icon="badge", name="Alphanumeric sender", scope="in {}"),
    "psid": Scheme(icon="forum", name="Messenger person", scope="as our page {} knows them"),
    "igsid": Scheme(icon="photo_camera", name="Instagram person", scope="as our account {} knows them"),
    "bsuid": Scheme(icon="chat", name="WhatsApp person", scope="as our business {} knows them"),
    "bsuid_parent": Scheme(icon="chat", name="WhatsApp person", scope="as the linked businesses {} know them"),
    "sip": Scheme(icon="settings_phone", name="SIP address", scope="of account {}"),
    "client": Scheme(icon="headset_mic", name="Softphone", scope="of account {}"),
    "sim": Scheme(icon="sim_card", name="Device"),
    "rcs": Scheme(icon="sms", name="RCS sender"),
    "anonymous": Scheme(icon="phone_disabled", name="Withheld number, one call"),
    "unknown": Scheme(icon="help", name="Nobody who can be told, one message"),
}  # fmt: skip
#: Each of these stands for one message alone, so its value says nothing to a reader.
ONE_MESSAGE = frozenset({"anonymous", "unknown"})
UNKNOWN = Scheme(icon="fingerprint", name="")

#: What a person should weigh before an identity of these becomes a customer's.
CAUTIONS = {
    "short_code": "Many senders can share a short code or a sender name. It is never linked by itself; "
    "link it only if you know who writes from it.",
    "psid": "Messenger gives every page another number for the same person. This one holds for one page of "
    "ours alone, and the name beside it is what the person calls themselves.",
    "igsid": "Instagram gives every account another number for the same person. This one holds for one account "
    "of ours alone, and the name beside it is what the person calls themselves.",
    "bsuid": "WhatsApp knows this person by a number of its own, without their phone number. It holds for our "
    "business alone, and changes when they change their phone number.",
    "sip": "An address of a telephone system, perhaps of our own staff. Link it only if one person alone uses it.",
    "unknown": "Nobody outside can be told as the sender or receiver of this message. This stands for one message: "
    "linking it puts this message on the customer's timeline, and no other.",
    "anonymous": "The caller withheld the number. This stands for one call: linking it puts this call on the "
    "customer's timeline, and no other call of theirs.",
}
CAUTIONS |= {
    "alphanumeric": CAUTIONS["short_code"],
    "bsuid_parent": CAUTIONS["bsuid"],
    "client": CAUTIONS["sip"],
    "rcs": CAUTIONS["short_code"],
}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`scheme:value`, or `scheme:scope:value` where the scheme has scopes."""

    scheme: str
    scope: str
    value: str


def parts(identity: str) -> Parts:
    """An identity taken apart; the value may hold colons."""
    scheme, _, rest = identity.partition(":")
    if not rest:
        return Parts(scheme="", scope="", value=identity)
    scope, separator, value = rest.partition(":")
    if SCHEMES.get(scheme, UNKNOWN).scope and separator and value:
        return Parts(scheme=scheme, scope=scope, value=value)
    return Parts(scheme=scheme, scope="", value=rest)


def words(identity: str) -> str:
    """An identity as text: `+61…`, `sam@example.com`, `Withheld number, one call`. Not escaped."""
    found = parts(identity)
    return SCHEMES[found.scheme].name if found.scheme in ONE_MESSAGE else found.value


def described(identity: str) -> str:
    """What kind of identity it is and where it holds. Not escaped."""
    found = parts(identity)
    scheme = SCHEMES.get(found.scheme, UNKNOWN)
    where = f", {scheme.scope.format(found.scope)}" if scheme.scope and found.scope else ""
    which = f" ({found.value})" if found.scheme in ONE_MESSAGE else ""
    return f"{scheme.name or found.scheme}{where}{which}"


def identity(text: str) -> str:
    """One identity with the icon of its scheme; the scope is its title."""
    scheme = SCHEMES.get(parts(text).scheme, UNKNOWN)
    said = described(text)
    return (
        f'<span class="identity" title="{inert.line(said)}">{icon(scheme.icon, said)}'
        f"<bdi>{inert.line(words(text))}</bdi></span>"
    )


def identities(texts: Sequence[str], shown: int) -> str:
    """The first of them, those that people know first, and how many more there are."""
    more = f'<span class="more">and {len(texts) - shown} more</span>' if len(texts) > shown else ""
    return "".join(map(identity, sorted(texts, key=_rank)[:shown])) + more


def _rank(text: str) -> int:
    scheme = parts(text).scheme
    return list(SCHEMES).index(scheme) if scheme in SCHEMES else len(SCHEMES)


def cautions(text: str) -> list[str]:
    """What a person should weigh before this identity becomes a customer's."""
    said = CAUTIONS.get(parts(text).scheme)
    return [said] if said else []
