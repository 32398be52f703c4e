"""The search terms of Gmail's `q` that are understood here.

after: and before: (epoch seconds or YYYY/MM/DD), from:, to:, rfc822msgid:, in:; other words are
looked for in subject and text. See https://support.google.com/mail/answer/7190.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from simulator.store.records import Mail

Test = Callable[[Mail], bool]


def read(q: str) -> tuple[Test, int]:
    """A test of all terms, and the least internalDate (ms) that can pass it.

    Raises:
        ValueError: after: or before: with something that is no time.
    """
    least_ms = 0
    tests: list[Test] = []
    for term in q.split():
        name, colon, value = term.lower().partition(":")
        if colon and name == "after":
            least_ms = max(least_ms, _epoch(value) * 1000)
        elif colon and name in ("before", "from", "to", "rfc822msgid", "in"):
            tests.append(_test(name, value))
        else:
            tests.append(_test("words", term.lower()))
    return (lambda mail: all(test(mail) for test in tests)), least_ms


def _test(name: str, value: str) -> Test:
    if name == "before":
        end_ms = _epoch(value) * 1000
        return lambda mail: mail.received_ms < end_ms
    if name == "from":
        return lambda mail: value in " ".join(mail.sender).lower()
    if name == "to":
        return lambda mail: any(value in " ".join(a).lower() for a in (*mail.to, *mail.cc))
    if name == "rfc822msgid":
        return lambda mail: mail.message_id.strip("<>").lower() == value.strip("<>")
    if name == "in":
        return lambda mail: value == "anywhere" or value.upper() in mail.labels
    return lambda mail: value in mail.subject.lower() or value in mail.text.lower()


def _epoch(value: str) -> int:
    if value.isdigit():
        return int(value)
    return int(datetime.strptime(value, "%Y/%m/%d").replace(tzinfo=UTC).timestamp())
