"""Requests of people, incidents, retention, holds and destructions, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import chip, icon, note
from app.views.list_html import count
from warehouse.deadlines import NEARS
from warehouse.decisions import GROUNDS, OUTCOMES
from warehouse.decisions.cases import KINDS as KINDS_OF_CASES
from warehouse.decisions.incidents import DECISIONS
from warehouse.decisions.retaining import Due
from warehouse.decisions.tasks import KINDS as KINDS_OF_TASKS

Row = dict[str, Any]

#: Where the file of an export and the draft of a statement are handed out.
EXPORT, STATEMENT = "/export.zip", "/statement.html"
STATES = {
    "proposed": "proposed: another person agrees", "waiting": "waits for the worker", "running": "runs", "done": "done",
    "failed": "not done", "dropped": "taken back",
}  # fmt: skip
DESTROYED = "somebody who is destroyed"
GLYPHS = {"access": "folder_shared", "correction": "edit_note", "incident": "gpp_maybe"}


def _known(row: Row, beside: str, *, first: bool = True) -> str:
    """What stands beside a name, and what tells its bearer from another one of the name: what is done here cannot be
    taken back, and it must not be done to the other."""
    known = row["known_by"] or ""
    return " · ".join(filter(None, (known, beside) if first else (beside, known)))


def case_line(row: Row, zone: ZoneInfo, now: datetime, *, is_chosen: bool) -> str:
    """One request of a person: of whom, by whom, until when."""
    end = OUTCOMES[row["outcome"]] if row["outcome"] else ""
    kind = KINDS_OF_CASES[row["kind"]]
    return _line(
        GLYPHS[row["kind"]], kind, row["name"] or DESTROYED, _known(row, f"asked by {row['asked_by']}"),
        due(row["due_at"], zone, now) if not end else chip("task_alt", end), is_chosen=is_chosen,
    )  # fmt: skip


def incident_line(row: Row, zone: ZoneInfo, now: datetime, *, is_chosen: bool) -> str:
    """One incident: what happened, until when it is decided."""
    since = f"suspected on {_day(row['suspected_at'], zone)}"
    return _line(
        GLYPHS["incident"], "Incident", row["title"], since, _stands(row, zone, now),
        is_chosen=is_chosen,
    )  # fmt: skip


def _stands(row: Row, zone: ZoneInfo, now: datetime) -> str:
    if row["notified_at"]:
        return chip("task_alt", f"people were told on {_day(row['notified_at'], zone)}")
    if row["decision"] == "notifiable":
        return chip("campaign", "notifiable: tell people now", kind="bad")
    if row["decision"]:
        return chip("task_alt", DECISIONS[row["decision"]])
    return due(row["due_at"], zone, now)


def _line(glyph: str, kind: str, name: str, beside: str, end: str, *, is_chosen: bool) -> str:
    return (
        f'<div class="line case{" chosen" if is_chosen else ""}">{icon(glyph, kind)}'
        f'<bdi class="name">{escape.line(name)}</bdi>'
        f'<span class="preview"><bdi>{escape.line(beside)}</bdi></span><span class="end">{end}</span></div>'
    )


def due(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Until when, and how that stands."""
    left = at - now
    if left.total_seconds() < 0:
        late = f"{_days((-left).days)} late" if (-left).days else "late since today"
        return chip("alarm", late, title=clock.full(at, zone), kind="bad")
    kind = "warn" if left <= NEARS else ""
    words = f"{_days(left.days)} left" if left.days else "less than a day left"
    return chip("event", words, title=clock.full(at, zone), kind=kind)


def _people(number: int) -> str:
    return count(number, "person") if number == 1 else f"{number:,} people"


def _days(number: int) -> str:
    return count(number, "day")


def _day(at: datetime, zone: ZoneInfo) -> str:
    day = clock.day_of(at, zone)
    return clock.days(day, day)


def case(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """What is known of a request."""
    facts = [
        ("Asked by", escape.line(row["asked_by"])),
        ("Received", _day(row["received_at"], zone)),
        ("Due", f"{_day(row['due_at'], zone)} {due(row['due_at'], zone, now) if not row['outcome'] else ''}"),
        ("Who asks", _checked(row, zone)),
    ]  # fmt: skip
    if row["outcome"]:
        ended = f"{OUTCOMES[row['outcome']]} on {_day(row['closed_at'], zone)} by {escape.line(row['closed_by'])}"
        facts.append(("Ended", ended))
        facts += [
            ("Ground", f"APP 12.3({each}): {escape.line(GROUNDS[each])}") for each in row["grounds"]
        ]
        if row["reason"]:
            facts.append(("Told them", escape.body(row["reason"])))
    title = f"{KINDS_OF_CASES[row['kind']]}: {_known(row, row['name'] or DESTROYED, first=False)}"
    return f"<h3><bdi>{escape.line(title)}</bdi></h3>{_facts(facts)}"


def _checked(row: Row, zone: ZoneInfo) -> str:
    if not row["identity_check"]:
        return chip("help", "not checked yet", kind="warn")
    return (
        f"<bdi>{escape.line(row['identity_check'])}</bdi> <small>{escape.line(row['identity_checked_by'])},"
        f" {_day(row['identity_checked_at'], zone)}</small>"
    )


def export(task: Row) -> str:
    """How the export of a request stands, and the way to it."""
    if task["state"] == "done":
        result = task["result"]
        told = f"{count(result.get('messages', 0), 'message')}, {count(result.get('files', 0), 'file')}"
        words = "Read it before you hand it over: what somebody wrote about a third person stands as it was written"
        return (
            f'<p class="export-of"><a class="export" href="{EXPORT}?task={escape.line(task["task_id"])}" download>'
            f"{icon('download')} Download</a> {told}</p>{note('info', words)}"
        )
    if task["state"] == "failed":
        return note("error", f"It was not written: {task['problem']}", kind="bad")
    return running(task)


def running(task: Row) -> str:
    """How far a task is."""
    done, of = task["done_count"], task["of_count"]
    if not of:
        return f'<p class="progress-of"><progress></progress> {STATES[task["state"]]}</p>'
    return (
        f'<p class="progress-of"><progress max="{int(of)}" value="{int(done)}"></progress>'
        f" {int(done):,} of {int(of):,}</p>"
    )


def incident(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """What is known of an incident."""
    facts = [
        ("Suspected", _day(row["suspected_at"], zone)),
        ("Decide by", f"{_day(row['due_at'], zone)} {_stands(row, zone, now)}"),
    ]
    if row["decision"]:
        decided = f"{DECISIONS[row['decision']]}, {_day(row['decided_at'], zone)}, {escape.line(row['decided_by'])}"
        facts += [("Decided", decided), ("Because", escape.body(row["decision_reason"]))]
    if row["notified_at"]:
        told = f"{_day(row['notified_at'], zone)}, {escape.line(row['notified_by'])}"
        facts.append(("People were told", told))
    return f"<h3><bdi>{escape.line(row['title'])}</bdi></h3>{_facts(facts)}"


def statement(incident_id: str) -> str:
    """The way to the draft of the statement."""
    return (
        f'<p class="export-of"><a class="export" href="{STATEMENT}?incident={escape.line(incident_id)}" download>'
        f"{icon('description')} Draft of the statement</a></p>"
    )


def affected(people: Sequence[Row], number: int, zone: ZoneInfo) -> str:
    """Whom an account saw, the first of them first."""
    if not people:
        return note("visibility_off", "By the log this account saw nobody in that time")
    lines = "".join(
        f"<tr><td><bdi>{_whom(row)}</bdi></td><td>{row['times']:,}</td>"
        f'<td><time title="{clock.full(row["first_at"], zone)}">{_day(row["first_at"], zone)}</time></td></tr>'
        for row in people
    )
    cut = f"; the first {len(people):,} stand here" if number > len(people) else ""
    head = "<thead><tr><th>Whom</th><th>Times</th><th>First on</th></tr></thead>"
    whom = _people(number)
    return (
        f'<p class="tally" role="status">This account saw {whom}{cut}</p>'
        f'<div class="table"><table>{head}<tbody>{lines}</tbody></table></div>'
    )


def _whom(row: Row) -> str:
    if row["customer_id"]:
        name = escape.line(row["name"] or row["customer_id"])
        return f"{name} <small>{escape.line(row['known_by'])}</small>" if row["name"] else name
    return f"{escape.line(row['object_type'])} {escape.line(row['object_id'])}"


def retention_class(row: Row, zone: ZoneInfo) -> str:
    """One class: what it covers, for how long, why, and who agreed."""
    covers = [
        str(row["covers"]),
        *row["channels"],
        *(row["kinds"] if row["covers"] == "messages" else []),
    ]
    if row["tag"]:
        covers.append(f"tag {row['tag']}")
    if row["is_approved"]:
        by = f"approved by {row['approved_by']}, {_day(row['approved_at'], zone)}"
        agreed = chip("verified", by + (", every night" if row["is_standing"] else ""))
    else:
        agreed = chip("pending", f"not approved: changed by {row['changed_by']}", kind="warn")
    facts = [
        ("Covers", escape.line(", ".join(covers))),
        ("Basis", escape.line(row["basis"])),
        ("Why", escape.line(row["reason"])),
    ]
    return (
        f'<div class="class-of"><h3><bdi>{escape.line(row["class_id"])}</bdi> <small>{escape.line(row["keep"])},'
        f" then {escape.line(row['action'])}</small></h3>{_facts(facts)}<p>{agreed}</p></div>"
    )


def preview(found: Due, zone: ZoneInfo) -> str:
    """What a class would take now."""
    row = asdict(found)
    if not row["due"]:
        said = "Nothing of it is due"
    else:
        whom = f" of {_people(row['people'])}" if row["people"] else ""
        said = f"{row['due']:,} due{whom}, from {_day(row['oldest'], zone)} to {_day(row['newest'], zone)}"
    held = f"; {row['held']:,} are held" if row["held"] else ""
    return f'<p class="tally" role="status">{escape.line(said + held)}</p>'


def hold(row: Row, zone: ZoneInfo) -> str:
    """One hold: on what, why, by whom."""
    by = f"{row['placed_by']}, {_day(row['placed_at'], zone)}"
    return _line(
        "lock", "Hold", row["named"], _known(row, row["reason"]),
        f"{escape.line(row['covers'])} · <bdi>{escape.line(by)}</bdi>", is_chosen=False,
    )  # fmt: skip


def task(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One thing that the worker is asked for."""
    whom = row["object_id"] if row["kind"] == "apply" else row["name"] or DESTROYED
    asked = f"{row['asked_by']}, {clock.short(row['asked_at'], zone, now)}"
    beside = f"{row['reason']} · {asked}" if row["reason"] else asked
    kinds = {"failed": "bad", "proposed": "warn"}
    glyphs = {"done": "task_alt", "failed": "error", "proposed": "how_to_reg", "dropped": "undo"}
    state = chip(
        glyphs.get(row["state"], "hourglass"),
        STATES[row["state"]],
        kind=kinds.get(row["state"], ""),
    )
    problem = note("error", str(row["problem"]), kind="bad") if row["problem"] else ""
    glyph = {"export": "folder_zip", "destroy": "delete_forever", "apply": "auto_delete"}[
        row["kind"]
    ]
    return _line(
        glyph, KINDS_OF_TASKS[row["kind"]], whom, _known(row, beside), state, is_chosen=False
    ) + problem  # fmt: skip


def certificate(row: Row, zone: ZoneInfo) -> str:
    """One destruction, as it is certified: it names nobody."""
    counts = ", ".join(f"{number:,} {name}" for name, number in sorted(row["counts"].items()))
    facts = [
        ("Why", escape.line(row["reason"])), ("By", escape.line(row["destroyed_by"])),
        ("What went", escape.line(counts) or "nothing"), ("Hash", f'<code>{escape.line(row["hash"])}</code>'),
    ]  # fmt: skip
    return (
        f'<details class="certificate"><summary>{_day(row["destroyed_at"], zone)} · {escape.line(row["what"])} ·'
        f" {escape.line(row['certificate_id'])}</summary>{_facts(facts)}</details>"
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    return f'<dl class="case-facts">{lines}</dl>'
