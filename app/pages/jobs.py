"""What the worker does: what runs, what waits, what failed and why, and what is done by the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import act_jobs, guard, layout, markup, read_jobs
from app.live import topics
from app.read_jobs import Jobs
from app.views import job_html, list_html


@guard.live(topics.CONNECTIONS)
def jobs(shown: list[Jobs]) -> None:
    found = read_jobs.jobs(guard.viewer(), shown=shown[0] if shown else None)
    shown[:] = [found]
    zone, now = layout.zone(), datetime.now(UTC)
    markup.show(
        f"<h3>Under way</h3>{job_html.under_way(found.under_way, zone, now) or list_html.said('Nothing')}"
    )
    markup.show("<h3>Failed in the last three days</h3>")
    if not found.failed:
        markup.show(list_html.said("Nothing"))
    for row in found.failed:
        with st.container(key=f"failed_{row['id']}", horizontal=True, vertical_alignment="center"):
            markup.show(job_html.failed(row, zone, now))
            if st.button("Do it again", key=f"repeat_{row['id']}"):
                repeat(row["id"])
    markup.show(f"<h3>Last of each kind</h3>{job_html.history(found.history, zone, now)}")
    markup.show(f"<h3>Schedule</h3>{job_html.schedules(found.schedules, zone, now)}")


def repeat(job_id: int) -> None:
    refused = guard.attempt(lambda person: act_jobs.repeat(person, job_id))
    markup.show(list_html.banner(refused) if refused else list_html.said("It is asked for"))


markup.show("<h2>Jobs</h2>")
with st.container(key="jobs", gap="small"):
    jobs([])
