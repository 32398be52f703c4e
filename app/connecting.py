"""Connecting an account in steps: what to paste, what the provider says of it, one click that saves and registers.

What is pasted is sealed when it is checked, and forgotten by the page when it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app import act_connections, address, database, guard, markup, navigation, read_connections
from app.live import topics
from app.views import connecting_html, list_html
from warehouse.channels import Channel, registry
from warehouse.connection_requests import LONGEST_NAME
from warehouse.guides import Field, guide

#: What was asked last, and whether everything is looked at, empty fields too; by channel or connection.
ASKED, LOOKED_AT = "connecting_asked", "connecting_looked_at"


def choose() -> None:
    """Which channel to connect."""
    markup.show("<h2>Add a connection</h2>")
    with st.container(key="channel_choice", gap=None):
        for channel in registry().values():
            with st.container(key=f"row_channel_{channel.channel}", gap=None):
                markup.show(connecting_html.choice(channel, guide(channel.channel)))
                navigation.link(
                    address.CONNECTIONS,
                    label=list_html.link_label(channel.name, "Connect"),
                    query_params=address.of_adding(channel.channel),
                )


def steps(channel: Channel) -> None:
    """All steps of connecting one account of a channel."""
    markup.show(connecting_html.intro(channel, guide(channel.channel)))
    paste(channel)
    verdict(channel)


@guard.live()
def paste(channel: Channel) -> None:
    whose, told = channel.channel, guide(channel.channel)
    st.text_input(
        "Name of this account",
        key=_key(whose, "name"),
        max_chars=LONGEST_NAME,
        placeholder="What people call it, as Front desk",
    )
    values = fields(whose, told.fields, {})
    markup.show("<h3>3. Check</h3>")
    if st.button(
        f"Check with {list_html.plain(channel.provider.title())}", key="check", type="primary"
    ):
        st.session_state[LOOKED_AT + whose] = True
        st.session_state.pop(ASKED + whose, None)
        if told.problems(values):
            st.session_state["connecting_refused"] = "Some of it cannot be right: see above"
        else:
            asked: list[str] = []
            st.session_state["connecting_refused"] = guard.attempt(
                lambda person: asked.append(act_connections.check(person, whose, values))
            )
            if asked:
                st.session_state[ASKED + whose] = asked[0]
        st.rerun()
    refused = st.session_state.pop("connecting_refused", None)
    if refused:
        markup.show(list_html.banner(refused))


@guard.live(topics.CONNECTIONS)
def verdict(channel: Channel) -> None:
    whose, provider = channel.channel, channel.provider.title()
    answer = said(st.session_state.get(ASKED + whose), provider)
    if answer is None:
        return
    markup.show(connecting_html.found(provider, answer))
    shown(connecting_html.registered(answer, "registered", "What is registered there now"))
    markup.show(connecting_html.registers(guide(whose)))
    by_hand(answer)
    take_over = bool(answer.get("others")) and st.checkbox(
        "Replace the other program's address: it is not told any more", key="take_over"
    )
    with st.container(horizontal=True, key="saving"):
        registers = st.button(
            "Save and register",
            key="save",
            type="primary",
            disabled=bool(answer.get("others")) and not take_over,
        )
        saves = st.button(
            "Save only", key="save_only", help="The webhook is registered later, or by hand"
        )
    if registers or saves:
        made: list[str] = []
        name = st.session_state.get(_key(whose, "name")) or channel.name
        refused = guard.attempt(
            lambda person: made.append(
                act_connections.save_new(
                    person,
                    st.session_state[ASKED + whose],
                    name,
                    registers=registers,
                    take_over=take_over,
                )
            )
        )
        if refused:
            markup.show(list_html.banner(refused))
            return
        forget(whose)
        address.keep_connection(made[0])
        st.rerun()


def said(request_id: str | None, provider: str) -> Mapping[str, object] | None:
    """What was answered to a check that can be saved; otherwise it is drawn what there is, and None."""
    if not request_id:
        return None
    found = read_connections.asked(guard.viewer(), request_id)
    if found is None or found.row["used_at"]:
        return None
    if found.row["answered_at"] is None:
        markup.show(connecting_html.asking(provider, found.worker_lives))
        return None
    if found.row["problem"]:
        markup.show(connecting_html.refused(provider, found.row["problem"]))
        return None
    answer: Mapping[str, object] = found.row["answer"]
    return answer


def shown(html: str) -> None:
    """HTML that may be none: Streamlit refuses to draw nothing."""
    if html:
        markup.show(html)


def by_hand(answer: Mapping[str, object]) -> None:
    """What is copied into a dashboard."""
    with st.expander("Webhook address and verify token, to copy", key="by_hand"):
        st.caption("Webhook address")
        st.code(str(answer.get("webhook_url") or ""), language=None)
        st.caption("Verify token")
        if token := answer.get("verify_token"):
            st.code(str(token), language=None)
        else:
            st.caption("It is shown for a day: ask again for what is registered.")


def fields(
    whose: str, told: tuple[Field, ...], kept: Mapping[str, str], *, keeps: bool = False
) -> dict[str, str]:
    """The keys, each with where it is found and what is wrong with it; what was pasted.

    Args:
        whose: the channel, or the connection whose keys these are.
        kept: what stands there now, of what is no secret.
        keeps: an empty secret keeps the one that is stored.
    """
    plays = bool(database.settings().provider_addresses)
    groups = (
        (None, [each for each in told if not each.is_more and not each.is_elsewhere]),
        ("More keys", [each for each in told if each.is_more and not each.is_elsewhere]),
        ("The provider at another address", [each for each in told if each.is_elsewhere and plays]),
    )
    values: dict[str, str] = {}
    for title, group in groups:
        if title is None:
            values |= {each.key: _field(whose, each, kept, keeps) for each in group}
        elif group:
            with st.expander(
                list_html.plain(title),
                key=f"keys_{'elsewhere' if plays and group[0].is_elsewhere else 'more'}",
            ):
                values |= {each.key: _field(whose, each, kept, keeps) for each in group}
    return values


def _field(whose: str, field: Field, kept: Mapping[str, str], keeps: bool) -> str:
    key = _key(whose, field.key)
    label = list_html.plain(field.label)
    value: str
    if field.choices:
        now = kept.get(field.key, "")
        place = field.choices.index(now) if now in field.choices else 0
        value = st.selectbox(label, field.choices, place, key=key)
    else:
        value = st.text_input(
            label,
            "" if field.is_secret else kept.get(field.key, ""),
            key=key,
            type="password" if field.is_secret else "default",
            autocomplete="new-password" if field.is_secret else "off",
        )
        value = value.strip()
    stays = keeps and field.is_secret
    problem = _problem(whose, field, value, may_be_empty=stays)
    shown(connecting_html.under(field, problem, keeps=stays))
    return value


def _problem(whose: str, field: Field, value: str, *, may_be_empty: bool) -> str | None:
    if not value:
        looked = st.session_state.get(LOOKED_AT + whose)
        return "This is needed" if looked and field.is_required and not may_be_empty else None
    channel = st.session_state.get(f"channel_of_{whose}", whose)
    return guide(channel).problem(field.key, value)


def _key(whose: str, key: str) -> str:
    return f"key_{whose}_{key}"


def forget(whose: str) -> None:
    """What was pasted, and what was asked."""
    for name in [each for each in st.session_state if str(each).startswith(f"key_{whose}_")]:
        del st.session_state[name]
    for name in (ASKED + whose, LOOKED_AT + whose):
        st.session_state.pop(name, None)
