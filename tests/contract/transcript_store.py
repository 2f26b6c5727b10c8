"""What a TranscriptStore promises."""

from __future__ import annotations

from abc import abstractmethod

import pytest

from tests.factories import make_segment, make_transcript
from tiro.errors import NotStorable, TranscriptUnavailable
from tiro.ports import TranscriptStore

KEY = "inbox/ada/ä b+c%20d\"e'.mp3.txt"


class TranscriptStoreContract:
    @pytest.fixture
    def store(self) -> TranscriptStore:
        raise NotImplementedError

    @abstractmethod
    def content(self, store: TranscriptStore, key: str) -> tuple[bytes, str] | None:
        """Return an object's body and media type, None when it is not there."""

    def test_a_transcript_comes_back_as_it_went_in(self, store: TranscriptStore) -> None:
        transcript = make_transcript(
            make_segment("„Dictate“, – 日本語 🎤\u2028", start=0.1 + 0.2), make_segment(start=1 / 3), language="ja"
        )
        store.put("transcripts/ada/01a/first.json", transcript)
        assert store.get("transcripts/ada/01a/first.json") == transcript

    def test_it_lies_there_as_json(self, store: TranscriptStore) -> None:
        store.put("a.json", make_transcript())
        body, media_type = self.content(store, "a.json") or (b"", "")
        assert body.startswith(b"{")
        assert media_type == "application/json"

    def test_a_transcript_that_is_not_there_is_unavailable(self, store: TranscriptStore) -> None:
        with pytest.raises(TranscriptUnavailable, match="Submit the recording again"):
            store.get("transcripts/ada/01a/first.json")

    def test_a_damaged_transcript_is_unavailable(self, store: TranscriptStore) -> None:
        store.publish("a.json", b'{"version": "1", "te', "application/json", current=lambda: True)
        with pytest.raises(TranscriptUnavailable, match="Submit the recording again"):
            store.get("a.json")

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    @pytest.mark.parametrize("name", ["avg_logprob", "no_speech_prob", "compression_ratio", "start"])
    def test_a_number_that_is_none_is_refused_by_name(self, store: TranscriptStore, name: str, value: float) -> None:
        segment = make_segment().model_copy(update={name: value})
        with pytest.raises(NotStorable, match=f"/segments/0/{name} is {value}, not a finite number"):
            store.put("a.json", make_transcript(make_segment()).model_copy(update={"segments": (segment,)}))
        assert self.content(store, "a.json") is None

    def test_half_a_surrogate_pair_is_refused_by_name(self, store: TranscriptStore) -> None:
        with pytest.raises(NotStorable, match="/text is not valid Unicode"):
            store.put("a.json", make_transcript(text="half of \ud83c"))
        assert self.content(store, "a.json") is None

    # ------------------------------------------------------------ publish

    def test_what_is_current_is_written(self, store: TranscriptStore) -> None:
        assert store.publish(KEY, b"first", "text/plain; charset=utf-8", current=lambda: True)
        assert self.content(store, KEY) == (b"first", "text/plain; charset=utf-8")
        assert store.publish(KEY, b"second", "text/vtt", current=lambda: True)
        assert self.content(store, KEY) == (b"second", "text/vtt")

    def test_what_is_not_current_is_not_written(self, store: TranscriptStore) -> None:
        assert not store.publish(KEY, b"old", "text/plain", current=lambda: False)
        assert self.content(store, KEY) is None
        store.publish(KEY, b"new", "text/plain", current=lambda: True)
        assert not store.publish(KEY, b"old", "text/plain", current=lambda: False)
        assert self.content(store, KEY) == (b"new", "text/plain")

    @pytest.mark.parametrize("there_before", [True, False])
    def test_a_newer_copy_written_meanwhile_is_not_overwritten(
        self, store: TranscriptStore, there_before: bool
    ) -> None:
        if there_before:
            store.publish(KEY, b"oldest", "text/plain", current=lambda: True)
        asked: list[bool] = []

        def current() -> bool:
            """Be current, but slow: a newer write publishes its own between the asking and the writing."""
            asked.append(True)
            if len(asked) == 1:
                store.publish(KEY, b"newer", "text/plain", current=lambda: True)
                return True
            return False

        assert not store.publish(KEY, b"old", "text/plain", current=current)
        assert self.content(store, KEY) == (b"newer", "text/plain")

    def test_an_older_copy_written_meanwhile_is_overwritten(self, store: TranscriptStore) -> None:
        asked: list[bool] = []

        def current() -> bool:
            asked.append(True)
            if len(asked) == 1:
                store.publish(KEY, b"older", "text/plain", current=lambda: True)
            return True

        assert store.publish(KEY, b"new", "text/plain", current=current)
        assert self.content(store, KEY) == (b"new", "text/plain")

    def test_a_copy_withdrawn_meanwhile_is_written_again(self, store: TranscriptStore) -> None:
        store.publish(KEY, b"old", "text/plain", current=lambda: True)

        def current() -> bool:
            store.withdraw(KEY)
            return True

        assert store.publish(KEY, b"new", "text/plain", current=current)
        assert self.content(store, KEY) == (b"new", "text/plain")

    # ------------------------------------------------------------ lend

    def test_what_is_lent_lies_there_and_has_an_address(self, store: TranscriptStore) -> None:
        for body in (b"first", b"second"):
            url = store.lend("renderings/ada/01a/ä.vtt", body, "text/vtt; charset=utf-8", seconds=60)
            assert url.startswith("https://")
            assert "renderings/ada/01a/" in url
            assert self.content(store, "renderings/ada/01a/ä.vtt") == (body, "text/vtt; charset=utf-8")

    def test_withdrawn_is_gone_and_may_be_so_already(self, store: TranscriptStore) -> None:
        store.publish(KEY, b"old", "text/plain", current=lambda: True)
        store.withdraw(KEY)
        store.withdraw(KEY)
        assert self.content(store, KEY) is None

    def test_all_under_a_prefix_is_erased_and_nothing_else(self, store: TranscriptStore) -> None:
        for key in ("transcripts/ada/01a/1.json", "transcripts/ada/01a/2.json", "transcripts/ada/01ab/1.json"):
            store.put(key, make_transcript())
        for _ in range(2):
            store.erase("transcripts/ada/01a/")
        assert self.content(store, "transcripts/ada/01a/1.json") is None
        assert self.content(store, "transcripts/ada/01a/2.json") is None
        assert self.content(store, "transcripts/ada/01ab/1.json")
