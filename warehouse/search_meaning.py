"""What a query means: its words as the index of messages holds them, its phrases, bounds, and whom its operators mean.

    parse (search_query) ──> mean ──> words of one `tsquery`, phrases, bounds ──> search.find

What an operator asks for is a word of the index, too (`channel:gmail`, `from:email:…`, dbt_project/macros/search.sql).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg

from warehouse.customer_search import identity_patterns, name_patterns, patterns
from warehouse.filters import BEHIND_ALL, FIRST, sortable
from warehouse.queries import queries
from warehouse.search_query import Condition, Query, Term

SQL = queries("search_meaning")
#: People or threads that an operator can mean at once.
MOST_MEANT = 1_000
#: Messages with a tag that are looked through; of more the newest are. Matches are counted to half of it.
MOST_NAMED = 20_000
#: A word of the index is shorter, and so is all that a query may hold: PostgreSQL takes no longer ones.
LONGEST_WORD, LONGEST_WORDS = 2_046, 900_000
Row = dict[str, Any]

ANY_MESSAGE = "('direction:inbound' | 'direction:outbound')"
NO_MESSAGE = "'nobody:'"


@dataclass(frozen=True, kw_only=True)
class Meant:
    """A query in the words of the index. `phrases` stand in the text as they are, `without` do not.

    What bears a tag itself no word tells: `named` are messages that are meant too, where all else holds of them
    (`words_of_named`), and `not_named` are those that are not.
    """

    words: str
    words_of_named: str = NO_MESSAGE
    named: tuple[str, ...] = ()
    not_named: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    since: str = FIRST
    before: str = BEHIND_ALL
    notes: tuple[str, ...] = ()
    #: Nothing was asked for that could be looked for.
    is_empty: bool = False


def mean(db: psycopg.Cursor[Row], query: Query, customer_id: str | None = None) -> Meant:
    """The words, phrases and bounds of a query, with whom and what its operators mean now."""
    asked = mean_text(db, query.terms)
    wanted = list(asked.words)
    # What bears the tag, in words; which messages do, and must not.
    tagged: list[str] = []
    named: list[str] = []
    not_named: list[str] = []
    notes = list(query.notes)
    room = _Room(notes)
    by_operator = sorted(query.conditions, key=lambda each: (each.excluded, each.operator))
    for (excluded, operator), same in groupby(
        by_operator, lambda each: (each.excluded, each.operator)
    ):
        # Several of one operator: any of them.
        conditions = list(same)
        marks = room.for_(mark for each in conditions for mark in _of_condition(db, each, notes))
        if excluded:
            wanted += [f"!{mark}" for mark in marks]
        elif operator == "tag":
            tagged.append(_either(marks))
        else:
            wanted.append(_either(marks))
        if operator == "tag":
            ids = [each for it in conditions for each in _messages_tagged(db, it, notes)]
            (not_named if excluded else named).extend(ids)
    if customer_id is not None:
        wanted.append(_either(room.for_(_of_customers(db, [customer_id], notes))))
    is_empty = not (asked.words or asked.without or query.conditions or query.since or query.before)
    return Meant(
        words=_every([*wanted, *tagged]),
        words_of_named=_every(wanted) if named else NO_MESSAGE,
        named=tuple(named),
        not_named=tuple(not_named),
        phrases=tuple(asked.phrases),
        without=tuple(asked.without),
        since=sortable(query.since) if query.since else FIRST,
        before=sortable(query.before) if query.before else BEHIND_ALL,
        notes=tuple(dict.fromkeys(notes)),
        is_empty=is_empty,
    )


class _Room:
    """How much of what operators mean one query can still hold."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self.left = LONGEST_WORDS

    def for_(self, marks: Iterable[str]) -> list[str]:
        kept = []
        for mark in marks:
            self.left -= len(mark.encode())
            if self.left < 0:
                self.notes.append(
                    "This means more people or conversations than one search can hold: not all are looked through,"
                    " so say more of them."
                )
                break
            kept.append(mark)
        return kept


def _every(words: list[str]) -> str:
    """All of these, of which one at least must say what there is and not what is not."""
    says = any(not each.startswith("!") for each in words)
    return " & ".join(words if says else [*words, ANY_MESSAGE])


@dataclass(frozen=True, kw_only=True)
class Text:
    """What of a query is looked for in a text: words of the index, each perhaps with `!` before it, and phrases."""

    words: list[str]
    phrases: list[str]
    without: list[str]


def mean_text(db: psycopg.Cursor[Row], terms: Sequence[Term]) -> Text:
    """The words and phrases of a query, as the index holds those of a text."""
    text = Text(words=[], phrases=[], without=[])
    for term, pieces in _pieces(db, terms):
        words, phrase = _of_term(term, pieces)
        if term.excluded and phrase:
            text.without.append(phrase)
            text.words.extend([f"!{_word(term.phone)}:*"] if term.phone else [])
        elif term.excluded:
            text.words.append(f"!{words}")
        else:
            text.words.append(words)
            text.phrases.extend([phrase] if phrase and not term.phone else [])
    return text


def _pieces(db: psycopg.Cursor[Row], terms: Sequence[Term]) -> Iterable[tuple[Term, list[Row]]]:
    """Each term with its words; one that has none asks for nothing."""
    if not terms:
        return
    rows = db.execute(SQL["words_of"], {"texts": [term.text for term in terms]}).fetchall()
    for position, pieces in groupby(rows, lambda row: row["position"]):
        yield terms[position - 1], list(pieces)


def _of_term(term: Term, pieces: list[Row]) -> tuple[str, str]:
    """The words of a term, and the phrase that must stand in the text, too, where the words alone say less."""
    words: list[str] = []
    for index, piece in enumerate(pieces):
        is_last = index == len(pieces) - 1
        if not piece["is_unspaced"]:
            words.append(_word(piece["words"][0]) + (":*" if term.is_prefix and is_last else ""))
        elif len(piece["words"]) == 1:
            # One sign: what stands behind it is unknown, and the last of a run stands alone.
            words.append(_word(piece["words"][0]) + ":*")
        else:
            # Pairs of neighbours; the last sign of what was typed need not be the last of a run.
            words += [_word(pair) for pair in piece["words"][:-1]]
    first, last = pieces[0], pieces[-1]
    says_less = len(pieces) > 1 or any(
        len(each["words"]) > 2 or (not each["is_unspaced"] and each["piece"] != each["words"][0])
        for each in pieces if each["is_unspaced"] or len(each["piece"]) > 500
    )  # fmt: skip
    phrase = ""
    if says_less:
        left = "" if first["is_unspaced"] else " "
        right = "" if last["is_unspaced"] or term.is_prefix else " "
        phrase = left + " ".join(each["piece"] for each in pieces) + right
    said = _all(words)
    if term.phone:
        # The number however it is spelled, or the digits as they were typed.
        said = _either([f"{_word(term.phone)}:*", said])
    return said, phrase


def _of_condition(db: psycopg.Cursor[Row], condition: Condition, notes: list[str]) -> list[str]:
    """What an operator's value means, as words of which a message must have one."""
    operator, value = condition.operator, condition.value
    if operator in ("channel", "direction", "has"):
        return [_word(f"{operator}:{value}")]
    if operator in ("tag", "assigned"):
        query = SQL["threads_tagged"] if operator == "tag" else SQL["threads_assigned"]
        rows = db.execute(query, {"value": value, "most": MOST_MEANT}).fetchall()
        if not rows and operator == "assigned":
            notes.append(f"assigned:{value} stands on no conversation.")
        return [_word(f"thread:{row['thread']}") for row in _few(rows, condition, notes)]
    if operator == "in":
        customers = _few(customers_meant(db, value), condition, notes)
        if not customers:
            notes.append(f"No customer is called {value}.")
        return _of_customers(db, customers, notes)
    named = name_patterns(_folded(db, value))
    if value.startswith("@") and len(value) > 1:
        return [_word(f"{operator}:{value.lower()}")]
    wanted = patterns(value)
    rows = db.execute(
        SQL["identities_meant"],
        {
            **named,
            **identity_patterns(wanted),
            "most": MOST_MEANT,
        },
    ).fetchall()
    if not rows:
        notes.append(f"{operator}:{value} is nobody who wrote or was written to.")
    return [
        _word(f"{operator}:{ours}{row['identity']}")
        for row in _few(rows, condition, notes)
        for ours in ("", "ours:")
    ]


def _messages_tagged(db: psycopg.Cursor[Row], condition: Condition, notes: list[str]) -> list[str]:
    """Messages that bear a tag themselves."""
    values = {"value": condition.value, "most": MOST_NAMED}
    rows = db.execute(SQL["messages_tagged"], values).fetchall()
    if not rows and not db.execute(SQL["threads_tagged"], values | {"most": 0}).fetchall():
        notes.append(f"tag:{condition.value} stands on no conversation and on no message.")
    return [row["message_id"] for row in _few(rows, condition, notes, MOST_NAMED)]


def customers_meant(db: psycopg.Cursor[Row], name: str) -> list[str]:
    """The customers who are called so, up to MOST_MEANT and one more."""
    named = name_patterns(_folded(db, name))
    rows = db.execute(SQL["customers_meant"], {**named, "most": MOST_MEANT}).fetchall()
    return [row["customer_id"] for row in rows]


def _of_customers(db: psycopg.Cursor[Row], customer_ids: list[str], notes: list[str]) -> list[str]:
    rows = db.execute(
        SQL["identities_of_customers"], {"customer_ids": customer_ids, "most": MOST_MEANT}
    ).fetchall()
    if len(rows) > MOST_MEANT:
        notes.append(
            f"These customers have more than {MOST_MEANT:,} addresses: not all are looked through."
        )
    return [
        _word(f"{role}:{row['identity']}") for row in rows[:MOST_MEANT] for role in ("from", "to")
    ]


def _few(
    rows: list[Any], condition: Condition, notes: list[str], most: int = MOST_MEANT
) -> list[Any]:
    if len(rows) > most:
        notes.append(
            f"{condition.operator}:{condition.value} means more than {most:,}: not all are looked through,"
            " so say more of it."
        )
    return rows[:most]


def _folded(db: psycopg.Cursor[Row], text: str) -> list[str]:
    return [row["piece"] for row in db.execute(SQL["words_of"], {"texts": [text]}).fetchall()]


def _word(word: str) -> str:
    """A word as `tsquery` reads it, whatever it is made of; one longer than any that there is stands nowhere."""
    if len(word.encode()) > LONGEST_WORD:
        return NO_MESSAGE
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _all(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"({' & '.join(words)})"


def _either(words: Sequence[str]) -> str:
    if not words:
        return NO_MESSAGE
    return words[0] if len(words) == 1 else f"({' | '.join(words)})"


def parameters(meant: Meant) -> dict[str, Any]:
    """What every statement over the index needs."""
    return {
        "words": meant.words,
        "words_of_named": meant.words_of_named,
        "named": list(meant.named),
        "not_named": list(meant.not_named),
        "phrases": list(meant.phrases),
        "without": list(meant.without),
        "since": meant.since,
        "before": meant.before,
    }
