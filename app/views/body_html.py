"""The text of a message as HTML: folded where it is long, its quoted part folded always."""

from __future__ import annotations

import re

from app.views import escape, mail_html
from app.views.mail_html import Pictures

#: A body is folded when it is longer than this, and folded here.
FOLD_CHARACTERS = 1_400
FOLD_LINES = 18
#: No browser page carries more of one body; what is left out is said.
MOST_CHARACTERS = 200_000
#: How much of a folded text its summary shows.
FIRST_WORDS = 90


def folded(text: str, pictures: Pictures = lambda _: "") -> str:
    """A body; a very long one shows its beginning and folds the rest."""
    kept = _without_gaps(text[:MOST_CHARACTERS])
    cut = _fold_at(kept)
    block = _block(kept[:cut], pictures)
    if cut == len(kept):
        return block
    return (
        f'{block}<details class="rest"><summary><span class="more">Show all ({len(text):,} characters)</span>'
        '<span class="less">Show less</span></summary>'
        f"{_block(kept[cut:].lstrip(chr(10)), pictures)}{_left_out(text)}</details>"
    )


def behind(text: str, summary: str, pictures: Pictures = lambda _: "") -> str:
    """A body that is folded whole, because few want to read it; the summary shows its first words."""
    kept = _without_gaps(text[:MOST_CHARACTERS])
    words = first_words(kept)
    return (
        f'<details class="behind"><summary>{escape.line(summary)}'
        f"{f' <bdi>{words}</bdi>' if words else ''}</summary>{_block(kept, pictures)}{_left_out(text)}</details>"
    )


def quote(quoted: str | None) -> str:
    """The quoted text of a mail, folded; nothing where there is none."""
    if not quoted or not quoted.strip():
        return ""
    kept = quoted[:MOST_CHARACTERS].strip("\n")
    return (
        '<details class="quote"><summary title="Show the quoted text">Quoted text</summary>'
        f'<blockquote class="body" dir="auto">{mail_html.text(kept)}</blockquote>{_left_out(quoted)}</details>'
    )


def first_words(text: str) -> str:
    """The beginning of a text in one line, escaped, ending at a word where it is cut."""
    flat = " ".join(mail_html.PLACE.sub("", text[: FIRST_WORDS * 20]).split())
    if len(flat) <= FIRST_WORDS:
        return escape.line(flat)
    at = flat.rfind(" ", FIRST_WORDS // 2, FIRST_WORDS)
    return escape.line(flat[: at if at > 0 else FIRST_WORDS]) + "…"


def _block(text: str, pictures: Pictures) -> str:
    return f'<div class="body" dir="auto">{mail_html.text(text, pictures)}</div>'


def _without_gaps(text: str) -> str:
    """Blank lines do not count: at most two follow each other."""
    return re.sub(r"\n(?:[^\S\n]*\n){3,}", "\n\n\n", text.strip("\n"))


def _left_out(text: str) -> str:
    left_out = len(text) - MOST_CHARACTERS
    if left_out <= 0:
        return ""
    return f'<p class="note">{left_out:,} more characters are kept and not shown here.</p>'


def _fold_at(text: str) -> int:
    """Where the fold comes: after a line or a word, and only when it hides more than a little."""
    ends = [match.end() for match in re.finditer(r"\S[^\S\n]*\n", text[: FOLD_CHARACTERS * 2])]
    limit = ends[FOLD_LINES - 1] if len(ends) >= FOLD_LINES else len(text)
    limit = min(limit, FOLD_CHARACTERS)
    if len(text) <= limit * 1.3 and len(ends) < FOLD_LINES * 1.3:
        return len(text)
    for end in ("\n", " "):
        found = text.rfind(end, limit // 2, limit)
        if found >= 0:
            return found + 1
    return limit
