"""A recording in a store, read as a file: seekable, streamed in ranges, never held whole."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import TYPE_CHECKING

from tiro.job import Media
from tiro.ports import MediaStore

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 256 * 1024
"""Bytes of one cached block: half a minute of a podcast, a second of studio sound."""

MAX_RUN = 16
"""Most blocks fetched by one range read. Reading straight on doubles the run, a seek starts again at one."""


class BudgetSpent(OSError):
    """A reader that may read only so much wanted more."""


class RangeFile(io.RawIOBase):
    """A read-only file over `MediaStore.read`. Keeps at most `cache_blocks` blocks in memory.

    Opening reads nothing; `media.size` must be known, else ValueError. Whatever the store raises
    (MediaNotFound, ServiceUnavailable) comes out of the read that met it. With a `budget`, in bytes, the
    read that would fetch more than that in all raises BudgetSpent instead.
    """

    def __init__(
        self,
        store: MediaStore,
        media: Media,
        *,
        block: int = BLOCK,
        cache_blocks: int = 2 * MAX_RUN,
        budget: int | None = None,
    ) -> None:
        super().__init__()
        if media.size is None:
            raise ValueError("A RangeFile needs to know the size of its recording.")
        self._store, self._media, self._size = store, media, media.size
        self._block, self._budget = block, budget
        self._max_run = max(1, min(MAX_RUN, cache_blocks // 2))
        self._capacity = max(1, cache_blocks)
        self._cache: OrderedDict[int, bytes] = OrderedDict()  # block number -> its bytes, oldest use first
        self._position = 0
        self._run = 1
        self._next = 0  # the block that reading straight on would want next
        self.fetched = 0  # bytes, in all

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("A file has no negative positions.")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target) and self._position < self._size:
            number, offset = divmod(self._position, self._block)
            piece = self._get(number)[offset : offset + len(target) - done]
            if not piece:  # the store had less than it said: that is where the file ends
                break
            target[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return done

    def close(self) -> None:
        self._cache.clear()
        super().close()

    def _get(self, number: int) -> bytes:
        if number not in self._cache:
            self._fetch(number)
        self._cache.move_to_end(number)
        return self._cache[number]

    def _fetch(self, number: int) -> None:
        run = self._run = min(2 * self._run, self._max_run) if number == self._next else 1
        left = self._size if self._budget is None else self._budget - self.fetched
        run = max(1, min(run, left // self._block))
        start = number * self._block
        end = min(start + run * self._block, self._size)
        if self._budget is not None and end - start > left:
            raise BudgetSpent(f"Read {self.fetched} bytes of at most {self._budget}, and wanted more.")
        data = self._store.read(self._media, start, end)
        self.fetched += len(data)
        self._next = number + run
        for i in range(run):
            self._cache[number + i] = data[i * self._block : (i + 1) * self._block]
        while len(self._cache) > self._capacity:
            self._cache.popitem(last=False)
