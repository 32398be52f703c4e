"""`./crm demo`: what was begun and not filled is stopped, whatever ended it; what ran before goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from operations.commands import demo
from operations.runtime import launch, running


@dataclass(frozen=True)
class Started:
    """As much of a launch as a demonstration that is never filled looks at."""

    is_ours: bool


@pytest.mark.parametrize("ended_by", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize(
    ("is_new", "is_ours", "stopped"), [(True, True, 1), (True, False, 0), (False, True, 0)]
)
def test_half_a_demonstration_is_stopped(
    ended_by: type[BaseException], is_new: bool, is_ours: bool, stopped: int,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fill(started: Started, is_new: bool) -> None:
        raise ended_by

    ends: list[Path] = []
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(launch, "interruptible", lambda: None)
    monkeypatch.setattr(launch, "launch", lambda *_, **__: (Started(is_ours), is_new))
    monkeypatch.setattr(demo, "_fill", fill)
    monkeypatch.setattr(running, "stop", ends.append)
    with pytest.raises(ended_by):
        demo.demo(data_dir=tmp_path)
    assert ends == [tmp_path] * stopped
