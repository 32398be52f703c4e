"""What is expected of the data, when it was looked at last, and which rows break which rule."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import guard, layout, markup, read_quality
from app.live import topics
from app.read_quality import Quality
from app.views import list_html, quality_html


@guard.live(topics.QUALITY)
def quality(shown: list[Quality]) -> None:
    found = read_quality.quality(guard.viewer(), shown=shown[0] if shown else None)
    shown[:] = [found]
    zone, now = layout.zone(), datetime.now(UTC)
    if not found.suites:
        markup.show(list_html.empty(*quality_html.NOT_LOOKED_AT))
        return
    markup.show(quality_html.verdict(found.suites, found.failed, zone, now))
    for row in found.failed:
        markup.show(quality_html.failed(row, zone, now))
    markup.show(f"<h3>What is looked at</h3>{quality_html.suites(found.suites, zone, now)}")


markup.show("<h2>Data quality</h2>")
with st.container(key="quality", gap="small"):
    quality([])
