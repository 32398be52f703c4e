"""What the search box found: customers, notes of ours, then messages, newest first; each leads to where it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import address, finding, found_notes, guard, layout, markup, navigation
from app.database import Row
from app.views import list_html, search_html


def line(row: Row, answer: finding.Answer, typed: str, now: datetime, *, tells_apart: bool) -> None:
    with st.container(key=f"row_{row['message_id']}", gap=None):
        markup.show(
            search_html.result(row, answer.query, layout.zone(), now, tells_apart=tells_apart)
        )
        # Nobody's messages lead to all that is known of them.
        customer_id, message_id = row["customer_id"], row["message_id"]
        navigation.link(
            address.TIMELINE if customer_id else address.ABOUT_MESSAGE,
            label=list_html.link_label(row["customer_name"] or row["display_name"] or "message"),
            query_params=address.of_place(customer_id, message_id, typed)
            if customer_id
            else address.of_message(message_id),
        )


@guard.live()
def results(typed: str, answers: list[finding.Answer]) -> None:
    if st.session_state.pop("wants_more", False) and answers[-1].last:
        answers.append(finding.messages(guard.viewer(), typed, answers[-1].last))
    first = answers[0].found
    rows = [row for answer in answers for row in answer.found.rows]
    markup.show(search_html.tally(first.count, is_exact=first.is_exact, shown=len(rows)))
    now = datetime.now(UTC)
    with st.container(key="found", gap=None):
        namesakes = list_html.namesakes(rows, "customer_name")
        for row in rows:
            line(row, answers[0], typed, now, tells_apart=row["customer_id"] in namesakes)
    if answers[-1].last:
        st.button("More", icon=":material/expand_more:", key="more", on_click=want_more)


def want_more() -> None:
    st.session_state["wants_more"] = True


def customers(answer: finding.Answer, typed: str) -> None:
    """Who is called so, above what was written."""
    found = finding.customers(guard.viewer(), answer.query)
    if found is None or not found.rows:
        return
    now = datetime.now(UTC)
    with st.container(key="found_customers", gap=None):
        namesakes = list_html.namesakes(found.rows)
        for row in found.rows:
            with st.container(key=f"row_{row['customer_id']}", gap=None):
                apart = row["customer_id"] in namesakes
                markup.show(list_html.customer(row, layout.zone(), now, tells_apart=apart))
                navigation.link(
                    address.TIMELINE,
                    label=list_html.link_label(row["name"]),
                    query_params=address.of_customer(row["customer_id"]),
                )
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
