"""What a mail has on its card beside its words: who is meant, what could not be read, links, pictures, an invitation,
a contact card.

Links keep their target: it is shown, opened in a new tab, and learns nothing of where it was opened from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.views import escape, shapes
from app.views.components import chip, note

Row = dict[str, Any]

#: Of a target so much is written out; the whole is its title.
SHOWN_TARGET = 60
MOST_NOTES = 6
MOST_RECIPIENTS = 20
MOST_FILES = 20
#: Contact cards of one file that are named, and numbers and addresses of one card.
MOST_CARDS, MOST_ADDRESSES = 3, 4
ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
#: A link in a text, in the brackets that a text puts round the target of a word; or the place of a picture.
LINK = re.compile(
    r"(?P<open><)?(?P<link>https?://[^\s<>\"'\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]{3,2000})(?(open)>|)"
)
PLACE = re.compile(r"\[cid:([^\]\n]{1,300})\]")
#: As mail/calendar.py writes it.
TIME_OF_EVENT = re.compile(r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d)(?P<zone>.*)")
#: What ends a sentence rather than an address.
AFTER = ".,;:!?)]}"

#: A picture's HTML by its content id; nothing where there is none.
Pictures = Callable[[str], str]


def text(words: str, pictures: Pictures = lambda _: "") -> str:
    """A text as HTML: escaped, its links as links, its pictures in their place."""
    pieces: list[str] = []
    end = 0
    for match in PLACE.finditer(words):
        pieces += [_linked(words[end : match.start()]), pictures(match[1])]
        end = match.end()
    pieces.append(_linked(words[end:]))
    return "".join(pieces)


def _linked(words: str) -> str:
    pieces: list[str] = []
    end = 0
    for match in LINK.finditer(words):
        target = match["link"]
        rest = ""
        if not match["open"]:
            kept = target.rstrip(AFTER)
            if kept.count("(") > kept.count(")") and target[len(kept) :].startswith(")"):
                kept += ")"
            target, rest = kept, target[len(kept) :]
        link = _link(target)
        if match["open"]:
            # The target of the words before it, which may name another one.
            link = f'<span class="target">&lt;{link}&gt;</span>'
        pieces += [escape.body(words[end : match.start()]), link, escape.body(rest)]
        end = match.end()
    pieces.append(escape.body(words[end:]))
    return "".join(pieces)


def _link(target: str) -> str:
    shown = re.sub(r"^https?://", "", target)
    if len(shown) > SHOWN_TARGET:
        shown = shown[:SHOWN_TARGET] + "…"
    return (
        f'<a class="link" href="{escape.line(target)}" title="{escape.line(target)}" target="_blank"'
        f' rel="noopener noreferrer nofollow"><bdi dir="ltr">{escape.line(shown)}</bdi></a>'
    )


def chips(row: Row, told: Row) -> list[str]:
    """That the name shows another address than the one that wrote."""
    name, address = str(row.get("from_name") or ""), str(row.get("from_address") or "").lower()
    named = ADDRESS.search(name)
    found = []
    if named and address and named.group().lower() != address:
        found.append(
            chip(
                "warning",
                f"really {address}",
                title="The name shows another address than the sender's",
                kind="bad",
            )
        )
    if told.get("is_automatic") is True and told.get("is_bounce") is not True:
        is_answer = told.get("is_auto_reply") is True
        found.append(chip("smart_toy", "automatic reply" if is_answer else "automatic"))
    return found


def before_body(row: Row, told: Row) -> str:
    """Lines above the text: through whom it came, where an answer goes, what systems report, the reader's notes."""
    found = []
    sent_by = shapes.words(told.get("sent_by"))
    if sent_by:
        found.append(note("forward_to_inbox", f"Came through {sent_by}"))
    answers = [
        address
        for each in shapes.objects(told.get("reply_to"))
        if (address := shapes.words(each.get("address")))
        and address.lower() != str(row.get("from_address") or "").lower()
    ]
    if answers:
        found.append(note("reply", f"Reply to {_listed(answers, MOST_RECIPIENTS)}"))
    found += _not_delivered(told)
    found += _report(shapes.mapping(told.get("report")))
    notes = told.get("parse_notes")
    said = list(filter(None, map(shapes.words, notes))) if isinstance(notes, list) else []
    found += _cut([note("info", each, kind="quiet") for each in said], MOST_NOTES, "info")
    return "".join(found)


def _listed(words: list[str], most: int) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _cut(notes: list[str], most: int, glyph: str) -> list[str]:
    """The first of these notes, and how many are left out."""
    left_out = len(notes) - most
    return notes if left_out <= 0 else [*notes[:most], note(glyph, f"and {left_out} more")]


def _not_delivered(told: Row) -> list[str]:
    """Whom a mail of ours did not reach, as reports of mail systems say: each receiver by themselves."""
    found = []
    for each in shapes.objects(told.get("not_delivered")):
        whom, reason = shapes.words(each.get("address")), shapes.words(each.get("reason"))
        tail = f": {reason}" if reason else ""
        found.append(note("report", f"Not delivered to {whom or 'somebody'}{tail}", kind="bad"))
    return _cut(found, MOST_RECIPIENTS, "report")


def _report(report: Row) -> list[str]:
    """What a mail system says about each receiver."""
    words = {
        "failed": "Not delivered to",
        "delayed": "Delayed for",
        "delivered": "Delivered to",
        "relayed": "Passed on for",
    }
    found = []
    for each in shapes.objects(report.get("recipients")):
        said = words.get(shapes.words(each.get("action")), "Report about")
        reason = shapes.words(each.get("reason")) or shapes.words(each.get("status"))
        tail = f": {reason}" if reason else ""
        kind = "bad" if each.get("action") == "failed" else ""
        found.append(note("report", f"{said} {shapes.words(each.get('address'))}{tail}", kind=kind))
    return _cut(found, MOST_RECIPIENTS, "report")


def copied_to(row: Row, role: str) -> list[str]:
    """The addresses in Cc or Bcc, in lower case."""
    told = shapes.metadata(row)
    return [shapes.words(each.get("address")).lower() for each in shapes.objects(told.get(role))]


def inside(attachment: Row) -> str:
    """What an attached mail says, to be opened in place; what an invitation is for, and when; whose contact cards."""
    mail, event = shapes.mapping(attachment.get("mail")), shapes.mapping(attachment.get("event"))
    if event:
        return f'<span class="state">{escape.line(_event(event))}</span>'
    if cards := shapes.objects(attachment.get("cards")):
        named = "; ".join(map(_card, cards[:MOST_CARDS]))
        more = f"; and {len(cards) - MOST_CARDS} more" if len(cards) > MOST_CARDS else ""
        return f'<span class="state">{escape.line(f"Contact card: {named}{more}")}</span>'
    if not mail:
        return ""
    facts = " · ".join(filter(None, (shapes.words(mail.get(key)) for key in ("from", "date"))))
    files = mail.get("files")
    names = (
        _listed([shapes.words(each) for each in files], MOST_FILES)
        if isinstance(files, list)
        else ""
    )
    rest = '<p class="note">The rest is in the file</p>' if mail.get("is_cut") is True else ""
    return (
        f'<details class="inner"><summary>{escape.line(facts) or "Read"}</summary>'
        f'<div class="body" dir="auto">{text(shapes.words(mail.get("text"))) or "No text"}</div>{rest}'
        f"{f'<p class=note>With {escape.line(names)}</p>' if names else ''}</details>"
    )


def _card(card: Row) -> str:
    """Whom a contact card names, and how they are reached."""
    name = shapes.words(shapes.mapping(card.get("name")).get("formatted_name"))
    reached = [
        *(shapes.words(each.get("phone")) for each in shapes.objects(card.get("phones"))),
        *(shapes.words(each.get("email")) for each in shapes.objects(card.get("emails"))),
    ]
    return ", ".join(filter(None, [name, *reached[:MOST_ADDRESSES]]))


def _lasting(starts: str, ends: str) -> str:
    """`2026-08-03 10:00 to 11:00 UTC`: what both ends have in common is said once."""
    begin, end = TIME_OF_EVENT.fullmatch(starts), TIME_OF_EVENT.fullmatch(ends)
    if begin and end and (begin["day"], begin["zone"]) == (end["day"], end["zone"]):
        last = f" to {end['time']}" if end["time"] != begin["time"] else ""
        return f"{begin['day']} {begin['time']}{last}{begin['zone']}"
    return f"{starts} to {ends}" if starts and ends and ends != starts else starts


def _event(event: Row) -> str:
    when = _lasting(shapes.words(event.get("starts")), shapes.words(event.get("ends")))
    kind = {"cancel": "Cancelled", "reply": "Answer to an invitation"}.get(
        shapes.words(event.get("method")), "Invitation"
    )
    said = ", ".join(
        filter(
            None, (shapes.words(event.get("summary")), when, shapes.words(event.get("location")))
        )
    )
    return f"{kind}: {said}" if said else kind
