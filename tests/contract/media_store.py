"""What a MediaStore promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pytest

from tiro.errors import MediaNotFound
from tiro.ports import MediaStore
from tiro.request import S3Object

KEYS = [
    "plain.mp3",
    "a b.mp3",
    "a+b.mp3",
    "a%20b%.mp3",
    'it\'s "quoted"; $(x).mp3',
    "naïve – 日本語 🎤.mp3",
    "a#b?c&d=e",
]


class World(Protocol):
    """What owners do to a bucket."""

    bucket: str

    def put(
        self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None, content_type: str = ...
    ) -> str: ...
    def tag(self, key: str, tags: Mapping[str, str]) -> None: ...
    def delete(self, key: str) -> None: ...


class MediaStoreContract:
    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError

    @pytest.fixture
    def store(self, world: World) -> MediaStore:
        raise NotImplementedError

    # ------------------------------------------------------------ head

    def test_head_says_what_the_object_is(self, store: MediaStore, world: World) -> None:
        version = world.put("inbox/ada/a.mp3", b"hello", content_type="audio/mpeg")
        media = store.head(S3Object(bucket=world.bucket, key="inbox/ada/a.mp3")).media
        assert (media.bucket, media.key, media.version) == (world.bucket, "inbox/ada/a.mp3", version)
        assert (media.size, media.content_type, media.name) == (5, "audio/mpeg", "a.mp3")
        assert media.etag
        assert media.duration is None

    def test_metadata_and_tags_come_by_their_names_in_lower_case(self, store: MediaStore, world: World) -> None:
        world.put("inbox/ada/a.mp3", b"hello", metadata={"Language": "de", "name": "Ein Brief.mp3"})
        info = store.head(S3Object(bucket=world.bucket, key="inbox/ada/a.mp3"))
        assert info.metadata == {"language": "de", "name": "Ein Brief.mp3"}
        assert info.media.name == "Ein Brief.mp3"

    def test_a_tag_has_the_last_word(self, store: MediaStore, world: World) -> None:
        world.put("a.mp3", b"hello", metadata={"language": "de", "kind": "letter"})
        world.tag("a.mp3", {"Language": "fr", "name": "Une lettre.mp3"})
        info = store.head(S3Object(bucket=world.bucket, key="a.mp3"))
        assert info.metadata == {"language": "fr", "kind": "letter", "name": "Une lettre.mp3"}
        assert info.media.name == "Une lettre.mp3"

    def test_head_of_a_version_is_of_that_version(self, store: MediaStore, world: World) -> None:
        old = world.put("a.mp3", b"old", metadata={"language": "de"})
        world.put("a.mp3", b"newer", metadata={"language": "fr"})
        info = store.head(S3Object(bucket=world.bucket, key="a.mp3"), old)
        assert (info.media.version, info.media.size, info.metadata["language"]) == (old, 3, "de")
        assert store.head(S3Object(bucket=world.bucket, key="a.mp3")).media.size == 5

    def test_what_was_never_there_is_not_found(self, store: MediaStore, world: World) -> None:
        for source in (S3Object(bucket=world.bucket, key="a.mp3"), S3Object(bucket="no-such-bucket", key="a.mp3")):
            with pytest.raises(MediaNotFound):
                store.head(source)

    def test_what_was_deleted_is_not_found(self, store: MediaStore, world: World) -> None:
        world.put("a.mp3", b"hello")
        media = store.head(S3Object(bucket=world.bucket, key="a.mp3")).media
        world.delete("a.mp3")
        with pytest.raises(MediaNotFound):
            store.head(S3Object(bucket=world.bucket, key="a.mp3"))
        with pytest.raises(MediaNotFound):
            store.read(media, 0, 5)

    # ------------------------------------------------------------ read

    @pytest.mark.parametrize("key", KEYS)
    def test_a_key_is_taken_as_it_stands(self, store: MediaStore, world: World, key: str) -> None:
        world.put(f"inbox/ada/{key}", key.encode())
        media = store.head(S3Object(bucket=world.bucket, key=f"inbox/ada/{key}")).media
        assert media.name == key
        assert store.read(media, 0, 1000) == key.encode()

    @pytest.mark.parametrize("sized", [True, False])
    def test_read_gives_a_range_and_never_more_than_there_is(
        self, store: MediaStore, world: World, sized: bool
    ) -> None:
        world.put("a.mp3", b"0123456789")
        media = store.head(S3Object(bucket=world.bucket, key="a.mp3")).media
        media = media if sized else media.model_copy(update={"size": None})
        ranges = [(0, 10), (0, 1), (3, 7), (9, 10), (8, 99), (10, 12), (99, 100), (5, 5)]
        assert [store.read(media, *r) for r in ranges] == [b"0123456789"[slice(*r)] for r in ranges]

    def test_an_empty_object_is_there_and_has_no_bytes(self, store: MediaStore, world: World) -> None:
        world.put("empty.wav", b"")
        media = store.head(S3Object(bucket=world.bucket, key="empty.wav")).media
        assert media.size == 0
        assert store.read(media, 0, 100) == b""
        assert store.read(media.model_copy(update={"size": None}), 0, 100) == b""

    def test_what_was_replaced_is_read_as_it_was(self, store: MediaStore, world: World) -> None:
        world.put("a.mp3", b"what was said")
        media = store.head(S3Object(bucket=world.bucket, key="a.mp3")).media
        world.put("a.mp3", b"something else altogether")
        assert store.read(media, 5, 13) == b"was said"

    def test_without_a_version_what_was_replaced_is_gone(self, store: MediaStore, world: World) -> None:
        world.put("a.mp3", b"what was said")
        media = store.head(S3Object(bucket=world.bucket, key="a.mp3")).media
        world.put("a.mp3", b"something else altogether")
        with pytest.raises(MediaNotFound):
            store.read(media.model_copy(update={"version": None}), 0, 5)

    # ------------------------------------------------------------ upload

    def test_an_upload_says_exactly_what_to_send(self, store: MediaStore) -> None:
        upload = store.presign_upload("uploads/ada/01a", content_type="audio/mpeg", size=5, seconds=60)
        assert upload.method == "PUT"
        assert upload.headers == {"Content-Type": "audio/mpeg", "Content-Length": "5"}
        assert "uploads/ada/01a" in str(upload.url)
        assert upload.expires_at.utcoffset() is not None

    def test_an_upload_asks_for_nothing_that_is_not_known(self, store: MediaStore) -> None:
        assert store.presign_upload("uploads/ada/01a", content_type=None, size=None, seconds=60).headers == {}

    def test_an_upload_for_longer_expires_later(self, store: MediaStore) -> None:
        short, long = (store.presign_upload("a", content_type=None, size=None, seconds=s) for s in (60, 3600))
        assert short.expires_at < long.expires_at

    # ------------------------------------------------------------ keep

    @pytest.mark.parametrize("content_type", [None, "audio/mpeg"])
    def test_what_is_kept_is_read_as_it_was_whatever_comes_after(
        self, store: MediaStore, world: World, content_type: str | None
    ) -> None:
        kept = store.keep("uploads/ada/01a", b"what was said", content_type=content_type)
        store.keep("uploads/ada/01a", b"something else", content_type=None)
        assert (kept.bucket, kept.key, kept.size) == (world.bucket, "uploads/ada/01a", 13)
        assert kept.content_type == content_type
        assert store.read(kept, 0, 99) == b"what was said"

    # ------------------------------------------------------------ list

    def test_keys_come_in_their_order_and_in_pages(self, store: MediaStore, world: World) -> None:
        for name in sorted(KEYS, reverse=True):
            world.put(f"inbox/ada/{name}", b"1")
        world.put("inbox/adam/a.mp3", b"1")
        world.put("inbox/ada/gone.mp3", b"1")
        world.delete("inbox/ada/gone.mp3")
        prefix, found, more = S3Object(bucket=world.bucket, key="inbox/ada/"), list[str](), True
        while more:
            page, more = store.keys(prefix, after=found[-1] if found else None, limit=3)
            assert len(page) <= 3
            found += page
        assert found == sorted(f"inbox/ada/{name}" for name in KEYS)
        assert store.keys(prefix, after=None, limit=len(KEYS))[1] is False

    # ------------------------------------------------------------ erase

    def test_what_is_erased_is_gone_in_every_version_and_nothing_else_is(self, store: MediaStore, world: World) -> None:
        versions = [world.put("uploads/ada/01a", body) for body in (b"first", b"second")]
        world.delete("uploads/ada/01a")
        world.put("uploads/ada/01a", b"third")
        world.put("uploads/ada/01ab", b"another")
        for _ in range(2):
            store.erase(S3Object(bucket=world.bucket, key="uploads/ada/01a"))
        for version in (None, *versions):
            with pytest.raises(MediaNotFound):
                store.head(S3Object(bucket=world.bucket, key="uploads/ada/01a"), version)
        assert store.head(S3Object(bucket=world.bucket, key="uploads/ada/01ab")).media.size == 7
