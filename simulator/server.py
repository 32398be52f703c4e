"""The simulator as one HTTP server, for a command line or inside a test.

with simulator.server.start(seed=7, messages=200, state_dir=tmp_path) as provider:
    provider.message(channel="twilio_sms", person="Mai Tran", body="hello")
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from simulator import control
from simulator.arrivals import Arrivals
from simulator.burst import Burst
from simulator.chat_arrivals import ChatArrivals
from simulator.chat_notices import ChatNotices
from simulator.control_deeds import ControlDeeds
from simulator.control_meta import ControlMeta
from simulator.control_views import ControlViews
from simulator.courier import Courier
from simulator.faults import Faults
from simulator.gmail_rest import GmailRest
from simulator.gmail_routes import GmailRoutes
from simulator.graph_conversations import GraphConversations
from simulator.graph_registrations import GraphRegistrations
from simulator.graph_rest import GraphRest
from simulator.graph_tokens import GraphTokens
from simulator.graph_views import GraphViews
from simulator.graph_whatsapp import GraphWhatsapp
from simulator.live import Live
from simulator.messaging_events import MessagingEvents
from simulator.meta_media import MetaMedia
from simulator.meta_webhooks import MetaWebhooks
from simulator.pubsub import PubSub
from simulator.rehearsal import Rehearsal
from simulator.state import State
from simulator.twilio_caller import TwilioCaller
from simulator.twilio_rest import TwilioRest
from simulator.twilio_webhooks import TwilioWebhooks
from simulator.voice_events import VoiceEvents
from simulator.voice_webhooks import VoiceWebhooks
from simulator.whatsapp_events import WhatsappEvents
from simulator.whatsapp_history import WhatsappHistory

HOST = "127.0.0.1"


def build(state: State) -> Starlette:
    """The application over a state. It closes the state when it ends."""
    faults = Faults(state.seed)
    courier = Courier(faults)
    pubsub = PubSub(state, courier)
    gmail = GmailRest(state, faults)
    tokens = GraphTokens(state, faults)
    media = MetaMedia(state, tokens)
    webhooks = MetaWebhooks(state, courier)
    whatsapp = WhatsappEvents(state.accounts.meta, media)
    messaging = MessagingEvents(state.accounts.meta, media)
    chats = ChatArrivals(state, courier, webhooks, ChatNotices(whatsapp, messaging))
    history = WhatsappHistory(state, courier, webhooks, whatsapp)
    caller = TwilioCaller(state, courier)
    arrivals = Arrivals(
        state,
        courier,
        TwilioWebhooks(state, caller),
        VoiceWebhooks(VoiceEvents(state), caller),
        pubsub,
        chats,
    )
    graph = GraphRest(
        state,
        faults,
        tokens,
        [
            GraphRegistrations(state, tokens, webhooks, history).answer,
            GraphConversations(state, faults, GraphViews(state, media)).answer,
            GraphWhatsapp(state, media).answer,
        ],
    )
    live = Live(arrivals)
    views = ControlViews(state, courier, graph, live)
    deeds = {
        **ControlDeeds(arrivals, gmail.tokens, media, live).all(),
        **ControlMeta(arrivals, history).all(),
        **Rehearsal(arrivals).all(),
        **Burst(arrivals).all(),
    }

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await courier.close()
        state.close()

    routes = [
        *control.routes(views.all(), deeds),
        *GmailRoutes(gmail, pubsub).routes(),
        *TwilioRest(state, faults).routes(),
        *media.routes(),
        *graph.routes(),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def listen(port: int) -> socket.socket:
    """A listening socket on this machine only; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise
    return listening


def serve(
    listening: socket.socket,
    *,
    seed: int,
    messages: int,
    state_dir: Path,
    anchor: datetime | None = None,
) -> uvicorn.Server:
    """A server that is ready to run on the socket."""
    base_url = f"http://{HOST}:{listening.getsockname()[1]}"
    state = State(state_dir, seed=seed, messages=messages, base_url=base_url, anchor=anchor)
    config = uvicorn.Config(
        build(state),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    return uvicorn.Server(config)


class Simulator:
    """A running simulator; the methods are the control calls of the same names."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._client = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
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


@contextlib.contextmanager
def start(
    port: int = 0,
    *,
    seed: int = 7,
    messages: int = 200,
    state_dir: Path | str,
    anchor: datetime | None = None,
) -> Iterator[Simulator]:
    """Run the simulator in a thread as long as the block lasts. `anchor` (aware) is for the first
    start only."""
    listening = listen(port)
    server = serve(
        listening, seed=seed, messages=messages, state_dir=Path(state_dir), anchor=anchor
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="simulator", daemon=True
    )
    listening.listen()  # so that the first request waits in the queue instead of being refused
    thread.start()
    running = Simulator(f"http://{HOST}:{listening.getsockname()[1]}")
    try:
        yield running
    finally:
        running.close()
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
