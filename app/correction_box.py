"""What is shown in place of what was written, or what the person says against it (APP 13)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from app import act_privacy, guard, markup
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html
from warehouse.decisions import LONGEST_REASON
from warehouse.decisions.corrections import FIELDS, LONGEST_TEXT

REFUSED = "correction_refused"
ON_CARD = "It stands on their card. A message is corrected on its own page, a name by renaming."
WORDS = {"body": "The text", "subject": "The subject"}


def of_message(row: Row) -> None:
    """Under a message on its page."""
    if not guard.viewer().may(Permission.HANDLE_PRIVACY):
        return
    if refused := st.session_state.pop(REFUSED, None):
        markup.show(list_html.banner(refused))
    message_id = row["message_id"]
    fields = FIELDS["message"] if row["subject"] else FIELDS["message"][:1]
    for each in row["corrections"] or []:
        decision_id = each["decision_id"]
        label = list_html.link_label(WORDS[each["field"]], "Take the correction back:")
        if st.button(label, key=f"back_{each['correction_id']}", icon=":material/undo:"):
            _attempt(partial(act_privacy.take_back, decision_id=decision_id))
    with st.expander("Correct it (APP 13)", icon=":material/edit_note:", key="correct"):
        _form(message_id, fields)


def _form(message_id: str, fields: tuple[str, ...]) -> None:
    with st.form("correction", border=False, clear_on_submit=True):
        field = st.radio("What is wrong", fields, format_func=WORDS.__getitem__, horizontal=True)
        value = st.text_area("What is right", max_chars=LONGEST_TEXT, height=90)
        statement = st.text_area(
            "Or what they say against it, in their words", max_chars=LONGEST_TEXT, height=90
        )
        reason = st.text_input("Why", max_chars=LONGEST_REASON)
        if st.form_submit_button("Show it so", help="The original stays and is shown beside it"):
            _attempt(lambda person: act_privacy.correct(
                person, message_id, field=field or "", value=value, statement=statement, reason=reason
            ))  # fmt: skip


def _attempt(change: Callable[[Viewer], object]) -> None:
    st.session_state[REFUSED] = guard.attempt(change)
    st.rerun(scope="fragment")


def of_customer(customer_id: str, attempt: Callable[[Callable[[Viewer], object]], None]) -> None:
    """In the panel of a request to correct: what the person says against their name."""
    with st.expander("What they say against it", key=f"say_{customer_id}"):
        markup.show(list_html.said(ON_CARD))
        with st.form(f"statement_{customer_id}", border=False, clear_on_submit=True):
            statement = st.text_area("In their words", max_chars=LONGEST_TEXT, height=90)
            reason = st.text_input("Why", max_chars=LONGEST_REASON)
            if st.form_submit_button("Put it on their card"):
                attempt(lambda person: act_privacy.correct(
                    person, customer_id, field="name", value="", statement=statement, reason=reason
                ))  # fmt: skip
