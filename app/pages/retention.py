"""How long what is kept and who agreed, what is held, what is destroyed by two people's word, and its certificates."""

from __future__ import annotations

import streamlit as st

from app import case_panel, guard, keeping, layout, markup, read_privacy
from app.live import topics
from app.read_privacy import Kept
from app.views import list_html, privacy_html


@guard.live(topics.PRIVACY)
def retention(shown: list[Kept]) -> None:
    person = guard.viewer()
    found = read_privacy.kept(person, shown=shown[0] if shown else None)
    shown[:] = [found]
    case_panel.refusal()
    left, right = st.columns(2, gap="medium")
    with left, st.container(key="retention_classes", gap="small"):
        markup.show('<h3 class="part">How long what is kept</h3>')
        keeping.classes(found.classes)
    with right, st.container(key="retention_holds", gap="small"):
        markup.show('<h3 class="part">What is held</h3>')
        keeping.holds(found.holds)
        markup.show('<h3 class="part">What the worker is asked for</h3>')
        keeping.tasks(found.tasks, person.user_name)
        markup.show('<h3 class="part">Certificates</h3>')
        drawn = [privacy_html.certificate(row, layout.zone()) for row in found.certificates]
        markup.show("".join(drawn) or list_html.said("Nothing was destroyed yet"))


markup.show("<h2>Retention</h2>")
retention([])
