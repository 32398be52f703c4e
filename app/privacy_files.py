"""Files of privacy officers as answers: the export of a customer, the draft of a statement. Each leaves its event."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app import database, read_privacy
from app.access.sessions import Viewer
from app.views.privacy_html import EXPORT, STATEMENT
from warehouse import statement
from warehouse.exports import export_file
from warehouse.refusals import Refused

__all__ = ["EXPORT", "STATEMENT", "export", "statement_of"]
#: Nobody keeps it on the way.
HEADERS = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
#: An id of ours is shorter.
LONGEST_ID = 64


def export(viewer: Viewer, request: Request) -> Response:
    """The file of an export.

    Raises:
        Forbidden: the role may not.
        Refused: there is none, or it is not here any more.
    """
    task_id = _asked(request, "task")
    task = read_privacy.export_of(viewer, task_id)
    file = export_file(database.settings(), task["task_id"])
    if not file.is_file():
        raise Refused("the file is not here any more: have it written anew")
    name = f"access-{task['finished_at']:%Y-%m-%d}.zip"
    return FileResponse(file, media_type="application/zip", filename=name, headers=HEADERS)


def statement_of(viewer: Viewer, request: Request) -> Response:
    """The draft about an incident, with how many its account saw.

    Raises:
        Forbidden: the role may not.
        Refused: there is no such incident.
    """
    found = read_privacy.affected(viewer, _asked(request, "incident"))
    headers = {**HEADERS, "content-disposition": 'attachment; filename="statement.html"'}
    text = statement.as_html(found.incident, found.count)
    return Response(text, media_type="text/html", headers=headers)


def _asked(request: Request, name: str) -> str:
    its_id = request.query_params.get(name, "")
    if not its_id.isalnum() or len(its_id) > LONGEST_ID:
        raise Refused(f"there is no {name} of this id")
    return its_id
