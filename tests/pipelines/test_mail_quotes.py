"""Quoted mail is folded in many languages and clients, and no line is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.quotes import fold
from tests.long_form import LONG

ATTRIBUTIONS = [
    "On Mon, 3 Aug 2026 at 10:00, Sam Citizen <sam@example.com> wrote:",
    "On Mon, 3 Aug 2026 at 10:00 Sam Citizen With A Long Name\n<sam@example.com>\nwrote:",
    "Am 03.08.26 um 10:00 schrieb Sam Citizen:",
    "Le lun. 3 août 2026 à 10:00, Sam Citizen <sam@example.com> a écrit :",
    "Vào 3 thg 8, 2026 vào lúc 10:00 Sam <sam@example.com> đã viết:",
    "Il giorno 3 08 2026 alle ore 10:00, Sam <sam@example.com> ha scritto:",
    "Στις 3/8/2026 10:00, ο χρήστης Sam <sam@example.com> έγραψε:",
    "في 3/8/2026 في 10:00، كتب Sam <sam@example.com>:",
    "Sam <sam@example.com> 于2026年8月3日 10:00写道：",
    "3/8/2026 को 10:00 बजे Sam <sam@example.com> ने लिखा:",
    "2026年8月3日 10:00 Sam <sam@example.com>:",
    "2026. 8. 3. 오전 10:00, Sam <sam@example.com>님이 작성:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_top_posted_answer(attribution: str) -> None:
    assert fold(f"Thank you!\n\nMai\n\n{attribution}\n\n> one\n> two\n\n> three\n") == (
        "Thank you!\n\nMai",
        f"{attribution}\n\n> one\n> two\n\n> three",
    )


@pytest.mark.parametrize("attribution", ATTRIBUTIONS[:1] + ATTRIBUTIONS[2:5])
def test_bottom_posted_answer(attribution: str) -> None:
    new, quoted = fold(f"{attribution}\n> one\n> two\n\nThank you!")
    assert (new, quoted) == ("Thank you!", f"{attribution}\n> one\n> two")


@pytest.mark.parametrize(
    "block",
    [
        "________________________________\nFrom: Sam <sam@example.com>\nSent: Monday, 3 August 2026 10:00 AM\n"
        "To: Sales\nSubject: Order\n\nold words",
        "-----Original Message-----\nFrom: Sam\nSent: Monday\nSubject: Order\n\nold words",
        "Von: Sam <sam@example.com>\nGesendet: Montag, 3. August 2026\nAn: Sales\nBetreff: Order\n\nold words",
        "*From:* Sam <sam@example.com>\n*Date:* Monday\n*To:* Sales\n*Subject:* Order\n\nold words",
        "发件人: Sam <sam@example.com>\n发送时间: 2026年8月3日\n收件人: Sales\n主题: Order\n\nold words",
        "From: Sam <sam@example.com>\nSent: Monday\nTo: Sales\nSubject: Order\n\nold words\n> older words",
        "On 3 August 2026 10:00, Sam <sam@example.com> wrote:\n\nold words without marks",
    ],
)
def test_a_quotation_without_marks(block: str) -> None:
    assert fold(f"Thanks\n\n{block}") == ("Thanks", block)


def test_inline_answers_keep_their_quotes() -> None:
    text = "Hi,\n\n> First question?\n\nYes.\n\n> Second question?\n\nNo."
    assert fold(text) == (text, None)


def test_a_rest_of_quotation_after_the_last_inline_answer_is_folded() -> None:
    assert fold("> First?\nYes.\n> Second?\n> Kind regards") == (
        "> First?\nYes.",
        "> Second?\n> Kind regards",
    )


def test_a_list_footer_after_the_quotation_is_no_answer() -> None:
    new, quoted = fold(
        "Yes\n\nOn 3/08/2026 Sam wrote:\n> Shall we?\n\n______________________\nlist mailing list"
    )
    assert (new, quoted) == (
        "Yes\n\n\n______________________\nlist mailing list",
        "On 3/08/2026 Sam wrote:\n> Shall we?",
    )


def test_a_mere_forward_is_not_folded_away() -> None:
    text = (
        "---------- Forwarded message ---------\nFrom: Sam\nDate: Monday\nSubject: Order\n\nwords"
    )
    assert fold(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    [
        "From: the bottom of my heart, thank you",
        "I wrote: nothing",
        "Prices in 2026:\n- bike\n- helmet",
        "Dear team\n-----\nfrom here: on\nall fine",
    ],
)
def test_ordinary_sentences_are_no_quotation(text: str) -> None:
    assert fold(text) == (text, None)


LINES = st.one_of(
    st.sampled_from(
        [
            "",
            "> a",
            ">> b",
            "> ",
            "On 3/8/2026 Sam wrote:",
            "wrote:",
            "From: Sam",
            "To: x",
            "Subject: y",
            "-- ",
            "hello",
            "-----Original Message-----",
            "__________",
            "Von: a",
            "Sent: b",
            "--- x ---",
        ]
    ),
    st.text(max_size=20).map(lambda text: text.replace("\n", " ")),
)


@settings(max_examples=500 if LONG else 120, deadline=None)
@given(st.lists(LINES, max_size=30))
def test_every_line_stands_in_exactly_one_of_the_two(lines: list[str]) -> None:
    new, quoted = fold("\n".join(lines))
    kept = [*new.split("\n"), *(quoted or "").split("\n")]
    assert sorted(line for line in kept if line.strip()) == sorted(
        line for line in lines if line.strip()
    )
