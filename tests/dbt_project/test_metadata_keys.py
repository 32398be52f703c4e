"""The keys of `provider_metadata`: what staging writes is what is listed, and what pages read is of it."""

from __future__ import annotations

import csv
import re

from tests.test_conventions import ROOT, tracked

LIST = ROOT / "dbt_project" / "seeds" / "metadata_keys.csv"


def listed() -> dict[str, str]:
    with LIST.open(newline="") as file:
        return {row["name"]: row["meaning"] for row in csv.DictReader(file)}


def arguments(text: str, opening: int) -> tuple[list[str], int]:
    """What stands between the commas of a call, and where it is closed."""
    found, depth, quoted, position = [""], 0, False, opening
    while position < len(text):
        character = text[position]
        if quoted:
            quoted = character != "'"
        elif text.startswith("--", position):
            position = text.index("\n", position)
            continue
        elif character == "'":
            quoted = True
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth == 0:
                return [each.strip() for each in found], position
        elif character == "," and depth == 1:
            found.append("")
            position += 1
            continue
        found[-1] += "" if position == opening else character
        position += 1
    raise AssertionError("a call that never ends")


def written() -> dict[str, str]:
    """Key -> a file of dbt that writes it."""
    found = {}
    for file in tracked("dbt_project/*.sql"):
        text = file.read_text()
        for call in re.finditer(r"jsonb_build_object\(", text):
            pairs, end = arguments(text, call.end() - 1)
            if re.match(r"\)\)?( end)?( as metadata\b)", text[end:]):
                found |= {key.strip("'"): file.name for key in pairs[::2]}
        for of_texts in re.findall(
            r"object_of_texts\(\[((?:(?! as ).)+?) as metadata\b", text, re.DOTALL
        ):
            keys = re.findall(r"^ *\('(\w+)', ", of_texts, re.MULTILINE)
            for call in re.finditer(r"jsonb_build_object\(", of_texts):
                pairs, _ = arguments(of_texts, call.end() - 1)
                keys += [key.strip("'") for key in pairs[::2]]
            found |= dict.fromkeys(keys, file.name)
        # A fact that has one thing to tell; and the call, which a fold computes from all copies.
        found |= dict.fromkeys(re.findall(r"""then '\{\\?"(\w+)\\?": true\}'""", text), file.name)
        found |= dict.fromkeys(
            re.findall(r"provider_metadata, '\{\}'\) \|\| jsonb_build_object\('(\w+)'", text),
            file.name,
        )
    return found


def test_what_staging_writes_is_listed_and_nothing_else_is() -> None:
    found = written()
    assert len(found) > 60
    assert {key: file for key, file in found.items() if key not in listed()} == {}
    assert set(listed()) - set(found) == set()


def test_every_key_says_what_it_means() -> None:
    assert list(listed()) == sorted(listed())
    assert all(meaning.endswith(".") for meaning in listed().values())


def test_what_pages_read_is_listed() -> None:
    """In pages `told` is what one provider tells, and comes from one function."""
    read: dict[str, str] = {}
    for file in tracked("app/*.py"):
        text = file.read_text()
        read |= dict.fromkeys(
            re.findall(r'\b(?:told|metadata\(row\))\.get\(\s*"(\w+)"', text), file.name
        )
        if file.name != "shapes.py":
            assert '"provider_metadata"' not in text, f"{file.name} takes it by itself"
        for name in re.findall(r"(?<!def )\bmetadata\(row\)\)?\.(\w+)", text):
            assert name == "get", file.name
    assert len(read) > 25
    assert {key: file for key, file in read.items() if key not in listed()} == {}


def test_what_statements_read_is_listed() -> None:
    read = {
        key
        for file in tracked("dbt_project/*.sql", "warehouse/*.sql")
        for key in re.findall(r"provider_metadata ->>? '(\w+)'", file.read_text())
    }
    assert read
    assert read <= set(listed())
