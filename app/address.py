"""What stands in the address of a page: every parameter is named here, and no page reads them itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import parse_qs, urlencode

import streamlit as st

from warehouse.filters import EVERYTHING, Filter

SEARCH = "q"
CUSTOMER = "customer"
MESSAGE = "message"
AT = "at"
SORT = "sort"
RAW = "raw"
LIST = "list"
WITHIN = "within"
ADD = "add"
CONNECTION = "connection"
VERSIONS = "versions"
PERSON = "person"
ACTION = "action"
SINCE = "from"
UNTIL = "to"
#: What can be asked of the log of events.
OF_EVENTS = (PERSON, CUSTOMER, ACTION, SINCE, UNTIL)
TIMELINE = "pages/timeline.py"
WORK = "pages/work.py"
ABOUT_MESSAGE = "pages/message.py"
QUARANTINE = "pages/quarantine.py"
CUSTOMERS = "pages/customers.py"
CONNECTIONS = "pages/connections.py"
FOUND = "pages/search.py"
SAVED = "pages/saved.py"
AUDIT = "pages/audit.py"
ACCOUNT = "pages/account.py"


#: The pages whose address can be kept as a view, each by its name in the address, with the parameters that make it.
KEPT: dict[str, tuple[str, tuple[str, ...]]] = {
    "": (CUSTOMERS, (SEARCH, SORT)),
    "search": (FOUND, (SEARCH,)),
    "timeline": (TIMELINE, (CUSTOMER, *Filter.words())),
    "work": (WORK, (LIST, WITHIN)),
}
#: The page and the parameters of the last run.
FOLLOWED = "address_followed"
#: What the page has that stands at the root.
ROOT_NAME = "customers"

#: An id of ours, or a reference to a row, is shorter and plain. Anything else is nobody's, and asked of nobody.
LONGEST = 300
#: More than the search reads, so that it can say that it does not.
LONGEST_SEARCH = 1_100


def follow(url_path: str) -> None:
    """Say in the browser's address what is shown. A link to the page on which it stands leads there by itself, and
    leaves the address as it was: what is copied or gone back to from there would be something else.
    """
    now, before = _parameters(), st.session_state.get(FOLLOWED)
    st.session_state[FOLLOWED] = (url_path, now)
    if before is not None and before[0] == url_path and before[1] != now:
        st.query_params.from_dict(now)


def _parameters() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _is_kept() -> None:
    """What was put into the address stands in the browser's, too, also where a part of the page alone has run."""
    if FOLLOWED in st.session_state:
        st.session_state[FOLLOWED] = (st.session_state[FOLLOWED][0], _parameters())


def _named(parameter: str) -> str:
    """An id from the address; empty where there is none, or none that could be one."""
    given = st.query_params.get(parameter, "")
    return given if len(given) <= LONGEST and given.isprintable() else ""


def path(script: str, parameters: Mapping[str, str | list[str]]) -> str:
    """The address of a page of ours with these parameters, from the root on, for a link in what we draw as HTML."""
    name = "" if script == CUSTOMERS else PurePath(script).stem
    asked = urlencode(parameters, doseq=True, errors="replace")
    return f"/{name}?{asked}" if asked else f"/{name}"


def search() -> str:
    """What is searched for, among customers or messages; empty where nothing is."""
    return st.query_params.get(SEARCH, "")[:LONGEST_SEARCH]


def keep_search(typed: str) -> None:
    """Put the search into the address, so that it can be shared and gone back to."""
    if typed.strip():
        st.query_params[SEARCH] = typed.strip()
    else:
        st.query_params.pop(SEARCH, None)
    _is_kept()


def work_list() -> str:
    """The list of work that is asked for; empty where none is."""
    return st.query_params.get(LIST, "")


def work_within() -> str:
    """The days within which those on the list wrote; empty where none are asked for."""
    return st.query_params.get(WITHIN, "")


def keep_work(which: str, within: str) -> None:
    """Put the list and its days into the address, so that they can be shared and gone back to."""
    st.query_params[LIST], st.query_params[WITHIN] = which, within
    _is_kept()


def customer() -> str:
    """The customer whose timeline is asked for; empty where none is."""
    return _named(CUSTOMER)


def wanted() -> Filter:
    """The filter over messages that the address holds."""
    return Filter.read(_parameters())


def keep_wanted(wanted: Filter) -> None:
    """Put a filter into the address in place of the one that stands there."""
    for name in Filter.words():
        st.query_params.pop(name, None)
    for name, values in wanted.address().items():
        st.query_params[name] = values
    _is_kept()


def of_customer(customer_id: str, wanted: Filter = EVERYTHING) -> dict[str, str | list[str]]:
    """The parameters that lead to a customer's timeline, to what of it passes."""
    return {CUSTOMER: customer_id, **wanted.address()}


def sort() -> str:
    """How a list is sorted; empty where nobody chose."""
    return st.query_params.get(SORT, "")


def keep_sort(chosen: str) -> None:
    """Put the order into the address."""
    st.query_params[SORT] = chosen
    _is_kept()


def of_search(typed: str) -> dict[str, str]:
    """The parameters that lead to what was searched for."""
    return {SEARCH: typed}


def place() -> str:
    """The message at which a timeline is to be opened; empty where that is its newest page."""
    return _named(AT)


def of_place(
    customer_id: str, message_id: str, searched: str = "", wanted: Filter = EVERYTHING
) -> dict[str, str | list[str]]:
    """The parameters that lead to a message on a customer's timeline.

    Args:
        searched: what it was found by, so that the next match can be gone to from there.
        wanted: which of its neighbours stand there with it.
    """
    led = {SEARCH: searched[:LONGEST_SEARCH]} if searched else {}
    return {**of_customer(customer_id, wanted), AT: message_id, **led}


def of_conversation(customer_id: str, conversation_id: str) -> dict[str, str]:
    """The parameters that lead to one conversation on a customer's timeline."""
    return {CUSTOMER: customer_id, "conversation": conversation_id}


def of_note(row: Mapping[str, str | None]) -> tuple[str, Mapping[str, str | list[str]]]:
    """The script and the parameters that lead to where a note stands: beside its customer's timeline, of the
    conversation that it is on; to the newest message, where the conversation is nobody's.
    """
    customer_id, message_id = row["customer_id"], row["message_id"]
    if customer_id is None:
        return ABOUT_MESSAGE, of_message(message_id or "")
    if row["object_type"] == "conversation":
        return TIMELINE, of_conversation(customer_id, row["object_id"] or "")
    return TIMELINE, of_customer(customer_id)


def of_message(message_id: str) -> dict[str, str]:
    """The parameters that lead to the page about a message."""
    return {MESSAGE: message_id}


def message() -> str:
    """The message that is asked about; empty where none is."""
    return _named(MESSAGE)


def of_events(**asked: str) -> dict[str, str]:
    """The parameters that lead to events: `person`, `customer`, `action`, `from`, `to`."""
    return {name: value for name, value in asked.items() if name in OF_EVENTS and value}


def events() -> dict[str, str]:
    """What is asked of the log of events; empty where nothing is."""
    return of_events(**{name: _named(name) for name in OF_EVENTS})


def keep_events(**asked: str) -> None:
    """Put into the address what is asked of the log; what is empty is asked no more, the rest stays."""
    for name, value in asked.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    _is_kept()


def wants_versions() -> bool:
    """Whether the earlier versions of the message are asked for."""
    return VERSIONS in st.query_params


def of_versions(message_id: str) -> dict[str, str]:
    """The parameters that lead to the earlier versions of a message."""
    return {MESSAGE: message_id, VERSIONS: "1"}


def adding() -> str:
    """The channel that is being connected; empty where none is."""
    return _named(ADD)


def of_adding(channel: str) -> dict[str, str]:
    """The parameters that lead to the steps of connecting a channel."""
    return {ADD: channel}


def connection() -> str:
    """The connection that is asked for; empty where none is."""
    return _named(CONNECTION)


def of_connection(connection_id: str) -> dict[str, str]:
    """The parameters that lead to one connection."""
    return {CONNECTION: connection_id}


def keep_connection(connection_id: str) -> None:
    """Go from the steps of connecting to the connection that came of them, or from a removed one to all."""
    st.query_params.from_dict(of_connection(connection_id) if connection_id else {})
    _is_kept()


def raw() -> str:
    """The reference of the raw row that is asked for; empty where none is."""
    return _named(RAW)


def of_raw(raw_ref: str, message_id: str = "") -> dict[str, str]:
    """The parameters that lead to a raw row, from the message that it is behind or from the quarantine."""
    return {MESSAGE: message_id, RAW: raw_ref} if message_id else {RAW: raw_ref}


def asked_of(url_path: str) -> str:
    """What of the present address makes a view; empty where the page asks for nothing that could be kept."""
    if url_path not in KEPT:
        return ""
    _, words = KEPT[url_path]
    given = {word: st.query_params.get_all(word) for word in words}
    return urlencode({word: values for word, values in given.items() if any(values)}, doseq=True)


def of_view(page: str, query: str) -> tuple[str, dict[str, list[str]]] | None:
    """The script and the parameters of a view; None where it leads to no page that can be kept."""
    known = KEPT.get("" if page == ROOT_NAME else page)
    if known is None:
        return None
    script, words = known
    given = parse_qs(query, max_num_fields=500, errors="replace")
    return script, {word: given[word] for word in words if word in given}


def whose(parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """The customer that the parameters of a view name, if they do."""
    return [each for each in parameters.get(CUSTOMER, ())[:1] if len(each) <= LONGEST]
