"""The script that Streamlit runs for every page: session, layout, page.

It calls `st.navigation` in every run, signed in or not: otherwise Streamlit would fall back to
listing the folder `pages` by itself.
"""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from app import address, database, entrance, guard, layout, saved_box, search_box
from app.access.roles import Forbidden, Permission
from app.live import bell
from app.views import components

st.set_page_config(page_title="Correspondence", page_icon=str(layout.ICON), layout="wide")
st.html(layout.STYLE)
st.html(components.channel_colours())

#: Every page with what it asks of who opens it. The page about one message is reached from that message.
PAGES = [
    (st.Page("pages/customers.py", title="Customers", icon=":material/group:", default=True), Permission.READ),
    (st.Page("pages/timeline.py", title="Timeline", icon=":material/forum:"), Permission.READ),
    (st.Page("pages/search.py", title="Search", visibility="hidden"), Permission.READ),
    (st.Page("pages/unassigned.py", title="Unassigned", icon=":material/person_search:"), Permission.READ),
    (st.Page("pages/work.py", title="Work", icon=":material/inbox:"), Permission.READ),
    (st.Page("pages/saved.py", title="Saved views", visibility="hidden"), Permission.READ),
    (st.Page("pages/message.py", title="Message", visibility="hidden"), Permission.READ),
    (st.Page("pages/account.py", title="Your account", visibility="hidden"), Permission.READ),
    (st.Page("pages/import_customers.py", title="Import", icon=":material/upload_file:"), Permission.DECIDE_CUSTOMER),
    (st.Page("pages/tags.py", title="Tags", icon=":material/sell:"), Permission.MANAGE_TAGS),
    (st.Page("pages/health.py", title="Health", icon=":material/monitor_heart:"), Permission.MANAGE_CONNECTIONS),
    (st.Page("pages/connections.py", title="Connections", icon=":material/cable:"), Permission.MANAGE_CONNECTIONS),
    (st.Page("pages/jobs.py", title="Jobs", icon=":material/checklist:"), Permission.MANAGE_CONNECTIONS),
    (st.Page("pages/users.py", title="Users", icon=":material/manage_accounts:"), Permission.MANAGE_USERS),
    (st.Page("pages/quarantine.py", title="Quarantine", icon=":material/report:"), Permission.MANAGE_CONNECTIONS),
    (st.Page("pages/data_quality.py", title="Data quality", icon=":material/rule:"), Permission.READ_DATA_QUALITY),
    (st.Page("pages/privacy.py", title="Privacy", icon=":material/verified_user:"), Permission.HANDLE_PRIVACY),
    (st.Page("pages/retention.py", title="Retention", icon=":material/auto_delete:"), Permission.HANDLE_PRIVACY),
    (st.Page("pages/audit.py", title="Audit", icon=":material/policy:"), Permission.READ_EVENTS),
]  # fmt: skip

try:
    person = guard.viewer_now(touch=True)
except database.AWAY:
    st.navigation([page for page, _ in PAGES], position="hidden")
    guard.calm()
    st.stop()

# Before the sign-in every page is known, so that its address leads back to it.
open_pages = [page for page, needed in PAGES if person is None or person.may(needed)]
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
        layout.account(person, [f"/{each.url_path}" for each, _ in PAGES])
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
