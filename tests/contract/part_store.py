"""What a PartStore promises."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tiro.errors import InvalidRequest, NoUploadOpen
from tiro.ports import MediaStore, PartStore
from tiro.request import S3Object

KEY = "uploads/ada/01a"
FULL = bytes(5 << 20)  # S3 takes no smaller part, but for the last


class Stores(NamedTuple):
    parts: PartStore
    media: MediaStore
    bucket: str


class PartStoreContract:
    @pytest.fixture
    def stores(self) -> Stores:
        raise NotImplementedError

    def test_parts_become_an_object(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type="audio/mpeg")
        etags = [stores.parts.put(KEY, upload, number, body) for number, body in enumerate((FULL, b"end"), 1)]
        assert [(p.number, p.etag, p.size) for p in stores.parts.parts(KEY, upload)] == [
            (1, etags[0], len(FULL)),
            (2, etags[1], 3),
        ]
        stores.parts.complete(KEY, upload, etags)
        media = stores.media.head(S3Object(bucket=stores.bucket, key=KEY)).media
        assert (media.size, media.content_type) == (len(FULL) + 3, "audio/mpeg")
        assert stores.media.read(media, len(FULL) - 1, 10**9) == b"\0end"

    def test_a_part_may_be_sent_again(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type=None)
        stores.parts.put(KEY, upload, 1, b"wrong")
        etag = stores.parts.put(KEY, upload, 1, b"right")
        assert [(p.number, p.etag) for p in stores.parts.parts(KEY, upload)] == [(1, etag)]

    def test_complete_once_more_is_no_error(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type=None)
        etags = [stores.parts.put(KEY, upload, 1, b"all")]
        stores.parts.complete(KEY, upload, etags)
        stores.parts.complete(KEY, upload, etags)

    def test_parts_that_are_not_so_do_not_become_an_object(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type=None)
        stores.parts.put(KEY, upload, 1, b"all")
        for etags in ([], ['"0123456789abcdef0123456789abcdef"']):
            with pytest.raises(InvalidRequest):
                stores.parts.complete(KEY, upload, etags)

    def test_what_was_abandoned_takes_no_more(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type=None)
        stores.parts.put(KEY, upload, 1, b"all")
        stores.parts.abandon(KEY, upload)
        stores.parts.abandon(KEY, upload)
        for call in (
            lambda: stores.parts.put(KEY, upload, 2, b"more"),
            lambda: stores.parts.parts(KEY, upload),
            lambda: stores.parts.complete(KEY, upload, ['"x"']),
        ):
            with pytest.raises(NoUploadOpen):
                call()

    def test_a_part_has_a_url_of_its_own(self, stores: Stores) -> None:
        upload = stores.parts.begin(KEY, content_type=None)
        urls = [stores.parts.presign(KEY, upload, number, size=5, seconds=60) for number in (1, 2)]
        assert urls[0] != urls[1]
        assert all(KEY in url for url in urls)
