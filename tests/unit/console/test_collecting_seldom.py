from __future__ import annotations

import gc

import pytest

from console.watching import COLLECT_OBJECTS, _collecting_seldom


def test_the_collector_is_left_as_it_was_found() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    def fail() -> None:
        with _collecting_seldom():
            assert gc.get_threshold() == (COLLECT_OBJECTS, *before[1:])
            assert gc.get_freeze_count() > frozen
            raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        fail()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
