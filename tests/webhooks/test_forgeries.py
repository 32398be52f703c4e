"""Forged requests over all six channels: none is accepted, and every genuine one among them is.

100,000 of them with `CRM_TEST_LONG=1`, some hundreds in each run.
"""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from tests.long_form import LONG
from tests.webhooks.conftest import Sender, google_token, twilio_signature
from tests.webhooks.meta_proof import META_ACCOUNTS, meta_signature
from warehouse import connections
from warehouse.settings import Settings

FORGED = 100_000 if LONG else 720
#: So many forgeries to one genuine request.
TO_ONE_GENUINE = 40
#: Written otherwise and still what was signed: received as the delivery that it is, and so not a second time.
SAME = {"a bit of the body", "fields in another order", "a field twice, the same"}
Proof = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A request that its provider did not make."""

    kind: str
    url: str
    body: bytes
    proof: Proof


def flipped(of: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(of))
    return of[:place] + bytes([of[place] ^ (1 << chance.randrange(8))]) + of[place + 1 :]


def with_another_letter(text: str, chance: random.Random) -> str:
    """Of a proof: any letter of base64 or hex in the place of another."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    place = chance.choice(places)
    others = [
        letter for letter in "ABCXYZabcdef0123456789" if letter.lower() != text[place].lower()
    ]
    return text[:place] + chance.choice(others) + text[place + 1 :]


def jwt_with_a_flipped_bit(token: str, chance: random.Random) -> str:
    """In its signature as it is counted: the last letter of base64 has bits that say nothing."""
    head, claims, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    changed = base64.urlsafe_b64encode(flipped(raw, chance)).rstrip(b"=").decode()
    return f"{head}.{claims}.{changed}"


class Forger:
    """What can be made of one channel's genuine request without its secret."""

    def __init__(
        self, sender: Sender, other: connections.Connection, sign_other: Any, seed: int
    ) -> None:
        self.sender, self.sign_other = sender, sign_other
        self.other_url = sender.receiver.base_url + connections.webhook_path(other)
        self.chance = random.Random(seed)
        self.body = sender.sample(1)
        self.proof = sender.sign(sender.url, self.body)
        self.kinds: dict[str, Callable[[], Forgery]] = {
            f"as the sender's {name}": self._as_sender(forge)
            for name, forge in sender.forgeries.items()
        }
        self.kinds["another connection's secret"] = lambda: self._of(
            proof=sign_other(sender.url, self.body)
        )
        self.kinds["another letter in the proof"] = self._other_letter
        if sender.channel == "gmail":
            self.kinds["a bit of the token's signature"] = self._other_bit
            self.kinds["to another connection"] = lambda: self._of(url=self.other_url)
            return
        self.kinds["to another connection"] = lambda: self._of(url=self.other_url)
        self.kinds["a bit of the body"] = lambda: self._of(body=flipped(self.body, self.chance))
        self.kinds["cut off"] = lambda: self._of(
            body=self.body[: self.chance.randrange(1, len(self.body) - 1)]
        )
        self.kinds["more behind it"] = lambda: self._of(
            body=self.body + b"&x=1" * self.chance.randrange(1, 9)
        )
        self.kinds["no proof"] = lambda: self._of(proof={})
        if sender.channel.startswith("twilio"):
            self._twilio()

    def _twilio(self) -> None:
        url, sign = self.sender.url, self.sender.sign
        fields = self.body.split(b"&")

        def shuffled() -> bytes:
            return b"&".join(self.chance.sample(fields, len(fields)))

        self.kinds |= {
            "for another scheme": lambda: self._of(proof=sign(url.replace("http:", "https:"), self.body)),
            "for another port": lambda: self._of(
                proof=sign(url.replace(self.sender.receiver.base_url, f"http://127.0.0.1:{self.chance.randrange(1, 1024)}"), self.body)
            ),
            "for another path": lambda: self._of(proof=sign(f"{url}/{self.chance.random()}", self.body)),
            "for another connection's address": lambda: self._of(proof=sign(self.other_url, self.body)),
            "fields in another order": lambda: self._of(body=shuffled()),
            "a field twice, the same": lambda: self._of(body=self.body + b"&" + self.chance.choice(fields)),
            "a field twice, another value": lambda: self._of(
                body=self.body + b"&" + self.chance.choice(fields).partition(b"=")[0] + b"=forged"
            ),
        }  # fmt: skip

    def _of(
        self, *, url: str = "", body: bytes | None = None, proof: Proof | None = None
    ) -> Forgery:
        return Forgery(
            kind="", url=url or self.sender.url,
            body=self.body if body is None else body, proof=self.proof if proof is None else proof,
        )  # fmt: skip

    def _as_sender(self, forge: Callable[[str, bytes], Proof]) -> Callable[[], Forgery]:
        return lambda: self._of(proof=forge(self.sender.url, self.body))

    def _other_letter(self) -> Forgery:
        ((name, value),) = self.proof.items()
        start, _, proof = value.rpartition("Bearer ") if "Bearer" in value else ("", "", value)
        head, _, end = proof.rpartition(".")
        # Of a token the claims, of which every letter is signed.
        changed = (
            with_another_letter(head, self.chance) + "." + end
            if head
            else with_another_letter(proof, self.chance)
        )
        return self._of(proof={name: f"{'Bearer ' if 'Bearer' in value else ''}{start}{changed}"})

    def _other_bit(self) -> Forgery:
        token = self.proof["Authorization"].removeprefix("Bearer ")
        return self._of(
            proof={"Authorization": f"Bearer {jwt_with_a_flipped_bit(token, self.chance)}"}
        )

    def forged(self, number: int) -> Forgery:
        kind = sorted(self.kinds)[number % len(self.kinds)]
        return replace(self.kinds[kind](), kind=kind)


@pytest.fixture
def forgers(
    settings: Settings, admin: psycopg.Connection[Any], request: pytest.FixtureRequest, certificates: Any
) -> list[Forger]:  # fmt: skip
    made = []
    for seed, channel in enumerate(
        ("twilio_sms", "twilio_voice", "gmail", "whatsapp", "instagram", "messenger")
    ):
        sender: Sender = request.getfixturevalue(channel)
        values = {**sender.connection.settings, **sender.connection.secrets}
        values.pop("verify_token")
        if channel.startswith("twilio"):
            sign: Any = twilio_signature("of-another-connection")
            values["auth_token"] = "of-another-connection"
        elif channel == "gmail":
            values["push_audience"] = elsewhere = "https://crm.example.com/another"

            def sign(url: str, body: bytes, aud: str = elsewhere) -> Proof:
                return google_token(certificates, aud=aud)
        else:
            sign = meta_signature("of-another-connection")
            values |= {"app_secret": "of-another-connection"} | {
                key: f"{value}9" for key, value in META_ACCOUNTS[channel].items()
            }
        other = connections.add(
            admin, settings, channel=channel, name="Other", values=values, actor="test"
        )
        made.append(Forger(sender, other, sign, seed))
    return made


@pytest.mark.timeout(120 if not LONG else 3600)
def test_no_forged_request_is_accepted_and_every_genuine_one_is(
    forgers: list[Forger], admin: psycopg.Connection[Any]
) -> None:
    # What is forged was received before, so that whatever is the same in other words is known.
    for forger in forgers:
        assert forger.sender.post(forger.body).is_success, forger.sender.channel
    answers: Counter[tuple[str, str, int]] = Counter()
    failed, genuine = list[str](), len(forgers)

    def one(number: int) -> None:
        forger = forgers[number % len(forgers)]
        made = forger.forged(number // len(forgers))
        # What is no ASCII is sent as the bytes that it is.
        proof: Any = {name: value.encode("latin-1") for name, value in made.proof.items()}
        answer = forger.sender.post(made.body, headers=proof, url=made.url)
        answers[forger.sender.channel, made.kind, answer.status_code] += 1
        if number % TO_ONE_GENUINE == 0:
            sent = forger.sender.post(forger.sender.sample(number + 2))
            if not sent.is_success:
                failed.append(f"{forger.sender.channel} {number}: {sent.status_code}")

    with ThreadPoolExecutor(6) as pool:
        for _ in pool.map(one, range(FORGED)):
            pass
    genuine += len(range(0, FORGED, TO_ONE_GENUINE))
    assert failed == []
    assert admin.execute("select count(*) from raw.webhook_deliveries").fetchone() == (genuine,)
    accepted = {each for each in answers if each[2] != 401 and each[1] not in SAME}
    assert accepted == set()
    # And the forgers did what they say: of each kind some, over all six.
    assert sum(answers.values()) == FORGED
    assert len({channel for channel, _, _ in answers}) == 6
    assert {(forger.sender.channel, kind) for forger in forgers for kind in forger.kinds} == {
        (channel, kind) for channel, kind, _ in answers
    }
