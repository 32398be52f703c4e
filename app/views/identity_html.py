"""Identities as people read them: an icon, a value, and in words what kind it is and where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.views import escape
from app.views.components import icon
from warehouse.schemes import Scheme, schemes

#: An identity of no scheme that we know, shown as it is.
UNKNOWN = Scheme(
    scheme="", scope="", is_suggested=False, means="", name="", scope_in_words="",
    is_one_message=False, searched_as=frozenset(), is_nameless=False, icon="fingerprint", caution="",
)  # fmt: skip


def scheme_of(identity: str) -> Scheme:
    """The scheme of an identity."""
    return schemes().get(parts(identity).scheme, UNKNOWN)


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
    if schemes().get(scheme, UNKNOWN).scope and separator and value:
        return Parts(scheme=scheme, scope=scope, value=value)
    return Parts(scheme=scheme, scope="", value=rest)


def words(identity: str) -> str:
    """An identity as text: `+61…`, `sam@example.com`, `Withheld number, one call`. Not escaped."""
    scheme = scheme_of(identity)
    return scheme.name if scheme.is_one_message else parts(identity).value


def described(identity: str) -> str:
    """What kind of identity it is and where it holds. Not escaped."""
    found, scheme = parts(identity), scheme_of(identity)
    where = f", {scheme.scope_in_words.format(found.scope)}" if scheme.scope and found.scope else ""
    which = f" ({found.value})" if scheme.is_one_message else ""
    return f"{scheme.name or found.scheme}{where}{which}"


def identity(text: str) -> str:
    """One identity with the icon of its scheme; the scope is its title."""
    scheme = scheme_of(text)
    said = described(text)
    return (
        f'<span class="identity" title="{escape.line(said)}">{icon(scheme.icon, said)}'
        f"<bdi>{escape.line(words(text))}</bdi></span>"
    )


def identities(texts: Sequence[str], shown: int) -> str:
    """The first of them, those that people know first, and how many more there are."""
    more = f'<span class="more">and {len(texts) - shown} more</span>' if len(texts) > shown else ""
    return "".join(map(identity, sorted(texts, key=_rank)[:shown])) + more


def _rank(text: str) -> int:
    known = list(schemes())
    scheme = parts(text).scheme
    return known.index(scheme) if scheme in known else len(known)


def cautions(text: str) -> list[str]:
    """What a person should weigh before this identity becomes a customer's."""
    said = scheme_of(text).caution
    return [said] if said else []
