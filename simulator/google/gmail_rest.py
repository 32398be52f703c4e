"""Gmail API v1, the calls that read.

Follows https://developers.google.com/workspace/gmail/api/reference/rest. `respond` is one function
of method, path and query, so that a single call and a call inside a batch cannot differ.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulator.faults import Faults
from simulator.google import gmail_parts, gmail_search
from simulator.google.gmail_errors import Answer, ErrorAnswer
from simulator.google.gmail_tokens import GmailTokens
from simulator.store.mail import plain_text, rfc822
from simulator.store.records import Mail
from simulator.store.state import State
from simulator.world.catalogue import ALIASES, MAILBOX, SHOP

WATCH_DAYS, MOST_PER_PAGE = 7, 500
UNITS = {
    "profile": 1,
    "messages": 5,
    "message": 20,
    "attachment": 20,
    "history": 2,
    "labels": 1,
    "watch": 100,
    "stop": 50,
    "settings": 1,
}
SYSTEM_LABELS = (
    "INBOX",
    "SENT",
    "DRAFT",
    "SPAM",
    "TRASH",
    "UNREAD",
    "STARRED",
    "IMPORTANT",
    "CHAT",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
)
KINDS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}


class GmailRest:
    """The mailbox as the API shows it."""

    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.tokens = GmailTokens(state, faults)
        self._built: OrderedDict[str, bytes] = OrderedDict()

    # -- calls -------------------------------------------------------------------------------------

    def respond(self, method: str, target: str, body: dict[str, Any], authorization: str) -> Answer:
        """One API call. `target` is path and query."""
        split = urlsplit(target)
        query = parse_qs(split.query, keep_blank_values=True)
        try:
            if not self.tokens.authorised(authorization):
                raise ErrorAnswer(401, "Request had invalid authentication credentials.")
            wrong = self.state.contract.gmail(method, split.path, query)
            if wrong:
                raise ErrorAnswer(400, f"Invalid request: {wrong}")
            return self._call(
                method, split.path.removeprefix("/gmail/v1/users/").split("/"), query, body
            )
        except ErrorAnswer as refusal:
            return refusal.answer()

    def _call(
        self, method: str, steps: list[str], query: dict[str, list[str]], body: dict[str, Any]
    ) -> Answer:
        if steps[0].replace("%40", "@") not in ("me", MAILBOX):
            raise ErrorAnswer(404)
        match (method, steps[1:]):
            case ("GET", ["profile"]):
                return self._spend("profile", self._profile)
            case ("GET", ["messages"]):
                return self._spend("messages", lambda: self._list(query))
            case ("GET", ["messages", identity]):
                return self._spend("message", lambda: self._get(identity, query))
            case ("GET", ["messages", identity, "attachments", part]):
                return self._spend("attachment", lambda: self._attachment(identity, part))
            case ("GET", ["history"]):
                return self._spend("history", lambda: self._history(query))
            case ("GET", ["labels"]):
                return self._spend(
                    "labels",
                    lambda: {
                        "labels": [{"id": x, "name": x, "type": "system"} for x in SYSTEM_LABELS]
                    },
                )
            case ("GET", ["settings", "sendAs"]):
                return self._spend("settings", self._send_as)
            case ("POST", ["watch"]):
                return self._spend("watch", lambda: self._watch(body))
            case ("POST", ["stop"]):
                self._spend("stop", dict)
                self.state.record({"what": "watch", "until_ms": 0})
                return 204, None
        raise ErrorAnswer(404)

    def _spend(self, call: str, work: Callable[[], dict[str, Any]]) -> Answer:
        if self.faults.hit("http_429"):
            raise ErrorAnswer(429)
        if self.faults.hit("http_500"):
            raise ErrorAnswer(503)
        if self.faults.hit("gmail_rate_limit") or self.faults.over_quota(UNITS[call]):
            retry = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            raise ErrorAnswer(403, f"User-rate limit exceeded.  Retry after {retry}")
        return 200, work()

    def _profile(self) -> dict[str, Any]:
        return {
            "emailAddress": MAILBOX,
            "messagesTotal": len(self.state.mails),
            "threadsTotal": len({m.thread_id for m in self.state.mails}),
            "historyId": str(self.state.history_id),
        }

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        size = _page_size(query)
        wanted, hidden = set(query.get("labelIds", [])), {"SPAM", "TRASH"}
        if query.get("includeSpamTrash", ["false"])[0].lower() == "true" or wanted & hidden:
            hidden = set()
        try:
            test, after_ms = gmail_search.read(query.get("q", [""])[0])
        except ValueError:
            raise ErrorAnswer(400, "Invalid q") from None
        token = query.get("pageToken", [""])[0]
        mails = self.state.mails
        end = len(mails)
        if token:
            try:
                last = int(token)
            except ValueError:
                raise ErrorAnswer(400, "Invalid pageToken") from None
            end = bisect_left(mails, (last >> 20, f"{last:016x}"), key=lambda m: m.order)
        found: list[Mail] = []
        for index in range(end - 1, -1, -1):
            mail = mails[index]
            if mail.received_ms < after_ms or len(found) > size:
                break
            if wanted <= set(mail.labels) and not hidden & set(mail.labels) and test(mail):
                found.append(mail)
        answer: dict[str, Any] = {"resultSizeEstimate": min(len(found), size) if not token else 201}
        if found:
            answer["messages"] = [{"id": m.id, "threadId": m.thread_id} for m in found[:size]]
        if len(found) > size:
            answer["nextPageToken"] = str(int(found[size - 1].id, 16))
        return answer

    def _mail(self, identity: str) -> Mail:
        mail = self.state.find_mail(identity)
        if mail is None:
            raise ErrorAnswer(404)
        return mail

    def _raw(self, mail: Mail) -> bytes:
        """The built message; the last few hundred are kept."""
        if mail.id not in self._built:
            self._built[mail.id] = rfc822(mail, self.state.find_mail)
            if len(self._built) > 256:
                self._built.popitem(last=False)
        return self._built[mail.id]

    def _get(self, identity: str, query: dict[str, list[str]]) -> dict[str, Any]:
        mail, form = self._mail(identity), query.get("format", ["full"])[0].lower()
        raw = self._raw(mail)
        shown: dict[str, Any] = {
            "id": mail.id,
            "threadId": mail.thread_id,
            "labelIds": mail.labels,
            "snippet": gmail_parts.snippet(
                "" if mail.raw else plain_text(mail, self.state.find_mail)
            ),
            "sizeEstimate": len(raw),
            "historyId": str(mail.history_id),
            "internalDate": str(mail.received_ms),
        }
        if form == "raw":
            shown["raw"] = gmail_parts.encode(raw)
        elif form in ("full", "metadata"):
            shown["payload"] = gmail_parts.payload(
                raw, bodies=form == "full", wanted=query.get("metadataHeaders", [])
            )
        elif form != "minimal":
            raise ErrorAnswer(400, "Invalid value for format")
        return shown

    def _attachment(self, identity: str, attachment_id: str) -> dict[str, Any]:
        data = gmail_parts.attachment(self._raw(self._mail(identity)), attachment_id)
        if data is None:
            raise ErrorAnswer(400, "Invalid attachment token")
        return {"size": len(data), "data": gmail_parts.encode(data)}

    def _history(self, query: dict[str, list[str]]) -> dict[str, Any]:
        start, size, now = (
            query.get("startHistoryId", [""])[0],
            _page_size(query),
            self.state.history_id,
        )
        if not start.isdigit():
            raise ErrorAnswer(400, "Missing or invalid startHistoryId")
        floor = max(self.state.history_floor, int(self.faults.values["expire_history_before"]))
        if int(start) < floor or int(start) > now:
            raise ErrorAnswer(404)
        token = query.get("pageToken", [start])[0]
        if not token.isdigit():
            raise ErrorAnswer(400, "Invalid pageToken")
        kinds, label = set(query.get("historyTypes", [])), query.get("labelId", [""])[0]
        found = [
            c
            for c in self.state.changes_after(max(int(token), int(start)))
            if (not kinds or c[1] in kinds) and (not label or label in c[4] or label in c[5])
        ]
        answer: dict[str, Any] = {"historyId": str(now)}
        if found:
            answer["history"] = [_change(c) for c in found[:size]]
        if len(found) > size:
            answer["nextPageToken"] = str(found[size - 1][0])
        return answer

    def _send_as(self) -> dict[str, Any]:
        main = {
            "sendAsEmail": MAILBOX,
            "displayName": SHOP,
            "isPrimary": True,
            "isDefault": True,
            "signature": "",
        }
        return {
            "sendAs": [
                main,
                *(
                    {
                        "sendAsEmail": a,
                        "displayName": SHOP,
                        "isDefault": False,
                        "treatAsAlias": True,
                        "verificationStatus": "accepted",
                    }
                    for a in ALIASES
                ),
            ]
        }

    def _watch(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("topicName") != self.state.accounts.pubsub_topic:
            raise ErrorAnswer(400, "Invalid topicName does not match the topics of this project")
        until = int((time.time() + WATCH_DAYS * 86_400) * 1000)
        self.state.record({"what": "watch", "until_ms": until})
        return {"historyId": str(self.state.history_id), "expiration": str(until)}


def _page_size(query: dict[str, list[str]]) -> int:
    try:
        return max(1, min(MOST_PER_PAGE, int(query.get("maxResults", ["100"])[0])))
    except ValueError:
        raise ErrorAnswer(400, "Invalid maxResults") from None


def _change(change: tuple[int, str, str, str, list[str], list[str]]) -> dict[str, Any]:
    history_id, kind, identity, thread, labels, changed = change
    message: dict[str, Any] = {"id": identity, "threadId": thread}
    detailed: dict[str, Any] = {
        "message": message if kind == "messageDeleted" else {**message, "labelIds": labels}
    }
    return {
        "id": str(history_id),
        "messages": [message],
        KINDS[kind]: [detailed | {"labelIds": changed} if changed else detailed],
    }
