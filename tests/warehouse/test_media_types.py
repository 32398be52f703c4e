"""One list of types of files, for what we find in bytes, what we send, what we say, and what dbt writes."""

from __future__ import annotations

import ast
import re

from media import sniff
from tests.test_conventions import ROOT, tracked
from warehouse.media_types import inline_types, media_types, pictures, plain_type

TYPE = re.compile(r"(?:image|audio|video|application|text)/[a-z0-9][a-z0-9.+-]*")


def literals(*patterns: str) -> dict[str, set[str]]:
    """File -> types that stand in it as a word of their own."""
    found = {}
    for file in tracked(*patterns):
        name = file.relative_to(ROOT).as_posix()
        if name.startswith(("tests/", "simulator/", "benchmarks/")):
            continue
        if file.suffix == ".py":
            nodes = ast.walk(ast.parse(file.read_text()))
            words = [node.value for node in nodes if isinstance(node, ast.Constant)]
            types = {word for word in words if isinstance(word, str) and TYPE.fullmatch(word)}
        else:
            types = set(re.findall(rf"'({TYPE.pattern})'", file.read_text()))
        if types:
            found[name] = types
    return found


def test_whatever_is_found_in_bytes_is_of_the_list() -> None:
    found = literals("media/sniff.py")["media/sniff.py"]
    assert len(found) > 40
    assert {plain_type(each) for each in found} <= set(media_types())
    assert {each for _, _, each in sniff.MAGIC} <= set(media_types())


def test_what_dbt_writes_is_of_the_list() -> None:
    written = set().union(*literals("dbt_project/*.sql", "warehouse/queries/*.sql").values())
    assert written
    assert {plain_type(each) for each in written} <= set(media_types())


def test_no_other_module_lists_types() -> None:
    """One or two that mean something of their own are no list; nor is what the structure of a mail is made of, and what
    a page calls its parts where they have no name."""
    listed = {name for name, types in literals("*.py").items() if len(types) > 3}
    assert listed <= {"app/views/attachment_html.py", "mail/parts.py", "media/sniff.py"}, listed


def test_no_program_is_shown_and_every_type_has_one_name() -> None:
    assert not inline_types() & {"image/svg+xml", "text/html", "application/pdf", "application/xml"}
    assert pictures() == {"image/png", "image/jpeg", "image/gif", "image/webp"}
    assert all(each.startswith(("image/", "audio/", "video/")) for each in inline_types())
    names = [other for each in media_types().values() for other in each.also_written]
    assert len(names) == len(set(names))
    assert not set(names) & set(media_types())
    for each in media_types().values():
        assert TYPE.fullmatch(each.media_type)
        assert re.fullmatch(r"(\.[a-z0-9]+)?", each.ending)
        assert {plain_type(f"{other.upper()}; x=1") for other in each.also_written} <= {
            each.media_type
        }


def test_what_a_system_would_start_gets_no_ending() -> None:
    dangerous = {"application/x-msdownload", "application/x-executable", "text/x-script"}
    assert {media_types()[each].ending for each in dangerous} == {""}
