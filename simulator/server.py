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

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from simulator.answering import Answering
from simulator.control import routes as control
from simulator.control.arrivals import Arrivals
from simulator.control.burst import Burst
from simulator.control.chat_arrivals import ChatArrivals
from simulator.control.deeds import ControlDeeds
from simulator.control.meta import ControlMeta
from simulator.control.rehearsal import Rehearsal
from simulator.control.views import ControlViews
from simulator.courier import Courier
from simulator.faults import Faults
from simulator.google.gmail_rest import GmailRest
from simulator.google.gmail_routes import GmailRoutes
from simulator.google.pubsub import PubSub
from simulator.handle import Simulator
from simulator.meta.chat_notices import ChatNotices
from simulator.meta.graph_conversations import GraphConversations
from simulator.meta.graph_registrations import GraphRegistrations
from simulator.meta.graph_rest import GraphRest
from simulator.meta.graph_tokens import GraphTokens
from simulator.meta.graph_views import GraphViews
from simulator.meta.graph_whatsapp import GraphWhatsapp
from simulator.meta.messaging_events import MessagingEvents
from simulator.meta.meta_media import MetaMedia
from simulator.meta.meta_webhooks import MetaWebhooks
from simulator.meta.whatsapp_events import WhatsappEvents
from simulator.meta.whatsapp_history import WhatsappHistory
from simulator.store.state import State
from simulator.twilio.twilio_caller import TwilioCaller
from simulator.twilio.twilio_rest import TwilioRest
from simulator.twilio.twilio_webhooks import TwilioWebhooks
from simulator.twilio.voice_events import VoiceEvents
from simulator.twilio.voice_webhooks import VoiceWebhooks
from simulator.world.live import Live

__all__ = ["Simulator", "build", "listen", "serve", "start"]
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
    chats = ChatArrivals(state, courier, webhooks, ChatNotices(whatsapp, messaging, faults))
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
            GraphConversations(state, faults, GraphViews(state, media), tokens).answer,
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
    answering = Middleware(Answering, faults=faults)
    return Starlette(routes=routes, lifespan=lifespan, middleware=[answering])


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
        # Answering says what time it is.
        date_header=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    return uvicorn.Server(config)


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
