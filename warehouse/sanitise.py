"""What PostgreSQL can store of what a provider sent: text without NUL and without lone surrogates.

Raw bytes stay as they are elsewhere; only text and JSON on their way into a table pass through here
(docs/providers/README.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson

REPLACEMENT = "\ufffd"
#: In a Python text every surrogate is a lone one: pairs were joined when it was decoded.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: What orjson writes as `json` does; of numbers with a point it does not always.
WRITTEN_ALIKE = {str, int, bool, type(None)}
#: Deeper JSON is none of these providers' making; PostgreSQL would refuse it at some depth too.
GREATEST_DEPTH = 254


def sanitised_text(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD."""
    return UNSTORABLE.sub(REPLACEMENT, text)


def sanitised(value: Any, *, deepest: int = GREATEST_DEPTH) -> Any:
    """A JSON value with every text in it, keys too, made storable. What is so already is not copied.

    Args:
        deepest: what lies deeper is left out.
    """
    try:
        # Refuses lone surrogates and what is deeper than GREATEST_DEPTH; a NUL it can only write as an escape.
        if b"\\u0000" not in orjson.dumps(value):
            return value
    except TypeError:
        pass
    return _replaced(value, deepest)


def _replaced(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return sanitised_text(value)
    if levels <= 0:
        return None
    if isinstance(value, dict):
        return {
            sanitised_text(str(key)): _replaced(item, levels - 1) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_replaced(item, levels - 1) for item in value]
    return value


def version_of(value: Any) -> str:
    """SHA-256, in hex, of the canonical JSON: sorted keys, no spaces, UTF-8."""
    return hashlib.sha256(_canonical(value)).hexdigest()


def _canonical(value: Any) -> bytes:
    """As `json` writes it, by orjson where that writes it alike: it is ten times as quick."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        if _is_written_alike(value):
            return text
    except TypeError:
        pass
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _is_written_alike(value: Any) -> bool:
    values = value.values() if type(value) is dict else value if type(value) is list else [value]
    others = set(map(type, values)) - WRITTEN_ALIKE
    return others <= {dict, list} and all(
        _is_written_alike(each) for each in values if type(each) in others
    )
