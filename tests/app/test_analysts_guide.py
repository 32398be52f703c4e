"""docs/analysts.md: each question is answered rightly by the SQL that stands below it, asked as an analyst."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from tests.app.conftest import Correspondence
from warehouse.settings import ROOT, Role

THEIRS, STRANGER, ADDRESS = "+61491570006", "+61491570156", "sam@example.com"
HOUR = timedelta(hours=1)


def questions() -> dict[str, str]:
    """What stands in the guide, by the question."""
    text = (ROOT / "docs" / "analysts.md").read_text()
    return dict(re.findall(r"^## ([^\n]+\?)\n\n```sql\n(.+?)```", text, re.MULTILINE | re.DOTALL))


def test_each_question_of_the_guide_is_answered(correspondence: Correspondence) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    asked, mailed, strange = now - timedelta(days=5), now - timedelta(days=3), now - 10 * HOUR
    file = {"part_id": "1", "filename": "a.pdf", "content_type": "application/pdf", "size_bytes": 9}
    with correspondence.together():
        correspondence.customer("Sam Example", f"phone:{THEIRS}", f"email:{ADDRESS}")
        correspondence.sms(THEIRS, "when?", asked)
        correspondence.sms(THEIRS, "today", asked + HOUR, ours=True, status="delivered")
        correspondence.sms(THEIRS, "never", asked + 2 * HOUR, ours=True, status="failed")
        correspondence.mail(ADDRESS, "Receipt", "here it is", mailed, attachments=[file])
        correspondence.sms(STRANGER, "hello", strange)
        gone = correspondence.sms(STRANGER, "gone", strange - HOUR)
    correspondence.remove_sms(gone)
    correspondence.fold()
    ((thread,),) = correspondence.execute(
        "select conversation_id from marts.conversations where channel = 'gmail'"
    )
    for statement in (
        "insert into crm.tags (tag_id, name, colour, created_by) values ('t', 'Returns', 'red', 't')",
        "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
        f" values ('g', 't', 'conversation', '{thread}', 't')",
        "insert into crm.assignments (assignment_id, conversation_id, assignee, assigned_by)"
        f" values ('a', '{thread}', 'kim', 't')",
    ):
        correspondence.execute(statement)  # type: ignore[arg-type]

    found: list[list[tuple[Any, ...]]] = []
    with psycopg.connect(correspondence.settings.url_for(Role.ANALYST), autocommit=True) as analyst:
        found = [analyst.execute(statement).fetchall() for statement in questions().values()]  # type: ignore[arg-type]

    def month(at: datetime) -> date:
        return at.astimezone(ZoneInfo("Australia/Sydney")).date().replace(day=1)

    much, waits, takes, several, week, failed, removed, strangers, files, tags = found
    told = [
        (month(mailed), "gmail", "inbound"),
        (month(asked), "twilio_sms", "inbound"),
        (month(strange), "twilio_sms", "inbound"),
        (month(asked + HOUR), "twilio_sms", "outbound"),
        (month(asked + 2 * HOUR), "twilio_sms", "outbound"),
    ]
    assert much == [(*each, told.count(each)) for each in sorted(set(told))]
    assert waits == [("Sam Example", "gmail", mailed)]
    assert takes == [("gmail", 1, 0, None), ("twilio_sms", 3, 1, HOUR)]
    assert several == [("Sam Example", ["gmail", "twilio_sms"], 4)]
    assert [row[4] for row in week] == ["when?", "today", "never", "here it is"]
    assert failed == [(asked + 2 * HOUR, "twilio_sms", f"phone:{THEIRS}")]
    assert [(channel, count) for channel, _, count in removed] == [("twilio_sms", 1)]
    assert [row[0] for row in strangers] == [f"phone:{STRANGER}"]
    assert [(*row[:2], row[3]) for row in files] == [("gmail", "application/pdf", 1)]
    assert tags == [("Returns", 1, 1)]
