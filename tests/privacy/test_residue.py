"""What is looked for in everything that is left: all of it at once finds what one after the other would."""

from __future__ import annotations

import random

from tests.privacy import residue


def test_all_at_once_finds_what_one_after_the_other_would(programs: None) -> None:
    """Words that overlap, that stand in each other, of several lines, of every script."""
    chance = random.Random(3)
    letters = "aab\n\\ü車 "
    for _ in range(20):
        text = "".join(chance.choices(letters, k=400))
        words = {"".join(chance.choices(letters, k=chance.randint(1, 6))) for _ in range(60)}
        words |= {text[at : at + chance.randint(1, 9)] for at in range(0, 400, 29)}
        sought = {word: word for word in words if word.strip("\n")}
        assert residue._standing_forms(text, sought).keys() == {
            word for word in sought if word in text
        }
