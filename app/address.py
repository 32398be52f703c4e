"""What stands in the address of a page: every parameter is named here, and no page reads them itself."""

from __future__ import annotations

import streamlit as st

SEARCH = "q"
CUSTOMER = "customer"
TIMELINE = "pages/timeline.py"


def search() -> str:
    """What is searched for on Customers; empty where nothing is."""
    return st.query_params.get(SEARCH, "")


def keep_search(typed: str) -> None:
    """Put the search into the address, so that it can be shared and gone back to."""
    if typed.strip():
        st.query_params[SEARCH] = typed.strip()
    else:
        st.query_params.pop(SEARCH, None)


def customer() -> str:
    """The customer whose timeline is asked for; empty where none is."""
    return st.query_params.get(CUSTOMER, "")


def of_customer(customer_id: str) -> dict[str, str]:
    """The parameters that lead to a customer's timeline."""
    return {CUSTOMER: customer_id}
