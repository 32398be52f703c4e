"""Somebody with limits sees some channels and connections alone, on every way: sights, lists, counts, routes, decisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import act, act_users, attachments, read, read_identity, work
from app.access import limits, sessions
from app.access.limits import BeyondLimits, Limits
from app.access.roles import MATRIX, Forbidden, Permission, UserRole
from app.access.sessions import Viewer
from app.serving.routes import ROUTES
from tests.app.conftest import Correspondence
from tests.app.meta_events import CONNECTIONS
from tests.app.meta_events import whatsapp as whatsapp_event
from tests.app.test_reading import asked_for, needed_for, shown, sights
from warehouse.queries import FOLDER, queries
from warehouse.refusals import Refused
from warehouse.users import LIMITABLE

#: Stands in everything that came by mail, and nowhere else.
HIDDEN = "unseen"
PHONE, MAIL = "phone:+61491570006", f"email:{HIDDEN}@example.com"
NOW = datetime.now(UTC)
#: What somebody with limits is refused as a whole, because it is of no channel: roles that have it have no limits.
OFFICERS = {"app.examine.message_revisions", "app.examine.raw_row"}


@pytest.fixture
def two_channels(correspondence: Correspondence) -> dict[str, str]:
    """A customer who writes by both, and somebody who wrote a mail and is nobody's; each mail, its people, its file and
    the notes on it have the word."""
    customer = correspondence.customer("Sam", PHONE, MAIL)
    made = {"customer": customer, "sms": ""}
    with correspondence.together():
        made["sms"] = "twilio_sms|" + correspondence.sms(
            "+61491570006", "one", NOW - timedelta(hours=2)
        )
        correspondence.sms("+61491570157", "one more", NOW - timedelta(hours=1))
        mail = EmailMessage()
        mail["From"], mail["To"] = f"{HIDDEN} <{HIDDEN}@example.com>", "help@example.com"
        mail["Subject"], mail["Date"] = f"one {HIDDEN}", "Fri, 27 Nov 2026 10:00:00 +1100"
        mail.set_content(f"one {HIDDEN}")
        mail.add_alternative(
            f'<p>one {HIDDEN} <img src="https://example.com/p.png"></p>', subtype="html"
        )
        mail.add_attachment(b"bytes", "application", "octet-stream", filename=f"{HIDDEN}.bin")
        correspondence.raw_mail(mail.as_bytes(), NOW)
        correspondence.mail(
            f"{HIDDEN}.too@example.com", f"one {HIDDEN}", "one", NOW, name=f"Kim {HIDDEN}"
        )
        correspondence.mail(f"{HIDDEN}.never@example.com", f"one {HIDDEN}", "one", NOW, ours=True)
        correspondence.mail(f"{HIDDEN}.spam@example.com", f"one {HIDDEN}", "one", NOW)
    everything = correspondence.signed_in("olga", "admin")
    ((made["thread"],),) = correspondence.execute(
        "select threads[1] from canonical.conversations where counterpart_identity = %s", [MAIL]
    )  # fmt: skip
    ((made["mail"], made["attachment"]),) = correspondence.execute(
        "select message_id, attachment_id from marts.attachments"
    )
    # Which tags there are everybody is told.
    act.tag(everything, [made["mail"], made["thread"]], "a tag")
    act.note(everything, f"one {HIDDEN} note", conversation_id=made["thread"])
    act.assign(everything, {made["thread"]: act.Seen()}, note=f"{HIDDEN} plan", assignee="olga")
    act.tag(everything, [made["sms"]], "a tag")
    return made


def limited(correspondence: Correspondence, role: str, **to: list[str]) -> Viewer:
    viewer = correspondence.signed_in("lee", role)
    correspondence.execute(
        "update crm.users set only_channels = %s, only_connections = %s where user_name = 'lee'",
        [to.get("channels"), to.get("connections")],
    )
    return viewer


def told(name: str, viewer: Viewer, arguments: dict[str, tuple[Any, ...]]) -> str:
    """All that a sight gives, as text; nothing where it gives nothing."""
    try:
        return repr(shown(name, viewer, arguments))
    except (Forbidden, attachments.NotThere):
        return ""


@pytest.mark.parametrize("role", LIMITABLE)
def test_no_sight_tells_of_what_is_not_theirs(
    correspondence: Correspondence, two_channels: dict[str, str], role: str
) -> None:
    everything = correspondence.signed_in("olga", "admin")
    of_mail = asked_for(
        correspondence, two_channels["customer"], two_channels["mail"], MAIL, HIDDEN
    )
    of_sms = asked_for(correspondence, two_channels["customer"], two_channels["sms"], PHONE, "sam")
    of_mail["app.attachments.open_attachment"] = (two_channels["mail"], two_channels["attachment"])
    conversation = two_channels["thread"]
    of_mail["app.work.about"] = (two_channels["customer"], conversation)
    mine = sorted(name for name in sights() if needed_for(name) in MATRIX[UserRole(role)])
    # Whoever sees everything is told of it nearly everywhere, so this can fail.
    telling = {name for name in mine if HIDDEN in told(name, everything, of_mail)}
    assert telling >= {
        "app.read.timeline", "app.read.earlier_messages", "app.read.changed_messages", "app.read.unassigned",
        "app.read.never_wrote", "app.filtered.earlier", "app.finding.messages", "app.work.work", "app.work.about",
        "app.examine.message", "app.around.read_around", "app.read_identity.card",
    }  # fmt: skip
    for to in (
        {"channels": ["twilio_sms"]},
        {"connections": [correspondence.sms_connection]},
        {"channels": ["whatsapp"], "connections": [correspondence.sms_connection]},
    ):
        viewer = limited(correspondence, role, **to)
        for arguments in (of_mail, of_sms):
            leaks = [name for name in mine if HIDDEN in told(name, viewer, arguments)]
            assert leaks == [], to
        # And what is theirs is all there.
        opened = read.timeline(viewer, two_channels["customer"])
        assert opened is not None
        assert [row["message_id"] for row in opened.messages] == [two_channels["sms"]]
        assert (opened.customer["message_count"], opened.customer["identities"]) == (1, [PHONE])
        assert opened.customer["channels"] == ["twilio_sms"]
        waiting = read.unassigned(viewer)
        assert [(row["identity"], row["message_count"]) for row in waiting.rows] == [
            ("phone:+61491570157", 1)
        ]
        assert (waiting.matched, read.never_wrote(viewer).matched) == (1, 0)
        listed = work.work(viewer, work.Which.OPEN, 30, NOW - timedelta(days=3))
        assert {row["channel"] for row in listed.rows} == {"twilio_sms"}
        assert listed.counts["open"] == len(listed.rows) == 2
        found = shown("app.finding.messages", viewer, of_sms)
        assert (found.found.count, found.notes.count) == (2, 0)
    # Either is enough: both together are everything.
    both = limited(
        correspondence, role, channels=["twilio_sms"], connections=[correspondence.mail_connection]
    )
    assert {name for name in mine if HIDDEN in told(name, both, of_mail)} >= telling - {
        "app.read_identity.suggestions", "app.read_identity.sure_suggestions",
    }  # fmt: skip


def test_a_part_is_said_to_be_one(
    correspondence: Correspondence, two_channels: dict[str, str]
) -> None:
    """A link of which somebody sees a part alone: the card says that there is more, shows none of it, names nothing."""
    customer, other = two_channels["customer"], correspondence.customer("Lou")
    everything = correspondence.signed_in("olga", "admin")

    def seen(viewer: Viewer) -> tuple[bool, list[str], list[str]]:
        card = read_identity.card(viewer, customer)
        assert card is not None
        weighed = read_identity.compare(viewer, [customer, other])
        assert (MAIL in repr(card)) is (HIDDEN in repr(card))
        return card["is_part"], [row["identity"] for row in card["identities"]], weighed.beyond

    assert seen(everything) == (False, [MAIL, PHONE], [])
    sms, mail = correspondence.sms_connection, correspondence.mail_connection
    for to in ({"channels": ["twilio_sms"]}, {"connections": [sms]}):
        assert seen(limited(correspondence, "agent", **to)) == (True, [PHONE], [customer])
    for to in (
        {"channels": ["twilio_sms"], "connections": [mail]},
        {"channels": ["gmail", "twilio_sms"]},
    ):
        assert seen(limited(correspondence, "agent", **to)) == (False, [MAIL, PHONE], [])
    # One number on two channels: of the identity that is linked a part is seen.
    with_whatsapp = limited(correspondence, "agent", channels=["twilio_sms", "gmail"])
    whatsapp = correspondence.connect("whatsapp", **CONNECTIONS["whatsapp"])
    event = whatsapp_event("text", {"body": f"one {HIDDEN}"})
    told = event["entry"][0]["changes"][0]["value"]
    told["contacts"] = []
    told["messages"][0]["from"] = PHONE.removeprefix("phone:+")
    correspondence.land("whatsapp", whatsapp, event)
    assert seen(with_whatsapp)[0] is True
    opened = read.timeline(with_whatsapp, customer)
    assert opened is not None
    assert {row["channel"] for row in opened.messages} == {"twilio_sms", "gmail"}


def test_no_route_gives_what_is_not_theirs(
    correspondence: Correspondence, two_channels: dict[str, str]
) -> None:
    message, attachment = two_channels["mail"], two_channels["attachment"]
    asked = [
        f"/attachment?message={message}&attachment={attachment}",
        f"/mail?message={message}",
        f"/mail/pictures?message={message}",
    ]
    correspondence.user("lee", "agent")
    with TestClient(
        Starlette(routes=ROUTES), base_url="http://crm.example.com", follow_redirects=False
    ) as client:
        client.get(f"/session/start?token={sessions.start_token('lee')}")
        for path in asked[1:]:
            assert client.get(path).status_code == 200, path
        looked = "select count(*) from crm.events where action in ('mail.show', 'mail.load_pictures', 'attachment.open')"
        before = correspondence.execute(looked)
        correspondence.execute(
            "update crm.users set only_channels = '{twilio_sms}' where user_name = 'lee'"
        )
        for path in asked:
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert HIDDEN not in answer.text
        # Exports are of whole lists: their roles have no limits.
        for path in ("/customers.csv?q=sam", "/events.csv?person=olga"):
            assert client.get(path).status_code == 403, path
        assert correspondence.execute(looked) == before


def test_nothing_is_decided_of_what_is_not_theirs(
    correspondence: Correspondence, two_channels: dict[str, str]
) -> None:
    agent = limited(correspondence, "agent", channels=["twilio_sms"])
    ((note_id,),) = correspondence.execute("select note_id from crm.notes")
    decisions: dict[str, Callable[[], object]] = {
        "tag a message": lambda: act.tag(agent, [two_channels["mail"]], "urgent"),
        "tag": lambda: act.tag(agent, [two_channels["thread"]], "urgent"),
        "note": lambda: act.note(agent, "x", conversation_id=two_channels["thread"]),
        "note away": lambda: act.change_note(agent, note_id, 1, None),
        "assign": lambda: act.assign(agent, {two_channels["thread"]: act.Seen()}, state="done"),
    }
    for name, decide in decisions.items():
        with pytest.raises(Refused):
            assert decide() == name
    act.tag(agent, [two_channels["sms"]], "urgent")
    act.link_identity(agent, "phone:+61491570157", two_channels["customer"], reason="r")


def test_who_comes_next_on_the_same_connection_has_no_limits_of_theirs(
    correspondence: Correspondence, two_channels: dict[str, str]
) -> None:
    """Two people share the pool, and what the app keeps of what it drew."""
    viewer = limited(correspondence, "viewer", channels=["twilio_sms"])
    everything = correspondence.signed_in("olga", "admin")
    for _ in range(12):
        for person, expected in ((viewer, 1), (everything, 2)):
            opened = read.timeline(person, two_channels["customer"])
            assert opened is not None
            assert len(opened.messages) == expected
    correspondence.execute("update crm.users set only_channels = '{gmail}' where user_name = 'lee'")
    opened = read.timeline(viewer, two_channels["customer"])
    assert opened is not None
    assert [row["message_id"] for row in opened.messages] == [two_channels["mail"]]


def test_admins_set_limits_and_whoever_has_them_signs_in_anew(
    correspondence: Correspondence,
) -> None:
    olga = correspondence.signed_in("olga", "admin")
    correspondence.signed_in("lee", "agent")
    act_users.set_limits(
        olga, "lee", channels=["gmail"], connections=[correspondence.sms_connection]
    )
    ((revoked, channels, only),) = correspondence.execute(
        "select revoked_at is not null, only_channels, only_connections"
        " from crm.sessions join crm.users using (user_name) where user_name = 'lee'"
    )
    assert (revoked, channels, only) == (True, ["gmail"], [correspondence.sms_connection])
    (event,) = correspondence.events("user.limits")
    assert event["detail"] == {
        "from": {"channels": [], "connections": []},
        "to": {"channels": ["gmail"], "connections": [correspondence.sms_connection]},
        "sessions_ended": 1,
    }
    with pytest.raises(Refused, match="see every channel"):
        act_users.set_role(olga, "lee", UserRole.PRIVACY_OFFICER)
    for wrong, said in (
        ({"channels": ["fax"], "connections": []}, "no channel fax"),
        ({"channels": [], "connections": ["nope"]}, "no connection nope"),
    ):
        with pytest.raises(Refused, match=said):
            act_users.set_limits(olga, "lee", **wrong)
    with pytest.raises(Refused, match="admins see every channel"):
        act_users.set_limits(olga, "olga", channels=["gmail"], connections=[])
    with pytest.raises(Forbidden):
        act_users.set_limits(
            correspondence.signed_in("kim", "agent"), "lee", channels=[], connections=[]
        )
    with pytest.raises(psycopg.errors.CheckViolation):
        correspondence.execute("update crm.users set role = 'admin' where user_name = 'lee'")
    act_users.set_limits(olga, "lee", channels=[], connections=[])
    act_users.set_role(olga, "lee", UserRole.PRIVACY_OFFICER)


# -- enumerated from the queries -------------------------------------------------------------------

#: Files of queries that pages ask, as tests/app/test_reading.py and warehouse/decisions know them.
ASKED = (
    "app_read", "app_identity", "timeline", "timeline_at", "timeline_filtered", "work", "conversation", "customer_card",
    "search", "search_meaning", "note_search", "media", "designed", "saved_views", "tags", "customer_plan",
)  # fmt: skip
#: What is read whole: for roles without limits, or by programs.
WHOLE = {
    ("app_read", "message_revisions"), ("app_read", "quarantined"), ("app_read", "count_quarantined"),
    ("app_read", "raw_in_quarantine"), ("media", "due_media"),
}  # fmt: skip


class Nulls(dict[str, Any]):
    """Parameters of which the others are null."""

    def __missing__(self, key: str) -> None:
        return None


def read_by_pages() -> Iterator[tuple[str, str, str]]:
    """Each query that is one by itself; what others are made of is looked at in them."""
    parts = {
        part
        for each in FOLDER.glob("*.sql")
        for part in re.findall(r"^ *--> (\w+)\.(\w+)$", each.read_text(), re.MULTILINE)
    }
    for file in ASKED:
        for name, query in queries(file).items():
            if (file, name) not in parts and re.match(r"(--[^\n]*\n|\s)*(select|with)\b", query):
                yield file, name, query


def test_every_query_of_pages_is_known_within_limits(correspondence: Correspondence) -> None:
    """Each relation of them is told apart by channel, or is refused; and each is still a query."""
    some = Nulls(limit_channels=["twilio_sms"], limit_connections=["x"])
    refused, changed = set(), 0
    with psycopg.connect(correspondence.settings.admin_url) as owner:
        for file, name, query in read_by_pages():
            try:
                within = limits.limited(query, False)
            except BeyondLimits:
                refused.add((file, name))
                continue
            if within is None:
                continue
            changed += 1
            with owner.transaction(force_rollback=True):
                owner.execute(f"explain {within}", some)
    assert refused == WHOLE
    assert changed > 40


def test_no_other_way_to_ask_passes_the_limits(correspondence: Correspondence) -> None:
    query = "select message_id from canonical.messages"
    with psycopg.connect(correspondence.settings.admin_url) as owner:
        limits.bound(owner, Limits(channels=("gmail",)), decides=False)
        assert owner.execute(query).fetchall() == []
        cursor: Any = owner.cursor()
        ways: list[Callable[[], object]] = [
            lambda: cursor.executemany(query, [{}]),
            lambda: list(cursor.stream(query)),
            lambda: cursor.copy(f"copy ({query}) to stdout"),
            lambda: owner.cursor("pieces").execute(query),
        ]
        for way in ways:
            with pytest.raises(BeyondLimits):
                way()


def test_what_nobody_has_thought_of_is_refused() -> None:
    for query in (
        "select * from canonical.something_new",
        "select * from crm.users, canonical.messages",
        "select (table canonical.messages)",
        "select * from marts.timeline",
    ):
        with pytest.raises(BeyondLimits):
            limits.limited(query, False)
    assert limits.limited("select canonical.search_text(%(typed)s)", False) is None
    assert limits.limited("delete from crm.notes where true", False) is None
    assert limits.of({"only_channels": None, "only_connections": None}) is None
    assert limits.of({"only_channels": None, "only_connections": ["x"]}) == Limits(
        connections=("x",)
    )


def test_roles_with_limits_are_those_that_read_nothing_whole() -> None:
    whole = {
        Permission.EXPORT, Permission.READ_RAW, Permission.READ_REVISIONS, Permission.READ_EVENTS,
        Permission.MANAGE_CONNECTIONS, Permission.MANAGE_USERS, Permission.MANAGE_TAGS,
        Permission.HANDLE_PRIVACY,
    }  # fmt: skip
    assert {role for role in UserRole if not MATRIX[role] & whole} == {
        UserRole(each) for each in LIMITABLE
    }
    assert all(f"{name}.sql" in {each.name for each in FOLDER.iterdir()} for name in ASKED)
