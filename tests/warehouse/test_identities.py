"""Every usual spelling of an address becomes one identity, whoever writes it; what is none is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.dbt_project import six_channels as six
from tests.dbt_project.raw_rows import add_connections, inbound, mail
from warehouse.identities import UnusableIdentity, Written, email, normal, parse, phone
from warehouse.migrate import MIGRATIONS
from warehouse.schemes import schemes

Database = psycopg.Connection[Any]

#: What a person may type, beside all that a provider may send.
TYPED = {
    "phone:+61491570006": (
        "0491 570 006", "0491-570-006", "(04) 9157 0006", "+61 491 570 006", "+61 (0)491 570 006",
        "+61 ( 0 ) 491 570 006", "61 491 570 006", "61 0491 570 006", "0061 491 570 006",
        "0011 61 491 570 006", "  0491.570.006  ", "tel:+61491570006", "0491\u00a0570\u00a0006",
        "491570006", "٠٤٩١٥٧٠٠٠٦",
    ),
    "phone:+61255501234": ("(02) 5550 1234", "+61 2 5550 1234"),
    "phone:+61355501234": ("03 5550 1234",),
    "phone:+64215550123": ("+64 21 555 0123", "0011 64 21 555 0123"),
    "phone:+611300555012": ("1300 555 012", "+61 1300 555 012"),
    "phone:+611800555012": ("1800-555-012",),
    "phone:+61131450": ("13 14 50",),
    "email:sam@example.com": (" mailto:sam@example.com ",),
}  # fmt: skip

#: What people type and providers send alike: one form through every door.
SHARED = {
    "phone:+61491570006": ("+61491570006", "0491570006", "+610491570006", "61491570006"),
    "phone:+61255501234": ("+61255501234", "0255501234"),
    "phone:+611300555012": ("1300555012", "+611300555012"),
    "phone:+611800555012": ("1800555012",),
    "phone:+61131450": ("131450", "+61131450"),
    "phone:+525512345678": ("+525512345678", "+5215512345678"),
    "email:sam@example.com": ("Sam@Example.COM", "sam@example.com.", '"sam"@example.com'),
    "email:sam+tag@example.com": ("sam+tag@example.com",),
    "email:o'brien@example.com": ("o'brien@example.com", '"O\'Brien"@EXAMPLE.com'),
    'email:"sam citizen"@example.com': ('"Sam Citizen"@example.com', '"sam\\ citizen"@example.com'),
    "email:sam@xn--bcher-kva.example": (
        "sam@Bücher.example", "sam@xn--bcher-kva.example", "SAM@XN--BCHER-KVA.example.",
        "sam@bu\u0308cher.example", "sam@bücher。example", "sam@ｂücher.example",
    ),
    "email:sam@xn--e1afmkfd.xn--p1ai": ("sam@пример.рф", "sam@ПРИМЕР.рф"),
    "email:sam@xn--fsqu00a.xn--g6w251d": ("sam@例子.測試",),
    "email:sam@xn--strae-oqa.example": ("sam@straße.example",),
    "email:sam@xn--mgbh0fb.xn--kgbechtv": ("sam@مثال.إختبار",),
}  # fmt: skip


def forms(admin: Database, spelled: list[str]) -> list[str]:
    return [str(each) for each in normal(admin, [parse(text) for text in spelled])]


def test_what_is_typed_becomes_the_one_form(admin: Database) -> None:
    for identity, spellings in [*TYPED.items(), *SHARED.items()]:
        scheme = identity.split(":")[0]
        found = forms(admin, [f"{scheme}:{each}" for each in spellings])
        assert dict.fromkeys(found) == {identity: None}, (identity, found)


def test_what_a_provider_sends_becomes_the_same(
    admin: Database, fold_now: Callable[[], int]
) -> None:
    add_connections(admin)
    wanted = {}
    for number, (identity, spelled) in enumerate(
        [(identity, each) for identity, spellings in SHARED.items() for each in spellings]
    ):
        sent = (
            inbound(number, From=spelled)
            if identity.startswith("phone:")
            else mail(number, sender=spelled)
        )
        sent.insert(admin)
        wanted[spelled] = identity
    fold_now()
    rows = admin.execute(
        "select identity, count(distinct message_id)::integer from marts.message_participants"
        " where role = 'from' and not is_ours group by 1"
    ).fetchall()
    assert dict(rows) == {identity: len(spellings) for identity, spellings in SHARED.items()}


def test_a_link_that_was_made_under_another_spelling_follows(admin: Database) -> None:
    """What the migration does to links that stand."""
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('c1', 'Sam', 't'), ('c2', 'Kim', 't')"
    )
    for link, identity, customer in (
        ("l1", "email:sam@bücher.example", "c1"),
        ("l2", "email:kim@bücher.example", "c1"),
        ("l3", "email:kim@xn--bcher-kva.example", "c2"),
        ("l4", "phone:+5215512345678", "c2"),
        ("l5", "psid:1:2", "c2"),
    ):
        admin.execute(
            "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
            " values (%s, %s, %s, %s, 't', 't')",
            [link, link, identity, customer],
        )
    text = (MIGRATIONS / "0061-identities.sql").read_text()
    follow = text[text.index("do $do$") :]
    for _ in range(2):
        admin.execute(follow)  # type: ignore[arg-type]
        rows = admin.execute("select link_id, identity from crm.identity_links").fetchall()
        assert dict(rows) == {
            "l1": "email:sam@xn--bcher-kva.example",
            # The other one stands: whose it is was decided twice, and a person must say which.
            "l2": "email:kim@bücher.example",
            "l3": "email:kim@xn--bcher-kva.example",
            "l4": "phone:+525512345678",
            "l5": "psid:1:2",
        }


@pytest.mark.parametrize(
    "typed",
    ["", "Sam", "1300 555 01", "135", "199 700", "0491 570", "+61 491 570 006 006", "0491570006 ext 4",
     "0491 570 006 / 0491 570 110", "+", "()", "4".zfill(200), "+800 1234 5678 90123"],
)  # fmt: skip
def test_what_is_no_phone(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        phone(typed)


@pytest.mark.parametrize(
    "typed",
    ["", "sam", "@example.com", "sam@", "sam@localhost", "sam smith@example.com", "sam@exa mple.com",
     "Sam <sam@example.com>", "a@b@example.com", ".sam@example.com", "s..m@example.com", "sam@-.com",
     "sam@example..com", "s" * 65 + "@example.com", "sam@" + "a" * 64 + ".com", "sam\n@example.com",
     "sam@exa\0mple.com", '"sam@example.com', '"s"am"@example.com', '""@example.com', '"s\0"@example.com'],
)  # fmt: skip
def test_what_is_no_mail_address(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        email(typed)


def test_an_identity_is_read_with_its_scheme(admin: Database) -> None:
    written = {
        "phone:0491 570 006": "phone:+61491570006",
        "PHONE: +61 491 570 006": "phone:+61491570006",
        "email:Sam@Example.com": "email:sam@example.com",
        "short_code:AU:19970006": "short_code:AU:19970006",
        "alphanumeric:AU:EXAMPLECO": "alphanumeric:AU:EXAMPLECO",
        "psid:1029384756:7234567890123456": "psid:1029384756:7234567890123456",
        "unknown:whatsapp:shop": "unknown:whatsapp:shop",
        "rcs:example_agent": "rcs:example_agent",
        "anonymous:CA1": "anonymous:CA1",
    }
    assert forms(admin, list(written)) == list(written.values())
    assert forms(admin, list(written.values())) == list(written.values())


@pytest.mark.parametrize(
    "typed",
    ["", "0491570006", "sam@example.com", "fax:0491570006", "psid:7234", "psid::7234", "phone:", ":x", "sip:x:"],
)  # fmt: skip
def test_what_is_no_identity(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        parse(typed)


def test_every_scheme_that_messages_have_is_known(
    admin: Database, fold_now: Callable[[], int]
) -> None:
    add_connections(admin)
    six.add_connections(admin)
    for number, sender in enumerate(
        ("+61491570006", "19970006", "SHOP", "rcs:agent", "sim:DE1", "client:ann", "sip:ann@example.com", "+", "messenger:1")
    ):  # fmt: skip
        inbound(number, From=sender).insert(admin)
    mail(1).insert(admin)
    mail(2, sender="").insert(admin)
    six.call_event(1, "completed", sender="anonymous").insert(admin)
    six.messaging("instagram", six.chat_message("instagram", 1, "hello")).insert(admin)
    told = six.wa_message(1, "61491570006", knows="bsuid")
    six.whatsapp("messages", messages=[told], contacts=[]).insert(admin)
    fold_now()
    rows = admin.execute("select scheme, scope, value, identity from marts.identities").fetchall()
    found = {scheme for scheme, *_ in rows}
    assert found == set(schemes()) - {"bsuid_parent"}
    for scheme, scope, value, identity in rows:
        assert bool(schemes()[scheme].scope) == (scope != "global"), identity
        assert identity == ":".join([scheme, *([scope] if scope != "global" else []), value])
        assert str(parse(identity)) == identity
    # What pages say of them comes from the same rows: where one has a scope, there are words for it.
    assert all(bool(each.scope) == bool(each.scope_in_words) for each in schemes().values())


@given(st.lists(st.text(max_size=60), max_size=5))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_reader(admin: Database, typed: list[str]) -> None:
    """Identity or refusal, never another error; and the one form reads back as itself."""
    found: list[Written] = []
    for text in typed:
        for read in (phone, email, parse):
            try:
                found.append(read(text))
            except UnusableIdentity:
                continue
    once = [str(each) for each in normal(admin, found)]
    assert forms(admin, once) == once
