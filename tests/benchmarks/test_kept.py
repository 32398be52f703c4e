"""A store that was kept serves the next benchmark as it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import kept
from benchmarks.storing import Store
from tests.long_form import LONG


@pytest.mark.skipif(not LONG, reason="makes and builds a warehouse of its own")
def test_a_store_is_made_once_and_worked_on_as_a_copy(
    tmp_path: Path, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kept.STORES_VARIABLE, str(tmp_path))
    with kept.stored(300, 100) as (_, store):
        assert store.counted() == 300
        store.add(10)
    monkeypatch.delattr(Store, "fill")
    with kept.stored(300, 100) as (on, store):
        assert store.counted() == 300
        assert store.last == 300
        folder = on.folder
    assert not folder.exists()
    # Another number of messages is another store.
    with pytest.raises(AttributeError, match="fill"), kept.stored(200, 100):
        pass
