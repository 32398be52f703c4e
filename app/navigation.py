"""Every page of the app: its place in the navigation, what it asks of who opens it, and the links that lead to it.

Pages are made once for the process and copied for each run. Made anew, nineteen of them look 160 times at the file
system, and links by path do so again; at each look a run lets go of the interpreter, and while others are at work it
waits some milliseconds until it has it back.
"""

from __future__ import annotations

import copy
import functools
from typing import Any, Literal, NoReturn

import streamlit as st

from app import address
from app.access.roles import Permission

Visibility = Literal["visible", "hidden"]

#: File, title, icon, whether the navigation shows it, and what it asks. The first is where one comes in; the page about
#: one message is reached from that message.
PAGES: tuple[tuple[str, str, str | None, Visibility, Permission], ...] = (
    (address.CUSTOMERS, "Customers", "group", "visible", Permission.READ),
    (address.TIMELINE, "Timeline", "forum", "visible", Permission.READ),
    (address.FOUND, "Search", None, "hidden", Permission.READ),
    ("pages/unassigned.py", "Unassigned", "person_search", "visible", Permission.READ),
    (address.WORK, "Work", "inbox", "visible", Permission.READ),
    (address.SAVED, "Saved views", None, "hidden", Permission.READ),
    (address.ABOUT_MESSAGE, "Message", None, "hidden", Permission.READ),
    (address.ACCOUNT, "Your account", None, "hidden", Permission.READ),
    ("pages/import_customers.py", "Import", "upload_file", "visible", Permission.DECIDE_CUSTOMER),
    ("pages/tags.py", "Tags", "sell", "visible", Permission.MANAGE_TAGS),
    ("pages/health.py", "Health", "monitor_heart", "visible", Permission.MANAGE_CONNECTIONS),
    (address.CONNECTIONS, "Connections", "cable", "visible", Permission.MANAGE_CONNECTIONS),
    ("pages/jobs.py", "Jobs", "checklist", "visible", Permission.MANAGE_CONNECTIONS),
    ("pages/users.py", "Users", "manage_accounts", "visible", Permission.MANAGE_USERS),
    (address.QUARANTINE, "Quarantine", "report", "visible", Permission.MANAGE_CONNECTIONS),
    ("pages/data_quality.py", "Data quality", "rule", "visible", Permission.READ_DATA_QUALITY),
    ("pages/privacy.py", "Privacy", "verified_user", "visible", Permission.HANDLE_PRIVACY),
    ("pages/retention.py", "Retention", "auto_delete", "visible", Permission.HANDLE_PRIVACY),
    (address.AUDIT, "Audit", "policy", "visible", Permission.READ_EVENTS),
)  # fmt: skip


@functools.cache
def _made() -> dict[str, tuple[st.Page, Permission]]:
    return {
        file: (
            st.Page(
                file,
                title=title,
                icon=f":material/{icon}:" if icon else None,
                visibility=visibility,
                default=number == 0,
            ),
            needed,
        )
        for number, (file, title, icon, visibility, needed) in enumerate(PAGES)
    }


def pages() -> list[tuple[st.Page, Permission]]:
    """Every page with what it asks of who opens it, for this run; only within a run of Streamlit.

    Streamlit notes on a page that it may be run, so each run has copies of its own.
    """
    return [(copy.copy(page), needed) for page, needed in _made().values()]


def link(file: str, **more: Any) -> None:
    """A link to a page of ours; `more` as for `st.page_link`."""
    st.page_link(_made()[file][0], **more)


def go(file: str, **more: Any) -> NoReturn:
    """Lead to a page of ours; `more` as for `st.switch_page`."""
    st.switch_page(_made()[file][0], **more)
