"""One connection and what can be done with it: each act says in a sentence what it means before it is clicked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import streamlit as st

from app import (
    act_connections,
    address,
    connecting,
    database,
    guard,
    layout,
    markup,
    navigation,
    read_connections,
)
from app.access.sessions import Viewer
from app.connecting import ASKED
from app.database import Row
from app.live import topics
from app.views import connecting_html, connection_html, list_html
from warehouse.channels import registry
from warehouse.guides import guide

REFUSED = "connection_refused"
#: What a provider said is shown for so long; after that it may be otherwise.
SHOWN_FOR = timedelta(hours=1)


def draw(connection_id: str) -> None:
    """The page of one connection."""
    navigation.link(address.CONNECTIONS, label="All connections", icon=":material/arrow_back:")
    standing(connection_id, [])
    acts(connection_id)
    keys(connection_id)
    checked(connection_id)


@guard.live(topics.CONNECTIONS)
def standing(connection_id: str, shown: list[Row]) -> None:
    """How it stands, and what was asked last."""
    person, now = guard.viewer(), datetime.now(UTC)
    row = read_connections.connection(person, connection_id, shown=shown[0] if shown else None)
    if row is None:
        markup.show(
            list_html.empty(
                "This connection is not there any more", "What it received stays.", "link_off"
            )
        )
        return
    shown[:] = [row]
    markup.show(connection_html.card(row, layout.zone(), now))
    register = read_connections.newest(person, connection_id, "register")
    provider = registry()[row["channel"]].provider.title()
    if register is not None:
        if register.row["answered_at"] is None:
            markup.show(connecting_html.asking(provider, register.worker_lives))
        elif register.row["problem"]:
            markup.show(connecting_html.failed(register.row["problem"]))
        connecting.shown(
            connecting_html.waiting(row, register.row, guide(row["channel"]), layout.zone(), now)
        )
        connecting.shown(
            connecting_html.registered(register.row["answer"], "after", "What was registered")
        )
    for kind in ("show", "history"):
        asked = read_connections.newest(person, connection_id, kind)
        if asked is not None and now - asked.row["asked_at"] < SHOWN_FOR:
            _answered(asked, kind, provider)


def _answered(asked: read_connections.Asked, kind: str, provider: str) -> None:
    row = asked.row
    if row["answered_at"] is None:
        markup.show(connecting_html.asking(provider, asked.worker_lives))
    elif row["problem"]:
        markup.show(connecting_html.failed(row["problem"]))
    elif kind == "show":
        markup.show(connecting_html.found(provider, row["answer"]))
        connecting.shown(
            connecting_html.registered(row["answer"], "registered", "What is registered there now")
        )
        connecting.by_hand(row["answer"])
    else:
        connecting.shown(connecting_html.registered(row["answer"], "asked", "What was asked for"))


@guard.live()
def acts(connection_id: str) -> None:
    """What can be done with it."""
    row = read_connections.connection(guard.viewer(), connection_id, shown={})
    if row is None:
        return
    channel, told = registry()[row["channel"]], guide(row["channel"])
    if refused := st.session_state.pop(REFUSED, None):
        markup.show(list_html.banner(refused))
    with st.container(horizontal=True, key="connection_acts"):
        if st.button("Ask the provider", key="show", icon=":material/lan:"):
            _do(lambda person: act_connections.ask(person, "show", connection_id))
        with st.popover("Register our webhook", icon=":material/webhook:"):
            markup.show(connecting_html.registers(told))
            take_over = st.checkbox(
                "Replace another program's address: it is not told any more",
                key="register_take_over",
            )
            if st.button("Register", key="register", type="primary"):
                _do(
                    lambda person: act_connections.register(
                        person, connection_id, take_over=take_over
                    )
                )
        if channel.pulls:
            _history(row, connection_id)
        if told.history and st.button("Ask for the history", key="history", help=told.history):
            _do(lambda person: act_connections.ask(person, "history", connection_id))
        if row["is_disabled"]:
            if st.button("Enable", key="enable", icon=":material/play_circle:"):
                _do(lambda person: act_connections.enable(person, connection_id))
        elif st.button(
            "Disable", key="disable", icon=":material/block:",
            help="Nothing is pulled any more. What the provider pushes is still received",
        ):  # fmt: skip
            _do(lambda person: act_connections.disable(person, connection_id))
        with st.popover("Rename or remove", icon=":material/more_horiz:"):
            _rename_or_remove(row, connection_id)


def _history(row: Row, connection_id: str) -> None:
    with st.popover("History", icon=":material/history:"):
        markup.show(f"<p>{list_html.plain(row['history_note'])}.</p>")
        since = st.date_input(
            "From this day on", None, key="since", help="Left empty: all that is not here yet"
        )
        if st.button("Load the history", key="backfill", type="primary"):
            day = since if not isinstance(since, tuple) else None
            _do(lambda person: act_connections.backfill(person, connection_id, day))
    if row["is_paused"]:
        if st.button("Resume", key="resume", icon=":material/play_arrow:"):
            _do(lambda person: act_connections.resume(person, connection_id))
    elif st.button(
        "Pause", key="pause", icon=":material/pause:",
        help="Nothing is pulled until you resume; what is under way ends within half a minute",
    ):  # fmt: skip
        _do(lambda person: act_connections.pause(person, connection_id))


def _rename_or_remove(row: Row, connection_id: str) -> None:
    with st.form("rename", border=False):
        name = st.text_input("Name", row["name"], key=f"rename_{connection_id}")
        if st.form_submit_button("Rename"):
            _do(lambda person: act_connections.rename(person, connection_id, name))
    markup.show(
        "<p><b>Remove.</b> Its keys are forgotten and its webhook answers 404: first take our address away at the "
        "provider. What was received stays; files that are not fetched yet are lost.</p>"
    )
    sure = st.checkbox("Forget its keys", key="remove_sure")
    if st.button("Remove", key="remove", disabled=not sure):
        _do(lambda person: act_connections.remove(person, connection_id), leaves=True)


@guard.live()
def keys(connection_id: str) -> None:
    """Its keys, secrets unseen: others are checked with the provider before they count."""
    row = read_connections.connection(guard.viewer(), connection_id, shown={})
    if row is None:
        return
    channel, told = registry()[row["channel"]], guide(row["channel"])
    plays = bool(database.settings().provider_addresses)
    markup.show(f"<h3>Keys</h3>{connecting_html.settings(told, row['settings'], plays)}")
    with st.expander("Change keys, or rotate a secret", key="change_keys"):
        st.session_state[f"channel_of_{connection_id}"] = row["channel"]
        values = connecting.fields(connection_id, told.fields, row["settings"], keeps=True)
        drop_old = st.checkbox(
            "Forget the older secrets: the provider has changed over",
            key=f"drop_old_{connection_id}",
            help="Otherwise both the new and the old secret count, until you say so",
        )
        if st.button(
            f"Check with {list_html.plain(channel.provider.title())}",
            key="check_keys",
            type="primary",
        ):
            given = {
                each.key: values.get(each.key, "")
                for each in told.fields
                if (values.get(each.key) if each.is_secret else each.key in values)
            }
            asked: list[str] = []
            st.session_state[REFUSED] = guard.attempt(
                lambda person: asked.append(
                    act_connections.check(
                        person,
                        row["channel"],
                        given,
                        connection_id=connection_id,
                        drop_old=drop_old,
                    )
                )
            )
            if asked:
                st.session_state[ASKED + connection_id] = asked[0]
            st.rerun()


@guard.live(topics.CONNECTIONS)
def checked(connection_id: str) -> None:
    """What the provider says of other keys."""
    request_id = st.session_state.get(ASKED + connection_id)
    if not request_id:
        return
    row = read_connections.connection(guard.viewer(), connection_id, shown={})
    if row is None:
        return
    provider = registry()[row["channel"]].provider.title()
    answer = connecting.said(request_id, provider)
    if answer is None:
        return
    markup.show(connecting_html.found(provider, answer))
    if st.button("Save these keys", key="save_keys", type="primary"):
        refused = guard.attempt(lambda person: act_connections.save_changed(person, request_id))
        st.session_state[REFUSED] = refused
        connecting.forget(connection_id)
        st.rerun()


def _do(change: Callable[[Viewer], object], *, leaves: bool = False) -> None:
    """Do what was clicked, and draw the page anew; the list where the connection is gone."""
    st.session_state[REFUSED] = guard.attempt(change)
    if leaves and not st.session_state[REFUSED]:
        address.keep_connection("")
    st.rerun()
