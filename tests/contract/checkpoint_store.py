"""What a CheckpointStore promises."""

from __future__ import annotations

from abc import abstractmethod

import pytest

from tests.fakes_checkpoints import stretch_of
from tiro.errors import NotStorable
from tiro.ports import CheckpointStore


class CheckpointStoreContract:
    @pytest.fixture
    def store(self) -> CheckpointStore:
        raise NotImplementedError

    @abstractmethod
    def damage(self, store: CheckpointStore, key: str) -> None:
        """Write something else there."""

    def test_a_part_comes_back_as_it_went_in(self, store: CheckpointStore) -> None:
        store.put("checkpoints/ada/01a/x/000000.json", stretch_of(3))
        assert store.get("checkpoints/ada/01a/x/000000.json") == stretch_of(3)

    def test_what_is_gone_or_damaged_is_none(self, store: CheckpointStore) -> None:
        assert store.get("checkpoints/ada/01a/x/000000.json") is None
        self.damage(store, "checkpoints/ada/01a/x/000001.json")
        assert store.get("checkpoints/ada/01a/x/000001.json") is None

    def test_what_would_not_read_back_is_refused_by_name(self, store: CheckpointStore) -> None:
        key = "checkpoints/ada/01a/x/000000.json"
        with pytest.raises(NotStorable, match="/end is nan, not a finite number"):
            store.put(key, stretch_of(0).model_copy(update={"end": float("nan")}))
        with pytest.raises(NotStorable, match="/resume is not valid Unicode"):
            store.put(key, stretch_of(0).model_copy(update={"resume": "\udc00"}))
        assert store.get(key) is None

    def test_a_jobs_parts_go_together(self, store: CheckpointStore) -> None:
        keys = [
            "checkpoints/ada/01a/x/000000.json",
            "checkpoints/ada/01a/y/000000.json",
            "checkpoints/ada/01b/x/0.json",
        ]
        for key in keys:
            store.put(key, stretch_of(0))
        store.erase("checkpoints/ada/01a/")
        assert [store.get(key) is None for key in keys] == [True, True, False]
        store.erase("checkpoints/ada/01a/")
