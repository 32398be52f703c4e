"""Two hosts under load: two versions side by side, and struck in turn (benchmarks/hosts.py, benchmarks/upgrade.py)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import hosts, upgrade
from benchmarks.fleet import Fleet, fleet
from benchmarks.throwaway import ROOT
from tests.built import built
from tests.long_form import LONG

#: In the short form one person is at work, and these are struck at once; in the long one everything is, on a replica.
STRUCK = ("receiver of the first host killed", "app of the second host killed")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server of another user may lie, which pytest's folders do not let in."""
    with tempfile.TemporaryDirectory(prefix="crm-hosts-") as made:
        yield Path(made)


def nothing_is_lost(outcome: hosts.Outcome) -> None:
    people = outcome.people
    assert outcome.failure is None
    assert outcome.acknowledged > 50
    assert (outcome.lost, outcome.doubled, outcome.landed_twice) == (0, 0, 0)
    assert (people.signed_out, people.unseen, outcome.signed_out) == ([], [], 0)
    assert (outcome.miscounted, outcome.without_event) == ([], 0)
    # All three kinds, so each person decided and saw it.
    assert people.decided.keys() == {"tag", "assign", "link"}


def struck(on: Fleet) -> float:
    (receiver, app) = (kind for kind in hosts.KINDS if kind.name in STRUCK)
    receiver.strike(on)
    return app.strike(on)


@pytest.mark.timeout(600 if LONG else 300)
def test_the_former_version_works_on_the_new_schema_follows_and_is_struck(
    folder: Path, programs: None
) -> None:
    try:
        former = upgrade.former_version(folder / "former")
    except upgrade.NoHistory as why:
        # A copy without its history has no former version in it; the run says so.
        pytest.skip(str(why))
    key = built(folder / "database").master_keys[0]
    with (
        fleet(folder, key=key, codes=(ROOT, former), with_replica=False) as on,
        hosts.under_load(on, hosts.PEOPLE if LONG else hosts.PEOPLE[:1]) as playing,
    ):
        upgrade.upgrade(playing, 20 if LONG else 0)
        # Not one webhook is refused or left without an answer: what a receiver that stops does not take the other takes.
        assert playing.unanswered == (0, 0)
        assert playing.load.unheard > 0
        assert playing.deciders.noted.told_wrongly == []
        assert {host.code for host in on.hosts} == {ROOT}
        playing.step("struck", struck)
    nothing_is_lost(playing.outcome)
    assert "struck" in playing.outcome.back


@pytest.mark.skipif(
    not LONG,
    reason="a minute and a half: each part by itself is struck by others (CRM_TEST_LONG=1)",
)
@pytest.mark.timeout(1800)
def test_whatever_is_struck_nothing_is_lost_and_everybody_sees_what_they_decided(
    folder: Path, programs: None
) -> None:
    key = built(folder / "database").master_keys[0]
    with fleet(folder, key=key) as on:
        outcome = hosts.play(on, len(hosts.KINDS))
    nothing_is_lost(outcome)
    assert outcome.back.keys() == {kind.name for kind in hosts.KINDS}
    # It was felt, and the replica did serve.
    assert outcome.passed_on + outcome.broken > 0
    assert outcome.read_on_replica > 50
    assert max(took for _, took in outcome.people.sights) < hosts.PAGE_SECONDS
