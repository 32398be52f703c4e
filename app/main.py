"""The script that Streamlit runs for every page: session, layout, page.

It calls `st.navigation` in every run, signed in or not: otherwise Streamlit would fall back to
listing the folder `pages` by itself.
"""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from app import (
    address,
    database,
    entrance,
    guard,
    layout,
    markup,
    navigation,
    saved_box,
    search_box,
)
from app.access.roles import Forbidden
from app.live import bell
from app.views import components

st.set_page_config(page_title="Correspondence", page_icon=layout.ICON, layout="wide")
markup.show(layout.STYLE)
markup.show(components.channel_colours())

pages = navigation.pages()
try:
    person = guard.viewer_now(touch=True)
except database.AWAY:
    st.navigation([page for page, _ in pages], position="hidden")
    guard.calm()
    st.stop()

# Before the sign-in every page is known, so that its address leads back to it.
open_pages = [page for page, needed in pages if person is None or person.may(needed)]
page = st.navigation(open_pages, position="top" if person else "hidden")
try:
    bell.load()
    if person is None:
        st.session_state.pop("viewer", None)
        # A filter may ask for several values of one kind.
        asked = ((name, st.query_params.get_all(name)) for name in st.query_params)
        query = urlencode(dict(asked), doseq=True)
        entrance.draw(f"/{page.url_path}" + (f"?{query}" if query else ""))
    else:
        st.session_state["viewer"] = person
        address.follow(page.url_path)
        layout.account(person, [f"/{each.url_path}" for each, _ in pages])
        search_box.draw(page.url_path)
        saved_box.draw(page.url_path)
        layout.notice()
        if page.url_path != "timeline":
            # Another visit reads anew.
            st.session_state.pop("shown", None)
        if page.url_path != "saved":
            st.session_state.pop("view_removed", None)
        page.run()
except database.TOO_SLOW:
    guard.too_slow()
except Forbidden as refusal:
    guard.forbidden(refusal)
except database.AWAY:
    # The next run begins with the session and ends in calm, without half a page above it.
    st.rerun()
