"""Import a list of customers: first what it would do, then do it, as a whole or not at all."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import guard, importing, markup
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.views import import_html, list_html
from warehouse.customer_file import COLUMNS
from warehouse.refusals import Refused

#: What the browser may send, in MB; a list of 100,000 lines has about eight.
LARGEST_MB = 32


def steps(words: str) -> importing.Step:
    bar = st.progress(0.0, text=words)

    def step(told: str, share: float) -> None:
        bar.progress(min(share, 1.0), text=f"{words}: {told}")

    return step


def looked_at(viewer: Viewer, file: Any) -> dict[str, Any] | None:
    """The preview, made once for a file."""
    known = st.session_state.get("import")
    if known is None or known["file_id"] != file.file_id:
        try:
            told = importing.preview(viewer, file.name, file.getvalue(), steps("Reading the list"))
        except Refused as refused:
            known = {"file_id": file.file_id, "refused": str(refused)}
        else:
            known = {"file_id": file.file_id, "told": told}
        st.session_state["import"] = known
        st.rerun()
    if "refused" in known:
        st.error(list_html.sentence(known["refused"]))
        return None
    found: dict[str, Any] = known
    return found


viewer = guard.viewer()
markup.show("<h2>Import customers</h2>")
if not viewer.may(Permission.DECIDE_CUSTOMER):
    markup.show(
        list_html.empty("Not for this role", "Ask an agent or an admin to import it.", "block")
    )
    st.stop()
st.caption(
    list_html.sentence(
        f"A CSV file as a spreadsheet writes it. Its first line names the columns: {', '.join(COLUMNS)}; only the name "
        "and a phone or an e-mail are needed. Nothing changes before you have seen what it would do"
    )
)
file = st.file_uploader(
    "List", type=["csv", "txt"], max_upload_size=LARGEST_MB, label_visibility="collapsed"
)
if file is None:
    st.session_state.pop("import", None)
    st.stop()
known = looked_at(viewer, file)
if known is None:
    st.stop()
if done := known.get("done"):
    st.success(
        list_html.sentence(f"{done['made']:,} customers made, {done['matched']:,} lines matched")
    )
    markup.show(import_html.told(done, was_done=True))
    st.stop()
told = known["told"]
markup.show(import_html.told(told, was_done=False))
changes = told["made"] or told["new_links"]
if not changes:
    st.info("There is nothing to import: all of it is known already, or refused.")
elif st.button(
    list_html.plain(f"Import {told['made']} customers"), type="primary", key="import_now"
):
    name, content = file.name, file.getvalue()
    made: list[dict[str, Any]] = []
    if guard.done(
        lambda person: made.append(importing.carry_out(person, name, content, steps("Importing")))
    ):
        known["done"] = made[0]
        st.rerun()
