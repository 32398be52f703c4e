"""Folding of quoted mail: what the writer added, and what he only repeated.

Only what is told to be older is folded: lines that begin with `>`, the line above them that says who wrote when, a
block of header fields with a sender and a subject. A rule alone tells nothing. No line is lost: every line that is not
blank stands in exactly one of the two results. Inline answers keep their quotes round them, because folded they would
make no sense. Every look is at a few lines of bounded length, so time is linear.
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
#: "Subject", which no timetable has between its "From" and its "To".
SUBJECT = (
    "Subject", "Betreff", "Objet", "Asunto", "Assunto", "Oggetto", "Onderwerp", "Ämne", "Emne", "Aihe", "Temat",
    "Předmět", "Predmet", "Tárgy", "Subiect", "Тема", "Θέμα", "Konu", "Chủ đề", "Tiêu đề", "Subjek", "Perihal",
    "Paksa", "主题", "主題", "主旨", "标题", "件名", "제목", "الموضوع", "موضوع", "נושא", "विषय", "বিষয়", "เรื่อง",
    "Temats",
)  # fmt: skip
ATTRIBUTION_END = re.compile(rf"(?:{'|'.join(WROTE)})\s*[:：]?\s*$", re.IGNORECASE)
VERB = re.compile(rf"(?:^|[\s,>])(?:{'|'.join(WROTE)})(?=[\s:：,]|$)", re.IGNORECASE)
#: A date or time of day in some form, or an address: what tells an attribution from a sentence.
DATE = re.compile(r"\d{4}|\d{1,2}[:./\-年]\d{1,2}")
ADDRESS = re.compile(r"[<(\[][^<>()\[\]\s]{1,200}@[^<>()\[\]\s]{1,200}[>)\]]")
#: `Sam Citizen wrote:` without a date; with a pronoun it is somebody's sentence.
NAME_WROTE = re.compile(
    rf"^[\"'\w][\w.'’\"() -]{{1,60}}\s(?:{'|'.join(WROTE)})\s*[:：]$", re.IGNORECASE
)
PRONOUN = re.compile(
    r"\b(I|you|we|he|she|they|it|as|what|who|which|someone|ich|du|sie|wir|er|es|je|tu|vous|nous|il|elle|as|wie|comme)\b",
    re.IGNORECASE,
)
#: How an attribution begins that goes on in the next line.
OPENING = re.compile(
    r"^(On|Am|Le|El|Il|Em|Op|Den|Dne|Dňa|Dnia|W dniu|Pe|På|Vào|Στις|Στις|Tarihinde|Pada|Sa|At|Il giorno|في|\d)\b"
)
#: Gmail until about 2010: `2009/8/3 Sam Citizen <sam@example.com>`.
OLD_GMAIL = re.compile(r"^\d{4}/\d{1,2}/\d{1,2}\s.{1,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>:?$")
HEADER_LINE = re.compile(r"^\s*\*?[^\W\d_][^:：\n]{0,30}\*?\s*[:：]\*?\s*\S")
FROM_LINE = re.compile(rf"^\s*\*?(?:{'|'.join(FROM)})\s*[:：]\*?\s*\S", re.IGNORECASE)
SUBJECT_LINE = re.compile(rf"^\s*\*?(?:{'|'.join(SUBJECT)})\s*[:：]", re.IGNORECASE)
RULE = re.compile(r"[_*=\-\u2500]{10,}")
MARKED = re.compile(r"^\s{0,3}[>\uff1e]")
#: A line that a client puts above an unmarked mail: `-----Original Message-----`, `Begin forwarded message:`.
DASHED_LENGTH = 100
FORWARDS = re.compile(
    r"^(begin forwarded message|anfang der weitergeleiteten|début du message|inicio del mensaje)",
    re.IGNORECASE,
)
HEADER_LINES = 12
#: An attribution wraps over at most this many lines, and is at most this long.
ATTRIBUTION_LINES = 3
ATTRIBUTION_LENGTH = 500
#: Further down nobody writes a first word any more.
TAIL_LINES = 10_000
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
        elif index < TAIL_LINES and _opens_tail(lines, index):
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
    if last < floor or len(lines[last]) > ATTRIBUTION_LENGTH:
        return start
    joined, found = "", start
    for first in range(last, max(floor, last - ATTRIBUTION_LINES + 1) - 1, -1):
        line = lines[first].strip()
        joined = f"{line} {joined}".strip()
        if not line or len(joined) > ATTRIBUTION_LENGTH:
            break
        if found < start and not (
            OPENING.match(line) and DATE.search(line) and line[-1] not in ".!?"
        ):
            break
        if _is_attribution(joined):
            found = first
            if DATE.search(joined):
                break
    last_line = lines[last].strip()
    if found == start and NAME_WROTE.match(last_line[:120]) and not PRONOUN.search(last_line[:120]):
        return last
    return found


def _is_attribution(line: str) -> bool:
    """Whether a line, perhaps joined from several, says who wrote when."""
    if OLD_GMAIL.match(line):
        return True
    is_closed = line[-1] in ":：" or ATTRIBUTION_END.search(line[-60:])
    has_address = ADDRESS.search(line)
    if not is_closed or not (DATE.search(line) or has_address):
        return False
    return bool(has_address or VERB.search(line) or ATTRIBUTION_END.search(line[-60:]))


def _opens_tail(lines: list[str], index: int) -> bool:
    """Whether from this line on everything is a repeated mail without marks."""
    line = lines[index].strip()
    if not line or len(line) > ATTRIBUTION_LENGTH:
        return False
    if _is_rule(line):
        following = _next_line(lines, index + 1)
        return following is not None and (
            _is_mail_header(lines, following, least=2) or _attribution_lines(lines, following) > 0
        )
    if FROM_LINE.match(line[:200]) and _is_mail_header(lines, index, least=3):
        return True
    return _attribution_lines(lines, index) > 0


def _is_rule(line: str) -> bool:
    """A line that parts: a rule, words between dashes, the words of a client that forwards."""
    if RULE.fullmatch(line) or FORWARDS.match(line):
        return True
    return (
        len(line) <= DASHED_LENGTH
        and line.startswith("--")
        and line.endswith("--")
        and len(line.strip("- ")) > 2
    )


def _next_line(lines: list[str], start: int) -> int | None:
    """The next line that is not blank, within the next three."""
    return next((at for at in range(start, min(start + 3, len(lines))) if lines[at].strip()), None)


def _is_mail_header(lines: list[str], start: int, *, least: int) -> bool:
    """Whether the header of a mail stands here: so many fields, among them a sender and a subject. A receipt has "From"
    and "To" of its own, and no subject.

    Fields may wrap, and a blank line may stand between two of them.
    """
    fields: list[str] = []
    index = start
    while index < len(lines) and index - start < HEADER_LINES * 2 and len(fields) < HEADER_LINES:
        line = lines[index][:200]
        if HEADER_LINE.match(line) or SUBJECT_LINE.match(line):
            fields.append(line)
        elif not line.strip():
            following = index + 1
            if following >= len(lines) or not HEADER_LINE.match(lines[following][:200]):
                break
        elif not fields or SUBJECT_LINE.match(fields[-1]):
            break
        index += 1
    return (
        len(fields) >= least
        and any(FROM_LINE.match(line) for line in fields)
        and any(SUBJECT_LINE.match(line) for line in fields)
    )


def _attribution_lines(lines: list[str], index: int) -> int:
    """Over how many lines an attribution goes that begins here and has unmarked text below it; 0 where none begins."""
    joined = ""
    for count in range(1, ATTRIBUTION_LINES + 1):
        if index + count > len(lines):
            break
        line = lines[index + count - 1].strip()
        joined = f"{joined} {line}".strip()
        if not line or len(joined) > ATTRIBUTION_LENGTH:
            break
        if count == 1 and not (OPENING.match(line) and DATE.search(line)) and line[-1] not in ":：":
            return 0
        if _is_attribution(joined) and DATE.search(joined) and line[-1] in ":：":
            following = lines[index + count : index + count + 3]
            has_text = any(each.strip() for each in following)
            return count if has_text and not any(MARKED.match(each) for each in following) else 0
        if line[-1] in ".!?":
            break
    return 0


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
    return line.strip() in ("--", "-- ") or bool(RULE.fullmatch(line.strip()))
