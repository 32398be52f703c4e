"""What is wrong now and what to do about it, and the figures behind it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app import act_alerts, address, alerts, database, guard, health, layout, markup, navigation
from app.health import Report
from app.live import topics
from app.views import alert_html, health_html, list_html
from warehouse.channels import registry
from warehouse.health import version

#: Where what a finding asks for is done.
LEADS = {"quarantined": address.QUARANTINE}


@guard.live(topics.CONNECTIONS)
def standing(shown: list[Report]) -> None:
    found = health.seen(guard.viewer(), shown=shown[0] if shown else None)
    shown[:] = [found]
    facts = found.facts
    markup.show(health_html.verdict(found.findings, facts.now, facts.zone))
    for number, each in enumerate(found.findings):
        with st.container(key=f"finding_{number}", gap=None, horizontal=True):
            markup.show(health_html.finding(each))
            if each.what in LEADS:
                navigation.link(LEADS[each.what], label="Open Quarantine")
            elif each.connection_id:
                navigation.link(
                    address.CONNECTIONS,
                    label=list_html.link_label(each.name, "Manage"),
                    query_params=address.of_connection(each.connection_id),
                )
    markup.show(f"<h3>Connections</h3>{health_html.connections(facts)}")
    plot()
    notices(facts.now)
    markup.show(f"<h3>This installation</h3>{health_html.house(facts, version())}")
    if facts.tables:
        markup.show(f"<h3>The largest tables</h3>{health_html.tables(facts)}")


def notices(now: datetime) -> None:
    """Whether admins are told while they do not look, and whether it arrives."""
    told, ways = health.told_admins(guard.viewer()), alerts.ways(database.settings())
    markup.show("<h3>Notices</h3>")
    with st.container(key="notices", horizontal=True, vertical_alignment="center"):
        markup.show(alert_html.switched(ways, told.recipients))
        if ways and st.button("Send one now", key="try_alert"):
            refused = guard.attempt(act_alerts.try_now)
            if refused:
                markup.show(list_html.banner(refused))
            told = health.told_admins(guard.viewer())
    if told.newest:
        markup.show(alert_html.alerts(told.newest, layout.zone(), now))


def plot() -> None:
    """Messages an hour, by channel."""
    rows = health.arrivals(guard.viewer())
    markup.show("<h3>Messages an hour, the last two days</h3>")
    if not rows:
        markup.show(list_html.said("None"))
        return
    names = {slug: channel.name for slug, channel in registry().items()}
    table = [
        {
            # As the clock shows it here; the browser's own zone is another matter.
            "hour": row["hour"].astimezone(layout.zone()).replace(tzinfo=None),
            "channel": names.get(row["channel"], row["channel"]),
            "messages": row["messages"],
        }
        for row in rows
    ]
    st.bar_chart(table, x="hour", y="messages", color="channel", x_label="", y_label="", height=220)


markup.show("<h2>Health</h2>")
with st.container(key="health", gap="small"):
    standing([])
