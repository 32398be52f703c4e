"""A list that is imported from a page: what its process says, who was shown, and what is said where it says nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import importing
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

SHARED = "name;phone;email\nSam;0491570006;\nSomebody;0491570156;ann@example.com\nNew;0491570157;\n"
LIST = b"name,phone,email\nSam,0491570006,\nJo,0491570157,\n"


def quiet(words: str, share: float) -> None:
    """Nobody looks at the bar."""


def test_a_preview_names_whom_it_showed(
    correspondence: Correspondence, agent: Viewer, programs: None
) -> None:
    sam = correspondence.customer("Samuel", "phone:+61491570006")
    kim = correspondence.customer("Kim", "phone:+61491570156")
    ann = correspondence.customer("Ann", "email:ann@example.com")
    correspondence.customer("Not in it", "phone:+61491570158")
    found = importing.preview(agent, "list.csv", SHARED.encode(), lambda *_: None)
    # One is known by another name, one line would be two people's, and one is new.
    assert (found["made"], found["matched"], found["refused_count"]) == (1, 1, 1)
    assert "Kim" in found["refused"][0]["reason"]
    (event,) = correspondence.events("customer.preview")
    assert sorted(event["customer_ids"]) == sorted([sam, kim, ann])
    assert event["detail"] == {"file": "list.csv", "lines": 3}
    assert correspondence.execute("select count(*) from crm.customers") == [(4,)]


def test_a_list_is_previewed_and_imported(
    correspondence: Correspondence, agent: Viewer, programs: None
) -> None:
    correspondence.customer("Sam", "phone:+61491570006")
    told = importing.preview(agent, "list.csv", LIST, quiet)
    assert (told["made"], told["matched"]) == (1, 1)
    done = importing.carry_out(agent, "list.csv", LIST, quiet)
    assert (done["made"], done["matched"], len(done["decision_ids"])) == (1, 1, 1)


@pytest.mark.parametrize(
    "dying",
    [
        pytest.param("import sys; sys.stdin.buffer.read()", id="at its end"),
        pytest.param("import os; os._exit(9)", id="before it read"),
        pytest.param(
            "import sys; sys.stdin.buffer.read(); sys.stdout.write('{\"res'); sys.stdout.flush()",
            id="in the middle of a word",
        ),
    ],
)
def test_a_process_that_ended_without_a_word_is_told_of_truly(
    dying: str, agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the list was stored just before is not known: that nothing was imported may be untrue."""

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", dying], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    monkeypatch.setattr(importing, "_started", started)
    much = LIST + b"Kim,,kim@example.com\n" * 100_000
    with pytest.raises(Refused, match="all of the list was imported, or nothing of it"):
        importing.carry_out(agent, "list.csv", much, quiet)
    with pytest.raises(Refused, match="not read to its end: try again"):
        importing.preview(agent, "list.csv", much, quiet)
