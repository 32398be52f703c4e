"""The control calls of a running simulator as methods, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from simulator.trust import trusted


class Simulator:
    """A running simulator; the methods are the control calls of the same names."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._client = httpx.Client(
            base_url=base_url, timeout=30, trust_env=False, verify=trusted()
        )
        self.accounts: dict[str, dict[str, str]] = self.get("accounts")

    def get(self, what: str, **query: Any) -> Any:
        return self._answer(self._client.get(f"/simulator/{what}", params=query))

    def post(self, what: str, *, timeout_seconds: float = 30, **body: Any) -> Any:
        return self._answer(
            self._client.post(f"/simulator/{what}", json=body, timeout=timeout_seconds)
        )

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.status_code == 400:
            raise ValueError(answer.json()["error"])
        answer.raise_for_status()
        return answer.json()

    def people(self) -> list[dict[str, Any]]:
        return list(self.get("people"))

    def state(self) -> dict[str, Any]:
        return dict(self.get("state"))

    def deliveries(self, **narrow: Any) -> list[dict[str, Any]]:
        return list(self.get("deliveries", **narrow)["deliveries"])

    def message(self, **message: Any) -> dict[str, Any]:
        """`from` is a Python word: give it as `sender`."""
        if "sender" in message:
            message["from"] = message.pop("sender")
        return dict(self.post("messages", **message))

    def call(self, **message: Any) -> dict[str, Any]:
        """A phone call: the keys of turns.CallPlan beside direction, person, sender and to."""
        around = ("direction", "person", "sender", "to", "silent", "at", "wait")
        outer = {key: message.pop(key) for key in around if key in message}
        return self.message(channel="twilio_voice", call=message, **outer)

    def conference(self, seconds: int = 60) -> dict[str, Any]:
        """A conference that ends and leaves a recording."""
        return dict(self.post("conference", seconds=seconds))

    def event(self, channel: str, event: str = "", **more: Any) -> dict[str, Any]:
        """A named event, or with `raw`, `value` or `item` one as it is."""
        return dict(self.post("events", channel=channel, event=event, **more))

    def react(self, identity: str, emoji: str | None, by: str = "person") -> dict[str, Any]:
        """A reaction; None takes it back."""
        return dict(self.post("react", id=identity, emoji=emoji, by=by))

    def edit(self, identity: str, body: str) -> dict[str, Any]:
        return dict(self.post("edit", id=identity, body=body))

    def unsend(self, identity: str) -> dict[str, Any]:
        return dict(self.post("unsend", id=identity))

    def read(self, identity: str) -> dict[str, Any]:
        return dict(self.post("read", id=identity))

    def point(self, channel: str, url: str, verify_token: str = "", **more: Any) -> dict[str, Any]:
        """Have the webhooks of a channel (not gmail: subscribe) come to an address."""
        body = {"channel": channel, "url": url, "verify_token": verify_token, **more}
        return dict(self.post("callbacks", **body))

    def rehearse(self) -> dict[str, Any]:
        """Tell the hero's last days by webhook, each channel once."""
        return dict(self.post("rehearse"))

    def burst(self, events: int, *, timeout_seconds: float = 3600, **more: Any) -> dict[str, Any]:
        """So many webhooks at once, over all channels that have an address; returns when all are
        acknowledged: seed, duplicate_max, shuffle, batch, connections, channels."""
        return dict(self.post("burst", timeout_seconds=timeout_seconds, events=events, **more))

    def truth(self, channel: str | None = None, *, hashes: bool = False) -> list[dict[str, Any]]:
        """Every message that the providers know."""
        narrow = {"channel": channel} if channel else {}
        answer = self._client.get(
            "/simulator/truth", params=narrow | ({"hashes": "1"} if hashes else {}), timeout=600
        )
        return list(self._answer(answer))

    def subscribe(self, endpoint: str, audience: str = "", watch: bool = True) -> dict[str, Any]:
        answer = dict(self.post("subscriptions", endpoint=endpoint, audience=audience, watch=watch))
        self.accounts = self.get("accounts")
        return answer

    def live(self, per_minute: float, seed: int | None = None) -> None:
        self.post("live", per_minute=per_minute, seed=seed)

    def faults(self, **faults: Any) -> dict[str, Any]:
        return dict(self.post("faults", **faults)["faults"])

    def redact(self, sid: str) -> None:
        self.post("redact", channel="twilio_sms", id=sid)

    def delete(self, channel: str, identity: str) -> None:
        self.post("delete", channel=channel, id=identity)

    def labels(
        self, identity: str, *, add: list[str] | None = None, remove: list[str] | None = None
    ) -> list[str]:
        return list(self.post("labels", id=identity, add=add or [], remove=remove or []))

    def close(self) -> None:
        self._client.close()
