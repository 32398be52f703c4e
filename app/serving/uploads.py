"""Who may send a file to Streamlit's own upload route: the page Import alone has a field for one.

Streamlit keeps what is uploaded in memory and asks nobody's name. So the session is asked for here, with its right to
import customers, before the first byte is read; for everybody else there is nothing at this address.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Scope

from app import database
from app.access import sessions
from app.access.roles import Permission

BELOW = "/_stcore/upload_file/"
METHODS = ("PUT", "DELETE")
#: The largest list that the page takes, and what the form round it adds.
LARGEST_BYTES = 33 * 1024 * 1024


def is_upload(method: str, path: str) -> bool:
    return method in METHODS and path.startswith(BELOW)


async def may_upload(scope: Scope) -> bool:
    """Whether this request says how long it is, is short enough, and comes from somebody who may import customers."""
    request = HTTPConnection(scope)
    told = request.headers.get("content-length", "0" if scope["method"] == "DELETE" else "")
    if not told.isascii() or not told.isdigit() or int(told) > LARGEST_BYTES:
        return False
    address = request.client.host if request.client else "unknown"
    token = request.cookies.get(sessions.cookie_name())
    if not token:
        return False
    try:
        viewer = await run_in_threadpool(sessions.viewer_of, token, ip=address, touch=True)
    except database.AWAY:
        return False
    return viewer is not None and viewer.may(Permission.DECIDE_CUSTOMER)
