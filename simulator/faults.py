"""What may go wrong on demand, and how often.

A fault that hits is given as a rate or a count: a JSON fraction such as 0.2 hits that share of the
cases (1.0 all of them), a JSON integer such as 3 hits the next three and then stops; 0 is off.
"""

from __future__ import annotations

import random
import time
from collections import deque
from typing import Any

from simulator.channels import CHATS

# Rates or counts. Of the webhooks and pushes: drop, forge. Of the REST calls: the rest.
HITS = {
    "drop": "a webhook or push is never sent",
    "forge": "a webhook or push is sent with a wrong proof",
    "http_429": "a REST call answers 429",
    "http_500": "a REST call answers 500 (Twilio, Graph) or 503 (Gmail)",
    "gmail_rate_limit": "a Gmail call answers 403 userRateLimitExceeded",
    "invalid_grant": "the token endpoint answers 400 invalid_grant",
    "graph_rate_limit": "a Graph call answers 400 with code 4 (limit of the app)",
    "graph_account_limit": "a Graph call answers 400 with code 613 (limit of the account)",
    "refuse_mp3": "the .mp3 of a recording answers 406, the .wav does not",
    "graph_empty_page": "a list of conversations answers an empty page that has a next one",
}
AMOUNTS = {
    "require_proof": "Graph refuses calls to graph.facebook.com without appsecret_proof (at the start 1)",
    "graph_most_nested": "a nested read of so many messages, of a large conversation, is too much (at the start 10)",
    "graph_large_conversation": "so many messages make a conversation large (at the start 150)",
    "number_edits": "Instagram sends {mid, num_edit: 0} after each message (at the start 1)",
    "catching_service": "a Messaging Service takes the texts of the first number, past its SMS URL",
    "twiml_callbacks": "what answers calls names our address for legs, recordings, transcripts (at the start 0)",
    "delay_seconds": "every webhook and push waits so long first",
    "duplicate_max": "up to so many extra copies of every webhook and push",
    "answer_seconds": "every answer of a provider takes so much longer, as from far away",
    "clock_behind_seconds": "the providers' clock is so much behind ours",
    "age_seconds": "new messages say that they are so old: a webhook that comes a day late",
    "batch": "up to so many of Meta's events go in one webhook (0: one)",
    "meta_hour_seconds": "so long an hour of Meta's retries lasts here (at the start 60)",
    "history_chunk_messages": "WhatsApp's history has so many messages a webhook (0: thousands)",
    "shuffle": "webhooks and pushes are reordered within a window of so many seconds (true: 0.5)",
    "expire_history_before": 'history ids below this answer 404 ("now": all handed out so far)',
    "gmail_units_per_minute": "Gmail's quota, above it 403 userRateLimitExceeded (Google's: 6000)",
    "graph_calls_per_second": "Graph's limit, above it 400 with code 613 (Meta's: 2 per account)",
}
ACTIONS = {
    "expire_access_tokens": "all access tokens handed out so far answer 401",
    "rotate_signing_key": "Pub/Sub signs with a new key; the old certificate is served as well",
    "expire_meta_token": "a channel's token (true: all of Meta's) answers 190 with subcode 463",
    "renew_token": "the tokens that expire_meta_token killed live again",
    "expire_media": "all media ids and addresses that Meta told so far are gone",
}


AT_THE_START = {
    "meta_hour_seconds": 60,
    "require_proof": 1,
    "graph_most_nested": 10,
    "graph_large_conversation": 150,
    "number_edits": 1,
}


class UnknownFault(ValueError):
    """There is no such fault, or its value cannot be one."""


class Faults:
    """The faults in force. All off at the start."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"{seed}|faults")
        self.values: dict[str, float | int] = dict.fromkeys([*HITS, *AMOUNTS], 0)
        self.values |= AT_THE_START
        self.expired_tokens: set[str] = set()
        self._spent: deque[tuple[float, int]] = deque()

    def set(self, wanted: dict[str, Any]) -> None:
        """Change the named faults, leave the others.

        Raises:
            UnknownFault: names the key; then nothing is changed.
        """
        checked: dict[str, float | int] = {}
        for name, value in wanted.items():
            if name not in self.values:
                raise UnknownFault(
                    f"no fault named {name!r}; there are {', '.join([*self.values, *ACTIONS])}"
                )
            if value is True:
                value = 0.5 if name == "shuffle" else 1.0
            if value is None or value is False:
                value = 0
            if not isinstance(value, (int, float)) or value < 0:
                raise UnknownFault(f"{name} needs a number from 0 up")
            if name in HITS and isinstance(value, float) and value > 1:
                raise UnknownFault(
                    f"{name} needs a rate from 0.0 to 1.0 or a whole number of times"
                )
            checked[name] = value
        self.values.update(checked)

    def expire_tokens(self, which: Any) -> None:
        """Kill the token of one of Meta's channels, or of all (true).

        Raises:
            UnknownFault: no such channel.
        """
        if which is not True and which not in CHATS:
            raise UnknownFault(f"expire_meta_token needs true or one of {', '.join(CHATS)}")
        self.expired_tokens |= set(CHATS) if which is True else {which}

    def hit(self, name: str) -> bool:
        """Whether this fault strikes now; counts down if it is a count."""
        value = self.values[name]
        if not value:
            return False
        if isinstance(value, int):
            self.values[name] = value - 1
            return True
        return self.random.random() < value

    def copies(self) -> int:
        return 1 + self.random.randint(0, int(self.values["duplicate_max"]))

    def pause(self) -> float:
        """Seconds before one copy is sent."""
        return float(self.values["delay_seconds"]) + self.random.random() * float(
            self.values["shuffle"]
        )

    def over_quota(self, units: int) -> bool:
        """Spend Gmail quota units; true when the minute's budget is used up."""
        budget, now = int(self.values["gmail_units_per_minute"]), time.monotonic()
        if not budget:
            return False
        while self._spent and self._spent[0][0] < now - 60:
            self._spent.popleft()
        if sum(spent for _, spent in self._spent) + units > budget:
            return True
        self._spent.append((now, units))
        return False
