"""What of a file could not be decoded: damage, or nothing but tags and padding."""

from __future__ import annotations

from typing import Any

PADDING = 16 * 1024
"""Bytes of padding at the end of a file that are no sound; more may be a download that was never finished."""

BYTE = 3
"""Bytes of a packet too short for any codec's frame."""

REST = 9
"""Bytes at the end of a file that are too few for a packet: the longest header of AAC (ADTS) alone has as many."""

ELEMENTARY = ("aac", "ac3", "dts", "eac3", "loas", "mp3")
"""Demuxers of bare frames: the position of a packet is its own in the file, and tags stand between the frames."""

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""How tags begin that programs write behind, or between, the frames of MP3 and AAC."""


class Damage:
    """Counts the pieces of a recording that were lost. Pieces at its very end may be padding, so they wait."""

    def __init__(self, demuxer: str, size: int) -> None:
        """`size` of the file in bytes."""
        self._size = size if demuxer in ELEMENTARY else 0
        self._lost = 0  # pieces that sound follows
        self._waiting: list[bytes | None] = []  # those after the last sound; None where not even a packet was read
        self._tag_ends = -1  # byte
        self._read = 0  # bytes up to the end of the last packet

    def is_in_tag(self, packet: Any) -> bool:
        """Whether a packet is a piece of a tag, such as its picture, which a demuxer may take for sound."""
        self._read = max(self._read, (packet.pos or 0) + packet.size)
        if packet.pos is None or packet.pos >= self._tag_ends:
            return False
        self._note(packet, self._tag_ends - packet.pos)
        return True

    def is_tag(self, packet: Any) -> bool:
        """Whether a packet that could not be decoded begins a tag."""
        if not self._size or not bytes(packet).startswith(TAGS):
            return False
        self._note(packet, 0)
        return True

    def _note(self, packet: Any, at: int) -> None:
        """Remember where a tag ends that begins `at` bytes into a packet, if one does; none ends behind the file."""
        end = _tag_end(packet, at)
        if self._tag_ends < end <= self._size:
            self._tag_ends = end

    def failed(self, packet: Any = None) -> None:
        """Take note of a packet that could not be decoded, or of one that could not be read."""
        rest = b"" if 0 <= self._size - self._read <= REST else None
        data = rest if packet is None else bytes(packet)
        size = sum(len(piece or b"") for piece in self._waiting)
        self._waiting.append(data if data is not None and size + len(data) <= PADDING else None)

    def sounded(self) -> None:
        """Take note of sound: what failed before it was in the midst of the recording."""
        self._lost += len(self._waiting)
        self._waiting.clear()

    def count(self, *, complete: bool) -> int:
        """Return how many pieces were lost. `complete`: there was as much sound as the file states."""
        padding = complete or all(map(_is_padding, self._waiting))
        return self._lost if padding else self._lost + len(self._waiting)


def _is_padding(piece: bytes | None) -> bool:
    return piece is not None and (len(piece) <= BYTE or not piece.strip(piece[:1]))


def _tag_end(packet: Any, at: int) -> int:
    """Return the byte behind an ID3v2 tag that begins `at` bytes into a packet; -1 where none does.

    Source: ID3v2.4.0, section 3.1: seven bits of each of the size's four bytes count.
    """
    head = bytes(packet)[max(at, 0) :][:10]
    if packet.pos is None or len(head) < 10 or not head.startswith(b"ID3") or max(head[6:]) > 0x7F:
        return -1
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return int(packet.pos) + max(at, 0) + 10 + size
