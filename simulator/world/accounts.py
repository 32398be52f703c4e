"""The accounts of the simulated providers: their keys (invented, made of the seed) and phone
numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from simulator.channels import INSTAGRAM, MAIL, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.store.scribe import digits, sid
from simulator.world.catalogue import DOMAIN, MAILBOX, SHOP
from simulator.world.people import SHOP_NUMBERS

API_VERSION = "v26.0"
RECORDING_BASIS = "Callers hear at the start of the call that it is recorded, and why."


@dataclass(frozen=True)
class MetaApp:
    """An app in the dashboard: its id, and the secret that signs its webhooks."""

    id: str
    secret: str

    @property
    def token(self) -> str:
        return f"{self.id}|{self.secret}"


@dataclass(frozen=True)
class MetaAccounts:
    """The shop at Meta: a page, an Instagram account, a WhatsApp number, and the apps that may read
    them. `instagram_app` is the nested one of Instagram Login, with a secret of its own. The page's token is handed
    out to whoever asks for it with the one of the system user, `system_token`."""

    app: MetaApp
    instagram_app: MetaApp
    page_id: str
    page_token: str
    instagram_id: str
    instagram_scoped_id: str
    instagram_username: str
    instagram_token: str
    waba_id: str
    phone_number_id: str
    portfolio_id: str
    whatsapp_token: str
    system_token: str
    display_phone_number: str = SHOP_NUMBERS[0][1:]
    page_name: str = SHOP

    @classmethod
    def of(cls, seed: int) -> MetaAccounts:
        def secret(name: str) -> str:
            return hashlib.sha256(f"simulator|{seed}|meta|{name}".encode()).hexdigest()

        def app(name: str) -> MetaApp:
            return MetaApp(digits(15, seed, name), secret(name)[:32])

        return cls(
            app("app"),
            app("instagram app"),
            digits(15, seed, "page"),
            f"EAAG{secret('page token')}",
            f"17841{digits(12, seed, 'instagram')}",
            digits(17, seed, "instagram scoped"),
            "saltbush.cycles",
            f"IGAA{secret('instagram token')}",
            digits(15, seed, "waba"),
            digits(15, seed, "phone number"),
            digits(16, seed, "portfolio"),
            f"EAAW{secret('system user token')}",
            f"EAAS{secret('system user of pages token')}",
        )

    def apps(self) -> tuple[MetaApp, MetaApp]:
        return self.app, self.instagram_app


@dataclass(frozen=True)
class Accounts:
    """Secrets that both sides share. None of them opens anything outside the simulator."""

    account_sid: str
    auth_token: str
    client_id: str
    client_secret: str
    refresh_token: str
    push_service_account: str
    pubsub_topic: str
    pubsub_subscription: str
    messaging_service_sid: str
    meta: MetaAccounts

    @classmethod
    def of(cls, seed: int) -> Accounts:
        def secret(name: str) -> str:
            return hashlib.sha256(f"simulator|{seed}|{name}".encode()).hexdigest()

        project = "projects/saltbush-simulator"
        return cls(
            sid("AC", "simulator", seed),
            secret("auth token")[:32],
            f"{int(secret('client')[:10], 16)}-simulated.apps.googleusercontent.com",
            f"GOCSPX-{secret('client secret')[:28]}",
            f"1//0{secret('refresh token')[:60]}",
            "pubsub-push@saltbush-simulator.iam.gserviceaccount.com",
            f"{project}/topics/gmail",
            f"{project}/subscriptions/gmail-push",
            sid("MG", "simulator", seed),
            MetaAccounts.of(seed),
        )

    def connections(
        self, base_url: str, audience: str, *, flavour: str = "instagram"
    ) -> dict[str, dict[str, str]]:
        """The connection keys of each channel, as GET /simulator/accounts shows them: with the tokens that Meta
        hands out. `flavour` is instagram, facebook or unified: how the Instagram account is connected."""
        here = {"api_base": base_url, "media_hosts": base_url.partition("://")[2]}
        twilio = {
            "account_sid": self.account_sid,
            "auth_token": self.auth_token,
            "numbers": ",".join(SHOP_NUMBERS),
            **here,
        }
        return {
            SMS: {**twilio, "messaging_service_sid": self.messaging_service_sid},
            MAIL: {
                "address": MAILBOX,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "refresh_token": self.refresh_token,
                "push_audience": audience,
                "push_service_account": self.push_service_account,
                "pubsub_topic": self.pubsub_topic,
                "own_domains": DOMAIN,
                "api_base": base_url,
                "certs_url": f"{base_url}/oauth2/v1/certs",
                "token_uri": f"{base_url}/token",
            },
            VOICE: {**twilio, "recording_basis": RECORDING_BASIS},
            **self._meta_connections(here, flavour),
        }

    def _meta_connections(self, here: dict[str, str], flavour: str) -> dict[str, dict[str, str]]:
        meta = self.meta
        by_login = flavour == "instagram"
        app = {"app_id": meta.app.id, "app_secret": meta.app.secret, "api_version": API_VERSION}
        nested = {"app_secret": meta.instagram_app.secret, "meta_app_secret": meta.app.secret}
        by_page = {"page_id": meta.page_id} if flavour == "facebook" else {}
        return {
            WHATSAPP: {
                **app,
                "access_token": meta.whatsapp_token,
                "phone_number_id": meta.phone_number_id,
                "business_account_id": meta.waba_id,
                "portfolio_id": meta.portfolio_id,
                **here,
            },
            INSTAGRAM: {
                **app,
                **(nested if by_login else by_page),
                "access_token": meta.instagram_token if by_login else meta.system_token,
                "account_id": meta.instagram_id,
                "flavour": flavour,
                **here,
            },
            MESSENGER: {
                **app,
                "access_token": meta.system_token,
                "page_id": meta.page_id,
                **here,
            },
        }


def numbers(accounts: Accounts, created: datetime) -> list[dict[str, Any]]:
    """The IncomingPhoneNumber resources. The voice URL belongs to another system and must stay as
    it is."""
    found = []
    root = f"/2010-04-01/Accounts/{accounts.account_sid}/IncomingPhoneNumbers"
    for index, number in enumerate(SHOP_NUMBERS):
        number_sid = sid("PN", accounts.account_sid, number)
        found.append(
            {
                "sid": number_sid,
                "account_sid": accounts.account_sid,
                "friendly_name": f"Saltbush {('front desk', 'workshop')[index]}",
                "phone_number": number,
                "sms_url": "",
                "sms_method": "POST",
                "sms_fallback_url": "",
                "sms_fallback_method": "POST",
                "sms_application_sid": "",
                "status_callback": "",
                "status_callback_method": "POST",
                "voice_url": "https://voice.example.com/menu",
                "voice_method": "POST",
                "voice_fallback_url": "",
                "voice_application_sid": "",
                "trunk_sid": None,
                "api_version": "2010-04-01",
                "origin": "twilio",
                "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
                "date_created": format_datetime(created),
                "date_updated": format_datetime(created),
                "uri": f"{root}/{number_sid}.json",
            }
        )
    return found
