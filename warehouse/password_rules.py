"""Which passwords are taken: long enough, and none that is guessed first. Nothing is asked about kinds of characters.

What is guessed first is told by rules and not by a list: of twelve characters or more the lists of guessers hold little
but common words with figures or signs round them, written with figures for letters, said twice, and rows of keys. The
words are our own choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST, LONGEST = 12, 128
#: Fewer different characters are a pattern.
LEAST_DIFFERENT = 5
#: Words that stand at the head of every list, and those that name us or what we do.
COMMON = re.findall(
    r"\w+",
    """
    password passwort passphrase letmein welcome qwerty qwertz azerty iloveyou loveyou admin administrator
    root login signin access master secret changeme change default guest user test testing temporary temp
    demo example sample hello sunshine princess dragon monkey football baseball superman batman shadow
    michael jordan charlie ashley summer winter spring autumn january february march april june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday australia
    sydney melbourne brisbane company office internet computer server database manager security support
    service customer customers correspondence message messages timeline crm staff team work my new the your
    """,
)
#: Rows of keys and of signs, read in both directions.
ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "1234567890", "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp",
)  # fmt: skip
#: Figures and signs that are written for letters.
FOR_LETTERS = str.maketrans("013457@$!|", "oieastasil")
#: What stands before words, behind and between them.
BETWEEN = re.compile(r"[\W\d_]+")
ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_WORD = "|".join(sorted(COMMON, key=len, reverse=True))
FEW_COMMON_WORDS = re.compile(f"(?:{_WORD}){{1,3}}")
#: Beyond so many signs a row of figures is no date and no number of a phone.
SIGNS_OF_A_NUMBER = 4


def refusal(password: str, about: Iterable[str] = ()) -> str | None:
    """Why a password is not taken, as a sentence; None where it is.

    Args:
        about: what everybody knows of this person: the name, the address.
    """
    if len(password) < SHORTEST:
        return f"the password is too short: give at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"the password is too long: give at most {LONGEST} characters"
    if is_guessed_first(password, about):
        return "the password is one that is guessed first: take words that have nothing to do with each other"
    return None


def is_guessed_first(password: str, about: Iterable[str] = ()) -> bool:
    """Whether it is common words, a row of keys, a pattern, a number, or the person's own name, with whatever round."""
    folded = password.casefold()
    if len(set(folded)) < LEAST_DIFFERENT or _is_repeated(folded) or _is_row(folded):
        return True
    figures = sum(each.isdigit() for each in folded)
    if (
        figures
        and len(folded) - figures <= SIGNS_OF_A_NUMBER
        and not re.search(r"[^\W\d_]", folded)
    ):
        return True
    known = {part for each in about for part in BETWEEN.split(each.casefold()) if len(part) > 2}
    for written in (folded, ENDS.sub("", folded).translate(FOR_LETTERS)):
        letters = rest = BETWEEN.sub("", written)
        for each in sorted(known, key=len, reverse=True):
            rest = rest.replace(each, "")
        is_own = rest != letters and len(rest) < 3
        if is_own or FEW_COMMON_WORDS.fullmatch(letters) or FEW_COMMON_WORDS.fullmatch(rest):
            return True
    return False


def _is_repeated(text: str) -> bool:
    """A short piece again and again."""
    return any(
        text == (text[:size] * len(text))[: len(text)] for size in range(1, min(8, len(text) // 2) + 1)
    )  # fmt: skip


def _is_row(text: str) -> bool:
    """Nothing but pieces of rows of keys, each of four or more."""
    rows = [way for row in ROWS for way in (row * 2, (row * 2)[::-1])]
    place = 0
    while place < len(text):
        sizes = range(len(text) - place, 3, -1)
        size = next((n for n in sizes if any(text[place : place + n] in row for row in rows)), 0)
        if not size:
            return False
        place += size
    return True
