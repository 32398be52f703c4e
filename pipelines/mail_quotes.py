"""Folding of quoted mail: what the writer added, and what he only repeated.

Judged by structure first (lines that begin with `>`, the line above them that says who wrote when, a
block of header fields), which holds in any language; words are a help only where a client marks
nothing. No line is lost: every line that is not blank stands in exactly one of the two results.
Inline answers keep their quotes round them, because folded they would make no sense.
"""

from __future__ import annotations

import re

#: How clients in different languages end the line above a quotation.
WROTE = (
    "wrote", "writes", "schrieb", "schrieb am", "a écrit", "escribió", "escreveu", "ha scritto", "scrive",
    "schreef", "skrev", "kirjoitti", "napisał", "napisała", "napisał\\(a\\)", "napsal", "napsal\\(a\\)",
    "napísal", "a írta", "ezt írta", "írta", "scris", "a scris", "написал", "написала", "написал\\(а\\)",
    "пише", "пишет", "написав", "έγραψε", "γράφει", "yazdı", "yazmış", "şunları yazdı", "đã viết", "viết",
    "menulis", "sumulat", "nagsulat", "写道", "寫道", "写到", "のメール", "書きました", "작성", "님이 작성",
    "كتب", "كتبت", "نوشت", "כתב", "כתבה", "ने लिखा", "লিখেছেন", "எழுதியது", "เขียนว่า", "rakstīja", "rašė",
)  # fmt: skip
#: "From" as the first field of the block that Outlook and others put above a quoted mail.
FROM = (
    "From", "Von", "De", "Da", "Van", "Från", "Fra", "Lähettäjä", "Od", "Feladó", "Expeditor", "От", "От кого",
    "Від", "Από", "Kimden", "Từ", "Dari", "Mula kay", "发件人", "寄件者", "寄件人", "差出人", "送信元", "보낸 사람",
    "보낸사람", "من", "از", "מאת", "प्रेषक", "द्वारा", "থেকে", "จาก", "No", "Nuo", "Expéditeur", "Remitente", "Mittente",
)  # fmt: skip
ATTRIBUTION_END = re.compile(rf"(?:{'|'.join(WROTE)})\s*[:：]?\s*$", re.IGNORECASE)
#: A date or time of day in some form, or an address: what tells an attribution from a sentence.
DATE = re.compile(r"\d{4}|\d{1,2}[:./\-年]\d{1,2}")
DATED = re.compile(rf"@|{DATE.pattern}")
HEADER_LINE = re.compile(r"^\s*\*?[^\W\d_][^:：\n]{0,30}\*?\s*[:：]\*?\s*\S")
FROM_LINE = re.compile(rf"^\s*\*?(?:{'|'.join(FROM)})\s*[:：]\*?\s*\S", re.IGNORECASE)
DASHED = re.compile(r"^\s*-{2,}\s*\S.{2,60}?\s*-{2,}\s*$")
RULE = re.compile(r"^\s*[_*=\-\u2500]{10,}\s*$")
MARKED = re.compile(r"^\s{0,3}[>\uff1e]")
#: An attribution wraps over at most this many lines, and is at most this long.
ATTRIBUTION_LINES = 3
ATTRIBUTION_LENGTH = 500
#: What may follow the last quotation without being an answer to it: a signature, a list's footer.
FOOTER_LINES = 15


def fold(text: str) -> tuple[str, str | None]:
    """The text parted into (new, quoted); quoted is None where nothing is folded."""
    lines = text.split("\n")
    spans = _spans(lines)
    chosen = _foldable(lines, spans)
    hidden = {index for start, end in chosen for index in range(start, end)}
    new = "\n".join(line for index, line in enumerate(lines) if index not in hidden)
    if not chosen or not new.strip():
        # A mere forward is all quotation: folded, there would be nothing to read.
        return text.strip("\n"), None
    quoted = "\n".join(line for index, line in enumerate(lines) if index in hidden)
    return new.strip("\n"), quoted.strip("\n")


def _spans(lines: list[str]) -> list[tuple[int, int]]:
    """Quotations as (first line, line after the last), attribution included, in order."""
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(lines):
        if MARKED.match(lines[index]):
            end = _end_of_marked(lines, index)
            floor = spans[-1][1] if spans else 0
            spans.append((_with_attribution(lines, index, floor), end))
            index = end
        elif _opens_tail(lines, index):
            spans.append((index, len(lines)))
            break
        else:
            index += 1
    return spans


def _end_of_marked(lines: list[str], start: int) -> int:
    """The line after a run of marked lines, in which single blank lines are no break."""
    end = index = start
    while index < len(lines) and (MARKED.match(lines[index]) or not lines[index].strip()):
        if lines[index].strip():
            end = index + 1
        elif index - end > 1:
            break
        index += 1
    return end


def _with_attribution(lines: list[str], start: int, floor: int) -> int:
    """Where the attribution above a quotation begins; `start` itself when there is none."""
    last = start - 1
    while last >= floor and start - last <= 3 and not lines[last].strip():
        last -= 1
    joined, found = "", start
    for first in range(last, max(floor, last - ATTRIBUTION_LINES + 1) - 1, -1):
        line = lines[first].strip()
        joined = f"{line} {joined}".strip()
        if not line or len(joined) > ATTRIBUTION_LENGTH:
            break
        if (joined[-1] in ":：" or ATTRIBUTION_END.search(joined[-60:])) and DATED.search(joined):
            found = first
            if DATE.search(joined):
                break
    return found


def _opens_tail(lines: list[str], index: int) -> bool:
    """Whether from this line on everything is a repeated mail without marks."""
    line = lines[index]
    if len(line) > ATTRIBUTION_LENGTH or not line.strip():
        return False
    if DASHED.match(line) or RULE.match(line):
        return _header_lines(lines, index + 1) >= 2
    if FROM_LINE.match(line):
        return _header_lines(lines, index) >= 3
    return bool(
        DATED.search(line)
        and line.rstrip()[-1] in ":："
        and ATTRIBUTION_END.search(line[-60:])
        and any(following.strip() for following in lines[index + 1 : index + 4])
        and not any(MARKED.match(following) for following in lines[index + 1 : index + 4])
    )


def _header_lines(lines: list[str], start: int) -> int:
    """How many header-like lines stand together at `start`, after at most two blank lines."""
    index = start
    while index < len(lines) and index - start < 2 and not lines[index].strip():
        index += 1
    count = 0
    while index < len(lines) and count < 8 and HEADER_LINE.match(lines[index][:200]):
        count += 1
        index += 1
    return count


def _foldable(lines: list[str], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The quotations that may go out of sight: the last one at the end, or the only one at the top."""
    if not spans:
        return []
    chosen = []
    start, end = spans[-1]
    after = [line for line in lines[end:] if line.strip()]
    if (
        not after
        or (len(after) <= FOOTER_LINES and _is_footer(after[0]))
        or (len(spans) == 1 and not any(line.strip() for line in lines[:start]))
    ):
        chosen.append((start, end))
    return chosen


def _is_footer(line: str) -> bool:
    return line.strip() in ("--", "-- ") or bool(RULE.match(line))
