"""What the control interface shows: accounts, people, what was sent, what the providers know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from simulator.channels import CHATS
from simulator.courier import Courier
from simulator.faults import ACTIONS, AMOUNTS, HITS
from simulator.meta import named_events
from simulator.meta.graph_rest import GraphRest
from simulator.store import truth
from simulator.store.state import State
from simulator.world.live import Live

View = Callable[[Request], Any]


class ControlViews:
    """GET /simulator/<name>."""

    def __init__(self, state: State, courier: Courier, graph: GraphRest, live: Live) -> None:
        self.state, self.courier, self.graph, self.live = state, courier, graph, live

    def all(self) -> dict[str, View]:
        return {
            "accounts": self.accounts,
            "people": self.people,
            "deliveries": self.deliveries,
            "faults": self.faults,
            "state": self.summary,
            "truth": self.truth,
            "events": self.events,
            "contract": self.contract,
        }

    def accounts(self, request: Request) -> dict[str, dict[str, str]]:
        """?flavour=facebook gives Instagram by way of the page."""
        audience = self.state.subscription["audience"] or self.state.subscription["endpoint"]
        return self.state.accounts.connections(
            self.state.base_url,
            audience or "https://crm.example.com/webhooks/gmail",
            flavour=request.query_params.get("flavour", "instagram"),
        )

    def people(self, request: Request) -> list[dict[str, object]]:
        return [p.public() for p in self.state.people]

    def deliveries(self, request: Request) -> dict[str, Any]:
        """The log, newest last; ?after=NUMBER and ?channel= narrow it."""
        after, channel = (
            int(request.query_params.get("after", 0)),
            request.query_params.get("channel"),
        )
        lines = [
            x for x in self.courier.log if x["number"] > after and channel in (None, x["channel"])
        ]
        return {"deliveries": lines}

    def faults(self, request: Request) -> dict[str, Any]:
        return {"faults": self.courier.faults.values, "known": {**HITS, **AMOUNTS, **ACTIONS}}

    def events(self, request: Request) -> dict[str, list[str]]:
        """The names that POST /simulator/events knows."""
        return {channel: named_events.names(channel) for channel in CHATS}

    def contract(self, request: Request) -> dict[str, list[str]]:
        """What was asked of the providers, and what of it is in none of their descriptions."""
        kept = self.state.contract
        return {"asked": sorted(kept.asked), "unknown": kept.unknown}

    def truth(self, request: Request) -> list[dict[str, Any]]:
        """?channel= narrows it; ?hashes=1 adds the SHA-256 of attachments."""
        hashes = request.query_params.get("hashes", "") not in ("", "0")
        return truth.read(self.state, request.query_params.get("channel"), hashes=hashes)

    def summary(self, request: Request) -> dict[str, Any]:
        """Counts, and a hash of everything a pull would find."""
        return {
            "seed": self.state.seed,
            "messages": self.state.messages,
            "anchor": self.state.anchor.isoformat(),
            **self.state.counts(),
            "history_id": self.state.history_id,
            "live_per_minute": self.live.per_minute,
            "subscription": self.state.subscription,
            "watch_until_ms": self.state.watch_until_ms,
            "rehearsed": self.state.rehearsed,
            "meta": {
                "callbacks": self.state.meta.callbacks,
                "installed": self.state.meta.installed,
                "synchronised": self.state.meta.synchronised,
                "calls": self.graph.calls,
                "refused_posts": self.graph.refused_posts,
                "tokens_in_urls": self.graph.tokens.in_urls,
            },
            "fingerprint": self.state.fingerprint(),
        }
