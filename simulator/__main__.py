"""python -m simulator: the providers on this machine, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from simulator import server

DESCRIPTION = """
Plays Twilio (SMS, voice), Gmail with Pub/Sub push and Meta (WhatsApp, Instagram, Messenger) over
HTTP on 127.0.0.1, with the history of an invented shop. The same seed and number of messages give
the same people, texts and ids; the time of the first start is kept in the state directory, and so is
every message made later.

  GET  /simulator/accounts       connection keys of each channel; ?flavour=facebook for Instagram
  GET  /simulator/people         who writes (known: is a customer already), with the ids on each chat
  GET  /simulator/truth          every message the providers know; ?channel= ?hashes=1
  GET  /simulator/deliveries     webhooks and pushes sent, with the answers
  GET  /simulator/state          counts and a hash of everything a pull would find
  GET  /simulator/events         names of events that are no messages
  POST /simulator/subscriptions  {endpoint, audience}: where Gmail's pushes go
  POST /simulator/callbacks      {channel, url, verify_token}: the console's way to register a webhook
  POST /simulator/messages       {channel, direction, person | from, body, ...}: one message now;
                                 twilio_voice: {call: {outcome, seconds, recorded, transcript, ...}};
                                 chats: kind, extra, location, contacts, story, postback, reply_to ...
  POST /simulator/react, /edit, /unsend, /read  {id, emoji | body}: what happens to a chat message
  POST /simulator/conference     {seconds}: a conference of calls ends and leaves a recording
  POST /simulator/events         {channel, event | value | item | raw}: an event that is no message
  POST /simulator/rehearse       the hero's last three days by webhook, each channel once
  POST /simulator/live           {per_minute, seed}: a stream of messages, 0 stops it
  POST /simulator/burst          {events, seed, duplicate_max, shuffle, batch}: many at once
  POST /simulator/faults         {drop, delay_seconds, age_seconds, duplicate_max, shuffle, batch,
                                 answer_seconds, clock_behind_seconds, http_429, graph_rate_limit,
                                 expire_meta_token, ...}; GET lists
  POST /simulator/redact, /simulator/delete {channel, id}, /simulator/labels {id, add, remove}
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8503, help="port on 127.0.0.1 (default 8503)")
    parser.add_argument(
        "--seed", type=int, default=7, help="what the history is made of (default 7)"
    )
    parser.add_argument(
        "--messages",
        type=int,
        default=2000,
        help="messages in the history, all channels (default 2000)",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        required=True,
        help="keeps the anchor, the live messages and the signing key",
    )
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if chosen.messages < 1:
        parser.error("--messages must be at least 1")
    try:
        listening = server.listen(chosen.port)
    except OSError as error:
        sys.stderr.write(
            f"port {chosen.port} cannot be used ({error.strerror}): choose another with --port\n"
        )
        return 2
    program = server.serve(
        listening, seed=chosen.seed, messages=chosen.messages, state_dir=chosen.state_dir
    )
    sys.stderr.write(f"simulated providers at http://{server.HOST}:{listening.getsockname()[1]}\n")
    sys.stderr.flush()
    program.run(sockets=[listening])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
