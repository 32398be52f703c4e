"""What the tests know of Meta's webhooks by themselves: the proof, and the shape of a payload."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

from .conftest import Received

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads"


def genuine(request: Received, secret: str) -> dict[str, Any]:
    """The body, once its signature is proven and it is written as Meta writes it."""
    digest = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    text = request.body.decode("ascii")
    assert not re.search(r"\\u[0-9a-f]*[A-F]", text), "upper-case hex"
    assert not re.search(r"(?<!\\)/", text), "a bare slash"
    parsed = json.loads(text)
    compact = json.dumps(parsed, separators=(",", ":")).replace("/", "\\/")
    assert compact == text
    return dict(parsed)


def sample(channel: str, name: str) -> dict[str, Any]:
    """The recorded payload of that name."""
    recorded = json.loads((PAYLOADS / channel / f"{name}.json").read_text())
    return dict(json.loads(recorded["body_raw"]))


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of keys with the type at its end; the elements of a list share one path."""
    if isinstance(value, dict):
        return {p for key, inner in value.items() for p in shape(inner, f"{path}.{key}")}
    if isinstance(value, list):
        return {p for inner in value for p in shape(inner, f"{path}[]")} or {f"{path}[]"}
    return {f"{path}: {type(value).__name__}"}
