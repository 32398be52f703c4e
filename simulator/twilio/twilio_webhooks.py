"""Twilio's webhooks of texts: inbound messages and status callbacks.

Follows https://www.twilio.com/docs/messaging/guides/webhook-request.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from simulator.channels import SMS
from simulator.store.records import Sms, segments
from simulator.store.state import State
from simulator.twilio.twilio_caller import TwilioCaller
from simulator.twilio.twilio_numbers import HIDDEN

ERRORS = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
}


def inbound_params(state: State, sms: Sms) -> dict[str, str]:
    """Every parameter of an inbound message, the empty ones included."""
    account = state.accounts.account_sid
    place = {f"{side}{what}": "" for side in ("From", "To") for what in ("City", "State", "Zip")}
    params = {
        "ToCountry": "AU",
        **place,
        "SmsMessageSid": sms.sid,
        "NumMedia": str(len(sms.media)),
        "SmsSid": sms.sid,
        "SmsStatus": "received",
        "Body": sms.body,
        "FromCountry": "AU",
        "To": sms.recipient,
        "NumSegments": str(segments(sms.body)),
        "MessageSid": sms.sid,
        "AccountSid": account,
        "From": sms.sender,
        "ApiVersion": "2010-04-01",
    }
    if sms.body.strip().upper() in ("STOP", "START", "HELP"):
        params["OptOutType"] = sms.body.strip().upper()
    scheme, _, identifier = sms.sender.partition(":")
    if scheme == "whatsapp" and not identifier.startswith("+"):
        # A person with a user name: WhatsApp's business-scoped id, since 20 July 2026.
        params |= {"ExternalUserIdentifier": identifier, "ChannelPrefix": scheme}
    for n, media in enumerate(sms.media):
        params[f"MediaContentType{n}"] = media.file.content_type
        params[f"MediaUrl{n}"] = (
            f"{state.base_url}/2010-04-01/Accounts/{account}/Messages/{sms.sid}/Media/{media.sid}"
        )
    return params


def status_params(state: State, sms: Sms, status: str, error_code: int | None) -> dict[str, str]:
    """The parameters of a status callback."""
    params = {
        "SmsSid": sms.sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": sms.recipient,
        "MessageSid": sms.sid,
        "AccountSid": state.accounts.account_sid,
        "From": sms.sender,
        "ApiVersion": "2010-04-01",
    }
    if error_code:
        params |= {
            "ErrorCode": str(error_code),
            "ErrorMessage": ERRORS.get(error_code, "Unknown error"),
        }
    if status in ("delivered", "undelivered"):
        params["RawDlrDoneDate"] = time.strftime("%y%m%d%H%M", time.gmtime())
    return params


class TwilioWebhooks:
    """Calls the SMS URL and the status callback of the shop's numbers."""

    def __init__(self, state: State, caller: TwilioCaller) -> None:
        self.state, self.caller, self.courier = state, caller, caller.courier

    def received(self, sms: Sms) -> asyncio.Future[dict[str, Any]]:
        """Announce an inbound message to its number's SMS URL."""
        number = self.caller.number(sms.recipient.removeprefix("whatsapp:")) or {}
        return self.caller.announce(
            SMS,
            "inbound",
            {"sid": sms.sid},
            number.get("sms_url", ""),
            number.get("sms_method", "POST"),
            inbound_params(self.state, sms),
            number.get("sms_fallback_url", ""),
        )

    def retell(self, sms: Sms) -> list[asyncio.Future[dict[str, Any]]]:
        """What was told of a message that is over, without waiting."""
        if sms.direction == "inbound":
            return [self.received(sms)]
        steps = dict.fromkeys(("sent", sms.status) if sms.status != "failed" else ("failed",))
        return [self._told(sms, status, sms.error_code, None) for status in steps]

    async def sent(
        self, sms: Sms, final: str, error_code: int | None, callback: str | None
    ) -> None:
        """Let an outbound message go through its statuses, each told to the status callback."""
        steps = ["queued", "failed"] if final == "failed" else ["queued", "sent", final]
        for status in dict.fromkeys(steps):
            error = error_code if status in ("failed", "undelivered") else None
            if status != "queued":
                await asyncio.sleep(0.05 + self.courier.faults.random.random() * 0.15)
                self.state.set_sms_status(sms.sid, status, int(time.time()), error)
            self._told(sms, status, error, callback)

    def _told(
        self, sms: Sms, status: str, error_code: int | None, callback: str | None
    ) -> asyncio.Future[dict[str, Any]]:
        """One status, to the address of the message, of the Messaging Service, or of whoever set
        the SMS URL."""
        number = self.caller.number(sms.sender) or {}
        url = self.status_address(sms) if callback is None else callback
        return self.caller.announce(
            SMS,
            "status",
            {"sid": sms.sid, "status": status},
            url,
            number.get("status_callback_method", "POST"),
            status_params(self.state, sms, status, error_code),
        )

    def status_address(self, sms: Sms) -> str:
        """Where the sending program wants to hear of the message, if nothing was said with it."""
        number = self.caller.number(sms.sender) or {}
        return str(self.state.messaging_service["status_callback"] or number.get(HIDDEN, ""))
