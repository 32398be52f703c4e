"""What the search box found: customers, notes of ours, then messages, newest first; each leads to where it stands."""

from __future__ import annotations

import streamlit as st

from app import address, finding, found_notes, guard, lines, markup, navigation
from app.views import list_html, search_html


@guard.live()
def results(typed: str, answers: list[finding.Answer]) -> None:
    if st.session_state.pop("wants_more", False) and answers[-1].last:
        answers.append(finding.messages(guard.viewer(), typed, answers[-1].last))
    first = answers[0].found
    rows = [row for answer in answers for row in answer.found.rows]
    markup.show(search_html.tally(first.count, is_exact=first.is_exact, shown=len(rows)))
    with st.container(key="found", gap=None):
        lines.messages(rows, answers[0].query, typed)
    if answers[-1].last:
        st.button("More", icon=":material/expand_more:", key="more", on_click=want_more)


def want_more() -> None:
    st.session_state["wants_more"] = True


def customers(answer: finding.Answer, typed: str) -> None:
    """Who is called so, above what was written."""
    found = finding.customers(guard.viewer(), answer.query)
    if found is None or not found.rows:
        return
    with st.container(key="found_customers", gap=None):
        lines.customers(found.rows)
    if finding.has_more(found):
        navigation.link(
            address.CUSTOMERS, label="All of these customers", query_params=address.of_search(typed)
        )


typed = address.search()
answer = finding.messages(guard.viewer(), typed)
if answer.found.meant.notes:
    markup.show(search_html.unmeant(answer.found.meant.notes))
if answer.found.meant.is_empty:
    markup.show(search_html.operators())
    st.stop()
customers(answer, typed)
if answer.notes.rows:
    # As with further pages of messages.
    found_notes.notes(typed, answer, [answer.notes])
if answer.found.rows:
    # Further pages stay as long as this one is on the screen.
    results(typed, [answer])
else:
    advice = "Try fewer words, a beginning with * behind it, or look at how it is spelled."
    markup.show(list_html.empty("No message holds this", advice, "search_off"))
