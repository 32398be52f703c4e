"""Which requests the providers describe: paths, methods, names of parameters, from their own published descriptions.

A real provider lets much pass that it does not know, and then does something else than was meant. This one refuses it
and remembers it (`GET /simulator/contract`), so that a request which only works here is found here.

`specifications/` says of each name where and when it was taken from; Gmail's description ships with its client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "specifications"
#: Steps of a path that are words of Graph's; everything else is an id.
WORDS = {
    step
    for edge in json.loads((FOLDER / "graph_edges.json").read_text())["edges"]
    for step in edge["path"].split("/")
    if not step.startswith("{")
}
FILE_ENDINGS = ("", ".mp3", ".wav")


@cache
def specification(name: str) -> dict[str, Any]:
    """One file of `specifications/`."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


@cache
def fields(kind: str) -> frozenset[str]:
    """What may be subscribed of a kind of account: page, instagram, whatsapp_business_account."""
    return frozenset(specification("meta_fields")["fields"][kind]["names"])


@cache
def overridden() -> frozenset[str]:
    """The fields that an account's own address carries at WhatsApp."""
    return frozenset(specification("meta_fields")["override"]["names"])


class Contract:
    """What was asked, and what of it no provider describes."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.unknown: list[str] = []

    def twilio(self, method: str, path: str, query: Iterable[str], form: Iterable[str]) -> str:
        """ "" for a request that Twilio describes, else what is unknown of it."""
        return self._note(
            "twilio", method, path, (*query, *form), twilio(method, path, query, form)
        )

    def graph(self, method: str, steps: list[str], names: Iterable[str], kind: str) -> str:
        """As `twilio`; `kind` is whose token asks: whatsapp, instagram, messenger or app."""
        shown = "/".join(step if step in WORDS else "{id}" for step in steps)
        return self._note("graph", method, shown, names, graph(method, steps, names, kind))

    def gmail(self, method: str, path: str, names: Iterable[str]) -> str:
        return self._note("gmail", method, path, names, gmail(method, path, names))

    def _note(self, api: str, method: str, path: str, names: Iterable[str], wrong: str) -> str:
        bare = re.sub(r"[A-Z]{2}[0-9a-f]{32}", "{sid}", path)
        line = f"{api} {method} {bare} {','.join(sorted(set(names)))}"
        self.asked.add(line)
        if wrong:
            self.unknown.append(f"{line}: {wrong}")
        return wrong


def twilio(method: str, path: str, query: Iterable[str], form: Iterable[str]) -> str:
    """What Twilio's description does not know of a request; "" where it knows all."""
    for template, methods in specification("twilio_paths")["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        whole = re.fullmatch(pattern, path)
        # The file of a resource lies beside it.
        beside = "Sid}.json" in template and any(
            re.fullmatch(pattern.removesuffix(r"\.json") + re.escape(ending), path)
            for ending in FILE_ENDINGS
        )
        if not whole and not beside:
            continue
        if method not in methods or (beside and not whole and method != "GET"):
            return f"{method} is not described"
        known = methods[method]
        paging = {"Page", "PageToken", "PageSize"} & set(known["query"])
        extra = sorted(
            (set(query) - set(known["query"]) - paging) | (set(form) - set(known["form"]))
        )
        return f"unknown parameters: {', '.join(extra)}" if extra else ""
    return "no such path"


def graph(method: str, steps: list[str], names: Iterable[str], kind: str) -> str:
    """What Meta's descriptions do not know of a request; "" where they know all."""
    description = specification("graph_edges")
    everywhere = set(description["everywhere"]["names"])
    if kind == "instagram":
        everywhere.discard("appsecret_proof")
    for edge in description["edges"]:
        template = edge["path"].split("/")
        fits = len(template) == len(steps) and all(
            each == step or (each.startswith("{") and step not in WORDS)
            for each, step in zip(template, steps, strict=True)
        )
        if not fits or not set(names) <= everywhere | set(edge.get(method, [])):
            continue
        if method in edge:
            return ""
    return f"{method} {'/'.join(steps)} with {', '.join(sorted(set(names)))} is not described"


@cache
def _gmail() -> tuple[list[tuple[str, re.Pattern[str], frozenset[str]]], frozenset[str]]:
    """Gmail's methods and parameters, of the description that the client of Google uses."""
    cached = files("googleapiclient.discovery_cache") / "documents" / "gmail.v1.json"
    told = json.loads(cached.read_text())
    found: list[tuple[str, re.Pattern[str], frozenset[str]]] = []

    def take(resources: dict[str, Any]) -> None:
        for resource in resources.values():
            for each in resource.get("methods", {}).values():
                path = re.sub(
                    r"\\\{\+?\w+\\\}", "[^/]+", re.escape(each.get("flatPath", each["path"]))
                )
                names = frozenset(each.get("parameters", {}))
                found.append((each["httpMethod"], re.compile(f"/{path}"), names))
            take(resource.get("resources", {}))

    take(told["resources"])
    return found, frozenset(told["parameters"])


def gmail(method: str, path: str, names: Iterable[str]) -> str:
    """What Gmail's description does not know of a request; "" where it knows all."""
    methods, everywhere = _gmail()
    for asked, pattern, known in methods:
        if asked == method and pattern.fullmatch(path):
            extra = sorted(set(names) - known - everywhere)
            return f"unknown parameters: {', '.join(extra)}" if extra else ""
    return "no such method"
