"""A large recording is sent in parts, a few at once; what breaks off is one part, and not the whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tiro.upload import PartUrl

AT_ONCE = 4
"""Parts on the way. One connection seldom fills a line; more than a few help nobody."""

CHUNK_BYTES = 256 * 1024

OnUpload = Callable[[int, int], None]
"""Told how many bytes are sent, of how many. Goes back when something has to be sent again."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@dataclass
class Sending:
    """One file on its way. `put` sends a part and returns its ETag; `sign` gets addresses for parts."""

    path: Path
    size: int  # bytes of the file
    part_size: int
    put: Callable[[PartUrl, Callable[[], Iterator[bytes]]], str]
    sign: Callable[[Sequence[int]], Sequence[PartUrl]]
    on_upload: OnUpload | None = None
    etags: dict[int, str] = field(default_factory=dict)  # of the parts that are there
    _urls: dict[int, PartUrl] = field(default_factory=dict)
    _done: dict[int, int] = field(default_factory=dict)  # bytes of each part
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def send(self, urls: Sequence[PartUrl] = ()) -> Mapping[int, str]:
        """Send what is not there yet; return the ETags of all parts. Raises what `put` raises, and OSError."""
        self._urls = {url.number: url for url in urls}
        numbers = range(1, -(-self.size // self.part_size) + 1)
        self._done = {number: self._size(number) for number in numbers if number in self.etags}
        missing = [number for number in numbers if number not in self.etags]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [pool.submit(self._send_part, number) for number in missing]
            try:
                finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            if any(future.exception() for future in finished):
                pool.shutdown(cancel_futures=True)  # what is on its way may arrive: it need not be sent again
        for future in futures:
            if not future.cancelled() and (error := future.exception()):
                raise error
        return self.etags

    def _send_part(self, number: int) -> None:
        etag = self.put(self._url(number), lambda: self._chunks(number))
        with self._lock:
            self.etags[number] = etag

    def _url(self, number: int) -> PartUrl:
        with self._lock:
            if number not in self._urls:
                self._urls |= {url.number: url for url in self.sign(self._next_after(number))}
            return self._urls[number]

    def renewed(self, number: int) -> PartUrl:
        """Return another address for a part whose own has expired."""
        with self._lock:
            self._urls |= {url.number: url for url in self.sign([number])}
            return self._urls[number]

    def _next_after(self, number: int) -> Sequence[int]:
        last = -(-self.size // self.part_size)
        return [n for n in range(number, min(last, number + 99) + 1) if n not in self.etags]

    def _size(self, number: int) -> int:
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def _chunks(self, number: int) -> Iterator[bytes]:
        """Yield a part's bytes, read anew at every try. Raises OSError when the file is not what it was."""
        start, size, sent = (number - 1) * self.part_size, self._size(number), 0
        with self.path.open("rb") as file:
            file.seek(start)
            while sent < size:
                self._tell(number, sent)
                chunk = file.read(min(CHUNK_BYTES, size - sent))
                if self._stop.is_set():
                    raise Stopped
                if not chunk:
                    raise OSError(f"{os.fspath(self.path)} became shorter while it was read.")
                sent += len(chunk)
                yield chunk
        self._tell(number, sent)

    def _tell(self, number: int, sent: int) -> None:
        if self.on_upload:
            with self._lock:
                self._done[number] = sent
                self.on_upload(sum(self._done.values()), self.size)
