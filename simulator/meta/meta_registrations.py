"""What was registered at Meta: callback addresses, subscribed apps, tokens, one-time requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator import contract
from simulator.world.accounts import MetaAccounts

Record = Callable[[dict[str, Any]], None]


class MetaRegistrations:
    """Kept over restarts. Changes go through the journal: each method records, each `_apply` does.

    `callbacks` is by app and object: {"callback_url", "verify_token", "fields"}; `installed` is by
    asset (page, Instagram account, WABA) and app: {"fields", "override_callback_uri",
    "verify_token"}. An app hears of an asset when both know it.
    """

    def __init__(self, accounts: MetaAccounts, record: Record) -> None:
        self.accounts, self._record = accounts, record
        self.callbacks: dict[str, dict[str, dict[str, Any]]] = {}
        self.installed: dict[str, dict[str, dict[str, Any]]] = {}
        self.synchronised: list[str] = []
        self.refreshed: list[str] = []

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "meta_callback": self._apply_callback,
            "meta_installed": self._apply_installed,
            "meta_synchronised": lambda event: self.synchronised.append(event["sync_type"]),
            "meta_refreshed": lambda event: self.refreshed.append(event["token"]),
        }

    def set_callback(self, app: str, kind: str, values: dict[str, Any] | None) -> None:
        """Where an app hears of an object (page, instagram, whatsapp_business_account); None ends
        it."""
        self._record({"what": "meta_callback", "app": app, "object": kind, "values": values})

    def install(self, asset: str, app: str, values: dict[str, Any] | None) -> None:
        """Subscribe an app to an asset; None ends it."""
        self._record({"what": "meta_installed", "asset": asset, "app": app, "values": values})

    def synchronise(self, sync_type: str) -> None:
        self._record({"what": "meta_synchronised", "sync_type": sync_type})

    def refresh(self, token: str) -> None:
        self._record({"what": "meta_refreshed", "token": token})

    def targets(self, kind: str, asset: str, field: str) -> list[tuple[str, str]]:
        """(app, callback address) of everybody who hears of `field` at the asset: the app has it
        in its fields for the object, and the asset sends it to the app. Without fields it is all."""
        through_page = kind == "instagram" and asset == self.accounts.page_id
        # Instagram has no field of echoes: they come as messages.
        wanted = "messages" if kind == "instagram" and field == "message_echoes" else field
        found = []
        for app, values in self.installed.get(asset, {}).items():
            # The app of Instagram's login has no address of its own: it lies within the Meta app.
            nested = app == self.accounts.instagram_app.id
            callback = self.callbacks.get(self.accounts.app.id if nested else app, {}).get(kind, {})
            override = values.get("override_callback_uri") if field in contract.overridden() else ""
            sent = through_page or _has(values, wanted)
            url = override or callback.get("callback_url")
            if url and sent and callback and _has(callback, wanted):
                found.append((app, url))
        return found

    def _apply_callback(self, event: dict[str, Any]) -> None:
        objects = self.callbacks.setdefault(event["app"], {})
        objects.pop(event["object"], None)
        if event["values"] is not None:
            objects[event["object"]] = event["values"]

    def _apply_installed(self, event: dict[str, Any]) -> None:
        apps = self.installed.setdefault(event["asset"], {})
        apps.pop(event["app"], None)
        if event["values"] is not None:
            apps[event["app"]] = event["values"]


def _has(subscription: dict[str, Any], field: str) -> bool:
    fields = subscription.get("fields")
    return not fields or field in fields
