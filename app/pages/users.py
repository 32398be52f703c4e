"""Who may sign in, as what, and when each was here last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from app import act_users, guard, layout, limits_box, markup, read_users
from app.access.roles import UserRole
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, user_html
from warehouse.users import LIMITABLE

CHOSEN, REFUSED = "user_chosen", "users_refused"
ROLES = [each.value for each in UserRole]


def words(role: str) -> str:
    return role.replace("_", " ").capitalize()


@guard.live()
def users() -> None:
    found, now = read_users.listed(guard.viewer()), datetime.now(UTC)
    rows = found.users
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(key="user_list", gap=None):
        for row in rows:
            name = row["user_name"]
            with st.container(key=f"row_user_{name}", gap=None):
                is_chosen = name == st.session_state.get(CHOSEN)
                markup.show(user_html.line(row, layout.zone(), now, is_chosen=is_chosen))
                label = list_html.link_label(name, "Choose")
                st.button(label, key=f"choose_{name}", on_click=choose, args=(name,))
    with right, st.container(key="user_panel", gap="small"):
        if refused := st.session_state.pop(REFUSED, None):
            markup.show(list_html.banner(refused))
        chosen = [row for row in rows if row["user_name"] == st.session_state.get(CHOSEN)]
        if chosen:
            panel(chosen[0], found.connections)
        with st.expander("Add a user", expanded=not chosen, key="add_user"):
            form()


def choose(name: str) -> None:
    st.session_state[CHOSEN] = name


def panel(row: Row, connections: list[Row]) -> None:
    name = row["user_name"]
    markup.show(f"<h3>{list_html.plain(row['display_name'])}</h3>")
    role = st.selectbox(
        "Role", ROLES, ROLES.index(row["role"]), format_func=words, key=f"role_{name}"
    )
    with st.container(horizontal=True):
        if st.button("Save the role", key="save_role", disabled=role == row["role"]):
            attempt(lambda person: act_users.set_role(person, name, UserRole(role)))
        if st.button("End sessions", key="end_sessions", disabled=not row["open_sessions"]):
            attempt(lambda person: act_users.end_sessions(person, name))
        if row["disabled_at"]:
            if st.button("Enable", key="enable_user"):
                attempt(lambda person: act_users.enable(person, name))
        elif st.button("Disable", key="disable_user"):
            attempt(lambda person: act_users.disable(person, name))
    if row["role"] in LIMITABLE:
        limits_box.limits(row, connections, attempt)


def form() -> None:
    with st.form("new_user", border=False, clear_on_submit=True):
        name = st.text_input("User name", help="To sign in with, in lower case")
        display_name = st.text_input("Shown as")
        email = st.text_input("Mail address")
        role = st.selectbox("Role", ROLES, 1, format_func=words, key="new_role")
        password = st.text_input("Password", type="password", autocomplete="new-password")
        if st.form_submit_button("Add", type="primary"):
            attempt(lambda person: act_users.add(
                person, name.strip(), display_name=display_name.strip(), email=email,
                role=UserRole(role), password=password,
            ))  # fmt: skip


def attempt(change: Callable[[Viewer], object]) -> None:
    st.session_state[REFUSED] = guard.attempt(change)
    st.rerun(scope="fragment")


markup.show("<h2>Users</h2>")
users()
