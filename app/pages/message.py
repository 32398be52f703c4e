"""One message and all that is known about it: what it said before, where it came from, the exact bytes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import address, correction_box, examine, guard, layout, markup, navigation
from app.access.roles import Permission
from app.examine import Examined
from app.live import bell, changes, topics
from app.views import identity_html, list_html, message_html, origin_html
from app.views.sight import Sight


@guard.live()
def about(message_id: str, shown: dict[str, Any]) -> None:
    person, mark = guard.viewer(), changes.mark()
    found = examine.message(person, message_id, shown=shown.get("message")) if message_id else None
    shown["message"] = found
    if found is None:
        markup.show(
            list_html.empty(
                "There is no such message" if message_id else "No message chosen",
                "Open one from a timeline, by its time.",
                "chat_error",
            )
        )
        return
    # Whose it is was just read: a reply, a receipt or an edit of theirs runs this again.
    whose = [topics.timeline(each["customer_id"]) for each in found.customers]
    bell.hang("about", whose[0] if whose else topics.QUEUE, person, mark)
    sight = layout.sight(found.playable_connections)
    namesakes = list_html.namesakes(found.customers)
    for customer in found.customers:
        known = identity_html.words(customer["identity"])
        which = (
            f"{customer['name']} {known}"
            if customer["customer_id"] in namesakes
            else customer["name"]
        )
        navigation.link(
            address.TIMELINE,
            label=list_html.link_label(which, "Timeline of"),
            icon=":material/forum:",
            query_params=address.of_customer(customer["customer_id"]),
        )
    markup.show(message_html.page([found.message], sight))
    correction_box.of_message(found.message)
    if found.message["revision"] and person.may(Permission.READ_REVISIONS):
        revisions(found, message_id, sight, shown)
    sources(found, message_id, sight, shown)


def revisions(found: Examined, message_id: str, sight: Sight, shown: dict[str, Any]) -> None:
    markup.show("<h3>Earlier versions</h3>")
    if address.wants_versions():
        earlier = examine.message_revisions(guard.viewer(), message_id, shown=shown.get("earlier"))
        shown["earlier"] = earlier
        html = origin_html.versions(found.message, earlier.versions, earlier.attachments, sight)
        markup.show(html)
    else:
        navigation.link(
            address.ABOUT_MESSAGE,
            label="Show what it said before",
            icon=":material/history:",
            query_params=address.of_versions(message_id),
        )


def sources(found: Examined, message_id: str, sight: Sight, shown: dict[str, Any]) -> None:
    markup.show("<h3>Where this came from</h3>")
    opens = guard.viewer().may(Permission.READ_RAW)
    for number, source in enumerate(found.sources):
        with st.container(key=f"row_source_{number}", gap=None):
            markup.show(origin_html.source(source, sight, opens=opens))
            if opens:
                navigation.link(
                    address.ABOUT_MESSAGE,
                    label=f"Exact bytes of source {number + 1}",
                    query_params=address.of_raw(source["raw_ref"], message_id),
                )
    if address.raw() and opens:
        markup.show("<h3>Exact bytes</h3>")
        row = examine.raw_row(guard.viewer(), address.raw(), message_id, shown=shown.get("raw"))
        shown["raw"] = row
        markup.show(origin_html.raw(row, sight) if row else origin_html.no_such_row())


with st.container(key="about_message", gap="small"):
    # Lives as long as the page is on the screen; a full run is a new sight.
    about(address.message(), {})
