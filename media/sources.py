"""Where the bytes of an attachment are had, one function per kind of source (`source ->> 'kind'`).

    twilio_media      Twilio's media resource, Basic auth, a redirect to its storage
    twilio_recording  a recording's resource, then its sound: mp3, or wav where there is no mp3
    graph_media       a media id: Graph gives an address that lives five minutes, asked for with the same token
    url               an address that stood in the message; when it has died, Graph is asked for a fresh one

Each gives the answer whose body is the file. Credentials go to the API alone, and WhatsApp's to the address
that Graph gave: never to where a redirect leads. Failures are told without any address (providers.failures).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from providers.failures import (
    NeedsAdmin,
    NotAccepted,
    NotAllowed,
    Permanent,
    ProviderFailed,
    Resting,
    TryLater,
)
from providers.meta import access, wire
from providers.meta.failures import NotAvailable, WrongProof, failure_of
from providers.meta.pace import pace_of
from providers.safe_http import JSON_BYTES, STATUS_REST_SECONDS, Answer, Hosts, SafeClient, is_there
from providers.twilio.client import Account
from warehouse.channels import registry
from warehouse.connections import Connection

MOST_BYTES = 100_000_000
#: Four hours of a phone call, as wav.
MOST_RECORDING_BYTES = 250_000_000
#: How an address says that it has died.
DEAD = (403, 404, 410)
#: What a provider does not know yet may only be late; after this time it is gone.
YOUNG = timedelta(minutes=10)
#: Ids of WhatsApp's media (docs/providers/whatsapp.md).
GRAPH_MEDIA_LIVES = timedelta(days=7)
#: Meta blocks downloads for half an hour after 20 failing answers within an hour.
GRAPH_FAILURES_PER_HOUR = 10
TWILIO_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")


class Expired(Permanent):
    """The provider has it no longer."""


class Outlived(Expired):
    """So old that the provider has it no longer, whoever asks."""


class Unavailable(Permanent):
    """The provider has nothing there that could be read."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One attachment to fetch, and with what."""

    connection: Connection
    client: SafeClient
    source: Mapping[str, Any]
    provider_message_id: str
    received_at: datetime

    @property
    def media_hosts(self) -> Hosts:
        """Where media of this channel lie, and where an admin says that they lie too."""
        channel = registry()[self.connection.channel]
        return Hosts.listed([*channel.media_hosts, *self.connection.several("media_hosts")])

    def followed(self, url: str, credentials: Mapping[str, str]) -> AbstractContextManager[Answer]:
        """The answer of a place where this channel's media lie."""
        return self.client.follow(url, self.media_hosts, credentials, self.media_hosts)

    @property
    def age(self) -> timedelta:
        return datetime.now(UTC) - self.received_at

    def text(self, key: str) -> str:
        """A text of the source.

        Raises:
            ProviderFailed: it is not there.
        """
        found = self.source.get(key)
        if not isinstance(found, str) or not found:
            raise ProviderFailed(f"the message does not say the {key.replace('_', ' ')}")
        return found

    def gone(self, words: str) -> ProviderFailed:
        """It is not there: not any more, or not yet."""
        return TryLater(f"{words}, yet") if self.age < YOUNG else Expired(words)


@dataclass(frozen=True)
class Found:
    """An answer whose body is the file, and its SHA-256 where the provider names one."""

    answer: Answer
    sha256: bytes | None = None


Opener = Callable[[Errand], AbstractContextManager[Found]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How to get at one kind of source."""

    opened: Opener
    limit_bytes: int = MOST_BYTES
    #: After so many failures within an hour the connection rests until they are older.
    failures_per_hour: int | None = None


def _twilio_sid(errand: Errand, key: str) -> str:
    sid = errand.text(key)
    if not TWILIO_SID.fullmatch(sid):
        raise ProviderFailed(f"the {key.replace('_', ' ')} is none of Twilio's")
    return sid


def _twilio_file(errand: Errand, path: str) -> AbstractContextManager[Answer]:
    return Account(errand.connection).file(errand.client, path, errand.media_hosts)


@contextmanager
def twilio_media(errand: Errand) -> Iterator[Found]:
    """A picture of an MMS, and what else comes with messages through Twilio."""
    message, media = _twilio_sid(errand, "message_sid"), _twilio_sid(errand, "media_sid")
    with _twilio_file(errand, f"Messages/{message}/Media/{media}") as answer:
        if not is_there(answer):
            raise errand.gone("Twilio does not have this file")
        yield Found(answer)


@contextmanager
def twilio_recording(errand: Errand) -> Iterator[Found]:
    """The sound of a call or of a voicemail."""
    sid = _twilio_sid(errand, "recording_sid")
    recording = Account(errand.connection).described(errand.client, f"Recordings/{sid}")
    if recording is None:
        raise errand.gone("Twilio does not have this recording")
    status = recording.get("status")
    if status == "deleted":
        raise Expired("deleted at Twilio")
    if status == "absent":
        raise Unavailable("Twilio recorded nothing")
    if recording.get("encryption_details"):
        raise Unavailable("encrypted with a key that only the account's owner has")
    if status in ("in-progress", "paused", "stopped", "processing"):
        raise TryLater("Twilio is not done with this recording")
    with ExitStack() as opened:
        answer = opened.enter_context(_twilio_file(errand, f"Recordings/{sid}.mp3"))
        if answer.status in (400, 404, 406, 415):
            opened.close()
            answer = opened.enter_context(_twilio_file(errand, f"Recordings/{sid}.wav"))
        if not is_there(answer):
            raise errand.gone("Twilio does not have the sound of this recording")
        yield Found(answer)


class _Graph:
    """Graph, asked once: an attempt that fails is one of the few that Meta allows in an hour."""

    def __init__(self, errand: Errand) -> None:
        self.errand, connection = errand, errand.connection
        given = connection.value("api_base")
        self.base = access.versioned(connection)
        self.hosts = Hosts.of_base(given) if given else Hosts(patterns=(self.base.split("/")[2],))
        self.name = f"{connection.channel} connection {connection.connection_id}"

    @property
    def credentials(self) -> dict[str, str]:
        """The token that the account's edges want, as a header."""
        return _bearer(access.access_token(self.errand.connection, self._of_the_page))

    def get(self, identity: str, **parameters: str) -> dict[str, Any]:
        """What Graph knows of an id.

        Raises:
            Expired: nothing.
            Resting, NeedsAdmin, TryLater, ProviderFailed: see providers.meta.failures.
        """
        if not identity.strip("."):
            raise ProviderFailed("the message does not say the id")
        token = access.access_token(self.errand.connection, self._of_the_page)
        try:
            return self._asked(quote(identity, safe=""), parameters, token)
        except NotAvailable:
            raise self.errand.gone("Meta does not have this file") from None

    def _of_the_page(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        try:
            return self._asked(path, query, self.errand.connection.required("access_token"))
        except (NotAccepted, NotAvailable):
            return None

    def _asked(self, path: str, parameters: Mapping[str, str], token: str) -> dict[str, Any]:
        return access.proven(
            self.errand.connection,
            token,
            lambda proof: self._once(path, {**parameters, **proof}, token),
            lambda failure: isinstance(failure, WrongProof),
        )

    def _once(self, path: str, parameters: Mapping[str, str], token: str) -> dict[str, Any]:
        pace = pace_of(self.name)
        try:
            pace.wait()
        except TryLater as failure:
            raise Resting(str(failure), failure.after_seconds) from None
        url = f"{self.base}/{path}?{urlencode(parameters)}"
        wire.check(self.errand.connection, "GET", url)
        with self.errand.client.get(url, self.hosts, _bearer(token)) as answer:
            pace.told(answer.headers)
            if answer.status == 200:
                told = answer.json()
                if isinstance(told, dict) and "error" not in told:
                    return told
                raise TryLater("Graph's answer is no JSON object")
            text = b"".join(answer.chunks(JSON_BYTES)).decode("utf-8", "replace")
        refusal = failure_of(answer.status, answer.headers, text, self.name)
        if isinstance(refusal, NotAccepted) and answer.status == 404:
            raise NotAvailable(str(refusal))
        if isinstance(refusal, TryLater) and (refusal.after_seconds or answer.status < 500):
            raise Resting(str(refusal), refusal.after_seconds or STATUS_REST_SECONDS)
        raise refusal


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def graph_media(errand: Errand) -> Iterator[Found]:
    """WhatsApp's media: an address is asked for each time, since it lives five minutes."""
    if errand.age > GRAPH_MEDIA_LIVES:
        raise Outlived(f"Meta keeps a file for {GRAPH_MEDIA_LIVES.days} days")
    graph = _Graph(errand)
    own = errand.connection.value("phone_number_id")
    told = graph.get(errand.text("media_id"), **({"phone_number_id": own} if own else {}))
    size = str(told.get("file_size") or "")
    if size.isdigit() and int(size) > MOST_BYTES:
        raise NotAllowed(f"larger than {MOST_BYTES // 1_000_000} MB, the most that is fetched")
    url = told.get("url")
    if not isinstance(url, str):
        raise TryLater("Meta gave no address for this file")
    expected = digest(errand.source.get("sha256")) or digest(told.get("sha256"))
    with errand.followed(url, graph.credentials) as answer:
        if not is_there(answer):
            # The address was made a moment ago for a file that Graph knows.
            raise TryLater(f"{answer.host} does not have the file")
        yield Found(answer, expected)


@contextmanager
def by_url(errand: Errand) -> Iterator[Found]:
    """Files of Messenger and Instagram: no credentials, and an address that dies after days."""
    with ExitStack() as opened:
        answer = opened.enter_context(errand.followed(errand.text("url"), {}))
        if answer.status in DEAD:
            opened.close()
            try:
                fresh = _fresh_url(errand)
            except NeedsAdmin as failure:
                # Files whose address still lives need no token: they are fetched all the same.
                raise TryLater(str(failure)) from None
            answer = opened.enter_context(errand.followed(fresh, {}))
        if answer.status in DEAD or not is_there(answer):
            raise errand.gone("Meta does not have this file")
        yield Found(answer)


def _fresh_url(errand: Errand) -> str:
    """The address that the file of this message has now."""
    told = _Graph(errand).get(errand.provider_message_id, fields="attachments")
    attachments = told.get("attachments")
    listed = attachments.get("data") if isinstance(attachments, dict) else None
    index = errand.source.get("index") or 0
    if not isinstance(listed, list) or not isinstance(index, int) or not 0 <= index < len(listed):
        raise errand.gone("Meta does not have this file")
    entry = listed[index] if isinstance(listed[index], dict) else {}
    of_kind = [entry.get(key) for key in ("image_data", "video_data", "audio_data", "file_data")]
    addresses = [data.get("url") for data in of_kind if isinstance(data, dict)]
    addresses += [entry.get("file_url"), entry.get("url")]
    fresh = next((url for url in addresses if isinstance(url, str) and url), None)
    if fresh is None:
        raise errand.gone("Meta does not have this file")
    return fresh


def digest(text: Any) -> bytes | None:
    """A SHA-256 that a provider wrote in hex or in base64; None where it is neither."""
    if not isinstance(text, str):
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=None, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == 32 else None


#: Every kind of source that is fetched. A mail's part is not: the mail is held already.
KINDS: dict[str, Kind] = {
    "twilio_media": Kind(opened=twilio_media),
    "twilio_recording": Kind(opened=twilio_recording, limit_bytes=MOST_RECORDING_BYTES),
    "graph_media": Kind(opened=graph_media, failures_per_hour=GRAPH_FAILURES_PER_HOUR),
    "url": Kind(opened=by_url),
}
