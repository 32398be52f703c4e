"""An admin tries whether notices come: whether they may, then one to every way that is switched on, at once."""

from __future__ import annotations

from app import alerts, database
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from warehouse.events import record
from warehouse.refusals import Refused


def try_now(viewer: Viewer) -> None:
    """Send a notice that says nothing but that it came. What became of it stands in the list of notices.

    Raises:
        Forbidden: the role may not.
        Refused: no way is switched on.
    """
    settings = database.settings()
    ways = alerts.ways(settings)
    with deciding(viewer, Permission.MANAGE_CONNECTIONS) as connection:
        if not ways:
            raise Refused(
                "no notices are switched on: set CRM_ALERT_WEBHOOK or CRM_ALERT_MAIL_SERVER, and start anew"
            )
        alerts.trial(connection, settings, viewer.actor.name)
        detail = {"ways": ways}
        record(connection, viewer.actor.event("alert.try", "alert", "*", detail=detail))
    for _ in range(alerts.MOST_AT_ONCE):
        if not alerts.send_next(settings):
            break
