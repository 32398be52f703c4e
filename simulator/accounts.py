"""The accounts of the simulated providers: their keys (invented, made of the seed) and phone
numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from simulator.catalogue import DOMAIN, MAILBOX
from simulator.people import SHOP_NUMBERS
from simulator.scribe import sid


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
        )

    def connections(self, base_url: str, audience: str) -> dict[str, dict[str, str]]:
        """The connection keys of each channel, as GET /simulator/accounts shows them."""
        return {
            "twilio_sms": {
                "account_sid": self.account_sid,
                "auth_token": self.auth_token,
                "numbers": ",".join(SHOP_NUMBERS),
                "api_base": base_url,
            },
            "gmail": {
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
