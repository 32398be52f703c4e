"""Media of messages: the resource, the redirect, and the storage it leads to.

Follows https://www.twilio.com/docs/messaging/api/media-resource.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from simulator.store import files
from simulator.store.records import Media, Sms
from simulator.store.state import State
from simulator.twilio.twilio_errors import failure
from simulator.twilio.twilio_pages import rfc2822


class TwilioMedia:
    """The media below one account's messages."""

    def __init__(self, state: State, root: str) -> None:
        self.state, self.root = state, root

    def list(self, request: Request, form: dict[str, str], sid: str) -> Response:
        sms = self.state.sms_by_sid.get(sid)
        if sms is None:
            return failure(20404)
        uri = f"{self.root}/Messages/{sid}/Media.json?PageSize=50&Page=0"
        return JSONResponse(
            {
                "media_list": [self._resource(sms, m) for m in sms.media if not m.deleted],
                "page": 0,
                "page_size": 50,
                "start": 0,
                "end": max(0, len(sms.media) - 1),
                "uri": uri,
                "first_page_uri": uri,
                "previous_page_uri": None,
                "next_page_uri": None,
            }
        )

    def one(
        self, request: Request, form: dict[str, str], sid: str, media_sid: str, json: str | None
    ) -> Response:
        sms = self.state.sms_by_sid.get(sid)
        media = (
            next((m for m in sms.media if m.sid == media_sid and not m.deleted), None)
            if sms
            else None
        )
        if sms is None or media is None:
            return failure(20404)
        if request.method == "DELETE":
            self.state.delete_media(sid, media_sid)
            return Response(status_code=204)
        if json:
            return JSONResponse(self._resource(sms, media))
        # The content lies in a storage that has nothing to do with the account: its address says
        # all.
        return RedirectResponse(
            f"{self.state.base_url}/media-storage/{media_sid}?signature={self._ticket(media_sid)}",
            307,
        )

    async def storage(self, request: Request) -> Response:
        """The stored bytes. An Authorization header does not belong here, as a real storage says
        with 400."""
        if "authorization" in request.headers:
            return Response("Only one auth mechanism allowed", 400, media_type="text/plain")
        sid = request.path_params["sid"]
        if not hmac.compare_digest(request.query_params.get("signature", ""), self._ticket(sid)):
            return Response("Access denied", 403, media_type="text/plain")
        for sms in self.state.sms:
            for media in sms.media:
                if media.sid == sid and not media.deleted:
                    return Response(files.render(media.file), media_type=media.file.content_type)
        return Response("Not found", 404, media_type="text/plain")

    def _ticket(self, media_sid: str) -> str:
        return hashlib.sha256(f"{self.state.accounts.auth_token}|{media_sid}".encode()).hexdigest()[
            :32
        ]

    def _resource(self, sms: Sms, media: Media) -> dict[str, Any]:
        return {
            "sid": media.sid,
            "account_sid": self.state.accounts.account_sid,
            "parent_sid": sms.sid,
            "content_type": media.file.content_type,
            "date_created": rfc2822(sms.created),
            "date_updated": rfc2822(sms.created),
            "uri": f"{self.root}/Messages/{sms.sid}/Media/{media.sid}.json",
        }
