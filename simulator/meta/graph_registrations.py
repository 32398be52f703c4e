"""Graph calls that register, the only ones that write: callbacks, subscribed apps, tokens, history.

https://developers.facebook.com/docs/graph-api/webhooks/subscriptions-edge, …/page/subscribed_apps,
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override and
…/embedded-signup/onboarding-business-app-users (smb_app_data).
"""

from __future__ import annotations

import json
from typing import Any

from simulator import contract
from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.meta.graph_errors import GraphError, gone, invalid_parameter, unknown_name
from simulator.meta.graph_rest import Answer, Call
from simulator.meta.graph_tokens import GraphTokens
from simulator.meta.meta_notices import OBJECTS
from simulator.meta.meta_webhooks import MetaWebhooks
from simulator.meta.whatsapp_history import WhatsappHistory
from simulator.store.scribe import digits
from simulator.store.state import State
from simulator.world.accounts import API_VERSION, MetaApp

SYNCHRONISED_BEFORE = 2593107
DONE: Answer = {"success": True}
NOT_SUBSCRIBED = (
    "Before override the current callback uri, your app must be subscribed to receive messages for WhatsApp "
    "Business Account"
)


class GraphRegistrations:
    """Every callback must echo a challenge before it is taken."""

    def __init__(
        self,
        state: State,
        tokens: GraphTokens,
        webhooks: MetaWebhooks,
        history: WhatsappHistory,
    ) -> None:
        self.state, self.tokens, self.webhooks = state, tokens, webhooks
        self.history, self.book, self.meta = history, state.meta, state.accounts.meta

    async def answer(self, call: Call) -> Answer | None:
        match call.steps:
            case ["debug_token"]:
                return self.tokens.inspect(call.query.get("input_token", ""))
            case ["refresh_access_token"] if call.channel == INSTAGRAM:
                if call.query.get("grant_type") != "ig_refresh_token":
                    raise invalid_parameter("grant_type must be ig_refresh_token")
                if not call.query.get("access_token"):
                    raise invalid_parameter("The parameter access_token is required")
                return self.tokens.refresh()
            case [app, "subscriptions"]:
                return await self._subscriptions(call, app)
            case [asset, "subscribed_apps"]:
                return await self._subscribed_apps(call, asset)
            case [self.meta.phone_number_id, "smb_app_data"] if call.method == "POST":
                return self._synchronise(call)
        return None

    # -- the app -----------------------------------------------------------------------------------

    async def _subscriptions(self, call: Call, identity: str) -> Answer:
        """Where the app hears of an object. Needs the app's own token."""
        app = self.tokens.app(call.token)
        if app is None or app.id != identity:
            raise GraphError(15, "(#15) This method must be called with an app access_token.")
        if call.method == "GET":
            return {"data": [self._callback(app, kind) for kind in self._objects(app)]}
        kind = call.query.get("object", "")
        if kind not in OBJECTS.values():
            raise invalid_parameter(
                "object must be one of page, instagram, whatsapp_business_account"
            )
        if call.method == "DELETE":
            self.book.set_callback(app.id, kind, None)
            return DONE
        url, token = call.query.get("callback_url", ""), call.query.get("verify_token", "")
        names = _names(call, "fields")
        self._check_names(names, kind)
        await self._shake_hands(url, token)
        values = {"callback_url": url, "verify_token": token, "fields": names}
        self.book.set_callback(app.id, kind, values)
        return DONE

    def _check_names(self, names: list[str], kind: str) -> None:
        for place, name in enumerate(names):
            if name not in contract.fields(kind):
                raise unknown_name(place, name, contract.fields(kind))

    def _objects(self, app: MetaApp) -> list[str]:
        return sorted(self.book.callbacks.get(app.id, {}))

    def _callback(self, app: MetaApp, kind: str) -> dict[str, Any]:
        values = self.book.callbacks[app.id][kind]
        fields = [{"name": name, "version": API_VERSION} for name in values["fields"]]
        return {
            "object": kind,
            "callback_url": values["callback_url"],
            "active": True,
            "fields": fields,
        }

    async def _shake_hands(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise invalid_parameter("callback_url must be an address")
        wrong = await self.webhooks.handshake(url, token)
        if wrong:
            raise GraphError(
                2200, f"(#2200) Callback verification failed with the following errors: {wrong}"
            )

    # -- the asset ---------------------------------------------------------------------------------

    async def _subscribed_apps(self, call: Call, asset: str) -> Answer:
        """Which apps hear of a page, an Instagram account or a WhatsApp account."""
        owners = {
            self.meta.page_id: MESSENGER,
            self.meta.instagram_id: INSTAGRAM,
            self.meta.waba_id: WHATSAPP,
        }
        owner = owners.get(asset)
        # A system user of the business reaches its Instagram account too.
        by_business = owner == INSTAGRAM and call.token == self.meta.system_token
        if owner is None or (owner != call.channel and not by_business):
            raise gone(call.method.lower())
        if owner == MESSENGER:
            self.tokens.demand_page(call.token)
        app = self.meta.instagram_app if call.channel == INSTAGRAM else self.meta.app
        if call.method == "GET":
            return {
                "data": [
                    self._installed(asset, one)
                    for one in self.meta.apps()
                    if one.id in self.book.installed.get(asset, {})
                ]
            }
        if call.method == "DELETE":
            self.book.install(asset, app.id, None)
            return DONE
        if call.channel == WHATSAPP:
            override = call.query.get("override_callback_uri", "")
            if override:
                if app.id not in self.book.installed.get(asset, {}):
                    raise invalid_parameter(NOT_SUBSCRIBED)
                await self._shake_hands(override, call.query.get("verify_token", ""))
            self.book.install(asset, app.id, {"override_callback_uri": override, "fields": []})
            return DONE
        fields = _names(call, "subscribed_fields")
        if not fields:
            raise invalid_parameter("Param subscribed_fields is required")
        self._check_names(fields, "page" if owner == MESSENGER else "instagram")
        self.book.install(asset, app.id, {"fields": fields})
        return DONE

    def _installed(self, asset: str, app: MetaApp) -> dict[str, Any]:
        values = self.book.installed[asset][app.id]
        name = "Saltbush correspondence"
        if asset == self.meta.waba_id:
            told: dict[str, Any] = {
                "whatsapp_business_api_data": {
                    "id": app.id,
                    "link": "https://example.com/",
                    "name": name,
                }
            }
            override = values.get("override_callback_uri")
            return told | ({"override_callback_uri": override} if override else {})
        if asset == self.meta.instagram_id:
            return {"app_id": app.id, "subscribed_fields": values["fields"]}
        return {"id": app.id, "name": name, "subscribed_fields": values["fields"]}

    # -- the business app's data -------------------------------------------------------------------

    def _synchronise(self, call: Call) -> Answer:
        """Each kind once: history, and the contact book."""
        kind = call.query.get("sync_type", "")
        if call.channel != WHATSAPP or kind not in ("history", "smb_app_state_sync"):
            raise invalid_parameter("sync_type must be history or smb_app_state_sync")
        if kind in self.book.synchronised:
            raise GraphError(
                SYNCHRONISED_BEFORE, "Synchronization request limit exceeded", subcode=None
            )
        self.book.synchronise(kind)
        self.history.start(kind)
        return {"messaging_product": "whatsapp", "request_id": digits(20, "sync", kind)}


def _names(call: Call, key: str) -> list[str]:
    """A list of names: comma-separated, or a JSON array."""
    text = call.query.get(key, "")
    if text.startswith("["):
        return [str(name) for name in json.loads(text)]
    return [name.strip() for name in text.split(",") if name.strip()]
