"""What others wrote, made fit to stand in our HTML: escaped, without characters that act on a screen.

Nothing from a message reaches a page by any other way.
"""

from __future__ import annotations

import html
import re

#: C0 and C1 controls except tab and newline, as an ANSI sequence begins with.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: Characters that turn or isolate the direction of what follows; in a file name they forge an ending.
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
#: Letters that are drawn as blanks, or as nothing: a row of them pushes the ending of a file name out of sight.
BLANKS = re.compile("[\u2800\u3164\uffa0\u115f\u1160\u180e\u2060-\u2064\ufeff]+")


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    # Unicode has a picture for each of the old controls: ESC becomes ␛.
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def line(text: object) -> str:
    """A name, an address, a subject or a file name: one line, escaped, for text and attributes."""
    seen = BLANKS.sub(" ", str(text if text is not None else ""))
    flat = re.sub(r"\s+", " ", seen).strip()
    return html.escape(CONTROLS.sub(_shown, TURNS.sub("\ufffd", flat)), quote=True)


def exact(text: str) -> str:
    """A key that comes back from the page as it is: escaped for an attribute that nobody is shown."""
    return html.escape(text, quote=True)


def body(text: str) -> str:
    """A body: escaped, its lines kept. Directions are kept too: they end with the block."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return html.escape(CONTROLS.sub(_shown, unix), quote=True)


def initials(name: str) -> str:
    """At most two letters that stand for a name, escaped."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word[:1].isalpha()]
    return html.escape("".join(word[0] for word in (words[:1] + words[1:][-1:])).upper())
