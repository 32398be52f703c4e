"""What admins and privacy officers have on their desks, as the pictures of the documents show it: beside the shop's correspondence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.world.accounts import Accounts
from tests.app.conftest import Correspondence
from tests.app.pictured import HOSTILE, NAMES, Shop
from tests.app.test_quality_browser import plant
from warehouse import decisions
from warehouse.events import Actor

OLIVE = Actor(name="olive", role="privacy_officer")
BEN = Actor(name="ben", role="privacy_officer")
#: What a provider hands out for an account, as people paste it.
PASTED = Accounts.of(7).connections("", "https://crm.example.com")
ANOTHER = "https://bookings.example.net/meta/webhook"


def office(c: Correspondence, shop: Shop) -> None:
    """Requests of people, a breach, what is held and destroyed, rules that do not hold, channels that are being connected."""
    c.user("olive", "privacy_officer")
    c.user("ben", "privacy_officer")
    shop.execute = c.execute
    _asked(c, shop)
    _kept(c, shop)
    plant(c)
    _connecting(c, shop)
    _growing(c)


def answered(shop: Shop, *, problem: str = "", **answer: Any) -> None:
    """As the worker answers what was asked last."""
    shop.execute(
        "update crm.connection_requests set answered_at = now(), problem = nullif(%s, ''), answer = %s"
        " where answered_at is null",
        [problem, json.dumps(answer)],
    )


def _customers(c: Correspondence) -> dict[str, str]:
    return dict(c.execute("select name, customer_id from crm.customers"))


def _asked(c: Correspondence, shop: Shop) -> None:
    now, ids = datetime.now(UTC), _customers(c)
    db: Any = c.session()
    shop.case = decisions.open_case(
        db, OLIVE, shop.mai, asked_by="Herself, by mail", received_at=now - timedelta(days=11)
    )
    decisions.check_identity(db, OLIVE, shop.case, "Called back under the number that we know")
    decisions.open_case(
        db, OLIVE, shop.nadia, asked_by="طلب الوصول إلى كل الرسائل", received_at=now - timedelta(days=25)
    )  # fmt: skip
    decisions.open_case(
        db, BEN, ids[NAMES[0]], kind="correction", asked_by="His solicitor, by a letter " + HOSTILE[2],
        received_at=now - timedelta(days=32),
    )  # fmt: skip
    shop.incident = decisions.open_incident(
        db, OLIVE, "A list of customers went to the wrong address", suspected_at=now - timedelta(days=4),
        account="noah", seen_from=now - timedelta(days=5), seen_until=now + timedelta(days=1),
    )  # fmt: skip
    seen = [shop.mai, *(ids[name] for name in NAMES[1:7])]
    c.execute(
        "insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids)"
        " select 'seen' || n, 'noah', 'agent', 'timeline.view', 'customer', id, array[id] from unnest(%s::text[]) with ordinality as of (id, n)",
        [seen],
    )


def _kept(c: Correspondence, shop: Shop) -> None:
    ids = _customers(c)
    db: Any = c.session()
    for days in (2_600, 2_601, 2_640):
        c.sms(
            "+61255501003",
            "Do you still have the blue one?",
            datetime.now(UTC) - timedelta(days=days),
        )
    decisions.approve_class(db, BEN, "messages", standing=True)
    decisions.place_hold(db, OLIVE, customer_id=ids[NAMES[2]], reason="Claim 2026-17")
    decisions.place_hold(db, BEN, tag="Returns", reason="An audit by the supplier, until March")
    decisions.ask_destruction(db, BEN, ids[NAMES[5]], "Asked for it, by mail")
    counts = {"messages": 214, "deliveries": 180, "events": 96, "files": 12}
    c.execute(
        "insert into privacy.certificates (certificate_id, what, reason, destroyed_at, destroyed_by, counts, hash)"
        " values ('c1', 'customer', 'Asked for it (agreed by ben)', now() - interval '9 days', 'olive', %s, %s)",
        [json.dumps(counts), "9f2c" * 16],
    )


def _growing(c: Correspondence) -> None:
    """The database as it was noted day by day: by 48 MiB a day."""
    c.execute(
        "insert into jobs.sizes (noted_on, database_bytes)"
        " select current_date - n, (4096 - 48 * n) * 1024::bigint ^ 2 from generate_series(0, 28) as n"
        " on conflict (noted_on) do update set database_bytes = excluded.database_bytes"
    )


def _connecting(c: Correspondence, shop: Shop) -> None:
    """A history that is loaded, a first message that is waited for, one that does not come."""
    now = datetime.now(UTC)
    detail = {
        "rows": {"messages": 18_402}, "seconds": 402.0, "more": True, "listed": 18_402, "total": 51_340,
        "reached": (now - timedelta(days=214)).isoformat(), "per_minute": 2_750,
    }  # fmt: skip
    c.execute(
        "insert into jobs.connection_health (connection_id, job, last_succeeded_at, detail) values (%s, 'pull', now(), %s)"
        " on conflict (connection_id, job) do update set last_succeeded_at = now(), detail = excluded.detail, error = null",
        [c.mail_connection, json.dumps(detail)],
    )
    c.execute(
        "update raw.webhook_deliveries set received_at = received_at - interval '9 days' where channel = 'instagram'"
    )
    for channel, overdue in (("whatsapp", False), ("instagram", True)):
        its = shop.connections[channel]
        if channel == "whatsapp":
            c.execute(
                "update raw.webhook_deliveries set received_at = received_at - interval '9 days' where connection_id = %s",
                [its],
            )
        c.execute(
            "insert into crm.connection_requests (request_id, kind, channel, connection_id, asked_by, asked_at, answered_at, answer, overdue_at)"
            " values (%s, 'register', %s, %s, 'root', now() - interval '3 minutes', now() - interval '3 minutes', %s, case when %s then now() end)",
            [f"r-{channel}", channel, its, json.dumps({"before": [], "after": _registered(its)}), overdue],
        )  # fmt: skip


def _registered(its: str) -> list[dict[str, str]]:
    return [
        {
            "object": "WhatsApp account 102290129340398",
            "callback": f"https://crm.example.com/webhooks/whatsapp/{its}",
            "fields": "messages, message_template_status_update, account_update",
        }
    ]


def found_at_meta() -> dict[str, Any]:
    """What Meta says of keys that are right, where another program is called."""
    url = "https://crm.example.com/webhooks/messenger/5f0c2a7e91b34d68"
    return {
        "sentence": "page Saltbush Cycles answers; it subscribes 0 apps",
        "webhook_url": url,
        "verify_token": "kq3VnX0cZ2mR8tYwJ5hLs1Dp7uGfA4eB",
        "others": {"app 1784140000846005": ANOTHER},
        "address_problems": [],
        "advice": ["the app must be Live: in development Meta sends events of its own testers alone"],
        "registered": [
            {"object": "app 1784140000846005", "callback": ANOTHER, "fields": "messages, messaging_postbacks"}
        ],
    }  # fmt: skip
